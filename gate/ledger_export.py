"""L7: a sound ledger for other programs: JSON as it is, or CSV with a row for each comparison.

A spreadsheet runs a cell that begins like a formula. A text that does gets an apostrophe in front, which spreadsheets
take for "this is text"; numbers are written as numbers.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from io import StringIO
from typing import Literal, TypeAlias

from gate.ledger import Ledger
from gate.ledger_line import Compared, LedgerLine
from gate.wording import printable

ExportForm = Literal["json", "csv"]
Cell: TypeAlias = str | float | None
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula begins with, in full width too, as some languages' spreadsheets take it."""


def export(found: Ledger, form: ExportForm) -> str:
    return _json(found) if form == "json" else _csv(found)


def _json(found: Ledger) -> str:
    """A list of decisions, each with its number and hash."""
    rows = [{"line": number, "hash": one, **asdict(line)} for number, one, line in _numbered(found)]
    return json.dumps(rows, indent=2, allow_nan=False) + "\n"


def _csv(found: Ledger) -> str:
    out = StringIO()
    writer = csv.DictWriter(out, ["line", "hash", *_DECISION, *_COMPARED, *_PARTS], lineterminator="\n")
    writer.writeheader()
    for number, one, line in _numbered(found):
        for row in _rows(line):
            writer.writerow({"line": number, "hash": one, **{name: _cell(value) for name, value in row.items()}})
    return out.getvalue()


def _numbered(found: Ledger) -> Iterator[tuple[int, str, LedgerLine]]:
    for number, (one, line) in enumerate(zip(found.hashes, found.entries, strict=True), start=1):
        yield number, one, line


_DECISION = (
    "time",
    "tag",
    "verdict",
    "simulated",
    "version",
    "policy_digest",
    "base_sha",
    "head_sha",
    "run_url",
)
_COMPARED = (
    "config",
    "family",
    "severity",
    "gating",
    "outcome",
    "metric",
    "delta",
    "level",
    "p_value",
    "margin",
    "n_pairs",
    "baseline",
    "candidate",
    "waiver",
    "method",
    "reason",
)
_PARTS: dict[str, Callable[[Compared], Cell]] = {
    "slice_name": lambda one: one.slice.name if one.slice else None,
    "slice_value": lambda one: one.slice.value if one.slice else None,
    "interval_low": lambda one: one.interval[0],
    "interval_high": lambda one: one.interval[1],
    "dropped_baseline": lambda one: one.n_dropped.baseline if one.n_dropped else None,
    "dropped_candidate": lambda one: one.n_dropped.candidate if one.n_dropped else None,
}


def _rows(line: LedgerLine) -> Iterator[dict[str, Cell]]:
    """One for each comparison. A decision without any has one row all the same: it must not be overlooked."""
    decision: dict[str, Cell] = {name: getattr(line, name) for name in _DECISION}
    for one in line.comparisons:
        compared: dict[str, Cell] = {name: getattr(one, name) for name in _COMPARED}
        yield {**decision, **compared, **{name: part(one) for name, part in _PARTS.items()}}
    if not line.comparisons:
        yield decision


def _cell(value: Cell) -> Cell:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
