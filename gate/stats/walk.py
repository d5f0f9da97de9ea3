"""L5: the way of one family, replayed from its scores: looks, then re-asking, then a second run.

A pure replay: whatever else has been asked, the way uses the first `repeats` askings of the first samples of the
planned order, and more of them only where it would have asked for more. So a resumed or sharded run, and one whose
answers come from a store, takes the very same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from gate.domain import Look, Outcome, Stage
from gate.stats.design import FamilyPlan, Scores
from gate.stats.flips import Band, Matrix, drawn_pairs, drawn_sums, mirrored, next_high, survivors
from gate.stats.missing import Lost, Means, pair_means
from gate.stats.paired import Floats, Ints, PairedScores, graded_loss_limit, moments_of
from gate.stats.sequential import boundary, passes_up_to


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """The fresh scores of a family in the planned order. `asked`: columns that both arms were asked, shape (n,)."""

    plan: FamilyPlan
    baseline: Matrix
    candidate: Matrix
    asked: Ints
    clusters: Ints | None

    def means(self, columns: int) -> Means:
        return pair_means(self.baseline[:, :columns], self.candidate[:, :columns])


def view(plan: FamilyPlan, scores: Scores, *, skip: int = 0) -> View:
    """`skip`: the candidate's first columns that belong to the screening against stored runs."""
    order, clusters = plan.order, plan.spec.clusters
    return View(
        plan=plan,
        baseline=scores.baseline[order],
        candidate=scores.candidate[order][:, skip:],
        asked=np.minimum(scores.asked_baseline, scores.asked_candidate - skip)[order],
        clusters=None if clusters is None else np.unique(clusters[order], return_inverse=True)[1],
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walk:
    """How far a family has come. `need`: askings of each sample, planned order, that it waits for; None: closed.

    `size` samples were seen; `means` (of all samples, planned order) are what is to be reported of them; `level` is
    that of the last test of "unchanged"; `p_value`, where given, is that of a later stage. `stuck` says why the family
    can't be decided.
    """

    view: View
    outcome: Outcome = "inconclusive"
    stage: Stage = "looks"
    size: int = 0
    means: Means
    level: float
    looks: tuple[Look, ...] = ()
    need: Ints | None = None
    p_value: float | None = None
    stuck: str | None = None


@dataclass(slots=True, kw_only=True)
class Path:
    """What the looks so far have fixed. Blocks are the stretches of the order between looks that were judged."""

    blocks: list[tuple[int, int]] = field(default_factory=list)
    discordant: list[int] = field(default_factory=list)
    passing: list[int] = field(default_factory=list)
    spend: list[float] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    walks: list[Floats] = field(default_factory=list)
    crossed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """Sums over the samples seen by each look: one number a look. Plain lists: looks are replayed very often."""

    asked: list[int]  # of the sample asked least
    net: list[float]  # lost − gained
    moved: list[int]
    valid: list[int]
    lost_baseline: list[int]
    lost_candidate: list[int]
    graded: list[int]  # samples with a score that is not 0 or 1


def tally(seen: View, first: Means) -> Tally:
    columns, ends = seen.plan.spec.repeats, np.array(seen.plan.looks, dtype=np.int64) - 1
    left, right = first.baseline, first.candidate
    graded = ((left != 0) & (left != 1)) | ((right != 0) & (right != 1))
    lost = [~np.isfinite(arm[:, :columns]).any(axis=1) for arm in (seen.baseline, seen.candidate)]
    flags = np.array([first.differences != 0, first.valid, *lost, graded])
    counts = flags.cumsum(axis=1, dtype=np.int64)[:, ends].tolist()
    return Tally(
        asked=np.minimum.accumulate(seen.asked)[ends].tolist(),
        net=(-first.differences).cumsum()[ends].tolist(),
        moved=counts[0],
        valid=counts[1],
        lost_baseline=counts[2],
        lost_candidate=counts[3],
        graded=counts[4],
    )


def walk_looks(seen: View) -> tuple[Walk, Path]:
    """Look after look until the family is decided, out of answers, or out of looks (then it is open, not closed)."""
    plan, path = seen.plan, Path()
    first = seen.means(plan.spec.repeats)
    if not plan.looks:
        return Walk(view=seen, means=first, level=0.0), path
    sums, need, stuck, judged = tally(seen, first), None, None, 0
    outcomes: list[Outcome] = []
    for index, end in enumerate(plan.looks):
        if sums.asked[index] < plan.spec.repeats:
            need = np.where(np.arange(plan.spec.n) < end, plan.spec.repeats, 0)
            break
        judged, stuck = index, _lost(sums, index, end).too_many(plan.spec.max_missing)
        outcomes.append("inconclusive" if stuck else _judge(seen, first, sums, path, index))
        if outcomes[-1] != "inconclusive":
            break
    walk = Walk(
        view=seen,
        outcome=outcomes[-1] if outcomes else "inconclusive",
        size=plan.looks[judged] if outcomes else 0,
        means=first,
        level=plan.passing[judged],
        looks=tuple(_look(plan, sums, index, outcome) for index, outcome in enumerate(outcomes)),
        need=need,
        stuck=stuck,
    )
    return walk, path


def _lost(sums: Tally, index: int, n: int) -> Lost:
    return Lost(n=n, baseline=sums.lost_baseline[index], candidate=sums.lost_candidate[index])


def _look(plan: FamilyPlan, sums: Tally, index: int, outcome: Outcome) -> Look:
    end, valid = plan.looks[index], sums.valid[index]
    delta = -sums.net[index] / valid if valid else None
    return Look(samples=end, asked=2 * plan.spec.repeats * end, delta=delta, outcome=outcome)


def _judge(seen: View, first: Means, sums: Tally, path: Path, index: int) -> Outcome:
    """One look: regressed before improved before unchanged."""
    spec, net = seen.plan.spec, sums.net[index]
    path.blocks.append((path.blocks[-1][1] if path.blocks else 0, seen.plan.looks[index]))
    path.spend.append(_spend(seen, index))
    path.discordant.append(sums.moved[index])
    exact = seen.clusters is None and spec.repeats == 1 and not sums.graded[index]
    low = _exact_band(seen, sums.valid[index], path, index) if exact else _drawn_band(seen, first, path, index)
    path.crossed |= net >= path.bands[-1].high
    if path.crossed and net > spec.ignore_below * max(sums.valid[index], 1):
        return "regressed"
    if net < 0 and -net >= _gains(seen, path, exact=exact)[-1].high:
        return "improved"
    return "unchanged" if net <= low else "inconclusive"


def _spend(seen: View, index: int) -> float:
    """The last look of a family that will not be asked again may use up all that the family has."""
    plan = seen.plan
    last = index == len(plan.looks) - 1
    return plan.alpha if last and (not plan.later or deterministic(seen)) else plan.spend[index]


def deterministic(seen: View) -> bool:
    """Were samples asked more than once on one arm, and did no answer ever differ? Then asking again says nothing."""
    stored, repeats = seen.plan.spec.stored, seen.plan.spec.repeats
    asked = [] if stored is None or stored.shape[1] < 2 else [stored]
    if repeats > 1:
        asked += [seen.baseline[:, :repeats], seen.candidate[:, :repeats]]
    return bool(asked) and not any(differs(one) for one in asked)


def differs(scores: Matrix) -> bool:
    """Do two askings of one sample, in its row, differ anywhere?"""
    if not scores.size:
        return False
    some = np.isfinite(scores).any(axis=1)
    kept = scores[some]
    return bool(kept.size) and bool((np.nanmax(kept, axis=1) > np.nanmin(kept, axis=1)).any())


def _exact_band(seen: View, n: int, path: Path, index: int) -> float:
    """Boundaries of a look at independent 0/1 samples. Returns the net loss up to which it passes."""
    plan, moved = seen.plan, path.discordant[-1]
    passing = passes_up_to(n, moved, margin=plan.spec.margin, level=plan.passing[index])
    path.passing.append(passing)
    loss = boundary(tuple(path.discordant), tuple(path.spend), tuple(path.passing), cap=plan.alpha)
    low = 2.0 * passing - moved if passing >= 0 else -np.inf
    path.bands.append(Band(low=low, high=2.0 * loss.cross - moved))
    return low


def _drawn_band(seen: View, first: Means, path: Path, index: int) -> float:
    """Boundaries of a look at graded, repeated or clustered scores, from drawn signs."""
    plan, end = seen.plan, seen.plan.looks[index]
    path.passing.append(-1)
    path.walks = cumulate(seen, -first.differences[:end, None], path)
    path.bands.append(_next_band(path, path.bands, plan.alpha))
    passed = unharmed(seen, first, np.arange(end), margin=plan.spec.margin, level=plan.passing[index])
    return np.inf if passed else -np.inf


def _next_band(path: Path, bands: list[Band], alpha: float) -> Band:
    look = len(bands)
    alive, crossed = survivors(path.walks, bands)
    return Band(high=next_high(path.walks[look], alive, crossed, spend=path.spend[look], cap=alpha))


def _gains(seen: View, path: Path, *, exact: bool) -> list[Band]:
    """The mirror image, for gains: boundaries with a spending of their own, and no stop for "unchanged"."""
    alpha = seen.plan.alpha
    if exact:  # the last of them is enough: the recursion keeps those before
        cross = boundary(tuple(path.discordant), tuple(path.spend), cap=alpha).cross
        return [Band(high=2.0 * cross - path.discordant[-1])]
    bands: list[Band] = []
    for _ in path.discordant:
        bands.append(_next_band(path, bands, alpha))
    return bands


def cumulate(seen: View, values: Matrix, path: Path) -> list[Floats]:
    """The first column's sums under drawn signs at every look so far; shapes (draws,)."""
    stream, pairs = seen.plan.stream, drawn_pairs(seen.plan.spec.n)
    sums = (block_sums(seen, values, block, (*stream, k, 0))[:, 0] for k, block in enumerate(path.blocks))
    return [mirrored(walk, pairs) for walk in accumulate(sums)]


def block_sums(seen: View, values: Matrix, block: tuple[int, int], stream: tuple[int, ...]) -> Matrix:
    """Sums over the units of a block that have moved in the first column; all of a unit's values turn together."""
    units = totals(seen.clusters, values, block)
    return drawn_sums(units[units[:, 0] != 0], stream=stream, pairs=drawn_pairs(seen.plan.spec.n))


def totals(clusters: Ints | None, values: Matrix, block: tuple[int, int]) -> Matrix:
    """Values summed over each unit (sample or cluster) of a stretch of the order."""
    part = values[block[0] : block[1]]
    if clusters is None:
        return part
    _, numbers = np.unique(clusters[block[0] : block[1]], return_inverse=True)
    return np.asarray(np.round(np.stack([np.bincount(numbers, weights=column) for column in part.T], axis=1), 10))


def unharmed(seen: View, means: Means, kept: Ints, *, margin: float, level: float) -> bool:
    """Non-inferiority for the samples `kept` (places in the planned order), whatever their scores."""
    moments = moments_of(paired(seen, means, kept))
    if moments is None or level <= 0:
        return False
    any_lost = bool((means.differences[kept] < 0).any())
    return graded_loss_limit(moments, any_lost=any_lost, alpha=level) > -margin


def paired(seen: View, means: Means, kept: Ints) -> PairedScores:
    """The pairs among the samples `kept`; clusters numbered from 0."""
    kept = kept[means.valid[kept]]
    clusters = None if seen.clusters is None else np.unique(seen.clusters[kept], return_inverse=True)[1]
    return PairedScores(
        baseline=means.baseline[kept],
        candidate=means.candidate[kept],
        clusters=clusters,
        binary=is_binary(seen, means, kept),
    )


def is_binary(seen: View, means: Means, kept: Ints | slice) -> bool:
    """Asked once, and every score 0 or 1."""
    if seen.plan.spec.repeats != 1:
        return False
    both = np.concatenate([means.baseline[kept], means.candidate[kept]])
    return bool(((both == 0) | (both == 1)).all())
