import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from gate.stats.decision import Unit, decide
from gate.stats.multiplicity import Sizes, discrete_holm
from gate.stats.paired import DRAWS, Evidence, PairedScores, evidence, limit, mcnemar_exact, sign_flip


def pairs(lost, gained, n, clusters=None):
    baseline, candidate = np.ones(n), np.ones(n)
    candidate[:lost] = 0
    baseline[lost : lost + gained] = 0
    return PairedScores(baseline=baseline, candidate=candidate, clusters=clusters, binary=True)


def one(scores, margin=0.05, **more):
    unit = Unit(key="u", scores=scores, margin=margin, severity="blocking", **more)
    return decide([unit], alpha=0.05, power=0.8, seed=1)[0]


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (5, 2), (2, 5), (30, 12), (400, 380), (5000, 4800)])
def test_mcnemar_exact__agrees_with_scipy(b, c):
    expected = stats.binomtest(b, b + c, alternative="greater").pvalue if b + c else 1.0
    assert mcnemar_exact(b, c) == pytest.approx(expected, rel=1e-9)


def test_sign_flip__exact_agrees_with_scipy():
    moved = np.array([-0.5, -0.25, 0.1, -0.3, -0.2, 0.05, -0.4, -0.1])
    expected = stats.permutation_test(
        (moved,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="less"
    ).pvalue
    assert sign_flip(moved, seed=1)[0] == pytest.approx(expected)


def test_sign_flip__monte_carlo_is_near_the_exact_binomial():
    moved = np.array([-1.0] * 40 + [1.0] * 25)
    expected = stats.binomtest(40, 65, alternative="greater").pvalue
    worse, _, method = sign_flip(moved, seed=3)
    assert method == "sign-flip permutation"
    assert worse == pytest.approx(expected, abs=4 * math.sqrt(expected / DRAWS))


def test_limit__score_statistic_at_each_limit_is_the_normal_quantile():
    found = Evidence(
        n=44, lost=2, gained=12, scale=1, delta=10 / 44, p_worse=1, p_better=0, sizes=Sizes(floor=0.0), method="none"
    )
    low, high = limit(found, alpha=0.025, side="low"), limit(found, alpha=0.025, side="high")
    for bound in (low, high):
        assert abs(_score(12, 2, 44, bound)) == pytest.approx(stats.norm.ppf(0.975), abs=1e-4)
    assert low < 10 / 44 < high


def _score(gained, lost, n, delta):
    """The score statistic with its constrained maximum found by a search instead of by Tango's formula."""
    grid = np.linspace(max(0, -delta) + 1e-9, (1 - delta) / 2 - 1e-9, 400_001)
    loglik = gained * np.log(grid + delta) + lost * np.log(grid) + (n - gained - lost) * np.log(1 - 2 * grid - delta)
    q = grid[np.argmax(loglik)]
    return (gained - lost - n * delta) / math.sqrt(n * (2 * q + delta - delta**2))


def test_discrete_holm__is_holm_for_continuous_tests():
    p_values = [0.001, 0.2, 0.012, 0.03, 0.017]
    levels = discrete_holm(p_values, [Sizes(floor=0.0)] * 5, alpha=0.05)
    rejected = [p <= level for p, level in zip(p_values, levels, strict=True)]
    assert rejected == multipletests(p_values, alpha=0.05, method="holm")[0].tolist()


def test_discrete_holm__a_test_that_cannot_reject_costs_nothing():
    sizes = [Sizes(floor=0.0), Sizes(floor=1.0), Sizes(floor=0.5)]
    assert discrete_holm([0.04, 1.0, 1.0], sizes, alpha=0.05)[0] == 0.05


@pytest.mark.parametrize(
    ("lost", "gained", "n", "outcome"),
    [
        (30, 5, 400, "regressed"),
        (5, 30, 400, "improved"),
        (10, 12, 400, "unchanged"),
        (0, 0, 400, "unchanged"),
        (0, 0, 20, "inconclusive"),  # rule of three: a loss of 5 points could hide among 20 samples
        (14, 9, 120, "inconclusive"),
        (0, 0, 0, "inconclusive"),
        (1, 0, 1, "inconclusive"),
        (1, 1, 2, "inconclusive"),
    ],
)
def test_decide__outcomes(lost, gained, n, outcome):
    result = one(pairs(lost, gained, n))
    assert result.outcome == outcome
    assert -1 <= result.interval[0] < result.interval[1] <= 1


def test_decide__ignore_below_keeps_a_small_certain_loss_from_blocking():
    scores = pairs(30, 5, 4000)
    assert one(scores).outcome == "regressed"
    assert one(scores, ignore_below=0.01).outcome == "unchanged"


def test_decide__too_much_missing_is_inconclusive_however_bad_it_looks():
    assert one(pairs(100, 0, 200), insufficient="12 missing").outcome == "inconclusive"


def test_decide__one_cluster_never_decides():
    assert one(pairs(50, 0, 100, clusters=np.zeros(100, dtype=np.int64))).outcome == "inconclusive"


def test_decide__outcome_and_interval_never_contradict():
    for n in (10, 30, 60, 200):
        for lost in range(0, min(n, 24), 2):
            for gained in range(0, min(n - lost, 24), 3):
                result = one(pairs(lost, gained, n))
                low, high = result.interval
                assert (result.outcome == "regressed") == (high < 0)
                assert (result.outcome == "improved") == (low > 0)
                if result.outcome == "unchanged":
                    assert low > -0.05


def test_decide__whole_run_blocks_within_alpha_when_nothing_changed():
    random, blocked, runs = np.random.default_rng(7), 0, 1500
    for _ in range(runs):
        units = []
        for key in "abcde":
            moved = random.binomial(100, 0.16)
            lost = random.binomial(moved, 0.5)
            scores = pairs(lost, moved - lost, 100)
            units.append(Unit(key=key, scores=scores, margin=0.05, severity="blocking"))
        blocked += any(result.outcome == "regressed" for result in decide(units, alpha=0.05, power=0.8, seed=1))
    assert blocked / runs <= 0.05  # measured 0.03; without the correction it is about 0.13


def test_evidence__clusters_are_the_unit():
    clusters = np.repeat(np.arange(40), 5)
    found = evidence(pairs(20, 0, 200, clusters=clusters), seed=1)
    assert (found.n, found.delta) == (40, pytest.approx(-0.1))
    assert found.p_worse == pytest.approx(0.5**4)


def test_decide__a_gain_without_any_loss_has_a_lower_limit_of_its_own():
    result = one(pairs(0, 20, 60))
    assert result.outcome == "improved"
    assert 0.15 < result.interval[0] < result.delta
