"""The runner's protocol, as far as no process is needed for it."""

import os

import pytest

from gate.actions import give_to_owner, read_inputs
from gate.errors import UsageError


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_give_to_owner__the_folders_made_on_the_way_too_and_nothing_above_the_workspace(tmp_path):
    workspace = tmp_path / "work"
    made = workspace / "a/b/report"
    made.mkdir(parents=True)
    (made / "report.json").write_text("{}")
    (workspace / "a/other").write_text("of someone else")
    os.chown(workspace, 1001, 127)
    give_to_owner(made, workspace)
    owners = {str(path.relative_to(tmp_path)): path.stat().st_uid for path in [tmp_path, *tmp_path.rglob("*")]}
    assert owners == {
        ".": 0, "work": 1001, "work/a": 1001, "work/a/b": 1001, "work/a/b/report": 1001,
        "work/a/b/report/report.json": 1001, "work/a/other": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"INPUT_LEDGER": "../x"}, "input ledger: "),
        ({"INPUT_LEDGER-BRANCH": "a b"}, "input ledger-branch: must be a branch"),
        ({"INPUT_LEDGER": "l", "INPUT_LEDGER-TAG": "a\tb"}, "input ledger-tag: must be"),
        ({"INPUT_LEDGER": "l", "INPUT_LEDGER-TAG": "v\udcff"}, "input ledger-tag: must be"),
    ],
)
def test_read_inputs__of_a_ledger_that_cannot_be_used_are_said(given, says):
    with pytest.raises(UsageError, match=says):
        read_inputs({"INPUT_GITHUB-TOKEN": "t"} | given)


def test_read_inputs__a_branch_alone_keeps_the_ledger_under_its_usual_name():
    token = {"INPUT_GITHUB-TOKEN": "t"}
    assert read_inputs(token).ledger == ""
    assert read_inputs(token | {"INPUT_LEDGER-BRANCH": "b"}).ledger == "ledger.jsonl"
    assert read_inputs(token | {"INPUT_LEDGER-BRANCH": "b", "INPUT_LEDGER": "2026.jsonl"}).ledger == "2026.jsonl"
