"""Null distributions, exact wherever that is affordable: binomial tails, sign flips, Student's t.

With nothing changed the two arms of a sample are exchangeable: each non-zero difference is as likely to be a
loss as a gain, whatever its size. Everything that blocks in this package rests on that fact alone.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DRAWS = 10_000  # pairs of mirrored sign vectors: p-values down to 1 / 20,002
ENUMERABLE = 14  # up to 2^14 sign vectors are listed rather than drawn
WIDEST_LATTICE = 20_000  # cells of an exact convolution
LARGEST_DENOMINATOR = 60  # scores in steps of 1/2 … 1/60 are a lattice
MATRIX_LIMIT = 4_096  # more distinct magnitudes than this are rounded to a grid before they are drawn
GRID = 256
CHUNK = 1_000_000  # cells held at once while drawing
TIE = 1e-9  # two sums closer than this are the same sum


@dataclass(frozen=True, slots=True)
class Sizes:
    """Which sizes a discrete test can have: its attainable p-values, ascending.

    `steps` empty means that every level from `smallest` upwards is attainable.
    """

    smallest: float
    steps: tuple[float, ...] = ()

    def at(self, level: float) -> float:
        """P(p-value ≤ level) with nothing changed: never more than `level`, 0 if the test cannot reject."""
        if not self.steps:
            return level if level >= self.smallest else 0.0
        index = bisect.bisect_right(self.steps, level)
        return self.steps[index - 1] if index else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignFlip:
    """One-sided p-values for "the total is this low" and "this high" by flipping signs."""

    p_loss: float
    p_gain: float
    sizes: Sizes
    exact: bool


def binomial_pmf(trials: int, chance: float = 0.5) -> Floats:
    """P(X = k) for k = 0 … trials, by log-factorials; relative error below 1e-10 up to 100,000 trials."""
    if chance <= 0.0 or chance >= 1.0:
        pmf = np.zeros(trials + 1)
        pmf[trials if chance >= 1.0 else 0] = 1.0
        return pmf
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1, dtype=np.float64)))])
    k = np.arange(trials + 1)
    choose = logs[trials] - logs - logs[::-1]
    return np.asarray(np.exp(choose + k * math.log(chance) + (trials - k) * math.log1p(-chance)))


def upper_tails(pmf: Floats) -> Floats:
    """P(X ≥ k) for k = 0 … trials + 1, summed from the far end so that small tails keep their digits."""
    tails = np.concatenate([np.cumsum(pmf[::-1])[::-1], [0.0]])
    return np.asarray(np.minimum(tails, 1.0))


def sign_flip(totals: Floats, *, seed: int) -> SignFlip:
    """One-sided sign-flip test of the sum of `totals`.

    Parameters
    ----------
    totals : (g,) differences of independent units (samples, or sums over clusters).
    seed : used only where sign vectors are drawn.

    Notes
    -----
    Assumes that, with nothing changed, each total is symmetric about 0 and independent of the others; no
    assumption on their sizes. Zeros carry no information and drop out. Where every total is 0 both p-values
    are 1. For 0/1 scores this *is* the exact one-sided McNemar test. Exact by convolution when the magnitudes
    lie on a lattice (means over up to 60 repeats do), by enumeration up to 14 non-zero totals; else Monte Carlo
    over mirrored pairs of sign vectors, the observed one and its mirror included, so that p is never 0, stays
    valid [1]_, and swapping the arms swaps the two p-values exactly.

    References
    ----------
    .. [1] Hemerik & Goeman (2018), Exact testing with random permutations, TEST 27, 811-825.
    """
    magnitudes = np.sort(np.abs(totals[np.abs(totals) > TIE]))
    if magnitudes.size == 0:
        return SignFlip(p_loss=1.0, p_gain=1.0, sizes=Sizes(1.0, (1.0,)), exact=True)
    denominator = _lattice(magnitudes)
    if denominator:
        steps = np.rint(magnitudes * denominator).astype(np.int64)
        lost = int(np.rint(-totals[totals < -TIE].sum() * denominator))
        return _lattice_flip(steps // int(np.gcd.reduce(steps)), lost // int(np.gcd.reduce(steps)))
    observed = math.fsum(totals)
    if magnitudes.size <= ENUMERABLE:
        return _enumerated_flip(magnitudes, observed)
    return _drawn_flip(magnitudes, totals, seed=seed)


def _lattice(magnitudes: Floats) -> int:
    """The denominator that makes all magnitudes whole numbers of affordable total, else 0."""
    distinct = np.unique(magnitudes)
    if distinct.size > WIDEST_LATTICE:
        return 0
    for denominator in range(1, LARGEST_DENOMINATOR + 1):
        scaled = distinct * denominator
        if np.all(np.abs(scaled - np.rint(scaled)) < TIE):
            return denominator if _affordable(magnitudes * denominator) else 0
    return 0


def _affordable(steps: Floats) -> bool:
    return bool(steps.min() == steps.max() or steps.sum() <= WIDEST_LATTICE)


def _lattice_flip(steps: Integers, lost: int) -> SignFlip:
    """Exact distribution of the lost weight: the convolution of one binomial for each distinct magnitude."""
    values, counts = np.unique(steps, return_counts=True)
    pmf = np.ones(1)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        spread = np.zeros(value * count + 1)
        spread[::value] = binomial_pmf(count)
        pmf = np.convolve(pmf, spread)
    tails = upper_tails(pmf)
    gained = pmf.size - 1 - lost
    attainable = np.sort(tails[:-1][pmf > 0.0])
    attainable = attainable[attainable > 0.0]
    return SignFlip(
        p_loss=max(float(tails[lost]), math.ulp(0.0)),
        p_gain=max(float(tails[gained]), math.ulp(0.0)),
        sizes=Sizes(float(attainable[0]), tuple(attainable[attainable <= 0.5].tolist()) or (1.0,)),
        exact=True,
    )


def _enumerated_flip(magnitudes: Floats, observed: float) -> SignFlip:
    sums = np.zeros(1)
    for magnitude in magnitudes.tolist():
        sums = np.concatenate([sums - magnitude, sums + magnitude])
    sums = np.sort(sums)
    ranks = np.searchsorted(sums, sums + TIE, side="right") / sums.size
    attainable = np.unique(ranks[ranks <= 0.5])
    return SignFlip(
        p_loss=float(np.searchsorted(sums, observed + TIE, side="right")) / sums.size,
        p_gain=float(sums.size - np.searchsorted(sums, observed - TIE, side="left")) / sums.size,
        sizes=Sizes(float(ranks[0]), tuple(attainable.tolist()) or (1.0,)),
        exact=True,
    )


def _drawn_flip(magnitudes: Floats, totals: Floats, *, seed: int) -> SignFlip:
    values, counts, observed = _grouped(magnitudes, totals)
    generator = np.random.default_rng(seed)
    draw = _draw_by_count if values.size <= GRID else _draw_by_sign
    sums = draw(values, counts, generator)
    low = int(np.count_nonzero(sums <= observed + TIE)) + int(np.count_nonzero(-sums <= observed + TIE))
    high = int(np.count_nonzero(sums >= observed - TIE)) + int(np.count_nonzero(-sums >= observed - TIE))
    mirrored = 2 * DRAWS + 2
    return SignFlip(
        p_loss=(1 + low + (-observed <= observed + TIE)) / mirrored,
        p_gain=(1 + high + (-observed >= observed - TIE)) / mirrored,
        sizes=Sizes(max(1 / mirrored, 0.5**magnitudes.size)),
        exact=False,
    )


def _grouped(magnitudes: Floats, totals: Floats) -> tuple[Floats, Integers, float]:
    """Distinct magnitudes with their counts, and the observed sum of exactly these.

    Very many distinct magnitudes are rounded to a grid first: the test of the rounded sum is as exact, and
    never needs draws × samples of memory.
    """
    unit = 1.0
    if np.unique(magnitudes).size > MATRIX_LIMIT:
        unit = float(magnitudes[-1]) / GRID
        magnitudes, totals = np.rint(magnitudes / unit), np.rint(totals / unit)
    values, counts = np.unique(magnitudes, return_counts=True)
    return values * unit, counts, math.fsum(totals * unit)


def _draw_by_count(values: Floats, counts: Integers, generator: np.random.Generator) -> Floats:
    sums = np.zeros(DRAWS)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        sums += value * (2.0 * generator.binomial(count, 0.5, size=DRAWS) - count)
    return sums


def _draw_by_sign(values: Floats, counts: Integers, generator: np.random.Generator) -> Floats:
    weights = np.repeat(values, counts)
    rows = max(1, CHUNK // weights.size)
    parts: list[Floats] = []
    for start in range(0, DRAWS, rows):
        signs = generator.integers(0, 2, size=(min(rows, DRAWS - start), weights.size), dtype=np.int8)
        parts.append(signs @ (2.0 * weights) - weights.sum())
    return np.concatenate(parts)


def student_quantile(level: float, freedom: float) -> float:
    """The `level` quantile of Student's t, by integrating the density over the angle atan(t/√freedom).

    Accurate to 1e-5 for levels in [0.001, 0.999] and one degree of freedom or more (tests hold it to scipy).
    """
    if level < 0.5:
        return -student_quantile(1.0 - level, freedom)
    angles = np.linspace(0.0, math.pi / 2, 8_001)
    density = np.cos(angles) ** (freedom - 1.0)
    area = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2.0)])
    angle = float(np.interp((2.0 * level - 1.0) * area[-1], area, angles))
    return math.sqrt(freedom) * math.tan(angle)


def smallest_p(units: int) -> float:
    """The smallest p-value that a sign-flip test of this many non-zero units can reach."""
    return 0.5**units if units < 1_000 else 0.0


def critical_losses(trials: Sequence[int], level: float) -> list[int]:
    """For each number of discordant samples, the fewest losses at which exact McNemar rejects at `level`."""
    return [int(np.count_nonzero(upper_tails(binomial_pmf(m)) > level)) for m in trials]
