"""Every family on its starter dataset, and right, partly right, wrong and refused answers."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings, strategies as st

from datasets import build
from gate.datasets import load_builtin
from gate.domain import Completion, Score
from gate.families import FAMILIES, RUNS_CODE
from gate.policy import Kind
from gate.sandbox import isolation

ROOT = Path(__file__).parents[3]
REFUSAL = "I'm sorry, but I can't help with that."
KINDS = sorted(FAMILIES)


def scores(kind, answer):
    family = FAMILIES[kind]()
    if kind == "remediation" and isinstance(isolation(), str):
        pytest.skip(f"patches cannot be run here: {isolation()}")
    return [family.score(one, Completion(text=answer(family, one))).value for one in load_builtin(kind).samples]


def test_registry__has_every_kind():
    assert {*FAMILIES, "custom"} == set(get_args(Kind))


def test_runs_code__names_families_that_there_are():
    assert set(KINDS) >= RUNS_CODE == {"remediation"}


@pytest.mark.parametrize("kind", KINDS)
def test_starter__is_large_enough_distinct_sliced_and_each_reference_scores_one(kind):
    samples, family = load_builtin(kind).samples, FAMILIES[kind]()
    assert len(samples) >= 48
    assert len({family.prompt(one) for one in samples}) == len(samples)
    assert all(one.slices and not family.check(one) for one in samples)
    assert scores(kind, lambda family, one: family.reference(one)) == [1.0] * len(samples)


@pytest.mark.parametrize("kind", KINDS)
def test_starter__empty_and_refused_answers_are_no_way_to_pass(kind):
    for text in ("", REFUSAL):
        found = scores(kind, lambda family, one, text=text: text)
        assert sum(found) / len(found) <= 0.5


def test_starter__files_are_what_the_generator_makes():
    for name, text in build.texts().items():
        assert (ROOT / "gate/starter" / name).read_text() == text


@settings(deadline=None, max_examples=40)
@given(st.text(), st.sampled_from(KINDS))
def test_any_text_scores_within_range(text, kind):
    family, sample = FAMILIES[kind](), load_builtin(kind).samples[0]
    for answer in (text, "{" * 50_000, "[" * 50_000, '{"groups": [[1, "a"], 2]}', "--- a/x\n+++ b/x\n@@ -1 +1 @@"):
        result = family.score(sample, Completion(text=answer))
        assert isinstance(result, Score)
        assert 0 <= result.value <= 1
