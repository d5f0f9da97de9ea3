"""L9: `driftgate store …`: what gate.store_tools finds and does, in words. Each function returns an exit code.

Names in a store's file are data that others may have written: they are made printable; no answer is printed raw.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gate.errors import EXIT_PASS, UsageError
from gate.store_limits import Limits
from gate.store_tools import ModelStats, export, merge_stores, prune, stats
from gate.tools import Tools
from gate.wording import count, printable


def store_stats(path: Path, tools: Tools) -> int:
    from tabulate import tabulate

    found = stats(path)
    when = f", asked {_day(found.oldest)} to {_day(found.newest)}" if found.answers else ""
    runs = count(found.runs, "run")
    tools.out.write(f"{count(found.answers, 'answer')} of {runs}, {found.bytes / 1e6:,.1f} MB{when}\n")
    if found.models:
        head = ("endpoint", "model", "asked at", "answers", "runs", "newest")
        tools.out.write(f"\n{tabulate([_row(one) for one in found.models], headers=head, disable_numparse=True)}\n")
    return EXIT_PASS


def _row(one: ModelStats) -> tuple[str, ...]:
    names = (printable(name)[:60] for name in (one.endpoint, one.model, one.place))
    return (*names, f"{one.answers:,}", f"{one.runs:,}", _day(one.newest))


def _day(seconds: float | None) -> str:
    try:
        return "?" if seconds is None else datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return "?"  # a time that no calendar has


def store_prune(path: Path, *, days: float | None, megabytes: float | None, tools: Tools) -> int:
    if days is None and megabytes is None:
        raise UsageError("store prune: say what may stay, with --max-age DAYS, --max-size MB or both")
    if min(days or 0, megabytes or 0) < 0:
        raise UsageError("store prune: --max-age and --max-size must not be negative")
    limits = Limits.of(days=days, megabytes=megabytes)
    done = prune(path, limits, now=tools.now().timestamp())
    tools.out.write(f"{count(done.answers, 'answer')} deleted; {path} now holds {done.bytes / 1e6:,.1f} MB\n")
    return EXIT_PASS


def store_export(path: Path, out: Path | None, tools: Tools) -> int:
    """JSON lines to a new file that only its owner can read, or to standard output."""
    if out is None:
        sound, damaged = export(path, tools.out.write)
    else:
        try:
            with os.fdopen(os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                sound, damaged = export(path, file.write)
        except OSError as error:
            raise UsageError(f"{out}: cannot be written: {error.strerror}") from None
        tools.out.write(f"{count(sound, 'answer')} exported to {out}\n")
    if damaged:
        tools.err.write(f"{path}: damaged answers left out: {damaged:,}\n")
    return EXIT_PASS


def store_merge(out: Path, inputs: Sequence[Path], tools: Tools) -> int:
    merge_stores(inputs, out, say=tools.err.write)
    found = stats(out)
    tools.out.write(f"{out}: {count(found.answers, 'answer')} of {count(found.runs, 'run')}\n")
    return EXIT_PASS
