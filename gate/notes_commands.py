"""L9: `driftgate notes` and `history`: the ledger as release notes, and as a page. Each returns an exit code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from gate.errors import EXIT_PASS
from gate.files import write_text
from gate.ledger import read
from gate.notes import notes, to_json
from gate.notes_text import notes_text
from gate.tools import Tools

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesOptions:
    """`since` is a tag or a day; `year`: the last 365 days instead. `out` None: standard output."""

    ledger: Path
    since: str | None
    year: bool
    form: Literal["markdown", "json"]
    out: Path | None


def show_notes(options: NotesOptions, tools: Tools) -> int:
    since = f"{tools.now() - YEAR:%Y-%m-%d}" if options.year else options.since
    found = notes(read(options.ledger).entries, since)
    content = notes_text(found) if options.form == "markdown" else to_json(found)
    if options.out is None:
        tools.out.write(content)
    else:
        write_text(options.out, content)
    return EXIT_PASS


def show_history(ledger: Path, out: Path, tools: Tools) -> int:
    from gate.history import history

    write_text(out, history(read(ledger).entries))
    tools.out.write(f"history: {out}\n")
    return EXIT_PASS
