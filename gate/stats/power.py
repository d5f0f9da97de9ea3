"""L5: what a unit can see, and how many samples it would need. For planning and reporting: nothing here decides."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

from gate.stats.paired import NONINFERIORITY_SHARE, Evidence, tango_z

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


def detectable_drop(found: Evidence, *, alpha: float, power: float) -> float | None:
    """The smallest drop this unit shows at `alpha` with probability `power`, given the discordance seen.

    Normal approximation, for planning and reporting only: it never decides. None when not even the largest drop
    would show.
    """
    if found.n == 0 or 0.5**found.n > alpha:
        return None
    noise = min(found.lost, found.gained) * 2 / found.n
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if _seen(middle, found.n, noise, alpha, power) else (middle, high)
    return min(1.0, high * found.scale)


def _seen(drop: float, n: int, noise: float, alpha: float, power: float) -> bool:
    enough = n * drop >= math.log2(1 / alpha)  # fewer discordant samples can never reject
    return enough and n * drop >= _spread(n, drop, noise + drop, alpha=alpha, power=power)


def _spread(n: int, drop: float, moved: float, *, alpha: float, power: float) -> float:
    """How many more losses than gains must be expected: `moved` is the share of discordant samples."""
    return NormalDist().inv_cdf(1 - alpha) * math.sqrt(n * moved) + _swing(n, drop, moved, power=power)


def _swing(n: int, drop: float, moved: float, *, power: float) -> float:
    """How far below its mean the net loss may fall with chance 1 − power, in samples."""
    return NormalDist().inv_cdf(power) * math.sqrt(max(n * (moved - drop * drop), 0.0))


def samples_to_settle(found: Evidence, *, level: float, alpha: float, margin: float) -> int | None:
    """How many more samples of the same kind would settle the unit one way or the other; None when unknown."""
    if found.n < 5:
        return None
    worse, better = -tango_z(found, 0.0), tango_z(found, max(-margin, -0.999 * found.scale))
    wanted = []
    if worse > 0.1:
        wanted.append((NormalDist().inv_cdf(1 - level) / worse) ** 2)
    if better > 0.1:
        wanted.append((NormalDist().inv_cdf(1 - NONINFERIORITY_SHARE * alpha) / better) ** 2)
    factor = min(wanted, default=0.0)
    return math.ceil(found.n * (factor - 1)) if 1 < factor < 1000 else None
