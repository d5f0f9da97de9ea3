"""L5: many units under one alpha.

References
----------
Holm S. (1979). A simple sequentially rejective multiple test procedure. Scand. J. Statist. 6, 65-70.
Tarone R. E. (1990). A modified Bonferroni method for discrete data. Biometrics 46, 515-522.
"""

from __future__ import annotations

from collections.abc import Sequence


def tarone_holm(p_values: Sequence[float], floors: Sequence[float], *, alpha: float) -> list[float]:
    """The level at which each hypothesis is tested, so that any false rejection has probability ≤ alpha.

    Parameters
    ----------
    p_values : one-sided p-values, each valid on its own.
    floors : the smallest p-value each discrete test could have given, from what is fixed under its null hypothesis.
    alpha : family-wise error rate, strong control.

    Returns
    -------
    list of float, same order
        Reject hypothesis i when ``p_values[i] <= level[i]``. A test whose floor is above its level can never reject and
        does not count against the others.
    """
    if not p_values:
        return []
    k = _tarone_factor(floors, alpha)
    hopeful = [index for index, floor in enumerate(floors) if floor <= alpha / k]
    levels = [alpha / k] * len(p_values)
    remaining = len(hopeful)
    for index in sorted(hopeful, key=lambda i: p_values[i]):
        level = alpha / remaining
        for later in hopeful:
            if p_values[later] >= p_values[index]:
                levels[later] = level
        if p_values[index] > level:
            break
        remaining -= 1
    return levels


def _tarone_factor(floors: Sequence[float], alpha: float) -> int:
    """The smallest k for which at most k tests could reject at alpha / k."""
    for k in range(1, len(floors) + 1):
        if sum(floor <= alpha / k for floor in floors) <= k:
            return k
    return len(floors)
