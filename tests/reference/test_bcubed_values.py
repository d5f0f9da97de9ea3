"""gate.families.clusters against published examples, and against the package `bcubed` (see make_bcubed_values.py)."""

import json
from pathlib import Path

import pytest

from gate.families.clusters import agreement

ROWS = json.loads(Path(__file__).with_name("bcubed_values.json").read_text())["rows"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["shape"])
def test_agreement__is_what_the_bcubed_package_says(row):
    found = agreement(row["truth"], row["given"])
    assert (found.precision, found.recall) == (pytest.approx(row["precision"]), pytest.approx(row["recall"]))


@pytest.mark.parametrize(("given", "precision"), [(["abcde", "fghijkl"], 16 / 21), (["abcdehijkl", "fg"], 7 / 12)])
def test_agreement__the_two_answers_of_bagga_and_baldwin(given, precision):
    # Bagga, Baldwin (1998), their example of five, two and five mentions: one wrong link each, precision 76 % and 58 %.
    found = agreement(["abcde", "fg", "hijkl"], given)
    assert (found.precision, found.recall) == (pytest.approx(precision), 1)


def test_agreement__the_example_with_missing_and_invented_ids_of_pradhan_and_others():
    # Pradhan et al. (2014), section 4: key {a b c} {d e f g}, response {a b} {c d} {f g h i}: R 35/84, P 4/8.
    found = agreement(["abc", "defg"], ["ab", "cd", "fghi"])
    assert (found.precision, found.recall) == (pytest.approx(4 / 8), pytest.approx(35 / 84))
    assert (found.missing, found.invented, found.repeated) == (1, 2, 0)
