"""L5: one run on several machines: which questions are whose, and what each may spend."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass

from gate.domain import Question
from gate.errors import UsageError
from gate.policy import Budget

MOST = 256  # jobs in a matrix of GitHub Actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Part `index` (from 1) of `count`."""

    index: int
    count: int

    def holds(self, question: Question) -> bool:
        """Both arms and all repeats of a sample are in one shard, so that they are asked in the same minutes."""
        name = f"{question.family}\n{question.sample_id}".encode()
        return int.from_bytes(hashlib.sha256(name).digest()[:8]) % self.count == self.index - 1

    def share(self, budget: Budget) -> Budget:
        """Its part of the run's budget, rounded up for calls and tokens. Minutes pass on every machine alike."""
        return Budget(
            calls=None if budget.calls is None else math.ceil(budget.calls / self.count),
            tokens=None if budget.tokens is None else math.ceil(budget.tokens / self.count),
            usd=None if budget.usd is None else budget.usd / self.count,
            minutes=budget.minutes,
        )

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_shard(text: str) -> Shard:
    """``2/5`` → a shard. Raises UsageError."""
    found = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
    shard = Shard(index=int(found[1]), count=int(found[2])) if found else None
    if shard is None or shard.index > shard.count or shard.count > MOST:
        raise UsageError(f"shard: must be I/N with I from 1 to N and N up to {MOST}, as in 2/5")
    return shard


def matrix(count: int) -> str:
    """A GitHub Actions matrix of `count` shards, as JSON on one line. Raises UsageError."""
    if not 1 <= count <= MOST:
        raise UsageError(f"--matrix: must be 1 to {MOST}")
    return json.dumps({"shard": [f"{index}/{count}" for index in range(1, count + 1)]})
