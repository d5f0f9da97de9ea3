"""L7: a run's decision goes into the ledger, or it does not count.

What would pass and could not be kept is an error (exit code 3), in every output. What fails anyway goes on failing as
it did, with a notice: a loss is not to be hidden behind a broken file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gate.errors import GateError, UsageError
from gate.ledger import append
from gate.report import Report
from gate.verdict import EXIT_CODES

_TAG = re.compile(r"[^\x00-\x20\x7f\ud800-\udfff]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The ledger that a command was told to keep, and the release that is decided on."""

    file: Path
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The report as it is to be told. `head` is the hash of its line; None where it has none."""

    report: Report
    head: str | None = None


def book(file: Path | None, tag: str | None) -> Book:
    """What `--ledger` and `--tag` say. Raises UsageError."""
    if file is None:
        raise UsageError("--tag: goes with --ledger")
    return Book(file=file, tag=checked_tag(tag, "--tag"))


def checked_tag(tag: str | None, name: str) -> str | None:
    if tag is not None and not _TAG.fullmatch(tag):
        raise UsageError(f"{name}: must be the name of a tag: 1 to 255 characters without spaces")
    return tag


def keep(report: Report, kept: Book, say: Callable[[str], object]) -> Kept:
    """Append to a file; `say` is told of a repaired one."""
    return settled(report, lambda: append(kept.file, report, tag=kept.tag, say=say))


def settled(report: Report, add: Callable[[], tuple[int, str]]) -> Kept:
    """What an append made of a decision."""
    try:
        _, head = add()
    except GateError as error:
        return Kept(report=_unkept(report, error))
    return Kept(report=report, head=head)


def _unkept(report: Report, error: GateError) -> Report:
    what, *more = (line.strip() for line in str(error).splitlines())
    why = f"the decision could not be kept in the ledger: {what}{f' ({more[0]})' if more else ''}"
    if EXIT_CODES[report.verdict]:
        return replace(report, notices=(*report.notices, why))
    return replace(report, verdict="error", reasons=(why, *report.reasons))
