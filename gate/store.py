"""L3: every answer that was paid for, kept in one SQLite file and found again by what was asked.

Rows are keyed by (content key, run): the same question asked by two runs is two rows, so repeats are never faked from
one answer, and k stored runs of a baseline stay k. Within a run the first answer stays: asking again is no re-roll.

What is promised: when `put` returns, no kill of the process loses the answer. A power cut may lose the last seconds of
answers (they are asked again), never the file. The store's own troubles never end a run: they are told once, counted,
and listed in `troubles`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from gate.domain import ChatRequest, Completion
from gate.store_codec import BrokenRow, decode, encode
from gate.store_file import Corrupt, Unusable, classified, connect, identity, move_aside
from gate.store_limits import Limits, trim

BUSY_SECONDS = 10.0
"""How long a statement waits for another process; once it waited in vain, `_IMPATIENT` until one succeeds."""
_IMPATIENT = 0.005

MOST_RUNS = 32
"""Rows of one key that `runs_of` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An answer as it was kept."""

    completion: Completion
    asked_at: float  # Unix seconds
    run: str  # identity of the run that paid for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Whose answer it is, for `driftgate store stats`. Never a key or a header."""

    endpoint: str  # the policy's alias
    protocol: str
    host: str
    model: str


def content_key(*, protocol: str, base_url: str, request: ChatRequest, repeat: int) -> str:
    """SHA-256 (hex) over the canonical JSON of all that makes an answer: where, whom, how, what, and which repeat.

    Not in it: the endpoint's alias, key, limits and prices; the arm, family and sample. So a renamed alias finds its
    answers, and the arms of one run that ask the very same thing must be told apart by their runs.
    """
    asked = {
        "form": 1,
        "protocol": protocol,
        "place": _place(base_url),
        "model": request.model,
        "parameters": dict(request.parameters),
        "messages": [[one.role, one.content] for one in request.messages],
        "repeat": repeat,
    }
    return hashlib.sha256(_canonical(asked).encode()).hexdigest()


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@lru_cache(maxsize=256)
def _place(base_url: str) -> str:
    place = urlsplit(base_url)
    port = f":{place.port}" if place.port else ""
    return f"{place.hostname}{port}{place.path.rstrip('/')}"


PUT = "INSERT OR IGNORE INTO answer(key, run, asked_at, label, completion) VALUES (?, ?, ?, ?, ?)"
_LABEL = "INSERT OR IGNORE INTO label(endpoint, protocol, host, model) VALUES (?, ?, ?, ?)"
_LABEL_ID = "SELECT id FROM label WHERE endpoint = ? AND protocol = ? AND host = ? AND model = ?"
_OWN = "SELECT run, asked_at, completion FROM answer WHERE key = ? AND run = ?"
_RUNS_OF = "SELECT run, asked_at, completion FROM answer WHERE key = ? ORDER BY asked_at DESC LIMIT ?"
_DELETE = "DELETE FROM answer WHERE key = ? AND run = ? AND completion IS ?"
_NO_LIMITS = Limits()


@dataclass(slots=True, kw_only=True)
class Store:
    """Safe from many threads (one lock, statements of some 50 µs) and from several processes (SQLite's locks)."""

    path: Path
    now: Callable[[], float]
    say: Callable[[str], None]
    limits: Limits = _NO_LIMITS
    _db: sqlite3.Connection | None = None
    _writable: bool = False
    _seen: tuple[int, int] | None = None
    _labels: dict[Label, int] = field(default_factory=dict)
    _runs: set[str] = field(default_factory=set)  # that this process asks for: never trimmed by it
    _told: dict[str, None] = field(default_factory=dict)
    _lost: Counter[str] = field(default_factory=Counter)
    _broken: int = 0
    _patience: float = BUSY_SECONDS
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def open(
        cls, path: Path, *, now: Callable[[], float], say: Callable[[str], None], limits: Limits = _NO_LIMITS
    ) -> Self:
        """A store that works, or one that keeps nothing and says so. `limits` are applied when it is closed.

        Raises
        ------
        UsageError
            The path is a directory, a link or another program's database.
        """
        store = cls(path=path, now=now, say=say, limits=limits)
        store._connect()
        return store

    def find(self, key: str, run: str) -> Stored | None:
        """The run's own answer; None where it never asked, or where the row is damaged."""
        digest = bytes.fromhex(key)
        self._runs.add(run)
        return next(self._rows(digest, _OWN, (digest, run)), None)

    def runs_of(self, key: str) -> tuple[Stored, ...]:
        """All kept answers of one key, one a run, newest first (at most `MOST_RUNS`)."""
        digest = bytes.fromhex(key)
        return tuple(self._rows(digest, _RUNS_OF, (digest, MOST_RUNS)))

    def put(self, key: str, run: str, completion: Completion, *, asked_at: float, label: Label) -> None:
        """Keep an answer, durably against kill -9 when it returns. An answer that is there already stays."""
        digest = bytes.fromhex(key)
        self._runs.add(run)
        try:
            data = encode(digest, run, completion)
        except ValueError:
            self._lose("an answer is too large")
            return
        with self._lock:
            if not self._writable:
                self._lose("the store cannot be written")
            elif why := self._attempt(lambda db: self._insert(db, (digest, run, asked_at), label, data)):
                self._lose(why)
                self._wait(_IMPATIENT)
            else:
                self._wait(BUSY_SECONDS)

    def close(self) -> None:
        """Apply the limits and fold the journal into the file. The store finds and keeps nothing afterwards."""
        with self.closing():
            pass

    @contextlib.contextmanager
    def closing(self) -> Iterator[None]:
        """`close`, with something done while the disk takes the journal. All `troubles` are known before that."""
        with self._lock:
            if self._writable and self.limits != _NO_LIMITS and (why := self._attempt(self._trim)):
                self._tell(f"{self.path}: the limits of age and size were not applied: {why}")
            db = self._forgotten()
        folding = threading.Thread(target=_fold, args=(db,))
        folding.start()
        try:
            yield
        finally:
            folding.join()

    @property
    def lost(self) -> int:
        """Answers that could not be kept."""
        with self._lock:
            return self._lost.total()

    @property
    def keeps(self) -> bool:
        """Can answers be put into it, as far as one can know before trying?"""
        return self._writable

    @property
    def troubles(self) -> tuple[str, ...]:
        """What went wrong with the store itself, in words, for the report's notices."""
        with self._lock:
            lost = [f"{self.path}: {count:,} answers were not kept: {why}" for why, count in self._lost.items()]
            broken = [f"{self.path}: damaged answers were not used: {self._broken:,}"] if self._broken else []
            return (*self._told, *lost, *broken)

    def _insert(self, db: sqlite3.Connection, row: tuple[bytes, str, float], label: Label, data: bytes) -> None:
        if label not in self._labels:
            self._labels[label] = label_id(db, label)
        db.execute(PUT, (*row, self._labels[label], data))

    def _trim(self, db: sqlite3.Connection) -> None:
        trimmed = trim(db, self.limits, now=self.now(), keep=self._runs)
        if not trimmed.fits:
            size = f"{trimmed.bytes / 1e6:,.1f} MB"
            self._tell(f"{self.path}: holds {size} of this run alone, which is over max_size_mb: nothing was lost")

    def _rows(self, digest: bytes, statement: str, values: tuple[object, ...]) -> Iterator[Stored]:
        """The sound rows of a key; a damaged one is as if it were not there, and counted."""
        found: list[tuple[str, float, bytes]] = []
        with self._lock:
            if self._db is not None and (
                why := self._attempt(lambda db: found.extend(db.execute(statement, values).fetchall()))
            ):
                self._tell(f"{self.path}: stored answers could not be read: {why}")
        for run, asked_at, data in found:
            try:
                yield Stored(completion=decode(digest, run, data), asked_at=asked_at, run=run)
            except BrokenRow:
                self._forget((digest, run, data))

    def _forget(self, row: tuple[object, ...]) -> None:
        """Count a damaged row, and make room for the answer that is asked instead of it."""
        with self._lock:
            self._broken += 1
            if self._writable:
                self._attempt(lambda db: db.execute(_DELETE, row))

    def _attempt(self, work: Callable[[sqlite3.Connection], object]) -> str:
        """Do it, in a new file where this one turns out to be damaged. Why it failed, in words; "" when it did not."""
        trouble: Exception = Unusable("the store is closed")
        for _ in range(2):
            if self._db is None:
                break
            try:
                work(self._db)
            except sqlite3.Error as error:
                trouble = classified(error)
            else:
                return ""
            if not isinstance(trouble, Corrupt):
                break
            self._begin_anew()
        return str(trouble) or "it is damaged"

    def _wait(self, seconds: float) -> None:
        """A run must not wait ten seconds for every answer of thousands while another process hangs."""
        if self._db is not None and seconds != self._patience:
            self._patience = seconds
            self._db.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")

    def _connect(self, *, again: bool = False) -> None:
        self._seen = identity(self.path)
        try:
            self._db, self._writable = connect(self.path, timeout=BUSY_SECONDS)
        except Unusable as trouble:
            self._tell(f"{self.path}: the store cannot be used: {trouble}")
        except Corrupt:
            if again:
                self._tell(f"{self.path}: the store cannot be used: it is damaged again and again")
            else:
                self._begin_anew()
        self._seen = identity(self.path)

    def _begin_anew(self) -> None:
        """Move the damaged file aside (unless another process did) and go on with a new one."""
        self._disconnect()
        try:
            moved = move_aside(self.path, self._seen)
        except Unusable as trouble:
            self._tell(f"{self.path}: the store cannot be used: {trouble}")
            return
        if moved is not None:
            self._tell(f"{self.path}: was damaged; it is now {moved.name}, and a new store was begun")
        self._connect(again=True)

    def _disconnect(self) -> None:
        _fold(self._forgotten())

    def _forgotten(self) -> sqlite3.Connection | None:
        db, self._db, self._writable = self._db, None, False
        self._labels.clear()
        self._patience = BUSY_SECONDS
        return db

    def _lose(self, why: str) -> None:
        with self._lock:
            if why not in self._lost and self._db is not None:
                self.say(f"{self.path}: answers are not kept: {why}; a resumed run asks them again")
            self._lost[why] += 1

    def _tell(self, trouble: str) -> None:
        if trouble not in self._told:
            self._told[trouble] = None
            self.say(trouble)


def _fold(db: sqlite3.Connection | None) -> None:
    """The last connection that is closed folds the journal into the file. What fails is done by who opens it next."""
    if db is not None:
        with contextlib.suppress(sqlite3.Error):
            db.close()


def label_id(db: sqlite3.Connection, label: Label) -> int:
    """The number of a label, given now if it has none."""
    values = (label.endpoint, label.protocol, label.host, label.model)
    db.execute(_LABEL, values)
    number: int = db.execute(_LABEL_ID, values).fetchone()[0]
    return number
