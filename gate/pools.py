"""L3: threads an endpoint, and questions under way in them. A question may go on in the threads of another endpoint."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Step = Callable[[], "T | Later[T]"]
"""A part of what is done for one question: its result, or where and how it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Later(Generic[T]):
    """The next step of a question, to be done in the threads of `pool`."""

    pool: Pool
    step: Step[T]


class Pool:
    """An endpoint's threads. They stay from batch to batch, and with them their connections."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._waiting: queue.SimpleQueue[tuple[Batch, int, Step[Any]]] = queue.SimpleQueue()
        self._threads = 0
        self._starting = threading.Lock()

    def put(self, item: tuple[Batch, int, Step[Any]]) -> None:
        self._waiting.put(item)
        with self._starting:
            if self._threads >= self._most:
                return
            self._threads += 1
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            batch, index, step = self._waiting.get()
            batch.run(index, step)


@dataclass(slots=True, kw_only=True)
class Batch:
    """Questions under way. Results are stored by index, each written by one thread only."""

    results: list[Any]
    left: int
    _ended: threading.Event = field(default_factory=threading.Event)
    _stopped: bool = False
    _bug: BaseException | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, index: int, step: Step[Any]) -> None:
        if self._stopped:
            return
        try:
            found = step()
            if isinstance(found, Later):
                found.pool.put((self, index, found.step))
                return
            self.results[index] = found
        except BaseException as bug:  # noqa: BLE001 - raised again in the waiting thread
            self._bug = bug
        with self._lock:
            self.left -= 1
        if self.left == 0 or self._bug:
            self._ended.set()

    def wait(self, seconds: float) -> bool:
        """Is everything done? Waits up to `seconds` for it; raises what a thread could not handle."""
        ended = self.left == 0 or self._ended.wait(seconds)
        if self._bug is not None:
            self.stop()
            raise self._bug
        return ended

    def stop(self) -> None:
        """Start nothing more."""
        self._stopped = True
