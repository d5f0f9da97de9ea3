"""A decision that is not in the ledger does not count."""

import json

import pytest

from gate.cli import main
from gate.errors import GitHubError, UsageError
from gate.evidence import Evaluated
from gate.ledger import read
from gate.ledger_keep import Book, checked_tag, keep, settled
from tests.fakes.reports import REPORTS

POLICY = "version: 1\nfamilies:\n  sums: {severity: blocking, margin: 0.05}\n"


@pytest.fixture
def compare(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yml").write_text(POLICY)

    def run(*more, lost=0):
        for name, wrong in (("b", 0), ("c", lost)):
            rows = ({"family": "sums", "sample_id": str(i), "score": int(i >= wrong)} for i in range(200))
            (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = ["compare", "--policy", "p.yml", "--baseline", "b", "--candidate", "c", "--out", "out"]
        code = main([*command, *more])
        return code, capsys.readouterr()

    run.report = lambda: json.loads((tmp_path / "out/report.json").read_text())
    return run


def test_compare__adds_its_decision_and_prints_the_head(compare, tmp_path):
    codes = [compare("--ledger", "l.jsonl", "--tag", tag, lost=lost)[0] for tag, lost in (("v1", 0), ("v2", 40))]
    assert codes == [0, 1]
    code, told = compare("--ledger", "l.jsonl")
    found = read(tmp_path / "l.jsonl")
    assert [(one.tag, one.verdict) for one in found.entries] == [("v1", "pass"), ("v2", "blocked"), (None, "pass")]
    assert f"l.jsonl: ledger head {found.head}\n" in told.out
    assert code == 0


def test_compare__without_a_ledger_keeps_none(compare, tmp_path):
    assert compare()[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c", "out", "p.yml"]


@pytest.mark.parametrize(("lost", "code", "verdict"), [(0, 3, "error"), (40, 1, "blocked")])
def test_compare__a_ledger_that_is_not_sound_fails_the_run_and_the_report_says_why(
    compare, tmp_path, lost, code, verdict
):
    (tmp_path / "l.jsonl").write_text("{}\n")
    found, told = compare("--ledger", "l.jsonl", lost=lost)
    report = compare.report()
    assert (found, report["verdict"]) == (code, verdict)
    assert len(report["comparisons"]) == 1
    why = [*report["reasons"], *report["notices"]]
    assert any("could not be kept in the ledger: l.jsonl:1:1: is no decision" in one for one in why), why
    assert "could not be kept in the ledger" in (tmp_path / "out/comment.md").read_text()
    assert "ledger head" not in told.out
    assert (tmp_path / "l.jsonl").read_text() == "{}\n"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--tag", "v1"), "--tag: goes with --ledger"),
        (("--ledger", "l", "--tag", ""), "--tag: must be the name of a tag"),
        (("--ledger", "l", "--tag", "a\nb"), "--tag: must be the name of a tag"),
        (("--ledger", "l", "--tag", "v\udcff"), "--tag: must be the name of a tag"),
    ],
)
def test_compare__a_tag_that_is_none_is_a_usage_error(compare, more, says):
    code, told = compare(*more)
    assert code == 2
    assert says in told.err


@pytest.mark.parametrize("command", ["run", "verdict"])
def test_run_and_verdict__add_the_decision_that_was_made(tmp_path, monkeypatch, command, capsys):
    monkeypatch.setattr("gate.app._job", lambda options, **_: None)
    monkeypatch.setattr("gate.live.evaluate", lambda *_: Evaluated(report=REPORTS["waived"]))
    monkeypatch.setattr("gate.store_tools.merge_stores", lambda *_, **__: None)
    path = tmp_path / "l"
    stores = ["--stores", "s"] if command == "verdict" else []
    files = ["--candidate", "c", "--baseline", "b", "--out", str(tmp_path / "out")]
    assert main([command, *files, *stores, "--ledger", str(path), "--tag", "v1"]) == 0
    (one,) = read(path).entries
    assert (one.verdict, one.tag) == ("waived", "v1")
    assert f"{path}: ledger head {read(path).head}" in capsys.readouterr().out


def test_run__a_shard_decides_nothing_to_keep(tmp_path, capsys):
    command = ["run", "--candidate", "c", "--baseline", "b", "--shard", "1/2", "--ledger", str(tmp_path / "l")]
    assert main(command) == 2
    assert "--ledger: does not go with --shard" in capsys.readouterr().err


def test_keep__gives_the_head_of_the_line(tmp_path):
    kept = keep(REPORTS["pass"], Book(file=tmp_path / "l", tag="v1"), str)
    assert kept.report is REPORTS["pass"]
    assert kept.head == read(tmp_path / "l").head


@pytest.mark.parametrize("name", REPORTS)
def test_settled__no_verdict_passes_without_its_line(name):
    def add():
        raise GitHubError("no\n    hint: yes")

    kept = settled(REPORTS[name], add)
    fails_anyway = REPORTS[name].verdict in ("blocked", "inconclusive", "error")
    assert kept.report.verdict == (REPORTS[name].verdict if fails_anyway else "error")
    said = kept.report.notices if fails_anyway else kept.report.reasons
    assert "the decision could not be kept in the ledger: no (hint: yes)" in said


def test_checked_tag__takes_none_that_is_none():
    with pytest.raises(UsageError, match="255"):
        checked_tag("a" * 256, "--tag")
    assert checked_tag("release/1.4", "--tag") == "release/1.4"
