import pytest

from gate.domain import Comparison, PerArm
from gate.verdict import decide


def row(outcome, *, n=100, severity="blocking", gating=True):
    return Comparison(
        config=None,
        family="f",
        slice=None,
        metric="score",
        severity=severity,
        n_pairs=n,
        n_dropped=PerArm(baseline=0, candidate=0),
        baseline=0.8,
        candidate=0.8,
        delta=0.0,
        interval=(-0.01, 0.01),
        level=0.95,
        p_value=0.5,
        margin=0.05,
        outcome=outcome,
        method="exact McNemar",
        lost=0,
        gained=0,
        detectable=0.05,
        more_samples=None,
        gating=gating,
        reason="",
    )


@pytest.mark.parametrize(
    ("rows", "cut", "verdict"),
    [
        ([row("unchanged")], "", "pass"),
        ([row("inconclusive")], "", "inconclusive"),
        ([row("inconclusive", severity="advisory")], "", "pass"),
        ([row("inconclusive", n=0)], "", "error"),
        ([], "", "error"),
        ([row("unchanged")], "budget", "inconclusive"),
        ([row("inconclusive", n=0)], "budget", "inconclusive"),
        ([row("regressed"), row("inconclusive")], "budget", "blocked"),
        ([row("inconclusive")], "given-up", "error"),
        ([row("unchanged"), row("inconclusive", severity="advisory")], "given-up", "pass"),
        ([row("regressed"), row("inconclusive")], "given-up", "blocked"),
    ],
)
def test_decide(rows, cut, verdict):
    assert decide(rows, cut=cut).verdict == verdict
