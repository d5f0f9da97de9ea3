"""L5: the interval of a proportion that was counted.

Reference
---------
Clopper C. J., Pearson E. S. (1934). The use of confidence or fiducial limits illustrated in the case of the binomial.
Biometrika 26, 404-413.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def clopper_pearson(found: int, of: int, *, level: float = 0.95) -> tuple[float, float]:
    """The exact interval for a chance that showed `found` times in `of` trials. Conservative; (0, 1) for no trials."""
    tail = (1 - level) / 2
    low = 0.0 if found == 0 else _where(lambda chance: 1 - _at_most(found - 1, of, chance), tail)
    high = 1.0 if found == of else _where(lambda chance: 1 - _at_most(found, of, chance), 1 - tail)
    return low, high


def _where(rising: Callable[[float], float], level: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < level else (low, middle)
    return (low + high) / 2


def _at_most(most: int, of: int, chance: float) -> float:
    """P(X ≤ most), X ~ Binomial(of, chance), 0 < chance < 1."""
    if most < 0:
        return 0.0
    counts = np.arange(most + 1)
    logs = [math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) for k in range(most + 1)]
    terms = np.array(logs) + counts * math.log(chance) + (of - counts) * math.log1p(-chance)
    return min(1.0, float(np.exp(terms).sum()))
