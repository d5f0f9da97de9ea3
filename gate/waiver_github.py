"""L8: waivers on a pull request: who wrote which command, what was judged when, and may that person approve.

What a command does not name is filled in *as of its comment*: the head commit and the base branch's policy and baseline
are those of that moment, from GitHub's record of pushes (commits carry dates that their makers choose). What cannot be
seen is not filled in, and the waiver is then refused. Nothing is read from our own comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar

from gate.domain import Comparison
from gate.endpoints.checks import parameter_problems
from gate.errors import GateError, GitHubError
from gate.files import digest, read_text
from gate.github import GitHub
from gate.model_config import ModelPair, load_config
from gate.policy import Policy, WaiverRule
from gate.waiver_command import Command, Misread, read_commands
from gate.waiver_terms import Bound, Waiver
from gate.waiving import Judged, Waived, approvers, waive

_RANKS = {"admin": 4, "maintain": 3, "write": 2, "triage": 1, "read": 0, "none": 0}
_ROLES = {"admin": ("admin",), "write": ("write", "maintain"), "read": ("read", "triage")}  # by permission
_NOREPLY = re.compile(r"(?im)^co-authored-by:[^<\n]{0,200}<(?:[0-9]{1,20}\+)?([a-z0-9-]{1,100})@users\.noreply\.")
_CO_AUTHOR = re.compile(r"(?im)^co-authored-by:")
_MOST_ASKED = 20  # accounts whose permission is asked for
_MOST_MISREAD = 5

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is judged: a pull request's pairs by a policy of its base branch."""

    number: int | None  # None where no pull request is judged, so nobody can ask for a waiver in a comment
    head_sha: str
    policy: Policy
    policy_path: str
    policy_digest: str
    pairs: tuple[ModelPair, ...]
    written: tuple[Waiver, ...]  # in the base branch's file


def waive_on_github(case: Case, github: GitHub, comparisons: Sequence[Comparison], today: date) -> Waived:
    """Apply the waivers of the file, and of a pull request's comments, which are read anew, when all is measured.

    Where GitHub does not answer, none is applied, and a notice says so.
    """
    rule = case.policy.waivers
    try:
        if rule is None:
            return _without(case, github, comparisons)
        return _with(case, github, comparisons, rule, today)
    except GitHubError as error:
        notice = f"waivers could not be checked, so none is applied: {error}"
        return Waived(comparisons=tuple(comparisons), notices=() if rule is None else (notice,))


def _without(case: Case, github: GitHub, comparisons: Sequence[Comparison]) -> Waived:
    """The policy allows no waivers; whoever asked for one is told."""
    blocks = any(one.severity == "blocking" and one.outcome == "regressed" for one in comparisons)
    asked = blocks and bool(_asked(case, github))
    notice = "a comment asks for a waiver, and the policy has no waivers section: it allows none"
    return Waived(comparisons=tuple(comparisons), notices=(notice,) if asked else ())


def _with(case: Case, github: GitHub, comparisons: Sequence[Comparison], rule: WaiverRule, today: date) -> Waived:
    judged = Judged(
        rule=rule,
        today=today,
        policy=case.policy_digest,
        head=case.head_sha,
        models={one.path: (one.baseline.digest, one.candidate.digest) for one in case.pairs},
    )
    found = _asked(case, github)
    asked = [(one, one.says) for one in found if isinstance(one.says, Command)]
    pull = {} if case.number is None or not (case.written or asked) else github.pull(case.number)
    past = _Past(case=case, github=github, pull=pull)
    waivers = (*case.written, *(_waiver(one, says, past) for one, says in asked))
    claimed = approvers(comparisons, waivers, judged)
    people = _people(past) if claimed else _People()
    refusals = {login: _refusal(login, people, github, rule) for login in claimed[:_MOST_ASKED]}
    refusals |= dict.fromkeys(claimed[_MOST_ASKED:], "too many accounts ask for waivers here: delete comments")
    waived = waive(comparisons, waivers, judged, refusals=refusals, unchecked=people.unseen)
    offers = () if case.number is None else waived.offers
    return replace(waived, notices=(*waived.notices, *_misread(found)), offers=offers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A command in a comment, or what looks like one."""

    author: str
    where: str
    at: datetime
    void: str
    says: Command | Misread


def _asked(case: Case, github: GitHub) -> list[_Said]:
    return [] if case.number is None else list(_commands(github.comments(case.number)))


def _commands(comments: Iterable[Mapping[str, Any]]) -> Iterator[_Said]:
    """What people ask for; what bots write is no command, our own comment least of all."""
    for one in comments:
        user = one.get("user") or {}
        if not user.get("login") or user.get("type") == "Bot":
            continue
        for says in read_commands(one.get("body") or ""):
            yield _Said(
                author=user["login"],
                where=one["html_url"],
                at=datetime.fromisoformat(one["created_at"]),
                void=_void(one),
                says=says,
            )


def _void(one: Mapping[str, Any]) -> str:
    if one["updated_at"] != one["created_at"]:
        return "its comment was edited; delete it and write a new one"
    return "its comment was hidden" if one.get("minimized") else ""


def _misread(found: Sequence[_Said]) -> Iterator[str]:
    wrong = [(one, one.says.what) for one in found if isinstance(one.says, Misread)]
    for one, what in wrong[:_MOST_MISREAD]:
        yield f"not a waiver: a comment of {one.author} ({one.where}) {what}"
    if len(wrong) > _MOST_MISREAD:
        yield f"and {len(wrong) - _MOST_MISREAD} more comments that are no waivers"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What was judged at an earlier moment, asked for once."""

    case: Case
    github: GitHub
    pull: Mapping[str, Any]
    _asked: dict[object, Any] = field(default_factory=dict)

    def head(self, moment: datetime) -> str | None:
        """The pull request's head commit just before a moment."""
        return _tip(self.pushes("head"), moment)

    def pushed_by(self) -> list[str]:
        """Who ever pushed the judged head commit there."""
        actors = [_login(one.get("actor")) for one in self.pushes("head") if one["after"] == self.case.head_sha]
        return [login for login in actors if login]

    def policy(self, moment: datetime) -> str | None:
        """The policy's digest on the base branch just before a moment."""
        return self._at_base(moment, "policy", lambda sha: digest(self._text(sha)))

    def baseline(self, moment: datetime, pair: ModelPair) -> str | None:
        """The digest of a pair's baseline config on the base branch just before a moment."""
        return self._at_base(moment, pair.path, lambda sha: self._config(sha, pair))

    def _at_base(self, moment: datetime, what: str, read: Callable[[str], str]) -> str | None:
        sha = _tip(self.pushes("base"), moment)
        return None if sha is None else self._once((what, sha), lambda: _or_none(lambda: read(sha)))

    def _text(self, sha: str) -> str:
        return read_text(self.github.files_at(sha), self.case.policy_path)

    def _config(self, sha: str, pair: ModelPair) -> str:
        files, endpoints = self.github.files_at(sha), self.case.policy.endpoints
        return load_config(files, pair.baseline.path, endpoints=endpoints, check=parameter_problems).digest

    def pushes(self, end: str) -> list[Mapping[str, Any]]:
        """Of the branch at an end of the pull request; empty where they cannot be seen."""
        branch = self.pull.get(end) or {}
        repository = (branch.get("repo") or {}).get("full_name")
        if not repository:
            return []
        github = replace(self.github, repository=repository)
        return self._once(end, lambda: _or_none(lambda: github.pushes(branch["ref"]))) or []

    def _once(self, key: object, find: Callable[[], Any]) -> Any:
        if key not in self._asked:
            self._asked[key] = find()
        return self._asked[key]


def _or_none(find: Callable[[], Found]) -> Found | None:
    """What cannot be read is not known."""
    try:
        return find()
    except GateError:
        return None


def _tip(pushes: Sequence[Mapping[str, Any]], moment: datetime) -> str | None:
    """Where a branch stood just before a moment; None where its record does not reach back so far."""
    return next((one["after"] for one in pushes if datetime.fromisoformat(one["timestamp"]) < moment), None)


def _waiver(one: _Said, says: Command, past: _Past) -> Waiver:
    """A command with what it leaves out filled in, as of its comment."""
    pairs = [pair for pair in past.case.pairs if says.config in (None, pair.path)]
    bound = says.bound if one.void or len(pairs) != 1 else _as_of(one.at, says.bound, pairs[0], past)
    return Waiver(
        source="comment",
        where=one.where,
        family=says.family,
        slice=says.slice,
        config=says.config,
        loss=says.loss,
        given=one.at.date(),
        until=says.until,
        approver=one.author,
        because=says.because,
        bound=bound,
        void=one.void,
        unseen="GitHub does not show what was judged when it was written",
    )


def _as_of(moment: datetime, stated: Bound, pair: ModelPair, past: _Past) -> Bound:
    head = stated.head or past.head(moment)
    same_head = head is not None and past.case.head_sha.startswith(head)
    return Bound(
        head=head,
        policy=stated.policy or past.policy(moment),
        baseline=stated.baseline or past.baseline(moment, pair),
        candidate=stated.candidate or (pair.candidate.digest if same_head else None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """Who may not approve, in small letters, and in what part; what of that GitHub does not show."""

    parts: Mapping[str, str] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    nobody: bool = False


def _people(past: _Past) -> _People:
    commit = past.github.commit(past.case.head_sha)
    pushers = past.pushed_by()
    author, committer = (_login(commit.get(key)) for key in ("author", "committer"))
    made = (
        (_login(past.pull.get("user")), "is the author of the pull request"),
        (author, "is the author of the head commit"),
        (committer, "is the committer of the head commit"),
        *((login, "pushed the head commit") for login in pushers),
    )
    message = str((commit.get("commit") or {}).get("message") or "")[:65_536]
    known = [match.lower() for match in _NOREPLY.findall(message)]
    parts = {login.lower(): part for login, part in reversed(made) if login}
    parts = dict.fromkeys(known, "is a co-author of the head commit") | parts
    unseen = [] if made[0][0] else ["who wrote the pull request"]
    unseen += [] if pushers else ["who pushed the head commit"]
    unseen += [] if author else ["whose the head commit's e-mail address is"]
    unseen += ["co-authors by e-mail address"] if len(_CO_AUTHOR.findall(message)) > len(known) else []
    return _People(parts=parts, unseen=tuple(unseen), nobody=not (author or committer or pushers))


def _login(user: Any) -> str | None:
    """`web-flow` is GitHub itself, where a commit was made on its pages."""
    login = (user or {}).get("login")
    return None if login == "web-flow" else login


def _refusal(login: str, people: _People, github: GitHub, rule: WaiverRule) -> str:
    """Why somebody may not approve; empty when they may."""
    if login in people.parts:
        return f"its approver {people.parts[login]}"
    if people.nobody:
        return "GitHub does not show who made the head commit"
    try:
        role = _role(github.permission(login))
    except GitHubError as error:
        return f"its approver's permission could not be read: {error}"
    if _RANKS[role] < _RANKS[rule.approver_permission]:
        return f"its approver has permission {role}; the policy asks for {rule.approver_permission}"
    return ""


def _role(found: Mapping[str, Any]) -> str:
    """The role by name; of a custom one, and where the two disagree, what the permission beside it amounts to."""
    permission, name = (str(found.get(key)) for key in ("permission", "role_name"))
    names = _ROLES.get(permission, ("none",))
    return name if name in names else names[0]
