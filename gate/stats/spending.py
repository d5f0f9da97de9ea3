"""L5: how much of an error rate is spent by when, and the nominal level of each look that spends just that.

References
----------
Lan K. K. G., DeMets D. L. (1983). Discrete sequential boundaries for clinical trials. Biometrika 70, 659-663.
Armitage P., McPherson C. K., Rowe B. C. (1969). Repeated significance tests on accumulating data.
J. R. Statist. Soc. A 132, 235-244.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np

from gate.stats.paired import Floats

BLOCKING_POWER = 2.0
PASSING_POWER = 1.35
_POINTS = 400
_FAR = 6.0


def spent(fractions: tuple[float, ...], *, alpha: float, power: float) -> tuple[float, ...]:
    """The error rate that may be used up by each look: alpha · t^power, t the share of the samples seen."""
    return tuple(alpha * t**power for t in fractions)


@lru_cache(maxsize=1024)
def nominal_levels(information: tuple[float, ...], spend: tuple[float, ...]) -> tuple[float, ...]:
    """One-sided level of each look so that a test repeated at all of them errs as often as `spend` (cumulative) says.

    Assumes that the statistic grows like a random walk over the information (ascending, in (0, 1]): right for means of
    exchangeable samples, approximate for score tests; the size of the whole is held by simulation.
    """
    levels: list[float] = []
    grid, weights, before, used = np.zeros(1), np.ones(1), 0.0, 0.0
    for t, target in zip(information, spend, strict=True):
        step, spread = t - before, t**0.5
        edge = _edge(grid, weights, step, spread, target - used)
        levels.append(1 - NormalDist().cdf(edge / spread))
        inside = np.linspace(-_FAR * spread, edge, _POINTS)
        density = _density(grid, weights, inside, step)
        width = np.full(_POINTS, inside[1] - inside[0])
        width[[0, -1]] /= 2
        grid, weights, before, used = inside, density * width, t, target
    return tuple(levels)


def _density(grid: Floats, weights: Floats, at: Floats, step: float) -> Floats:
    kernel = np.exp(-((at[:, None] - grid[None, :]) ** 2) / (2 * step)) / (2 * np.pi * step) ** 0.5
    return np.asarray(kernel @ weights)


def _edge(grid: Floats, weights: Floats, step: float, spread: float, target: float) -> float:
    """Where the walk's upper tail holds `target`."""
    above = np.linspace(_FAR * spread, -_FAR * spread, 2 * _POINTS)
    density = _density(grid, weights, above, step)
    cells = (density[1:] + density[:-1]) / 2 * (above[0] - above[1])
    return float(np.interp(target, np.concatenate([[0.0], np.cumsum(cells)]), above))
