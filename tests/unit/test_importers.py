"""Scanners' reports → findings, on small reports of each form and on real ones."""

import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from gate.datasets import parse_dataset
from gate.errors import Problems
from gate.families import FAMILIES
from gate.importers import FORMATS, combined, read_findings
from gate.importers.finding import cwes, line_at
from gate.importers.grouped import samples_from_answers

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
# file → tool, findings, with a line, with a CWE, with a package
REAL = {
    "scans/bandit_dd.json": ("bandit", 47, 47, 0, 0),
    "scans/semgrep_many_vulns.json": ("semgrep", 48, 48, 44, 0),
    "scans/gosec_many_vulns.json": ("gosec", 28, 28, 6, 0),
    "scans/trivy_scheme_2_many_vulns.json": ("trivy", 5, 0, 5, 5),
    "scans/npm_audit_many_vuln.json": ("npm-audit", 5, 0, 4, 5),
    "scans/github_vulnerability_github-5-vuln.json": ("github-alerts", 5, 0, 0, 5),
    "scans/sarif_SuppressionTestCurrent.sarif": ("CodeScanner", 1, 0, 0, 0),  # three of four are suppressed
    "scans/sarif_cxf-3.4.6.sarif": ("Grype", 22, 22, 0, 0),
    "scans/sarif_no_runs.sarif": (None, 0, 0, 0, 0),
    "sarif/bash-report.sarif": ("Shell Script Analysis", 27, 27, 0, 0),
    "sarif/flawfinder.sarif": ("Flawfinder", 53, 53, 53, 0),  # and one of kind "pass"
    "sarif/njsscan.sarif": ("nodejsscan", 2, 2, 2, 0),
    "sarif/spotbugs.sarif": ("SpotBugs", 56, 56, 0, 0),
    "sarif/taint-python-report.sarif": ("Python Security Analysis", 11, 11, 0, 0),
}


def read(report):
    return combined([read_findings(json.dumps(report), file="report.json")])


def sarif(result, *, rules=(), **run):
    driver = {"name": "Acme Scan", "rules": list(rules)}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": [result], **run}]}


@pytest.mark.skipif(not DATA.is_dir(), reason="the reports are not in ../shared/data")
@pytest.mark.parametrize("name", REAL)
def test_real_reports__every_finding_has_tool_rule_message_and_a_place_or_package(name):
    tool, number, lines, weaknesses, packages = REAL[name]
    found = combined([read_findings((DATA / name).read_text(encoding="utf-8"), file=name)])
    assert {one.tool for one in found} == ({tool} if tool else set())
    counted = [sum(map(bool, (getattr(one, key) for one in found))) for key in ("line", "cwe", "package")]
    assert [len(found), *counted] == [number, lines, weaknesses, packages]
    assert all(one.rule and one.message and (one.place or one.package) for one in found)
    assert len({one.id for one in found}) == number


@pytest.mark.skipif(not DATA.is_dir(), reason="the reports are not in ../shared/data")
def test_real_reports__none_is_left_untried():
    assert {
        f"{one.parent.name}/{one.name}" for folder in ("scans", "sarif") for one in (DATA / folder).iterdir()
    } == set(REAL)


@pytest.mark.parametrize(
    ("extra", "kept"),
    [
        ({}, True),
        ({"suppressions": []}, True),
        ({"suppressions": [{"kind": "inSource"}]}, False),
        ({"suppressions": [{"kind": "external", "status": "accepted"}]}, False),
        ({"suppressions": [{"kind": "external"}, {"kind": "external", "status": "underReview"}]}, True),
        ({"suppressions": [{"kind": "external", "status": "rejected"}]}, True),
        ({"kind": "pass"}, False),
        ({"kind": "informational"}, False),
        ({"kind": "review"}, True),
        ({"baselineState": "absent"}, False),
        ({"baselineState": "unchanged"}, True),
    ],
)
def test_sarif__what_is_no_finding_now_is_left_out(extra, kept):
    assert bool(read(sarif({"ruleId": "R1", "message": {"text": "x"}, **extra}))) is kept


def test_sarif__rule_message_weakness_severity_and_place_are_looked_up():
    rule = {
        "id": "R7",
        "messageStrings": {"default": {"text": "Value {0} reaches {1}."}},
        "properties": {"tags": ["security", "external/cwe/cwe-089"], "security-severity": "8.1"},
        "relationships": [{"target": {"id": "943", "toolComponent": {"name": "CWE"}}}],
    }
    result = {
        "ruleIndex": 0,
        "message": {"id": "default", "arguments": ["ref", "execute()"]},
        "locations": [{"physicalLocation": {"artifactLocation": {"index": 0}, "region": {"startLine": 12}}}],
        "taxa": [{"id": "20", "toolComponent": {"name": "CWE"}}, {"id": "7", "toolComponent": {"name": "OWASP"}}],
    }
    artifacts = [{"location": {"uri": "file:///src/a%20b.py"}}]
    (found,) = read(sarif(result, rules=[rule], artifacts=artifacts))
    assert found.as_json() == {
        "id": "acme-scan-1",
        "tool": "Acme Scan",
        "rule": "R7",
        "severity": "8.1",
        "cwe": ["CWE-89", "CWE-20", "CWE-943"],
        "path": "/src/a b.py",
        "line": 12,
        "message": "Value ref reaches execute().",
    }


def test_sarif__a_rule_of_an_extension_and_a_logical_place():
    result = {
        "rule": {"index": 0, "toolComponent": {"index": 0}},
        "message": {},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": "shop.Dao.find"}]}],
    }
    report = sarif(result)
    report["runs"][0]["tool"]["extensions"] = [
        {"name": "extra-pack", "rules": [{"id": "X1", "fullDescription": {"text": "Said by the pack."}}]}
    ]
    (found,) = read(report)
    assert (found.tool, found.rule, found.message, found.place) == (
        "extra-pack",
        "X1",
        "Said by the pack.",
        "shop.Dao.find",
    )


TRIVY = {"SchemaVersion": 2, "Results": [{"Target": "Dockerfile", "Misconfigurations": [
    {"AVDID": "AVD-1", "Message": "root user", "Status": "FAIL", "CauseMetadata": {"StartLine": 3}},
    {"AVDID": "AVD-2", "Message": "fine", "Status": "PASS"},
], "Secrets": [{"RuleID": "aws-key", "Title": "AWS key", "StartLine": 9, "Match": "AKIA-SECRET"}]}]}  # fmt: skip
NPM_2 = {"auditReportVersion": 2, "vulnerabilities": {"qs": {"via": [
    {"source": 11, "name": "qs", "dependency": "qs", "title": "Prototype pollution", "url": "https://github.com/advisories/GHSA-aaaa", "severity": "high", "cwe": ["CWE-1321"], "range": "<6.2.4"},
    "express",
]}}}  # fmt: skip
ALERTS = [
    {"state": "open", "security_advisory": {"ghsa_id": "GHSA-bbbb", "cve_id": "CVE-2024-1", "summary": "Bad", "cwes": [{"cwe_id": "CWE-22"}]}, "dependency": {"package": {"name": "tar"}, "manifest_path": "a/package.json"}},
    {"state": "dismissed", "security_advisory": {"ghsa_id": "GHSA-cccc"}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (TRIVY, [("trivy-1", "AVD-1", "Dockerfile", 3), ("trivy-2", "aws-key", "Dockerfile", 9)]),
        ([{"Target": "a", "Vulnerabilities": [{"VulnerabilityID": "CVE-1", "PkgName": "b"}]}], [("trivy-1", "CVE-1", "a", None)]),
        (NPM_2, [("npm-audit-1", "GHSA-aaaa", "", None)]),
        (ALERTS, [("github-alerts-1", "GHSA-bbbb", "a/package.json", None)]),
        ({"results": [{"check_id": "r", "extra": {"is_ignored": True}}, {"check_id": "s", "path": "x", "start": {"line": 4}}]}, [("semgrep-1", "s", "x", 4)]),
        ({"Issues": [{"rule_id": "G1", "line": "12-14"}, {"rule_id": "G2", "nosec": True}]}, [("gosec-1", "G1", "", 12)]),
        ({"Issues": None, "Results": []}, []),
        ({"results": []}, []),
    ],
)  # fmt: skip
def test_scanners__what_is_ignored_fixed_or_dismissed_is_left_out(report, expected):
    assert [(one.id, one.rule, one.place, one.line) for one in read(report)] == expected


def test_trivy__the_secret_itself_is_not_taken_over():
    assert "AKIA" not in str([one.as_json() for one in read(TRIVY)])


def test_combined__ids_stay_when_a_report_is_added():
    bandit = [read_findings(json.dumps({"metrics": {}, "results": [{"test_id": "B1"}]}), file="b")]
    both = combined([*bandit, read_findings(json.dumps({"results": [{"check_id": "r"}]}), file="s")])
    assert [one.id for one in both] == ["bandit-1", "semgrep-1"]
    assert combined(bandit)[0] == both[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "report.json:1:2: is not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5_000, "number too long"),
        ('{"hello": 1}', "no report of a form that is known here"),
        ("3", "no report of a form that is known here"),
    ],
)
def test_read_findings__says_what_is_wrong_and_what_is_known(text, says):
    with pytest.raises(Problems, match=says) as raised:
        read_findings(text, file="report.json")
    if "form" in says:
        assert all(name in str(raised.value) for name in FORMATS)


KEYS = ["runs", "results", "Issues", "Results", "advisories", "vulnerabilities", "data", "tool", "driver", "rules", "locations",
        "message", "ruleIndex", "extra", "metrics", "via", "findings", "suppressions", "check_id", "Target", "id", "nodes",
        "vulnerabilityAlerts", "security_advisory", "taxa", "relationships", "cwe", "line"]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)


@given(st.sampled_from(sorted(FORMATS)), JSON)
def test_laws__no_report_makes_a_reader_raise(name, report):
    FORMATS[name].matches(report)
    for one in combined([FORMATS[name].read(report)]):
        assert one.tool
        json.dumps(one.as_json())


def test_sarif__a_tag_names_a_weakness_only_where_it_says_cwe():
    properties = {"tags": ["2021", "injection", "CWE-79: Cross-site scripting"], "cwe": "SQL Injection"}
    (found,) = read(sarif({"ruleId": "R", "message": {"text": "x"}, "properties": properties}))
    assert found.cwe == ("CWE-89", "CWE-79")


def test_cwes_and_lines__as_people_write_them():
    assert cwes("CWE-79: Cross-site", ["external/cwe/cwe-089", "cwe 79"], 22, True, None, "CWE-0") == (
        "CWE-79",
        "CWE-89",
        "CWE-22",
    )
    assert [line_at(value) for value in (3, "7", "8-9", "x", 0, -1, True, None, 2.5)] == [
        3,
        7,
        8,
        None,
        None,
        None,
        None,
        None,
        None,
    ]


ANSWER = {
    "id": "s1",
    "groups": [["bandit-1", "semgrep-1"], ["semgrep-2"]],
    "slices": {"kind": "web"},
    "cluster": "shop",
}


def findings():
    bandit = {"metrics": {}, "results": [{"test_id": "B1", "issue_text": "a"}, {"test_id": "B2", "issue_text": "b"}]}
    semgrep = {"results": [{"check_id": "r", "path": "x.py"}, {"check_id": "s", "path": "y.py"}]}
    return combined(read_findings(json.dumps(one), file="r") for one in (bandit, semgrep))


def test_samples_from_answers__make_a_dataset_that_can_be_asked():
    rows = samples_from_answers(findings(), json.dumps(ANSWER), file="answers.jsonl")
    (sample,) = parse_dataset(json.dumps(rows[0]).encode(), source="d.jsonl").samples
    assert FAMILIES["finding-correlation"]().check(sample) == []
    assert [one["id"] for one in sample.input["findings"]] == ["bandit-1", "semgrep-1", "semgrep-2"]
    assert (sample.target["groups"], sample.slices, sample.cluster) == (ANSWER["groups"], {"kind": "web"}, "shop")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"groups": [["bandit-9"]]}, "names 'bandit-9', which no report holds"),
        ({"groups": [["bandit-1"], ["bandit-1"]]}, "names a finding twice"),
        ({"groups": [[]]}, "has no groups"),
        ({"groups": [["bandit-1", 2]]}, "has no groups"),
        ({"groups": "bandit-1"}, "has no groups"),
        ({"id": ""}, "has no id"),
        ({"findings": []}, "unknown key"),
    ],
)
def test_samples_from_answers__locates_what_is_wrong(change, says):
    with pytest.raises(Problems, match=says) as raised:
        samples_from_answers(findings(), json.dumps(ANSWER) + "\n" + json.dumps(ANSWER | change), file="answers.jsonl")
    assert "answers.jsonl:2:1" in str(raised.value)
