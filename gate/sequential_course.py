"""L7: the sequential course: looks, re-asks and second runs as the engine in `gate.stats` plans them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gate.comparing import (
    Described,
    Moved,
    cluster_numbers,
    comparison_of,
    described,
    judged_together,
    slice_keys,
    sliced,
)
from gate.course import Ended, Record, was_asked
from gate.domain import ARMS, Arm, Comparison, Observation, PerArm, Question, Sample, Score
from gate.evaluation import Suite
from gate.model_config import ModelPair
from gate.policy import FamilyRule, Policy, slice_rules
from gate.stats import SEED
from gate.stats.decision import UnitResult
from gate.stats.design import Asks, FamilySpec, Scores, SliceSpec
from gate.stats.engine import decide, plan_looks, wanted
from gate.stats.flips import Bools, Matrix
from gate.stats.paired import Ints

Stored = Mapping[tuple[str, str], Sequence[Sequence[Observation]]]
"""(config, family) → whole stored runs of the baseline, each in the order of the samples."""


def units(
    config: str | None, family: str, metric: str, rule: FamilyRule, samples: Sequence[Sample]
) -> tuple[Described, ...]:
    """A family and then its slices, as the engine takes and gives them."""
    whole = described(config=config, family=family, metric=metric, rule=rule)
    keys = slice_keys(slice_rules(family, rule), [one.slices for one in samples])
    return whole, *(sliced(whole, key, slice_rule) for key, slice_rule in keys)


def family_key(config: str | None, family: str) -> str:
    """What the engine calls a family of a model config."""
    return f"{config}\n{family}"


def members(one: Described, samples: Sequence[Sample]) -> Bools:
    """Which samples a unit is made of, shape (n,)."""
    key = one.slice
    return np.array([key is None or sample.slices.get(key.name) == key.value for sample in samples], dtype=bool)


def stored_matrix(runs: Sequence[Sequence[Observation]]) -> Matrix | None:
    """Scores of whole stored runs, shape (n, runs); None without any."""
    return np.array([[_value(one) for one in run] for run in runs]).T if runs else None


def family_spec(
    key: str, rule: FamilyRule, named: Sequence[Described], samples: Sequence[Sample], stored: Matrix | None
) -> FamilySpec:
    """What the engine is told of a family and its slices before any call."""
    return FamilySpec(
        key=key,
        n=len(samples),
        repeats=rule.repeats,
        clusters=cluster_numbers([(one.id, one.cluster) for one in samples]),
        margin=rule.margin,
        severity=rule.severity,
        ignore_below=rule.ignore_below,
        max_missing=rule.max_missing,
        slices=tuple(_slice_spec(one, samples) for one in named if one.slice is not None),
        stored=stored,
        patient=rule.judge is not None,  # an early stop for a loss leaves no room for the judge's errors
    )


def _slice_spec(one: Described, samples: Sequence[Sample]) -> SliceSpec:
    return SliceSpec(
        key="" if one.slice is None else f"{one.slice.name}={one.slice.value}",
        members=members(one, samples),
        margin=one.margin,
        severity=one.severity,
        ignore_below=one.ignore_below,
    )


class SequentialCourse:
    """Asks as much as it takes to decide, and no more."""

    def __init__(
        self, pairs: Sequence[ModelPair], suites: Sequence[Suite], policy: Policy, stored: Stored | None = None
    ) -> None:
        self._pairs, self._suites, self._stored = pairs, suites, stored or {}
        self._record = Record()
        self._open: tuple[str, ...] = ()
        self._parts = [_Part.of(pair, suite) for pair in pairs for suite in suites]
        self._by_name = {(one.config, one.suite.name): one for one in self._parts}
        self._design = plan_looks(
            [one.spec(self._stored.get((one.config, one.suite.name), ())) for one in self._parts],
            alpha=policy.risk.alpha,
            power=policy.risk.power,
            seed=SEED,
        )

    def wanted(self) -> list[Question]:
        asks = wanted(self._design, self._scores())
        parts = [part for part in self._parts if part.key in asks and not part.cut]
        self._open = tuple(dict.fromkeys(part.suite.name for part in parts))
        return [question for part in parts for question in part.questions(asks[part.key])]

    def add(self, asked: Sequence[Question], observed: Sequence[Observation]) -> None:
        self._record.add(asked, observed)
        for question, observation in zip(asked, observed, strict=True):
            self._by_name[question.config, question.family].add(question, observation)

    def open(self) -> tuple[str, ...]:
        return self._open

    def ended(self) -> Ended:
        results = iter(decide(self._design, self._scores()))
        decided = [(part, list(part.named(results))) for part in self._parts]
        for part, found in decided:
            if found[0][1].stage == "stored":
                self._remember(part)
        return Ended(
            comparisons=judged_together([one for part, found in decided for one in part.comparisons(found)]),
            measured=self._record.measured(self._pairs, self._suites),
            moved=tuple(one for part, found in decided for one in part.moved(found)),
            observed=self._record.observed,
        )

    def _scores(self) -> dict[str, Scores]:
        return {part.key: part.scores() for part in self._parts}

    def _remember(self, part: _Part) -> None:
        """A family decided against stored runs rests on them: they are its baseline's observations."""
        mine = self._record.observed.setdefault((part.config, "baseline"), [])
        for run in self._stored[part.config, part.suite.name]:
            mine += run


@dataclass(slots=True)
class _Arm:
    """Scores of one arm of a family: a row a sample, a column an asking; NaN where there is no score."""

    values: Matrix
    asked: Ints

    @classmethod
    def of(cls, n: int) -> _Arm:
        return cls(np.full((n, 1), np.nan), np.zeros(n, dtype=np.int64))

    def set(self, index: int, repeat: int, value: float) -> None:
        while repeat >= self.values.shape[1]:
            self.values = np.hstack([self.values, np.full_like(self.values, np.nan)])
        self.values[index, repeat] = value
        self.asked[index] = max(self.asked[index], repeat + 1)

    @property
    def columns(self) -> Matrix:
        return self.values[:, : max(1, int(self.asked.max(initial=0)))]

    def lost(self, members: Bools) -> int:
        """Samples that were asked and have no score at all."""
        return int(np.sum((self.asked > 0) & np.isnan(self.values).all(axis=1) & members))


@dataclass(slots=True, kw_only=True)
class _Part:
    """One family of one model config."""

    config: str
    suite: Suite
    whole: Described
    slices: list[Described]
    arms: dict[Arm, _Arm]
    rows: dict[str, int]  # sample id → its row
    cut: bool = False  # some of its questions were refused by the budget or by an endpoint that was given up

    @classmethod
    def of(cls, pair: ModelPair, suite: Suite) -> _Part:
        samples = suite.dataset.samples
        whole, *slices = units(pair.path, suite.name, suite.family.metric, suite.rule, samples)
        return cls(
            config=pair.path,
            suite=suite,
            whole=whole,
            slices=slices,
            arms={arm: _Arm.of(len(samples)) for arm in ARMS},
            rows={one.id: row for row, one in enumerate(samples)},
        )

    @property
    def key(self) -> str:
        return family_key(self.config, self.suite.name)

    def spec(self, stored: Sequence[Sequence[Observation]]) -> FamilySpec:
        named, samples = (self.whole, *self.slices), self.suite.dataset.samples
        return family_spec(self.key, self.suite.rule, named, samples, stored_matrix(stored))

    def questions(self, asks: Asks) -> Iterator[Question]:
        """Both arms of an asking next to each other, taking turns to go first."""
        asked = {arm: self.arms[arm].asked for arm in ARMS}
        targets: dict[Arm, Ints] = {"baseline": asks.baseline, "candidate": asks.candidate}
        for row in np.flatnonzero(
            (targets["baseline"] > asked["baseline"]) | (targets["candidate"] > asked["candidate"])
        ):
            spans = {arm: range(int(asked[arm][row]), int(targets[arm][row])) for arm in ARMS}
            yield from self._turns(int(row), spans)

    def _turns(self, row: int, spans: Mapping[Arm, range]) -> Iterator[Question]:
        for turn in range(max(map(len, spans.values()))):
            for arm in ARMS if (row + turn) % 2 == 0 else ARMS[::-1]:
                if turn < len(spans[arm]):
                    yield self._question(row, arm, spans[arm][turn])

    def _question(self, row: int, arm: Arm, repeat: int) -> Question:
        sample_id = self.suite.dataset.samples[row].id
        return Question(config=self.config, family=self.suite.name, sample_id=sample_id, arm=arm, repeat=repeat)

    def add(self, question: Question, observation: Observation) -> None:
        if was_asked(observation):
            self.arms[question.arm].set(self.rows[question.sample_id], question.repeat, _value(observation))
        else:
            self.cut = True

    def scores(self) -> Scores:
        baseline, candidate = self.arms["baseline"], self.arms["candidate"]
        return Scores(
            baseline=baseline.columns,
            candidate=candidate.columns,
            asked_baseline=baseline.asked,
            asked_candidate=candidate.asked,
        )

    def named(self, results: Iterator[UnitResult]) -> Iterator[tuple[Described, UnitResult]]:
        """Its results, which come next, named."""
        for one in (self.whole, *self.slices):
            yield one, next(results)

    def comparisons(self, found: Sequence[tuple[Described, UnitResult]]) -> Iterator[Comparison]:
        for one, result in found:
            mine = members(one, self.suite.dataset.samples)
            lost = {arm: self.arms[arm].lost(mine) for arm in ARMS}
            yield comparison_of(one, result, PerArm(baseline=lost["baseline"], candidate=lost["candidate"]))

    def moved(self, found: Sequence[tuple[Described, UnitResult]]) -> Iterator[Moved]:
        """What the family's comparison counts; then what only its slices do, each once."""
        told: set[int] = set()
        for one, result in found:
            for place, baseline, candidate in () if result.moved is None else result.moved.rows():
                if place not in told:
                    told.add(place)
                    sample = self.suite.dataset.samples[place]
                    yield Moved(
                        config=self.config,
                        family=self.suite.name,
                        sample_id=sample.id,
                        slices=sample.slices,
                        cluster=sample.cluster,
                        baseline=baseline,
                        candidate=candidate,
                        slice_only=one.slice is not None,
                    )


def _value(observation: Observation) -> float:
    return observation.result.value if isinstance(observation.result, Score) else float("nan")
