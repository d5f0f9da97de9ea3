"""What a unit is said to see, against the exact test's power by scipy."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from gate.stats.sight import Sight, samples_to_see, visible_drop


def sight(n=400, noise=0.08, mean=0.8, alpha=0.01, power=0.8, **more):
    return Sight(n=n, units=n, noise=noise, mean=mean, alpha=alpha, power=power, **more)


def exact_power(n, noise, mean, alpha, drop):
    """Of one-sided exact McNemar: over all counts of discordant samples, the chance of enough losses among them."""
    gained = (1 - drop / mean) * noise / 2
    moved = 2 * gained + drop
    counts = np.arange(1, n + 1)
    chances = stats.binom.pmf(counts, n, moved)
    total = 0.0
    for count, chance in zip(counts[chances > 1e-12], chances[chances > 1e-12], strict=True):
        tails = stats.binom.sf(np.arange(count + 1) - 1, count, 0.5)
        needed = np.flatnonzero(tails <= alpha)
        if needed.size:
            total += chance * stats.binom.sf(needed[0] - 1, count, (gained + drop) / moved)
    return total


CASES = [(n, noise) for n in (30, 100, 400, 1000) for noise in (0.0, 0.03, 0.08, 0.15)]


@pytest.mark.parametrize(("n", "noise"), CASES)
def test_visible_drop__is_caught_with_the_power_that_is_said(n, noise):
    drop = visible_drop(sight(n, noise))
    assert exact_power(n, noise, 0.8, 0.01, drop) >= 0.8 - 1e-6


@pytest.mark.parametrize(("n", "noise"), CASES)
def test_visible_drop__is_not_much_larger_than_need_be(n, noise):
    drop = visible_drop(sight(n, noise))
    assert exact_power(n, noise, 0.8, 0.01, drop * (0.78 if n < 100 else 0.85)) < 0.8


def test_visible_drop__nothing_is_visible_where_nothing_can_reject():
    assert visible_drop(sight(n=6, noise=0.0)) is None  # 0.5^6 > 0.01
    assert visible_drop(sight(n=7, noise=0.0, mean=1.0)) is not None
    assert visible_drop(sight(n=0)) is None
    assert visible_drop(sight(mean=0.01)) is None  # it cannot fall far enough
    assert visible_drop(replace(sight(n=400), units=5)) is None  # five clusters can never reject


def test_visible_drop__what_is_ignored_is_not_seen():
    plain, ignoring = visible_drop(sight()), visible_drop(sight(ignore_below=0.1))
    assert plain < 0.1 < ignoring


SIGHTS = st.builds(
    sight,
    n=st.integers(1, 3000),
    noise=st.one_of(st.just(0.0), st.floats(0.001, 0.4)),
    mean=st.floats(0.05, 1.0),
    alpha=st.floats(0.0005, 0.2),
    power=st.floats(0.5, 0.99),
    ignore_below=st.sampled_from([0.0, 0.0, 0.02]),
)


@given(SIGHTS, st.integers(1, 3000))
@settings(max_examples=300, deadline=None)
def test_law__more_samples_never_make_the_smallest_visible_drop_larger(one, more):
    few, many = visible_drop(one), visible_drop(replace(one, n=one.n + more, units=one.n + more))
    assert few is None or (many is not None and many <= few + 1e-9)


@given(SIGHTS, st.floats(0.005, 0.5))
@settings(max_examples=200, deadline=None)
def test_law__as_many_samples_as_are_said_do_and_fewer_do_not(one, margin):
    needed = samples_to_see(one, margin)
    if needed is None:
        return
    assert visible_drop(replace(one, n=needed, units=needed)) <= margin + 1e-9
    fewer = visible_drop(replace(one, n=needed - 1, units=needed - 1))
    assert fewer is None or fewer > margin - 1e-9
