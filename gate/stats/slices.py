"""L5: the way of one slice, after its family is closed.

A slice rests on its family's answers. A blocking one that has not passed goes on alone if it looks suspicious, or if it
is large enough to see its margin: the rest of its samples are asked, then its discordant ones again, then, for one that
can see its margin, everything once more. Its loss is tested once, at the end (a second run counts twice), out of the
share of alpha that the slices have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gate.domain import Stage
from gate.stats.design import REASKS, SlicePlan
from gate.stats.flips import Bools
from gate.stats.late import weighed
from gate.stats.missing import Means, count_lost
from gate.stats.paired import Floats, Ints, sign_flip
from gate.stats.power import visible_drop
from gate.stats.sequential import passes_up_to
from gate.stats.stored import passes_screen
from gate.stats.walk import View, Walk, differs, is_binary, totals, unharmed

_UNFINISHED, _SUSPICIOUS = 0.5, 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SliceWalk:
    """How far a slice has come. `need`: as in `Walk`, 0 for other samples; None: closed.

    `kept`: its samples that were seen, as places in the planned order. `discordant` counts those that a test could
    rest on. `sees`: it can see a loss of its margin, so a pass waits for it.
    """

    plan: SlicePlan
    view: View
    means: Means
    kept: Ints
    stage: Stage
    level: float
    passed: bool = False
    p_worse: float = 1.0
    p_better: float = 1.0
    discordant: int = 0
    sees: bool = False
    need: Ints | None = None
    stuck: str | None = None


def walk_slice(part: SlicePlan, family: Walk, fresh: View, *, power: float, extra: bool) -> SliceWalk:
    """Replay a slice. `fresh`: the family's answers of both arms. `extra`: calls of its own are allowed."""
    members = part.spec.members[fresh.plan.order]
    walk = _from_family(part, family, fresh, members)
    walk = replace(walk, sees=_sees(walk, family, members, power))
    if walk.passed or family.need is not None or not extra or part.spec.severity != "blocking":
        return walk
    if not walk.sees and walk.p_worse > _UNFINISHED:
        return replace(walk, discordant=_expected(walk, int(members.sum())))
    return _complete(walk, fresh, members)


def _from_family(part: SlicePlan, family: Walk, fresh: View, members: Bools) -> SliceWalk:
    """What the family's answers say: passed at one of its looks, and the test of a loss at the last."""
    kept = np.flatnonzero(members[: family.size])
    walk = SliceWalk(
        plan=part,
        view=family.view,
        means=family.means if family.stage == "stored" else fresh.means(fresh.plan.spec.repeats),
        kept=kept,
        stage="stored" if family.stage == "stored" else "looks",
        level=family.view.plan.passing_stored or part.passing[-1],
    )
    if family.stage == "stored":
        passed = kept.size > 0 and passes_screen(family, kept, margin=part.spec.margin)
        return _tested(replace(walk, passed=passed), walk.means.differences)
    for end, level in zip(fresh.plan.looks, part.passing, strict=False):
        if end > family.size:
            break
        walk = _looked(walk, np.flatnonzero(members[:end]), level)
        if walk.passed:
            break
    return _tested(walk, walk.means.differences)


def _looked(walk: SliceWalk, kept: Ints, level: float) -> SliceWalk:
    spec, columns = walk.view.plan.spec, walk.view.plan.spec.repeats
    stuck = count_lost(walk.view.baseline[kept, :columns], walk.view.candidate[kept, :columns]).too_many(
        spec.max_missing
    )
    passed = stuck is None and _passes(walk, kept, level)
    return replace(walk, kept=kept, level=level, passed=passed, stuck=stuck)


def _passes(walk: SliceWalk, kept: Ints, level: float) -> bool:
    seen, means, margin = walk.view, walk.means, walk.plan.spec.margin
    if seen.clusters is None and is_binary(seen, means, kept):
        moved = means.differences[kept]
        most = passes_up_to(int(means.valid[kept].sum()), int(np.count_nonzero(moved)), margin=margin, level=level)
        return int((moved < 0).sum()) <= most
    return unharmed(seen, means, kept, margin=margin, level=level)


def _tested(walk: SliceWalk, differences: Floats) -> SliceWalk:
    """The sign-flip test of a loss; differences in planned order, one for each sample of the family."""
    column = np.zeros((differences.size, 1))
    column[walk.kept, 0] = differences[walk.kept]
    units = totals(walk.view.clusters, column, (0, differences.size))[:, 0]
    moved = units[units != 0]
    worse, better, _ = sign_flip(moved, seed=walk.view.plan.stream[0])
    return replace(walk, p_worse=worse, p_better=better, discordant=int(moved.size))


def _sees(walk: SliceWalk, family: Walk, members: Bools, power: float) -> bool:
    """Would a loss of the margin show, given the noise that the family has shown?"""
    differences = family.means.differences[: family.size]
    if not differences.size:
        return False
    noise = 2 * min(int((differences < 0).sum()), int((differences > 0).sum())) / differences.size
    clusters = walk.view.clusters
    units = int(members.sum()) if clusters is None else len(np.unique(clusters[members]))
    drop = visible_drop(units, noise, alpha=walk.plan.share, power=power)
    return drop is not None and drop <= walk.plan.spec.margin


def _expected(walk: SliceWalk, size: int) -> int:
    """Discordant samples that a slice left unfinished would have about had: what its test could have used up."""
    return walk.discordant if not walk.kept.size else -(-walk.discordant * size // walk.kept.size)


def _complete(walk: SliceWalk, fresh: View, members: Bools) -> SliceWalk:
    """All of the slice's samples, asked as often as in the first pass."""
    repeats, kept = fresh.plan.spec.repeats, np.flatnonzero(members)
    need = np.where(members, repeats, 0)
    if (fresh.asked < need).any():
        return replace(walk, need=need)
    whole = replace(walk, view=fresh, means=fresh.means(repeats), stage="looks")
    whole = _looked(whole, kept, walk.plan.passing[-1])
    whole = _tested(whole, whole.means.differences)
    hopeless = not whole.sees and whole.p_worse > _SUSPICIOUS
    if whole.passed or whole.stuck or hopeless or not whole.discordant:
        return whole
    return _reask(whole, fresh, members)


def _reask(walk: SliceWalk, fresh: View, members: Bools) -> SliceWalk:
    repeats = fresh.plan.spec.repeats
    moved = members & (walk.means.differences != 0)
    need = np.where(moved, repeats + REASKS, np.where(members, repeats, 0))
    if (fresh.asked < need).any():
        return replace(walk, need=need)
    again = fresh.means(repeats + REASKS).differences
    columns = slice(repeats, repeats + REASKS)
    noisy = differs(fresh.baseline[moved, columns]) or differs(fresh.candidate[moved, columns])
    after = replace(_tested(walk, np.where(moved, weighed(again), 0.0)), stage="re-asked")
    if not walk.sees or not noisy or 2 * after.p_worse <= walk.plan.share:
        return replace(after, p_worse=min(1.0, (2 if walk.sees and noisy else 1) * after.p_worse))
    return _second_run(after, fresh, members, moved)


def _second_run(walk: SliceWalk, fresh: View, members: Bools, moved: Bools) -> SliceWalk:
    plan = fresh.plan
    repeats = plan.spec.repeats
    most = max(repeats + REASKS, 2 * repeats)
    need = np.where(moved, most, np.where(members, 2 * repeats, 0))
    if (fresh.asked < need).any():
        return replace(walk, need=need)
    full, more = fresh.means(2 * repeats), fresh.means(most)
    after = _tested(walk, np.where(moved, more.differences, full.differences))
    level = walk.plan.passing_second
    return replace(
        after,
        means=full,
        stage="second run",
        level=level,
        passed=unharmed(fresh, full, walk.kept, margin=walk.plan.spec.margin, level=level),
        p_worse=min(1.0, 2 * min(walk.p_worse, after.p_worse)),
    )
