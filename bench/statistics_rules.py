"""The rules that the statistics bench compares. Each takes a simulated pull request and says what it would decide."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from statistics_work import BASELINE, CANDIDATE, Array, PullRequest

from gate.domain import Outcome
from gate.stats.decision import Unit, decide
from gate.stats.paired import PairedScores, mcnemar_exact

ALPHA, POWER = 0.05, 0.8
MARGIN, SLICE_MARGIN = 0.05, 0.15
BETS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a rule decided of each family and slice, and how many calls each family took, both arms together."""

    families: Sequence[Outcome]
    calls: Sequence[int]
    slices: Sequence[Outcome] = ()

    @property
    def blocked(self) -> bool:
        return "regressed" in self.families or "regressed" in self.slices


Rule = Callable[[PullRequest], Judged]


def _once(pr: PullRequest, regressed: Sequence[bool], extra: Sequence[int] | None = None) -> Judged:
    """Of a rule that asks every sample once on both arms and knows only "regressed" and the opposite."""
    calls = np.full(pr.work.families, 2 * pr.work.n) + (0 if extra is None else np.array(extra))
    return Judged(families=["regressed" if one else "unchanged" for one in regressed], calls=calls.tolist())


def _loss(pr: PullRequest) -> Array:
    """What each sample lost, −1, 0 or 1, at the first asking; shape (families, n)."""
    return pr.first(BASELINE) - pr.first(CANDIDATE)


def any_drop(pr: PullRequest) -> Judged:
    return _once(pr, (_loss(pr).sum(axis=1) > 0).tolist())


def five_points(pr: PullRequest) -> Judged:
    return _once(pr, (_loss(pr).sum(axis=1) > 0.05 * pr.work.n).tolist())


def _mcnemar(pr: PullRequest) -> list[float]:
    loss = _loss(pr)
    counts = zip((loss > 0).sum(axis=1).tolist(), (loss < 0).sum(axis=1).tolist(), strict=True)
    return [mcnemar_exact(lost, gained) for lost, gained in counts]


def uncorrected(pr: PullRequest) -> Judged:
    return _once(pr, [p <= ALPHA for p in _mcnemar(pr)])


def with_holm(pr: PullRequest) -> Judged:
    return _once(pr, holm(_mcnemar(pr)))


def holm(p_values: Sequence[float]) -> list[bool]:
    """Holm's step-down at ALPHA, without any use of discreteness."""
    rejected, order = [False] * len(p_values), sorted(range(len(p_values)), key=p_values.__getitem__)
    for step, index in enumerate(order):
        if p_values[index] > ALPHA / (len(p_values) - step):
            break
        rejected[index] = True
    return rejected


def reasked(pr: PullRequest) -> Judged:
    """Each discordant sample asked once more on both arms; exact sign-flip on the sums of both askings, with Holm."""
    first = _loss(pr)
    again = pr.answers[:, BASELINE, :, 1] - pr.answers[:, CANDIDATE, :, 1]
    moved = first != 0
    totals = np.where(moved, first + again, 0.0)
    p_values = [_flip_p(family) for family in totals]
    return _once(pr, holm(p_values), (2 * moved.sum(axis=1)).tolist())


def _flip_p(totals: Array) -> float:
    sizes = np.abs(totals)
    return _flip_tail(int((sizes == 1).sum()), int((sizes == 2).sum()), round(float(totals.sum())))


@lru_cache(maxsize=1 << 14)
def _flip_tail(ones: int, twos: int, total: int) -> float:
    """P(sum ≥ total) of `ones` signs of size 1 and `twos` of size 2, every sign a fair coin."""
    by_ones = _coins(ones)
    by_twos = np.zeros(2 * twos + 1)
    by_twos[::2] = _coins(twos)
    # heads (of size 1 or 2) in the convolution: sum = 2 · heads − (ones + 2 · twos)
    heads = np.convolve(by_ones, by_twos)
    least = -(-(total + ones + 2 * twos) // 2)
    return float(min(1.0, heads[least:].sum())) if least > 0 else 1.0


@lru_cache(maxsize=1024)
def _coins(tosses: int) -> Array:
    logs = np.array([math.lgamma(k + 1) for k in range(tosses + 1)])
    return np.asarray(np.exp(logs[-1] - logs - logs[::-1] - tosses * math.log(2)))


def betting(pr: PullRequest) -> Judged:
    """A betting e-process a family, a mixture of bets (Waudby-Smith & Ramdas 2024), looked at after every sample.

    It blocks where the wealth against "nothing is lost" reaches families / alpha, and passes where the wealth against
    "the margin or more is lost" reaches 1 / alpha, whichever comes first.
    """
    loss, work = _loss(pr), pr.work
    blocks = _reaches(wealth(loss), work.families / ALPHA)
    passes = _reaches(wealth((MARGIN - loss) / (1 - MARGIN)), 1 / ALPHA)
    outcomes: list[Outcome] = []
    for block, stop in zip(blocks, passes, strict=True):
        outcomes.append("inconclusive" if min(block, stop) == work.n else "regressed" if block <= stop else "unchanged")
    used = np.minimum(np.minimum(blocks, passes) + 1, work.n)
    return Judged(families=outcomes, calls=(2 * used).tolist())


def wealth(gains: Array) -> Array:
    """Mean over the bets of Π (1 + bet · gain), after each sample; gains are at least −1. Shape (families, n)."""
    bets = np.array(BETS)[:, None, None]
    found: Array = np.exp(np.cumsum(np.log1p(bets * gains[None]), axis=2)).mean(axis=0)
    return found


def _reaches(found: Array, level: float) -> list[int]:
    """The first sample after which the wealth has reached a level; n where it never does."""
    reached = found >= level
    return np.where(reached.any(axis=1), reached.argmax(axis=1), found.shape[1]).tolist()


def fixed(pr: PullRequest) -> Judged:
    """`gate.stats.decision`: what `compare` does with recorded results."""
    work = pr.work
    units = [_unit(pr, family, slice(None), MARGIN) for family in range(work.families)]
    units += [_unit(pr, *work.members(number), SLICE_MARGIN) for number in range(work.slices)]
    outcomes = [one.outcome for one in decide(units, alpha=ALPHA, power=POWER, seed=1)]
    calls = [2 * work.n] * work.families
    return Judged(families=outcomes[: work.families], slices=outcomes[work.families :], calls=calls)


def _unit(pr: PullRequest, family: int, part: slice, margin: float) -> Unit:
    left, right = pr.first(BASELINE)[family, part], pr.first(CANDIDATE)[family, part]
    kept = np.isfinite(left) & np.isfinite(right)
    clusters = pr.work.clusters()
    scores = PairedScores(
        baseline=left[kept],
        candidate=right[kept],
        clusters=None if clusters is None else clusters[part][kept],
        binary=True,
    )
    missing = "too many are missing" if kept.mean() < 0.98 else None
    return Unit(key=f"{family}", scores=scores, margin=margin, severity="blocking", insufficient=missing)
