import pytest

from gate.verdict import decide
from tests.fakes.comparisons import comparison


def row(outcome, *, n=100, **parts):
    return comparison(outcome, n_pairs=n, **parts)


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
