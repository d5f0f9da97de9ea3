"""L3: what a run may spend. Reserve before a call, settle after it; many threads, one purse."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from gate.domain import CallFailure, ChatRequest, Route, Usage
from gate.endpoint_rule import Price
from gate.policy import Budget

_CHARACTERS_A_TOKEN = 3.0
_UNSTATED_OUTPUT = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Tokens and USD of one call, or of many."""

    tokens: int = 0
    usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a run has used up, as far as it is settled; `usd` counts endpoints with a price only."""

    calls: int
    tokens: int
    usd: float
    minutes: float


def estimate(request: ChatRequest, price: Price | None, route: Route = "live") -> Cost:
    """At most what a call will use, roughly: three characters a token in, all of max_tokens out.

    For a reservation only: what was really used replaces it. 1,024 tokens where no maximum is set.
    """
    usage = most_used(request)
    return Cost(tokens=usage.input_tokens + usage.output_tokens, usd=cost(usage, price, route) or 0.0)


def most_used(request: ChatRequest) -> Usage:
    """The tokens of `estimate`."""
    read = int(sum(len(one.content) for one in request.messages) / _CHARACTERS_A_TOKEN) + 8
    stated = request.parameters.get("max_tokens")
    return Usage(input_tokens=read, output_tokens=stated if isinstance(stated, int) else _UNSTATED_OUTPUT)


def cost(usage: Usage, price: Price | None, route: Route = "live") -> float | None:
    """USD; None where no price is stated. Input that the provider read from its own cache may be cheaper."""
    if price is None:
        return None
    cached = price.input if price.cached_input is None else price.cached_input
    fresh = usage.input_tokens - usage.cached_tokens
    full = (fresh * price.input + usage.cached_tokens * cached + usage.output_tokens * price.output) / 1e6
    return full * (1 - price.batch_discount) if route == "batch" else full


@dataclass(slots=True, kw_only=True)
class Purse:
    """Calls, tokens, money and minutes against the budget.

    What is settled plus what is reserved never exceeds a limit, but for the one call that is let through when nothing
    else is in flight: an estimate may be too high, and only what a call really used ends a run.
    """

    budget: Budget
    clock: Callable[[], float]
    _begun: float = field(init=False)
    _calls: int = 0
    _settled: Cost = field(default_factory=Cost)
    _reserved: Cost = field(default_factory=Cost)
    _in_flight: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    refused: bool = field(default=False, init=False)  # was a call ever refused?

    def __post_init__(self) -> None:
        self._begun = self.clock()

    def reserve(self, wanted: Cost) -> CallFailure | None:
        """Set `wanted` aside for one call, waiting for calls in flight where that may make room.

        Returns the reason where the budget is used up.
        """
        with self._changed:
            while True:
                if used_up := self._used_up():
                    self.refused = True
                    return CallFailure(kind="budget", detail=f"the budget of {used_up} is used up")
                if self._in_flight == 0 or self._fits(wanted):
                    break
                self._changed.wait(1.0)  # a limit in minutes must be seen even when nothing comes back
            self._calls += 1
            self._in_flight += 1
            self._reserved = _sum(self._reserved, wanted)
            return None

    def set_aside(self, wanted: Cost) -> bool:
        """Reserve a call whose answer comes much later, if it fits: an estimate is all there is to go by."""
        with self._changed:
            if self._used_up() or not self._fits(wanted):
                return False
            self._calls += 1
            self._reserved = _sum(self._reserved, wanted)
            return True

    def settle(self, wanted: Cost, used: Cost) -> None:
        """Replace a reservation by what was used."""
        with self._changed:
            self._in_flight -= 1
            self._reserved = _sum(self._reserved, Cost(tokens=-wanted.tokens, usd=-wanted.usd))
            self._settled = _sum(self._settled, used)
            self._changed.notify_all()

    def charge(self, used: Cost, *, calls: int = 1) -> None:
        """Count calls that this run had paid for before it was interrupted, or that a batch was submitted for."""
        with self._changed:
            self._calls += calls
            self._settled = _sum(self._settled, used)

    @property
    def spent(self) -> Spent:
        minutes = (self.clock() - self._begun) / 60
        return Spent(calls=self._calls, tokens=self._settled.tokens, usd=self._settled.usd, minutes=minutes)

    def _used_up(self) -> str:
        spent, budget = self.spent, self.budget
        limits = (
            ("calls", budget.calls, spent.calls),
            ("tokens", budget.tokens, spent.tokens),
            ("USD", budget.usd, spent.usd),
            ("minutes", budget.minutes, spent.minutes),
        )
        return next((f"{limit:g} {name}" for name, limit, used in limits if limit is not None and used >= limit), "")

    def _fits(self, wanted: Cost) -> bool:
        total, budget = _sum(_sum(self._settled, self._reserved), wanted), self.budget
        return (budget.tokens is None or total.tokens <= budget.tokens) and (
            budget.usd is None or total.usd <= budget.usd
        )


def _sum(one: Cost, other: Cost) -> Cost:
    return Cost(tokens=one.tokens + other.tokens, usd=one.usd + other.usd)
