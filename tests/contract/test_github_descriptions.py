"""What our tests hold GitHub's part to: its own description of its API, its own event examples and schemas."""

import pytest
import requests

from tests.fakes import events
from tests.fakes.events import payload
from tests.fakes.github import FakeGitHub
from tests.fakes.node import ABSENT, PACKAGES
from tests.fakes.openapi import answer_problems, request_problems

pytestmark = pytest.mark.skipif(not PACKAGES.exists(), reason=ABSENT)
COMMENTS = "/repos/o/r/issues/7/comments"


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", f"{COMMENTS}?per_page=100&page=2", None),
        ("POST", COMMENTS, {"body": "text"}),
        ("DELETE", "/repos/o/r/issues/comments/3", None),
        ("GET", "/repos/o/r/contents/a/b.yml?ref=main", None),
        ("GET", "/repos/o/r/rules/branches/release%2F1", None),
    ],
)
def test_request_problems__a_described_request_has_none(method, target, body):
    assert request_problems(method, target, body) == []


@pytest.mark.parametrize(
    ("method", "target", "body", "says"),
    [
        ("GET", "/repos/o/r/issue/7/comments", None, "GitHub has no such operation"),
        ("PUT", COMMENTS, {"body": "text"}, "GitHub has no such operation"),
        ("GET", f"{COMMENTS}?perpage=100", None, "query parameter perpage: is unknown"),
        ("GET", f"{COMMENTS}?page=two", None, "query parameter page: 'two' is not of type 'integer'"),
        ("GET", "/repos/o/r/issues/seven/comments", None, "path parameter issue_number: 'seven' is not"),
        ("POST", COMMENTS, None, "body: is missing"),
        ("POST", COMMENTS, {}, "body: 'body' is a required property"),
        ("POST", COMMENTS, {"body": 3}, "body.body: 3 is not"),
        ("POST", COMMENTS, {"body": "text", "key": 1}, "body: Additional properties are not allowed ('key'"),
        ("DELETE", "/repos/o/r/issues/comments/3", {"body": "text"}, "body: not asked"),
    ],
)
def test_request_problems__names_what_github_would_not_take(method, target, body, says):
    (problem,) = request_problems(method, target, body)
    assert says in problem


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (201, [], "GitHub never answers 201"),
        (200, [{"id": "one"}], "answer[0].id: 'one' is not of type 'integer'"),
        (200, [{"comment": "text"}], "('comment' was unexpected)"),
        (200, [{"user": {"name": 3}}], "answer[0].user"),
    ],
)
def test_answer_problems__names_what_github_would_not_answer(status, answer, says):
    (problem,) = answer_problems("GET", COMMENTS, status, answer)
    assert says in problem


def test_answer_problems__parts_errors_and_nothing_known_of_a_person_are_fine():
    assert answer_problems("GET", COMMENTS, 200, [{"id": 1, "user": None}]) == []
    assert answer_problems("GET", COMMENTS, 403, {"anything": 1}) == []


def test_fake__a_request_that_github_would_refuse_fails_the_test_that_made_it():
    with pytest.raises(AssertionError, match="per-page: is unknown"):
        with FakeGitHub({"a": "b"}, {"a": "c"}) as github:
            assert requests.get(f"{github.url}/repos/o/r/pulls/7/files?per-page=3", timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ("pull_request", "opened"),
        ("pull_request", "edited"),
        ("pull_request_target", "synchronize"),
        ("merge_group", "checks_requested"),
        ("push", None),
        ("workflow_dispatch", None),
        ("issue_comment", "created"),
        ("schedule", None),
    ],
)
def test_payload__is_of_our_repository(event, action):
    assert payload(event, action)["repository"]["full_name"] == "o/r"


def test_payload__parts_are_laid_over_the_example():
    found = payload("pull_request", "opened", pull_request={"number": 7, "head": {"repo": {"full_name": "m/r"}}})
    pull = found["pull_request"]
    assert (found["number"], pull["head"]["repo"]["full_name"], pull["base"]["repo"]["full_name"]) == (7, "m/r", "o/r")
    assert payload("pull_request", "opened", pull_request={"head": {"repo": None}})["pull_request"]["head"]["ref"]


def test_payload__without_the_packages_it_is_the_parts_alone(monkeypatch):
    monkeypatch.setattr(events, "packaged", lambda path: None)
    found = payload("pull_request", "opened", pull_request={"number": 7})
    assert found == {"action": "opened", "repository": {"full_name": "o/r"}, "pull_request": {"number": 7}}


@pytest.mark.parametrize("part", [{"head": None}, {"head_sha": "0" * 40}, {"number": "7"}])
def test_payload__a_part_that_github_never_sends_fails(part):
    with pytest.raises(AssertionError, match="GitHub never sends this"):
        payload("pull_request", "opened", pull_request=part)
