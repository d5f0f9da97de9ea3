"""`driftgate compare` on the logs of other harnesses: the page's command, and verdict, comment and waivers as ever."""

import io
import json
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gate.cli import _parser
from gate.errors import Problems
from gate.importers.results import FORMATS
from gate.policy import parse_policy
from gate.tools import Tools

PAGE = (Path(__file__).parents[2] / "docs/harnesses.md").read_text()
POLICY, *_ = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMAND, *_ = re.findall(r"^\$ (driftgate compare .*)$", PAGE, re.MULTILINE)
ONE = "version: 1\nfamilies:\n  popularity: {severity: blocking, margin: 0.05}\n"
WAIVER = """\
version: 1
waivers:
  - {{family: popularity, loss: 0.9, given: 2026-11-20, until: 2026-12-10, approver: alice, policy: "{}", because: it must}}
"""
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GOOD, BAD = [1.0] * 200, [0.0] * 40 + [1.0] * 160


def inspect_eval(scores, status="success"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps({"status": status, "eval": {"task": "popularity"}}))
        for i, value in enumerate(scores):
            row = {"id": i, "epoch": 1, "input": f"q{i}", "target": "a", "scores": {"match": {"value": value}}}
            archive.writestr(f"samples/{i}_epoch_1.json", json.dumps(row))
    return buffer.getvalue()


def lines(rows):
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def openai_evals(scores):
    spec = {"spec": {"eval_name": "popularity.test.v1", "base_eval": "popularity"}}
    events = [
        {"sample_id": f"s{i}", "type": "match", "data": {"correct": value == 1, "expected": "a"}}
        for i, value in enumerate(scores)
    ]
    return lines([spec, {"final_report": {}}, *events])


def nemo(scores):
    said = {"benchmark": "popularity"}
    return lines({"problem_idx": i, "reward": value, "metadata": said} for i, value in enumerate(scores))


def deepeval(scores):
    cases = [
        {"name": f"c{i}", "input": f"q{i}", "metricsData": [{"name": "M", "score": value}]}
        for i, value in enumerate(scores)
    ]
    return json.dumps({"identifier": "popularity", "testCases": cases}).encode()


def promptfoo(scores):
    test = {"metadata": {"family": "popularity"}}
    results = [
        {"testIdx": i, "promptIdx": 0, "score": value, "vars": {"q": i}, "testCase": test}
        for i, value in enumerate(scores)
    ]
    return json.dumps({"results": {"results": results}}).encode()


def junit(scores):
    cases = [f'<testcase name="c{i}">{"" if value else "<failure/>"}</testcase>' for i, value in enumerate(scores)]
    return f'<testsuite name="popularity">{"".join(cases)}</testsuite>'.encode()


def table(scores):
    rows = [f"popularity,s{i},{value},q{i}" for i, value in enumerate(scores)]
    return "\n".join(["family,sample_id,score,input", *rows]).encode()


HARNESSES = [inspect_eval, openai_evals, nemo, deepeval, promptfoo, junit, table]


@pytest.fixture
def compared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(before, after, *more, policy=ONE):
        for name, content in (("policy.yml", policy.encode()), ("before.eval", before), ("after.eval", after)):
            (tmp_path / name).write_bytes(content)
        out = io.StringIO()
        arguments = _parser().parse_args([*COMMAND.split()[1:], *more])
        code = arguments.command(arguments, Tools(environ={}, out=out, err=out, now=lambda: NOW))
        return code, json.loads((tmp_path / "out/report.json").read_text())

    return run


@pytest.mark.parametrize("harness", HARNESSES)
def test_compare__a_loss_in_another_harness_blocks_as_in_ours(compared, harness, tmp_path):
    code, report = compared(harness(GOOD), harness(BAD))
    assert (code, report["verdict"], report["comparisons"][0]["n_pairs"]) == (1, "blocked", 200)
    assert report["comparisons"][0]["delta"] == pytest.approx(-0.2)
    assert (tmp_path / "out/comment.md").read_text().startswith("### 🔴 Blocked: popularity lost 20.0 points")


@pytest.mark.parametrize("harness", HARNESSES)
def test_compare__the_same_results_of_another_harness_pass(compared, harness):
    assert compared(harness(GOOD), harness(GOOD))[0] == 0


def test_compare__a_waiver_releases_a_loss_of_another_harness(compared, tmp_path):
    policy = ONE + "waivers: {max_days: 30}\n"
    _, report = compared(inspect_eval(GOOD), inspect_eval(BAD), policy=policy)
    (tmp_path / "w.yml").write_text(WAIVER.format(report["provenance"]["policy_digest"]))
    code, report = compared(inspect_eval(GOOD), inspect_eval(BAD), "--waivers", "w.yml", policy=policy)
    assert (code, report["verdict"]) == (0, "waived"), report["notices"]


def test_compare__unscored_samples_of_a_cancelled_run_are_inconclusive_and_said(compared):
    code, report = compared(inspect_eval(GOOD), inspect_eval([None] * 40 + GOOD[40:], "cancelled"))
    assert (code, report["verdict"]) == (3, "inconclusive")
    assert "candidate: the Inspect run of popularity has the status 'cancelled'" in report["notices"]


def test_compare__differing_inputs_under_one_id_refuse_to_pair(compared):
    with pytest.raises(Problems) as caught:
        compared(table(GOOD), table(GOOD).replace(b",q7\n", b",other\n"))
    assert str(caught.value).startswith("after.eval: popularity s7: asks or expects something else")


STEP, BETWEEN = [0.0] * 24 + [1.0] * 176, [0.0] * 20 + [1.0] * 180
"""12 points below GOOD, and 2 below BETWEEN: this step is within the margin of 5."""


@pytest.mark.parametrize("harness", [inspect_eval, promptfoo, table])
def test_anchor__of_another_harness_names_the_drift_that_no_step_showed(compared, harness, tmp_path):
    (tmp_path / "anchor.log").write_bytes(harness(GOOD))
    _, report = compared(harness(BETWEEN), harness(STEP), policy=f"{ONE}anchor: anchor.log\n")
    assert [one["kind"] for one in report["patterns"]] == ["cumulative-drift"]
    assert "popularity lost 12.0 points since the anchor (200 samples)" in report["patterns"][0]["text"]


def test_anchor__that_asked_something_else_is_refused(compared, tmp_path):
    (tmp_path / "anchor.log").write_bytes(table(GOOD).replace(b",q7\n", b",other\n"))
    with pytest.raises(Problems) as caught:
        compared(table(GOOD), table(GOOD), policy=f"{ONE}anchor: anchor.log\n")
    assert str(caught.value).startswith("anchor.log: popularity s7: asks or expects something else than the sample")


def test_anchor__that_knows_none_of_the_families_is_refused(compared, tmp_path):
    (tmp_path / "anchor.log").write_bytes(b'{"family": "fame", "sample_id": "q0", "score": 1}\n')
    with pytest.raises(Problems, match=r": anchor: names anchor\.log, which holds results of none of the families"):
        compared(table(GOOD), table(GOOD), policy=f"{ONE}anchor: anchor.log\n")


def test_anchor__that_is_no_log_is_one_line(compared, tmp_path):
    (tmp_path / "anchor.log").write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(Problems, match=r"^anchor\.log:1:1: is a zip that cannot be read|^anchor\.log: is a zip"):
        compared(table(GOOD), table(GOOD), policy=f"{ONE}anchor: anchor.log\n")


@pytest.fixture
def selftested(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*runs):
        files = [f"run-{number}.log" for number in range(len(runs))]
        for name, content in zip(files, runs, strict=True):
            (tmp_path / name).write_bytes(content)
        (tmp_path / "policy.yml").write_text(ONE)
        out = io.StringIO()
        line = ["selftest", "--policy", "policy.yml", "--simulations", "5", "--out", "out", "--runs", *files]
        arguments = _parser().parse_args(line)
        code = arguments.command(arguments, Tools(environ={}, out=out, err=out, now=lambda: NOW))
        return code, (tmp_path / "out/selftest.json").read_text()

    return run


@pytest.mark.parametrize("harness", [inspect_eval, junit])
def test_selftest__runs_of_another_harness_tell_as_much_as_ours(selftested, harness):
    own = [
        lines({"family": "popularity", "sample_id": f"s{i:03}", "score": value} for i, value in enumerate(scores))
        for scores in (GOOD, BETWEEN)
    ]
    assert selftested(harness(GOOD), harness(BETWEEN)) == selftested(*own)


def test_selftest__runs_that_asked_something_else_are_refused(selftested):
    with pytest.raises(Problems) as caught:
        selftested(table(GOOD), table(GOOD).replace(b",q7\n", b",other\n"))
    assert "run-1.log: popularity s7: asks or expects something else" in str(caught.value)
    assert "of the first run" in str(caught.value)


def test_compare__the_pages_policy_takes_the_named_metric(compared):
    def samples(scores):
        return lines(
            {
                "doc_id": i,
                "doc": {},
                "filtered_resps": [],
                "metrics": ["exact_match"],
                "filter": way,
                "exact_match": one,
            }
            for i, value in enumerate(scores)
            for way, one in (("strict-match", value), ("flexible-extract", 1.0))
        )

    text = POLICY.replace("gsm8k/", "lm-eval/").replace("  popularity: {severity: blocking, margin: 0.05}\n", "")
    code, report = compared(samples(GOOD), samples(BAD), policy=text)
    assert (code, [one["family"] for one in report["comparisons"]]) == (1, ["arithmetic"])


def test_policy__one_result_goes_to_one_family():
    text = POLICY.replace("gsm8k/exact_match,strict-match", "popularity")
    with pytest.raises(Problems, match="results has 'popularity' twice"):
        parse_policy(text, file="policy.yml")


def test_page__names_every_form():
    assert parse_policy(POLICY, file="policy.yml")
    assert all(f"| {name.removesuffix(' CSV')} |" in PAGE for name in FORMATS)
