"""L5: the fixed-size decision: every unit's outcome, with one alpha for the whole run.

The blocking units share alpha: families 80 % of it, slices 20 % (families all of it when no slice blocks), Holm within
each share with Tarone's correction. Advisory units are tested one by one; they cost the blocking ones nothing.

A unit's interval is made of the very limits that decide it: its upper limit at the unit's share of alpha (regressed ⇔
it is below 0), its lower limit at the level of the non-inferiority test (unchanged ⇒ it is above −margin; improved ⇔ it
is above 0). So an outcome and its interval never contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gate.domain import Outcome, Severity
from gate.stats.multiplicity import tarone_holm
from gate.stats.paired import (
    NONINFERIORITY_SHARE,
    Evidence,
    PairedScores,
    detectable_drop,
    evidence,
    limit,
    samples_to_settle,
    shows_no_loss_of,
)

FAMILY_SHARE = 0.8


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


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """A decided unit. `level` is the interval's confidence; `p_value` one-sided, for "the candidate is not worse"."""

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


def decide(units: Sequence[Unit], *, alpha: float, power: float, seed: int) -> tuple[UnitResult, ...]:
    """Decide every unit, in the order given. The order of units and of samples changes nothing."""
    found = [evidence(unit.scores, seed=seed) for unit in units]
    levels = _levels(units, found, alpha)
    return tuple(
        _result(unit, one, level=level, alpha=alpha, power=power)
        for unit, one, level in zip(units, found, levels, strict=True)
    )


def _levels(units: Sequence[Unit], found: Sequence[Evidence], alpha: float) -> list[float]:
    """The level at which each unit is tested for a loss."""
    levels = [alpha] * len(units)
    testable = [i for i, unit in enumerate(units) if unit.severity == "blocking" and unit.insufficient is None]
    slices = [i for i in testable if units[i].is_slice]
    families = [i for i in testable if not units[i].is_slice]
    share = FAMILY_SHARE if slices and families else 1.0
    for group, part in ((families, share), (slices, 1 - share if families else 1.0)):
        p_values, floors = [found[i].p_worse for i in group], [found[i].p_floor for i in group]
        for i, level in zip(group, tarone_holm(p_values, floors, alpha=part * alpha), strict=True):
            levels[i] = level
    return levels


def _result(unit: Unit, found: Evidence, *, level: float, alpha: float, power: float) -> UnitResult:
    scores = unit.scores
    differences = scores.differences
    interval = _interval(found, level=level, alpha=alpha)
    outcome = _outcome(unit, found, level=level, alpha=alpha)
    detectable = detectable_drop(found, alpha=level, power=power)
    more = samples_to_settle(found, alpha=level, margin=unit.margin) if outcome == "inconclusive" else None
    return UnitResult(
        key=unit.key,
        n=scores.n,
        baseline=_mean(scores.baseline.tolist()),
        candidate=_mean(scores.candidate.tolist()),
        delta=_mean(differences.tolist()),
        interval=interval,
        level=1 - level - NONINFERIORITY_SHARE * alpha,
        p_value=found.p_worse if scores.n else None,
        margin=unit.margin,
        outcome=outcome,
        method=found.method,
        lost=int((differences < 0).sum()),
        gained=int((differences > 0).sum()),
        detectable=detectable,
        more_samples=more,
        can_see_margin=detectable is not None and detectable <= unit.margin,
        reason=_reason(unit, outcome, interval, more),
    )


def _outcome(unit: Unit, found: Evidence, *, level: float, alpha: float) -> Outcome:
    if unit.insufficient is not None or found.n == 0:
        return "inconclusive"
    if found.p_worse <= level and -found.delta > unit.ignore_below:
        return "regressed"
    if found.p_better <= NONINFERIORITY_SHARE * alpha:
        return "improved"
    return "unchanged" if shows_no_loss_of(found, unit.margin, alpha=alpha) else "inconclusive"


def _interval(found: Evidence, *, level: float, alpha: float) -> tuple[float, float]:
    """Score limits, held to the exact tests at 0: the interval excludes 0 when, and only when, such a test rejects."""
    below = NONINFERIORITY_SHARE * alpha
    low, high = limit(found, alpha=below, side="low"), limit(found, alpha=level, side="high")
    step = 1e-6
    high = min(high, -step) if found.p_worse <= level else max(high, 0.0)
    low = max(low, step) if found.p_better <= below else min(low, 0.0)
    return max(-1.0, min(low, found.delta)), min(1.0, max(high, found.delta))


def _mean(values: list[float]) -> float | None:
    # fsum is exact, so the order of samples cannot change the last bit.
    return math.fsum(values) / len(values) if values else None


def _reason(unit: Unit, outcome: Outcome, interval: tuple[float, float], more: int | None) -> str:
    low, high = (100 * bound for bound in interval)
    match outcome:
        case "regressed":
            return f"a loss is shown: at least {-high:.1f} points"
        case "improved":
            return f"a gain is shown: at least {low:.1f} points"
        case "unchanged":
            return f"any loss is smaller than {100 * unit.margin:.1f} points (at most {max(-low, 0):.1f})"
    if unit.insufficient is not None:
        return unit.insufficient
    hint = f"; about {more:,} more samples would settle it" if more else ""
    return f"neither a loss nor its absence is shown: a loss of {max(-low, 0):.1f} points is possible{hint}"
