"""L8: does the gate do what its policy says? Whole runs in simulated worlds that are like the stored baseline. Pure.

With nothing changed, a run that blocks is a false block, and the policy's alpha allows so many of them. With a drop
planted in one family, or confined to one slice, a run should block. A planted drop of d points makes each sample fail
always, with a chance of d over the mean score. Seeded: the same input gives the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gate.comparing import Described
from gate.domain import Severity, SliceKey, Verdict
from gate.policy import Policy
from gate.rehearsal import Followed, Played, Rehearsal, Subject, World, unchanged, worse
from gate.stats import SEED
from gate.stats.flips import Bools
from gate.stats.proportion import clopper_pearson
from gate.stats.worlds import hit, mean_of
from gate.verdict import decide

DROPS = (0.05, 0.10, 0.15)
_PLANTED = 4
"""Drops are planted in one simulated release of so many."""
_FEWEST_PLANTED = 20
_MOST_SLICES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`found` of `of` simulated releases, with the exact 95 % interval of the chance (Clopper-Pearson)."""

    found: int
    of: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """How often a planted drop was found. `caught` is None where the mean is too small to drop so far."""

    drop: float
    caught: Rate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A unit that drops were planted in, and what its stored answers say of it."""

    family: str
    slice: SliceKey | None
    severity: Severity
    samples: int
    asked_twice: int
    mean: float
    noise: float
    catches: tuple[Catch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """What came out. `holds`: the false blocks are no sign that the chance of one is above alpha."""

    holds: bool
    alpha: float
    simulations: int
    blocked: Rate
    passed: Rate
    mean_calls: float
    units: tuple[Tried, ...]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Site:
    """Where a drop can be planted."""

    index: int
    subject: Subject
    named: Described
    members: Bools
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Release:
    """One simulated release: with nothing changed, and which planted drops (site, drop) were caught in it."""

    verdict: Verdict
    calls: int
    caught: frozenset[tuple[int, float]]


def self_test(
    subjects: Sequence[Subject],
    policy: Policy,
    rehearsal: Rehearsal,
    *,
    simulations: int,
    tell: Callable[[int], None] | None = None,
) -> SelfTest:
    """Run the gate `simulations` times with nothing changed, and in some of those worlds with each drop planted.

    `tell` is called with the number of releases done.
    """
    sites = list(_sites(subjects))
    planted = min(simulations, max(_FEWEST_PLANTED, simulations // _PLANTED))
    releases = []
    for number in range(simulations):
        releases.append(_release(subjects, sites if number < planted else (), rehearsal, number))
        if tell is not None:
            tell(number + 1)
    blocked = _rate(sum(one.verdict == "blocked" for one in releases), simulations)
    return SelfTest(
        holds=blocked.low <= policy.risk.alpha,
        alpha=policy.risk.alpha,
        simulations=simulations,
        blocked=blocked,
        passed=_rate(sum(one.verdict == "pass" for one in releases), simulations),
        mean_calls=round(sum(one.calls for one in releases) / simulations, 1),
        units=tuple(_tried(site, place, releases[:planted]) for place, site in enumerate(sites)),
        seed=SEED,
    )


def _release(subjects: Sequence[Subject], sites: Sequence[_Site], rehearsal: Rehearsal, number: int) -> _Release:
    random = np.random.default_rng((SEED, number))
    before = [rehearsal.follow(index, unchanged(one, random)) for index, one in enumerate(subjects)]
    played = rehearsal.decide(before)
    return _Release(
        verdict=decide(played.comparisons).verdict,
        calls=sum(played.calls),
        caught=frozenset(_caught(sites, before, rehearsal, number)),
    )


def _rate(found: int, of: int) -> Rate:
    low, high = clopper_pearson(found, of)
    return Rate(found=found, of=of, low=low, high=high)


def _sites(subjects: Sequence[Subject]) -> Iterator[_Site]:
    """Every family, and the largest of its slices."""
    for index, one in enumerate(subjects):
        parts = sorted(range(len(one.spec.slices)), key=lambda part: -int(one.spec.slices[part].members.sum()))
        yield _site(index, one, one.named[0], np.ones(one.spec.n, dtype=bool))
        for part in sorted(parts[:_MOST_SLICES]):
            yield _site(index, one, one.named[1 + part], one.spec.slices[part].members)


def _site(index: int, one: Subject, named: Described, members: Bools) -> _Site:
    mean = mean_of(one.known[members])
    return _Site(index=index, subject=one, named=named, members=members, mean=one.mean_used if mean is None else mean)


def _caught(
    sites: Sequence[_Site], before: Sequence[Followed], rehearsal: Rehearsal, number: int
) -> Iterator[tuple[int, float]]:
    """The drops that are found when they are planted, one after the other, in these worlds."""
    for place, site in enumerate(sites):
        for drop in DROPS:
            if drop > site.mean:
                continue
            random = np.random.default_rng((SEED, number, place, round(1000 * drop)))
            world = _planted(before[site.index].world, site, drop, random)
            after = [*before]
            after[site.index] = rehearsal.follow(site.index, world)
            if _found(rehearsal.decide(after), site):
                yield place, drop


def _planted(world: World, site: _Site, drop: float, random: np.random.Generator) -> World:
    return worse(world, hit(site.members, drop / site.mean, random))


def _found(played: Played, site: _Site) -> bool:
    """Did the family regress, or a slice of it, where that weighs as much as the unit that was hit?"""
    return any(
        one.outcome == "regressed" and one.severity == site.named.severity
        for one in played.comparisons
        if (one.config, one.family) == (site.named.config, site.named.family)
    )


def _tried(site: _Site, place: int, releases: Sequence[_Release]) -> Tried:
    one = site.subject
    twice = (~np.isnan(one.known[site.members])).sum(axis=1) > 1
    return Tried(
        family=site.named.family,
        slice=site.named.slice,
        severity=site.named.severity,
        samples=int(site.members.sum()),
        asked_twice=int(twice.sum()),
        mean=site.mean,
        noise=one.noise_used,
        catches=tuple(_catch(drop, place, releases if drop <= site.mean else ()) for drop in DROPS),
    )


def _catch(drop: float, place: int, releases: Sequence[_Release]) -> Catch:
    found = sum((place, drop) in one.caught for one in releases)
    return Catch(drop=drop, caught=_rate(found, len(releases)) if releases else None)
