"""gate.stats against scipy and statsmodels, whose words are kept in paired_values.json (see make_paired_values.py)."""

import json
from pathlib import Path

import numpy as np
import pytest

from gate.stats.multiplicity import Sizes, discrete_holm
from gate.stats.paired import PairedScores, evidence, limit, mcnemar_exact, mcnemar_sizes

VALUES = json.loads(Path(__file__).with_name("paired_values.json").read_text())


def paired(baseline, candidate, *, binary):
    arms = np.array(baseline, dtype=float), np.array(candidate, dtype=float)
    return evidence(PairedScores(baseline=arms[0], candidate=arms[1], clusters=None, binary=binary), seed=1)


def table(lost, gained, n):
    baseline, candidate = np.ones(n), np.ones(n)
    candidate[:lost], baseline[lost : lost + gained] = 0, 0
    return paired(baseline, candidate, binary=True)


@pytest.mark.parametrize("row", VALUES["mcnemar"], ids=lambda row: f"{row['lost']}-{row['gained']}")
def test_mcnemar__is_scipys_binomial_test_and_statsmodels_mcnemar(row):
    worse, better = mcnemar_exact(row["lost"], row["gained"]), mcnemar_exact(row["gained"], row["lost"])
    assert worse == pytest.approx(row["p_worse"], rel=1e-10)
    assert min(1.0, 2 * min(worse, better)) == pytest.approx(row["two_sided"], rel=1e-10)


@pytest.mark.parametrize("row", VALUES["sign_flip"], ids=lambda row: f"n={len(row['baseline'])}")
def test_sign_flip__is_scipys_permutation_test(row):
    found = paired(row["baseline"], row["candidate"], binary=False)
    # Up to 14 differences are enumerated as scipy does; more are drawn: four standard errors of 20,000 draws.
    drawn = found.method == "sign-flip permutation"
    assert drawn == (len(row["baseline"]) > 14)
    for mine, theirs in ((found.p_worse, row["p_worse"]), (found.p_better, row["p_better"])):
        near = 4 * np.sqrt(theirs * (1 - theirs) / 20_000) + 1e-4 if drawn else 1e-9
        assert mine == pytest.approx(theirs, abs=near)


@pytest.mark.parametrize("row", VALUES["tango"], ids=lambda row: f"{row['lost']}-{row['gained']}-{row['level']}")
def test_tango__is_the_score_interval_whose_nuisance_is_found_by_maximum_likelihood(row):
    found = table(row["lost"], row["gained"], row["n"])
    assert limit(found, alpha=row["level"], side="low") == pytest.approx(row["low"], abs=1e-6)
    assert limit(found, alpha=row["level"], side="high") == pytest.approx(row["high"], abs=1e-6)


@pytest.mark.parametrize("row", VALUES["holm"], ids=lambda row: f"{len(row['p'])}-{row['p'][0]}")
def test_holm__continuous_tests_are_rejected_as_by_multipletests(row):
    levels = discrete_holm(row["p"], [Sizes(floor=0.0)] * len(row["p"]), alpha=0.05)
    assert [p <= level for p, level in zip(row["p"], levels, strict=True)] == row["rejected"]


def test_tarone__what_its_single_step_rejects_is_rejected():
    more = 0
    for row in VALUES["tarone"]:
        p = [mcnemar_exact(lost, total - lost) for lost, total in zip(row["lost"], row["total"], strict=True)]
        levels = discrete_holm(p, [mcnemar_sizes(total) for total in row["total"]], alpha=0.05)
        mine = [one <= level for one, level in zip(p, levels, strict=True)]
        assert all(own for own, theirs in zip(mine, row["rejected"], strict=True) if theirs)
        more += sum(mine) - sum(row["rejected"])
    assert sum(map(sum, (row["rejected"] for row in VALUES["tarone"]))) > 10
    assert more > 0  # and something besides: what discreteness leaves is used
