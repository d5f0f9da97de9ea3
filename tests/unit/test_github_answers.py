"""Answers of GitHub that are cut off, another page, or of another shape: one clear line, whatever was asked for."""

import json

import pytest
import requests

from gate.errors import GitHubError
from gate.files import read_text
from gate.github import GitHub, blob_sha
from gate.own_comment import CommentSlot, upsert_comment

SHA, OTHER = "a" * 40, "b" * 40
WHEN = "2026-11-25T10:00:00Z"
END = {"ref": "main", "sha": SHA, "repo": {"full_name": "o/r"}}
PULL = {"number": 7, "state": "open", "user": {"login": "dev"}, "base": END, "head": END}
COMMENT = {"id": 1, "user": None, "body": None, "html_url": "https://x/1", "created_at": WHEN, "updated_at": WHEN}
TREE = {"tree": [{"path": "a.txt", "mode": "100644", "type": "blob", "sha": blob_sha(b"hi", like=SHA), "size": 2}]}
BLOB = blob_sha(b"hi", like=SHA)

ASKED = {  # what is asked for, GitHub's answer, and one of another shape
    "renamed": (lambda g: g.renamed(7), [{"filename": "b", "previous_filename": "a"}], [{"filename": 7}]),
    "merge base": (
        lambda g: g.merge_base(SHA, OTHER),
        {"merge_base_commit": {"sha": SHA}},
        {"merge_base_commit": None},
    ),
    "resolve": (lambda g: g.resolve("main"), {"sha": SHA}, {"sha": "main"}),
    "default branch": (lambda g: g.default_branch(), {"default_branch": "main"}, {"default_branch": None}),
    "pull": (lambda g: g.pull(7), PULL, PULL | {"head": END | {"sha": "../../x"}}),
    "permission": (lambda g: g.permission("x"), {"permission": "read"}, {"permission": ["admin"]}),
    "pushes": (lambda g: g.pushes("main"), [{"after": SHA, "timestamp": WHEN}], [{"after": SHA, "timestamp": "noon"}]),
    "login": (lambda g: g.login(), {"login": "x"}, {"login": {}}),
    "comments": (lambda g: list(g.comments(7)), [COMMENT], [COMMENT | {"created_at": "2026-11-25T10:00:00"}]),
    "tree": (lambda g: g.files_at(SHA).entry("a.txt"), TREE, {"tree": [{"path": "a.txt", "mode": 100644}]}),
    "listing": (lambda g: g.files_at(SHA).listing(""), TREE, {"tree": {}}),
}


class Answering:
    """A session that answers everything alike."""

    def __init__(self, *bodies):
        self.bodies, self.asked = list(bodies), 0

    def request(self, *args, **more):
        self.asked += 1
        answer = requests.Response()
        answer.status_code, answer._content = 200, self.bodies[min(self.asked, len(self.bodies)) - 1]
        return answer


def github(*bodies):
    return GitHub(session=Answering(*bodies), api="http://x", repository="o/r", token="secret")


@pytest.mark.parametrize("name", ASKED)
def test_answers__of_every_kind_are_read_and_refused_where_they_are_broken(name):
    ask, answer, misshapen = ASKED[name]
    whole = json.dumps(answer).encode()
    assert ask(github(whole)) not in (None, "")
    for broken in (whole[:-2], b"<html>Sign in</html>", b"", b"\xff", b"7", json.dumps(misshapen).encode()):
        with pytest.raises(GitHubError, match="GitHub's answer to GET ") as raised:
            ask(github(broken))
        assert (len(str(raised.value).splitlines()), "Sign" in str(raised.value)) == (1, False)


def test_answers__nested_without_end_are_refused():
    with pytest.raises(GitHubError, match="is no JSON"):
        github(b"[" * 200_000).resolve("main")


def test_pages__without_end_are_refused():
    full = json.dumps([COMMENT] * 100).encode()
    with pytest.raises(GitHubError, match="lists more than 30,000 things"):
        for _ in github(full).comments(7):
            pass


@pytest.mark.parametrize("body", [b"h", b"<html>", b"", b"HI"])
def test_read__a_file_that_is_not_the_one_asked_for_is_refused(body):
    assert read_text(github(json.dumps(TREE).encode(), b"hi").files_at(SHA), "a.txt") == "hi"
    with pytest.raises(GitHubError, match=r"is not that file \(a.txt\)"):
        read_text(github(json.dumps(TREE).encode(), body).files_at(SHA), "a.txt")


def test_blob_sha__is_what_git_says():
    """`printf hi | git hash-object --stdin`, in a repository of either kind."""
    assert blob_sha(b"hi", like=SHA) == "32f95c0d1244a78b2be1bab8de17906fabb2c4a8"
    assert blob_sha(b"hi", like="a" * 64) == "a4e13f7dfd8345eae550125113b9d9bcd4b0f781037c02afb133fd98f5f973ae"


def test_entry__of_a_folder_that_github_cuts_short_is_not_missing():
    cut = json.dumps(TREE | {"truncated": True}).encode()
    for path in ("a.txt", "models/a.yml", "z.txt"):
        with pytest.raises(GitHubError, match="lists only a part of the folder"):
            github(cut).files_at(SHA).entry(path)


@pytest.mark.parametrize("mode", ["100664", "777777"])
def test_entry__with_a_mode_nobody_knows_is_no_folder(mode):
    odd = {"tree": [{"path": "a", "mode": mode, "type": "blob", "sha": SHA}]}
    assert github(json.dumps(odd).encode()).files_at(SHA).entry("a/b") is None


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b'"x"', b"7", b"[1]", b"{}", b'{"html_url": 1}', b"\xe9"])
def test_comment__a_broken_answer_is_told_and_never_raised(body):
    slot = CommentSlot(number=7, key="k", head_sha=SHA)
    found = upsert_comment(github(body), slot, "new", shorter="short")
    assert (found.action, "could not be posted: GitHub's answer to " in found.why) == ("failed", True)
    late = github(b'{"login": "x"}', b"[]", json.dumps(PULL).encode(), body)
    assert "GitHub's answer to POST /issues/7/comments " in upsert_comment(late, slot, "new", shorter="short").why
