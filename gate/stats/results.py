"""L5: a closed (or cut) way → the result that is reported. Nothing here asks; the outcome of a family is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.domain import Look, Outcome, Stage
from gate.stats.decision import MovedScores, UnitResult, clamped_interval, mean, reason
from gate.stats.flips import Matrix
from gate.stats.missing import Means, worst_case
from gate.stats.paired import NONINFERIORITY_SHARE, Evidence, Ints, evidence
from gate.stats.power import detectable_drop, samples_to_settle
from gate.stats.sequential import SCORE_SHARE
from gate.stats.slices import SliceWalk
from gate.stats.walk import View, Walk, paired

_CUT = "the run ended before this was decided"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """A unit with its outcome, whether family or slice. `loss` and `passing` are levels of its interval's ends."""

    key: str
    margin: float
    view: View
    means: Means
    kept: Ints
    outcome: Outcome
    stage: Stage
    loss: float
    passing: float
    p_value: float | None
    sees: bool | None
    stuck: str | None
    looks: tuple[Look, ...]
    power: float


def family_result(walk: Walk, *, power: float) -> UnitResult:
    """The result of a family. One that waits for answers is inconclusive: its run was cut."""
    spec, cut = walk.view.plan.spec, walk.need is not None
    return _result(
        _Case(
            key=spec.key,
            margin=spec.margin,
            view=walk.view,
            means=walk.means,
            kept=_seen(walk),
            outcome=walk.outcome,
            stage=walk.stage,
            loss=walk.view.plan.alpha,
            passing=walk.level,
            p_value=walk.p_value,
            sees=None,
            stuck=walk.stuck or (_CUT if cut else None),
            looks=walk.looks,
            power=power,
        )
    )


def _seen(walk: Walk) -> Ints:
    """The samples that the last look saw; of a run that was cut before any look, all that were asked."""
    early = walk.size == 0 and walk.need is not None
    return np.flatnonzero(walk.view.asked > 0) if early else np.arange(walk.size)


def slice_result(walk: SliceWalk, *, loss: float, gain: float, power: float) -> UnitResult:
    """The result of a slice, tested at the levels given (by Holm and Tarone among all slices)."""
    spec = walk.plan.spec
    cut = walk.need is not None and not walk.passed
    case = _Case(
        key=spec.key,
        margin=spec.margin,
        view=walk.view,
        means=walk.means,
        kept=walk.kept,
        outcome="inconclusive",
        stage=walk.stage,
        loss=loss,
        passing=walk.level,
        p_value=walk.p_worse,
        sees=walk.sees,
        stuck=walk.stuck or (_CUT if cut else None),
        looks=(),
        power=power,
    )
    return _result(case, outcome=_slice_outcome(walk, case, gain))


def _slice_outcome(walk: SliceWalk, case: _Case, gain: float) -> Outcome:
    if case.stuck is not None or not walk.kept.size:
        return "inconclusive"
    differences = walk.means.differences[walk.kept]
    delta = float(differences.sum()) / max(int(walk.means.valid[walk.kept].sum()), 1)
    if walk.stage != "stored" and walk.p_worse <= case.loss and -delta > walk.plan.spec.ignore_below:
        return "regressed"
    if walk.stage != "stored" and walk.p_better <= gain:
        return "improved"
    return "unchanged" if walk.passed else "inconclusive"


def _result(case: _Case, outcome: Outcome | None = None) -> UnitResult:
    outcome = case.outcome if outcome is None else outcome
    scores = paired(case.view, case.means, case.kept)
    found = evidence(scores, seed=case.view.plan.stream[0])
    loss, passing = max(case.loss, 1e-9), max(case.passing, 1e-9)
    if found.moments is None:  # the score test was run at its own share of the level
        passing *= SCORE_SHARE / NONINFERIORITY_SHARE
    bounds = _bounds(case)
    interval = clamped_interval(found, outcome, loss=loss, passing=passing, margin=case.margin)
    if case.stuck is not None and bounds is not None:
        interval = min(interval[0], bounds[0]), max(interval[1], bounds[1])
    detectable = detectable_drop(found, alpha=loss, power=case.power)
    more = (
        samples_to_settle(found, level=loss, alpha=passing, margin=case.margin) if outcome == "inconclusive" else None
    )
    return UnitResult(
        key=case.key,
        n=scores.n,
        baseline=mean(scores.baseline.tolist()),
        candidate=mean(scores.candidate.tolist()),
        delta=mean(scores.differences.tolist()),
        interval=interval,
        level=1 - loss - NONINFERIORITY_SHARE * passing,
        p_value=(found.p_worse if case.p_value is None else case.p_value) if scores.n else None,
        margin=case.margin,
        outcome=outcome,
        method=_method(case, found),
        lost=int((scores.differences < 0).sum()),
        gained=int((scores.differences > 0).sum()),
        detectable=detectable,
        more_samples=more,
        can_see_margin=(detectable is not None and detectable <= case.margin) if case.sees is None else case.sees,
        reason=reason(outcome, interval, margin=case.margin, stuck=case.stuck, more=more),
        stage=case.stage,
        looks=case.looks,
        bounds=bounds,
        moved=_moved(case),
    )


def _moved(case: _Case) -> MovedScores:
    """Those whose difference is not 0; it is 0 where there is no pair, too."""
    kept = case.kept[case.means.differences[case.kept] != 0]
    return MovedScores(
        places=case.view.plan.order[kept],
        baseline=case.means.baseline[kept],
        candidate=case.means.candidate[kept],
    )


def _bounds(case: _Case) -> tuple[float, float] | None:
    """Of the first pass (or of the screen); None where nothing is missing."""
    if not case.kept.size:
        return None
    baseline: Matrix
    if case.stage == "stored":
        candidate = case.view.candidate[case.kept][:, :1]
        baseline = np.where(
            case.means.valid[case.kept] | np.isnan(candidate[:, 0]), case.means.baseline[case.kept], np.nan
        )[:, None]
    else:
        columns = case.view.plan.spec.repeats
        baseline, candidate = case.view.baseline[case.kept][:, :columns], case.view.candidate[case.kept][:, :columns]
    return worst_case(baseline, candidate)


def _method(case: _Case, found: Evidence) -> str:
    names = {"re-asked": "sign-flip, discordant samples re-asked", "second run": "sign-flip over two runs"}
    if case.stage == "stored":
        return "non-inferiority to stored runs"
    return names.get(case.stage, found.method)
