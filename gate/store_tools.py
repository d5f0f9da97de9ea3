"""L3: what people do with a store's file: look into it, make it smaller, take the answers out, join several.

Unlike a run, these refuse a damaged file by name: they never move, repair or begin one that they were only to read.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gate.domain import Completion, Json
from gate.errors import UsageError
from gate.store import BUSY_SECONDS, PUT, Label, Store, label_id
from gate.store_codec import BrokenRow, as_json, decode
from gate.store_file import Corrupt, Unusable, classified, connect, connect_read_only, identity
from gate.store_limits import Limits, Trimmed, trim

_ROWS = (
    "SELECT key, run, asked_at, endpoint, protocol, host, model, completion "
    "FROM answer LEFT JOIN label ON label.id = answer.label ORDER BY answer.rowid"
)
_TOTAL = "SELECT count(*), count(DISTINCT run), min(asked_at), max(asked_at) FROM answer"
_BY_MODEL = (
    "SELECT endpoint, model, host, count(*), count(DISTINCT run), max(asked_at) FROM answer "
    "LEFT JOIN label ON label.id = answer.label GROUP BY answer.label ORDER BY count(*) DESC, answer.label LIMIT 50"
)
_KEPT = "SELECT completion FROM answer WHERE key = ? AND run = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStats:
    """Names are as the file holds them: data, not to be printed raw."""

    endpoint: str
    model: str
    place: str
    answers: int
    runs: int
    newest: float | None  # Unix seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    answers: int
    runs: int
    bytes: int
    oldest: float | None  # Unix seconds
    newest: float | None
    models: tuple[ModelStats, ...]  # the 50 with the most answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A sound row. `data` are its bytes as they are kept."""

    key: bytes
    run: str
    asked_at: float
    label: Label
    data: object
    completion: Completion


def stats(path: Path) -> Stats:
    """What is in a store. Raises UsageError."""
    with _reading(path) as db:
        answers, runs, oldest, newest = db.execute(_TOTAL).fetchone()
        models = tuple(
            ModelStats(
                endpoint=_text(name), model=_text(model), place=_text(host), answers=n, runs=k, newest=_time(last)
            )
            for name, model, host, n, k, last in db.execute(_BY_MODEL)
        )
    size = sum(one.stat().st_size for one in (path, path.with_name(path.name + "-wal")) if one.exists())
    return Stats(answers=answers, runs=runs, bytes=size, oldest=_time(oldest), newest=_time(newest), models=models)


def prune(path: Path, limits: Limits, *, now: float) -> Trimmed:
    """Raises UsageError."""
    if not path.exists():
        raise UsageError(f"{path}: there is no such store")
    with _writing(path) as db:
        return trim(db, limits, now=now)


def export(path: Path, write: Callable[[str], object]) -> tuple[int, int]:
    """Every answer as a line of JSON, in the order of asking; how many there are, and how many more are damaged.

    Raises UsageError. All but ASCII is escaped: what a model said reaches no terminal as it is.
    """
    sound = damaged = 0
    with _reading(path) as db:
        for row in _rows(db):
            if row is None:
                damaged += 1
                continue
            sound += 1
            write(json.dumps(_line(row)) + "\n")
    return sound, damaged


def _line(row: Row) -> dict[str, Json]:
    label = row.label
    whose: dict[str, Json] = {"endpoint": label.endpoint, "protocol": label.protocol, "place": label.host}
    when: dict[str, Json] = {"key": row.key.hex(), "run": row.run, "asked_at": row.asked_at}
    return {**when, **whose, "model": label.model, "completion": as_json(row.completion)}


def merge_stores(inputs: Sequence[Path], out: Path, *, say: Callable[[str], object]) -> None:
    """All answers of the inputs into `out`, which may be there already. Of one key and run the first answer stays.

    What was left out is told to `say`, one line each, with its line end.

    Raises
    ------
    UsageError
        An input is damaged or no store (each is named; nothing was merged), or `out` cannot be written.
    """
    _refuse_bad(inputs, out)
    _begin(out, say)
    with _writing(out) as db:
        for path in inputs:
            with closing(connect_read_only(path)) as source:
                differing, damaged = _copy(source, db)
            if differing:
                say(f"{path}: another answer of the same run was there before: {differing:,} left out\n")
            if damaged:
                say(f"{path}: damaged answers left out: {damaged:,}\n")


def _begin(out: Path, say: Callable[[str], object]) -> None:
    """A store where there is none yet, or where it is damaged."""

    def tell(text: str) -> None:
        say(f"{text}\n")

    Store.open(out, now=lambda: 0.0, say=tell).close()


def _refuse_bad(inputs: Sequence[Path], out: Path) -> None:
    problems: list[str] = []
    for path in inputs:
        try:
            _check_input(path, out)
        except UsageError as problem:
            problems.append(str(problem))
    if problems:
        raise UsageError("\n".join(problems))


def _check_input(path: Path, out: Path) -> None:
    if identity(path) == identity(out) is not None:
        raise UsageError(f"{path}: is what is merged into; name it once")
    with _reading(path) as db:
        if db.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
            raise Corrupt


def _copy(source: sqlite3.Connection, db: sqlite3.Connection) -> tuple[int, int]:
    """How many were there already with another answer, and how many are damaged. All or nothing of one input."""
    differing = damaged = 0
    db.execute("BEGIN IMMEDIATE")
    for row in _rows(source):
        if row is None:
            damaged += 1
        elif not db.execute(PUT, (row.key, row.run, row.asked_at, label_id(db, row.label), row.data)).rowcount:
            differing += db.execute(_KEPT, (row.key, row.run)).fetchone()[0] != row.data
    db.execute("COMMIT")
    return differing, damaged


def _rows(db: sqlite3.Connection) -> Iterator[Row | None]:
    """Each row, None for a damaged one."""
    for values in db.execute(_ROWS):
        try:
            yield _row(*values)
        except BrokenRow:
            yield None


def _row(key: object, run: object, asked_at: object, *more: object) -> Row:
    *names, data = more
    at = _time(asked_at)
    if not isinstance(key, bytes) or len(key) != 32 or not isinstance(run, str) or at is None:
        raise BrokenRow("has a column of another form")
    endpoint, protocol, host, model = map(_text, names)
    label = Label(endpoint=endpoint, protocol=protocol, host=host, model=model)
    completion = decode(key, run, data)
    return Row(key=key, run=run, asked_at=at, label=label, data=data, completion=completion)


def _time(value: object) -> float | None:
    return value if isinstance(value, float) and math.isfinite(value) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else "?"


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """SQLite's errors, as problems of the file that they are about."""
    try:
        yield
    except (sqlite3.Error, Corrupt, Unusable) as error:
        trouble = classified(error) if isinstance(error, sqlite3.Error) else error
        raise UsageError(f"{path}: {trouble if isinstance(trouble, Unusable) else 'is damaged'}") from None


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with _named(path), closing(connect_read_only(path)) as db:
        yield db


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    with _named(path):
        db, writable = connect(path, timeout=BUSY_SECONDS)
        with closing(db):
            if not writable:
                raise Unusable("it cannot be written")
            yield db
