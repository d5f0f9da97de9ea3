"""L3: what a wire protocol is. Pure: a request in, an HTTP request out; a parsed body in, a completion out. No I/O.

What an endpoint wrote is hostile: names are cut and cleaned, counts are bounded, and a text is always encodable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from gate.domain import CallFailure, ChatRequest, Completion, FailureKind, Json, Message, Usage
from gate.endpoint_rule import EndpointRule

_MOST_TOKENS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Secrets of one endpoint. `key` is the value of the policy's `api_key_env`; "" where none is asked for.

    `secret` and `session` are those of `secret_key_env` and `session_token_env` (requests that are signed).
    """

    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    session: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A POST, ready to be sent. `url` always begins with the rule's `base_url`; `headers` may hold the key.

    `headers` are those of the protocol: a signed request's must be sent as they are, with `Content-Type` added.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class WireProtocol(Protocol):
    """How one kind of endpoint is asked and understood."""

    def inexpressible(self, rule: EndpointRule, parameters: Mapping[str, Json]) -> Mapping[str, str]:
        """Parameters of a model config that this protocol cannot send, each with why or what to use instead.

        A parameter that the protocol requires and that is not there is among them.
        """
        ...

    def prepare(
        self, rule: EndpointRule, credentials: Credentials, request: ChatRequest, *, now: datetime
    ) -> HttpRequest:
        """The HTTP request. `now` is for protocols that sign with the time."""
        ...

    def parse(self, payload: Json) -> Completion | CallFailure:
        """An answer, also when it is empty, cut or a refusal; what is not of the protocol's form is a failure.

        The body of an HTTP 400 may be given too: where it says that a content filter blocked the prompt, that is an
        answer (Azure sends it so), and else a failure.
        """
        ...


def encoded(body: Mapping[str, Json]) -> bytes:
    """The body's bytes: JSON in UTF-8, without spaces, as the providers' own clients write it."""
    return _written(body).encode("utf-8", "replace")


_written = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def key_headers(rule: EndpointRule, credentials: Credentials, usual: str) -> dict[str, str]:
    """The header that carries the key: the policy's `key_header`, else the protocol's `usual` one; none without key."""
    name = rule.key_header or usual
    if not credentials.key:
        return {}
    return {"Authorization": f"Bearer {credentials.key}"} if name == "bearer" else {name: credentials.key}


def split_system(messages: Sequence[Message]) -> tuple[str, list[Message]]:
    """The system prompt apart from the conversation, for protocols that send it apart."""
    system = "\n\n".join(one.content for one in messages if one.role == "system")
    return system, [one for one in messages if one.role != "system"]


def renamed(parameters: Mapping[str, Json], names: Mapping[str, str]) -> dict[str, Json]:
    """The parameters that `names` knows, under the protocol's names."""
    return {names[name]: value for name, value in parameters.items() if name in names}


def unknown(parameters: Mapping[str, Json], *known: str, why: Mapping[str, str]) -> dict[str, str]:
    """A reason for each parameter that is not among the `known`."""
    usual = "cannot be sent by this protocol"
    return {name: why.get(name, usual) for name in parameters if name not in known}


def too_hot(parameters: Mapping[str, Json]) -> dict[str, str]:
    """For protocols whose temperature ends at 1."""
    heat = parameters.get("temperature")
    hot = isinstance(heat, int | float) and heat > 1
    return {"temperature": "must be at most 1 for this protocol"} if hot else {}


def text_of(value: Json) -> str:
    """A text that can be encoded (a lone surrogate cannot); "" for what is no text."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def name_of(value: Json) -> str | None:
    """A name that an endpoint gave: printable, at most 200 characters; None for none."""
    return _printable(value[:400]) if isinstance(value, str) else None


@lru_cache(maxsize=64)  # an endpoint gives the same few names with each answer
def _printable(text: str) -> str | None:
    return "".join(letter for letter in text_of(text) if letter.isprintable())[:200] or None


def categories(values: Sequence[Json]) -> tuple[str, ...]:
    """Names of content-filter categories: short, lower case, each once, at most ten."""
    found = (re.sub(r"[^a-z0-9]+", "-", text_of(value)[:60].lower()).strip("-") for value in values)
    return tuple(dict.fromkeys(name for name in found if name))[:10]


def count(value: Json, *, most: int = _MOST_TOKENS) -> int:
    """A number of tokens, or of anything up to `most`; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return min(max(value, 0), most)


def used(*, read: int, written: int, cached: int = 0, reasoning: int = 0) -> Usage:
    """What was used; whatever an endpoint says, a part is no more than its whole."""
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cached_tokens=min(cached, read),
        reasoning_tokens=min(reasoning, written),
    )


def mapping(value: Json) -> dict[str, Json]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[dict[str, Json]]:
    """The objects of a JSON list; none for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def blocked_prompt(error: Json) -> Completion | None:
    """Azure's error object for a prompt that its content filter blocked, as the filtered answer that it is."""
    found = mapping(error)
    if found.get("code") != "content_filter":
        return None
    inner = mapping(found.get("innererror"))
    results = mapping(inner.get("content_filter_result") or inner.get("content_filter_results"))
    names: list[Json] = [name for name, value in results.items() if mapping(value).get("filtered") is True]
    return Completion(text="", finish_reason="filter", filtered=categories(names))


def no_answer(payload: Json) -> CallFailure:
    """Why a body is no answer: an error object by its code, or not the protocol's form."""
    error = mapping(payload).get("error")
    if not error:
        return CallFailure(kind="protocol", detail="answered without an answer in the protocol's form")
    code = mapping(error)
    words = {str(code.get(key)).lower() for key in ("code", "type", "status")}
    kind: FailureKind = "rejected"
    if words & {"429", "rate_limit_exceeded", "rate_limit_error", "resource_exhausted"}:
        kind = "rate-limited"
    elif any(re.fullmatch(r"5\d\d|server_error|internal.*|overloaded.*|unavailable|api_error", word) for word in words):
        kind = "server"
    return CallFailure(kind=kind, detail="answered with an error object")
