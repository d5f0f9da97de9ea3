"""The action keeps its decision in a ledger; a decision that could not be kept does not pass."""

import hashlib
import json
import re

from gate.ledger import check, read
from tests.integration.test_entrypoint import CONFIG, act  # noqa: F401 - a fixture
from tests.integration.test_events import world  # noqa: F401 - a fixture

FINE = {"models/a.yml": CONFIG.format("fine")}
BRANCH = {"INPUT_LEDGER-BRANCH": "driftgate"}


def kept(github):
    return check(github.branches.files("driftgate")["ledger.jsonl"].encode(), file="l")


def test_branch__decisions_of_each_run_follow_each_other(world, tmp_path):  # noqa: F811
    done, github = world("pull_request", "opened", **BRANCH)
    assert done.returncode == 1, done.stderr
    (one,) = kept(github).entries
    assert (one.verdict, one.head_sha, one.tag) == ("blocked", github.head_sha, None)
    assert one.run_url == "https://github.example/o/r/actions/runs/42"
    head = kept(github).head
    assert f"ledger head {head}\n" in done.stdout
    assert f"\n{head}\n" in world.output()
    out = tmp_path / "work/driftgate-report"
    (subject, *_) = json.loads((out / "statement.json").read_text())["subject"]
    assert subject["digest"]["sha256"] == hashlib.sha256((out / "report.json").read_bytes()).hexdigest()

    earlier = github.branches.files("driftgate")

    def prepare(second):
        second.branches.put("driftgate", earlier)

    done, github = world("push", head=FINE, prepare=prepare, **BRANCH, **{"INPUT_LEDGER-TAG": "v1.4"})
    assert done.returncode == 0, done.stderr
    assert [(one.verdict, one.tag) for one in kept(github).entries] == [("blocked", None), ("pass", "v1.4")]


def test_branch__a_forks_run_writes_nothing_and_says_so(world):  # noqa: F811
    def prepare(github):
        github.home = "mallory/r"

    done, github = world("pull_request_target", "opened", head=FINE, prepare=prepare, **BRANCH)
    assert done.returncode == 0, done.stderr
    assert "driftgate" not in github.branches.tips
    assert "the decision is not kept in the ledger" in github.comments[0]["body"]
    assert not [path for method, path in github.requests if method != "GET" and "/git/" in path]


def test_branch__a_maintainer_who_judges_a_fork_by_hand_has_it_kept(world):  # noqa: F811
    def prepare(github):
        github.home = "mallory/r"

    done, github = world("workflow_dispatch", head=FINE, prepare=prepare, **BRANCH, **{"INPUT_PR-NUMBER": "7"})
    assert done.returncode == 0, done.stderr
    assert len(kept(github).entries) == 1


def test_branch__one_that_is_not_sound_fails_the_check_everywhere(world):  # noqa: F811
    def prepare(github):
        github.branches.put("driftgate", {"ledger.jsonl": "{}\n"})

    done, github = world("pull_request", "opened", head=FINE, prepare=prepare, **BRANCH, **{"INPUT_CHECK-RUN": "true"})
    assert done.returncode == 3, done.stderr
    why = "the decision could not be kept in the ledger: driftgate:ledger.jsonl:1:1: is no decision"
    assert why in world.report()["reasons"][0]
    assert len(world.report()["comparisons"]) > 0
    assert "could not be kept in the ledger" in github.comments[0]["body"]
    assert github.checks[0]["conclusion"] == "failure"
    assert "\nerror\n" in world.output()
    assert github.branches.files("driftgate") == {"ledger.jsonl": "{}\n"}


def test_branch__a_token_without_contents_write_is_said(world):  # noqa: F811
    def prepare(github):
        github.branches.refused = [403]

    done, _ = world("merge_group", "checks_requested", head=FINE, prepare=prepare, **BRANCH)
    assert done.returncode == 3
    assert "the ledger needs contents: write" in world.report()["reasons"][0]


def test_neutral__is_no_decision(world):  # noqa: F811
    done, github = world("pull_request", "opened", head={"README.md": "changed"}, **BRANCH)
    assert (done.returncode, github.branches.tips) == (0, {}), done.stderr


def test_file__is_kept_in_the_workspace(world, tmp_path):  # noqa: F811
    done, github = world("push", head=FINE, INPUT_LEDGER="kept.jsonl")
    assert done.returncode == 0, done.stderr
    found = read(tmp_path / "work/kept.jsonl")
    assert [one.head_sha for one in found.entries] == [github.head_sha]
    assert re.search(rf"ledger-head<<.*\n{found.head}\n", world.output())
