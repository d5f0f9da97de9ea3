"""L5: looks at independent 0/1 samples: exact boundaries, given how many pairs are discordant at each look.

With nothing changed a discordant pair is lost or gained like a fair coin, independently, so the number lost at the
looks is a random walk of binomial steps. The recursion carries its distribution over the looks, without the walks that
were stopped before, and puts the boundary of each look where the probability of ever crossing stays within what may be
spent by then. What discreteness leaves unspent is there at the next look.

References
----------
Jennison C., Turnbull B. W. (2000). Group Sequential Methods with Applications to Clinical Trials, ch. 12 (exact
calculations for binary data). Chapman & Hall.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from gate.stats.paired import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boundary:
    """Of one look. `cross`: regressed from this many lost on. `alive`: P(lost = k, not stopped yet), k = 0 …"""

    cross: int
    used: float  # P(crossed by now)
    alive: Floats


SCORE_SHARE = 0.95
"""Tango's test at the looks is run at this share of a look's level. A single fixed look needs 0.84; over several looks,
whose levels are far apart in the tail and whose spending assumes a random walk, 1.0 would use about 98 % of alpha."""

_START = Boundary(cross=1, used=0.0, alive=np.ones(1))


@lru_cache(maxsize=1 << 15)
def boundary(
    discordant: tuple[int, ...], spend: tuple[float, ...], passing: tuple[int, ...] | None = None, *, cap: float = 1.0
) -> Boundary:
    """The boundary of the last of the looks given.

    Parameters
    ----------
    discordant : discordant pairs seen by each look, never falling.
    spend : P(crossed) allowed by each look; at least as long.
    passing : at each look, up to how many lost pairs the walk stops as unchanged (−1: it does not); None: never.
        Stopping there is binding: a walk that stopped cannot cross later, and does not cost anything later.
    cap : nothing crosses that the fixed-size exact McNemar test at this level would not reject.
    """
    if not discordant:
        return _START
    before = boundary(discordant[:-1], spend, passing[:-1] if passing is not None else None, cap=cap)
    fresh = discordant[-1] - (discordant[-2] if len(discordant) > 1 else 0)
    lost = np.convolve(before.alive, _coins(fresh)) if fresh else before.alive
    tails = np.cumsum(lost[::-1])[::-1]
    room = spend[len(discordant) - 1] - before.used
    cross = int(np.searchsorted(-tails, -room * (1 + 1e-12), side="left"))
    cross = max(cross, _least(discordant[-1], cap))  # few walks may be left: the room alone would let any cross
    used = before.used + (float(tails[cross]) if cross < lost.size else 0.0)
    alive = lost.copy()
    alive[cross:] = 0.0
    if passing is not None:
        alive[: passing[-1] + 1] = 0.0
    return Boundary(cross=cross, used=used, alive=alive)


@lru_cache(maxsize=1024)
def _least(discordant: int, cap: float) -> int:
    """The fewest lost, more than half, that exact McNemar rejects at `cap`."""
    tails = np.cumsum(_coins(discordant)[::-1])[::-1]
    return max(int(np.searchsorted(-tails, -cap)), discordant // 2 + 1)


@lru_cache(maxsize=1024)
def _coins(tosses: int) -> Floats:
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, tosses + 1)))])
    return np.asarray(np.exp(logs[tosses] - logs - logs[::-1] - tosses * math.log(2)))


@lru_cache(maxsize=1 << 16)
def passes_up_to(n: int, discordant: int, *, margin: float, level: float) -> int:
    """The most lost pairs with which "the loss is `margin` or more" is rejected at `level`; −1: not even with none."""
    if level <= 0 or n == 0 or (1 - margin) ** n > level:
        return -1  # then fewer than enough samples for the rule of three, and the score test alone is not trusted
    wanted = NormalDist().inv_cdf(1 - SCORE_SHARE * level)
    low, high = -1, discordant
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _score(n, middle, discordant - middle, margin) >= wanted else (low, middle - 1)
    return low


def _score(n: int, lost: int, gained: int, margin: float) -> float:
    """Tango's score statistic for "delta = −margin" (`gate.stats.paired.tango_z` on counts)."""
    b = -gained - lost - (2 * n - gained + lost) * margin
    c = lost * margin * (1 + margin)
    q = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
    variance = n * (2 * q - margin * (1 + margin))
    above = gained - lost + n * margin
    if variance <= 0:
        return 0.0 if abs(above) < 1e-12 else math.copysign(math.inf, above)
    return above / math.sqrt(variance)
