"""L5: the screen against stored baseline runs: the candidate is asked once, the baseline not at all.

The screen can only pass a family. A stored run was made on another day, may have been a lucky one and may be kept for
that very reason, so whatever it cannot pass is asked anew on both arms, and a block rests on fresh answers alone.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from gate.domain import Look
from gate.stats.design import FamilyPlan, Scores
from gate.stats.flips import Matrix
from gate.stats.missing import Means, count_lost, means
from gate.stats.paired import NONINFERIORITY_SHARE, Ints, graded_loss_limit, moments_of
from gate.stats.walk import Walk, paired, view

SCREEN_COLUMNS = 1


def has_screen(plan: FamilyPlan) -> bool:
    return plan.passing_stored > 0


def screen(plan: FamilyPlan, scores: Scores) -> Walk:
    """Closed as unchanged, waiting for the candidate's answers, or open: then the looks follow with fresh answers.

    `need` counts the candidate's askings only.
    """
    seen, shown = view(plan, scores), screen_means(plan, scores)
    walk = Walk(view=seen, means=shown, stage="stored", level=plan.passing_stored)
    if (scores.asked_candidate < SCREEN_COLUMNS).any():
        return Walk(
            view=seen,
            means=shown,
            stage="stored",
            level=plan.passing_stored,
            need=np.full(plan.spec.n, SCREEN_COLUMNS),
        )
    kept = np.arange(plan.spec.n)
    if not passes_screen(walk, kept, margin=plan.spec.margin):
        return walk
    delta = float(shown.differences.sum()) / int(shown.valid.sum())
    look = Look(samples=plan.spec.n, asked=plan.spec.n, delta=delta, outcome="unchanged")
    return Walk(
        view=seen,
        means=shown,
        stage="stored",
        level=plan.passing_stored,
        outcome="unchanged",
        size=plan.spec.n,
        looks=(look,),
    )


def screen_means(plan: FamilyPlan, scores: Scores) -> Means:
    """Mean over the stored runs against the candidate's one asking, planned order."""
    stored = _stored(plan)
    count = np.isfinite(stored).sum(axis=1)
    candidate = scores.candidate[plan.order][:, :SCREEN_COLUMNS]
    answered = np.isfinite(candidate)
    return means(
        np.nan_to_num(stored).sum(axis=1) / np.maximum(count, 1),
        np.where(answered, candidate, 0.0).sum(axis=1),
        (count > 0) & answered.any(axis=1),
    )


def _stored(plan: FamilyPlan) -> Matrix:
    return plan.spec.stored[plan.order] if plan.spec.stored is not None else np.zeros((plan.spec.n, 0))


def passes_screen(walk: Walk, kept: Ints, *, margin: float) -> bool:
    """Non-inferiority of the samples `kept` at the screen's level, with the runs' own spread taken into account."""
    plan, shown = walk.view.plan, walk.means
    stored, candidate = _stored(plan)[kept], walk.view.candidate[kept][:, :SCREEN_COLUMNS]
    moments = moments_of(paired(walk.view, shown, kept))
    if moments is None or count_lost(stored, candidate).too_many(plan.spec.max_missing):
        return False
    level = plan.passing_stored
    low = graded_loss_limit(moments, any_lost=bool((shown.differences[kept] < 0).any()), alpha=level)
    delta = moments.t / moments.s
    z = NormalDist().inv_cdf(1 - NONINFERIORITY_SHARE * level)
    return delta - math.hypot(delta - low, z * math.sqrt(_run_variance(stored))) > -margin


def _run_variance(stored: Matrix) -> float:
    """Variance that a run's mean has beyond what its samples' own noise explains: days differ, not only answers.

    Of the difference between a new run and the mean of the stored ones. 0 for a single run: there it can't be seen,
    which is why a single run's level is halved.
    """
    whole = stored[np.isfinite(stored).all(axis=1)]
    n, runs = int(whole.shape[0]), int(whole.shape[1])
    if runs < 2 or not n:
        return 0.0
    between = float(whole.mean(axis=0).var(ddof=1))
    within = float(whole.var(axis=1, ddof=1).sum()) / n**2
    return float(max(between - within, 0.0) * (1 + 1 / runs))
