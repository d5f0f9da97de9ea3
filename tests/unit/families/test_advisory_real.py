"""On advisories of PyPI written elsewhere: faithful extracts score, planted corruptions cost and are named."""

import json
import re
from pathlib import Path

import pytest

from gate.domain import Completion, Sample
from gate.families.advisory_osv import samples_from_osv
from gate.families.advisory_severity import measured
from gate.families.advisory_summary import AdvisorySummary

DATA = Path(__file__).parents[4] / "shared/data/advisories.jsonl"
FAMILY = AdvisorySummary()


def rows():
    if not DATA.exists():
        pytest.skip("the shared advisories are not on this machine")
    return [json.loads(line) for line in DATA.read_text().splitlines()]


def as_osv(row):
    """The record as its database publishes it."""
    events = [{key: one[key]} for one in row["ranges"] for key in ("introduced", "fixed")]
    affected = {
        "package": {"name": row["package"], "ecosystem": row["ecosystem"]},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    severity = [{"type": "CVSS_V3", "score": one} for one in row["severity"]]
    return {key: row[key] for key in ("id", "aliases", "details")} | {"affected": [affected], "severity": severity}


@pytest.fixture(scope="module")
def pairs():
    found = rows()
    converted = samples_from_osv(map(as_osv, found))
    assert converted.left_out == ()
    return [
        (row, Sample(id=one["id"], input=one["input"], target=one["target"]))
        for row, one in zip(found, converted.rows, strict=True)
    ]


def first(row):
    return row["introduced"] == "0"


RANGES = {
    "signs": lambda one: f">= {one['introduced']}, < {one['fixed']}",
    "signs or one sign": lambda one: f"< {one['fixed']}" if first(one) else f">= {one['introduced']}, < {one['fixed']}",
    "excluding": lambda one: (
        f"all versions before {one['fixed']}"
        if first(one)
        else f"from {one['introduced']} up to (excluding) {one['fixed']}"
    ),
    "before": lambda one: f"before {one['fixed']}" if first(one) else f"{one['introduced']} before {one['fixed']}",
    "prior": lambda one: (
        f"prior to {one['fixed']}" if first(one) else f"starting in {one['introduced']} and prior to {one['fixed']}"
    ),
    "events": lambda one: f"introduced in {one['introduced']}, fixed in {one['fixed']}",
    "interval": lambda one: f"[{one['introduced']}, {one['fixed']})",
    "until": lambda one: f"{one['introduced']} until {one['fixed']}",
}


def extract(row, *, style="before", joint="; ", sentence=True):
    """A faithful extract, made from the record alone and, with `sentence`, the first sentence of its text."""
    said = [f"{row['id']} ({', '.join(row['aliases'])}) affects {row['package']} ({row['ecosystem']})"]
    said[0] += f" {joint.join(RANGES[style](one) for one in row['ranges'])}."
    said.append(f"Fixed in {', '.join(one['fixed'] for one in row['ranges'])}.")
    if row["severity"]:
        _, score, level = measured(row["severity"][0])
        said.append(f"Severity: {level} (CVSS {score}).")
    return " ".join(said + ([re.split(r"(?<=[.!?])\s", row["details"])[0]] if sentence else []))


@pytest.mark.parametrize(("joint", "sentence"), [("; ", True), (", ", False)])
@pytest.mark.parametrize("style", RANGES)
def test_faithful_extracts__score_on_every_row(pairs, style, joint, sentence):
    found = [score(one, extract(row, style=style, joint=joint, sentence=sentence)) for row, one in pairs]
    assert {one.value for one in found} == {1.0}


def score(sample, text):
    return FAMILY.score(sample, Completion(text=text))


def shifted(version, by):
    """The last number of a version raised or lowered."""
    return re.sub(r"(\d+)(?!.*\d)", lambda found: str(max(0, int(found[1]) + by)), version)


def in_part(text, part, old, new):
    """Replaced before (0) or after (1) the words "Fixed in"."""
    parts = text.split("Fixed in")
    parts[part] = parts[part].replace(old, new)
    return "Fixed in".join(parts)


def last_fix(row):
    return row["ranges"][-1]["fixed"]


def other_level(row, text):
    word = "low" if row["severity"] and measured(row["severity"][0])[1] >= 7 else "critical"
    return re.sub(r" Severity: .*?\)\.", "", text) + f" Severity: {word}."


CORRUPTIONS = {
    "fixed version raised": ("fixed version", lambda row, text: in_part(text, 1, last_fix(row), shifted(last_fix(row), 1))),
    "fixed version lowered": ("fixed version", lambda row, text: in_part(text, 1, last_fix(row), shifted(last_fix(row), -1) if shifted(last_fix(row), -1) != last_fix(row) else "0.0.77")),
    "range raised": ("affected range", lambda row, text: in_part(text, 0, f"before {last_fix(row)}", f"before {shifted(last_fix(row), 1)}")),
    "range lowered": ("affected range", lambda row, text: in_part(text, 0, f"before {last_fix(row)}", f"before {shifted(last_fix(row), -1) if shifted(last_fix(row), -1) != last_fix(row) else '0.0.7'}")),
    "identifier added": ("invented: identifier", lambda row, text: text + " It is also known as CVE-2099-12345."),
    "identifier changed": ("identifier", lambda row, text: re.sub(r"CVE-\d+-\d+", "CVE-2099-12345", text)),
    "identifier dropped": ("missing: identifier", lambda row, text: text.replace(row["aliases"][0], "a CVE")),
    "package swapped": ("missing: package; invented: package", lambda row, text: text.replace(row["package"], "requestium")),
    "package added": ("invented: package", lambda row, text: text + " It also affects the package left-pad."),
    "package added in a list": ("invented: package", lambda row, text: text.replace(f"{row['package']} (PyPI)", f"{row['package']} and requestium")),
    "version added": ("invented: version", lambda row, text: text + " Version 99.1.2 is affected as well."),
    "fix added": ("fixed version", lambda row, text: text.replace("Fixed in ", "Fixed in 99.1.2, ")),
    "severity changed": ("severity", other_level),
    "address added": ("invented: URL", lambda row, text: text + " See https://evil.example/fix for details."),
    "weakness added": ("invented: weakness", lambda row, text: text + " Weakness: CWE-1004."),
    "fix denied": ("no fix claimed though there is one", lambda row, text: re.sub(r"Fixed in .*?\.(?=\s|$)", "There is no fix available.", text)),
}  # fmt: skip


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruptions__lower_the_score_on_every_row_and_are_named(pairs, name):
    kind, corrupt = CORRUPTIONS[name]
    for row, sample in pairs:
        found = score(sample, corrupt(row, extract(row, sentence=False)))
        assert found.value < 1, (row["id"], found)
        assert kind in found.reason, (row["id"], found)


def go_rows():
    """Records of Go with weaknesses and pseudo-versions, as OSV."""
    path = DATA.with_name("go_cve_cwe.jsonl")
    if not path.exists():
        pytest.skip("the shared Go records are not on this machine")
    for row in map(json.loads, path.read_text().splitlines()):
        affected = [
            {"package": {"name": one["package"], "ecosystem": "Go"}, "ranges": [{"events": list(go_events(one))}]}
            for one in row["affected"]
        ]
        more = {"affected": affected, "database_specific": {"cwe_ids": row["cwe"]}}
        yield {"id": row["cve"], "aliases": row["aliases"], "summary": row["summary"], "details": row["details"]} | more


def go_events(one):
    for number, introduced in enumerate(one["introduced"] or ["0"]):
        yield {"introduced": introduced}
        yield from ({"fixed": fixed} for fixed in one["fixed"][number : number + 1])


def test_go__references_score_and_another_weakness_is_named():
    converted = samples_from_osv(go_rows())
    assert (len(converted.rows), converted.left_out) == (120, ())
    for row in converted.rows:
        sample = Sample(id=row["id"], input=row["input"], target=row["target"])
        right = FAMILY.reference(sample)
        assert score(sample, right).value == 1
        found = score(sample, re.sub(r"CWE-\d+", "CWE-1004", right))
        assert found.value < 0.7
        assert "missing: weakness" in found.reason
        assert "invented: weakness" in found.reason


def test_page__speaks_of_these_corruptions_and_styles():
    page = (Path(__file__).parents[3] / "docs/families/advisory-summary.md").read_text()
    assert (len(CORRUPTIONS), len(RANGES)) == (16, 8)
    assert "sixteen planted corruptions" in page
    assert "eight ways to write the" in page
