"""The ledger on a branch: nobody's line is lost, none is kept twice, and nothing is added to what is not sound."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from gate import ledger_branch
from gate.errors import FileProblem, Forbidden, GitHubError, Problems
from gate.github import GitHub
from gate.ledger import Ledger, check, hash_of, next_line
from gate.ledger_branch import LedgerBranch
from tests.fakes.github import FakeGitHub, Symlink
from tests.fakes.openapi import request_problems
from tests.fakes.reports import REPORTS

ROOT = Path(__file__).parents[2]
BRANCH, PATH = "driftgate/ledger", "kept/ledger.jsonl"


@pytest.fixture
def fake():
    with FakeGitHub({"a": "1"}, {"a": "2"}) as github:
        yield github


def ledger(fake, waits=None, chance=0.5, say=str):
    sleep = (waits if waits is not None else []).append
    github = GitHub(
        session=requests.Session(), api=fake.url, repository="o/r", token="t", sleep=sleep, now=lambda: 1000.0
    )
    return LedgerBranch(github=github, branch=BRANCH, path=PATH, chance=lambda: chance, say=say)


def kept(fake):
    return check(fake.branches.files(BRANCH)[PATH].encode(), file="l")


def put(fake, names, previous=()):
    """A branch that holds a chain already."""
    lines = []
    for name in names:
        state = Ledger(entries=(), hashes=(*previous, *map(hash_of, lines)))
        lines.append(next_line(state, REPORTS[name], tag=None))
    fake.branches.put(BRANCH, {PATH: "".join(f"{line.decode()}\n" for line in lines)})


def tags(fake):
    return [one.tag for one in kept(fake).entries]


def test_append__makes_a_branch_without_history_and_goes_on_from_there(fake):
    number, head = ledger(fake).append(REPORTS["pass"], tag="v1")
    assert (number, fake.branches.history[BRANCH][0].keys()) == (1, {PATH})
    assert fake.branches.commits[fake.branches.tips[BRANCH]][1] in ((), [])
    assert ledger(fake).append(REPORTS["blocked"], tag="v2") == (2, kept(fake).head)
    assert kept(fake).hashes[0] == head
    assert tags(fake) == ["v1", "v2"]


def test_append__leaves_the_other_files_of_a_branch_alone(fake):
    fake.branches.put(BRANCH, {"README.md": "hello"})
    ledger(fake).append(REPORTS["pass"], tag="v1")
    ledger(fake).append(REPORTS["pass"], tag="v2")
    assert fake.branches.files(BRANCH)["README.md"] == "hello"
    assert tags(fake) == ["v1", "v2"]


@pytest.mark.parametrize("there", [True, False])
def test_append__where_another_run_was_faster_its_line_is_kept_too(fake, there):
    if there:
        put(fake, ["neutral"])
    fake.branches.before.append(lambda: ledger(fake).append(REPORTS["pass"], tag="fast"))
    waits = []
    assert ledger(fake, waits).append(REPORTS["blocked"], tag="slow") == (2 + there, kept(fake).head)
    assert tags(fake) == [None, "fast", "slow"][not there :]
    assert waits == [0.75]


def test_append__many_at_once_lose_nothing(fake):
    chances = iter(number / 12 for number in range(100))
    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(ledger(fake, chance=next(chances)).append, REPORTS["pass"], tag=f"v{n}") for n in range(6)]
        numbers = {run.result()[0] for run in runs}
    assert numbers == set(range(1, 7))
    assert sorted(tags(fake)) == [f"v{n}" for n in range(6)]


@pytest.mark.parametrize("there", [True, False])
def test_append__a_lost_answer_is_not_written_again(fake, there):
    if there:
        put(fake, ["neutral"])
    fake.branches.refused = [0]
    number, head = ledger(fake).append(REPORTS["pass"], tag="v1")
    assert (number, head) == (1 + there, kept(fake).head)
    assert tags(fake) == [None, "v1"][not there :]


def test_append__adds_nothing_to_a_fork_of_the_chain(fake):
    put(fake, ["pass", "blocked"])
    first = fake.branches.files(BRANCH)[PATH].splitlines()[0]
    fork = next_line(Ledger(entries=(), hashes=(hash_of(first.encode()),)), REPORTS["waived"], tag=None)
    forked = {PATH: fake.branches.files(BRANCH)[PATH] + fork.decode() + "\n"}
    fake.branches.put(BRANCH, forked)
    with pytest.raises(Problems, match=f"{BRANCH}:{PATH}:3:1: goes on from an earlier line .* a fork"):
        ledger(fake).append(REPORTS["pass"], tag=None)
    assert fake.branches.files(BRANCH) == forked


def test_append__a_file_past_the_limits_of_the_contents_api_is_read_as_a_blob(fake):
    put(fake, ["pass-with-many-slices"] * 170)
    assert len(fake.branches.files(BRANCH)[PATH]) > 1_000_000
    assert ledger(fake).append(REPORTS["pass"], tag="v1")[0] == 171
    assert [path for method, path in fake.requests if method == "GET" and "/contents/" in path] == []
    assert tags(fake)[-2:] == [None, "v1"]


@pytest.mark.parametrize("room", [0, 100])
def test_append__a_file_too_large_is_said_with_what_to_do(fake, monkeypatch, room):
    put(fake, ["pass"])
    monkeypatch.setattr(ledger_branch, "LARGEST", len(fake.branches.files(BRANCH)[PATH]) - 1 + room)
    with pytest.raises(FileProblem, match=r"larger than .*; name another file"):
        ledger(fake).append(REPORTS["pass"], tag=None)
    assert len(fake.branches.history[BRANCH]) == 1


@pytest.mark.parametrize(("full", "warned"), [(0.7, False), (0.8, True)])
def test_append__a_file_that_is_nearly_full_is_said_before_it_is(fake, monkeypatch, full, warned):
    put(fake, ["pass"] * 5)
    monkeypatch.setattr(ledger_branch, "LARGEST", len(fake.branches.files(BRANCH)[PATH]) / full)
    said = []
    ledger(fake, say=said.append).append(REPORTS["pass"], tag=None)
    assert ["name another file soon" in one for one in said] == [True] * warned


def test_append__follows_no_link(fake):
    fake.branches.put(BRANCH, {PATH: Symlink("elsewhere")})
    with pytest.raises(FileProblem, match="symbolic link"):
        ledger(fake).append(REPORTS["pass"], tag=None)


@pytest.mark.parametrize("answer", [b"<html>", [], {"object": None}])
def test_append__an_answer_of_another_shape_is_an_error_and_no_crash(fake, monkeypatch, answer):
    monkeypatch.setattr(fake.branches, "answer", lambda *_: (200, answer))
    with pytest.raises(GitHubError, match="GitHub's answer to GET /git/ref"):
        ledger(fake).append(REPORTS["pass"], tag=None)
    fake.problems.clear()


@pytest.mark.parametrize("answer", [b"<html>", [], {"sha": 3}])
def test_append__after_a_strange_answer_to_a_write_the_line_is_looked_for(fake, monkeypatch, answer):
    right, strange = fake.branches.answer, [answer]

    def answered(method, path, body):
        return (201, strange.pop()) if path == "/git/trees" and strange else right(method, path, body)

    monkeypatch.setattr(fake.branches, "answer", answered)
    assert ledger(fake).append(REPORTS["pass"], tag="v1")[0] == 1
    assert tags(fake) == ["v1"]
    fake.problems.clear()


def test_append__a_token_that_may_not_write_is_told_what_it_needs(fake):
    fake.branches.refused = [403]
    with pytest.raises(Forbidden, match="the ledger needs contents: write"):
        ledger(fake).append(REPORTS["pass"], tag=None)


def test_append__a_redirect_has_written_nothing(fake):
    put(fake, ["pass"])
    fake.branches.refused = [307] * 20
    with pytest.raises(GitHubError, match=r"could not be written in 8 tries \(GitHub answered HTTP 307"):
        ledger(fake).append(REPORTS["pass"], tag=None)
    assert len(fake.branches.history[BRANCH]) == 1
    fake.problems.clear()  # GitHub's description knows of no redirect here


def test_append__a_branch_that_takes_nothing_is_given_up_after_a_while(fake):
    put(fake, ["pass"])
    fake.branches.refused, waits = [409] * 20, []
    with pytest.raises(
        GitHubError, match=r"could not be written in 8 tries \(GitHub answered HTTP 409 .*a rule that guards"
    ):
        ledger(fake, waits, chance=1).append(REPORTS["pass"], tag=None)
    assert waits == [1, 2, 4, 8, 8, 8, 8]
    assert len(fake.branches.history[BRANCH]) == 1


def test_ruleset__is_one_that_github_takes_and_guards_the_branch_of_the_page():
    rules = json.loads((ROOT / "examples/ledger-ruleset.json").read_text())
    assert request_problems("POST", "/repos/o/r/rulesets", rules) == []
    (branch,) = rules["conditions"]["ref_name"]["include"]
    assert f"ledger-branch: {branch.removeprefix('refs/heads/')}" in (ROOT / "docs/ledger.md").read_text()
    assert {one["type"] for one in rules["rules"]} == {"deletion", "non_fast_forward"}
