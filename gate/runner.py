"""L3: questions → answers: bounded threads an endpoint, in the order given, within the budget.

One sample's failure never ends a run. A fatal failure (wrong key, unknown model) ends the asking of that endpoint: the
rest of its questions come back as "given-up" instead of as thousands of time-outs.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gate.domain import Answer, CallFailure, ChatRequest, Completion, Question
from gate.errors import Interrupted
from gate.policy import Budget, Price


class Endpoint(Protocol):
    def ask(self, request: ChatRequest) -> Completion | CallFailure: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An endpoint, how many may ask it at once, and what it costs."""

    endpoint: Endpoint
    max_concurrency: int
    price: Price | None = None


Progress = Callable[[int, int, int], None]
"""Called with (done, failed, all) from the thread that called `ask_all`, several times a second."""


def quiet(done: int, failed: int, total: int) -> None:
    del done, failed, total


@dataclass(slots=True, kw_only=True)
class Runner:
    """Asks questions of endpoints. Spending is kept over several calls of `ask_all`."""

    lines: Mapping[str, Line]
    budget: Budget
    progress: Progress = quiet
    clock: Callable[[], float] = time.monotonic
    _spent: _Spending = field(init=False)

    def __post_init__(self) -> None:
        self._spent = _Spending(budget=self.budget, clock=self.clock, begun=self.clock())

    def ask_all(self, asked: Sequence[tuple[str, Question]]) -> tuple[Answer, ...]:
        """Every question with its endpoint's alias → its answer, in the same order.

        Raises
        ------
        Interrupted
            On Ctrl-C or SIGTERM; calls in flight are not awaited.
        """
        work = _Work(spent=self._spent, lines=self.lines, outcomes=[None] * len(asked))
        for alias, line in self.lines.items():
            mine = [(index, question.request) for index, (name, question) in enumerate(asked) if name == alias]
            work.start(alias, mine, min(line.max_concurrency, len(mine)))
        try:
            while work.running():
                self.progress(work.done, work.failed, len(asked))
        except KeyboardInterrupt:
            work.stop()
            raise Interrupted from None
        self.progress(work.done, work.failed, len(asked))
        return tuple(
            Answer(question=question, outcome=outcome or _INTERRUPTED)
            for (_, question), outcome in zip(asked, work.outcomes, strict=True)
        )


_INTERRUPTED = CallFailure(kind="interrupted", detail="the run was interrupted")


@dataclass(slots=True, kw_only=True)
class _Spending:
    """Calls, tokens and money against the budget. A call is counted before it is made."""

    budget: Budget
    clock: Callable[[], float]
    begun: float
    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reserve(self) -> CallFailure | None:
        with self.lock:
            budget = self.budget
            limits = (
                ("calls", budget.calls, self.calls),
                ("tokens", budget.tokens, self.tokens),
                ("usd", budget.usd, self.usd),
                ("minutes", budget.minutes, (self.clock() - self.begun) / 60),
            )
            for name, limit, spent in limits:
                if limit is not None and spent >= limit:
                    return CallFailure(kind="budget", detail=f"the budget of {limit:g} {name} is used up")
            self.calls += 1
            return None

    def settle(self, completion: Completion, price: Price | None) -> None:
        usage = completion.usage
        with self.lock:
            self.tokens += usage.input_tokens + usage.output_tokens
            self.usd += cost(usage.input_tokens, usage.output_tokens, price) or 0.0


def cost(input_tokens: int, output_tokens: int, price: Price | None) -> float | None:
    """USD; None where no price is stated."""
    return None if price is None else (input_tokens * price.input + output_tokens * price.output) / 1e6


@dataclass(slots=True, kw_only=True)
class _Work:
    """One batch in progress. Results are stored by index, each written by one thread only."""

    spent: _Spending
    lines: Mapping[str, Line]
    outcomes: list[Completion | CallFailure | None]
    done: int = 0
    failed: int = 0
    threads: list[threading.Thread] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, alias: str, mine: Sequence[tuple[int, ChatRequest]], threads: int) -> None:
        waiting: queue.SimpleQueue[tuple[int, ChatRequest]] = queue.SimpleQueue()
        for item in mine:
            waiting.put(item)
        fatal: list[CallFailure] = []
        for _ in range(threads):
            thread = threading.Thread(target=self._drain, args=(alias, waiting, fatal), daemon=True)
            self.threads.append(thread)
            thread.start()

    def running(self) -> bool:
        """Wait a moment for the threads; are there any left?"""
        alive = [thread for thread in self.threads if thread.is_alive()]
        if alive:
            alive[0].join(0.1)
        return bool(alive)

    def stop(self) -> None:
        self.stopped.set()

    def _drain(self, alias: str, waiting: queue.SimpleQueue[tuple[int, ChatRequest]], fatal: list[CallFailure]) -> None:
        line = self.lines[alias]
        while not self.stopped.is_set():
            try:
                index, request = waiting.get_nowait()
            except queue.Empty:
                return
            outcome = fatal[0] if fatal else self._ask(line, request)
            if isinstance(outcome, CallFailure) and outcome.fatal and not fatal:
                fatal.append(CallFailure(kind="given-up", detail=outcome.detail))
            self.outcomes[index] = outcome
            with self.lock:
                self.done += 1
                self.failed += isinstance(outcome, CallFailure)

    def _ask(self, line: Line, request: ChatRequest) -> Completion | CallFailure:
        if refusal := self.spent.reserve():
            return refusal
        try:
            outcome = line.endpoint.ask(request)
        except Exception as error:  # noqa: BLE001 - one call must not end a run that was paid for
            return CallFailure(kind="protocol", detail=f"asking failed ({type(error).__name__})")
        if isinstance(outcome, Completion):
            self.spent.settle(outcome, line.price)
        return outcome
