"""L5: the fixed-size decision: every unit's outcome, with one alpha for the whole run.

All blocking units, families and slices alike, share one alpha: Holm's procedure in which a discrete test costs what
it can use up, so a slice too small to ever reject costs nothing. Gains are tested by the mirror image of the same.
Advisory units share an alpha of their own; they cost the blocking ones nothing. A pass needs every blocking unit, so
non-inferiority is tested at alpha without correction.

A unit's interval is made of the very limits that decide it: the upper one at the unit's share of alpha (regressed ⇔ it
is below 0, unless the loss is below `ignore_below`), the lower one at the level of the non-inferiority test (unchanged
⇒ it is above −margin; improved ⇔ it is above 0). So an outcome and its interval never contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gate.domain import Look, Outcome, Severity, Stage
from gate.stats.multiplicity import discrete_holm
from gate.stats.paired import (
    NONINFERIORITY_SHARE,
    Evidence,
    Floats,
    Ints,
    PairedScores,
    evidence,
    limit,
    loss_limit,
    shows_no_loss_of,
)
from gate.stats.power import detectable_drop, samples_to_settle


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unit:
    """A family or a slice to be decided. `insufficient` says why it must stay inconclusive, if it must."""

    key: str
    scores: PairedScores
    margin: float
    severity: Severity
    ignore_below: float = 0.0
    is_slice: bool = False
    insufficient: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MovedScores:
    """The samples of a unit that are lost or gained: their places among the family's samples, and both mean scores.

    Shapes (m,).
    """

    places: Ints
    baseline: Floats
    candidate: Floats

    def rows(self) -> Iterator[tuple[int, float, float]]:
        return zip(self.places.tolist(), self.baseline.tolist(), self.candidate.tolist(), strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """A decided unit. `level` is the interval's confidence; `p_value` one-sided, for "the candidate is not worse".

    `stage` is what the outcome rests on, `looks` the way there; `bounds` is between what delta lies whatever the
    missing answers were, None where none is missing. `moved`: the samples that `lost` and `gained` count, of the
    sequential design; the fixed one has them in its pairs.
    """

    key: str
    n: int
    baseline: float | None
    candidate: float | None
    delta: float | None
    interval: tuple[float, float]
    level: float
    p_value: float | None
    margin: float
    outcome: Outcome
    method: str
    lost: int
    gained: int
    detectable: float | None
    more_samples: int | None
    can_see_margin: bool
    reason: str
    stage: Stage = "fixed"
    looks: tuple[Look, ...] = ()
    bounds: tuple[float, float] | None = None
    moved: MovedScores | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Levels:
    """At which a loss and a gain are tested, and `alpha`, at which non-inferiority is."""

    loss: float
    gain: float
    alpha: float


def decide(units: Sequence[Unit], *, alpha: float, power: float, seed: int) -> tuple[UnitResult, ...]:
    """Decide every unit, in the order given. The order of units and of samples changes nothing."""
    found = [evidence(unit.scores, seed=seed) for unit in units]
    levels = _levels(units, found, alpha)
    return tuple(_result(unit, one, level, power=power) for unit, one, level in zip(units, found, levels, strict=True))


def _levels(units: Sequence[Unit], found: Sequence[Evidence], alpha: float) -> list[_Levels]:
    levels = [_Levels(loss=alpha, gain=alpha, alpha=alpha)] * len(units)
    for severity in ("blocking", "advisory"):
        group = [i for i, unit in enumerate(units) if unit.severity == severity and unit.insufficient is None]
        sizes = [found[i].sizes for i in group]
        losses = discrete_holm([found[i].p_worse for i in group], sizes, alpha=alpha)
        gains = discrete_holm([found[i].p_better for i in group], sizes, alpha=alpha)
        for i, loss, gain in zip(group, losses, gains, strict=True):
            levels[i] = _Levels(loss=loss, gain=gain, alpha=alpha)
    return levels


def _result(unit: Unit, found: Evidence, levels: _Levels, *, power: float) -> UnitResult:
    scores = unit.scores
    differences = scores.differences
    outcome = _outcome(unit, found, levels)
    interval = _interval(found, levels)
    detectable = detectable_drop(found, alpha=levels.loss, power=power)
    more = None
    if outcome == "inconclusive":
        more = samples_to_settle(found, level=levels.loss, alpha=levels.alpha, margin=unit.margin)
    return UnitResult(
        key=unit.key,
        n=scores.n,
        baseline=mean(scores.baseline.tolist()),
        candidate=mean(scores.candidate.tolist()),
        delta=mean(differences.tolist()),
        interval=interval,
        level=1 - levels.loss - NONINFERIORITY_SHARE * levels.alpha,
        p_value=found.p_worse if scores.n else None,
        margin=unit.margin,
        outcome=outcome,
        method=found.method,
        lost=int((differences < 0).sum()),
        gained=int((differences > 0).sum()),
        detectable=detectable,
        more_samples=more,
        can_see_margin=detectable is not None and detectable <= unit.margin,
        reason=reason(outcome, interval, margin=unit.margin, stuck=unit.insufficient, more=more),
    )


def _outcome(unit: Unit, found: Evidence, levels: _Levels) -> Outcome:
    if unit.insufficient is not None or found.n == 0:
        return "inconclusive"
    if found.p_worse <= levels.loss and -found.delta > unit.ignore_below:
        return "regressed"
    if found.p_better <= levels.gain:
        return "improved"
    return "unchanged" if shows_no_loss_of(found, unit.margin, alpha=levels.alpha) else "inconclusive"


def _interval(found: Evidence, levels: _Levels) -> tuple[float, float]:
    """Limits held to the exact tests at 0: the interval excludes 0 when, and only when, such a test rejects.

    Legitimate either way: rejecting "delta ≥ 0" rejects every larger delta too, and widening an interval is safe. Once
    a gain is shown, the rule of three for unseen losses (in `loss_limit`) has nothing to guard any more.
    """
    step, improved = 1e-6, found.p_better <= levels.gain
    high = limit(found, alpha=max(levels.loss, 1e-9), side="high")
    low = loss_limit(found, alpha=levels.alpha)
    if improved:
        low = limit(found, alpha=NONINFERIORITY_SHARE * levels.alpha, side="low")
    high = min(high, -step) if found.p_worse <= levels.loss else max(high, 0.0)
    low = max(low, step) if improved else min(low, 0.0)
    return max(-1.0, min(low, found.delta)), min(1.0, max(high, found.delta))


def clamped_interval(
    found: Evidence, outcome: Outcome, *, loss: float, passing: float, margin: float
) -> tuple[float, float]:
    """Limits at the levels `loss` (upper end) and `passing` (lower end), held to what the unit's tests have shown.

    The upper end is below 0 when, and only when, a loss was shown; the lower one above 0 for a gain, above −margin for
    "unchanged". Legitimate: rejecting "delta ≥ 0" rejects every larger delta too, and widening an interval is safe.
    Once a gain is shown, the rule of three for unseen losses (in `loss_limit`) has nothing to guard any more.
    """
    step = 1e-6
    high = limit(found, alpha=loss, side="high")
    high = min(high, -step) if outcome == "regressed" else max(high, 0.0)
    if outcome == "improved":
        low = max(limit(found, alpha=NONINFERIORITY_SHARE * passing, side="low"), step)
    else:
        low = min(loss_limit(found, alpha=passing), 0.0)
        low = max(low, min(0.0, step - margin)) if outcome == "unchanged" else low
        low = min(low, -margin) if outcome == "inconclusive" else low
    if outcome == "regressed":
        return max(-1.0, min(low, found.delta)), max(high, min(found.delta + step, -step))
    return max(-1.0, min(low, found.delta)), min(1.0, max(high, found.delta))


def mean(values: list[float]) -> float | None:
    """None of nothing."""
    # fsum is exact, so the order of samples cannot change the last bit.
    return math.fsum(values) / len(values) if values else None


def reason(
    outcome: Outcome, interval: tuple[float, float], *, margin: float, stuck: str | None, more: int | None
) -> str:
    """What was shown, in words. `stuck`: why it had to stay inconclusive; `more`: samples that would settle it."""
    low, high = (100 * bound for bound in interval)
    match outcome:
        case "regressed":
            return f"a loss is shown: at least {-high:.1f} points"
        case "improved":
            return f"a gain is shown: at least {low:.1f} points"
        case "unchanged":
            return f"any loss is smaller than {100 * margin:.1f} points (at most {max(-low, 0):.1f})"
    if stuck is not None:
        return stuck
    hint = f"; about {more:,} more samples would settle it" if more else ""
    return f"neither a loss nor its absence is shown: a loss of {max(-low, 0):.1f} points is possible{hint}"
