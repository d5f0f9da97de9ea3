"""`driftgate compare` as its user runs it: a process, two files, a folder."""

import json
import os
import subprocess
import sys

import pytest

POLICY = """\
version: 1
risk: {alpha: 0.05, power: 0.8}
families:
  summary: {severity: blocking, margin: 0.05, slices: {cwe: {severity: blocking, margin: 0.15}}}
  other: {severity: advisory, margin: 0.05}
"""


def rows(family, scores, **more):
    return [
        {"family": family, "sample_id": f"s{i}", "score": value, "slices": {"cwe": f"CWE-{i % 2}"}} | more
        for i, value in enumerate(scores)
    ]


@pytest.fixture
def compare(tmp_path):
    def run(baseline, candidate, policy=POLICY):
        (tmp_path / "p.yml").write_text(policy)
        for name, lines in (("b", baseline), ("c", candidate)):
            text = "".join(json.dumps(line) + "\n" if isinstance(line, dict) else line for line in lines)
            (tmp_path / f"{name}.jsonl").write_text(text)
        command = [sys.executable, "-m", "gate", "compare", "--policy", "p.yml", "--baseline", "b.jsonl"]
        command += ["--candidate", "c.jsonl", "--out", "out"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        report = tmp_path / "out" / "report.json"
        return done, json.loads(report.read_text()) if report.exists() else None

    return run


GOOD = [1] * 200
OTHER = rows("other", GOOD)


def test_compare__identical_results_pass(compare):
    done, report = compare(rows("summary", GOOD) + OTHER, rows("summary", GOOD) + OTHER)
    assert (done.returncode, report["verdict"], report["blocked"]) == (0, "pass", False)
    assert done.stdout.startswith("🟢 Pass")


def test_compare__a_real_loss_blocks_and_is_named_first(compare, tmp_path):
    done, report = compare(rows("summary", GOOD) + OTHER, rows("summary", [0] * 30 + [1] * 170) + OTHER)
    assert (done.returncode, report["verdict"], report["blocked"]) == (1, "blocked", True)
    first = report["comparisons"][0]
    assert (first["delta"], first["outcome"], first["n_pairs"]) == (-0.15, "regressed", 200)
    assert first["n_dropped"] == {"baseline": 0, "candidate": 0}
    assert (tmp_path / "out/comment.md").read_text().startswith("### 🔴 Blocked: summary lost 15.0 points")
    assert "Content-Security-Policy" in (tmp_path / "out/report.html").read_text()


def test_compare__an_advisory_loss_does_not_block(compare):
    done, report = compare(rows("summary", GOOD) + OTHER, rows("summary", GOOD) + rows("other", [0] * 60 + [1] * 140))
    assert (done.returncode, report["comparisons"][-1]["outcome"]) == (0, "regressed")


def test_compare__an_outage_is_not_a_regression_and_not_a_pass(compare):
    candidate = rows("summary", GOOD)
    for line in candidate[:30]:
        line |= {"score": None, "error": "timeout"}
    done, report = compare(rows("summary", GOOD) + OTHER, candidate + OTHER)
    assert (done.returncode, report["verdict"]) == (3, "inconclusive")
    (outage, *_) = report["comparisons"]
    assert outage["n_dropped"] == {"baseline": 0, "candidate": 30}
    assert outage["bounds"] == [pytest.approx(-sum(GOOD[:30]) / 200), pytest.approx((30 - sum(GOOD[:30])) / 200)]


def test_compare__clearly_more_missing_on_one_arm_is_inconclusive_also_below_max_missing(compare):
    candidate = rows("summary", [1] * 1000)
    for line in candidate[:15]:
        line |= {"score": None, "error": "timeout"}
    done, report = compare(rows("summary", [1] * 1000) + OTHER, candidate + OTHER)
    assert (done.returncode, report["comparisons"][0]["outcome"]) == (3, "inconclusive")
    assert "clearly more on one arm" in report["comparisons"][0]["reason"]


def test_compare__nothing_scored_is_an_error(compare):
    done, report = compare(rows("summary", GOOD) + OTHER, rows("summary", [None] * 200) + OTHER)
    assert (done.returncode, report["verdict"]) == (3, "error")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{not json}\n", "c.jsonl:1:2: is not valid JSON"),
        ('{"family": "summary", "sample_id": "", "score": 1}\n', "has no sample_id"),
        ('{"family": "summary", "sample_id": "a", "score": 2}\n', "score outside 0 to 1"),
        ('{"family": "summary", "sample_id": "a", "score": NaN}\n', "NaN"),
        ('{"family": "summary", "sample_id": "a", "score": 1, "reason": 1}\n', "has a reason that is no text"),
        ('{"family": "summary", "sample_id": "a", "score": 1}\n' * 2, "same family, sample and repeat as line 1"),
        ('{"family": "unheard", "sample_id": "a", "score": 1}\n', "no rule for unheard"),
        ("", "holds no results"),
    ],
)
def test_compare__bad_results_are_one_clear_line(compare, line, says):
    done, report = compare(rows("summary", GOOD), [line])
    assert (done.returncode, report) == (2, None)
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_compare__same_input_gives_the_same_report_but_for_times(compare):
    arms = rows("summary", [0.5, 0.7] * 100) + OTHER, rows("summary", [0.6, 0.55] * 100) + OTHER
    reports = [compare(*arms)[1] for _ in range(2)]
    for report in reports:
        for name in ("started", "finished", "seconds"):
            report["provenance"].pop(name)
    assert reports[0] == reports[1]


def test_compare__hostile_names_stay_text(compare, tmp_path):
    name = "x`|<script>@all[a](http://e)"
    evil = [line | {"slices": {"cwe": name}} for line in rows("summary", GOOD)]
    worse = [line | {"score": 0} if i < 60 else line for i, line in enumerate(evil)]
    compare(evil + OTHER, worse + OTHER)
    comment = (tmp_path / "out/comment.md").read_text()
    assert "`cwe: x'¦<script>@all[a](http://e)`" in comment
    assert "|<script>" not in (tmp_path / "out/report.html").read_text()


def test_compare__a_reader_that_has_gone_makes_no_pass_of_a_block(compare, tmp_path):
    good, bad = ([*rows("summary", [value] * 200), *rows("other", [1] * 200)] for value in (1, 0))
    done, report = compare(good, bad)
    assert (done.returncode, report["verdict"]) == (1, "blocked")
    reader, writer = os.pipe()
    os.close(reader)
    again = subprocess.run(done.args, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writer)
    assert (again.returncode, again.stderr) == (3, b"")
