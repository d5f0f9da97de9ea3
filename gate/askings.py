"""L6: what the store holds of a baseline's questions, from any run: its scores, and how much is written in an answer.

Only askings of the first pass count. A re-asked sample was chosen for what it had answered, so its answers would make
the noise look larger than it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gate.budget import cost, most_used
from gate.domain import ARMS, Answer, Arm, Call, Question, Score, Usage
from gate.evaluation import TWIN, ScoredInterview, Suite
from gate.model_config import ModelPair
from gate.policy import EndpointRule, Price
from gate.stats.flips import Matrix
from gate.store import Store, Stored, content_key


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCost:
    """An average call of a family, over both arms: at least, and at most. `usd` is None where no price is stated."""

    tokens: tuple[float, float]
    usd: tuple[float, float] | None


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
        return CallCost(
            tokens=_mean([one.tokens for one in arms]),
            usd=_mean(prices) if len(prices) == len(arms) else None,
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
        result = self.interview.use(answer).result
        return result.value if isinstance(result, Score) else math.nan


def _usd(read: float, written: float, price: Price) -> float:
    million = cost(Usage(input_tokens=1_000_000), price), cost(Usage(output_tokens=1_000_000), price)
    return (read * (million[0] or 0.0) + written * (million[1] or 0.0)) / 1e6


def _mean(ranges: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(low for low, _ in ranges) / len(ranges), sum(high for _, high in ranges) / len(ranges)
