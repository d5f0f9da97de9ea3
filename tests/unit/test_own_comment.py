"""Our one comment: found, written, left alone; and what GitHub's limits and refusals do to it."""

import json

import pytest
import requests

from gate.errors import GitHubError
from gate.github import CheckRun, GitHub, Note
from gate.own_comment import CommentSlot, upsert_comment
from tests.fakes.github import BOT, FakeGitHub

SLOT = {"number": 7, "key": "ci-gate"}
MARKER = "<!-- driftgate:v1:ci-gate -->"


@pytest.fixture
def fake():
    with FakeGitHub({"a": "1"}, {"a": "2"}) as github:
        yield github


def client(fake, waits=None):
    sleep = (waits if waits is not None else []).append
    return GitHub(
        session=requests.Session(), api=fake.url, repository="o/r", token="t", sleep=sleep, now=lambda: 1000.0
    )


def upsert(fake, body="new", **more):
    slot = CommentSlot(head_sha=more.pop("head", fake.head_sha), **SLOT)
    return upsert_comment(client(fake), slot, body, shorter="short", **more)


def writes(fake):
    return [(method, path.removeprefix("/repos/o/r")) for method, path in fake.requests if method != "GET"]


def test_comment__is_created_then_left_alone_while_it_says_the_same_then_updated(fake):
    assert upsert(fake).action == "created"
    assert upsert(fake).action == "unchanged"
    assert upsert(fake, "newer").action == "updated"
    assert writes(fake) == [("POST", "/issues/7/comments"), ("PATCH", "/issues/comments/1")]
    assert fake.comments[0]["body"] == f"newer\n{MARKER}"


def test_comment__duplicates_of_our_own_are_removed_and_nobody_elses(fake):
    for login in (BOT, "mallory", BOT, BOT):
        fake.say(login, f"old\n{MARKER}")
    fake.say(BOT, "another gate's\n<!-- driftgate:v1:other -->")
    assert upsert(fake).action == "updated"
    assert [(one["id"], one["user"]["login"]) for one in fake.comments] == [(1, BOT), (2, "mallory"), (5, BOT)]


def test_comment__a_newer_heads_is_not_overwritten(fake):
    old = fake.say(BOT, f"of the newer head\n{MARKER}")
    found = upsert(fake, head="0" * 40)
    assert (found.action, "its run will comment" in found.why) == ("skipped", True)
    assert old["body"].startswith("of the newer head")
    assert writes(fake) == []


def test_comment__nothing_to_say_creates_none_and_updates_one_that_is_there(fake):
    assert upsert(fake, create=False).action == "skipped"
    fake.say(BOT, f"blocked\n{MARKER}")
    assert upsert(fake, "nothing to evaluate", create=False).action == "updated"


def test_comment__a_body_that_github_refuses_is_written_once_more_and_short(fake):
    fake.longest = 60
    assert upsert(fake, "x" * 100).action == "created"
    assert fake.comments[0]["body"] == f"short\n{MARKER}"


@pytest.mark.parametrize("status", [403, 404])
def test_comment__a_refused_write_names_the_permission(fake, status):
    fake.writes = status
    found = upsert(fake)
    assert (found.action, found.why) == ("failed", "the comment needs the permission pull-requests: write")


class Answers:
    """A session that answers as it is told, in this order; the last answer again and again."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), 0

    def request(self, method, url, **options):
        self.asked += 1
        status, headers, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        response = requests.Response()
        response.status_code, response._content = status, json.dumps(body).encode()
        response.headers.update(headers)
        return response


END = {"ref": "main", "sha": "a" * 40}
GOOD = (200, {}, {"number": 7, "state": "open", "base": END, "head": END})
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


@pytest.mark.parametrize(
    ("limit", "waited"),
    [
        ((429, {"retry-after": "3"}, {}), 3),
        ((403, {"retry-after": "7"}, {}), 7),
        ((403, {"retry-after": "1440"}, {}), 60),
        ((403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1012"}, {}), 12),
        ((403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9000"}, {}), 60),
        ((403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "5"}, {}), 1),
        ((403, {}, SECONDARY), 60),
        ((429, {}, {}), 60),
        ((502, {}, {}), 1),
    ],
)
def test_limits__are_waited_out_as_github_asks_and_never_long(fake, limit, waited):
    waits, session = [], Answers(limit, GOOD)
    github = GitHub(
        session=session, api="http://x", repository="o/r", token="t", sleep=waits.append, now=lambda: 1000.0
    )
    assert github.head_sha(7) == "a" * 40
    assert waits == [waited]


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ((403, {}, {"message": "Resource not accessible"}), 1),
        ((404, {}, {}), 1),
        ((500, {}, {}), 4),
        ((429, {"retry-after": "²", "x-ratelimit-reset": "²"}, {}), 4),
    ],
)
def test_limits__a_refusal_is_not_asked_again_and_a_failure_four_times(answer, asked):
    session = Answers(answer)
    github = GitHub(session=session, api="http://x", repository="o/r", token="secret", sleep=lambda seconds: None)
    with pytest.raises(GitHubError) as raised:
        github.head_sha(7)
    assert session.asked == asked
    assert "secret" not in str(raised.value)


def test_check_run__is_what_github_takes(fake):
    note = Note(path="models/a.yml", line=3, level="error", text="lost")
    check = CheckRun(
        name="driftgate", head_sha=fake.head_sha, conclusion="failure", title="t", summary="s", notes=(note,)
    )
    client(fake).post_check(check)
    assert fake.checks[0]["output"]["annotations"][0]["annotation_level"] == "failure"
    assert (fake.checks[0]["status"], fake.checks[0]["conclusion"]) == ("completed", "failure")
