"""L5: do the datasets and their scorers fit? Each reference must score 1; nothing else should come near.

Four answers a sample, no endpoint: its reference, nothing, a refusal, and the reference of another sample.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, get_args

from gate.dataset_quality import MOST_NEAR, Guess, guesses, lopsided, near_duplicates, repeated_inputs, shingles
from gate.datasets import sample_problem
from gate.domain import Completion, Sample, Score, Unscored
from gate.errors import Problem
from gate.evaluation import Suite, scored
from gate.families import Family

SEED = 20261124
"""For the draw of another sample's reference: one table for everybody."""
REFUSAL = "I'm sorry, but I can't help with that."

Probe = Literal["reference", "empty", "refusal", "another's"]
PROBES: tuple[Probe, ...] = get_args(Probe)
_NEARLY_ONE = 1 - 1e-9
_TOO_HIGH = 0.6
_GIVEN_AWAY = 0.2
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """Of the scores of one kind of answer over the samples; None where none could be scored."""

    value: float | None
    unscored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One family. `problems`: references that do not score 1. `undecided`: why references could not be scored.

    `notes` say what else is worth a look; they are no errors.
    """

    family: str
    samples: int
    clusters: int
    means: Mapping[Probe, Mean]
    problems: tuple[Problem, ...]
    undecided: tuple[str, ...]
    notes: tuple[str, ...]
    guesses: tuple[Guess, ...]


def check_suite(suite: Suite, *, seed: int, workers: int = 4) -> Checked:
    """Score the four answers of every sample, a few at once: some scorers wait for a process."""
    samples = suite.dataset.samples
    references = [_reference(suite.family, one) for one in samples]
    answers: dict[Probe, Sequence[str | None]] = {
        "reference": references,
        "empty": [""] * len(samples),
        "refusal": [REFUSAL] * len(samples),
        "another's": _of_others(references, seed),
    }
    results = {probe: _scores(suite.family, samples, answers[probe], workers) for probe in PROBES}
    means = {probe: _mean(found) for probe, found in results.items()}
    found = tuple(guesses(samples))
    return Checked(
        family=suite.name,
        samples=len(samples),
        clusters=len({one.cluster or f" {one.id}" for one in samples}),
        means=means,
        problems=tuple(_problems(suite, results["reference"])),
        undecided=_reasons(results["reference"]),
        notes=(*_twins(samples), *_lopsided(samples), *_too_high(means), *_given_away(found)),
        guesses=found,
    )


def _reference(family: Family, sample: Sample) -> str | None:
    """None where the family cannot make one of the target."""
    try:
        return family.reference(sample)
    except Exception:  # noqa: BLE001 - a target that `check` let through; the sample is named as a problem
        return None


def _of_others(references: Sequence[str | None], seed: int) -> list[str | None]:
    """For each sample the reference of another, drawn at random; None where there is no other."""
    number = len(references)
    if number < 2:
        return [None] * number
    generator = random.Random(seed)  # noqa: S311 - a draw of samples, not cryptography
    return [references[(index + generator.randrange(1, number)) % number] for index in range(number)]


def _scores(
    family: Family, samples: Sequence[Sample], answers: Sequence[str | None], workers: int
) -> list[Score | Unscored]:
    def score(sample: Sample, answer: str | None) -> Score | Unscored:
        if answer is None:
            return Unscored(reason="the target gives no reference answer")
        return scored(family, sample, Completion(text=answer))

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(score, samples, answers))


def _mean(found: Sequence[Score | Unscored]) -> Mean:
    values = [one.value for one in found if isinstance(one, Score)]
    return Mean(value=math.fsum(values) / len(values) if values else None, unscored=len(found) - len(values))


def _problems(suite: Suite, found: Sequence[Score | Unscored]) -> Iterator[Problem]:
    for index, one in enumerate(found):
        if isinstance(one, Score) and one.value < _NEARLY_ONE:
            what = f"its reference answer scores {one.value:.3f}, not 1 ({one.reason or 'no reason given'})"
            yield sample_problem(suite.dataset, index, what, "correct the target, or the input")


def _reasons(found: Sequence[Score | Unscored]) -> tuple[str, ...]:
    counts = Counter(one.reason for one in found if isinstance(one, Unscored))
    return tuple(
        f"references that could not be scored: {number} ({reason})" for reason, number in sorted(counts.items())
    )


def _twins(samples: Sequence[Sample]) -> Iterator[str]:
    same = list(repeated_inputs(samples))
    near = [one for one in near_duplicates(shingles(samples)) if (one.first, one.second) not in set(same)]
    if same:
        yield f"repeated inputs: {len(same)} ({_pairs(samples, same)})"
    if near:
        pairs = _pairs(samples, [(one.first, one.second) for one in near])
        closest = max(one.similarity for one in near)
        more = " or more" if len(near) >= MOST_NEAR else ""
        yield f"near-duplicates: {len(near)}{more}, up to {100 * closest:.0f} % alike ({pairs})"


def _pairs(samples: Sequence[Sample], pairs: Sequence[tuple[int, int]]) -> str:
    shown = ", ".join(f"{samples[one].id} ~ {samples[two].id}" for one, two in pairs[:_SHOWN])
    return f"{shown} and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else shown


def _lopsided(samples: Sequence[Sample]) -> Iterator[str]:
    for field, value, share in lopsided(samples):
        yield f"{field} is {value[:40]!r} in {100 * share:.0f} % of the samples: always answering so nearly passes"


def _too_high(means: Mapping[Probe, Mean]) -> Iterator[str]:
    for probe in PROBES[1:]:
        value = means[probe].value
        if value is not None and value > _TOO_HIGH:
            yield f"the answer {probe!r} scores {100 * value:.1f}: little room is left to see a loss in"


def _given_away(found: Sequence[Guess]) -> Iterator[str]:
    for one in found:
        if one.words >= one.majority + _GIVEN_AWAY:
            yield (
                f"single words of the input give {one.field} away: {100 * one.words:.0f} % guessed right, "
                f"{100 * one.majority:.0f} % by the commonest value"
            )
