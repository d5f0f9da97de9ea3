"""A plain group-sequential rule, written without the engine: four looks, alpha split over the families, no re-asking.

It spends alpha · t² on blocking, exactly, by the conditional binomial recursion on the discordant pairs, and alpha ·
t^1.5 on passing, where a family stops too (Tango's score test; stopping there is not counted as a saving).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from statistics_rules import ALPHA, MARGIN, Judged
from statistics_work import BASELINE, CANDIDATE, SEED, Array, PullRequest

from gate.domain import Outcome
from gate.stats.multiplicity import Sizes
from gate.stats.paired import Evidence, tango_z

LOOKS = 4
FRACTIONS = tuple(look / LOOKS for look in range(1, LOOKS + 1))
_WALKS = 200_000
_SHARE = 0.84  # of a nominal level, at which Tango's test keeps it


def looks_only(pr: PullRequest) -> Judged:
    work = pr.work
    loss = pr.first(BASELINE) - pr.first(CANDIDATE)
    lost, moved = np.cumsum(loss > 0, axis=1), np.cumsum(loss != 0, axis=1)
    ends = np.array([-(-work.n * look // LOOKS) for look in range(1, LOOKS + 1)])
    counts = zip(lost[:, ends - 1].tolist(), moved[:, ends - 1].tolist(), strict=True)
    found = [_walk(ends.tolist(), *one, alpha=ALPHA / work.families) for one in counts]
    return Judged(families=[outcome for outcome, _ in found], calls=[2 * size for _, size in found])


def _walk(ends: Sequence[int], lost: Sequence[int], moved: Sequence[int], *, alpha: float) -> tuple[Outcome, int]:
    """Outcome, and the samples seen; `lost` and `moved` (discordant) by each look."""
    for look, end in enumerate(ends):
        if lost[look] >= edges(tuple(moved[: look + 1]), alpha)[-1]:
            return "regressed", end
        if _passes(end, lost[look], moved[look], passing_levels()[look]):
            return "unchanged", end
    return "inconclusive", ends[-1]


@lru_cache(maxsize=1 << 15)
def edges(moved: tuple[int, ...], alpha: float) -> tuple[int, ...]:
    """From how many lost on each look blocks, so that with fair coins P(ever) ≤ alpha · t² by each look."""
    alive, used, before, found = np.ones(1), 0.0, 0, []
    for t, total in zip(FRACTIONS, moved, strict=False):
        alive = np.convolve(alive, _coins(total - before))
        tails = np.append(np.cumsum(alive[::-1])[::-1], 0.0)
        edge = int(np.argmax(tails <= alpha * t * t - used))
        used, before = used + float(tails[edge]), total
        alive[edge:] = 0.0
        found.append(edge)
    return tuple(found)


@lru_cache(maxsize=1024)
def _coins(tosses: int) -> Array:
    return np.array([math.comb(tosses, k) for k in range(tosses + 1)], dtype=float) / 2.0**tosses


@lru_cache(maxsize=1)
def passing_levels() -> tuple[float, ...]:
    """Nominal level of each look, so that a walk crosses at any of them with probability ALPHA; by simulation."""
    steps = np.random.default_rng(SEED).standard_normal((_WALKS, LOOKS)) / LOOKS**0.5
    walks, alive, found = np.cumsum(steps, axis=1), np.ones(_WALKS, dtype=bool), []
    for look, t in enumerate(FRACTIONS):
        crossed = _WALKS - int(alive.sum())
        may = round(ALPHA * t**1.5 * _WALKS) - crossed
        edge = float(np.sort(walks[alive, look])[-may])
        found.append(1 - NormalDist().cdf(edge / t**0.5))
        alive &= walks[:, look] < edge
    return tuple(found)


@lru_cache(maxsize=1 << 16)
def _passes(n: int, lost: int, moved: int, level: float) -> bool:
    """Is "the margin or more is lost" rejected? With few samples only where the rule of three agrees."""
    if (1 - MARGIN) ** n > level:
        return False
    pairs = Evidence(
        n=n,
        lost=lost,
        gained=moved - lost,
        scale=1.0,
        delta=(moved - 2 * lost) / n,
        p_worse=1.0,
        p_better=1.0,
        sizes=Sizes(floor=0.0),
        method="none",
    )
    return tango_z(pairs, -MARGIN) >= NormalDist().inv_cdf(1 - _SHARE * level)
