"""L5: what a unit will be able to see, before it is asked, and how many samples it would need. Nothing here decides."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

_MOST_SAMPLES = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a unit looks with.

    Parameters
    ----------
    n : samples. `units` of them are independent (clusters; n without clusters).
    noise : mean squared difference between the scores of a sample on two unchanged arms. For 0/1 scores asked once
        that is the chance that the arms disagree; the mean over k askings has 1/k of it.
    mean : the baseline's mean score, in [0, 1]. Nothing can drop by more.
    alpha : the level at which a loss is tested.
    power : the chance with which a drop that is called visible is shown, at least 1/2.
    ignore_below : an estimated loss up to this is never called one.
    """

    n: int
    units: int
    noise: float
    mean: float
    alpha: float
    power: float
    ignore_below: float = 0.0


def visible_drop(sight: Sight) -> float | None:
    """The smallest drop of the mean that the exact test shows with chance `power`; None when no drop would show.

    A drop of d leaves (1 − d/mean) of the samples' noise and makes a share d of them lose. Normal approximation with a
    correction for continuity: never below what exact McNemar shows, at most a tenth above it for 400 samples and a
    quarter for 30; exact where there is no noise. More samples never make it larger.
    """
    most = min(sight.mean, 1.0)
    if sight.n == 0 or not _shows(sight, most):
        return None
    low, high = 0.0, most
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if _shows(sight, middle) else (middle, high)
    return high


def samples_to_see(sight: Sight, drop: float) -> int | None:
    """The fewest samples of this kind that make `drop` visible; None when even ten million would not."""
    if drop > sight.mean:
        return None
    low, high = 0, 1
    while not _shows(_with_samples(sight, high), drop):
        low, high = high, 2 * high
        if high > _MOST_SAMPLES:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _shows(_with_samples(sight, middle), drop) else (middle, high)
    return high


def _with_samples(sight: Sight, n: int) -> Sight:
    return replace(sight, n=n, units=math.ceil(n * sight.units / max(sight.n, 1)) if sight.n else n)


def _shows(sight: Sight, drop: float) -> bool:
    if 0.5**sight.units > sight.alpha:
        return False
    moved = min(drop + max(1 - drop / sight.mean, 0.0) * sight.noise, 1.0)
    if sight.ignore_below and drop - _swing(sight.n, drop, moved, power=sight.power) / sight.n <= sight.ignore_below:
        return False
    if sight.noise == 0:
        return _losses_show(sight, drop)
    return sight.n * drop - 1 >= _spread(sight.n, drop, moved, alpha=sight.alpha, power=sight.power)


def _losses_show(sight: Sight, drop: float) -> bool:
    """Without noise every discordant sample is a loss, and ⌈log₂ 1/alpha⌉ of them reject."""
    needed = math.ceil(math.log2(1 / sight.alpha) - 1e-12)
    if drop >= 1 or sight.n < needed:
        return sight.n >= needed
    term = fewer = (1 - drop) ** sight.n
    for lost in range(1, needed):
        term *= (sight.n - lost + 1) / lost * drop / (1 - drop)
        fewer += term
    return 1 - fewer >= sight.power


def _spread(n: int, drop: float, moved: float, *, alpha: float, power: float) -> float:
    """How many more losses than gains must be expected: `moved` is the share of discordant samples."""
    return NormalDist().inv_cdf(1 - alpha) * math.sqrt(n * moved) + _swing(n, drop, moved, power=power)


def _swing(n: int, drop: float, moved: float, *, power: float) -> float:
    """How far below its mean the net loss may fall with chance 1 − power, in samples."""
    return NormalDist().inv_cdf(power) * math.sqrt(max(n * (moved - drop * drop), 0.0))
