"""L8: our one comment on a pull request, found by marker and author over all pages, written only when it changes.

The marker stands at the very end, and nothing is ever read back from a comment: anyone may write one that looks so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gate.errors import Forbidden, GitHubError
from gate.github import GitHub, NotFound, Rejected
from gate.github_answers import Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What became of the comment. `why` says what to do when it failed."""

    action: Literal["created", "updated", "unchanged", "skipped", "failed"]
    url: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentSlot:
    """Where our one comment goes: a pull request, a key, and the head it speaks of."""

    number: int
    key: str
    head_sha: str

    @property
    def marker(self) -> str:
        return f"<!-- driftgate:v1:{self.key} -->"


def upsert_comment(github: GitHub, slot: CommentSlot, body: str, *, shorter: str, create: bool = True) -> Posted:
    """Post or update our one comment; `shorter` once, when GitHub refuses the body.

    A failure is told, never raised: the verdict stands without it.
    """
    try:
        try:
            return _upsert(github, slot, f"{body}\n{slot.marker}", create=create)
        except Rejected:
            return _upsert(github, slot, f"{shorter}\n{slot.marker}", create=create)
    except (Forbidden, NotFound):  # GitHub may say 404 for what a token must not do
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
        found = github.ask("PATCH", f"/issues/comments/{mine[0]['id']}", Written, body={"body": body})
        return Posted(action="updated", url=found["html_url"])
    if not create:
        return Posted(action="skipped")
    found = github.ask("POST", f"/issues/{slot.number}/comments", Written, body={"body": body})
    return Posted(action="created", url=found["html_url"])


def _is_mine(one: Mapping[str, Any], login: str, marker: str) -> bool:
    return (one.get("user") or {}).get("login") == login and str(one.get("body", "")).rstrip().endswith(marker)
