"""L3: OpenAI-compatible chat completions (OpenAI, vLLM, llama.cpp, Ollama, OpenRouter, Together, …)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from gate.domain import CallFailure, ChatRequest, Completion, FinishReason, Json, Usage
from gate.endpoints.wire import Credentials, HttpRequest
from gate.policy import EndpointRule

_FINISH: dict[str | None, FinishReason] = {"stop": "stop", "length": "length", "content_filter": "filter"}


def inexpressible(parameters: Mapping[str, Json]) -> Mapping[str, str]:
    del parameters
    return {}


def prepare(rule: EndpointRule, credentials: Credentials, request: ChatRequest, *, now: datetime) -> HttpRequest:
    del now
    messages: list[Json] = [{"role": one.role, "content": one.content} for one in request.messages]
    body = {"model": request.model, "messages": messages, **request.parameters}
    headers = {"Authorization": f"Bearer {credentials.key}"} if credentials.key else {}
    return HttpRequest(url=f"{rule.base_url}/chat/completions", headers=headers, body=json.dumps(body).encode())


def parse(payload: Json) -> Completion | CallFailure:
    """An answer, also when it is empty, cut or a refusal; what is not of the protocol's form is a failure."""
    choices = payload.get("choices") if isinstance(payload, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(payload, dict) or not isinstance(choice, dict) or not isinstance(message, dict):
        return CallFailure(kind="protocol", detail="answered without a choice")
    content, refusal = message.get("content"), message.get("refusal")
    if not isinstance(content, str | None):
        return CallFailure(kind="protocol", detail="answered with something that is not text")
    refused = isinstance(refusal, str) and not content
    return Completion(
        text=content or (refusal if isinstance(refusal, str) else ""),
        finish_reason="refusal" if refused else _FINISH.get(_name(choice.get("finish_reason")), "other"),
        served_model=_name(payload.get("model")),
        fingerprint=_name(payload.get("system_fingerprint")),
        usage=_usage(payload.get("usage")),
    )


def _name(value: Json) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _usage(value: Json) -> Usage:
    found = value if isinstance(value, dict) else {}
    return Usage(input_tokens=_count(found.get("prompt_tokens")), output_tokens=_count(found.get("completion_tokens")))


def _count(value: Json) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
