"""L7: the ledger: every decision as one canonical JSON line that holds the hash of the line before.

A chain shows what was changed, moved or taken out *before* its last line. What it cannot show is that its end was cut
off or written anew: for that, `verify` is given the last hash (the head), or the number of lines,
that was kept elsewhere.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path

from gate.errors import Problem, Problems, UsageError
from gate.jsonl import problem_of, strict_object
from gate.ledger_line import LedgerLine, line_of, read_line
from gate.report import Report

_RESTORE = "restore the file from a copy whose head you know; add nothing to it until then"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The lines of a sound ledger, and the hash of each."""

    entries: tuple[LedgerLine, ...]
    hashes: tuple[str, ...]

    @property
    def head(self) -> str | None:
        """The hash of the last line; None where there is none."""
        return self.hashes[-1] if self.hashes else None


def canonical(value: object) -> str:
    """Sorted keys, no spaces, ASCII, finite numbers (a NaN raises ValueError)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def hash_of(line: bytes) -> str:
    return f"sha256:{hashlib.sha256(line).hexdigest()}"


def append(path: Path, report: Report, *, tag: str | None, say: Callable[[str], object]) -> tuple[int, str]:
    """Add a decision; its line number and hash. One process at a time, and on the disk when it returns.

    What an interrupted append left is moved to ``FILE.torn``, which is said.

    Raises
    ------
    Problems
        The ledger is not sound: nothing is added.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    except OSError as error:
        raise UsageError(f"{path}: cannot be opened: {error.strerror}") from None
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError(f"{path}: is not a regular file")
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            if not os.path.samestat(os.fstat(descriptor), path.lstat()):
                raise UsageError(f"{path}: was replaced while this run waited for its turn; run it again")
            return _append(file, path, report, tag, say)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}; run it again") from None


def _append(file: FileIO, path: Path, report: Report, tag: str | None, say: Callable[[str], object]) -> tuple[int, str]:
    data = file.readall()
    whole = data[: data.rfind(b"\n") + 1]
    found = check(whole, file=str(path))
    if whole != data:
        aside = path.with_name(f"{path.name}.torn")
        _put(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644), data[len(whole) :] + b"\n")
        file.truncate(len(whole))
        say(f"{path}: an earlier append was interrupted; its part of a line is kept in {aside}\n")
    line = next_line(found, report, tag=tag)
    _write(file.fileno(), line + b"\n")
    if not data:
        _sync_folder(path)
    return len(found.entries) + 1, hash_of(line)


def _put(descriptor: int, data: bytes) -> None:
    try:
        _write(descriptor, data)
    finally:
        os.close(descriptor)


def _write(descriptor: int, rest: bytes) -> None:
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def _sync_folder(path: Path) -> None:
    """A new file is on the disk when its folder says so, too."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def next_line(found: Ledger, report: Report, *, tag: str | None) -> bytes:
    """The line that a report adds to a sound ledger, without its end.

    Raises UsageError where it could not be read again: that line would break the ledger for all decisions after it.
    """
    try:
        line = canonical(asdict(line_of(report, tag=tag, previous=found.head))).encode()
        read_line(line)
    except ValueError as error:
        raise UsageError(f"the decision is none that a ledger can hold: {error}") from None
    return line


def read(path: Path, *, head: str | None = None, length: int | None = None) -> Ledger:
    """A ledger in a file. Raises UsageError where it cannot be read, Problems where it is not sound."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # half a line of an append under way is no damage
            data = file.read()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    return check(data, file=str(path), head=head, length=length)


def check(data: bytes, *, file: str, head: str | None = None, length: int | None = None) -> Ledger:
    """A ledger whose every line is as it was written, as far as the chain, `head` and `length` can tell.

    Raises
    ------
    Problems
        Each line that is not, and what to do.
    """
    *lines, torn = data.split(b"\n")
    hashes = [hash_of(line) for line in lines]
    problems = [_at(file, len(lines) + 1, _TORN)] if torn else []
    entries = []
    for index, line in enumerate(lines):
        try:
            _follows(_previous(line), index, hashes)
            entries.append(read_line(line))
        except (ValueError, RecursionError) as error:
            problems.append(problem_of(file, index + 1, error))
    problems += [_at(file, len(lines), what) for what in _end(hashes, head, length)]
    if problems:
        raise Problems(problems)
    return Ledger(entries=tuple(entries), hashes=tuple(hashes))


_TORN = "is not whole: an append was interrupted, or the end was cut | the next append moves it aside"


def _at(file: str, line: int, text: str) -> Problem:
    return problem_of(file, line, ValueError(text))


def _previous(line: bytes) -> object:
    """What a line says that it goes on from. Raises ValueError where the line is not as it was written."""
    try:
        found = strict_object(line.decode())
        same = canonical(found).encode() == line
    except (ValueError, RecursionError):
        same = False
    if not same:
        raise ValueError(f"is not as Driftgate writes it: it was changed | {_RESTORE}")
    return found.get("previous")


def _follows(previous: object, index: int, hashes: Sequence[str]) -> None:
    """Raises ValueError where a line's `previous` is not the hash of the line before."""
    if previous == (hashes[index - 1] if index else None):
        return
    if index == 0:
        what = "is not the first that was written: what stood before it is missing, or it was moved"
    elif previous is None or previous in hashes[: index - 1]:
        what = "goes on from an earlier line than the one before it: a fork, or lines were added or moved"
    elif previous in hashes[index:]:
        what = "goes on from a later line: lines were moved"
    else:
        what = "does not go on from the line before: that line was changed, or lines are missing between"
    raise ValueError(f"{what} | {_RESTORE}")


def _end(hashes: Sequence[str], head: str | None, length: int | None) -> list[str]:
    """What is wrong with the end, by what was kept elsewhere. Lines added since are right."""
    said = []
    if head is not None and head not in hashes:
        said.append(f"the head that you gave is none of these lines: the end was cut off or changed | {_RESTORE}")
    if length is not None and len(hashes) < length:
        said.append(f"ends after {len(hashes):,} of {length:,} lines: the end was cut off | {_RESTORE}")
    return said
