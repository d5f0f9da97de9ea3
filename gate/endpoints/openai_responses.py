"""L3: the Responses API, as OpenAI, Azure OpenAI v1, vLLM and llama.cpp speak it.

Nothing is kept by the provider (`store: false`): each question stands alone. Source: OpenAI's API reference, "Create
a model response".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gate.domain import CallFailure, ChatRequest, Completion, FinishReason, Json, Usage
from gate.endpoint_rule import EndpointRule
from gate.endpoints.wire import (
    Credentials,
    HttpRequest,
    blocked_prompt,
    categories,
    count,
    encoded,
    items,
    key_headers,
    mapping,
    name_of,
    no_answer,
    renamed,
    split_system,
    text_of,
    unknown,
    used,
)

_NAMES = {"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_output_tokens"}
_INCOMPLETE: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "filter"}
_WHY = {
    "stop": "cannot be sent by this protocol: the Responses API has no stop sequences",
    "seed": "cannot be sent by this protocol: the Responses API has no seed",
    "thinking_budget": "cannot be sent by this protocol: use reasoning_effort",
}


def inexpressible(rule: EndpointRule, parameters: Mapping[str, Json]) -> Mapping[str, str]:
    del rule
    return unknown(parameters, *_NAMES, "reasoning_effort", "response_format", why=_WHY)


def prepare(rule: EndpointRule, credentials: Credentials, request: ChatRequest, *, now: datetime) -> HttpRequest:
    del now
    system, talk = split_system(request.messages)
    parameters = request.parameters
    body: dict[str, Json] = {"input": [{"role": one.role, "content": one.content} for one in talk]}
    body |= {"model": request.model, "store": False, **renamed(parameters, _NAMES)}
    if system:
        body["instructions"] = system
    if "reasoning_effort" in parameters:
        body["reasoning"] = {"effort": parameters["reasoning_effort"]}
    if "response_format" in parameters:
        body["text"] = {"format": _format(mapping(parameters["response_format"]))}
    headers = key_headers(rule, credentials, "bearer")
    return HttpRequest(url=f"{rule.base_url}/responses", headers=headers, body=encoded(body))


def _format(asked: dict[str, Json]) -> Json:
    keys = ("type", "name", "schema", "strict") if asked["type"] == "json_schema" else ("type",)
    return {key: asked[key] for key in keys}


def parse(payload: Json) -> Completion | CallFailure:
    """An answer, also when it is empty, cut or a refusal; what is not of the protocol's form is a failure."""
    body = mapping(payload)
    status, output = body.get("status", "completed"), body.get("output")
    if body.get("error") or not isinstance(output, list) or status not in ("completed", "incomplete"):
        return blocked_prompt(body.get("error")) or no_answer(payload)
    parts = [part for one in items(output) if one.get("type") == "message" for part in items(one.get("content"))]
    text, refusal = _joined(parts, "text"), _joined(parts, "refusal")
    why = str(mapping(body.get("incomplete_details")).get("reason"))
    finish: FinishReason = _INCOMPLETE.get(why, "other") if status == "incomplete" else "stop"
    return Completion(
        text=text or refusal or "",
        finish_reason="refusal" if refusal is not None and not text else finish,
        refusal=refusal,
        filtered=_filtered(body),
        served_model=name_of(body.get("model")),
        usage=_usage(mapping(body.get("usage"))),
    )


def _joined(parts: Sequence[Mapping[str, Json]], field: str) -> str | None:
    """The texts of all parts of one kind, in order; None when there is no such part."""
    found = [text_of(part[field]) for part in parts if isinstance(part.get(field), str)]
    return "".join(found) if found else None


def _filtered(body: Mapping[str, Json]) -> tuple[str, ...]:
    """Azure's annotations: the categories of the filters that blocked."""
    return categories(
        [
            name
            for one in items(body.get("content_filters"))
            for name, value in mapping(one.get("content_filter_results")).items()
            if mapping(value).get("filtered") is True
        ]
    )


def _usage(found: Mapping[str, Json]) -> Usage:
    return used(
        read=count(found.get("input_tokens")),
        written=count(found.get("output_tokens")),
        cached=count(mapping(found.get("input_tokens_details")).get("cached_tokens")),
        reasoning=count(mapping(found.get("output_tokens_details")).get("reasoning_tokens")),
    )
