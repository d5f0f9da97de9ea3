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
    """A family and its slices, as far as the scores go. `skip`: the candidate's columns of the screening."""

    plan: FamilyPlan
    family: Walk
    slices: tuple[SliceWalk, ...]
    skip: int


def wanted(design: Design, scores: Mapping[str, Scores]) -> Mapping[str, Asks]:
    """The next batch of every family that is still open; empty when all is decided or exhausted.

    Parameters
    ----------
    scores : of families by key; a family that is not there has not been asked anything.

    Returns
    -------
    Askings that each sample should have had, by family; always more than were asked, somewhere.
    """
    replays = ((plan, _replay(plan, design, scores)) for plan in design.families)
    asks = {plan.spec.key: _asks(replay, _known(plan, scores)) for plan, replay in replays}
    return {key: one for key, one in asks.items() if one is not None}


def decide(design: Design, scores: Mapping[str, Scores]) -> tuple[UnitResult, ...]:
    """Every unit: families in the order of the specs, each followed by its slices.

    Of a run that was cut, what is undecided is inconclusive; what was shown before stands.
    """
    replays = [_replay(plan, design, scores) for plan in design.families]
    walks = [one for replay in replays for one in replay.slices]
    levels = iter(_slice_levels(walks))
    return tuple(result for replay in replays for result in _results(replay, levels, design.power))


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
    skip = SCREEN_COLUMNS if has_screen(plan) else 0
    fresh = view(plan, known, skip=skip)
    family = screen(plan, known) if skip else None
    if family is None or (family.outcome == "inconclusive" and family.need is None):
        family = finish(*walk_looks(fresh))
    slices = tuple(walk_slice(part, family, fresh, power=design.power, extra=design.sequential) for part in plan.slices)
    return _Replay(plan=plan, family=family, slices=slices, skip=skip)


def _asks(replay: _Replay, known: Scores) -> Asks | None:
    """None when nothing is needed. The screening's askings come before the fresh ones, on the candidate only."""
    screening = replay.family.stage == "stored" and replay.family.need is not None
    found = [replay.family.need, *(one.need for one in replay.slices)]
    needs = [need for need in found if need is not None]
    if not needs:
        return None
    need = np.max(needs, axis=0)
    baseline, candidate = np.zeros_like(need), need
    if not screening:
        baseline, candidate = need, np.where(need > 0, need + replay.skip, 0)
    return Asks(
        baseline=np.maximum(known.asked_baseline, _dataset_order(replay.plan, baseline)),
        candidate=np.maximum(known.asked_candidate, _dataset_order(replay.plan, candidate)),
    )


def _dataset_order(plan: FamilyPlan, values: Ints) -> Ints:
    placed = np.zeros_like(values)
    placed[plan.order] = values
    return placed
