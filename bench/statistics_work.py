"""The simulated pull requests of the statistics bench. All of it is simulated: no endpoint is asked.

A sample's chance of passing is drawn from Beta(0.8 s, 0.2 s), s = r / (1 − r), r = noise / 0.32, so that two runs of
one endpoint disagree on a sample with probability `noise`. Every asking of either arm is drawn from it independently.

- a *hard* drop turns each sample, with chance drop / 0.8, into one that the candidate always fails;
- a *soft* drop multiplies the candidate's every chance by 1 − drop / 0.8;
- *clusters*: neighbours share a cluster; a tenth of the clusters is failed as a whole by one of the arms, a coin says
  by which. Nothing is lost on balance, but a test that takes the samples for independent sees far too much of it;
- *slices* of 30 samples lie in the families in turn.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

SEED = 20261124
MEAN, SLICE, CHURN = 0.8, 30, 0.1
ASKINGS = 8
"""Askings that are drawn for each sample and arm. A rule that wants more is an error, not a longer run."""
BASELINE, CANDIDATE = 0, 1

Array: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of pull request. `drop` is the loss of the first family, `slice_drop` that of the first slice alone.

    `outage`: candidate items of each family that never get an answer. `same`: both arms give the same answers.
    """

    name: str
    noise: float = 0.08
    drop: float = 0.0
    shape: Literal["hard", "soft"] = "hard"
    n: int = 400
    families: int = 5
    cluster: int = 1
    slices: int = 0
    slice_drop: float = 0.0
    outage: int = 0
    same: bool = False

    @property
    def changed(self) -> bool:
        return self.drop > 0 or self.slice_drop > 0

    def members(self, number: int) -> tuple[int, slice]:
        """The family of a slice, and where its samples lie in it."""
        start = SLICE * (number // self.families)
        return number % self.families, slice(start, start + SLICE)

    def clusters(self) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
        return None if self.cluster == 1 else np.arange(self.n, dtype=np.int64) // self.cluster


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PullRequest:
    """Answers of every asking, 0 or 1, NaN where none came: shape (families, arms, n, askings)."""

    work: Work
    answers: Array

    def first(self, arm: int) -> Array:
        """Everybody's first asking; shape (families, n)."""
        found: Array = self.answers[:, arm, :, 0]
        return found


def generator(work: Work, number: int) -> np.random.Generator:
    """Of the number-th chunk of a work's pull requests: the same on every machine, in whatever order they are run."""
    return np.random.default_rng((SEED, zlib.crc32(work.name.encode()), number))


def pull_requests(work: Work, random: np.random.Generator, count: int) -> Iterator[PullRequest]:
    for _ in range(count):
        yield pull_request(work, random, chances(work, random))


def chances(work: Work, random: np.random.Generator) -> Array:
    """Each sample's chance of passing; shape (families, n)."""
    shape = (work.families, work.n)
    if not work.noise:
        return (random.random(shape) < MEAN).astype(float)
    r = work.noise / (2 * MEAN * (1 - MEAN))
    s = r / (1 - r)
    return random.beta(MEAN * s, (1 - MEAN) * s, shape)


def pull_request(work: Work, random: np.random.Generator, chance: Array) -> PullRequest:
    """Ask both arms of samples with these chances."""
    arms = np.stack([chance, _changed(work, random, chance)], axis=1)
    if work.cluster > 1:
        arms *= _churn(work, random)
    answers = ask(arms, random)
    if work.same:
        answers[:, CANDIDATE] = answers[:, BASELINE]
    for family in answers[:, CANDIDATE]:
        family[random.choice(work.n, work.outage, replace=False)] = np.nan
    return PullRequest(work=work, answers=answers)


def ask(chance: Array, random: np.random.Generator, askings: int = ASKINGS) -> Array:
    """Every asking of every sample: one more axis."""
    return (random.random((*chance.shape, askings)) < chance[..., None]).astype(float)


def _changed(work: Work, random: np.random.Generator, chance: Array) -> Array:
    candidate = chance.copy()
    candidate[0] *= _left(work.drop, work.shape, random, work.n)
    if work.slice_drop:
        family, part = work.members(0)
        candidate[family, part] *= _left(work.slice_drop, work.shape, random, SLICE)
    return candidate


def _left(drop: float, shape: str, random: np.random.Generator, count: int) -> Array:
    """What is left of each sample's chance: 0 or 1 when hard, the same for all when soft."""
    share = drop / MEAN
    return np.full(count, 1 - share) if shape == "soft" else (random.random(count) >= share).astype(float)


def _churn(work: Work, random: np.random.Generator) -> Array:
    """0 where a whole cluster is failed by an arm; shape (families, arms, n)."""
    clusters = -(-work.n // work.cluster)
    hit = random.random((work.families, clusters)) < CHURN
    by = random.integers(2, size=(work.families, clusters))
    kept = np.stack([1.0 - (hit & (by == arm)) for arm in (BASELINE, CANDIDATE)], axis=1)
    found: Array = np.repeat(kept, work.cluster, axis=2)[:, :, : work.n]
    return found
