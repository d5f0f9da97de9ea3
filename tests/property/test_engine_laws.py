"""Laws of the sequential engine, whatever the answers."""

import numpy as np
from hypothesis import given, settings, strategies as st

from gate.stats.engine import FamilySpec, SliceSpec, plan_looks
from tests.fakes.paired_run import Arms, drive

seeds = st.integers(0, 2**32 - 1)
binary = st.sampled_from([(0.0, 1.0), (0.0, 0.5, 1.0)])


def design(n, *, clusters=None, margin=0.05, repeats=1, slices=()):
    spec = FamilySpec(
        key="f", n=n, margin=margin, severity="blocking", clusters=clusters, repeats=repeats, slices=slices
    )
    return plan_looks([spec], alpha=0.05, power=0.8, seed=3)


def random_arms(seed, n, values, *, missing=0.0):
    """Arms of any quality, either way, with any noise."""
    random = np.random.default_rng(seed)
    chance = np.clip(random.random((2, 1, 1)) + random.normal(0, 0.2, (2, n, 1)), 0, 1)
    draws = random.random((2, n, 6)) < np.where(random.random() < 0.5, chance, chance.mean(axis=0))
    answers = np.where(draws, values[-1], random.choice(values[:-1], (2, n, 6)))
    answers = np.where(random.random(answers.shape) < missing, np.nan, answers)
    return Arms(baseline=answers[0], candidate=answers[1])


def swapped(arms):
    return Arms(baseline=arms.candidate, candidate=arms.baseline)


def fresh(arms):
    return Arms(baseline=arms.baseline, candidate=arms.candidate)


@settings(deadline=None, max_examples=12)
@given(seeds, st.integers(0, 80), binary, st.sampled_from([1, 2]))
def test_swapping_the_arms_mirrors_what_is_shown(seed, n, values, repeats):
    arms, plan = random_arms(seed, n, values), design(n, repeats=repeats)
    forth, back = drive(plan, {"f": arms})["f"], drive(plan, {"f": swapped(arms)})["f"]
    assert not (forth.outcome == back.outcome == "regressed")
    if forth.outcome == "regressed" and forth.stage == "looks":
        assert back.outcome in ("improved", "unchanged")
        assert len(back.looks) <= len(forth.looks)


@settings(deadline=None, max_examples=12)
@given(seeds, st.integers(0, 80), binary, st.booleans())
def test_identical_arms_never_block(seed, n, values, clustered):
    arms = random_arms(seed, n, values)
    arms.candidate = arms.baseline
    clusters = np.arange(n) // 3 if clustered else None
    assert drive(design(n, clusters=clusters), {"f": arms})["f"].outcome in ("unchanged", "inconclusive")


@settings(deadline=None, max_examples=20)
@given(seeds, st.integers(0, 80), binary, st.sampled_from([0.0, 0.01, 0.2]), st.booleans())
def test_an_interval_never_contradicts_its_outcome(seed, n, values, missing, clustered):
    arms = random_arms(seed, n, values, missing=missing)
    members = np.arange(n) % 3 == 0
    part = SliceSpec(key="s", members=members, margin=0.15, severity="blocking")
    clusters = np.arange(n) // 4 if clustered else None
    for one in drive(design(n, clusters=clusters, slices=(part,)), {"f": arms}).values():
        low, high = one.interval
        assert -1 <= low < high <= 1
        assert one.delta is None or low <= one.delta <= high
        assert (high < 0) == (one.outcome == "regressed")
        assert (low > 0) == (one.outcome == "improved")
        assert one.outcome not in ("unchanged", "improved") or low > -one.margin
        assert one.p_value is None or 0 < one.p_value <= 1


@settings(deadline=None, max_examples=12)
@given(seeds, st.integers(20, 80), binary)
def test_the_same_answers_give_the_same_result(seed, n, values):
    arms, plan = random_arms(seed, n, values), design(n)
    again = fresh(arms)
    assert drive(plan, {"f": arms})["f"] == drive(plan, {"f": again})["f"]


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 4))
def test_adding_ties_never_turns_unchanged_into_regressed(lost, gained, times):
    outcomes = [drive(design(n), {"f": fixed(lost, gained, n)})["f"].outcome for n in (150, 150 + 100 * times)]
    assert outcomes != ["unchanged", "regressed"]


def fixed(lost, gained, n):
    baseline, candidate = np.ones((n, 6)), np.ones((n, 6))
    candidate[:lost], baseline[lost : lost + gained] = 0.0, 0.0
    return Arms(baseline=baseline, candidate=candidate)


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(2, 3))
def test_more_of_the_same_never_turns_regressed_into_unchanged(lost, gained, times):
    one, more = fixed(lost, gained, 100), fixed(lost * times, gained * times, 100 * times)
    first, second = (drive(design(len(arms.baseline)), {"f": arms})["f"].outcome for arms in (one, more))
    assert (first, second) != ("regressed", "unchanged")
