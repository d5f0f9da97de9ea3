"""L7: a prefetch at half the price: questions into batches, batches' answers into the store, where the run finds them.

Nothing here decides anything, and nothing is lost when it stops: what was handed in is in the book, what came back in
the store. What a batch gave no answer to is asked live by the run that follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gate.batch_book import Book, Order
from gate.batch_harvest import Harvest
from gate.batch_plan import Desk, Place, Planner, Sheet
from gate.domain import CallFailure, Json, Question
from gate.endpoints.batch_wire import HttpCall, Reply, Seen, identifier, page
from gate.errors import CannotEvaluate, StillUnderWay
from gate.runner import Work
from gate.tools import Tools
from gate.wording import count

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 300.0
"""Seconds between two looks at the batches; each pause is half as long again as the one before."""
SETTLED = 60.0
"""Seconds after which a batch that was created is in the endpoint's list for certain."""
_SETTLING = 10.0
_SKEW = 600.0  # seconds that the endpoint's clock may be behind ours
_MOST_PAGES = 100
_OLDEST = 30 * 86400.0  # no provider keeps results for longer
_UNKNOWN_PATH = (404, 405, 501)
_AGAIN = "run the same command again: nothing is lost, and nothing is handed in twice"


@dataclass(slots=True, kw_only=True)
class Batching:
    """Hands in, looks after and fetches the batches of one run. `wait`: seconds in all until it is given up for now."""

    planner: Planner
    book: Book
    tools: Tools
    wait: float
    _runs: set[str] = field(default_factory=set)
    _tried: set[Place] = field(default_factory=set)  # in a batch, or refused as one: asked live from now on
    _without: set[str] = field(default_factory=set)  # endpoints that turned out to have no batches
    _begun: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.tools.clock()

    def ask(self, questions: Sequence[Question], work: Work[Any]) -> None:
        """Answers into the store, until no batch is under way and no question is left for one.

        Raises
        ------
        StillUnderWay
            Not everything is done, and the wait is over. A later call goes on from here.
        CannotEvaluate
            An endpoint cannot be talked to, or refuses. Neither is anything lost then.
        """
        self._runs = {self.planner.kept.runs[one.config] for one in questions}
        self._forget()
        while True:
            pending = self._mine()
            for order in pending:
                self._resolved(order)
            sheets = self.planner.plan(questions, work, self._mine(), self._tried)
            for sheet in sheets:
                self._hand_in(sheet)
                sheet.body.unlink()
                if all(one.mark != sheet.mark for one in self.book.orders):
                    self._tried |= sheet.places
            if not sheets and not pending:
                return
            self._await()

    def _mine(self) -> list[Order]:
        return [one for one in self.book.orders if one.run in self._runs and self._desk(one) is not None]

    def _forget(self) -> None:
        now = self._now()
        for order in self.book.orders:
            if order.run not in self._runs and now - order.at > _OLDEST:
                self.book.drop(order)

    def _desk(self, order: Order) -> Desk | None:
        """The endpoint of an order as the policy has it today, which alone says where a key may go."""
        desks = self.planner.desks
        same = [
            one for one in desks.values() if (one.rule.protocol, one.rule.base_url) == (order.protocol, order.base_url)
        ]
        return desks[order.alias] if desks.get(order.alias) in same else next(iter(same), None)

    # --- handing in

    def _hand_in(self, sheet: Sheet) -> None:
        desk, uploaded = sheet.desk, ""
        if desk.alias in self._without:
            return
        if call := desk.protocol.upload(desk.rule, desk.credentials, sheet.mark, sheet.body):
            reply = self._sent(desk, call)
            if self._turned_away(desk, reply):
                return
            uploaded = identifier(_field(reply, "id")) or ""
        call = desk.protocol.create(desk.rule, desk.credentials, sheet.mark, sheet.body, uploaded)
        self._create(desk, sheet.order(self._now()), call)

    def _create(self, desk: Desk, order: Order, call: HttpCall) -> None:
        """Never a second call before the endpoint's list says that the first one did nothing."""
        reply: Reply | CallFailure
        for number in range(desk.rule.retries + 1):
            order = self.book.keep(replace(order, at=self._now()))
            reply = desk.exchange.exchange(call)
            if seen := desk.protocol.seen(_json(reply)) if _succeeded(reply) else None:
                self._created(order, seen, sure=True)
                return
            if seen := self._find(desk, order) if _may_have_arrived(reply) else None:
                self._created(order, seen, sure=desk.protocol.MARKS)
                return
            if isinstance(reply, Reply) and reply.failure and not reply.again:
                break
            self.tools.sleep(_pause(number, reply))
        self.book.drop(order)
        if not self._turned_away(desk, reply):
            raise CannotEvaluate(
                f"endpoint {desk.alias}: what creates a batch was answered with something else; {_AGAIN}"
            )

    def _created(self, order: Order, seen: Seen, *, sure: bool) -> None:
        self.book.found(order, seen.id, sure=sure)
        self._say(f"batch {seen.id}: {count(len(order.keys), 'question')} to {order.alias} ({order.model})")

    def _turned_away(self, desk: Desk, reply: Reply | CallFailure) -> bool:
        """False where the call went well. Raises where asking live would not help, or would be hasty."""
        if isinstance(reply, Reply) and reply.failure is None:
            return False
        failure = reply.failure if isinstance(reply, Reply) else reply
        detail = failure.detail if failure else ""
        if isinstance(reply, Reply) and reply.status in _UNKNOWN_PATH:
            self._without.add(desk.alias)
            self._say(f"endpoint {desk.alias} has no batches (HTTP {reply.status}): its questions are asked live")
        elif not isinstance(reply, Reply) or reply.again or (failure and failure.fatal):
            raise CannotEvaluate(f"no batch could be handed in: {detail}; {_AGAIN}")
        else:
            self._say(f"{detail}: the questions of this batch are asked live")
        return True

    # --- finding again

    def _resolved(self, order: Order) -> Order | None:
        """An order with its batch's id; None, and out of the book, where no batch was created."""
        desk = self._desk(order)
        if order.id is not None or desk is None:
            return order
        if seen := self._find(desk, order):
            self._say(f"batch {seen.id}: found again")
            return self.book.found(order, seen.id, sure=desk.protocol.MARKS)
        self.book.drop(order)
        return None

    def _find(self, desk: Desk, order: Order) -> Seen | None:
        """The batch of an order in the endpoint's list, looked for until the list is settled."""
        for _ in range(int(SETTLED / _SETTLING) + 1):
            found = next((one for one in self._listed(desk, order) if self._fits(desk, order, one)), None)
            if found is not None or self._now() - order.at >= SETTLED:
                return found
            self.tools.sleep(_SETTLING)
        return None

    def _fits(self, desk: Desk, order: Order, seen: Seen) -> bool:
        if desk.protocol.MARKS:
            return seen.mark == order.mark
        others = {one.id for one in self.book.orders} | set(order.foreign)
        return seen.requests == len(order.keys) and seen.created_at >= order.at - _SKEW and seen.id not in others

    def _listed(self, desk: Desk, order: Order) -> Iterator[Seen]:
        after = None
        for _ in range(_MOST_PAGES):
            reply = self._sent(desk, desk.protocol.listing(desk.rule, desk.credentials, after))
            found = page(desk.protocol, _json(reply)) if _succeeded(reply) else None
            if found is None:
                what = f"endpoint {desk.alias}: its list of batches cannot be read, so a batch may have been handed in"
                raise CannotEvaluate(f"{what}; {_AGAIN}, or delete {self.book.path} to ask anew")
            yield from found.batches
            after = found.after
            if after is None or all(one.created_at < order.at - 86400 for one in found.batches):
                return

    # --- waiting and fetching

    def _await(self) -> None:
        pause = FIRST_PAUSE
        while True:
            seen = [self._visit(order) for order in self._mine()]
            if not (mine := self._mine()):
                return
            left = self._begun + self.wait - self.tools.clock()
            if left <= 0:
                number = f"{count(len(mine), 'batch', 'batches')} {'is' if len(mine) == 1 else 'are'}"
                raise StillUnderWay(f"{number} still under way; run the same command again")
            done, total = sum(one.done for one in seen if one), sum(len(one.keys) for one in mine)
            words = count(len(mine), "batch", "batches")
            self._say(f"{words} under way, {min(done, total):,} of {count(total, 'question')} done")
            self.tools.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _visit(self, order: Order) -> Seen | None:
        """Look at a batch, and fetch it if it has ended. None: nothing is known now, or nothing is left to do."""
        desk, known = self._desk(order), self._resolved(order)
        if desk is None or known is None or known.id is None:
            return None
        reply = self._sent(desk, desk.protocol.look(desk.rule, desk.credentials, known.id))
        self._accessible(known, reply)
        seen = desk.protocol.seen(_json(reply)) if _succeeded(reply) else None
        if seen is None or seen.phase == "under-way":
            return seen
        if seen.phase == "failed":
            self._say(f"batch {seen.id}: the endpoint took none of it ({seen.why or 'no reason given'})")
        self._collect(desk, known, seen)
        return None

    def _accessible(self, order: Order, reply: Reply | CallFailure) -> None:
        if isinstance(reply, Reply) and reply.failure and not reply.again:
            why = reply.failure.detail
            raise CannotEvaluate(f"batch {order.id}: {why}; or delete {self.book.path}: all is asked, and paid, anew")

    def _collect(self, desk: Desk, order: Order, seen: Seen) -> None:
        """Out of the book only once every answer is in the store."""
        lost = self.planner.kept.store.lost
        harvest = Harvest(order=order, protocol=desk.rule.protocol, store=self.planner.kept.store)
        for number, path in enumerate(seen.results):
            into = self.planner.folder / f"{order.mark}-{number}"
            if not self._fetched(desk, order, path, into):
                return
            harvest.read(into)
            into.unlink()
        if not order.sure and not harvest.known:
            self.book.not_ours(order)
            return
        if self.planner.kept.store.lost > lost:
            raise CannotEvaluate(
                f"batch {order.id}: its answers could not be kept; make room for the store, and {_AGAIN}"
            )
        self._tried |= {(key, order.run) for key in order.keys}
        self.book.drop(order)
        self._say(f"batch {order.id}: {harvest.summary()}")

    def _fetched(self, desk: Desk, order: Order, path: str, into: Path) -> bool:
        """False: not now. What the endpoint has deleted is fetched as an empty file."""
        reply = self._sent(desk, desk.protocol.fetch(desk.rule, desk.credentials, path, into))
        if isinstance(reply, Reply) and reply.status in (404, 410):
            into.write_bytes(b"")
            return True
        self._accessible(order, reply)
        return _succeeded(reply)

    # --- small things

    def _sent(self, desk: Desk, call: HttpCall) -> Reply | CallFailure:
        """A call that may be repeated, with the endpoint's number of retries."""
        reply = desk.exchange.exchange(call)
        for number in range(desk.rule.retries):
            if isinstance(reply, Reply) and not reply.again:
                break
            self.tools.sleep(_pause(number, reply))
            reply = desk.exchange.exchange(call)
        return reply

    def _now(self) -> float:
        return self.tools.now().timestamp()

    def _say(self, text: str) -> None:
        self.tools.err.write(f"{text}\n")
        self.tools.err.flush()


def _succeeded(reply: Reply | CallFailure) -> bool:
    return isinstance(reply, Reply) and reply.failure is None


def _may_have_arrived(reply: Reply | CallFailure) -> bool:
    """A refusal (3xx, 4xx) did nothing. All else may have: no reply, a server's error, a reply that makes no sense."""
    return not isinstance(reply, Reply) or reply.status in (408, 409) or not 300 <= reply.status < 500


def _pause(number: int, reply: Reply | CallFailure) -> float:
    """1, 2, 4, … seconds, at most 60, on top of what the endpoint asked for."""
    asked = reply.wait or 0.0 if isinstance(reply, Reply) else 0.0
    return min(60.0, 2.0**number) + min(60.0, asked)


def _json(reply: Reply | CallFailure) -> Json:
    try:
        found: Json = json.loads(reply.body) if isinstance(reply, Reply) else None
    except (ValueError, RecursionError):
        return None
    return found


def _field(reply: Reply | CallFailure, name: str) -> Json:
    found = _json(reply)
    return found.get(name) if isinstance(found, dict) else None
