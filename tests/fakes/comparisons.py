"""A comparison to change by parts: 400 samples, unchanged."""

from dataclasses import replace

from gate.domain import Comparison, PerArm

_UNCHANGED = Comparison(
    config=None,
    family="f",
    slice=None,
    metric="score",
    severity="blocking",
    n_pairs=400,
    n_dropped=PerArm(baseline=0, candidate=0),
    baseline=0.8,
    candidate=0.8,
    delta=0.0,
    interval=(-0.02, 0.02),
    level=0.95,
    p_value=0.01,
    margin=0.05,
    outcome="unchanged",
    method="exact McNemar",
    lost=10,
    gained=2,
    detectable=0.06,
    more_samples=None,
    gating=True,
    reason="",
)


def comparison(outcome, delta=0.0, **parts):
    """`parts` are laid over; scores and interval go with `delta`."""
    scores = {"candidate": 0.8 + delta, "delta": delta, "interval": (delta - 0.02, delta + 0.02)}
    return replace(_UNCHANGED, outcome=outcome, **(scores | parts))
