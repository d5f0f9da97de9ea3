"""L5: answers without a score: how many an arm lost, when they are too many, and the worst they could hide."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gate.stats.flips import Bools, Matrix
from gate.stats.paired import Floats

_UNEVEN = 0.001


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Means:
    """Mean scores of n samples over their pairs of askings; `valid` where there is at least one such pair.

    `differences`: candidate − baseline, 0 where there is no pair.
    """

    baseline: Floats
    candidate: Floats
    valid: Bools
    differences: Floats


def means(baseline: Floats, candidate: Floats, valid: Bools) -> Means:
    # Rounded, so that 0.3 − 0.2 and 0.2 − 0.1 are one magnitude.
    differences = np.where(valid, candidate - baseline, 0.0).round(12)
    return Means(baseline=baseline, candidate=candidate, valid=valid, differences=differences)


def pair_means(baseline: Matrix, candidate: Matrix) -> Means:
    """Column by column: an asking counts when both arms have its score, so each arm's mean has equally many."""
    columns = min(baseline.shape[1], candidate.shape[1])
    left, right = baseline[:, :columns], candidate[:, :columns]
    both = np.isfinite(left) & np.isfinite(right)
    if columns == 1:
        both, left, right = both[:, 0], left[:, 0], right[:, 0]
        return means(np.where(both, left, 0.0), np.where(both, right, 0.0), both)
    count = np.maximum(both.sum(axis=1), 1)
    left, right = (np.where(both, one, 0.0).sum(axis=1) / count for one in (left, right))
    return means(left, right, np.asarray(both.any(axis=1)))


def chosen(where: Bools, one: Means, other: Means) -> Means:
    """`one` for the samples where true, else `other`."""
    return Means(
        baseline=np.where(where, one.baseline, other.baseline),
        candidate=np.where(where, one.candidate, other.candidate),
        valid=np.where(where, one.valid, other.valid),
        differences=np.where(where, one.differences, other.differences),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Of n samples asked: how many each arm has no score of."""

    n: int
    baseline: int
    candidate: int

    def too_many(self, limit: float) -> str | None:
        """Why the rest cannot be judged; None when it can. Above `limit`, or one arm clearly more than the other."""
        worst, total = max(self.baseline, self.candidate), self.baseline + self.candidate
        if not worst:
            return None
        text = f"{self.baseline} (baseline) and {self.candidate} (candidate) of {self.n} samples have no score"
        if worst > limit * self.n:
            return f"{text}; at most {limit:.1%} may be missing (max_missing)"
        tail = sum(math.comb(total, k) for k in range(worst, total + 1)) / 2**total
        return f"{text}: clearly more on one arm" if 2 * tail < _UNEVEN else None


def count_lost(baseline: Matrix, candidate: Matrix) -> Lost:
    """Samples of which an arm has no score at all in the columns given."""
    return Lost(
        n=len(baseline),
        baseline=int((~np.isfinite(baseline)).all(axis=1).sum()),
        candidate=int((~np.isfinite(candidate)).all(axis=1).sum()),
    )


def worst_case(baseline: Matrix, candidate: Matrix) -> tuple[float, float] | None:
    """Between what delta lies, whatever the missing answers would have scored; None when none is missing."""
    if np.isfinite(baseline).all() and np.isfinite(candidate).all():
        return None
    low = _filled(candidate, 0.0) - _filled(baseline, 1.0)
    high = _filled(candidate, 1.0) - _filled(baseline, 0.0)
    return math.fsum(low) / len(low), math.fsum(high) / len(high)


def _filled(scores: Matrix, value: float) -> Floats:
    return np.asarray(np.where(np.isfinite(scores), scores, value).mean(axis=1))
