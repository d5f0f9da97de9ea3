"""L3: what came back, counted while it comes: no answer is held for it, so a run of any length stays small."""

from __future__ import annotations

import threading
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import get_args

from gate.budget import cost
from gate.domain import Answer, CallFailure, Completion, Role, Route, Usage
from gate.endpoint_rule import EndpointRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Which model one answer was asked of, and what the endpoint says of who answered (None: nothing)."""

    asked: str
    model: str | None
    fingerprint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What the answers of one family took, those of earlier runs among them; at least one.

    `usd` is at the prices of live calls, None where an endpoint has none. `seconds` are of the answers that this run
    got live, `reused_seconds` of those that earlier runs did, one each.
    """

    answers: int
    usage: Usage
    usd: float | None
    seconds: array[float]
    reused_seconds: array[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTally:
    """All that one arm's askings gave, but the answers themselves; the same for the verdicts of judges.

    `asked` counts questions; `cached` those answered by an earlier run; `failed` those without an answer. `usage` and
    `usd` are of the answers that this run paid for; `usd` is None where one of their endpoints has no price. `oldest`
    and `newest` say when the cached ones were asked (Unix seconds). `seconds` is the sum over completed calls. `took`
    is by config and family.
    """

    asked: int = 0
    cached: int = 0
    failed: int = 0
    usage: Usage = field(default_factory=Usage)
    usd: float | None = None
    seconds: float = 0.0
    oldest: float | None = None
    newest: float | None = None
    failures: Mapping[str, int] = field(default_factory=dict)
    served: Mapping[Served, int] = field(default_factory=dict)
    finishes: Mapping[str, int] = field(default_factory=dict)
    took: Mapping[tuple[str, str], Took] = field(default_factory=dict)


_MOST_SERVED = 500
"""Distinct names an arm is remembered to be answered by: an endpoint may make one up for each answer."""


class Tally:
    """Counts answers by arm, and judges' verdicts apart from both, from many threads."""

    def __init__(self, rules: Mapping[str, EndpointRule]) -> None:
        self._rules = rules
        self._counts: dict[Role, _Counts] = {role: _Counts() for role in get_args(Role)}
        self._lock = threading.Lock()

    def add(self, answer: Answer) -> None:
        role: Role = "judge" if answer.call.judging else answer.question.arm
        counts, outcome = self._counts[role], answer.outcome
        with self._lock:
            counts.asked += 1
            if isinstance(outcome, CallFailure):
                counts.failures[outcome.detail] += 1
            else:
                counts.completed(answer, outcome, self._rules[answer.call.alias])

    def of(self, role: Role) -> ArmTally:
        with self._lock:
            return self._counts[role].frozen(self._rules)

    def all(self) -> dict[Role, ArmTally]:
        """Of both arms, and of judges where any was asked."""
        found = {role: self.of(role) for role in self._counts}
        return {role: one for role, one in found.items() if one.asked or role != "judge"}


@dataclass(slots=True)
class _Counts:
    asked: int = 0
    cached: int = 0
    # By endpoint and route: whole numbers, so that order changes no last bit.
    paid: dict[tuple[str, Route], Usage] = field(default_factory=dict)
    seconds: float = 0.0
    oldest: float | None = None
    newest: float | None = None
    failures: Counter[str] = field(default_factory=Counter)
    served: Counter[Served] = field(default_factory=Counter)
    finishes: Counter[str] = field(default_factory=Counter)
    took: defaultdict[tuple[str, str], _Taking] = field(default_factory=lambda: defaultdict(_Taking))

    def completed(self, answer: Answer, completion: Completion, rule: EndpointRule) -> None:
        bill = answer.call.alias, completion.route
        who = served(rule, answer.call.request.model, completion)
        if who not in self.served and len(self.served) >= _MOST_SERVED:
            who = replace(who, model="(more names)", fingerprint=None)
        self.served[who] += 1
        self.finishes[completion.finish_reason] += 1
        self.seconds += completion.seconds
        self.took[answer.question.config, answer.question.family].add(answer, completion)
        if answer.cached:
            self.cached += 1
            self.oldest = min(self.oldest or answer.asked_at, answer.asked_at)
            self.newest = max(self.newest or answer.asked_at, answer.asked_at)
        else:
            self.paid[bill] = _sum(self.paid.get(bill, Usage()), completion.usage)

    def frozen(self, rules: Mapping[str, EndpointRule]) -> ArmTally:
        costs = [cost(self.paid[bill], rules[bill[0]].price, bill[1]) for bill in sorted(self.paid)]
        known = [one for one in costs if one is not None]
        return ArmTally(
            asked=self.asked,
            cached=self.cached,
            failed=self.failures.total(),
            usage=_total(self.paid.values()),
            usd=sum(known) if costs and len(known) == len(costs) else None,
            seconds=self.seconds,
            oldest=self.oldest,
            newest=self.newest,
            failures=dict(self.failures),
            served=dict(self.served),
            finishes=dict(self.finishes),
            took={unit: one.frozen(rules) for unit, one in self.took.items()},
        )


@dataclass(slots=True)
class _Taking:
    """`Took`, while it grows."""

    answers: int = 0
    used: dict[str, Usage] = field(default_factory=dict)  # by endpoint, as in `paid`
    seconds: array[float] = field(default_factory=lambda: array("d"))
    reused_seconds: array[float] = field(default_factory=lambda: array("d"))

    def add(self, answer: Answer, completion: Completion) -> None:
        alias = answer.call.alias
        self.answers += 1
        self.used[alias] = _sum(self.used.get(alias, Usage()), completion.usage)
        if completion.route == "live":
            (self.reused_seconds if answer.cached else self.seconds).append(completion.seconds)

    def frozen(self, rules: Mapping[str, EndpointRule]) -> Took:
        costs = [cost(self.used[alias], rules[alias].price) for alias in sorted(self.used)]
        known = [one for one in costs if one is not None]
        return Took(
            answers=self.answers,
            usage=_total(self.used.values()),
            usd=sum(known) if len(known) == len(costs) else None,
            seconds=self.seconds[:],
            reused_seconds=self.reused_seconds[:],
        )


def served(rule: EndpointRule, model: str, completion: Completion) -> Served:
    """Who answered one question to `model`; `served_as` says which model an alias stands for."""
    asked = rule.served_as.get(model, model)
    return Served(asked=asked, model=completion.served_model, fingerprint=completion.fingerprint)


def _total(usages: Iterable[Usage]) -> Usage:
    return reduce(_sum, usages, Usage())


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        reasoning_tokens=one.reasoning_tokens + other.reasoning_tokens,
    )
