"""L5: what a unit can see, and how many samples it would need. For planning and reporting: nothing here decides."""

from __future__ import annotations

import math
from statistics import NormalDist

from gate.stats.paired import NONINFERIORITY_SHARE, Evidence, tango_z


def detectable_drop(found: Evidence, *, alpha: float, power: float) -> float | None:
    """The smallest drop this unit shows at `alpha` with probability `power`, given the discordance seen.

    Normal approximation, for planning and reporting only: it never decides. None when not even the largest drop
    would show.
    """
    noise = min(found.lost, found.gained) * 2 / max(found.n, 1)
    drop = visible_drop(found.n, noise, alpha=alpha, power=power)
    return None if drop is None else min(1.0, drop * found.scale)


def visible_drop(n: int, noise: float, *, alpha: float, power: float) -> float | None:
    """`detectable_drop` of n independent units of which a share `noise` is discordant with nothing changed."""
    if n == 0 or alpha <= 0 or 0.5 ** min(n, 1000) > alpha:
        return None
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if _seen(middle, n, noise, alpha, power) else (middle, high)
    return high


def _seen(drop: float, n: int, noise: float, alpha: float, power: float) -> bool:
    z_alpha, z_power = NormalDist().inv_cdf(1 - alpha), NormalDist().inv_cdf(power)
    moved = noise + drop
    spread = z_alpha * math.sqrt(n * moved) + z_power * math.sqrt(max(n * (moved - drop * drop), 0.0))
    enough = n * drop >= math.log2(1 / alpha)  # fewer discordant samples can never reject
    return enough and n * drop >= spread


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
