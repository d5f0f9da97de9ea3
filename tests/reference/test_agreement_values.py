"""gate.stats.agreement against statsmodels and printed values, kept in agreement_values.json (make_agreement_values.py)."""

import json
import math
from pathlib import Path

import pytest

from gate.stats.agreement import Agreement, Labelled, Rate, agreement, wilson

VALUES = json.loads(Path(__file__).with_name("agreement_values.json").read_text())
SURE = Rate(value=1.0, low=1.0, high=1.0)


def table(counts):
    """(good, passed), (good, failed), (bad, passed), (bad, failed)"""
    kinds = ((True, 1.0), (True, 0.0), (False, 1.0), (False, 0.0))
    return [
        Labelled(good=good, judged=judged) for (good, judged), n in zip(kinds, counts, strict=True) for _ in range(n)
    ]


@pytest.mark.parametrize("row", VALUES["kappa"], ids=lambda row: str(row["table"]))
def test_kappa__is_statsmodels(row):
    assert agreement(table(row["table"])).kappa.value == pytest.approx(row["kappa"], abs=1e-12)


@pytest.mark.parametrize("row", VALUES["wilson"], ids=lambda row: f"{row['found']}/{row['of']}")
def test_wilson__is_statsmodels(row):
    found = wilson(row["found"], row["of"])
    assert (found.low, found.high) == (pytest.approx(row["low"], abs=1e-12), pytest.approx(row["high"], abs=1e-12))


@pytest.mark.parametrize("row", VALUES["published"], ids=lambda row: row["source"])
def test_wilson__is_as_published(row):
    found = wilson(row["found"], row["of"], level=row["level"])
    assert (round(found.low, 4), round(found.high, 4)) == (row["low"], row["high"])


@pytest.mark.parametrize("row", VALUES["apart"], ids=lambda row: f"{row['found']}/{row['of']}")
def test_doubt__of_good_answers_alone_is_newcombes_interval_of_two_equal_shares(row):
    judge = Agreement(
        n=row["of"], good=row["of"], kappa=SURE, sensitivity=wilson(row["found"], row["of"]), specificity=SURE
    )
    if row["found"]:  # else the judge passes nothing, and no share of good answers can be told
        assert judge.doubt(judge.sensitivity.value) == pytest.approx(row["half"], abs=1e-9)


def test_true_share__is_rogan_and_gladens():
    """23 of 150 tested positive, sensitivity 0.96, specificity 0.89 (the example of epiR's epi.prev)."""
    se, sp = Rate(value=0.96, low=0.9, high=1.0), Rate(value=0.89, low=0.8, high=0.95)
    judge = Agreement(n=100, good=50, kappa=SURE, sensitivity=se, specificity=sp)
    assert judge.true_share(23 / 150) == pytest.approx((23 / 150 - 0.11) / 0.85)
    assert round(100 * judge.true_share(23 / 150), 1) == 5.1
    assert (judge.true_share(0.0), judge.true_share(1.0)) == (0.0, 1.0)
    assert judge.youden.low == pytest.approx(0.85 - math.hypot(0.06, 0.09))
