"""L8: GitHub's REST API: files at a commit, the files of a pull request, our own comment. No git, no checkout.

Files are read through trees and blobs, because only a tree tells a symbolic link or a submodule from a file.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import requests

from gate.errors import FileProblem, Forbidden, GitHubError
from gate.files import path_problem
from gate.github_answers import (
    Comment,
    Commit,
    Compared,
    File,
    Permission,
    Pull,
    Push,
    Repository,
    Tree,
    User,
    checked,
)

_JSON, _RAW = "application/vnd.github+json", "application/vnd.github.raw+json"
_LONGEST_WAIT = 60.0
_MOST_PAGES = 300
_REGULAR, _FOLDER = ("100644", "100755"), "040000"
_REFUSED = {
    "120000": "is a symbolic link (or lies behind one); links are not followed",
    "160000": "is a submodule (or lies in one)",
    _FOLDER: "is not a regular file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a tree says of one path. Two files with the same `sha` hold the same bytes."""

    mode: str
    sha: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark on one line of a file of the change."""

    path: str
    line: int
    level: Literal["error", "warning", "notice"]
    text: str


Conclusion = Literal["success", "failure", "neutral"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """A finished check on a commit. `title` and `summary` within GitHub's 255 and 65,535 characters."""

    name: str
    head_sha: str
    conclusion: Conclusion
    title: str
    summary: str
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """The operations we need on one repository."""

    session: requests.Session
    api: str
    repository: str
    token: str = field(repr=False)
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time  # Unix seconds, to know how far off a limit's end is
    _commits: dict[str, CommitFiles] = field(default_factory=dict, init=False, repr=False, compare=False)

    def files_at(self, sha: str) -> CommitFiles:
        """One for each commit, so that nobody asks for its trees again."""
        return self._commits.setdefault(sha, CommitFiles(github=self, sha=sha))

    def renamed(self, number: int) -> dict[str, str]:
        """New name → old name, of the files that a pull request renames (GitHub names 3,000 files at most)."""
        found = self._pages(f"/pulls/{number}/files", File)
        return {one["filename"]: one["previous_filename"] for one in found if "previous_filename" in one}

    def merge_base(self, base: str, head: str) -> str:
        """The commit that two commits have come from."""
        found = self.ask("GET", f"/compare/{quote(base)}...{quote(head)}?per_page=1", Compared)
        return str(found["merge_base_commit"]["sha"])

    def resolve(self, ref: str) -> str:
        """The commit that a branch, a tag or a commit is now."""
        return str(self.commit(ref)["sha"])

    def default_branch(self) -> str:
        return str(self.ask("GET", "", Repository)["default_branch"])

    def head_sha(self, number: int) -> str:
        return str(self.pull(number)["head"]["sha"])

    def pull(self, number: int) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.ask("GET", f"/pulls/{number}", Pull)
        return found

    def commit(self, sha: str) -> Mapping[str, Any]:
        """With the accounts of its author and committer, where GitHub knows them."""
        found: Mapping[str, Any] = self.ask("GET", f"/commits/{quote(sha, safe='')}", Commit)
        return found

    def permission(self, login: str) -> Mapping[str, Any]:
        """What an account may do here; any token may ask."""
        path = f"/collaborators/{quote(login, safe='')}/permission"
        found: Mapping[str, Any] = self.ask("GET", path, Permission)
        return found

    def pushes(self, branch: str) -> list[Mapping[str, Any]]:
        """The last changes of a branch, the newest first (at most 100)."""
        ref = quote(f"refs/heads/{branch}", safe="")
        return list(self.ask("GET", f"/activity?ref={ref}&per_page=100", list[Push]))

    def login(self) -> str:
        """Who this token is. A workflow's own token may not ask: it is github-actions[bot]."""
        try:
            answer = self._send("GET", f"{self.api}/user", {})
        except (Forbidden, NotFound):
            return "github-actions[bot]"
        return str(checked(answer, User, "GET /user")["login"])

    def comments(self, number: int) -> Iterator[Mapping[str, Any]]:
        return self._pages(f"/issues/{number}/comments", Comment)

    def post_check(self, check: CheckRun) -> None:
        """Raises GitHubError (Forbidden without checks: write)."""
        output = {
            "title": check.title,
            "summary": check.summary,
            "annotations": [_annotation(one) for one in check.notes],
        }
        body = {
            "name": check.name,
            "head_sha": check.head_sha,
            "status": "completed",
            "conclusion": check.conclusion,
            "output": output,
        }
        self.request("POST", "/check-runs", body=body)

    def ask(self, method: str, path: str, shape: Any, *, body: object = None) -> Any:
        """What GitHub answers, as JSON of a shape of github_answers.py. Raises GitHubError."""
        asked = f"{method} {path.partition('?')[0] or 'the repository'}"
        return checked(self.request(method, path, body=body), shape, asked)

    def request(self, method: str, path: str, *, accept: str = _JSON, body: object = None) -> requests.Response:
        return self._send(method, f"{self.api}/repos/{self.repository}{path}", {"Accept": accept}, body)

    def _pages(self, path: str, shape: type) -> Iterator[Mapping[str, Any]]:
        for page in range(1, _MOST_PAGES + 1):
            found = self.ask("GET", f"{path}?per_page=100&page={page}", list[shape])  # type: ignore[valid-type]  # a value
            yield from found
            if len(found) < 100:
                return
        raise GitHubError(f"GitHub lists more than {_MOST_PAGES * 100:,} things at {path}")

    def _send(self, method: str, url: str, headers: dict[str, str], body: object = None) -> requests.Response:
        for attempt in range(4):
            response = self._once(method, url, headers, body)
            if 200 <= response.status_code < 300:  # a redirect (of a renamed repository) has done nothing
                return response
            if not _may_pass(response) or attempt == 3:
                break
            self.sleep(_pause(response, attempt, self.now()))
        raise _error(method, url.removeprefix(self.api), response.status_code)

    def _once(self, method: str, url: str, headers: dict[str, str], body: object) -> requests.Response:
        try:
            return self.session.request(
                method,
                url,
                json=body,
                timeout=(10, 60),
                allow_redirects=False,
                headers={
                    "Accept": _JSON,
                    "Authorization": f"Bearer {self.token}",
                    "X-GitHub-Api-Version": "2022-11-28",
                    "User-Agent": "driftgate",
                    **headers,
                },
            )
        except requests.RequestException as error:
            raise GitHubError(f"GitHub could not be reached ({type(error).__name__})") from None


_LEVELS = {"error": "failure", "warning": "warning", "notice": "notice"}


def _annotation(note: Note) -> dict[str, object]:
    return {
        "path": note.path,
        "start_line": note.line,
        "end_line": note.line,
        "annotation_level": _LEVELS[note.level],
        "message": note.text,
    }


class NotFound(GitHubError):
    """404: it is not there, or this token must not know of it."""


class Rejected(GitHubError):
    """422: GitHub will not have this body."""


def _may_pass(response: requests.Response) -> bool:
    return response.status_code >= 500 or _limited(response)


def _limited(response: requests.Response) -> bool:
    """A primary or a secondary rate limit. A secondary one may say so in its message only."""
    if response.status_code not in (403, 429):
        return False
    told = "retry-after" in response.headers or response.headers.get("x-ratelimit-remaining") == "0"
    return told or response.status_code == 429 or b"rate limit" in response.content[:2000]


def _pause(response: requests.Response, attempt: int, now: float) -> float:
    """Seconds to wait, as GitHub asks ("Best practices for using the REST API"), but never long: no comment is worth
    more, and the verdict stands without it."""
    asked, reset = response.headers.get("retry-after", ""), response.headers.get("x-ratelimit-reset", "")
    if asked.isdecimal():
        return min(_LONGEST_WAIT, float(asked))
    if not _limited(response):
        return float(2**attempt)
    return min(_LONGEST_WAIT, max(1.0, float(reset) - now)) if reset.isdecimal() else _LONGEST_WAIT


def _error(method: str, path: str, status: int) -> GitHubError:
    what = f"GitHub answered HTTP {status} to {method} {path.partition('?')[0]}"
    if status in (401, 403):
        return Forbidden(f"{what}: the token lacks a permission (contents: read, pull-requests: write)")
    return {404: NotFound, 422: Rejected}.get(status, GitHubError)(what)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFiles:
    """A repository's files at one commit."""

    github: GitHub
    sha: str
    _trees: dict[str, dict[str, Entry]] = field(default_factory=dict)
    _listings: dict[str, dict[str, Entry]] = field(default_factory=dict)

    def read(self, path: str, *, limit: int) -> bytes:
        if problem := path_problem(path):
            raise FileProblem(problem)
        entry = self._entry(path)
        if refused := _REFUSED.get(entry.mode):
            raise FileProblem(refused)
        if entry.size > limit:
            raise FileProblem(f"is larger than {limit // 1024:,} KiB")
        content = self.github.request("GET", f"/git/blobs/{entry.sha}", accept=_RAW).content
        if blob_sha(content, like=entry.sha) != entry.sha:
            raise GitHubError(f"GitHub's answer to GET /git/blobs/{entry.sha} is not that file ({path})")
        return content

    def entry(self, path: str) -> Entry | None:
        """What a path is, unread; None where nothing is there."""
        try:
            return self._entry(path)
        except FileProblem:
            return None

    def hidden(self, path: str) -> str:
        """Why a path that no listing holds may be there all the same: a folder of it is a link or a submodule."""
        try:
            self._entry(path)
        except FileProblem as problem:
            return "" if problem.missing else problem.what
        return ""

    def listing(self, folder: str) -> dict[str, Entry]:
        """Everything below a folder ("" is the root) that is no folder itself, by path; nothing where there is none.

        Raises
        ------
        FileProblem
            It holds more than GitHub lists at once, so what is in it cannot be known.
        """
        found = self.entry(folder) if folder else None
        if folder and (found is None or found.mode != _FOLDER):
            return {}
        sha = found.sha if found else self.sha
        if sha not in self._listings:
            tree = self.github.ask("GET", f"/git/trees/{quote(sha)}?recursive=1", Tree)
            if tree.get("truncated"):
                raise FileProblem("holds more files than GitHub lists at once")
            self._listings[sha] = {one["path"]: _entry_of(one) for one in tree["tree"] if one["type"] != "tree"}
        return {f"{folder}/{path}".removeprefix("/"): entry for path, entry in self._listings[sha].items()}

    def _entry(self, path: str) -> Entry:
        folder, _, name = path.rpartition("/")
        entry = self._folder(folder).get(name)
        if entry is None:
            raise FileProblem("does not exist", missing=True)
        return entry

    def _folder(self, folder: str) -> dict[str, Entry]:
        if not folder:
            return self._tree(self.sha)
        entry = self._entry(folder)
        if entry.mode in _REGULAR:
            raise FileProblem("does not exist", missing=True)
        if entry.mode != _FOLDER:
            raise FileProblem(_REFUSED.get(entry.mode, "is not a regular file"))
        return self._tree(entry.sha)

    def _tree(self, sha: str) -> dict[str, Entry]:
        if sha not in self._trees:
            found = self.github.ask("GET", f"/git/trees/{quote(sha)}", Tree)
            if found.get("truncated"):  # what it lacks would look removed
                raise GitHubError(f"GitHub lists only a part of the folder with the tree {sha}: it holds too much")
            self._trees[sha] = {one["path"]: _entry_of(one) for one in found["tree"]}
        return self._trees[sha]


def blob_sha(content: bytes, *, like: str) -> str:
    """What git calls these bytes, by SHA-1 or, where the other name is longer, SHA-256."""
    data = b"blob %d\0%b" % (len(content), content)
    if len(like) == 64:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _entry_of(one: Mapping[str, Any]) -> Entry:
    return Entry(mode=one["mode"], sha=one["sha"], size=one.get("size", 0))
