"""The exact looks against brute force and scipy (see sequential_boundaries.py)."""

import json
from pathlib import Path

import pytest
from scipy import stats

from gate.stats.multiplicity import Sizes
from gate.stats.paired import Evidence, tango_z
from gate.stats.sequential import SCORE_SHARE, boundary, passes_up_to
from gate.stats.spending import nominal_levels, spent

EXPECTED = json.loads(Path(__file__).with_name("sequential_boundaries.json").read_text())


@pytest.mark.parametrize("case", EXPECTED["boundaries"])
def test_boundaries__are_those_of_every_sequence_walked_one_by_one(case):
    for look in range(1, len(case["discordant"]) + 1):
        discordant, spend, passing = (tuple(case[name][:look]) for name in ("discordant", "spend", "passing"))
        found = boundary(discordant, spend, passing, cap=case["cap"])
        assert found.cross == case["cross"][look - 1]
        assert found.used == pytest.approx(case["used"][look - 1], abs=1e-12)


@pytest.mark.parametrize("case", EXPECTED["levels"])
def test_nominal_levels__are_those_of_the_multivariate_normal(case):
    times = tuple(case["times"])
    found = nominal_levels(times, spent(times, alpha=case["alpha"], power=case["power"]))
    assert found == pytest.approx(case["levels"], rel=0.02)


def test_one_look__is_exact_mcnemar():
    for total in range(1, 60):
        cross = boundary((total,), (0.05,)).cross
        wanted = next(k for k in range(total + 2) if stats.binom.sf(k - 1, total, 0.5) <= 0.05)
        assert cross == wanted


@pytest.mark.parametrize("n", [50, 150, 400])
@pytest.mark.parametrize("margin", [0.03, 0.1])
def test_passes_up_to__is_the_score_test_of_the_reported_interval(n, margin):
    level = 0.03
    for moved in range(0, n // 2, 7):
        most = passes_up_to(n, moved, margin=margin, level=level)
        for lost in range(moved + 1):
            z = tango_z(counts(n, lost, moved - lost), -margin)
            allowed = stats.norm.sf(z) <= SCORE_SHARE * level and (1 - margin) ** n <= level
            assert allowed == (lost <= most), (moved, lost)


def counts(n, lost, gained):
    return Evidence(
        n=n, lost=lost, gained=gained, scale=1.0, delta=(gained - lost) / n, p_worse=1.0, p_better=1.0,
        sizes=Sizes(floor=0.0), method="exact McNemar",
    )  # fmt: skip
