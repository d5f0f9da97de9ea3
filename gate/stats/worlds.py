"""L5: simulated askings of a family, with the mean and the noise that its stored answers show. Seeded; nothing decides.

A sample's answers are drawn from an unknown distribution of its own. Its prior is a Dirichlet process over the scores
of the whole family, with a strength s that the method of moments takes from the noise; what was stored of the sample
updates it. For 0/1 scores this is the Beta-binomial model. Drawn by the Pólya urn: an asking repeats an earlier one
of its sample, or is drawn afresh from the family's scores. With s = noise/(2V − noise), V the variance of all scores,
the mean and the expected squared difference of two askings are those that were observed, without bias, however few
times each sample was asked. Resampling k stored answers would show only (k − 1)/k of the noise.

References
----------
Blackwell D., MacQueen J. B. (1973). Ferguson distributions via Pólya urn schemes. Annals of Statistics 1, 353-355.
Skellam J. G. (1948). A probability distribution derived from the binomial. J. R. Stat. Soc. B 10, 257-261.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.stats.flips import Bools, Matrix
from gate.stats.paired import Floats

_STRONGEST = 1e6
"""A prior this strong means that samples do not differ: all noise, no easy and no hard ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Mean squared difference of two askings of one sample, over `samples` that were asked more than once.

    For 0/1 scores: the chance that two askings disagree.
    """

    value: float
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Urn:
    """What simulated askings are drawn from.

    Parameters
    ----------
    own : float array, shape (n, k)
        Stored scores of each sample, NaN where there are fewer than k; k may be 0.
    pool : float array, shape (m,)
        Scores of the family, drawn from with equal chances.
    strength : float ≥ 0
        How many stored answers the pool counts for, in each sample.
    """

    own: Matrix
    pool: Floats
    strength: float


def noise_of(stored: Matrix) -> Noise | None:
    """Estimate the noise from stored scores (a row a sample, NaN for none). None where no sample has two of them.

    Unbiased: twice the variance within a sample, with k − 1, each sample counting alike.
    """
    counts = np.sum(~np.isnan(stored), axis=1)
    twice = stored[counts > 1]
    if not twice.size:
        return None
    within = np.nanvar(twice, axis=1, ddof=1)
    return Noise(value=float(2 * within.mean()), samples=int(twice.shape[0]))


def mean_of(stored: Matrix) -> float | None:
    """Mean score, each sample that has any counting alike; None where none has."""
    kept = stored[~np.isnan(stored).all(axis=1)]
    return float(np.nanmean(kept, axis=1).mean()) if kept.size else None


def urn_of(stored: Matrix, *, noise: float, mean: float) -> Urn:
    """The urn with this noise: around the stored scores, or around 0 and 1 with this `mean` where nothing is stored."""
    pool, weights = _pool(stored, mean)
    centre = float(np.average(pool, weights=weights))
    spread = 2 * float(np.average((pool - centre) ** 2, weights=weights))
    strength = noise / (spread - noise) if noise < spread else _STRONGEST
    return Urn(own=stored, pool=_even(pool, weights), strength=min(strength, _STRONGEST))


def _pool(stored: Matrix, mean: float) -> tuple[Floats, Floats]:
    """All stored scores, and the weights that make every sample count alike."""
    known = ~np.isnan(stored)
    if not known.any():
        return np.array([0.0, 1.0]), np.array([1 - mean, mean])
    counts = np.maximum(known.sum(axis=1, keepdims=True), 1)
    return stored[known], np.broadcast_to(1.0 / counts, stored.shape)[known]


def _even(pool: Floats, weights: Floats, *, size: int = 10_000) -> Floats:
    """The same distribution with equal weights: its quantiles, so that drawing is one look-up."""
    order = np.argsort(pool, kind="stable")
    ends = np.cumsum(weights[order]) / weights.sum()
    places = np.searchsorted(ends, (np.arange(size) + 0.5) / size)
    return np.asarray(pool[order][np.minimum(places, pool.size - 1)])


def draw(urn: Urn, n: int, askings: int, random: np.random.Generator) -> Matrix:
    """Simulated askings, shape (n, askings), exchangeable: any columns are as good as any others."""
    own = np.sort(urn.own, axis=1) if urn.own.size else np.empty((n, 0))  # NaNs last: the first `counts` are scores
    counts = np.sum(~np.isnan(own), axis=1)
    width, rows = own.shape[1], np.arange(n)
    seen = np.concatenate([own, np.empty((n, askings))], axis=1)
    for turn in range(askings):
        place = random.random(n) * (urn.strength + counts + turn)
        afresh = place >= counts + turn
        earlier = np.minimum(place, counts + turn - 1).astype(np.int64).clip(0)
        column = np.where(earlier < counts, earlier, width + earlier - counts)
        fresh = urn.pool[random.integers(urn.pool.size, size=n)]
        seen[:, width + turn] = np.where(afresh, fresh, seen[rows, column])
    return np.asarray(seen[:, width:])


def hit(members: Bools, share: float, random: np.random.Generator) -> Bools:
    """Which samples a planted drop takes: each of the `members` with chance `share`, and no other."""
    return np.asarray(members & (random.random(members.size) < share))
