"""L6: pairs → units → comparisons. One alpha covers every blocking unit of the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gate.domain import Comparison, Pair, PerArm, SliceKey
from gate.pairing import Paired, Unpaired, count_dropped
from gate.policy import FamilyRule, Policy, SliceRule
from gate.stats.decision import Unit, UnitResult, decide
from gate.stats.paired import PairedScores

SEED = 20261124  # of every permutation test: the same input gives the same report


_Sliced = TypeVar("_Sliced", Pair, Unpaired)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one model config gave in one family."""

    config: str | None
    family: str
    metric: str
    rule: FamilyRule
    paired: Paired


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A unit before it is decided: what it is, and the pairs in it."""

    measured: Measured
    slice: SliceKey | None
    rule: FamilyRule | SliceRule
    pairs: Sequence[Pair]
    unpaired: Sequence[Unpaired]

    @property
    def margin(self) -> float:
        return self.measured.rule.margin if self.rule.margin is None else self.rule.margin


def compare(measured: Sequence[Measured], policy: Policy) -> tuple[Comparison, ...]:
    """Compare every family and every declared slice; families in the policy's order, slices by value."""
    rows = [row for one in measured for row in _rows(one)]
    units = [_unit(index, row) for index, row in enumerate(rows)]
    results = decide(units, alpha=policy.risk.alpha, power=policy.risk.power, seed=SEED)
    return tuple(_comparison(row, result) for row, result in zip(rows, results, strict=True))


def _rows(one: Measured) -> Iterator[_Row]:
    paired = one.paired
    yield _Row(measured=one, slice=None, rule=one.rule, pairs=paired.pairs, unpaired=paired.unpaired)
    for name, rule in one.rule.slices.items():
        pairs, unpaired = _by_value(paired.pairs, name), _by_value(paired.unpaired, name)
        for value in sorted({*pairs, *unpaired}):
            yield _Row(
                measured=one,
                slice=SliceKey(name=name, value=value),
                rule=rule,
                pairs=pairs.get(value, []),
                unpaired=unpaired.get(value, []),
            )


def _by_value(found: Sequence[_Sliced], name: str) -> dict[str, list[_Sliced]]:
    """In one pass, whatever the number of values."""
    groups: dict[str, list[_Sliced]] = {}
    for one in found:
        if (value := one.slices.get(name)) is not None:
            groups.setdefault(value, []).append(one)
    return groups


def _unit(index: int, row: _Row) -> Unit:
    return Unit(
        key=f"{index:06d}",
        scores=scores_of(row.pairs),
        margin=row.margin,
        severity=row.rule.severity,
        ignore_below=row.rule.ignore_below,
        is_slice=row.slice is not None,
        insufficient=missing_too_much(row.measured.rule.max_missing, len(row.pairs), row.unpaired),
    )


def scores_of(pairs: Sequence[Pair]) -> PairedScores:
    """The pairs as arrays; cluster names become indices (a sample without one is its own cluster)."""
    return PairedScores(
        baseline=np.array([pair.baseline for pair in pairs], dtype=float),
        candidate=np.array([pair.candidate for pair in pairs], dtype=float),
        clusters=_cluster_indices(pairs),
        binary=all(pair.repeats == 1 and {pair.baseline, pair.candidate} <= {0.0, 1.0} for pair in pairs),
    )


def _cluster_indices(pairs: Sequence[Pair]) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    names = [pair.cluster if pair.cluster is not None else (pair.sample_id,) for pair in pairs]
    numbers = {name: index for index, name in enumerate(dict.fromkeys(names))}
    if len(numbers) == len(pairs):
        return None
    return np.array([numbers[name] for name in names], dtype=np.int64)


def missing_too_much(limit: float, n_pairs: int, unpaired: Sequence[Unpaired]) -> str | None:
    """Why too few samples are left to decide; None when enough are."""
    lost, asked = count_dropped(unpaired), n_pairs + len(unpaired)
    if not asked:
        return "no samples"
    worst = max(lost.baseline, lost.candidate)
    if worst > limit * asked:
        return (
            f"{_shares(lost, asked)} of {asked} samples have no score; at most {limit:.1%} may be missing (max_missing)"
        )
    return None


def _shares(lost: PerArm, asked: int) -> str:
    del asked
    return f"{lost.baseline} (baseline) and {lost.candidate} (candidate)"


def _comparison(row: _Row, result: UnitResult) -> Comparison:
    return Comparison(
        config=row.measured.config,
        family=row.measured.family,
        slice=row.slice,
        metric=row.measured.metric,
        severity=row.rule.severity,
        n_pairs=result.n,
        n_dropped=count_dropped(row.unpaired),
        baseline=result.baseline,
        candidate=result.candidate,
        delta=result.delta,
        interval=result.interval,
        level=result.level,
        p_value=result.p_value,
        margin=result.margin,
        outcome=result.outcome,
        method=result.method,
        lost=result.lost,
        gained=result.gained,
        detectable=result.detectable,
        more_samples=result.more_samples,
        gating=row.slice is None or result.can_see_margin,
        reason=result.reason,
    )
