"""L3: Google Gemini's `generateContent`. The model's name goes into the path, the key into a header.

Source: the Gemini API reference, "Generating content", and "Thinking"; field names as Google's own client sends them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from gate.domain import CallFailure, ChatRequest, Completion, FinishReason, Json, Message, Usage
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
    unknown,
    used,
)

_NAMES = {
    "temperature": "temperature",
    "top_p": "topP",
    "max_tokens": "maxOutputTokens",
    "stop": "stopSequences",
    "seed": "seed",
}
_LEVELS = ("minimal", "low", "medium", "high", "xhigh")
_FILTERS = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "ESCALATION",
        "MODEL_ARMOR",
    }
)
_FINISH: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(_FILTERS, "filter"),
}


def inexpressible(rule: EndpointRule, parameters: Mapping[str, Json]) -> Mapping[str, str]:
    del rule
    problems = unknown(parameters, *_NAMES, "reasoning_effort", "thinking_budget", "response_format", why={})
    effort = parameters.get("reasoning_effort")
    if effort is not None and effort not in _LEVELS:
        hint = ": use thinking_budget: 0" if effort == "none" else ""
        problems["reasoning_effort"] = f"must be {', '.join(_LEVELS)} for this protocol{hint}"
    if effort is not None and "thinking_budget" in parameters:
        problems["thinking_budget"] = "cannot go with reasoning_effort in this protocol: give one of them"
    if mapping(parameters.get("response_format")).get("strict") is False:
        problems["response_format"] = "must be strict for this protocol"
    return problems


def prepare(rule: EndpointRule, credentials: Credentials, request: ChatRequest, *, now: datetime) -> HttpRequest:
    del now
    system, talk = split_system(request.messages)
    body: dict[str, Json] = {
        "contents": [_content(one) for one in talk],
        "generationConfig": _config(request.parameters),
    }
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}], "role": "user"}
    name = quote(request.model.removeprefix("models/"), safe="")
    headers = key_headers(rule, credentials, "x-goog-api-key")
    return HttpRequest(url=f"{rule.base_url}/models/{name}:generateContent", headers=headers, body=encoded(body))


def _content(one: Message) -> Json:
    return {"parts": [{"text": one.content}], "role": "model" if one.role == "assistant" else "user"}


def _config(parameters: Mapping[str, Json]) -> dict[str, Json]:
    config = renamed(parameters, _NAMES)
    if "reasoning_effort" in parameters:
        config["thinkingConfig"] = {"thinkingLevel": str(parameters["reasoning_effort"]).upper()}
    if "thinking_budget" in parameters:
        config["thinkingConfig"] = {"thinkingBudget": parameters["thinking_budget"]}
    if shape := mapping(parameters.get("response_format")):
        config["responseMimeType"] = "application/json"
        if shape["type"] == "json_schema":
            config["responseJsonSchema"] = shape["schema"]
    return config


def parse(payload: Json) -> Completion | CallFailure:
    """An answer, also when it is empty, cut or blocked; what is not of the protocol's form is a failure."""
    body = mapping(payload)
    feedback = mapping(body.get("promptFeedback"))
    candidate = next(iter(items(body.get("candidates"))), {})
    if body.get("error") or not (candidate or feedback.get("blockReason")):
        return no_answer(payload)
    parts = items(mapping(candidate.get("content")).get("parts"))
    return Completion(
        text="".join(text_of(part.get("text")) for part in parts if part.get("thought") is not True),
        finish_reason=_FINISH.get(str(candidate.get("finishReason")), "other") if candidate else "filter",
        filtered=_filtered(feedback, candidate),
        served_model=name_of(body.get("modelVersion")),
        usage=_usage(mapping(body.get("usageMetadata"))),
    )


def _filtered(feedback: Mapping[str, Json], candidate: Mapping[str, Json]) -> tuple[str, ...]:
    """Why the prompt was blocked or the answer stopped, and the safety categories that did it."""
    rated = [*items(feedback.get("safetyRatings")), *items(candidate.get("safetyRatings"))]
    harms = [text_of(one.get("category")) for one in rated if one.get("blocked") is True]
    stopped = str(candidate.get("finishReason"))
    return categories(
        [
            feedback.get("blockReason"),
            stopped if stopped in _FILTERS else None,
            *(harm.removeprefix("HARM_CATEGORY_") for harm in harms),
        ]
    )


def _usage(found: Mapping[str, Json]) -> Usage:
    """Thoughts are counted apart from the candidates' tokens by Google; here they are output."""
    thoughts = count(found.get("thoughtsTokenCount"))
    return used(
        read=count(found.get("promptTokenCount")) + count(found.get("toolUsePromptTokenCount")),
        written=count(found.get("candidatesTokenCount")) + thoughts,
        cached=count(found.get("cachedContentTokenCount")),
        reasoning=thoughts,
    )
