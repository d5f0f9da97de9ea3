"""L3: questions → answers: bounded threads an endpoint, in the order given, within the budget, nothing paid twice.

An answer is kept in the store before it is used, and what is in the store is not asked again. One sample's failure
never ends a run. A fatal failure (wrong key, unknown model, an endpoint that only fails) ends the asking of that
endpoint: the rest of its questions come back as "given-up" instead of as thousands of time-outs.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from gate.budget import Cost, Purse, Spent, cost, estimate
from gate.domain import Answer, Call, CallFailure, ChatRequest, Completion, Cut, Question
from gate.endpoint_rule import EndpointRule
from gate.errors import Interrupted
from gate.pools import Batch, Later, Pool
from gate.store import Label, Store, Stored, content_key
from gate.store_limits import CLOCK_SKEW
from gate.tally import Tally

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Endpoint(Protocol):
    def ask(self, request: ChatRequest) -> Completion | CallFailure: ...


class Work(Protocol[T_co]):
    """What is done for a question before and after it is asked. Called from many threads."""

    def alias(self, question: Question) -> str:
        """The endpoint to ask."""
        ...

    def call(self, question: Question) -> Call:
        """The request to send."""
        ...

    def judging(self, answer: Answer) -> Sequence[Call]:
        """What a judge is asked about an answer before it is used; all of one endpoint, often nothing."""
        ...

    def use(self, answer: Answer, verdicts: Sequence[Completion | CallFailure]) -> T_co:
        """What is kept of an answer; `verdicts` are the replies to `judging`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An endpoint and its rule. `endpoint` is None where its key is not set: only stored answers can be used."""

    rule: EndpointRule
    endpoint: Endpoint | None
    missing: str = ""  # why there is no endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The store, and by config the identity of the run whose answers are this run's own."""

    store: Store
    runs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a family is. `total` grows when more is asked of it."""

    family: str
    done: int
    failed: int
    total: int


VERDICT_AGE = 30 * 86400.0
"""Seconds for which another run's verdict on the same text is as good as a new one: a judge may change unseen."""

_QUIET = 0.005
"""Seconds. In a quiet stretch of so long this process uses hardly any CPU: its threads only wait."""
_MOST_STRETCHES = 40
"""Where it is never quiet, what waits for that is done all the same."""

Progress = Callable[[Sequence[Standing], Spent], None]
"""Called from the thread that called `ask_all`, several times a second."""


def quiet(standings: Sequence[Standing], spent: Spent) -> None:
    del standings, spent


@dataclass(slots=True, kw_only=True)
class Runner:
    """Asks questions of endpoints. Spending, counts and failed endpoints are kept over several calls of `ask_all`."""

    lines: Mapping[str, Line]
    purse: Purse
    kept: Kept
    tally: Tally
    progress: Progress = quiet
    now: Callable[[], float] = time.time  # Unix seconds, for the age of answers
    _pools: dict[str, Pool] = field(default_factory=dict, init=False)
    _fatal: dict[str, CallFailure] = field(default_factory=dict, init=False)
    _families: dict[str, list[int]] = field(default_factory=dict, init=False)  # done, failed, total
    _prepaid: dict[Question, None] = field(default_factory=dict, init=False)
    _counting: threading.Lock = field(default_factory=threading.Lock, init=False)
    _verdicts: set[str] = field(default_factory=set, init=False)  # keys of those that are counted
    _asking: dict[str, tuple[threading.Lock, int]] = field(default_factory=dict, init=False)
    _slow: Pool = field(default_factory=lambda: Pool(most=os.cpu_count() or 1), init=False)  # uses what takes long

    def ask_all(self, questions: Sequence[Question], work: Work[T], *, meanwhile: Iterable[object] = ()) -> list[T]:
        """What `work` makes of each question's answer, in the order of the questions. `meanwhile` is iterated over
        here, a step whenever all threads only wait for answers.

        Calls are made and answers used in the asking threads, so neither all requests nor all answers are ever held.

        Raises
        ------
        Interrupted
            On Ctrl-C or SIGTERM; calls in flight are not awaited. What was answered is in the store.
        """
        batch = Batch(results=[None] * len(questions), left=len(questions))
        for question in questions:
            self._families.setdefault(question.family, [0, 0, 0])[2] += 1
        for index, question in enumerate(questions):
            self._pool(work.alias(question)).put((batch, index, partial(self._one, question, work)))
        try:
            with _giving_way():
                _paced(meanwhile, batch)
            while not batch.wait(0.1):
                self.progress(self.standings(), self.purse.spent)
        except KeyboardInterrupt:
            batch.stop()
            raise Interrupted from None
        self.progress(self.standings(), self.purse.spent)
        return batch.results

    def earlier(self, question: Question, call: Call, *, max_age: float) -> dict[str, Answer]:
        """What other runs got for this very question, by run: not older than `max_age` seconds, newest first."""
        now, own = self.now(), self.kept.runs[question.config]
        return {
            one.run: Answer(question=question, call=call, outcome=one.completion, asked_at=one.asked_at, cached=True)
            for one in self.kept.store.runs_of(self._key(call))
            if one.run != own and now - max_age <= one.asked_at <= now + CLOCK_SKEW
        }

    def prepaid(self, questions: Sequence[Question], work: Work[Any]) -> None:
        """Charge the budget for answers that this run has paid for ahead, before anything is asked."""
        for question in questions:
            if found := self._own(question, work.call(question)):
                self.purse.charge(spent_on(found.completion, self.lines[work.alias(question)].rule))
                self._prepaid[question] = None

    def count_unused(self, work: Work[Any]) -> None:
        """Into the tally: prepaid answers that no one asked for. They cost what they cost."""
        for question in self._prepaid:
            call = work.call(question)
            if found := self._own(question, call):
                self.tally.add(Answer(question=question, call=call, outcome=found.completion, asked_at=found.asked_at))

    def kept_answer(self, question: Question, call: Call, run: str) -> Completion | None:
        """What a run got for a question, where the store still has it; `run` as in an Observation."""
        if not run:
            own = self._own(question, call)
            return own.completion if own else None
        others = self.kept.store.runs_of(self._key(call))
        return next((one.completion for one in others if one.run == run), None)

    def _own(self, question: Question, call: Call) -> Stored | None:
        return self.kept.store.find(self._key(call), self.kept.runs[question.config])

    def _key(self, call: Call) -> str:
        return key_of(call, self.lines[call.alias].rule)

    @property
    def cut(self) -> Cut:
        """What kept questions from being asked, if anything did."""
        if self.purse.refused:
            return "budget"
        return "given-up" if self._fatal else ""

    def standings(self) -> tuple[Standing, ...]:
        """Every family that was asked, in the order of its first question."""
        return tuple(
            Standing(family=family, done=done, failed=failed, total=total)
            for family, (done, failed, total) in list(self._families.items())
        )

    def _pool(self, alias: str) -> Pool:
        with self._counting:
            if alias not in self._pools:
                self._pools[alias] = Pool(most=self.lines[alias].rule.max_concurrency)
            return self._pools[alias]

    def _one(self, question: Question, work: Work[T]) -> T | Later[T]:
        """Ask; then, where there is a judge, go on in the threads of its endpoint, which are as many as it may have.
        What takes long goes on in threads apart, so that asking does.
        """
        call = work.call(question)
        answer = self._verdict(question, call) if call.judging else self._counted(self._find_or_ask(question, call))
        calls = work.judging(answer)
        if call.slow and not calls:
            return Later(pool=self._slow, step=partial(self._used, work, answer, calls))
        if not calls or calls[0].alias == call.alias:
            return self._used(work, answer, calls)
        return Later(pool=self._pool(calls[0].alias), step=partial(self._used, work, answer, calls))

    def _used(self, work: Work[T], answer: Answer, calls: Sequence[Call]) -> T:
        verdicts = [self._verdict(answer.question, call).outcome for call in calls]
        with self._counting:
            family = self._families[answer.question.family]
            family[0] += 1
            family[1] += isinstance(answer.outcome, CallFailure)
        return work.use(answer, verdicts)

    def _counted(self, answer: Answer) -> Answer:
        self.tally.add(answer)
        return answer

    def _verdict(self, question: Question, call: Call) -> Answer:
        """A judge's reply. The same text is judged once: of two that want it together, one waits for the other."""
        key = self._key(call)
        with self._alone(key):
            own = self._own(question, call)
            if own is not None and key in self._verdicts:  # asked for, and counted, before
                return Answer(question=question, call=call, outcome=own.completion, asked_at=own.asked_at)
            others = {} if own else self.earlier(question, call, max_age=VERDICT_AGE)
            answer = next(iter(others.values()), None) or self._find_or_ask(question, call)
            if key not in self._verdicts:
                self._counted(answer)
            if isinstance(answer.outcome, Completion):
                self._verdicts.add(key)
            return answer

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """One thread at a time for each key."""
        with self._counting:
            lock, users = self._asking.get(key, (threading.Lock(), 0))
            self._asking[key] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._counting:
                lock, users = self._asking.pop(key)
                if users > 1:
                    self._asking[key] = lock, users - 1

    def _find_or_ask(self, question: Question, call: Call) -> Answer:
        rule, key, run = self.lines[call.alias].rule, self._key(call), self.kept.runs[question.config]
        if found := self.kept.store.find(key, run):
            if question in self._prepaid:
                del self._prepaid[question]
            else:
                self.purse.charge(spent_on(found.completion, rule))
            return Answer(question=question, call=call, outcome=found.completion, asked_at=found.asked_at)
        asked_at = self.now()
        outcome = self._fatal.get(call.alias) or self._ask(call, rule)
        if isinstance(outcome, Completion):
            label = Label(endpoint=call.alias, protocol=rule.protocol, host=rule.base_url, model=call.request.model)
            self.kept.store.put(key, run, outcome, asked_at=asked_at, label=label)
        elif outcome.fatal:
            self._fatal.setdefault(call.alias, CallFailure(kind="given-up", detail=outcome.detail))
        return Answer(question=question, call=call, outcome=outcome, cached=False, asked_at=asked_at)

    def _ask(self, call: Call, rule: EndpointRule) -> Completion | CallFailure:
        line = self.lines[call.alias]
        if line.endpoint is None:
            return CallFailure(kind="auth", detail=line.missing, fatal=True)
        wanted = estimate(call.request, rule.price)
        if refusal := self.purse.reserve(wanted):
            return refusal
        used = Cost()
        try:
            outcome = line.endpoint.ask(call.request)
            used = spent_on(outcome, rule)
        except Exception as error:  # noqa: BLE001 - one call must not end a run that was paid for
            outcome = CallFailure(kind="protocol", detail=f"asking failed ({type(error).__name__})")
        finally:
            self.purse.settle(wanted, used)
        return outcome


def _paced(steps: Iterable[object], batch: Batch) -> None:
    """Each step in a quiet stretch: what it takes is then taken from no answer."""
    left = iter(steps)
    done = object()
    while True:
        _quiet(batch)
        if next(left, done) is done:
            return


def _quiet(batch: Batch) -> None:
    """Wait until the threads only wait, or the batch is done."""
    for _ in range(_MOST_STRETCHES):
        used = time.process_time()
        if batch.wait(_QUIET) or time.process_time() - used < _QUIET / 4:
            return


@contextmanager
def _giving_way() -> Iterator[None]:
    """A thread whose answer has come waits a tenth of a millisecond for each of its turns, and not the usual five."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def key_of(call: Call, rule: EndpointRule) -> str:
    """The content key under which the answer to a call is kept."""
    return content_key(protocol=rule.protocol, base_url=rule.base_url, request=call.request, repeat=call.repeat)


def stored_verdicts(
    store: Store, rules: Mapping[str, EndpointRule], calls: Sequence[Call]
) -> list[Completion | CallFailure]:
    """What any run has kept of a judge's replies, the newest; nothing is asked."""
    newest = [next(iter(store.runs_of(key_of(call, rules[call.alias]))), None) for call in calls]
    absent = CallFailure(kind="interrupted", detail="was not judged")
    return [absent if one is None else one.completion for one in newest]


def spent_on(outcome: Completion | CallFailure, rule: EndpointRule) -> Cost:
    """Tokens and USD of what came back; nothing for a failure."""
    if isinstance(outcome, CallFailure):
        return Cost()
    usage = outcome.usage
    usd = cost(usage, rule.price, outcome.route) or 0.0
    return Cost(tokens=usage.input_tokens + usage.output_tokens, usd=usd)
