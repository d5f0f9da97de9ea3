"""L7: the report as SARIF 2.1.0 (OASIS standard), for GitHub code scanning and other viewers of findings.

A result for each blocking regression, at the line of the model config that was changed. A waived one is suppressed.
GitHub knows a finding again by `ruleId`, path and `primaryLocationLineHash`: that one is made of the unit's names and
not of the line, so that the same regression stays one alert while the config is edited.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TypeAlias
from urllib.parse import quote

from gate.domain import Comparison, Json
from gate.report import Report, changed_line
from gate.wording import headline, points, printable, unit, unlinked, waiver_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 5_000
"""GitHub refuses a run of more than 25,000 results and keeps 5,000 (docs.github.com, "SARIF results exceed limits")."""
_LONGEST = 1_000  # characters of a text; GitHub cuts descriptions at 1,024

Object: TypeAlias = dict[str, Json]


def sarif(report: Report) -> str:
    """One SARIF log with one run, as JSON."""
    found = [one for one in report.comparisons if one.severity == "blocking" and one.outcome == "regressed"]
    worst = sorted(found, key=lambda one: (one.waiver is not None, one.delta or 0.0))[:MOST_RESULTS]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report, worst)]}
    return json.dumps(log, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _run(report: Report, found: list[Comparison]) -> Object:
    families = list(dict.fromkeys(one.family for one in found))
    results: list[Json] = [_result(one, families.index(one.family), report) for one in found]
    run: Object = {
        "tool": {"driver": _driver(report, families)},
        "automationDetails": {"id": f"driftgate/{report.provenance.started}"},  # GitHub's category: before the slash
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return run | _origin(report)


def _driver(report: Report, families: list[str]) -> Object:
    version = report.provenance.version
    return {"name": "Driftgate", "version": version, "rules": [_rule(family) for family in families]}


def _rule(family: str) -> Object:
    name = _text(family)
    return {
        "id": _id(family),
        "shortDescription": {"text": f"{name}: a blocking regression"},
        "fullDescription": {
            "text": f"On the same samples, the candidate lost more in {name} than the gate policy accepts."
        },
        "help": {"text": "See the pull request comment or report.html for the figures and what changed in the config."},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["model-evaluation"], "problem.severity": "error"},
    }


def _result(one: Comparison, rule: int, report: Report) -> Object:
    text = f"{unit(one)} lost {points(abs(one.delta or 0.0))} points (margin {points(one.margin)}): {one.reason}"
    mark = fingerprint(one)
    result: Object = {
        "ruleId": _id(one.family),
        "ruleIndex": rule,
        "kind": "fail",
        "level": "error",
        "message": {"text": _text(text)},
        "partialFingerprints": {"primaryLocationLineHash": f"{mark[:16]}:1", "driftgateUnit/v1": mark},
        "properties": {"delta": one.delta, "interval": list(one.interval), "pairs": one.n_pairs},
    }
    if one.config is not None:
        result["locations"] = [_location(one.config, changed_line(report, one.config))]
    if one.waiver is not None:
        why = _text(waiver_of(one, report))
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    return result


def fingerprint(one: Comparison) -> str:
    """Of what was compared, and of no number: the same in each run that finds it."""
    key = None if one.slice is None else [one.slice.name, one.slice.value]
    return hashlib.sha256(json.dumps([one.config, one.family, key]).encode()).hexdigest()


def _location(config: str, line: int) -> Object:
    where: Object = {"uri": quote(config, errors="replace"), "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": where, "region": {"startLine": line}}}


def _invocation(report: Report) -> Object:
    origin, decided = report.provenance, report.verdict not in ("inconclusive", "error")
    told: Object = {"executionSuccessful": decided}
    for name, time in (("startTimeUtc", origin.started), ("endTimeUtc", origin.finished)):
        told[name] = time.replace("+00:00", "Z")
    if not decided:
        told["toolExecutionNotifications"] = [{"level": "error", "message": {"text": _text(headline(report))}}]
    return told


def _origin(report: Report) -> Object:
    """Which commit was judged, where the run knows its repository: the standard asks for both."""
    origin = report.provenance
    address = re.fullmatch(
        r"(https?://[A-Za-z0-9.:_-]+/[\w.-]+/[\w.-]+)/actions/runs/.*", origin.run_url or "", re.ASCII
    )
    if address is None or origin.head_sha is None:
        return {}
    return {"versionControlProvenance": [{"repositoryUri": address[1], "revisionId": origin.head_sha}]}


def _id(family: str) -> str:
    return printable(family).strip()[:255] or "family"


def _text(text: str) -> str:
    """A message that links nothing: brackets begin a link in SARIF (§3.11.6), braces a placeholder (§3.11.5)."""
    plain = unlinked(printable(text)[:_LONGEST])
    return re.sub(r"([\\\[\]])", r"\\\1", plain).replace("{", "{{").replace("}", "}}")
