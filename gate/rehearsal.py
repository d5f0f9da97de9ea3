"""L7: whole runs in simulated worlds, by the engine and the rule of the verdict that `run` uses. No endpoint is asked.

A world is what every sample would answer, on both arms, however often it is asked. A rehearsal asks of it what a run
would ask, in batches, and decides as a run would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from gate.comparing import Described, comparison_of, judged_together
from gate.domain import Comparison, PerArm, Sample
from gate.policy import FamilyRule, Policy
from gate.sequential_course import family_key, family_spec, units
from gate.stats import SEED
from gate.stats.decision import Unit, UnitResult, decide as decide_once
from gate.stats.design import REASKS, Asks, Design, FamilySpec, Scores
from gate.stats.engine import decide, plan_looks, wanted
from gate.stats.flips import Bools, Matrix
from gate.stats.paired import Ints, PairedScores
from gate.stats.stored import SCREEN_COLUMNS
from gate.stats.worlds import Noise, Urn, draw, mean_of, noise_of, urn_of

ASSUMED_NOISE, ASSUMED_MEAN = 0.08, 0.8
"""Where too few samples were ever asked twice, or none at all."""
FEWEST_TWICE = 20
"""Samples asked more than once that a noise can be taken from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A family before it is asked: its units, and what is known of its baseline.

    `noise` is None where too few samples were asked twice, `mean` where none was asked; the `urn` then rests on what is
    assumed.
    """

    named: tuple[Described, ...]  # the family, then its slices
    spec: FamilySpec
    noise: Noise | None
    mean: float | None
    known: Matrix  # stored scores, shape (n, k), NaN for none
    urn: Urn

    @property
    def noise_used(self) -> float:
        return ASSUMED_NOISE if self.noise is None else self.noise.value

    @property
    def noise_samples(self) -> int:
        return 0 if self.noise is None else self.noise.samples

    @property
    def mean_used(self) -> float:
        return ASSUMED_MEAN if self.mean is None else self.mean

    @property
    def mean_samples(self) -> int:
        return int((~np.isnan(self.known)).any(axis=1).sum())

    @property
    def columns(self) -> int:
        """How often an arm's sample can be asked at most."""
        return most_askings(self.spec.repeats) + SCREEN_COLUMNS


def most_askings(repeats: int) -> int:
    """Of one sample on one arm: the first pass, and the larger of re-asking and a second run."""
    return max(repeats + REASKS, 2 * repeats)


def subject(
    config: str | None,
    family: str,
    rule: FamilyRule,
    samples: Sequence[Sample],
    *,
    metric: str = "score",
    known: Matrix | None = None,
    stored: Matrix | None = None,
) -> Subject:
    """`known`: all scores of the baseline that were ever kept; `stored`: whole runs that a run would compare with."""
    named = units(config, family, metric, rule, samples)
    known = np.full((len(samples), 0), np.nan) if known is None else known
    noise, mean = noise_of(known), mean_of(known)
    noise = None if noise is None or noise.samples < min(FEWEST_TWICE, len(samples)) else noise
    urn = urn_of(
        known,
        noise=ASSUMED_NOISE if noise is None else noise.value,
        mean=ASSUMED_MEAN if mean is None else mean,
    )
    spec = family_spec(family_key(config, family), rule, named, samples, stored)
    return Subject(named=named, spec=spec, noise=noise, mean=mean, known=known, urn=urn)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """What one family would answer: float arrays, shape (n, askings)."""

    baseline: Matrix
    candidate: Matrix


def unchanged(one: Subject, random: np.random.Generator) -> World:
    """Both arms answer from the same urn: nothing has changed."""
    both = draw(one.urn, one.spec.n, 2 * one.columns, random)
    return World(baseline=both[:, : one.columns], candidate=both[:, one.columns :])


def worse(world: World, taken: Bools) -> World:
    """The same world in which the candidate always fails the samples `taken`."""
    return World(baseline=world.baseline, candidate=np.where(taken[:, None], 0.0, world.candidate))


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a rehearsal ended. `calls` by family, over both arms."""

    comparisons: tuple[Comparison, ...]
    calls: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Followed:
    """A family in a world, and what a run asks of it there."""

    world: World
    asked: Asked


class Rehearsal(Protocol):
    """One way of running a gate on the same subjects again and again.

    In two steps, for what a family is asked never depends on another family's answers: a world that changes one family
    need not be followed anew in the others.
    """

    def follow(self, index: int, world: World) -> Followed:
        """What a run asks of one subject, to its end."""
        ...

    def decide(self, followed: Sequence[Followed]) -> Played:
        """One run: all subjects, in their order."""
        ...


def rehearsal_of(subjects: Sequence[Subject], policy: Policy) -> Rehearsal:
    """As the policy's design has it."""
    make = FixedRehearsal if policy.risk.design == "fixed" else SequentialRehearsal
    return make(tuple(subjects), policy)


def play(rehearsal: Rehearsal, worlds: Sequence[World]) -> Played:
    """One run in these worlds, one a subject."""
    return rehearsal.decide([rehearsal.follow(index, world) for index, world in enumerate(worlds)])


@dataclass(frozen=True)
class SequentialRehearsal:
    """The looks, re-askings and second runs of `gate.stats.engine`."""

    subjects: tuple[Subject, ...]
    policy: Policy

    @cached_property
    def design(self) -> Design:
        risk = self.policy.risk
        return plan_looks([one.spec for one in self.subjects], alpha=risk.alpha, power=risk.power, seed=SEED)

    def follow(self, index: int, world: World) -> Followed:
        spec, asked = self.subjects[index].spec, Asked(world)
        alone = replace(self.design, families=(self.design.families[index],))
        if _in_one_go(spec):
            asked.first_pass(spec.repeats)
        while asks := wanted(alone, {spec.key: asked.scores()}):
            asked.more(asks[spec.key])
        return Followed(world=world, asked=asked)

    def decide(self, followed: Sequence[Followed]) -> Played:
        keyed = {one.spec.key: each.asked for one, each in zip(self.subjects, followed, strict=True)}
        results = decide(self.design, {key: asked.scores() for key, asked in keyed.items()})
        families = {result.key: result for result in results if result.key in keyed}
        return Played(
            comparisons=_named(self.subjects, results),
            calls=tuple(_calls(one.spec, keyed[one.spec.key], families[one.spec.key]) for one in self.subjects),
        )


def _in_one_go(spec: FamilySpec) -> bool:
    """May the whole first pass be shown at once? A replay ignores what it would not have asked, and says how much it
    would; but a slice that goes on alone does not, and a screening takes the first column for itself."""
    return not spec.slices and spec.stored is None


def _calls(spec: FamilySpec, asked: Asked, result: UnitResult) -> int:
    if _in_one_go(spec) and result.stage == "looks" and result.looks:
        return result.looks[-1].asked
    return asked.calls


@dataclass(frozen=True)
class FixedRehearsal:
    """Every sample once (or `repeats` times), then one decision."""

    subjects: tuple[Subject, ...]
    policy: Policy

    def follow(self, index: int, world: World) -> Followed:
        asked = Asked(world)
        asked.first_pass(self.subjects[index].spec.repeats)
        return Followed(world=world, asked=asked)

    def decide(self, followed: Sequence[Followed]) -> Played:
        risk = self.policy.risk
        found = [unit for one, each in zip(self.subjects, followed, strict=True) for unit in _units(one, each.world)]
        results = decide_once(found, alpha=risk.alpha, power=risk.power, seed=SEED)
        return Played(comparisons=_named(self.subjects, results), calls=tuple(one.asked.calls for one in followed))


def _named(subjects: Sequence[Subject], results: Sequence[UnitResult]) -> tuple[Comparison, ...]:
    names = [named for one in subjects for named in one.named]
    none = PerArm(baseline=0, candidate=0)
    return judged_together([comparison_of(named, result, none) for named, result in zip(names, results, strict=True)])


class Asked:
    """What is known of one family so far."""

    def __init__(self, world: World) -> None:
        self._world = world
        n = len(world.baseline)
        self._baseline, self._candidate = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)

    def first_pass(self, repeats: int) -> None:
        self._baseline[:], self._candidate[:] = repeats, repeats

    def more(self, asks: Asks) -> None:
        self._baseline = np.maximum(self._baseline, asks.baseline)
        self._candidate = np.maximum(self._candidate, asks.candidate)

    @property
    def calls(self) -> int:
        return int(self._baseline.sum() + self._candidate.sum())

    def scores(self) -> Scores:
        return Scores(
            baseline=_shown(self._world.baseline, self._baseline),
            candidate=_shown(self._world.candidate, self._candidate),
            asked_baseline=self._baseline,
            asked_candidate=self._candidate,
        )


def _shown(answers: Matrix, asked: Ints) -> Matrix:
    width = max(1, int(asked.max(initial=0)))
    if width > answers.shape[1]:
        raise ValueError(f"the engine asked a sample {width} times, and a world has {answers.shape[1]} answers")
    return np.asarray(np.where(np.arange(width) < asked[:, None], answers[:, :width], np.nan))


def _units(one: Subject, world: World) -> Iterator[Unit]:
    """As `gate.comparing` makes them from pairs."""
    whole = np.ones(one.spec.n, dtype=bool)
    for number, (named, kept) in enumerate(
        zip(one.named, (whole, *(part.members for part in one.spec.slices)), strict=True)
    ):
        yield Unit(
            key=f"{one.spec.key}\n{number:06d}",
            scores=_paired(one.spec, world, kept),
            margin=named.margin,
            severity=named.severity,
            ignore_below=named.ignore_below,
            is_slice=named.slice is not None,
        )


def _paired(spec: FamilySpec, world: World, kept: Bools) -> PairedScores:
    baseline, candidate = (
        np.sort(arm[kept, : spec.repeats], axis=1).mean(axis=1) for arm in (world.baseline, world.candidate)
    )
    both = np.concatenate([baseline, candidate])
    clusters = None if spec.clusters is None else np.unique(spec.clusters[kept], return_inverse=True)[1]
    return PairedScores(
        baseline=baseline,
        candidate=candidate,
        clusters=clusters,
        binary=spec.repeats == 1 and bool(((both == 0) | (both == 1)).all()),
    )
