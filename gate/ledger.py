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
from pathlib import Path
from typing import TYPE_CHECKING

from gate.errors import Problem, Problems, UsageError
from gate.jsonl import problem_of, strict_object

if TYPE_CHECKING:
    from gate.domain import Comparison, Json
    from gate.report import Report

_COMPARED = ("config", "family", "severity", "n_pairs", "delta", "outcome", "waiver")
_RESTORE = "restore the file from a copy whose head you know; add nothing to it until then"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The lines of a sound ledger. `head` is the hash of the last one; None where there is none."""

    entries: tuple[dict[str, Json], ...]
    head: str | None


def entry(report: Report, *, tag: str | None) -> dict[str, object]:
    """What is kept of a report. No prompt, no answer, no target."""
    origin = report.provenance
    return {
        "schema_version": 1,
        "time": origin.finished,
        "verdict": report.verdict,
        "simulated": report.simulated,
        "tag": tag,
        "reasons": list(report.reasons),
        "policy_digest": origin.policy_digest,
        "config_digests": {path: asdict(both) for path, both in origin.config_digests.items()},
        "dataset_digests": dict(origin.dataset_digests),
        "comparisons": [_compared(one) for one in report.comparisons],
        "waivers": [asdict(one) for one in report.waivers],
        "version": origin.version,
        "served_models": asdict(origin.served_models),
        "base_sha": origin.base_sha,
        "head_sha": origin.head_sha,
        "run_url": origin.run_url,
    }


def _compared(one: Comparison) -> dict[str, object]:
    kept = {name: getattr(one, name) for name in _COMPARED}
    return {**kept, "slice": asdict(one.slice) if one.slice else None, "interval": one.interval}


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
            return _append(descriptor, path, entry(report, tag=tag), say)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}; run it again") from None


def _append(descriptor: int, path: Path, new: dict[str, object], say: Callable[[str], object]) -> tuple[int, str]:
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    found = check(whole, file=str(path))
    if whole != data:
        aside = path.with_name(f"{path.name}.torn")
        with aside.open("ab") as torn:
            torn.write(data[len(whole) :] + b"\n")
        os.ftruncate(descriptor, len(whole))
        say(f"{path}: an earlier append was interrupted; its part of a line is kept in {aside}\n")
    line = canonical({**new, "previous": found.head}).encode()
    rest = line + b"\n"
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)
    return len(found.entries) + 1, hash_of(line)


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
            found = _entry(line)
            _follows(found.get("previous"), index, hashes)
            entries.append(found)
        except (ValueError, RecursionError) as error:
            problems.append(problem_of(file, index + 1, error))
    problems += [_at(file, len(lines), what) for what in _end(hashes, head, length)]
    if problems:
        raise Problems(problems)
    return Ledger(entries=tuple(entries), head=hashes[-1] if hashes else None)


_TORN = "is not whole: an append was interrupted, or the end was cut | the next append moves it aside"


def _at(file: str, line: int, text: str) -> Problem:
    return problem_of(file, line, ValueError(text))


def _entry(line: bytes) -> dict[str, Json]:
    try:
        found = strict_object(line.decode())
        same = canonical(found).encode() == line
    except (ValueError, RecursionError):
        same = False
    if not same:
        raise ValueError(f"is not as Driftgate writes it: it was changed | {_RESTORE}")
    return found


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
