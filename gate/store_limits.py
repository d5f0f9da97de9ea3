"""L3: what leaves a store: answers that are too old, then whole runs, oldest first, until the file is small enough."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

CLOCK_SKEW = 300.0
"""Seconds that another machine's clock may be ahead. An answer from further in the future is as good as too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None: no limit."""

    max_age: float | None = None  # seconds
    max_bytes: float | None = None

    @classmethod
    def of(cls, *, days: float | None, megabytes: float | None) -> Self:
        """From the units that people write; a megabyte is a million bytes."""
        return cls(
            max_age=None if days is None else days * 86400, max_bytes=None if megabytes is None else megabytes * 1e6
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimmed:
    answers: int
    bytes: int  # that the file holds now
    fits: bool  # false where the runs that must be kept are larger than the limit


def trim(db: sqlite3.Connection, limits: Limits, *, now: float, keep: Collection[str] = ()) -> Trimmed:
    """Delete and give the room back to the disk. Runs in `keep` stay, whatever their age and size.

    Raises
    ------
    sqlite3.Error
        Nothing was deleted.
    """
    kept = list(keep)
    db.execute("BEGIN IMMEDIATE")
    try:
        before = db.execute("SELECT count(*) FROM answer").fetchone()[0]
        if limits.max_age is not None:
            _delete_old(db, now - limits.max_age, now + CLOCK_SKEW, kept)
        if limits.max_bytes is not None:
            _delete_runs(db, limits.max_bytes, kept)
        after = db.execute("SELECT count(*) FROM answer").fetchone()[0]
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    if after < before:
        db.executescript("PRAGMA incremental_vacuum")  # `execute` would take its first step alone: one page
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    size = used_bytes(db)
    return Trimmed(answers=before - after, bytes=size, fits=limits.max_bytes is None or size <= limits.max_bytes)


def used_bytes(db: sqlite3.Connection) -> int:
    """The file's size without its free pages, in bytes."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _delete_old(db: sqlite3.Connection, oldest: float, newest: float, keep: list[str]) -> None:
    for run in _runs_by_age(db):
        if run not in keep:
            db.execute("DELETE FROM answer WHERE run = ? AND asked_at NOT BETWEEN ? AND ?", (run, oldest, newest))


def _delete_runs(db: sqlite3.Connection, most: float, keep: list[str]) -> None:
    for run in _runs_by_age(db):
        if used_bytes(db) <= most:
            return
        if run not in keep:
            db.execute("DELETE FROM answer WHERE run = ?", (run,))


def _runs_by_age(db: sqlite3.Connection) -> list[str]:
    """Every run, the one whose last answer is oldest first."""
    return [row[0] for row in db.execute("SELECT run FROM answer GROUP BY run ORDER BY max(asked_at), run")]
