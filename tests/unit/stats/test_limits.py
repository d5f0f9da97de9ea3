"""What a pass rests on: the non-inferiority limits, for graded and clustered scores as for 0/1."""

import numpy as np
import pytest
from scipy import stats

from gate.stats.decision import Unit, decide
from gate.stats.multiplicity import Sizes, discrete_holm
from gate.stats.paired import PairedScores, mcnemar_sizes, student_quantile


def decided(baseline, candidate, *, margin=0.05, clusters=None, binary=False, **more):
    scores = PairedScores(baseline=baseline, candidate=candidate, clusters=clusters, binary=binary)
    return decide(
        [Unit(key="u", scores=scores, margin=margin, severity="blocking", **more)], alpha=0.05, power=0.8, seed=1
    )[0]


@pytest.mark.parametrize("level", [0.9, 0.95, 0.958, 0.99, 0.999])
@pytest.mark.parametrize("freedom", [1, 2, 5.5, 29, 400, 100_000])
def test_student_quantile__agrees_with_scipy(level, freedom):
    assert student_quantile(level, freedom) == pytest.approx(stats.t.ppf(level, freedom), rel=2e-5)


@pytest.mark.parametrize("n", [40, 59, 100])
def test_graded__rare_total_failures_are_not_passed(n):
    # Five points are lost as rare whole failures under small noise: a limit that trusts the seen spread passes 13 %.
    random, runs, passed = np.random.default_rng(n), 400, 0
    for _ in range(runs):
        baseline = np.full(n, 0.95)
        candidate = np.where(random.random(n) < 0.05 / 0.95, 0.0, baseline + random.choice([-0.05, 0, 0.05], n))
        passed += decided(baseline, candidate).outcome in {"unchanged", "improved"}
    assert passed / runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize("n", range(50, 66))
def test_nothing_lost__the_interval_keeps_the_rule_of_three(n):
    result = decided(np.ones(n), np.ones(n), binary=True)
    assert (result.outcome == "unchanged") == (0.95**n <= 0.05)
    assert (result.interval[0] > -0.05) == (result.outcome == "unchanged")


def test_graded__swapping_the_arms_mirrors_outcome_and_p():
    random = np.random.default_rng(3)
    mirror = {"regressed": "improved", "improved": "regressed"}
    for _ in range(100):
        baseline = random.random(40)
        candidate = np.clip(baseline - 0.03 + random.normal(0, 0.08, 40), 0, 1)
        forth, back = decided(baseline, candidate, margin=0.9), decided(candidate, baseline, margin=0.9)
        assert back.outcome == mirror.get(forth.outcome, forth.outcome)


def test_clusters__unequal_sizes_one_huge_cluster_does_not_pass():
    clusters = np.concatenate([np.zeros(200, dtype=np.int64), np.arange(1, 31)])
    assert decided(np.ones(230), np.ones(230), clusters=clusters, binary=True).outcome == "inconclusive"


def test_adding_ties__never_turns_a_pass_into_a_regression():
    lost, gained = np.repeat([1.0, 0.0], [20, 8]), np.repeat([0.0, 1.0], [20, 8])
    for ties in (100, 400, 2000):
        baseline, candidate = np.append(lost, np.ones(ties)), np.append(gained, np.ones(ties))
        assert decided(baseline, candidate, binary=True).p_value == pytest.approx(
            stats.binomtest(20, 28, alternative="greater").pvalue
        )


@pytest.mark.parametrize("total", [0, 1, 6, 33, 500])
def test_mcnemar_sizes__are_the_attainable_tails(total):
    expected = sorted(stats.binom.sf(np.arange(total + 1) - 1, total, 0.5))
    wanted = [p for p in expected if 0 < p < 0.49]  # an odd total has a tail at 1/2 up to rounding
    steps = [p for p in mcnemar_sizes(total).steps if p < 0.49]
    assert steps == pytest.approx(wanted, rel=1e-9)


def test_discrete_holm__never_rejects_less_than_holm_and_keeps_alpha():
    random, runs, false = np.random.default_rng(5), 3000, 0
    holm = [Sizes(floor=0.0)] * 5
    for _ in range(runs):
        moved = random.binomial(400, 0.08, 5)
        p_values = [float(stats.binom.sf(random.binomial(m, 0.5) - 1, m, 0.5)) for m in moved]
        levels = discrete_holm(p_values, [mcnemar_sizes(int(m)) for m in moved], alpha=0.05)
        plain = discrete_holm(p_values, holm, alpha=0.05)
        assert all(level >= old for level, old in zip(levels, plain, strict=True))
        false += any(p <= level for p, level in zip(p_values, levels, strict=True))
    assert false / runs <= 0.05


def test_hopeless_slices__cost_a_family_nothing():
    baseline, candidate = np.ones(400), np.ones(400)
    baseline[:4], candidate[4:18] = 0, 0
    scores = PairedScores(baseline=baseline, candidate=candidate, clusters=None, binary=True)
    few = PairedScores(baseline=np.ones(30), candidate=np.ones(30), clusters=None, binary=True)
    family = Unit(key="f", scores=scores, margin=0.05, severity="blocking")
    slices = [Unit(key=f"s{i}", scores=few, margin=0.15, severity="blocking", is_slice=True) for i in range(8)]
    alone, among = (decide(units, alpha=0.05, power=0.8, seed=1)[0] for units in ([family], [*slices, family][::-1]))
    assert (alone.outcome, alone.interval) == (among.outcome, among.interval)
