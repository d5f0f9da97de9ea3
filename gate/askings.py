"""L6: what the store holds of a baseline's questions, from any run: its scores, and how much is written in an answer.

Only askings of the first pass count. A re-asked sample was chosen for what it had answered, so its answers would make
the noise look larger than it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gate.budget import cost, most_used
from gate.domain import ARMS, Answer, Arm, Call, Completion, Question, Score, Usage
from gate.endpoint_rule import EndpointRule, Price
from gate.evaluation import TWIN, ScoredInterview, Suite
from gate.model_config import ModelPair
from gate.runner import stored_verdicts
from gate.stats.flips import Matrix
from gate.store import Store, Stored, content_key

if TYPE_CHECKING:
    from gate.judges import Judge


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCost:
    """An average asking of a family, over both arms: at least, and at most. `usd` is None where no price is stated.

    `calls`: how many an asking takes, those to its judge among them.
    """

    tokens: tuple[float, float]
    usd: tuple[float, float] | None
    calls: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The kept answers to the questions of a job. `store` is None where there is no such file."""

    store: Store | None
    interview: ScoredInterview
    endpoints: Mapping[str, EndpointRule]

    def scores(self, pair: ModelPair, suite: Suite) -> Matrix:
        """Every score that the baseline was ever given; shape (n, k), NaN where a sample has fewer than k."""
        found = [
            [self._score(question, call, one) for question, call, one in self._kept(pair, suite, sample.id, "baseline")]
            for sample in suite.dataset.samples
        ]
        rows = [[value for value in row if not math.isnan(value)] for row in found]
        width = max(map(len, rows), default=0)
        return np.array([row + [math.nan] * (width - len(row)) for row in rows], dtype=float).reshape(len(rows), width)

    def cost(self, pair: ModelPair, suite: Suite) -> CallCost:
        """Prompts as the budget estimates them; answers as long as those that are kept, else from nothing to the most
        that the model config allows."""
        arms = [self._arm_cost(pair, suite, arm) for arm in ARMS]
        prices = [one.usd for one in arms if one.usd is not None]
        asking = CallCost(
            tokens=_mean([one.tokens for one in arms]),
            usd=_mean(prices) if len(prices) == len(arms) else None,
        )
        return asking if suite.judge is None else _both(asking, self._judge_cost(suite, suite.judge))

    def _judge_cost(self, suite: Suite, judge: Judge) -> CallCost:
        """Of the verdicts on one answer as long as the reference. An answer that was judged before costs nothing."""
        price = self.endpoints[judge.rule.endpoint].price
        samples = suite.dataset.samples
        references = [Completion(text=suite.family.reference(one)) for one in samples]
        calls = [judge.calls(sample, one) for sample, one in zip(samples, references, strict=True)]
        usages = [most_used(one.request) for found in calls for one in found]
        read = sum(one.input_tokens for one in usages) / max(len(samples), 1)
        most = sum(one.output_tokens for one in usages) / max(len(samples), 1)
        return CallCost(
            tokens=(read, read + most),
            usd=None if price is None else (_usd(read, 0.0, price), _usd(read, most, price)),
            calls=max(map(len, calls), default=0),
        )

    def _arm_cost(self, pair: ModelPair, suite: Suite, arm: Arm) -> CallCost:
        price = self.endpoints[pair.arm(arm).endpoint].price
        usages = [most_used(self._call(pair, suite, sample.id, arm, 0)[1].request) for sample in suite.dataset.samples]
        read = sum(one.input_tokens for one in usages) / max(len(usages), 1)
        written = self._written(pair, suite, arm)
        most = max((one.output_tokens for one in usages), default=0)
        ends = (0.0, float(most)) if written is None else (written, written)
        return CallCost(
            tokens=(read + ends[0], read + ends[1]),
            usd=None if price is None else (_usd(read, ends[0], price), _usd(read, ends[1], price)),
        )

    def _written(self, pair: ModelPair, suite: Suite, arm: Arm) -> float | None:
        """Mean output tokens of the kept answers; None where there are none."""
        kept = [
            one.completion.usage.output_tokens
            for sample in suite.dataset.samples
            for _, _, one in self._kept(pair, suite, sample.id, arm)
        ]
        return sum(kept) / len(kept) if kept else None

    def _kept(self, pair: ModelPair, suite: Suite, sample_id: str, arm: Arm) -> Iterator[tuple[Question, Call, Stored]]:
        if self.store is None:
            return
        for repeat in range(suite.rule.repeats):
            question, call = self._call(pair, suite, sample_id, arm, repeat)
            rule = self.endpoints[call.alias]
            for twin in (0, TWIN):  # a model that was compared with itself answered as both arms
                key = content_key(
                    protocol=rule.protocol, base_url=rule.base_url, request=call.request, repeat=repeat + twin
                )
                for one in self.store.runs_of(key):
                    yield question, call, one

    def _call(self, pair: ModelPair, suite: Suite, sample_id: str, arm: Arm, repeat: int) -> tuple[Question, Call]:
        question = Question(config=pair.path, family=suite.name, sample_id=sample_id, arm=arm, repeat=repeat)
        return question, self.interview.call(question)

    def _score(self, question: Question, call: Call, one: Stored) -> float:
        answer = Answer(question=question, call=call, outcome=one.completion, asked_at=one.asked_at, cached=True)
        calls = self.interview.judging(answer)
        verdicts = stored_verdicts(self.store, self.endpoints, calls) if self.store is not None else []
        result = self.interview.use(answer, verdicts).result
        return result.value if isinstance(result, Score) else math.nan


def _both(one: CallCost, other: CallCost) -> CallCost:
    unpriced = one.usd is None or other.usd is None
    return CallCost(
        tokens=_sums(one.tokens, other.tokens),
        usd=None if unpriced else _sums(one.usd or (0.0, 0.0), other.usd or (0.0, 0.0)),
        calls=one.calls + other.calls,
    )


def _sums(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]


def _usd(read: float, written: float, price: Price) -> float:
    million = cost(Usage(input_tokens=1_000_000), price), cost(Usage(output_tokens=1_000_000), price)
    return (read * (million[0] or 0.0) + written * (million[1] or 0.0)) / 1e6


def _mean(ranges: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(low for low, _ in ranges) / len(ranges), sum(high for _, high in ranges) / len(ranges)
