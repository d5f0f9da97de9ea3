"""L2: scanners' reports → findings, and datasets of cross-finding correlation from them.

A format is recognised by its form, not by its file name: one line here and one function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gate.domain import Json
from gate.errors import Problem, Problems
from gate.importers.finding import Finding, at, numbered, objects_at
from gate.importers.sarif import from_sarif
from gate.importers.scanners import (
    from_bandit,
    from_github_alerts,
    from_gosec,
    from_npm_audit,
    from_semgrep,
    from_trivy,
)
from gate.jsonl import read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a report's form is told, and how it is read. Neither raises, whatever the report holds."""

    matches: Callable[[Json], bool]
    read: Callable[[Json], list[Finding]]


FORMATS: Mapping[str, Format] = {
    "SARIF": Format(matches=lambda report: isinstance(at(report, "runs"), list), read=from_sarif),
    "Bandit": Format(
        matches=lambda report: isinstance(at(report, "metrics"), dict) and _lists(report, "results"), read=from_bandit
    ),
    "Semgrep": Format(matches=lambda report: _lists(report, "results") and _semgrep(report), read=from_semgrep),
    "gosec": Format(matches=lambda report: _lists(report, "Issues"), read=from_gosec),
    "Trivy": Format(
        matches=lambda report: (
            _lists(report, "Results")
            or isinstance(at(report, "SchemaVersion"), int)
            or "Target" in next(iter(objects_at(report)), {})
        ),
        read=from_trivy,
    ),
    "npm audit": Format(
        matches=lambda report: any(isinstance(at(report, key), dict) for key in ("advisories", "vulnerabilities")),
        read=from_npm_audit,
    ),
    "GitHub alerts": Format(
        matches=lambda report: (
            isinstance(at(report, "data"), dict) or "security_advisory" in next(iter(objects_at(report)), {})
        ),
        read=from_github_alerts,
    ),
}


def _lists(report: Json, key: str) -> bool:
    return isinstance(at(report, key), list)


def _semgrep(report: Json) -> bool:
    return all("check_id" in one for one in objects_at(report, "results"))


def read_findings(text: str, *, file: str) -> list[Finding]:
    """The findings of one report, without ids; none is a finding too. Raises Problems when its form is not known."""
    report = read_json(text, file=file)
    for form in FORMATS.values():
        if form.matches(report):
            return form.read(report)
    what, hint = "is no report of a form that is known here", f"known: {', '.join(FORMATS)}"
    raise Problems([Problem(file=file, what=what, hint=hint)])


def combined(reports: Iterable[list[Finding]]) -> tuple[Finding, ...]:
    """The findings of several reports of one system, with ids."""
    return numbered([finding for report in reports for finding in report])
