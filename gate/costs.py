"""L8: what an answer takes on each arm, from the tallies: tokens, USD, seconds. Shown; it decides nothing."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gate.domain import ARMS, Role
from gate.report import ArmsPerCall, FamilyCost, Latency, PerCall
from gate.tally import ArmTally, Took


def family_costs(tallies: Mapping[Role, ArmTally]) -> tuple[FamilyCost, ...]:
    """Of each family that both arms answered, in the order it was first answered on the baseline."""
    return tuple(
        FamilyCost(config=config, family=family, baseline=per_call([left]), candidate=per_call([right]))
        for (config, family), (left, right) in _both(tallies).items()
    )


def arms_per_call(tallies: Mapping[Role, ArmTally]) -> ArmsPerCall | None:
    """Of all of them together; None where there are none.

    An arm's figure is the mean of its families' figures, each weighted by the answers that the arm with fewer has: a
    family that was asked more often on one arm (stored runs of the baseline are several) so makes no difference of
    its own. Times are of the families that both arms were timed in.
    """
    found = _timed_alike(list(_both(tallies).values()))
    if not found:
        return None
    weights = [min(left.answers, right.answers) for left, right in found]
    baseline, candidate = ([pair[place] for pair in found] for place in range(len(ARMS)))
    return ArmsPerCall(baseline=per_call(baseline, weights), candidate=per_call(candidate, weights))


def _both(tallies: Mapping[Role, ArmTally]) -> dict[tuple[str, str], tuple[Took, Took]]:
    baseline, candidate = (tallies.get(arm, ArmTally()).took for arm in ARMS)
    return {unit: (one, candidate[unit]) for unit, one in baseline.items() if unit in candidate}


def _timed_alike(found: Sequence[tuple[Took, Took]]) -> Sequence[tuple[Took, Took]]:
    """Without the times of what only one arm was timed in: a baseline whose slow families are all answered from the
    store is no quicker one. Where only one arm was timed at all, nothing is compared, and its times stay."""
    for kind in ("seconds", "reused_seconds"):
        timed = [(bool(getattr(left, kind)), bool(getattr(right, kind))) for left, right in found]
        if all(any(arm) for arm in zip(*timed, strict=True)):
            found = [
                (left, right) if all(both) else (_untimed(left, kind), _untimed(right, kind))
                for (left, right), both in zip(found, timed, strict=True)
            ]
    return found


def _untimed(one: Took, kind: str) -> Took:
    none = array("d")
    return replace(one, seconds=none) if kind == "seconds" else replace(one, reused_seconds=none)


def per_call(parts: Sequence[Took], weights: Sequence[int] = (1,)) -> PerCall:
    """The weighted mean over parts that have answers; latency over all of them together."""
    usd = [None if one.usd is None else one.usd / one.answers for one in parts]
    known = [one for one in usd if one is not None]
    return PerCall(
        answers=sum(one.answers for one in parts),
        input_tokens=_mean([one.usage.input_tokens / one.answers for one in parts], weights),
        output_tokens=_mean([one.usage.output_tokens / one.answers for one in parts], weights),
        usd=_mean(known, weights) if len(known) == len(usd) else None,
        latency=latency(second for one in parts for second in one.seconds),
        reused_latency=latency(second for one in parts for second in one.reused_seconds),
    )


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    """To twelve digits after the point: far below the price of a token in USD."""
    return round(float(np.average(values, weights=weights)), 12)


def latency(seconds: Iterable[float]) -> Latency | None:
    """Median and 95th percentile, interpolated between neighbours; None of nothing."""
    values = array("d", seconds)
    if not values:
        return None
    p50, p95 = np.quantile(values, [0.5, 0.95])
    return Latency(calls=len(values), p50=round(float(p50), 4), p95=round(float(p95), 4))
