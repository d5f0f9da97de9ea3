"""L5: many units under one alpha, using what the discreteness of exact tests leaves.

References
----------
Holm S. (1979). A simple sequentially rejective multiple test procedure. Scand. J. Statist. 6, 65-70.
Tarone R. E. (1990). A modified Bonferroni method for discrete data. Biometrics 46, 515-522.
Hommel G., Krummenauer F. (1998). Improvements and modifications of Tarone's multiple test procedure for discrete
data. Biometrics 54, 673-681.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The sizes a test can have. `steps`: its attainable p-values, ascending; empty when all from `floor` up are."""

    floor: float
    steps: tuple[float, ...] = ()

    def at(self, level: float) -> float:
        """P(p-value ≤ level) with nothing changed: at most `level`; 0 where the test can never reject."""
        if not self.steps:
            return level if level >= self.floor else 0.0
        index = bisect.bisect_right(self.steps, level)
        return self.steps[index - 1] if index else 0.0


def discrete_holm(p_values: Sequence[float], sizes: Sequence[Sizes], *, alpha: float) -> list[float]:
    """The level at which each hypothesis is tested, so that any false rejection has probability ≤ alpha.

    Parameters
    ----------
    p_values : one-sided p-values, each valid on its own.
    sizes : of each test, from what is fixed under its null hypothesis (magnitudes, number of discordant samples).
    alpha : family-wise error rate, strong control, whatever the dependence (a slice lies inside its family).

    Returns
    -------
    list of float, same order
        Reject hypothesis i when ``p_values[i] <= level[i]``.

    Notes
    -----
    Holm's steps, but a test that would be rejected at p costs what it can really use up at p, not p itself: nothing
    where it can never reject (Tarone), the next attainable size below otherwise. Never rejects less than Holm; is Holm
    for continuous tests.
    """
    levels = [0.0] * len(p_values)
    kinds = {size: number for number, size in enumerate(dict.fromkeys(sizes))}
    kind_of, kind = [kinds[size] for size in sizes], list(kinds)
    for p in sorted(set(p_values)):
        group = [i for i, other in enumerate(p_values) if other >= p]
        tied = [i for i in group if p_values[i] == p]
        others = Counter(kind_of[i] for i in group if p_values[i] > p)
        rejected = p * len(tied) + _total(others, kind, p) <= alpha
        decided, start = (tied, p) if rejected else (group, 0.0)
        counts = Counter(kind_of[i] for i in group)
        level = {own: _level(own, counts, kind, alpha, start=start) for own in {kind_of[i] for i in decided}}
        for i in decided:
            levels[i] = level[kind_of[i]]
        if not rejected:
            break
    return levels


def _total(counts: Mapping[int, int], kind: Sequence[Sizes], level: float) -> float:
    """What tests of these kinds (number of each) use up together at `level`. Equal tests are looked up once."""
    return sum(count * kind[number].at(level) for number, count in counts.items())


def _level(own: int, counts: Counter[int], kind: Sequence[Sizes], alpha: float, *, start: float) -> float:
    """The largest level, from `start` upwards, that a unit of kind `own` can be given next to the others."""
    others = counts - Counter([own])
    low, high = start, alpha
    if high + _total(others, kind, high) <= alpha:
        return high
    for _ in range(30):
        middle = (low + high) / 2
        fits = middle + _total(others, kind, middle) <= alpha
        low, high = (middle, high) if fits else (low, middle)
    return low
