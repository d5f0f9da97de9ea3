"""L7: what is put into batches: the questions without an answer, as far as the budget allows, one file a batch.

Requests are written to disk as they are made, so a plan of any length stays small in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeAlias

from gate.batch_book import Order, custom_id
from gate.budget import Cost, Purse, estimate
from gate.domain import ChatRequest, Question
from gate.endpoint_rule import EndpointRule
from gate.endpoints import PROTOCOLS
from gate.endpoints.batch_wire import BatchProtocol, Exchange, Form
from gate.endpoints.batches import BATCHES
from gate.endpoints.wire import Credentials
from gate.policy import Budget
from gate.runner import Kept, Work, key_of, spent_on

Mark: TypeAlias = Callable[[], str]
Place: TypeAlias = tuple[str, str]  # content key and run


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where batches of one endpoint are handed in."""

    alias: str
    rule: EndpointRule
    credentials: Credentials = field(repr=False)
    exchange: Exchange

    @property
    def protocol(self) -> BatchProtocol:
        return BATCHES[self.rule.protocol]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The requests of one batch, in a file that is ready to be sent."""

    desk: Desk
    model: str
    run: str
    mark: str
    body: Path
    keys: tuple[str, ...]
    reserved: Cost

    @property
    def places(self) -> set[Place]:
        return {(key, self.run) for key in self.keys}

    def order(self, at: float) -> Order:
        """What is written down of it before it is handed in, at `at` (Unix seconds)."""
        rule = self.desk.rule
        return Order(
            mark=self.mark,
            alias=self.desk.alias,
            protocol=rule.protocol,
            base_url=rule.base_url,
            model=self.model,
            run=self.run,
            keys=self.keys,
            reserved=self.reserved,
            at=at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A question that has no answer yet, and where its answer will be kept."""

    question: Question
    key: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A request as it goes into a sheet; `price` is what is reserved for it."""

    request: ChatRequest
    key: str
    run: str
    price: Cost


@dataclass(slots=True, kw_only=True)
class Planner:
    """Writes sheets into `folder`. `mark` makes a new name for a batch: 32 hexadecimal digits."""

    desks: Mapping[str, Desk]
    rules: Mapping[str, EndpointRule]
    kept: Kept
    budget: Budget
    folder: Path
    mark: Mark

    def plan(
        self, questions: Sequence[Question], work: Work[object], pending: Iterable[Order], tried: Collection[Place]
    ) -> list[Sheet]:
        """A batch, or several, of each model. What is in the store, in a batch, or was `tried` before is not in it."""
        purse = Purse(budget=self.budget.model_copy(update={"minutes": None}), clock=lambda: 0.0)
        taken = set(tried)
        for order in pending:
            purse.charge(order.reserved, calls=len(order.keys))
            taken |= {(key, order.run) for key in order.keys}
        press = _Press(folder=self.folder, mark=self.mark)
        for wanted in self._wanted(questions, work, purse, taken):
            call = work.call(wanted.question)  # made anew: so many requests are not held
            desk = self.desks[call.alias]
            if not purse.set_aside(price := estimate(call.request, desk.rule.price, "batch")):
                break
            press.add(desk, Entry(request=call.request, key=wanted.key, run=wanted.run, price=price))
        return press.finished()

    def _wanted(
        self, questions: Sequence[Question], work: Work[object], purse: Purse, taken: set[Place]
    ) -> list[Wanted]:
        """Each place once. What this run has in the store counts against the budget, before anything is added."""
        found: list[Wanted] = []
        for question in questions:
            call = work.call(question)
            rule = self.rules[call.alias]
            key, run = key_of(call, rule), self.kept.runs[question.config]
            if (stored := self.kept.store.find(key, run)) is not None:
                purse.charge(spent_on(stored.completion, rule))
            elif call.alias in self.desks and (key, run) not in taken:
                taken.add((key, run))
                found.append(Wanted(question=question, key=key, run=run))
        return found


@dataclass(slots=True)
class _Press:
    """The files that are being written: one at a time for each endpoint, model and run."""

    folder: Path
    mark: Mark
    _open: dict[tuple[str, str, str], _Draft] = field(default_factory=dict)
    _done: list[Sheet] = field(default_factory=list)

    def add(self, desk: Desk, entry: Entry) -> None:
        name = (desk.alias, entry.request.model, entry.run)
        draft = self._open.get(name)
        if draft is None or not draft.add(entry):
            self._close(name)
            draft = self._open[name] = _Draft(desk=desk, first=entry, mark=self.mark(), folder=self.folder)
            draft.add(entry)

    def _close(self, name: tuple[str, str, str]) -> None:
        if draft := self._open.pop(name, None):
            sheet = draft.closed()
            self._done += [sheet] if sheet.keys else []

    def finished(self) -> list[Sheet]:
        for name in list(self._open):
            self._close(name)
        return self._done


class _Draft:
    def __init__(self, *, desk: Desk, first: Entry, mark: str, folder: Path) -> None:
        self.desk, self.mark, self.keys = desk, mark, list[str]()
        self._model, self._run = first.request.model, first.run
        self._form: Form = desk.protocol.form(mark)
        self._path = folder / mark
        self._file: BinaryIO = self._path.open("xb")
        self._size = self._file.write(self._form.head)
        self._tokens, self._usd = 0, 0.0

    def add(self, entry: Entry) -> bool:
        """False where it is full. (A request that fills more than a batch alone stays out: it is asked live.)"""
        line = self._line(entry)
        room = self.desk.protocol.MOST_BYTES - self._size - len(self._form.between) - len(self._form.tail)
        if len(self.keys) >= self.desk.protocol.MOST_REQUESTS or len(line) > room:
            return False
        self._size += self._file.write((self._form.between if self.keys else b"") + line)
        self.keys.append(entry.key)
        self._tokens, self._usd = self._tokens + entry.price.tokens, self._usd + entry.price.usd
        return True

    def _line(self, entry: Entry) -> bytes:
        """The very body that a live call would send."""
        rule, credentials = self.desk.rule, self.desk.credentials
        ready = PROTOCOLS[rule.protocol].prepare(rule, credentials, entry.request, now=_NO_TIME)
        return self.desk.protocol.line(rule, custom_id(self.mark, entry.key), ready.body)

    def closed(self) -> Sheet:
        self._file.write(self._form.tail)
        self._file.close()
        return Sheet(
            desk=self.desk,
            model=self._model,
            run=self._run,
            mark=self.mark,
            body=self._path,
            keys=tuple(self.keys),
            reserved=Cost(tokens=self._tokens, usd=self._usd),
        )


_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""No protocol that has batches signs with the time."""
