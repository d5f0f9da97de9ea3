"""`driftgate validate --datasets` and `driftgate datasets`, as processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gate import cli
from gate.dataset_commands import CONVERTERS
from gate.families import FAMILIES

ROOT = Path(__file__).parents[2]
POLICY = """\
version: 1
endpoints: {one: {protocol: openai-chat, base_url: "http://127.0.0.1:9/v1"}}
families:
  facts: {kind: custom, dataset: facts.csv, severity: advisory, margin: 0.05, match: {mode: regex}}
"""
BANDIT = {
    "metrics": {},
    "results": [{"test_id": "B608", "issue_text": "SQL by hand", "filename": "a.py", "line_number": 3}],
}
SEMGREP = {
    "results": [{"check_id": "sqli", "path": "src/a.py", "start": {"line": 3}}, {"check_id": "xss", "path": "b.js"}]
}


def gate(folder, *arguments):
    command = [sys.executable, "-m", "gate", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def policy(folder, table):
    (folder / "facts.csv").write_text(table)
    (folder / "gate.yml").write_text(POLICY)
    return gate(folder, "validate", "--datasets", "--policy", "gate.yml")


def test_validate_datasets__without_a_policy_the_starter_sets_as_the_page_has_them(tmp_path):
    done = gate(tmp_path, "validate", "--datasets")
    assert done.returncode == 0, done.stderr + done.stdout
    cells = [line.split() for line in done.stdout.splitlines()]
    rows = {row[0]: [row[1], *row[3:7]] for row in cells if row and row[0] in FAMILIES}
    assert list(rows) == list(FAMILIES)
    page = (ROOT / "docs/datasets.md").read_text(encoding="utf-8")
    for kind, row in rows.items():
        assert row[1] == "100.0"
        assert f"| {' | '.join([kind, *row])} |" in page, "run: make datasets"


def test_validate_datasets__ones_own_csv(tmp_path):
    done = policy(tmp_path, 'id,input.prompt,target\na,"What, then?",yes\nb,Another one,no\n')
    assert done.returncode == 0, done.stderr
    assert ["facts", "2", "2", "100.0", "0.0", "0.0", "0.0", "–", "–"] in [
        line.split() for line in done.stdout.splitlines()
    ]


def test_validate_datasets__a_reference_that_does_not_pass_is_located_after_the_table(tmp_path):
    # As a pattern, "a+b" does not match the text "a+b".
    done = policy(tmp_path, "id,input.prompt,target\na,First,yes\nb,Second,a+b\n")
    assert done.returncode == 2
    assert "50.0" in done.stdout
    assert "facts.csv:3:1: sample b: its reference answer scores 0.000, not 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_validate_datasets__a_bad_file_is_said_before_any_table(tmp_path):
    done = policy(tmp_path, "id,input.prompt,target\na,First\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "facts.csv:2:1: has 2 cells where the header has 3" in done.stderr


def test_validate_datasets__a_policy_that_is_named_must_be_there(tmp_path):
    done = gate(tmp_path, "validate", "--datasets", "--policy", "gate.yml")
    assert done.returncode == 2
    assert "gate.yml: does not exist" in done.stderr


def test_convert__help_and_page_name_every_form():
    page = (ROOT / "docs/datasets.md").read_text(encoding="utf-8")
    assert set(cli._FORMS) == set(CONVERTERS)
    assert all(f"--from {form}" in page for form in CONVERTERS)


@pytest.fixture
def reports(tmp_path):
    (tmp_path / "bandit.json").write_text(json.dumps(BANDIT))
    (tmp_path / "semgrep.json").write_text(json.dumps(SEMGREP))
    groups = [["bandit-1", "semgrep-1"], ["semgrep-2"]]
    (tmp_path / "answers.jsonl").write_text(json.dumps({"id": "s1", "groups": groups, "slices": {"kind": "sast"}}))
    return tmp_path


def test_datasets__from_reports_and_answers_to_a_set_that_validates(reports):
    told = gate(reports, "datasets", "findings", "bandit.json", "semgrep.json")
    assert [json.loads(line)["id"] for line in told.stdout.splitlines()] == ["bandit-1", "semgrep-1", "semgrep-2"]
    files = ["bandit.json", "semgrep.json", "--answers", "answers.jsonl", "--out", "evals/mine.jsonl"]
    made = gate(reports, "datasets", "convert", "--from", "reports", *files)
    assert (made.returncode, made.stderr) == (0, "wrote 1 sample to evals/mine.jsonl\n")
    (reports / "gate.yml").write_text(
        POLICY.split("families:", maxsplit=1)[0]
        + "families:\n  finding-correlation: {dataset: evals/mine.jsonl, severity: advisory, margin: 0.1}\n"
    )
    checked = gate(reports, "validate", "--datasets", "--policy", "gate.yml")
    assert checked.returncode == 0, checked.stderr
    assert "finding-correlation          1           1        100.0" in checked.stdout


def test_datasets__from_the_owasp_benchmark_to_a_set_that_validates(tmp_path):
    (tmp_path / "expected.csv").write_text(
        "# test name, category, real vulnerability, cwe\nT1,sqli,true,89\nT2,xss,false,79\n"
    )
    for name in ("T1", "T2"):
        (tmp_path / f"{name}.java").write_text(f"/* a licence */\npackage a;\n\nclass {name} {{}}\n")
    arguments = ["T1.java", "T2.java", "--answers", "expected.csv", "--out", "evals/mine.jsonl"]
    made = gate(tmp_path, "datasets", "convert", "--from", "owasp-benchmark", *arguments)
    assert (made.returncode, made.stderr) == (0, "wrote 2 samples to evals/mine.jsonl\n")
    policy = "families:\n  exploit-hypothesis: {dataset: evals/mine.jsonl, severity: advisory, margin: 0.1}\n"
    (tmp_path / "gate.yml").write_text(POLICY.split("families:", maxsplit=1)[0] + policy)
    checked = gate(tmp_path, "validate", "--datasets", "--policy", "gate.yml")
    assert checked.returncode == 0, checked.stderr
    assert "exploit-hypothesis          2           2        100.0" in checked.stdout


def test_convert__osv_records_and_what_is_left_out(tmp_path):
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.3"}]}]
    record = {
        "id": "CVE-2031-0001",
        "details": "amberpage before 1.2.3 lets anybody in.",
        "affected": [{"package": {"name": "amberpage", "ecosystem": "PyPI"}, "ranges": ranges}],
    }
    (tmp_path / "one.json").write_text(json.dumps(record))
    more = [{**record, "id": "CVE-2031-0002"}, {**record, "id": "CVE-2031-0003", "withdrawn": "2031-01-01T00:00:00Z"}]
    (tmp_path / "more.jsonl").write_text("\n".join(map(json.dumps, more)))
    done = gate(tmp_path, "datasets", "convert", "--from", "osv", "one.json", "more.jsonl")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["CVE-2031-0001", "CVE-2031-0002"]
    assert done.stderr == "left out: record 3: is withdrawn\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["findings", "absent.json"], "absent.json: does not exist"),
        (["findings", "answers.jsonl", "bandit.json"], "answers.jsonl: is no report of a form that is known here"),
        (["convert", "--from", "reports", "bandit.json"], "--answers: is required"),
        (["convert", "--from", "osv", "bandit.json", "--answers", "answers.jsonl"], "--answers: has no use"),
        (["convert", "--from", "osv", "bandit.json"], "record 1: is no OSV record\ndriftgate: no sample could be made"),
        (["convert", "--from", "owasp-benchmark", "bandit.json"], "--answers: is required"),
        (
            ["convert", "--from", "reports", "bandit.json", "--answers", "answers.jsonl"],
            "answers.jsonl:1:1: names 'semgrep-1', which no report holds",
        ),
    ],
)
def test_datasets__says_what_is_wrong(reports, arguments, says):
    done = gate(reports, "datasets", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
