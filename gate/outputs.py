"""L8: the files that a run leaves, each made of the report; flips.json of its samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gate.errors import UsageError
from gate.files import digest

if TYPE_CHECKING:
    from gate.evidence import Evaluated, Evidence
    from gate.report import Report

Form = Literal["json", "markdown", "html", "junit", "sarif", "slack", "statement", "predicate", "release-notes"]
_FILES: dict[str, Form] = {
    "report.json": "json",
    "comment.md": "markdown",
    "report.html": "html",
    "junit.xml": "junit",
    "report.sarif": "sarif",
    "predicate.json": "predicate",
}
STATEMENT = "statement.json"
"""About the report.json beside it, by its digest."""
FLIPS = "flips.json"
"""The samples lost and gained: the one file that is not made from the report."""


def write_outputs(found: Evaluated, out: Path, *, clean: Callable[[str], str] = str) -> None:
    """What people, CI servers and code scanning read, into a folder. `clean` is done to each text before it is written.

    Raises UsageError when it cannot be written.
    """
    from gate.evidence import to_json
    from gate.statement import statement

    texts = {name: clean(rendered(found.report, form, found.evidence)) for name, form in _FILES.items()}
    whole = digest(texts["report.json"])
    texts[STATEMENT] = clean(statement(found.report, whole))
    evidence = replace(found.evidence, report=whole)
    texts[FLIPS] = clean(to_json(evidence))
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (out / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out}: the report cannot be written: {error.strerror}") from None


def rendered(report: Report, form: Form, evidence: Evidence | None = None) -> str:
    """`evidence` is shown by the page only, where there is any."""
    from gate.html_page import page
    from gate.junit import junit
    from gate.markdown import comment
    from gate.notes_text import report_text
    from gate.report import to_json
    from gate.sarif import sarif
    from gate.slack import slack
    from gate.statement import predicate, statement

    makers: dict[Form, Callable[[Report], str]] = {
        "json": to_json,
        "markdown": comment,
        "html": lambda report: page(report, evidence if evidence and evidence.flips else None),
        "junit": junit,
        "sarif": sarif,
        "slack": slack,
        "statement": lambda report: statement(report, digest(to_json(report))),
        "predicate": predicate,
        "release-notes": report_text,
    }
    return makers[form](report)
