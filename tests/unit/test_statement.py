"""The statement: what in-toto's own types read of it, and what it says of each situation."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from hypothesis import given, strategies as st
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as Predicate
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

from gate.cli import main
from gate.evidence import Evaluated
from gate.files import digest
from gate.outputs import write_outputs
from gate.report import ArmDigests, to_json
from gate.statement import CONFIG_DIGEST, PREDICATE_TYPE, predicate, statement
from tests.fakes.comparisons import comparison
from tests.fakes.reports import ORIGIN, REPORTS

FULL = replace(
    REPORTS["waived"],
    provenance=replace(
        ORIGIN,
        policy_digest="sha256:" + "1" * 64,
        dataset_digests={"remediation": "sha256:" + "2" * 64},
        config_digests={"models/a.yml": ArmDigests(baseline="sha256:" + "3" * 64, candidate="sha256:" + "4" * 64)},
    ),
)


def statement_of(report):
    return statement(report, digest(to_json(report)))


def parsed(report):
    """By in-toto's types, which refuse a field that they do not know."""
    whole = Statement([], "", {})
    json_format.Parse(statement_of(report), whole.pb)
    whole.validate()
    result = json_format.ParseDict(json_format.MessageToDict(whole.pb.predicate), Predicate())
    for one in result.configuration:
        ResourceDescriptor.copy_from_pb(one).validate()
        assert one.digest
    return whole.pb, result


@pytest.mark.parametrize("name", REPORTS)
def test_statement__is_read_and_validated_by_in_totos_types(name):
    whole, result = parsed(REPORTS[name])
    assert (whole.type, whole.predicate_type) == ("https://in-toto.io/Statement/v1", PREDICATE_TYPE)
    named = [*result.passed_tests, *result.warned_tests, *result.failed_tests]
    assert len(named) == len(set(named)) == len(REPORTS[name].comparisons)
    assert json.loads(predicate(REPORTS[name])) == json.loads(statement_of(REPORTS[name]))["predicate"]
    assert result.url == ORIGIN.run_url


@pytest.mark.parametrize(
    ("name", "result", "warned", "failed"),
    [
        ("pass-with-many-slices", "PASSED", [], []),
        ("sequential", "PASSED", [], []),
        ("pass-with-an-advisory-loss", "WARNED", ["models/a.yml: advisory-summary"], []),
        ("waived", "WARNED", ["models/a.yml: advisory-summary"], []),
        ("inconclusive", "FAILED", [], ["models/a.yml: remediation"]),
        ("error", "FAILED", [], []),
        ("neutral", "WARNED", [], []),
        ("simulated", "FAILED", [], []),
        (
            "blocked-in-several-configs",
            "FAILED",
            [],
            ["models/a.yml: advisory-summary", "models/b.yml: advisory-summary"],
        ),
    ],
)
def test_statement__says_what_the_verdict_says(name, result, warned, failed):
    _, found = parsed(REPORTS[name])
    assert (found.result, list(found.warned_tests), list(found.failed_tests)) == (result, warned, failed)


def test_statement__a_pass_never_names_a_unit_that_was_not_shown_unharmed():
    small = comparison("inconclusive", -0.01, gating=False)
    _, found = parsed(replace(REPORTS["pass"], comparisons=(small,)))
    assert (found.result, list(found.warned_tests), list(found.passed_tests)) == ("WARNED", ["f"], [])
    lost = comparison("regressed", -0.2, gating=False)
    _, found = parsed(replace(REPORTS["blocked"], comparisons=(lost,)))
    assert (found.result, list(found.failed_tests)) == ("FAILED", ["f"])


def test_statement__is_about_the_report_the_model_configs_and_the_commit():
    whole, result = parsed(FULL)
    report, config, commit = whole.subject
    assert dict(report.digest) == {"sha256": hashlib.sha256(to_json(FULL).encode()).hexdigest()}
    assert report.annotations["verdict"] == "waived"
    assert report.annotations["headline"].startswith("Waived: advisory-summary lost 8.0 points")
    assert (config.name, dict(config.digest)) == ("models/a.yml", {CONFIG_DIGEST: "4" * 64})
    assert dict(commit.digest) == {"gitCommit": ORIGIN.head_sha}
    assert [(one.name, dict(one.digest)) for one in result.configuration] == [
        ("policy", {"sha256": "1" * 64}),
        ("dataset of remediation", {"sha256": "2" * 64}),
        ("baseline of models/a.yml", {CONFIG_DIGEST: "3" * 64}),
    ]


def test_statement__without_a_commit_or_an_address_has_none():
    bare = replace(FULL, provenance=replace(FULL.provenance, head_sha=None, run_url=None))
    whole, result = parsed(bare)
    assert ([one.name for one in whole.subject], result.url) == (["report.json", "models/a.yml"], "")
    assert "url" not in json.loads(predicate(bare))


@given(st.text(max_size=60), st.text(max_size=60))
def test_statement__holds_any_text_as_text(family, reason):
    report = replace(REPORTS["error"], reasons=(reason,), comparisons=(comparison("improved", family=family),))
    whole = json.loads(statement_of(report))
    assert whole["predicate"]["passedTests"] == [family]
    assert whole["subject"][0]["annotations"]["reasons"] == [reason]


def test_files__the_subject_is_the_report_beside_it_and_render_makes_both_again(tmp_path, capsys):
    write_outputs(Evaluated(report=FULL), tmp_path)
    written = json.loads((tmp_path / "statement.json").read_text())
    bytes_ = (tmp_path / "report.json").read_bytes()
    assert written["subject"][0]["digest"]["sha256"] == hashlib.sha256(bytes_).hexdigest()
    for form in ("statement", "predicate"):
        assert main(["render", str(tmp_path / "report.json"), "--format", form]) == 0
        assert capsys.readouterr().out == (tmp_path / f"{form}.json").read_text()


def test_example__hands_actions_attest_the_report_and_the_predicate(tmp_path):
    path = Path(__file__).parents[2] / "examples/workflows/ledger.yml"
    (step,) = (
        one
        for one in yaml.safe_load(path.read_text())["jobs"]["gate"]["steps"]
        if one["uses"].startswith("actions/attest@")
    )
    write_outputs(Evaluated(report=FULL), tmp_path / "driftgate-report")
    assert step["with"]["predicate-type"] == PREDICATE_TYPE
    assert json.loads((tmp_path / step["with"]["predicate-path"]).read_text())["result"] == "WARNED"
    assert (tmp_path / step["with"]["subject-path"]).read_text() == to_json(FULL)
