"""L8: the event that started a run → what is to be judged. No network, and no `GITHUB_SHA`: it means another commit
under each event.

==================== ============================================================ ======================
event                judged                                                       by the policy of
==================== ============================================================ ======================
pull_request         its head, each time it is pushed, edited or opened again      its base
pull_request_target  the same                                                     its base
merge_group          what the queue would merge                                   what it would be put on
push                 the branch as it is now                                      the branch before
workflow_dispatch    the pull request `pr-number`, or `head-ref` against           its base, `base-ref`
                     `base-ref`
schedule             the models in use against their own kept answers              the default branch
==================== ============================================================ ======================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import Field, ValidationError

from gate.actions import Inputs
from gate.errors import UsageError
from gate.github_answers import Home, Part, Sha, User, first_fault

_LARGEST = 32 * 1024 * 1024
_NONE = "0" * 40
_DEPENDABOT = "dependabot[bot]"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """`keyless`: GitHub gives its runs no secrets, because it is from a fork or from Dependabot."""

    number: int
    base_sha: str
    head_sha: str
    keyless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Two commits: of a merge queue, or a branch before and after a push."""

    base_sha: str
    head_sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """Two names (or one, and the default branch where `base` is None) that GitHub has to look up."""

    base: str | None
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedPull:
    """A pull request of which the event holds the number only."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftWatch:
    """The models in use are asked again, to see whether they still answer as they did."""


Event: TypeAlias = PullRequest | Range | Refs | NumberedPull | DriftWatch


class _End(Part):
    sha: Sha
    repo: Home | None = None  # null where a fork was deleted


class _Pull(Part):
    number: Annotated[int, Field(ge=1)]
    state: str
    base: _End
    head: _End
    user: User | None = None


class _OfPull(Part):
    pull_request: _Pull


class _Group(Part):
    base_sha: Sha
    head_sha: Sha


class _OfGroup(Part):
    action: str
    merge_group: _Group


class _Push(Part):
    ref: str
    before: Sha
    after: Sha
    deleted: bool = False


_Payload = TypeVar("_Payload", bound=Part)


def read_event(environ: Mapping[str, str], inputs: Inputs) -> Event:
    """Raises UsageError, saying what to do, for an event that cannot be judged."""
    name = environ.get("GITHUB_EVENT_NAME", "")
    if name in ("pull_request", "pull_request_target"):
        return _open(_payload(environ, _OfPull).pull_request)
    if name == "merge_group":
        return _group(_payload(environ, _OfGroup))
    if name == "push":
        return _push(_payload(environ, _Push))
    if name == "workflow_dispatch":
        return _by_hand(inputs)
    if name == "schedule":
        return DriftWatch()
    raise UsageError(
        f"event {name or '(none)'}: cannot be judged; run the action on: "
        "pull_request, pull_request_target, merge_group, push, workflow_dispatch or schedule"
    )


def of_pull(found: Mapping[str, Any]) -> PullRequest:
    """A pull request as GitHub's API describes it. Raises UsageError."""
    try:
        return _open(_Pull.model_validate(found))
    except ValidationError as error:
        raise UsageError(f"the pull request is not as GitHub describes one: {first_fault(error)}") from None


def _open(pull: _Pull) -> PullRequest:
    if pull.state != "open":
        raise UsageError(f"pull request {pull.number}: is {pull.state[:20]}, so there is nothing left to judge")
    home = pull.base.repo.full_name if pull.base.repo else ""
    from_fork = pull.head.repo is None or pull.head.repo.full_name != home
    by_dependabot = pull.user is not None and pull.user.login == _DEPENDABOT
    return PullRequest(
        number=pull.number,
        base_sha=pull.base.sha,
        head_sha=pull.head.sha,
        keyless=from_fork or by_dependabot,
    )


def _group(found: _OfGroup) -> Range:
    if found.action != "checks_requested":
        raise UsageError("event merge_group: only checks_requested can be judged; write types: [checks_requested]")
    return Range(base_sha=found.merge_group.base_sha, head_sha=found.merge_group.head_sha)


def _push(found: _Push) -> Range | Refs:
    if not found.ref.startswith("refs/heads/"):
        raise UsageError("event push: only a branch can be judged; write branches: […] under push")
    if found.deleted or found.after == _NONE:
        raise UsageError("event push: the branch was deleted, so there is nothing to judge")
    if found.before == _NONE:  # a new branch
        return Refs(base=None, head=found.after)
    return Range(base_sha=found.before, head_sha=found.after)


def _by_hand(inputs: Inputs) -> NumberedPull | Refs:
    if inputs.pr_number and (inputs.head_ref or inputs.base_ref):
        raise UsageError("input pr-number: give it, or base-ref and head-ref, not both")
    if inputs.pr_number:
        return NumberedPull(number=inputs.pr_number)
    if inputs.head_ref and inputs.base_ref:
        return Refs(base=inputs.base_ref, head=inputs.head_ref)
    raise UsageError("event workflow_dispatch: give the input pr-number, or base-ref and head-ref")


def _payload(environ: Mapping[str, str], model: type[_Payload]) -> _Payload:
    path = Path(environ.get("GITHUB_EVENT_PATH", ""))
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError("GITHUB_EVENT_PATH: is larger than any event of GitHub's")
        return model.model_validate_json(path.read_bytes())
    except OSError:
        raise UsageError("GITHUB_EVENT_PATH: names no file that can be read") from None
    except ValidationError as error:
        raise UsageError(f"GITHUB_EVENT_PATH: is not the payload of this event: {first_fault(error)}") from None
