"""L3: Anthropic's Messages API, as Anthropic, its cloud partners' gateways, vLLM and llama.cpp speak it.

Version 2026-10-21 has no sampling parameters; an endpoint whose models still take them says
`api_version: "2023-06-01"`.

Source: Anthropic's API reference, "Create a Message", "Versions", "Thinking", "Effort" and "Structured outputs".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gate.domain import CallFailure, ChatRequest, Completion, FinishReason, Json, Usage
from gate.endpoint_rule import EndpointRule
from gate.endpoints.wire import (
    Credentials,
    HttpRequest,
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
    too_hot,
    unknown,
    used,
)

NEWEST = "2026-10-21"
_SAMPLING_VERSION = "2023-06-01"

_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}
_NAMES = {"max_tokens": "max_tokens", "stop": "stop_sequences"}
_SAMPLING = {"temperature": "temperature", "top_p": "top_p"}
_ASKED_OTHERWISE = ("reasoning_effort", "thinking_budget", "response_format")
_GONE = f'is gone from version {NEWEST} of this protocol: leave it out, or set api_version: "{_SAMPLING_VERSION}"'
_LEAST_BUDGET = 1024


def inexpressible(rule: EndpointRule, parameters: Mapping[str, Json]) -> Mapping[str, str]:
    sampling = _SAMPLING if _samples(rule) else {}
    problems = unknown(parameters, *_NAMES, *sampling, *_ASKED_OTHERWISE, why=dict.fromkeys(_SAMPLING, _GONE))
    if "max_tokens" not in parameters:
        problems["max_tokens"] = "is required by this protocol"
    if parameters.get("reasoning_effort") == "minimal":
        problems["reasoning_effort"] = "must be none, low, medium, high, xhigh or max for this protocol"
    shape = mapping(parameters.get("response_format"))
    if shape.get("type") == "json_object" or shape.get("strict") is False:
        problems["response_format"] = "must be a strict json_schema for this protocol"
    return {**too_hot(parameters), **_budget_problem(parameters), **problems}


def _samples(rule: EndpointRule) -> bool:
    return rule.api_version is not None and rule.api_version < NEWEST


def _budget_problem(parameters: Mapping[str, Json]) -> dict[str, str]:
    budget, most = parameters.get("thinking_budget"), parameters.get("max_tokens")
    if not isinstance(budget, int):
        return {}
    if parameters.get("reasoning_effort") == "none":
        return {"thinking_budget": "cannot go with reasoning_effort: none"}
    if budget < _LEAST_BUDGET or (isinstance(most, int) and budget >= most):
        return {"thinking_budget": f"must be at least {_LEAST_BUDGET} and less than max_tokens for this protocol"}
    return {}


def prepare(rule: EndpointRule, credentials: Credentials, request: ChatRequest, *, now: datetime) -> HttpRequest:
    del now
    system, talk = split_system(request.messages)
    body: dict[str, Json] = {"max_tokens": None, "messages": [{"role": a.role, "content": a.content} for a in talk]}
    body |= {"model": request.model, **renamed(request.parameters, _NAMES | _SAMPLING)}
    body |= {"system": system} if system else {}
    body |= _reasoning(request.parameters)
    return HttpRequest(url=f"{rule.base_url}/messages", headers=headers_of(rule, credentials), body=encoded(body))


def headers_of(rule: EndpointRule, credentials: Credentials) -> dict[str, str]:
    """Version and key, as every call of this API has them."""
    headers = {"anthropic-version": rule.api_version or NEWEST}
    return headers | key_headers(rule, credentials, "x-api-key" if _samples(rule) else "bearer")


def _reasoning(parameters: Mapping[str, Json]) -> dict[str, Json]:
    """`thinking` and `output_config`: a budget is manual thinking, an effort without one is adaptive thinking."""
    effort, budget = parameters.get("reasoning_effort"), parameters.get("thinking_budget")
    body: dict[str, Json] = {}
    if budget is not None:
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    elif effort is not None:
        body["thinking"] = {"type": "disabled" if effort == "none" else "adaptive"}
    output: dict[str, Json] = {} if effort in (None, "none") else {"effort": effort}
    if "response_format" in parameters:
        output["format"] = {"type": "json_schema", "schema": mapping(parameters["response_format"])["schema"]}
    return body | ({"output_config": output} if output else {})


def parse(payload: Json) -> Completion | CallFailure:
    """An answer, also when it is empty, cut or a refusal; what is not of the protocol's form is a failure."""
    body = mapping(payload)
    if body.get("error") or not isinstance(body.get("content"), list):
        return no_answer(payload)
    finish = _FINISH.get(str(body.get("stop_reason")), "other")
    details = mapping(body.get("stop_details"))
    return Completion(
        text="".join(text_of(part.get("text")) for part in items(body["content"]) if part.get("type") == "text"),
        finish_reason=finish,
        refusal=text_of(details.get("explanation")) if finish == "refusal" else None,
        filtered=categories([details.get("category")]) if finish == "refusal" else (),
        served_model=name_of(body.get("model")),
        usage=_usage(mapping(body.get("usage"))),
    )


def _usage(found: Mapping[str, Json]) -> Usage:
    """What was read from and written to the cache is counted apart by Anthropic; here it is input."""
    cached, stored = (count(found.get(f"cache_{kind}_input_tokens")) for kind in ("read", "creation"))
    return used(
        read=count(found.get("input_tokens")) + cached + stored,
        written=count(found.get("output_tokens")),
        cached=cached,
        reasoning=count(mapping(found.get("output_tokens_details")).get("thinking_tokens")),
    )
