"""L2: observations of two arms → pairs. What is missing is counted by arm and is never a number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gate.domain import Observation, Pair, PerArm, Score

_Labels = tuple[Mapping[str, str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """The pairs of one family, and its samples that could not be paired."""

    pairs: tuple[Pair, ...]
    unpaired: tuple[Unpaired, ...]

    @property
    def n_dropped(self) -> PerArm:
        return count_dropped(self.unpaired)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaired:
    """A sample that lacks a score (None) on at least one arm."""

    sample_id: str
    slices: Mapping[str, str]
    baseline: float | None
    candidate: float | None


def count_dropped(unpaired: Iterable[Unpaired]) -> PerArm:
    """How many samples each arm lost (a sample that both lost counts on both)."""
    lost = list(unpaired)
    return PerArm(
        baseline=sum(one.baseline is None for one in lost),
        candidate=sum(one.candidate is None for one in lost),
    )


def pair_families(baseline: Iterable[Observation], candidate: Iterable[Observation]) -> dict[str, Paired]:
    """Pair by family and sample id. A sample asked of one arm only is missing on the other.

    A sample's score is the mean over its scored repeats, so an arm that was asked less often is
    compared fairly; it is dropped only when an arm has no score at all for it.
    """
    left, right = _by_sample(baseline), _by_sample(candidate)
    labels = {**right.labels, **left.labels}
    families: dict[str, list[Pair | Unpaired]] = defaultdict(list)
    for key in sorted(labels):
        families[key[0]].append(_pair(key[1], left.scores[key], right.scores[key], labels[key]))
    return {family: _split(found) for family, found in families.items()}


@dataclass(frozen=True, slots=True)
class _Arm:
    scores: defaultdict[tuple[str, str], list[float]]
    labels: dict[tuple[str, str], _Labels]


def _by_sample(observations: Iterable[Observation]) -> _Arm:
    arm = _Arm(defaultdict(list), {})
    for one in observations:
        key = (one.family, one.sample_id)
        arm.labels.setdefault(key, (one.slices, one.cluster))
        if isinstance(one.result, Score):
            arm.scores[key].append(one.result.value)
    return arm


def _pair(sample_id: str, left: list[float], right: list[float], labels: _Labels) -> Pair | Unpaired:
    slices, cluster = labels
    if not left or not right:
        known = [_mean(arm) if arm else None for arm in (left, right)]
        return Unpaired(sample_id=sample_id, slices=slices, baseline=known[0], candidate=known[1])
    return Pair(
        sample_id=sample_id,
        baseline=_mean(left),
        candidate=_mean(right),
        repeats=max(len(left), len(right)),
        slices=slices,
        cluster=cluster,
    )


def _mean(values: list[float]) -> float:
    # Sorted, so that the order of repeats cannot change the last bit.
    return sum(sorted(values)) / len(values)


def _split(found: list[Pair | Unpaired]) -> Paired:
    return Paired(
        pairs=tuple(one for one in found if isinstance(one, Pair)),
        unpaired=tuple(one for one in found if isinstance(one, Unpaired)),
    )
