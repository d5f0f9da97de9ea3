"""Small simulations with fixed seeds: they fail if alpha were spent twice, or a pass were given away.

The limits are three standard errors above the promised rate. The rates themselves are measured by
`make bench-statistics`.
"""

import numpy as np
import pytest

from gate.stats.engine import FamilySpec, SliceSpec, plan_looks
from gate.stats.flips import Band, next_high, survivors
from gate.stats.sequential import boundary
from tests.fakes.paired_run import drive, noisy_arms


def three_errors(rate, runs):
    return rate + 3 * (rate * (1 - rate) / runs) ** 0.5


def test_nothing_changed__families_slices_looks_and_stages_share_one_alpha():
    """At alpha 0.3 a second alpha anywhere (0.5 in all) shows in few runs."""
    random, runs, alpha = np.random.default_rng(20), 150, 0.3
    parts = tuple(
        SliceSpec(key=f"s{i}", members=np.arange(100) // 25 == i, margin=0.3, severity="blocking") for i in range(4)
    )
    specs = [FamilySpec(key=key, n=100, margin=0.04, severity="blocking", slices=parts) for key in "ab"]
    blocked = 0
    for _ in range(runs):
        arms = {key: noisy_arms(random, 100, noise=0.2) for key in "ab"}
        results = drive(plan_looks([specs[0], _renamed(specs[1])], alpha=alpha, power=0.8, seed=1), arms)
        blocked += any(one.outcome == "regressed" for one in results.values())
    assert blocked / runs <= three_errors(alpha, runs)
    assert blocked > 0


def _renamed(spec):
    return FamilySpec(key=spec.key, n=spec.n, margin=spec.margin, severity=spec.severity)


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_a_loss_of_the_whole_margin__rarely_passes(kind):
    random, runs, alpha = np.random.default_rng(21), 150, 0.05
    design = plan_looks([FamilySpec(key="f", n=200, margin=0.08, severity="blocking")], alpha=alpha, power=0.8, seed=1)
    passed = 0
    for _ in range(runs):
        arms = {"f": noisy_arms(random, 200, noise=0.15, drop=0.08, kind=kind)}
        passed += drive(design, arms)["f"].outcome in ("unchanged", "improved")
    assert passed / runs <= three_errors(alpha, runs)


def test_exact_looks__cross_as_often_as_their_recursion_says():
    """Walks of fair coins through the boundaries, stopped where they pass."""
    random, runs = np.random.default_rng(22), 40_000
    steps, spend, passing = (6, 14, 25, 40), (0.01, 0.03, 0.06, 0.1), (-1, 4, 9, 16)
    flips = random.random((runs, steps[-1])) < 0.5
    alive, crossed = np.ones(runs, dtype=bool), 0
    for look in range(1, 5):
        lost = flips[:, : steps[look - 1]].sum(axis=1)
        limit = boundary(steps[:look], spend, passing[:look])
        crossed += int((alive & (lost >= limit.cross)).sum())
        alive &= (lost < limit.cross) & (lost > passing[look - 1])
    assert crossed / runs == pytest.approx(limit.used, abs=0.004)
    assert limit.used <= 0.1


def test_drawn_looks__agree_with_the_exact_recursion():
    random, pairs = np.random.default_rng(23), 40_000
    signs = np.where(random.random((2 * pairs, 40)) < 0.5, 1.0, -1.0)
    steps, spend, bands = (6, 14, 25, 40), (0.01, 0.03, 0.06, 0.1), []
    walks = [signs[:, :size].sum(axis=1) for size in steps]
    for look, walk in enumerate(walks):
        alive, crossed = survivors(walks, bands)
        bands.append(Band(high=next_high(walk, alive, crossed, spend=spend[look], cap=1.0)))
    exact = [2 * boundary(steps[:look], spend).cross - steps[look - 1] for look in range(1, 5)]
    assert [np.ceil(band.high / 2) * 2 for band in bands] == pytest.approx(exact, abs=2)
    assert survivors(walks, bands)[1] / (2 * pairs) <= 0.1
