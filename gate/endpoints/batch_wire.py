"""L3: what a provider's batch API is. Pure: calls out, parsed bodies in. No I/O.

A batch is many requests handed in at once, answered within a day, at a lower price. Every call goes to a path below
the policy's `base_url`: no address that an endpoint wrote is ever followed. What an endpoint wrote is data: ids have a
form, numbers are bounded, and whose answer a line is says our own custom id alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from gate.domain import CallFailure, Json
from gate.endpoint_rule import EndpointRule
from gate.endpoints.wire import Credentials, mapping, text_of

Phase = Literal[
    "under-way",
    "ended",  # answers, as far as there are any, can be fetched
    "failed",  # the provider took none of it
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One HTTP request. `path` begins with "/" and is below the rule's `base_url`; `headers` may hold the key.

    `body` may be a file, which is streamed; `into` a file that the reply's body is streamed to.
    """

    method: Literal["GET", "POST"]
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | Path = field(default=b"", repr=False)
    into: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. `failure`: why it is not what was asked for; `again`: it may pass, after `wait` seconds."""

    status: int
    body: bytes = field(default=b"", repr=False)  # empty where it went into a file, and with a failure
    failure: CallFailure | None = None
    again: bool = False
    wait: float | None = None


class Exchange(Protocol):
    def exchange(self, call: HttpCall) -> Reply | CallFailure:
        """One attempt. A CallFailure: no reply came, and whether the call arrived is not known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How the requests of a batch make a body: head, the lines with `between` between them, tail."""

    head: bytes
    between: bytes
    tail: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A batch as the endpoint tells of it. `mark` is what we wrote on it, where the API has a place for that."""

    id: str
    phase: Phase
    created_at: float  # Unix seconds, by the endpoint's clock
    requests: int
    done: int
    mark: str | None = None
    results: tuple[str, ...] = ()  # paths to fetch
    why: str = ""  # a code, where the whole batch failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of the list of batches; `after` is the id to go on from, None on the last."""

    batches: tuple[Seen, ...]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the results. `body` is what a live call would have answered with HTTP `status`; 0: no answer."""

    custom_id: str
    status: int
    body: Json = None


class BatchProtocol(Protocol):
    """How batches are handed in, looked after and fetched at one kind of endpoint."""

    MOST_REQUESTS: int
    MOST_BYTES: int
    MARKS: bool
    """Whether a mark can be written on a batch. Where not, a batch is known again by its size, time and custom ids."""

    def offered(self, rule: EndpointRule) -> bool:
        """Whether this endpoint has batches at all, as far as the policy tells."""
        ...

    def form(self, mark: str) -> Form: ...

    def line(self, rule: EndpointRule, custom_id: str, body: bytes) -> bytes:
        """One request of the batch; `body` is the JSON that a live call would send."""
        ...

    def upload(self, rule: EndpointRule, credentials: Credentials, mark: str, body: Path) -> HttpCall | None:
        """The call that brings the requests there first; None where creating the batch does."""
        ...

    def create(self, rule: EndpointRule, credentials: Credentials, mark: str, body: Path, uploaded: str) -> HttpCall:
        """The call that creates, and pays, the batch. `uploaded`: the id that the upload gave, or ""."""
        ...

    def look(self, rule: EndpointRule, credentials: Credentials, batch: str) -> HttpCall: ...

    def listing(self, rule: EndpointRule, credentials: Credentials, after: str | None) -> HttpCall: ...

    def fetch(self, rule: EndpointRule, credentials: Credentials, path: str, into: Path) -> HttpCall: ...

    def seen(self, payload: Json) -> Seen | None:
        """A batch; None for what is none."""
        ...

    def result(self, payload: Json) -> Result | None:
        """A line of the results; None for what is none."""
        ...


def page(protocol: BatchProtocol, payload: Json) -> Page | None:
    """A page of a list of batches: both providers have the same. None for what is none."""
    body = mapping(payload)
    found = body.get("data")
    if not isinstance(found, list):
        return None
    batches = tuple(one for one in map(protocol.seen, found) if one is not None)
    last = identifier(body.get("last_id")) or (batches[-1].id if batches else None)
    return Page(batches=batches, after=last if body.get("has_more") is True else None)


def identifier(value: Json) -> str | None:
    """An id that an endpoint gave, of a form that a path can hold; None for anything else."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,128}", value) else None


def code_of(values: Sequence[Json]) -> str:
    """The first that looks like an error code: lower case, at most 60 characters. "" for none."""
    words = (text_of(value)[:60].lower() for value in values)
    return next((word for word in words if re.fullmatch(r"[a-z0-9_.-]+", word)), "")
