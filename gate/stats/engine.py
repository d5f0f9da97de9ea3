"""L5: the sequential paired engine: what to ask next, and what has been shown. Pure; a replay of the scores alone.

`plan_looks` before any call; then `wanted` → ask → `wanted` … until it wants nothing; then `decide`. Families go in
step, so their calls interleave. See docs/design/decisions.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gate.domain import Severity
from gate.stats.decision import UnitResult
from gate.stats.design import Asks, Design, FamilyPlan, FamilySpec, Scores, SliceSpec, plan_looks
from gate.stats.late import finish
from gate.stats.multiplicity import Sizes, discrete_holm
from gate.stats.paired import Ints
from gate.stats.results import family_result, slice_result
from gate.stats.slices import SliceWalk, walk_slice
from gate.stats.stored import SCREEN_COLUMNS, has_screen, screen
from gate.stats.walk import Walk, view, walk_looks

__all__ = ["Asks", "Design", "FamilySpec", "Scores", "SliceSpec", "decide", "plan_looks", "wanted"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Replay:
    """A family and its slices, as far as the scores go."""

    family: Walk
    slices: tuple[SliceWalk, ...]


def wanted(design: Design, scores: Mapping[str, Scores]) -> Mapping[str, Asks]:
    """The next batch of every family that is still open; empty when all is decided or exhausted.

    Parameters
    ----------
    scores : of families by key; a family that is not there has not been asked anything.

    Returns
    -------
    Askings that each sample should have had, by family; always more than were asked, somewhere.
    """
    asks = {plan.spec.key: _wanted(plan, design, _known(plan, scores)) for plan in design.families}
    return {key: one for key, one in asks.items() if one is not None}


def decide(design: Design, scores: Mapping[str, Scores]) -> tuple[UnitResult, ...]:
    """Every unit: families in the order of the specs, each followed by its slices.

    Of a run that was cut, what is undecided is inconclusive; what was shown before stands.
    """
    replays = [_replay(plan, design, scores) for plan in design.families]
    walks = [one for replay in replays for one in replay.slices]
    levels = iter(_slice_levels(walks))
    return tuple(result for replay in replays for result in _results(replay, levels, design.power))


def _wanted(plan: FamilyPlan, design: Design, known: Scores) -> Asks | None:
    family, skip = _family(plan, known)
    if family.need is not None:
        return _asks(plan, known, family.need, skip=skip, screening=family.stage == "stored")
    walks = _slices(plan, design, known, family, skip)
    needs = [walk.need for walk in walks if walk.need is not None]
    return _asks(plan, known, np.max(needs, axis=0), skip=skip) if needs else None


def _results(replay: _Replay, levels: Iterator[tuple[float, float]], power: float) -> Iterator[UnitResult]:
    yield family_result(replay.family, power=power)
    for walk in replay.slices:
        loss, gain = next(levels)
        yield slice_result(walk, loss=loss, gain=gain, power=power)


def _slice_levels(walks: Sequence[SliceWalk]) -> list[tuple[float, float]]:
    """(loss, gain) level of each slice: Holm's steps among the slices of a severity; a hopeless one costs nothing."""
    levels = [(0.0, 0.0)] * len(walks)
    severities: tuple[Severity, Severity] = ("blocking", "advisory")
    for severity in severities:
        group = [i for i, walk in enumerate(walks) if walk.plan.spec.severity == severity]
        if not group:
            continue
        alpha = walks[group[0]].plan.alpha
        sizes = [Sizes(floor=0.5 ** min(walks[i].discordant, 1000)) for i in group]
        losses = discrete_holm([_p(walks[i], walks[i].p_worse) for i in group], sizes, alpha=alpha)
        gains = discrete_holm([_p(walks[i], walks[i].p_better) for i in group], sizes, alpha=alpha)
        for i, loss, gain in zip(group, losses, gains, strict=True):
            levels[i] = loss, gain
    return levels


def _p(walk: SliceWalk, p_value: float) -> float:
    """An unfinished slice, or one that only stored answers speak of, is not tested."""
    tested = walk.need is None and walk.stuck is None and walk.stage != "stored"
    return p_value if tested else 1.0


def _known(plan: FamilyPlan, scores: Mapping[str, Scores]) -> Scores:
    n = plan.spec.n
    nothing = np.zeros((n, 0))
    none = np.zeros(n, dtype=np.int64)
    empty = Scores(baseline=nothing, candidate=nothing, asked_baseline=none, asked_candidate=none)
    return scores.get(plan.spec.key, empty)


def _replay(plan: FamilyPlan, design: Design, scores: Mapping[str, Scores]) -> _Replay:
    known = _known(plan, scores)
    family, skip = _family(plan, known)
    return _Replay(family=family, slices=_slices(plan, design, known, family, skip))


def _family(plan: FamilyPlan, known: Scores) -> tuple[Walk, int]:
    """The family's way, and how many of the candidate's first columns belong to the screening."""
    if not has_screen(plan):
        return finish(*walk_looks(view(plan, known))), 0
    screened = screen(plan, known)
    if screened.outcome == "unchanged" or screened.need is not None:
        return screened, SCREEN_COLUMNS
    return finish(*walk_looks(view(plan, known, skip=SCREEN_COLUMNS))), SCREEN_COLUMNS


def _slices(plan: FamilyPlan, design: Design, known: Scores, family: Walk, skip: int) -> tuple[SliceWalk, ...]:
    fresh = view(plan, known, skip=skip)
    return tuple(walk_slice(part, family, fresh, power=design.power, extra=design.sequential) for part in plan.slices)


def _asks(plan: FamilyPlan, known: Scores, need: Ints, *, skip: int, screening: bool = False) -> Asks:
    """The screening's askings come before the fresh ones, on the candidate only."""
    baseline, candidate = need, np.where(need > 0, need + skip, 0)
    if screening:
        baseline, candidate = np.zeros_like(need), need
    return Asks(
        baseline=np.maximum(known.asked_baseline, _dataset_order(plan, baseline)),
        candidate=np.maximum(known.asked_candidate, _dataset_order(plan, candidate)),
    )


def _dataset_order(plan: FamilyPlan, values: Ints) -> Ints:
    placed = np.zeros_like(values)
    placed[plan.order] = values
    return placed
