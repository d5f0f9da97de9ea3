"""L3: the file of a store: how it is opened, what is refused, and where a corrupted one goes.

The file may come from a cache that others can write. So: no extension, no ATTACH, no trusted schema; a file whose
tables, indexes and triggers are not exactly ours is refused; a symbolic link is refused (a checkout could bring one).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from gate.errors import UsageError

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x44726774  # "Drgt"

_SCHEMA = (
    "CREATE TABLE label(id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, protocol TEXT NOT NULL, host TEXT NOT NULL, "
    "model TEXT NOT NULL, UNIQUE(endpoint, protocol, host, model)) STRICT",
    "CREATE TABLE answer(key BLOB NOT NULL, run TEXT NOT NULL, asked_at REAL NOT NULL, label INTEGER NOT NULL, "
    "completion BLOB NOT NULL) STRICT",
    "CREATE UNIQUE INDEX answer_of ON answer(key, run)",
)

_ROW_LIMIT = 9 * 1024 * 1024  # bytes; what is larger is refused by SQLite itself


class Corrupt(Exception):
    """The file is damaged, or no database at all."""


class Unusable(Exception):
    """The file cannot be used now; the message is for people, without the path."""


def connect(path: Path, *, timeout: float) -> tuple[sqlite3.Connection, bool]:
    """An open store, made when there is none, and whether it can be written.

    `timeout`: seconds to wait for another process's lock, here and at every later statement.

    Raises
    ------
    UsageError
        The path is no regular file, or another program's database.
    Corrupt
    Unusable
        Not now, or not by this driftgate: a newer one made it.
    """
    check_path(path)
    writable = _writable(path)
    try:
        db = _opened(path, "rwc", timeout) if writable else _read_only(path, timeout)
    except sqlite3.Error as error:
        raise classified(error) from None
    return db, writable


def connect_read_only(path: Path, *, timeout: float = 10.0) -> sqlite3.Connection:
    """A store that is there, never written, moved or made. Raises like `connect`."""
    check_path(path)
    if not path.exists():
        raise UsageError(f"{path}: there is no such store")
    try:
        return _read_only(path, timeout)
    except sqlite3.Error as error:
        raise classified(error) from None


def check_path(path: Path) -> None:
    """Raises UsageError where a store must not be."""
    for suffix in ("", "-wal", "-shm"):
        one = path.with_name(path.name + suffix)
        try:
            mode = one.lstat().st_mode
        except OSError:
            continue
        if stat.S_ISDIR(mode):
            raise UsageError(f"{one}: is a directory; name the store's file in it, like {one / 'store.db'}")
        if stat.S_ISLNK(mode):
            raise UsageError(f"{one}: is a symbolic link; name the file that it leads to")
        if not stat.S_ISREG(mode):
            raise UsageError(f"{one}: is not a regular file")


def _writable(path: Path) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unusable(f"its folder cannot be made: {error.strerror}") from None
    folder = os.access(path.parent, os.W_OK | os.X_OK)
    if path.exists():
        return folder and os.access(path, os.W_OK)
    if not folder:
        raise Unusable("it is not there, and its folder cannot be written")
    return True


def _opened(path: Path, mode: str, timeout: float) -> sqlite3.Connection:
    with folder_lock(path):
        if mode == "rwc" and not path.exists():
            os.close(_create(path))
        db = _connection(path, f"mode={mode}", timeout)
        try:
            if mode == "rwc":
                _prepare(db)
            _check_schema(db, path)
        except BaseException:
            db.close()
            raise
    return db


def _create(path: Path) -> int:
    try:
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Unusable(f"it cannot be made: {error.strerror}") from None


def _read_only(path: Path, timeout: float) -> sqlite3.Connection:
    """SQLite needs to write beside a WAL file even to read it; where it cannot, the file alone is read.

    That is safe only without a journal that still holds answers.
    """
    try:
        return _opened(path, "ro", timeout)
    except sqlite3.OperationalError:
        journal = path.with_name(path.name + "-wal")
        if journal.exists() and journal.stat().st_size:
            raise Unusable("it is read-only and was not closed; open it once where it can be written") from None
        return _opened(path, "ro&immutable=1", timeout)


def _connection(path: Path, query: str, timeout: float) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{query}"
    db = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _ROW_LIMIT)
    db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    db.text_factory = lambda data: data.decode("utf-8", "replace")
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    return db


def _prepare(db: sqlite3.Connection) -> None:
    """WAL: readers and one writer do not wait for each other, and a commit is one append.

    NORMAL: a commit is in the kernel when it returns, so no kill of the process loses it; a power cut may lose the last
    ones, but leaves a sound file. FULL would cost a disk flush and over twice the CPU an answer: docs/store.md.
    """
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA wal_autocheckpoint = 4096")  # pages: 16 MiB of journal, then it is folded into the file


def _check_schema(db: sqlite3.Connection, path: Path) -> None:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if application == _APPLICATION_ID and version > SCHEMA_VERSION:
        what = f"was made by a newer driftgate (its form is {version}, this one knows {SCHEMA_VERSION})"
        raise Unusable(f"it {what}; update driftgate, or name another file")
    found = {row[0] for row in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    if application != _APPLICATION_ID or found != set(_SCHEMA):
        raise UsageError(f"{path}: is a database, but not a store of driftgate; name another file")


def classified(error: sqlite3.Error) -> Exception:
    """What an SQLite error means for the store."""
    if _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Corrupt()
    return Unusable(reason(error))


def reason(error: sqlite3.Error) -> str:
    """An SQLite error in words; its own text may quote SQL or names."""
    words = {
        sqlite3.SQLITE_FULL: "the disk is full",
        sqlite3.SQLITE_IOERR: "the disk refuses to read or write",
        sqlite3.SQLITE_BUSY: "another process holds it locked",
        sqlite3.SQLITE_LOCKED: "another process holds it locked",
        sqlite3.SQLITE_READONLY: "it cannot be written",
        sqlite3.SQLITE_PERM: "access is denied",
        sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
        sqlite3.SQLITE_TOOBIG: "an answer is too large",
    }
    return words.get(_code(error), f"SQLite reports {getattr(error, 'sqlite_errorname', type(error).__name__)}")


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code, without its extension


def identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at the path now; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def move_aside(path: Path, seen: tuple[int, int] | None) -> Path | None:
    """Rename a corrupted store (and its journal) to ``NAME.corrupt-<n>``.

    None where the file is no longer the one that was `seen`: another process was first. Raises Unusable.
    """
    with folder_lock(path):
        if identity(path) != seen:
            return None
        number = next(n for n in range(1, 1_000_000) if not path.with_name(f"{path.name}.corrupt-{n}").exists())
        target = path.with_name(f"{path.name}.corrupt-{number}")
        try:
            for suffix in ("-wal", "-shm", ""):
                if (one := path.with_name(path.name + suffix)).exists():
                    one.rename(f"{target}{suffix}")
        except OSError as error:
            raise Unusable(f"it is damaged and cannot be moved aside: {error.strerror}") from None
    return target


@contextmanager
def folder_lock(path: Path, *, timeout: float = 10.0) -> Iterator[None]:
    """One process at a time makes, opens or moves a store of this folder. A file system without locks goes without."""
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        _lock(folder, timeout)
        yield
    finally:
        os.close(folder)


def _lock(folder: int, timeout: float) -> None:
    for _ in range(max(1, int(timeout / 0.02))):
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:
            return
        else:
            return
    raise Unusable("another process holds its folder locked")
