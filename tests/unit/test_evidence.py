import json
import re
from dataclasses import replace

import pytest

from gate import report
from gate.errors import UsageError
from gate.evidence import Evidence, from_json, to_json
from tests.fakes.evidence import EVIDENCE, flip
from tests.fakes.reports import REPORTS


@pytest.mark.parametrize("evidence", [EVIDENCE, Evidence()])
def test_json__goes_there_and_back(evidence):
    text = to_json(evidence)
    assert from_json(text, file="flips.json") == evidence
    assert json.loads(text)["schema_version"] == 1
    assert len(text.splitlines()) == len(evidence.flips) + 2 + (not evidence.flips)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda value: value.update(schema_version=2), "schema_version"),
        (lambda value: value["flips"][0].update(direction="sideways"), r"flips\.0\.direction"),
        (lambda value: value["flips"][0]["baseline"].update(score="1"), r"flips\.0\.baseline\.score"),
        (lambda value: value["flips"][0].pop("sample_id"), r"flips\.0\.sample_id"),
    ],
)
def test_from_json__is_strict_and_names_the_place(spoil, says):
    value = json.loads(to_json(EVIDENCE))
    spoil(value)
    with pytest.raises(UsageError, match=rf"f\.json: is not a Driftgate flips file: {says}"):
        from_json(json.dumps(value), file="f.json")


@pytest.mark.parametrize("number", ["NaN", "1e999"])
def test_from_json__takes_no_number_that_cannot_be_written_again(number):
    for text, read in ((to_json(EVIDENCE), from_json), (report.to_json(REPORTS["blocked"]), report.from_json)):
        spoiled = re.sub(r'"(score|delta)": ?-?\d[\d.]*', rf'"\1":{number}', text, count=1)
        with pytest.raises(UsageError, match=r"(score|delta): Input should be a finite number"):
            read(spoiled, file="f.json")


def test_to_json__a_nan_is_a_bug():
    broken = replace(flip(), baseline=replace(flip().baseline, score=float("nan")))
    with pytest.raises(ValueError, match="Out of range"):
        to_json(Evidence(flips=(broken,)))
