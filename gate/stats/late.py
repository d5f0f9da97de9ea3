"""L5: what is asked again where the looks left a family open: its discordant samples, then everything once more.

Re-asking tells a real loss from an endpoint's own noise for few calls: a loss repeats, noise does not. It can only
block: asking the discordant samples alone biases delta towards 0, so "unchanged" waits for the second run.
The tests are sign-flips of whole samples (or clusters) with all their askings, so a candidate that answers differently,
as often better as worse, is not blocked for being consistent about it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate

import numpy as np

from gate.domain import Look, Outcome, Stage
from gate.stats.design import REASKS
from gate.stats.flips import Bools, Matrix, drawn_pairs, drawn_sums, mirrored, next_high, survivors
from gate.stats.missing import Means, chosen, means
from gate.stats.paired import Floats, Ints
from gate.stats.walk import Path, View, Walk, deterministic, differs, totals, unharmed

_MOST_REASKED = 1 / 3
_SUSPICIOUS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ways:
    """Drawn ways: net loss at each look, and the later statistics. `observed`: the same of the way that happened."""

    looks: list[Floats]
    later: list[Floats]
    observed: list[float]


def finish(walk: Walk, path: Path) -> Walk:
    """Go on with a family that the looks left open; as it is where nothing more may or can be learnt."""
    seen = walk.view
    undecided = walk.outcome == "inconclusive" and walk.need is None and walk.stuck is None
    if not undecided or not seen.plan.later or deterministic(seen) or not path.blocks:
        return walk
    first = seen.means(seen.plan.spec.repeats)
    if _hopeless(seen, first, path):
        return walk
    moved = first.differences != 0
    if moved.mean() > _MOST_REASKED:
        return second_run(walk, path, [], np.zeros_like(moved))
    return reask(walk, path, moved)


def _hopeless(seen: View, first: Means, path: Path) -> bool:
    """No sign of a loss, and so few samples that even a flawless second run would not rule one out."""
    if not first.differences.any():
        return True
    spec, flawless = seen.plan.spec, means(first.baseline, first.baseline, first.valid)
    if unharmed(seen, flawless, np.arange(spec.n), margin=spec.margin, level=seen.plan.passing_second[-1]):
        return False
    net = -float(first.differences.sum())
    return float((draw(seen, path, [-first.differences]).looks[-1] >= net).mean()) > _SUSPICIOUS


def reask(walk: Walk, path: Path, moved: Bools) -> Walk:
    """The discordant samples, some more times on both arms."""
    seen, repeats = walk.view, walk.view.plan.spec.repeats
    need = np.where(moved, repeats + REASKS, repeats)
    if (seen.asked < need).any():
        return replace(walk, need=need)
    again = np.where(moved, -seen.means(repeats + REASKS).differences, 0.0)
    columns = slice(repeats, repeats + REASKS)
    noisy = differs(seen.baseline[moved, columns]) or differs(seen.candidate[moved, columns])
    level = seen.plan.later[0] if noisy else seen.plan.later[-1]
    after = _tested(walk, path, [weighed(again)], [level], need=need, stage="re-asked")
    if after.outcome == "regressed" or not noisy:
        return after
    return second_run(after, path, [weighed(again)], moved)


def weighed(values: Floats) -> Floats:
    """A re-asked sample counts by the square of its mean difference: what repeats counts, what does not hardly."""
    return np.asarray(values * np.abs(values))


def second_run(walk: Walk, path: Path, before: list[Floats], reasked: Bools) -> Walk:
    """Every sample once more as often as in the first pass, in parts; a re-asked one has most of it already.

    Each part may pass the family, so that a lucky one is not asked to the end; only the whole may block it.
    """
    plan = walk.view.plan
    for size, passing in zip(plan.parts, plan.passing_second, strict=True):
        need, shown, every = _part(walk.view, size, reasked)
        if (walk.view.asked < need).any():
            return replace(walk, need=need)
        if size == plan.spec.n:
            levels = [*plan.later[: len(before)], plan.later[-1]]
            walk = _tested(walk, path, [*before, every], levels, need=need, stage="second run", shown=shown)
        else:
            walk = _second_look(walk, need, shown)
        walk = walk if walk.outcome == "regressed" else _passed(walk, passing)
        if walk.outcome != "inconclusive":
            break
    return walk


def _part(seen: View, size: int, reasked: Bools) -> tuple[Ints, Means, Floats]:
    """With the first `size` samples asked again: askings needed; unbiased means; net loss of all askings."""
    repeats, again = seen.plan.spec.repeats, np.arange(seen.plan.spec.n) < size
    shown = chosen(again, seen.means(2 * repeats), seen.means(repeats))
    every = chosen(reasked, seen.means(repeats + REASKS), shown)
    need = np.maximum(np.where(again, 2 * repeats, repeats), np.where(reasked, repeats + REASKS, 0))
    return need, shown, -every.differences


def _passed(walk: Walk, level: float) -> Walk:
    spec = walk.view.plan.spec
    passed = unharmed(walk.view, walk.means, np.arange(spec.n), margin=spec.margin, level=level)
    return _ended(replace(walk, level=level), "unchanged" if passed else "inconclusive")


def _tested(
    walk: Walk,
    path: Path,
    later: list[Floats],
    levels: list[float],
    *,
    need: Ints,
    stage: Stage,
    shown: Means | None = None,
) -> Walk:
    """The last of the later stages, tested at its cumulative level after all that went before."""
    seen, repeats = walk.view, walk.view.plan.spec.repeats
    first = seen.means(repeats)
    shown = first if shown is None else shown
    ways = draw(seen, path, [-first.differences, *later])
    crossed, p_value = _crosses(ways, path, levels, seen.plan.alpha)
    crossed |= path.crossed
    walk = replace(_second_look(walk, need, shown), stage=stage, p_value=p_value)
    delta = walk.looks[-1].delta or 0.0
    return _ended(walk, "regressed") if crossed and -delta > seen.plan.spec.ignore_below else walk


def _second_look(walk: Walk, need: Ints, shown: Means) -> Walk:
    delta = float(shown.differences.sum()) / max(int(shown.valid.sum()), 1)
    look = Look(samples=len(need), asked=2 * int(need.sum()), delta=delta, outcome="inconclusive")
    return replace(walk, stage="second run", means=shown, looks=(*walk.looks, look))


def _ended(walk: Walk, outcome: Outcome) -> Walk:
    return replace(walk, outcome=outcome, looks=(*walk.looks[:-1], replace(walk.looks[-1], outcome=outcome)))


def _crosses(ways: Ways, path: Path, levels: list[float], cap: float) -> tuple[bool, float]:
    """Does the observed way cross at the last stage, and its one-sided p-value there."""
    alive, gone = survivors(ways.looks, path.bands)
    high = np.inf
    for stage, level in enumerate(levels):
        sums = ways.later[stage]
        high = next_high(sums, alive, gone, spend=level, cap=cap)
        over = alive & (sums >= high)
        alive, gone = alive & ~over, gone + int(over.sum())
    observed = ways.observed[len(levels) - 1]
    sums = ways.later[len(levels) - 1]
    return bool(observed >= high), (1 + int((sums >= observed - 1e-9).sum())) / (1 + sums.size)


def draw(seen: View, path: Path, values: list[Floats]) -> Ways:
    """Drawn ways of the statistics given, the looks' net loss first.

    Units take their signs from a stream that only depends on where their first nonzero value is: a stage that is added
    does not change the signs of the stages before.
    """
    table = np.stack(values, axis=1)
    blocks = [_block(seen, table, block, k) for k, block in enumerate(path.blocks)]
    pairs = drawn_pairs(seen.plan.spec.n)
    looks = [mirrored(walk, pairs) for walk in accumulate(block[:, 0] for block in blocks)]
    sums = reduce(np.add, blocks)
    later = [mirrored(column, pairs) for column in sums.T[1:]]
    return Ways(looks=looks, later=later, observed=table[:, 1:].sum(axis=0).tolist())


def _block(seen: View, table: Matrix, block: tuple[int, int], number: int) -> Matrix:
    units = totals(seen.clusters, table, block)
    starts = np.where(units.any(axis=1), (units != 0).argmax(axis=1), -1)
    stream, pairs = seen.plan.stream, drawn_pairs(seen.plan.spec.n)
    tiers = (units[starts == first] for first in range(table.shape[1]))
    return reduce(
        np.add,
        (drawn_sums(tier, stream=(*stream, number, first), pairs=pairs) for first, tier in enumerate(tiers)),
    )
