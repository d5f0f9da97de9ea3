"""L9: `driftgate ledger …`: gate.ledger, in words. Each function returns an exit code.

What a ledger holds may have been written by others: it is made printable.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gate.errors import EXIT_PASS, UsageError
from gate.ledger import Ledger, append, check
from gate.wording import count, printable

if TYPE_CHECKING:
    from gate.domain import Json
    from gate.tools import Tools


def ledger_append(path: Path, report: Path, tag: str | None, tools: Tools) -> int:
    from gate.app import read_local
    from gate.report import from_json

    found = from_json(read_local(report, limit=64 * 1024 * 1024), file=str(report))
    number, head = append(path, found, tag=tag, say=tools.err.write)
    tools.out.write(f"{path}: line {number:,} added: {found.verdict}\nhead {head}\n")
    return EXIT_PASS


def ledger_verify(path: Path, head: str | None, length: int | None, tools: Tools) -> int:
    found = _read(path, head=head, length=length)
    tools.out.write(f"{path}: sound, {count(len(found.entries), 'decision')}\nhead {found.head or '–'}\n")
    return EXIT_PASS


def ledger_show(path: Path, tools: Tools) -> int:
    from tabulate import tabulate

    rows = [(str(number), *_row(one)) for number, one in enumerate(_read(path).entries, start=1)]
    head = ("line", "time", "tag", "verdict", "regressed", "commit")
    tools.out.write(f"{tabulate(rows, headers=head, disable_numparse=True)}\n")
    return EXIT_PASS


def _row(one: dict[str, Json]) -> tuple[str, ...]:
    comparisons = one.get("comparisons")
    rows = [row for row in comparisons if isinstance(row, dict)] if isinstance(comparisons, list) else []
    lost = {str(row.get("family")) for row in rows if row.get("outcome") == "regressed"}
    texts = (one.get("time"), one.get("tag"), one.get("verdict"), ", ".join(sorted(lost)), one.get("head_sha"))
    return tuple(printable(str(text))[:40] if text else "–" for text in texts)


def _read(path: Path, *, head: str | None = None, length: int | None = None) -> Ledger:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    return check(data, file=str(path), head=head, length=length)
