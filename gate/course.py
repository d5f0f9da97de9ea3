"""L7: what a run asks, batch by batch, until there is nothing left that would settle anything.

A course knows no endpoint: it names questions, is told what they gave, and decides. The same answers lead it along the
same path, so a run that was interrupted, cut into shards or repeated ends where one undisturbed run would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gate.domain import ARMS, NOT_ASKED, Arm, CallFailure, Comparison, Observation, Question
from gate.evaluation import Suite, questions
from gate.model_config import ModelPair
from gate.pairing import Paired, pair_families
from gate.policy import Policy

if TYPE_CHECKING:  # numpy, which a run that asks everything once needs only at its end
    from gate.comparing import Measured, Moved

MOST_STORED = 8
"""Stored runs of a baseline that are compared with: the newest. More say little more, and are older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a course came to: the decisions, and all that they rest on; `moved`: the samples lost and gained."""

    comparisons: tuple[Comparison, ...]
    measured: tuple[Measured, ...]
    moved: tuple[Moved, ...]
    observed: Mapping[tuple[str, Arm], Sequence[Observation]]  # by config and arm


class Course(Protocol):
    def wanted(self) -> list[Question]:
        """The next questions; none when everything is decided, or cannot be."""
        ...

    def add(self, asked: Sequence[Question], observed: Sequence[Observation]) -> None:
        """What the last batch gave, question by question."""
        ...

    def open(self) -> tuple[str, ...]:
        """The families that the last wanted questions are of."""
        ...

    def ended(self) -> Ended:
        """The decisions on what is known so far."""
        ...


@dataclass(slots=True)
class Record:
    """All observations of a run, by config and arm, in the order they were added."""

    observed: dict[tuple[str, Arm], list[Observation]] = field(default_factory=dict)

    def add(self, asked: Iterable[Question], observed: Iterable[Observation]) -> None:
        for question, observation in zip(asked, observed, strict=True):
            self.observed.setdefault((question.config, question.arm), []).append(observation)

    def measured(self, pairs: Sequence[ModelPair], suites: Sequence[Suite]) -> tuple[Measured, ...]:
        return tuple(one for pair in pairs for one in self._of(pair, suites))

    def _of(self, pair: ModelPair, suites: Sequence[Suite]) -> list[Measured]:
        from gate.comparing import Measured

        baseline, candidate = (self.observed.get((pair.path, arm), []) for arm in ARMS)
        paired = pair_families(baseline, candidate)
        return [
            Measured(
                config=pair.path,
                family=one.name,
                metric=one.family.metric,
                rule=one.rule,
                paired=paired.get(one.name, Paired(pairs=(), unpaired=())),
            )
            for one in suites
        ]


def was_asked(observation: Observation) -> bool:
    result = observation.result
    return not (isinstance(result, CallFailure) and result.kind in NOT_ASKED)


class FixedCourse:
    """Every question once, then one decision."""

    def __init__(self, pairs: Sequence[ModelPair], suites: Sequence[Suite], policy: Policy) -> None:
        self._pairs, self._suites, self._policy = pairs, suites, policy
        self._record = Record()
        self._asked = False

    def wanted(self) -> list[Question]:
        return [] if self._asked else [one for pair in self._pairs for one in questions(pair, self._suites)]

    def add(self, asked: Sequence[Question], observed: Sequence[Observation]) -> None:
        self._record.add(asked, observed)
        self._asked = True

    def open(self) -> tuple[str, ...]:
        return tuple(one.name for one in self._suites)

    def ended(self) -> Ended:
        return ended_at_once(self._record, self._record.measured(self._pairs, self._suites), self._policy)


def ended_at_once(record: Record, measured: tuple[Measured, ...], policy: Policy) -> Ended:
    """One decision on all that was measured."""
    from gate.comparing import compare, moved

    comparisons = compare(measured, policy)
    return Ended(comparisons=comparisons, measured=measured, moved=moved(measured), observed=record.observed)
