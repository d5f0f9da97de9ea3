"""L3: chat completions, as OpenAI, Azure OpenAI, vLLM, llama.cpp, Ollama, TGI, OpenRouter, Together, … speak them.

With `api_version` the endpoint is a classic Azure deployment: the model's name is the deployment's, and goes into the
path. Source: OpenAI's API reference, "Create chat completion"; Azure's "Chat completions" and content-filter pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlsplit

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
    text_of,
    unknown,
    used,
)

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "eos_token": "stop",  # TGI's own words
    "stop_sequence": "stop",
    "length": "length",
    "content_filter": "filter",
}
_SENT = ("temperature", "top_p", "max_tokens", "stop", "seed", "reasoning_effort", "response_format")
_WHY = {"thinking_budget": "cannot be sent by this protocol: use reasoning_effort"}


def inexpressible(rule: EndpointRule, parameters: Mapping[str, Json]) -> Mapping[str, str]:
    del rule
    return unknown(parameters, *_SENT, why=_WHY)


def prepare(rule: EndpointRule, credentials: Credentials, request: ChatRequest, *, now: datetime) -> HttpRequest:
    del now
    messages: list[Json] = [{"role": one.role, "content": one.content} for one in request.messages]
    names = {name: name for name in _SENT} | {"max_tokens": max_tokens_field(rule)}
    body: dict[str, Json] = {"messages": messages, "model": request.model, **renamed(request.parameters, names)}
    if "response_format" in body:
        body["response_format"] = _format(mapping(body["response_format"]))
    usual = "api-key" if rule.api_version else "bearer"
    return HttpRequest(url=_url(rule, request.model), headers=key_headers(rule, credentials, usual), body=encoded(body))


def max_tokens_field(rule: EndpointRule) -> str:
    """What `max_tokens` is called. OpenAI has deprecated `max_tokens`, and its reasoning models refuse it."""
    if rule.max_tokens_field:
        return rule.max_tokens_field
    host = urlsplit(rule.base_url).hostname or ""
    azure = host.endswith((".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"))
    return "max_completion_tokens" if host == "api.openai.com" or azure else "max_tokens"


def _url(rule: EndpointRule, model: str) -> str:
    if rule.api_version is None:
        return f"{rule.base_url}/chat/completions"
    path = f"deployments/{quote(model, safe='')}/chat/completions"
    return f"{rule.base_url}/{path}?api-version={quote(rule.api_version, safe='')}"


def _format(asked: dict[str, Json]) -> Json:
    if asked["type"] != "json_schema":
        return {"type": asked["type"]}
    return {"type": "json_schema", "json_schema": {key: asked[key] for key in ("name", "schema", "strict")}}


def parse(payload: Json) -> Completion | CallFailure:
    """An answer, also when it is empty, cut or a refusal; what is not of the protocol's form is a failure."""
    body = mapping(payload)
    choice = next(iter(items(body.get("choices"))), {})
    message = choice.get("message")
    if body.get("error") or choice.get("error") or not isinstance(message, dict):
        error = body.get("error") or choice.get("error")
        return blocked_prompt(error) or no_answer({"error": error})
    content, refusal = message.get("content"), message.get("refusal")
    if not isinstance(content, str | None):
        return CallFailure(kind="protocol", detail="answered with something that is not text")
    refused = isinstance(refusal, str) and not content
    provider = name_of(body.get("provider"))  # OpenRouter names who served it
    return Completion(
        text=text_of(content or refusal),
        finish_reason="refusal" if refused else _FINISH.get(str(choice.get("finish_reason")), "other"),
        refusal=text_of(refusal) if isinstance(refusal, str) else None,
        filtered=_filtered(body, choice),
        served_model=name_of(body.get("model")),
        fingerprint=" ".join(part for part in (provider, name_of(body.get("system_fingerprint"))) if part) or None,
        usage=_usage(mapping(body.get("usage"))),
    )


def _filtered(body: Mapping[str, Json], choice: Mapping[str, Json]) -> tuple[str, ...]:
    """Azure's annotations: the categories that were filtered, not those that were only looked for."""
    prompts = [one.get("content_filter_results") for one in items(body.get("prompt_filter_results"))]
    found = [mapping(results) for results in (choice.get("content_filter_results"), *prompts)]
    return categories(
        [name for results in found for name, value in results.items() if mapping(value).get("filtered") is True]
    )


def _usage(found: Mapping[str, Json]) -> Usage:
    """Some servers leave reasoning out of the completion's tokens, but not out of the total."""
    read, written, total = (count(found.get(f"{name}_tokens")) for name in ("prompt", "completion", "total"))
    return used(
        read=read,
        written=max(written, total - read),
        cached=count(mapping(found.get("prompt_tokens_details")).get("cached_tokens")),
        reasoning=count(mapping(found.get("completion_tokens_details")).get("reasoning_tokens")),
    )
