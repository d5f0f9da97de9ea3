import pytest

from gate.datasets import parse_dataset
from gate.domain import Score, Unscored
from gate.evaluation import Suite, starter_suites
from gate.families import FAMILIES, family_of
from gate.policy import FamilyRule, MatchRule
from gate.selfcheck import REFUSAL, check_suite
from gate.selfcheck_text import text

RULE = FamilyRule(severity="advisory", margin=0.05)
LINES = '{"id": "a", "input": {"prompt": "One?"}, "target": "1"}\n\n{"id": "b", "input": {"prompt": "Two of them?"}, "target": "2"}\n'


class Answers:
    """A family whose scores are looked up by answer."""

    metric = "share"

    def __init__(self, values):
        self.values = values

    def check(self, sample):
        return []

    def prompt(self, sample):
        return ()

    def reference(self, sample):
        return {"1": "one", "2": "two"}[sample.target]

    def score(self, sample, completion):
        found = self.values[completion.text]
        if isinstance(found, str):
            raise ZeroDivisionError(found)
        return Unscored(reason="no sandbox here") if found is None else Score(value=found, reason="as told")


def suite(values, lines=LINES):
    return Suite(
        name="mine", rule=RULE, family=Answers(values), dataset=parse_dataset(lines.encode(), source="d.jsonl")
    )


def test_check_suite__means_of_the_four_answers():
    found = check_suite(suite({"one": 1, "two": 1, "": 0.25, REFUSAL: 0.5}), seed=1)
    assert {probe: mean.value for probe, mean in found.means.items()} == {
        "reference": 1,
        "empty": 0.25,
        "refusal": 0.5,
        "another's": 1,
    }
    assert (found.samples, found.clusters, found.problems, found.undecided) == (2, 2, (), ())
    assert [note for note in found.notes if "another" in note] == [
        'the answer "another\'s" scores 100.0: little room is left to see a loss in'
    ]


def test_check_suite__a_single_sample_has_no_other_to_take_an_answer_of():
    found = check_suite(suite({"one": 1, "": 0, REFUSAL: 0}, LINES.split("\n", maxsplit=1)[0]), seed=1)
    assert (found.means["reference"].value, found.means["another's"].value) == (1, None)
    assert not any("another" in note for note in found.notes)
    assert "– (1 unscored)" in text([found])


def test_check_suite__a_reference_that_does_not_score_one_is_located():
    found = check_suite(suite({"one": 1, "two": 0.5, "": 0, REFUSAL: 0}), seed=1)
    assert [str(one) for one in found.problems] == [
        "d.jsonl:3:1: sample b: its reference answer scores 0.500, not 1 (as told)\n    hint: correct the target, or the input"
    ]


@pytest.mark.parametrize(
    ("value", "reason"), [(None, "no sandbox here"), ("boom", "the scorer failed (ZeroDivisionError)")]
)
def test_check_suite__a_reference_that_cannot_be_scored_is_no_zero(value, reason):
    found = check_suite(suite({"one": 1, "two": value, "": 0, REFUSAL: 0}), seed=1)
    assert found.undecided == (f"references that could not be scored: 1 ({reason})",)
    assert found.problems == ()
    assert (found.means["reference"].value, found.means["reference"].unscored) == (1, 1)
    assert "100.0 (1 unscored)" in text([found])


def test_check_suite__a_target_without_a_reference_is_undecided():
    lines = LINES.replace('"2"', '"3"')
    found = check_suite(suite({"one": 1, "": 0, REFUSAL: 0}, lines), seed=1)
    assert found.undecided == ("references that could not be scored: 1 (the target gives no reference answer)",)


def test_check_suite__another_answer_is_never_ones_own_and_the_same_each_time():
    lines = "".join(f'{{"id": "{n}", "input": {{"prompt": "{n}?"}}, "target": "{n}"}}\n' for n in range(50))
    exact = Suite(
        name="x",
        rule=RULE,
        family=family_of("custom", MatchRule(mode="exact")),
        dataset=parse_dataset(lines.encode(), source="d"),
    )
    assert check_suite(exact, seed=7).means["another's"].value == 0
    alone = Suite(
        name="x", rule=RULE, family=exact.family, dataset=parse_dataset(lines[:60].split("\n")[0].encode(), source="d")
    )
    assert check_suite(alone, seed=7).samples == 1


def test_check_suite__notes_twins_and_lopsided_targets():
    row = '{{"id": "{0}", "input": {{"prompt": "count the {1} in box {0}"}}, "target": "yes"}}\n'
    lines = (
        "".join(row.format(index, "apples") for index in range(3))
        + row.format(3, "pears").replace("box 3", "box 0")
        + row.format(4, "pears").replace("box 4", "box 0")
    )
    exact = family_of("custom", MatchRule(mode="exact"))
    notes = check_suite(
        Suite(name="x", rule=RULE, family=exact, dataset=parse_dataset(lines.encode(), source="d")), seed=1
    ).notes
    assert notes[0] == "repeated inputs: 1 (3 ~ 4)"
    assert notes[1] == "near-duplicates: 3, up to 100 % alike (0 ~ 1, 0 ~ 2, 1 ~ 2)"
    assert notes[2] == "target is 'yes' in 100 % of the samples: always answering so nearly passes"


@pytest.mark.parametrize("one", starter_suites(), ids=lambda one: one.name)
def test_starter_sets__references_score_one_and_nothing_else_comes_near(one):
    found = check_suite(one, seed=1)
    assert found.problems == ()
    assert found.undecided == ()
    assert found.means["reference"].value == 1
    assert all(mean.value <= 0.55 for probe, mean in found.means.items() if probe != "reference")


def test_starter_suites__are_the_registry():
    assert [one.name for one in starter_suites()] == list(FAMILIES)
