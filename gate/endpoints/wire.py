"""L3: what a wire protocol is. Pure: a request in, an HTTP request out; a parsed body in, a completion out. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gate.domain import CallFailure, ChatRequest, Completion, Json
from gate.policy import EndpointRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Secrets of one endpoint. `key` is the value of the policy's `api_key_env`; "" where none is asked for."""

    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A POST, ready to be sent. `url` always begins with the rule's `base_url`; `headers` may hold the key."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class WireProtocol(Protocol):
    """How one kind of endpoint is asked and understood."""

    def inexpressible(self, parameters: Mapping[str, Json]) -> Mapping[str, str]:
        """Parameters of a model config that this protocol cannot send, each with why or what to use instead."""
        ...

    def prepare(
        self, rule: EndpointRule, credentials: Credentials, request: ChatRequest, *, now: datetime
    ) -> HttpRequest:
        """The HTTP request. `now` is for protocols that sign with the time."""
        ...

    def parse(self, payload: Json) -> Completion | CallFailure:
        """An answer, also when it is empty, cut or a refusal; what is not of the protocol's form is a failure."""
        ...
