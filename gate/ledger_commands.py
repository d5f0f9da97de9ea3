"""L9: `driftgate ledger …`: gate.ledger, in words. Each function returns an exit code.

What a ledger holds may have been written by others: it is made printable.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gate.errors import EXIT_PASS, UsageError
from gate.ledger import append, read
from gate.ledger_keep import checked_tag
from gate.wording import count, printable

if TYPE_CHECKING:
    from gate.ledger_export import ExportForm
    from gate.ledger_line import LedgerLine
    from gate.tools import Tools

_HASH = re.compile(r"sha256:[0-9a-f]{64}")


def ledger_append(path: Path, report: Path, tag: str | None, tools: Tools) -> int:
    from gate.app import read_local
    from gate.report import from_json

    found = from_json(read_local(report, limit=64 * 1024 * 1024), file=str(report))
    number, head = append(path, found, tag=checked_tag(tag, "--tag"), say=tools.err.write)
    tools.out.write(f"{path}: line {number:,} added: {found.verdict}\nhead {head}\n")
    return EXIT_PASS


def ledger_verify(path: Path, head: str | None, length: int | None, tools: Tools) -> int:
    if head is not None and not _HASH.fullmatch(head):
        raise UsageError("--head: must be a hash as `ledger append` prints it: sha256: and 64 hex digits")
    found = read(path, head=head, length=length)
    tools.out.write(f"{path}: sound, {count(len(found.entries), 'decision')}\nhead {found.head or '–'}\n")
    return EXIT_PASS


def ledger_show(path: Path, tools: Tools) -> int:
    from tabulate import tabulate

    rows = [(str(number), *_row(one)) for number, one in enumerate(read(path).entries, start=1)]
    head = ("line", "time", "tag", "verdict", "regressed", "commit")
    tools.out.write(f"{tabulate(rows, headers=head, disable_numparse=True)}\n")
    return EXIT_PASS


def ledger_export(path: Path, form: ExportForm, out: Path | None, tools: Tools) -> int:
    from gate.app import write_or_print
    from gate.ledger_export import export

    return write_or_print(export(read(path), form), out, tools)


def _row(one: LedgerLine) -> tuple[str, ...]:
    lost = {row.family for row in one.comparisons if row.outcome == "regressed"}
    texts = (one.time, one.tag, one.verdict, ", ".join(sorted(lost)), one.head_sha)
    return tuple(printable(text)[:40] if text else "–" for text in texts)
