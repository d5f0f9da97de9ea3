"""L8: GitHub's REST API: files at a commit, the files of a pull request, our own comment. No git, no checkout.

Files are read through trees and blobs, because only a tree tells a symbolic link or a submodule from a file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import requests

from gate.errors import FileProblem, Forbidden, GitHubError
from gate.files import path_problem

_JSON, _RAW = "application/vnd.github+json", "application/vnd.github.raw+json"
_LONGEST_WAIT = 60.0
_REFUSED = {
    "120000": "is a symbolic link (or lies behind one); links are not followed",
    "160000": "is a submodule (or lies in one)",
    "040000": "is not a regular file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    path: str
    previous: str | None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What became of the comment. `why` says what to do when it failed."""

    action: Literal["created", "updated", "unchanged", "skipped", "failed"]
    url: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """The operations we need on one repository."""

    session: requests.Session
    api: str
    repository: str
    token: str = field(repr=False)
    sleep: Callable[[float], None] = time.sleep

    def files_at(self, sha: str) -> CommitFiles:
        return CommitFiles(github=self, sha=sha)

    def changed_files(self, number: int) -> list[ChangedFile]:
        """Files of a pull request (GitHub names 3,000 at most)."""
        return [
            ChangedFile(path=one["filename"], previous=one.get("previous_filename"), status=one["status"])
            for one in self._pages(f"/pulls/{number}/files")
        ]

    def head_sha(self, number: int) -> str:
        return str(self.pull(number)["head"]["sha"])

    def pull(self, number: int) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.request("GET", f"/pulls/{number}").json()
        return found

    def commit(self, sha: str) -> Mapping[str, Any]:
        """With the accounts of its author and committer, where GitHub knows them."""
        found: Mapping[str, Any] = self.request("GET", f"/commits/{quote(sha)}").json()
        return found

    def permission(self, login: str) -> Mapping[str, Any]:
        """What an account may do here; any token may ask."""
        found: Mapping[str, Any] = self.request("GET", f"/collaborators/{quote(login, safe='')}/permission").json()
        return found

    def pushes(self, branch: str) -> list[Mapping[str, Any]]:
        """The last changes of a branch, the newest first (at most 100)."""
        ref = quote(f"refs/heads/{branch}", safe="")
        return list(self.request("GET", f"/activity?ref={ref}&per_page=100").json())

    def login(self) -> str:
        """Who this token is. A workflow's own token may not ask: it is github-actions[bot]."""
        try:
            return str(self._send("GET", f"{self.api}/user", {}).json()["login"])
        except GitHubError:
            return "github-actions[bot]"

    def comments(self, number: int) -> Iterator[Mapping[str, Any]]:
        return self._pages(f"/issues/{number}/comments")

    def request(self, method: str, path: str, *, accept: str = _JSON, body: object = None) -> requests.Response:
        return self._send(method, f"{self.api}/repos/{self.repository}{path}", {"Accept": accept}, body)

    def _pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        page = 1
        while found := self.request("GET", f"{path}?per_page=100&page={page}").json():
            yield from found
            if len(found) < 100:
                return
            page += 1

    def _send(self, method: str, url: str, headers: dict[str, str], body: object = None) -> requests.Response:
        for attempt in range(4):
            response = self._once(method, url, headers, body)
            if response.ok:
                return response
            if not _may_pass(response) or attempt == 3:
                break
            self.sleep(_pause(response, attempt))
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


def _may_pass(response: requests.Response) -> bool:
    limited = "retry-after" in response.headers or response.headers.get("x-ratelimit-remaining") == "0"
    return response.status_code >= 500 or response.status_code == 429 or (response.status_code == 403 and limited)


def _pause(response: requests.Response, attempt: int) -> float:
    asked = response.headers.get("retry-after", "")
    return min(_LONGEST_WAIT, float(asked) if asked.isdigit() else 2.0**attempt)


def _error(method: str, path: str, status: int) -> GitHubError:
    what = f"GitHub answered HTTP {status} to {method} {path.partition('?')[0]}"
    if status in (401, 403):
        return Forbidden(f"{what}: the token lacks a permission (contents: read, pull-requests: write)")
    return _Rejected(what) if status == 422 else GitHubError(what)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFiles:
    """A repository's files at one commit."""

    github: GitHub
    sha: str
    _trees: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)

    def read(self, path: str, *, limit: int) -> bytes:
        if problem := path_problem(path):
            raise FileProblem(problem)
        entry = self._entry(path)
        if entry.get("size", 0) > limit:
            raise FileProblem(f"is larger than {limit // 1024:,} KiB")
        return self.github.request("GET", f"/git/blobs/{entry['sha']}", accept=_RAW).content

    def below(self, folder: str) -> Iterator[str]:
        """Every regular file below a folder ("" is the root)."""
        for name, entry in self._folder(folder).items():
            path = f"{folder}/{name}" if folder else name
            if entry["type"] == "tree":
                yield from self.below(path)
            elif entry["mode"] in ("100644", "100755"):
                yield path

    def _entry(self, path: str) -> Mapping[str, Any]:
        folder, _, name = path.rpartition("/")
        entry = self._folder(folder).get(name)
        if entry is None:
            raise FileProblem("does not exist", missing=True)
        if refused := _REFUSED.get(entry["mode"]):
            raise FileProblem(refused)
        return entry

    def _folder(self, folder: str) -> dict[str, Mapping[str, Any]]:
        if not folder:
            return self._tree(self.sha)
        above, _, name = folder.rpartition("/")
        entry = self._folder(above).get(name)
        if entry is None or entry["mode"] in ("100644", "100755"):
            raise FileProblem("does not exist", missing=True)
        if entry["mode"] != "040000":
            raise FileProblem(_REFUSED[entry["mode"]])
        return self._tree(entry["sha"])

    def _tree(self, sha: str) -> dict[str, Mapping[str, Any]]:
        if sha not in self._trees:
            found = self.github.request("GET", f"/git/trees/{quote(sha)}").json()
            self._trees[sha] = {entry["path"]: entry for entry in found["tree"]}
        return self._trees[sha]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentSlot:
    """Where our one comment goes: a pull request, a key, and the head it speaks of."""

    number: int
    key: str
    head_sha: str

    @property
    def marker(self) -> str:
        return f"<!-- driftgate:v1:{self.key} -->"


class _Rejected(GitHubError):
    """422: GitHub will not have this body."""


def upsert_comment(github: GitHub, slot: CommentSlot, body: str, *, shorter: str, create: bool = True) -> Posted:
    """Post or update our one comment; `shorter` once, when GitHub refuses the body.

    A failure is told, never raised: the verdict stands without it.
    """
    try:
        try:
            return _upsert(github, slot, f"{body}\n{slot.marker}", create=create)
        except _Rejected:
            return _upsert(github, slot, f"{shorter}\n{slot.marker}", create=create)
    except Forbidden:
        return Posted(action="failed", why="the comment needs the permission pull-requests: write")
    except GitHubError as error:
        return Posted(action="failed", why=f"the comment could not be posted: {error}")


def _upsert(github: GitHub, slot: CommentSlot, body: str, *, create: bool) -> Posted:
    login = github.login()
    mine = [one for one in github.comments(slot.number) if _is_mine(one, login, slot.marker)]
    if github.head_sha(slot.number) != slot.head_sha:
        return Posted(action="skipped", why="a newer commit has been pushed; its run will comment")
    for twin in mine[1:]:
        github.request("DELETE", f"/issues/comments/{twin['id']}")
    if mine and mine[0]["body"] == body:
        return Posted(action="unchanged", url=mine[0]["html_url"])
    if mine:
        found = github.request("PATCH", f"/issues/comments/{mine[0]['id']}", body={"body": body}).json()
        return Posted(action="updated", url=found["html_url"])
    if not create:
        return Posted(action="skipped")
    found = github.request("POST", f"/issues/{slot.number}/comments", body={"body": body}).json()
    return Posted(action="created", url=found["html_url"])


def _is_mine(one: Mapping[str, Any], login: str, marker: str) -> bool:
    return (one.get("user") or {}).get("login") == login and str(one.get("body", "")).rstrip().endswith(marker)
