"""L8: GitHub's answers, as far as we rely on them. One that lacks a part of it is refused, so nobody reads half."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Annotated, Any

import requests
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gate.errors import GitHubError

Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")]


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("names no time zone")
    return text


Moment = Annotated[str, AfterValidator(_moment)]


class Part(BaseModel):
    """What we rely on of an object. GitHub sends much more."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class User(Part):
    login: str
    type: str = ""


class ShaOnly(Part):
    sha: Sha


class Reference(Part):
    object: ShaOnly


class Compared(Part):
    merge_base_commit: ShaOnly


class Repository(Part):
    default_branch: str


class Home(Part):
    full_name: str


class End(Part):
    """An end of a pull request. `repo` is null where a fork was deleted."""

    ref: str
    sha: Sha
    repo: Home | None = None


class Pull(Part):
    state: str
    base: End
    head: End
    user: User | None = None


class File(Part):
    filename: str
    previous_filename: str = ""


class Message(Part):
    message: str = ""


class Commit(Part):
    """Its accounts are null, or empty objects, where GitHub does not know them."""

    sha: Sha
    author: dict[str, Any] | None = None
    committer: dict[str, Any] | None = None
    commit: Message = Message()


class Permission(Part):
    permission: str
    role_name: str = ""


class Push(Part):
    after: Sha
    timestamp: Moment
    actor: User | None = None


class Comment(Part):
    id: int
    user: User | None = None
    body: str | None = None
    html_url: str
    created_at: Moment
    updated_at: Moment


class Written(Part):
    html_url: str


class InTree(Part):
    path: str
    mode: str
    type: str
    sha: Sha
    size: Annotated[int, Field(ge=0)] = 0


class Tree(Part):
    tree: list[InTree]
    truncated: bool = False


class Checks(Part):
    contexts: list[str] = []


class Protection(Part):
    required_status_checks: Checks | None = None


class Branch(Part):
    commit: ShaOnly
    protection: Protection | None = None


class RequiredCheck(Part):
    context: str
    integration_id: int | None = None


class Parameters(Part):
    required_status_checks: list[RequiredCheck] = []
    require_code_owner_review: bool = False


class Rule(Part):
    type: str
    parameters: Parameters | None = None


class BadLine(Part):
    line: int


class CodeownersErrors(Part):
    errors: list[BadLine]


def checked(response: requests.Response, shape: Any, asked: str) -> Any:
    """What an answer says, where it is JSON of this shape (a Part, or a list of them). Raises GitHubError."""
    try:
        found = json.loads(response.content)
        _adapter(shape).validate_python(found)
    except ValidationError as error:
        raise GitHubError(f"GitHub's answer to {asked} is not as GitHub describes it: {first_fault(error)}") from None
    except (ValueError, RecursionError):
        raise GitHubError(f"GitHub's answer to {asked} is no JSON: is it GitHub's, or a proxy's page?") from None
    return found


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def first_fault(error: ValidationError) -> str:
    """Where and what, in words of ours: names of keys and types, never a value."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, found['loc'])) or 'all of it'} ({found['type'].replace('_', ' ')})"
