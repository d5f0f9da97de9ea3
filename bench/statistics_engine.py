"""The engine as shipped, on simulated pull requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from statistics_rules import ALPHA, MARGIN, POWER, SLICE_MARGIN, Judged
from statistics_work import ASKINGS, BASELINE, CANDIDATE, SEED, Array, PullRequest, Work

from gate.domain import Outcome
from gate.stats.decision import UnitResult
from gate.stats.design import Asks, Design, FamilySpec, Scores, SliceSpec, plan_looks
from gate.stats.engine import decide, wanted

Counts: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[np.int64]]"
"""Askings so far, shape (arms, n)."""

_BATCHES = 200


def engine(pr: PullRequest) -> Judged:
    """Looks, re-asking, second run: all that `driftgate run` does, in one replay of answers that are all there.

    The engine ignores what its way did not ask for, so this is what `drive` finds, batch by batch, at a tenth of the
    time (a test holds the two to each other). Calls are those of the families' own ways, without the slices' extras.
    """
    return replay(_design(pr.work), pr)


def replay(plan: Design, pr: PullRequest) -> Judged:
    """What a plan decides. With stored runs it screens first: the candidate alone, each sample once."""
    work = pr.work
    asked = {f"family-{family}": np.full((2, work.n), ASKINGS) for family in range(work.families)}
    results = {one.key: one for one in decide(plan, _scores(pr, asked))}
    screened = work.n if plan.families[0].spec.stored is not None else 0
    return Judged(
        families=[results[key].outcome for key in asked],
        slices=[results[f"slice-{number}"].outcome for number in range(work.slices)],
        calls=[screened + _asked(results[key]) for key in asked],
    )


def _asked(result: UnitResult) -> int:
    """Of both arms, after the screening."""
    return result.looks[-1].asked if result.stage != "stored" else 0


def step_by_step(pr: PullRequest) -> Judged:
    """The same, batch after batch, as the runner asks."""
    return drive(_design(pr.work), pr)


@lru_cache(maxsize=64)
def _design(work: Work) -> Design:
    return design(work, None)


def design(work: Work, stored: Array | None) -> Design:
    """The plan for a work; `stored`: baseline runs of earlier days, shape (families, n, runs)."""
    specs = [_spec(work, family, None if stored is None else stored[family]) for family in range(work.families)]
    return plan_looks(specs, alpha=ALPHA, power=POWER, seed=SEED)


def _spec(work: Work, family: int, stored: Array | None) -> FamilySpec:
    return FamilySpec(
        key=f"family-{family}",
        n=work.n,
        repeats=1,
        clusters=work.clusters(),
        margin=MARGIN,
        severity="blocking",
        ignore_below=0.0,
        max_missing=0.02,
        slices=tuple(_slice(work, number) for number in range(family, work.slices, work.families)),
        stored=stored,
    )


def _slice(work: Work, number: int) -> SliceSpec:
    members = np.zeros(work.n, dtype=bool)
    members[work.members(number)[1]] = True
    return SliceSpec(key=f"slice-{number}", members=members, margin=SLICE_MARGIN, severity="blocking")


def drive(plan: Design, pr: PullRequest) -> Judged:
    """Ask what the engine wants until it wants nothing more. Raises RuntimeError where it never has enough."""
    asked = {f"family-{family}": np.zeros((2, pr.work.n), dtype=np.int64) for family in range(pr.work.families)}
    for _ in range(_BATCHES):
        asks = wanted(plan, _scores(pr, asked))
        if not asks:
            break
        _ask(asked, asks)
    else:
        raise RuntimeError("the engine wants more and more")
    return _judged(plan, pr, asked)


def _ask(asked: dict[str, Counts], asks: Mapping[str, Asks]) -> None:
    before = sum(int(one.sum()) for one in asked.values())
    for key, one in asks.items():
        asked[key] = np.maximum(asked[key], np.stack([one.baseline, one.candidate]))
        if asked[key].max() > ASKINGS:
            raise RuntimeError(f"more than {ASKINGS} askings of one sample are wanted")
    if sum(int(one.sum()) for one in asked.values()) == before:
        raise RuntimeError("a batch with nothing in it is wanted")


def _scores(pr: PullRequest, asked: Mapping[str, Counts]) -> dict[str, Scores]:
    found = {}
    for answers, (key, counts) in zip(pr.answers, asked.items(), strict=True):
        columns = max(int(counts.max()), 1)
        known = np.where(np.arange(columns) < counts[:, :, None], answers[:, :, :columns], np.nan)
        found[key] = Scores(
            baseline=known[BASELINE],
            candidate=known[CANDIDATE],
            asked_baseline=counts[BASELINE],
            asked_candidate=counts[CANDIDATE],
        )
    return found


def _judged(plan: Design, pr: PullRequest, asked: Mapping[str, Counts]) -> Judged:
    outcomes = {one.key: one.outcome for one in decide(plan, _scores(pr, asked))}
    slices: Sequence[Outcome] = [outcomes[f"slice-{number}"] for number in range(pr.work.slices)]
    calls = [int(one.sum()) for one in asked.values()]
    return Judged(families=[outcomes[key] for key in asked], slices=slices, calls=calls)
