"""L5: sign-flips over looks and stages together: one set of drawn signs serves the whole way of a family.

With nothing changed the arms of a unit (sample, cluster) are exchangeable, with all its askings: turning the signs of
all differences of a unit, at every look and stage at once, gives a way that was just as likely. The statistics of many
such ways, next to the one that happened, say how rare it is to cross a boundary here and none before. Exact given the
magnitudes, up to the draws; the observed way is counted among the drawn ones, so no p-value is ever 0.

References
----------
Phipson B., Smyth G. K. (2010). Permutation p-values should never be zero. Stat. Appl. Genet. Mol. Biol. 9, 39.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from gate.stats.paired import Floats

Matrix: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[np.float64]]"
Bools: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.bool_]]"

_MOST_SIGNS = 200_000_000
_CHUNK = 512
_SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A net loss of `high` or more crosses; one of `low` or less has passed. Both stop the way."""

    low: float = -math.inf
    high: float = math.inf


def drawn_pairs(n: int) -> int:
    """How many mirrored pairs of sign vectors are drawn for a family of n samples."""
    return max(1_000, min(5_000, _MOST_SIGNS // max(n, 1)))


@lru_cache(maxsize=256)
def _sums(values: bytes, columns: int, stream: tuple[int, ...], pairs: int) -> Matrix:
    """Sums of the units' values under drawn signs: shape (pairs, columns). The same stream gives the same signs."""
    units = np.frombuffer(values).reshape(-1, columns)
    random, total = np.random.default_rng(stream), np.zeros((pairs, columns))
    for start in range(0, len(units), _CHUNK):
        part = units[start : start + _CHUNK]
        bits = np.frombuffer(random.bytes(pairs * -(-len(part) // 8)), dtype=np.uint8).reshape(pairs, -1)
        signs = np.unpackbits(bits, axis=1, count=len(part))
        total += 2.0 * (signs.astype(np.float64) @ part) - part.sum(axis=0)
    return total


def drawn_sums(values: Matrix, *, stream: tuple[int, ...], pairs: int) -> Matrix:
    """Sums under drawn signs: shape (pairs, columns); `values` has shape (units, columns).

    A unit's values all take the same sign. Units are taken in the order given.
    """
    if not len(values):
        return np.zeros((1, values.shape[1]))
    return _sums(np.ascontiguousarray(values, dtype=float).tobytes(), values.shape[1], stream, pairs)


def mirrored(half: Floats, pairs: int) -> Floats:
    """Both of every pair: swapping the arms then swaps losses and gains exactly. Shape (2 · pairs,)."""
    half = np.broadcast_to(half, pairs)
    return np.concatenate([half, -half])


def survivors(walks: Sequence[Floats], bands: Sequence[Band]) -> tuple[Bools, int]:
    """Which drawn ways were stopped at none of the looks, and how many crossed."""
    alive, crossed = np.ones(len(walks[0]), dtype=np.bool_), 0
    for walk, band in zip(walks, bands, strict=False):
        over = alive & (walk >= band.high)
        crossed += int(over.sum())
        alive &= ~over & (walk > band.low)
    return alive, crossed


def next_high(walk: Floats, alive: Bools, crossed: int, *, spend: float, cap: float) -> float:
    """The boundary for ways that are still alive, so that at most `spend` of all, the observed one included, crossed.

    `spend` is cumulative: what the looks before have used up (`crossed`) is taken off. Nor does anything cross that the
    plain sign-flip test of this one statistic would not reject at `cap`.
    """
    least = _above(walk, math.floor(cap * (len(walk) + 1) * (1 + 1e-12)) - 1)
    return max(least, _above(walk[alive], math.floor(spend * (len(walk) + 1) * (1 + 1e-12)) - 1 - crossed))


def _above(sums: Floats, room: int) -> float:
    """The least boundary, above 0, that at most `room` of the sums reach."""
    if room < 0:
        return math.inf
    if room >= sums.size:
        return _SLACK
    place = sums.size - room - 1
    return max(float(np.partition(sums, place)[place]), 0.0) + _SLACK
