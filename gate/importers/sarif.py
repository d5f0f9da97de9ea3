"""L2: findings from SARIF 2.1.0 (OASIS standard), whatever tool wrote it.

A result is left out when it is not a finding now: suppressed (§3.27.23: some suppression, and none of them under review
or rejected), of kind `pass`, `notApplicable` or `informational`, or absent from this run (`baselineState`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gate.domain import Json
from gate.importers.finding import Finding, at, cwes, line_at, object_at, objects_at, plain_path, text_at, texts_at

_NO_FINDING = ("pass", "notApplicable", "informational")
_ARGUMENT = re.compile(r"\{([0-9]{1,3})\}")

Object = dict[str, Json]


def from_sarif(report: Json) -> list[Finding]:
    return [
        _finding(run, result)
        for run in objects_at(report, "runs")
        for result in objects_at(run, "results")
        if _is_finding(result)
    ]


def _is_finding(result: Object) -> bool:
    if result.get("kind") in _NO_FINDING or result.get("baselineState") == "absent":
        return False
    suppressions = objects_at(result, "suppressions")
    return not suppressions or any(one.get("status") in ("underReview", "rejected") for one in suppressions)


def _finding(run: Object, result: Object) -> Finding:
    component = _component(run, result)
    rule = _rule(component, result)
    location = object_at(result, "locations", 0)
    return Finding(
        tool=text_at(component, "name") or text_at(run, "tool", "driver", "name") or "sarif",
        rule=text_at(result, "ruleId") or text_at(result, "rule", "id") or text_at(rule, "id"),
        message=_message(run, rule, result),
        severity=_severity(rule, result),
        cwe=_weaknesses(rule, result),
        place=_place(run, location),
        line=line_at(location, "physicalLocation", "region", "startLine"),
    )


def _component(run: Object, result: Object) -> Object:
    """The driver, or the extension that the result's rule belongs to."""
    index = at(result, "rule", "toolComponent", "index")
    extension = object_at(run, "tool", "extensions", index) if isinstance(index, int) else {}
    return extension if objects_at(extension, "rules") else object_at(run, "tool", "driver")


def _rule(component: Object, result: Object) -> Object:
    index = result.get("ruleIndex", at(result, "rule", "index"))
    if isinstance(index, int) and (found := object_at(component, "rules", index)):
        return found
    name = result.get("ruleId") or at(result, "rule", "id")
    return next((one for one in objects_at(component, "rules") if name and one.get("id") == name), {})


def _message(run: Object, rule: Object, result: Object) -> str:
    """The result's own text, or the rule's (or the driver's) under the message's id, with its arguments put in."""
    name = text_at(result, "message", "id")
    told = (
        text_at(result, "message", "text")
        or text_at(rule, "messageStrings", name, "text")
        or text_at(run, "tool", "driver", "globalMessageStrings", name, "text")
        or text_at(rule, "shortDescription", "text")
        or text_at(rule, "fullDescription", "text")
    )
    return text_at(_ARGUMENT.sub(lambda match: text_at(result, "message", "arguments", int(match[1])), told))


def _severity(rule: Object, result: Object) -> str:
    score = text_at(rule, "properties", "security-severity")
    return score or text_at(result, "level") or text_at(rule, "defaultConfiguration", "level") or "warning"


def _weaknesses(rule: Object, result: Object) -> tuple[str, ...]:
    return cwes(
        *(at(one, "properties", key) for one in (result, rule) for key in ("cwe", "cwes")),
        *(tag for one in (result, rule) for tag in texts_at(one, "properties", "tags") if "cwe" in tag.casefold()),
        *(f"CWE-{text_at(one, 'id')}" for one in objects_at(result, "taxa") if _of_cwe(one)),
        *(f"CWE-{text_at(one, 'target', 'id')}" for one in _relations(rule) if _of_cwe(object_at(one, "target"))),
    )


def _relations(rule: Object) -> Iterator[Object]:
    yield from objects_at(rule, "relationships")


def _of_cwe(reference: Object) -> bool:
    return text_at(reference, "toolComponent", "name").upper() == "CWE"


def _place(run: Object, location: Object) -> str:
    artifact = object_at(location, "physicalLocation", "artifactLocation")
    uri = text_at(artifact, "uri")
    index = artifact.get("index")
    if not uri and isinstance(index, int):
        uri = text_at(run, "artifacts", index, "location", "uri")
    logical = object_at(location, "logicalLocations", 0)
    return plain_path(uri) or text_at(logical, "fullyQualifiedName") or text_at(logical, "name")
