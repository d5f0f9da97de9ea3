"""L5: what is asked again where the looks left a family open: its discordant samples, then everything once more.

Re-asking tells a real loss from an endpoint's own noise for few calls: a loss repeats, noise does not. It can only
block: asking the discordant samples alone biases delta towards 0, so "unchanged" waits for the second run.
The tests are sign-flips of whole samples (or clusters) with all their askings, so a candidate that answers differently,
as often better as worse, is not blocked for being consistent about it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gate.domain import Look, Outcome, Stage
from gate.stats.design import REASKS
from gate.stats.flips import Bools, Matrix, drawn_pairs, drawn_sums, next_high, survivors
from gate.stats.missing import Means
from gate.stats.paired import Floats, Ints
from gate.stats.walk import Path, View, Walk, deterministic, differs, totals, unharmed

_MOST_REASKED = 1 / 3
_SUSPICIOUS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ways:
    """Drawn ways: net loss at each look, and the later statistics. `observed`: the same of the way that happened."""

    looks: list[Floats]
    later: Matrix  # (draws, later stages)
    observed: Floats  # (later stages,)


def finish(walk: Walk, path: Path) -> Walk:
    """Go on with a family that the looks left open; as it is where nothing more may or can be learnt."""
    seen = walk.view
    undecided = walk.outcome == "inconclusive" and walk.need is None and walk.stuck is None
    if not undecided or not seen.plan.later or deterministic(seen) or not path.blocks:
        return walk
    first = seen.means(seen.plan.spec.repeats)
    ways = draw(seen, path, [-first.differences])
    if _hopeless(seen, first, ways):
        return walk
    moved = first.differences != 0
    if moved.mean() > _MOST_REASKED:
        return second_run(walk, path, [], np.zeros_like(moved))
    return reask(walk, path, moved)


def _hopeless(seen: View, first: Means, ways: Ways) -> bool:
    """No sign of a loss, and so few samples that even a flawless second run would not rule one out."""
    if not first.differences.any():
        return True
    net = -float(first.differences.sum())
    rare = float((ways.looks[-1] >= net).mean())
    flawless = Means(baseline=first.baseline, candidate=first.baseline, valid=first.valid)
    return rare > _SUSPICIOUS and not _passes_second(seen, flawless)


def reask(walk: Walk, path: Path, moved: Bools) -> Walk:
    """The discordant samples, some more times on both arms."""
    seen, repeats = walk.view, walk.view.plan.spec.repeats
    need = np.where(moved, repeats + REASKS, repeats)
    if (seen.asked < need).any():
        return replace(walk, need=need)
    means = seen.means(repeats + REASKS)
    again = np.where(moved, -means.differences, 0.0)
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
    """Every sample once more as often as in the first pass; a re-asked one has most of it already."""
    seen, repeats = walk.view, walk.view.plan.spec.repeats
    most = max(repeats + REASKS, 2 * repeats)
    need = np.where(reasked, most, 2 * repeats)
    if (seen.asked < need).any():
        return replace(walk, need=need)
    full, more = seen.means(2 * repeats), seen.means(most)
    every = -np.where(reasked, more.differences, full.differences)
    levels = list(seen.plan.later[-len(before) - 1 :])
    after = _tested(walk, path, [*before, every], levels, need=need, stage="second run", means=full)
    if after.outcome == "regressed":
        return after
    outcome: Outcome = "unchanged" if _passes_second(seen, full) else "inconclusive"
    last = replace(after.looks[-1], outcome=outcome)
    return replace(after, outcome=outcome, level=seen.plan.passing_second, looks=(*after.looks[:-1], last))


def _passes_second(seen: View, means: Means) -> bool:
    spec = seen.plan.spec
    return unharmed(seen, means, np.arange(spec.n), margin=spec.margin, level=seen.plan.passing_second)


def _tested(
    walk: Walk,
    path: Path,
    later: list[Floats],
    levels: list[float],
    *,
    need: Ints,
    stage: Stage,
    means: Means | None = None,
) -> Walk:
    """The last of the later stages, tested at its cumulative level after all that went before."""
    seen, repeats = walk.view, walk.view.plan.spec.repeats
    first = seen.means(repeats)
    shown = first if means is None else means
    ways = draw(seen, path, [-first.differences, *later])
    crossed, p_value = _crosses(ways, path, levels)
    crossed |= path.crossed
    delta = float(shown.differences.sum()) / max(int(shown.valid.sum()), 1)
    regressed = crossed and -delta > seen.plan.spec.ignore_below
    outcome: Outcome = "regressed" if regressed else "inconclusive"
    look = Look(samples=seen.plan.spec.n, asked=2 * int(need.sum()), delta=delta, outcome=outcome)
    return replace(
        walk,
        outcome=outcome,
        stage=stage,
        means=shown,
        looks=(*walk.looks, look),
        p_value=p_value,
    )


def _crosses(ways: Ways, path: Path, levels: list[float]) -> tuple[bool, float]:
    """Does the observed way cross at the last stage, and its one-sided p-value there."""
    alive, gone = survivors(ways.looks, path.bands)
    high = np.inf
    for stage, level in enumerate(levels):
        sums = ways.later[:, stage]
        high = next_high(sums, alive, gone, spend=level)
        over = alive & (sums >= high)
        alive, gone = alive & ~over, gone + int(over.sum())
    observed = ways.observed[len(levels) - 1]
    as_far = int((ways.later[:, len(levels) - 1] >= observed - 1e-9).sum())
    return bool(observed >= high), (1 + as_far) / (1 + len(ways.later))


def draw(seen: View, path: Path, values: list[Floats]) -> Ways:
    """Drawn ways of the statistics given, the looks' net loss first.

    Units take their signs from a stream that only depends on where their first nonzero value is: a stage that is added
    does not change the signs of the stages before.
    """
    table = np.stack(values, axis=1)
    blocks = [_block(seen, table, block, k) for k, block in enumerate(path.blocks)]
    looks = np.cumsum([block[:, 0] for block in blocks], axis=0)
    later = np.sum([block[:, 1:] for block in blocks], axis=0)
    return Ways(looks=list(looks), later=later, observed=table[:, 1:].sum(axis=0))


def _block(seen: View, table: Matrix, block: tuple[int, int], number: int) -> Matrix:
    units = totals(seen.clusters, table, block)
    starts = np.where(units.any(axis=1), (units != 0).argmax(axis=1), -1)
    stream, pairs = seen.plan.stream, drawn_pairs(seen.plan.spec.n)
    return np.asarray(
        np.sum(
            [
                drawn_sums(units[starts == first], stream=(*stream, number, first), pairs=pairs)
                for first in range(table.shape[1])
            ],
            axis=0,
        )
    )
