"""L7: the results of a batch → answers in the store. What an endpoint wrote is data: a bad line loses only itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from gate.batch_book import Order
from gate.domain import Completion, Json
from gate.endpoint_rule import ProtocolName
from gate.endpoints import PROTOCOLS
from gate.endpoints.batch_wire import Result
from gate.endpoints.batches import BATCHES
from gate.store import Label, Store
from gate.wording import count

MOST_LINE_BYTES = 4 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Harvest:
    """What the result files of one batch gave. `read` puts answers into the store, in the normal place.

    Of two lines with one custom id the first counts. Ids that are not of this batch are counted and nothing more.
    """

    order: Order
    protocol: ProtocolName
    store: Store
    answers: int = 0
    without: int = 0  # requests that the endpoint itself says it gave no answer to
    foreign: int = 0
    repeated: int = 0
    broken: int = 0
    _left: dict[str, str] = field(init=False)  # custom id → content key
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._left = {self.order.custom_id(key): key for key in self.order.keys}

    @property
    def known(self) -> bool:
        """At least one line had an id of this batch."""
        return bool(self._seen)

    def read(self, path: Path) -> None:
        for line in _lines(path):
            result = BATCHES[self.protocol].result(line)
            if result is None:
                self.broken += 1
            elif key := self._left.pop(result.custom_id, None):
                self._seen.add(result.custom_id)
                self._take(key, result)
            elif result.custom_id in self._seen:
                self.repeated += 1
            else:
                self.foreign += 1

    def _take(self, key: str, result: Result) -> None:
        completion = _completion(self.protocol, result)
        if completion is None:
            self.without += 1
            return
        self.answers += 1
        order = self.order
        label = Label(endpoint=order.alias, protocol=order.protocol, host=order.base_url, model=order.model)
        self.store.put(key, order.run, completion, asked_at=order.at, label=label)

    def summary(self) -> str:
        """``298 of 300 answered, 2 without an answer; ignored: 1 foreign id``."""
        left = len(self.order.keys) - self.answers
        text = f"{self.answers:,} of {len(self.order.keys):,} answered" + (f", {left:,} without an answer" * bool(left))
        ignored = ((self.foreign, "foreign id"), (self.repeated, "repeated id"), (self.broken, "broken line"))
        words = ", ".join(count(number, noun) for number, noun in ignored if number)
        return f"{text}; ignored: {words}" if words else text


def _completion(protocol: ProtocolName, result: Result) -> Completion | None:
    """The answer, as a live call would have had it: HTTP 400 is one where a content filter blocked the prompt."""
    if result.status not in (200, 400):
        return None
    outcome = PROTOCOLS[protocol].parse(result.body)
    if not isinstance(outcome, Completion) or (result.status == 400 and outcome.finish_reason != "filter"):
        return None
    return replace(outcome, route="batch")


def _lines(path: Path) -> Iterator[Json]:
    """Each line that is not blank; None for one that is no JSON or too long, which is read past without being held."""
    with path.open("rb") as file:
        while line := file.readline(MOST_LINE_BYTES):
            if len(line) == MOST_LINE_BYTES and not line.endswith(b"\n"):
                while (rest := file.readline(MOST_LINE_BYTES)) and not rest.endswith(b"\n"):
                    pass
                yield None
            elif line.strip():
                yield _json(line)


def _json(line: bytes) -> Json:
    try:
        found: Json = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found
