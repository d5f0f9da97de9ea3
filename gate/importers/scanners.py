"""L2: findings from the JSON of common scanners: Bandit, Semgrep, gosec, Trivy, npm audit, GitHub alerts.

Each function takes a parsed report and leaves out what the scanner itself marked as ignored or dismissed.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.domain import Json
from gate.importers.finding import Finding, at, cwes, line_at, object_at, objects_at, text_at, texts_at

Object = dict[str, Json]


def from_bandit(report: Json) -> list[Finding]:
    return [
        Finding(
            tool="bandit",
            rule=text_at(one, "test_id"),
            message=text_at(one, "issue_text"),
            severity=text_at(one, "issue_severity"),
            cwe=cwes(at(one, "issue_cwe", "id")),
            place=text_at(one, "filename"),
            line=line_at(one, "line_number"),
        )
        for one in objects_at(report, "results")
    ]


def from_semgrep(report: Json) -> list[Finding]:
    return [
        Finding(
            tool="semgrep",
            rule=text_at(one, "check_id"),
            message=text_at(one, "extra", "message"),
            severity=text_at(one, "extra", "severity"),
            cwe=cwes(at(one, "extra", "metadata", "cwe")),
            place=text_at(one, "path"),
            line=line_at(one, "start", "line"),
        )
        for one in objects_at(report, "results")
        if at(one, "extra", "is_ignored") is not True
    ]


def from_gosec(report: Json) -> list[Finding]:
    return [
        Finding(
            tool="gosec",
            rule=text_at(one, "rule_id"),
            message=text_at(one, "details"),
            severity=text_at(one, "severity"),
            cwe=cwes(f"CWE-{text_at(one, 'cwe', 'id') or text_at(one, 'cwe', 'ID')}"),
            place=text_at(one, "file"),
            line=line_at(one, "line"),
        )
        for one in objects_at(report, "Issues")
        if at(one, "nosec") is not True and not objects_at(one, "suppressions")
    ]


def from_trivy(report: Json) -> list[Finding]:
    """Vulnerable packages, misconfigurations and secrets of each target; also the list that old versions wrote."""
    targets = objects_at(report) if isinstance(report, list) else objects_at(report, "Results")
    found: list[Finding] = []
    for target in targets:
        place = text_at(target, "Target")
        found += [_trivy_package(one, place) for one in objects_at(target, "Vulnerabilities")]
        found += [
            _trivy_setting(one, place) for one in objects_at(target, "Misconfigurations") if one.get("Status") != "PASS"
        ]
        found += [_trivy_secret(one, place) for one in objects_at(target, "Secrets")]
    return found


def _trivy_package(one: Object, place: str) -> Finding:
    return Finding(
        tool="trivy",
        rule=text_at(one, "VulnerabilityID"),
        message=text_at(one, "Title") or text_at(one, "Description"),
        severity=text_at(one, "Severity"),
        cwe=cwes(at(one, "CweIDs")),
        place=text_at(one, "PkgPath") or place,
        package=text_at(one, "PkgName"),
        version=text_at(one, "InstalledVersion"),
        aliases=texts_at(one, "VendorIDs"),
    )


def _trivy_setting(one: Object, place: str) -> Finding:
    return Finding(
        tool="trivy",
        rule=text_at(one, "AVDID") or text_at(one, "ID"),
        message=text_at(one, "Message") or text_at(one, "Title"),
        severity=text_at(one, "Severity"),
        place=place,
        line=line_at(one, "CauseMetadata", "StartLine"),
    )


def _trivy_secret(one: Object, place: str) -> Finding:
    """Its title only: the match would be the secret."""
    return Finding(
        tool="trivy",
        rule=text_at(one, "RuleID"),
        message=text_at(one, "Title"),
        severity=text_at(one, "Severity"),
        place=place,
        line=line_at(one, "StartLine"),
    )


def from_npm_audit(report: Json) -> list[Finding]:
    """Version 1 (npm 6) and version 2 (npm 7 and later) of the report: one finding a vulnerable version installed."""
    if isinstance(at(report, "advisories"), dict):
        return [one for advisory in object_at(report, "advisories").values() for one in _npm_installed(advisory)]
    return [
        _npm_via(name, via)
        for name, package in object_at(report, "vulnerabilities").items()
        for via in objects_at(package, "via")
    ]


def _npm_installed(advisory: Json) -> Iterator[Finding]:
    for installed in objects_at(advisory, "findings"):
        yield Finding(
            tool="npm-audit",
            rule=text_at(advisory, "id"),
            message=text_at(advisory, "title"),
            severity=text_at(advisory, "severity"),
            cwe=cwes(at(advisory, "cwe")),
            place=", ".join(texts_at(installed, "paths")[:3]),
            package=text_at(advisory, "module_name"),
            version=text_at(installed, "version"),
            aliases=texts_at(advisory, "cves"),
        )


def _npm_via(name: str, via: Object) -> Finding:
    return Finding(
        tool="npm-audit",
        rule=text_at(via, "url").rpartition("/")[2] or text_at(via, "source"),
        message=text_at(via, "title"),
        severity=text_at(via, "severity"),
        cwe=cwes(at(via, "cwe")),
        package=text_at(via, "dependency") or text_at(name),
        version=text_at(via, "range"),
    )


def from_github_alerts(report: Json) -> list[Finding]:
    """Dependabot alerts as the REST API lists them, or as GraphQL's `vulnerabilityAlerts` nests them, still open."""
    if isinstance(report, list):
        return [_rest_alert(one) for one in objects_at(report) if text_at(one, "state") in ("", "open")]
    return [_graphql_alert(node) for node in _alert_nodes(report, depth=0) if not at(node, "dismissedAt")]


def _rest_alert(alert: Object) -> Finding:
    advisory, dependency = object_at(alert, "security_advisory"), object_at(alert, "dependency")
    return Finding(
        tool="github-alerts",
        rule=text_at(advisory, "ghsa_id"),
        message=text_at(advisory, "summary"),
        severity=text_at(advisory, "severity"),
        cwe=cwes(*(text_at(one, "cwe_id") for one in objects_at(advisory, "cwes"))),
        place=text_at(dependency, "manifest_path"),
        package=text_at(dependency, "package", "name"),
        version=text_at(alert, "security_vulnerability", "vulnerable_version_range"),
        aliases=tuple(one for one in (text_at(advisory, "cve_id"),) if one),
    )


def _alert_nodes(value: Json, *, depth: int) -> Iterator[Object]:
    """The nodes of every `vulnerabilityAlerts`, however a query nested them."""
    if depth > 12:
        return
    if isinstance(value, dict):
        yield from objects_at(value, "vulnerabilityAlerts", "nodes")
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _alert_nodes(one, depth=depth + 1)


def _graphql_alert(node: Object) -> Finding:
    vulnerability = object_at(node, "securityVulnerability")
    advisory = object_at(node, "securityAdvisory") or object_at(vulnerability, "advisory")
    names = [text_at(one, "value") for one in objects_at(advisory, "identifiers")]
    return Finding(
        tool="github-alerts",
        rule=names[0] if names else text_at(node, "id"),
        message=text_at(advisory, "summary"),
        severity=text_at(vulnerability, "severity"),
        cwe=cwes(*(text_at(one, "cweId") for one in objects_at(advisory, "cwes", "nodes"))),
        place=text_at(node, "vulnerableManifestPath"),
        package=text_at(vulnerability, "package", "name"),
        version=text_at(node, "vulnerableRequirements").removeprefix("= "),
        aliases=tuple(names[1:]),
    )
