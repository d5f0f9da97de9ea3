"""What every starter set must be, whichever families the registry holds."""

import pytest

from datasets.common import CANARY
from gate.dataset_quality import guesses, near_duplicates, repeated_inputs, shingles
from gate.datasets import load_builtin
from gate.families import FAMILIES

LEAST = {"remediation": 60}  # each with a reference patch and wrong ones, all of them run
KINDS = sorted(FAMILIES)


@pytest.mark.parametrize("kind", KINDS)
def test_starter_set__is_large_enough_to_gate_with_a_rare_tail_and_a_canary(kind):
    samples = load_builtin(kind).samples
    assert len(samples) >= LEAST.get(kind, 120)
    rare = sum(one.slices.get("rarity") == "rare" for one in samples)
    assert len(samples) / 10 <= rare < len(samples) / 2
    assert all(one.id.startswith(CANARY) for one in samples)


@pytest.mark.parametrize("kind", KINDS)
def test_starter_set__has_clusters_and_slices_on_every_sample(kind):
    samples = load_builtin(kind).samples
    clusters = [one.cluster for one in samples]
    assert None not in clusters
    assert 10 <= len(set(clusters)) < len(samples)
    assert {frozenset(one.slices) for one in samples} == {frozenset(samples[0].slices)}


@pytest.mark.parametrize("kind", KINDS)
def test_starter_set__holds_no_input_twice_and_no_near_duplicate(kind):
    samples = load_builtin(kind).samples
    assert list(repeated_inputs(samples)) == []
    near = near_duplicates(shingles(samples))
    assert [(samples[one.first].id, samples[one.second].id) for one in near] == []


@pytest.mark.parametrize("kind", KINDS)
def test_starter_set__words_of_the_input_do_not_give_a_verdict_away(kind):
    # Near chance: within ten points of always answering the commonest value, or of evens where there are two.
    for one in guesses(load_builtin(kind).samples):
        assert one.words <= max(one.majority, 1 / one.values) + 0.1, one
