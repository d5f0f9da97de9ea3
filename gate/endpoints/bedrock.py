"""L3: AWS Bedrock's Converse, signed with SigV4 by botocore's signer, or with a Bedrock API key as bearer.

The credentials are the environment variables that the policy names and nothing else: no profile, no instance role.
Source: the Bedrock API reference, "Converse"; the prompt-caching page for what `inputTokens` leaves out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

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

_NAMES = {"temperature": "temperature", "top_p": "topP", "max_tokens": "maxTokens", "stop": "stopSequences"}
_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "filter",
    "content_filtered": "filter",
}
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_WHY = {
    "seed": "cannot be sent by this protocol: Converse has no seed",
    "thinking_budget": "cannot be sent by this protocol: use reasoning_effort",
}


def inexpressible(rule: EndpointRule, parameters: Mapping[str, Json]) -> Mapping[str, str]:
    del rule
    problems = unknown(parameters, *_NAMES, "reasoning_effort", "response_format", why=_WHY)
    if parameters.get("reasoning_effort") not in (None, *_EFFORTS):
        problems["reasoning_effort"] = f"must be {', '.join(_EFFORTS)} for this protocol"
    shape = mapping(parameters.get("response_format"))
    if shape.get("type") == "json_object" or shape.get("strict") is False:
        problems["response_format"] = "must be a strict json_schema for this protocol"
    return {**too_hot(parameters), **problems}


def prepare(rule: EndpointRule, credentials: Credentials, request: ChatRequest, *, now: datetime) -> HttpRequest:
    system, talk = split_system(request.messages)
    body: dict[str, Json] = {"messages": [{"role": a.role, "content": [{"text": a.content}]} for a in talk]}
    body |= {"system": [{"text": system}]} if system else {}
    config = renamed(request.parameters, _NAMES)
    body |= {"inferenceConfig": config} if config else {}
    output = _output_config(request.parameters)
    body |= {"outputConfig": output} if output else {}
    url = f"{rule.base_url}/model/{quote(request.model, safe='')}/converse"
    unsigned = HttpRequest(url=url, headers=key_headers(rule, credentials, "bearer"), body=encoded(body))
    return _signed(rule, credentials, unsigned, now) if rule.secret_key_env else unsigned


def _output_config(parameters: Mapping[str, Json]) -> dict[str, Json]:
    config: dict[str, Json] = {}
    if shape := mapping(parameters.get("response_format")):
        structure = {"name": shape["name"], "schema": json.dumps(shape["schema"])}
        config["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": structure}}
    if "reasoning_effort" in parameters:
        config["effort"] = parameters["reasoning_effort"]
    return config


def _signed(rule: EndpointRule, credentials: Credentials, request: HttpRequest, now: datetime) -> HttpRequest:
    """The request with the headers of AWS Signature Version 4 for service `bedrock`, at the time `now`.

    botocore's signer reads the machine's clock in `add_auth` only; its steps are called one by one instead.
    """
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as AwsCredentials

    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"Content-Type": "application/json", "X-Amz-Date": stamp}
    headers |= {"X-Amz-Security-Token": credentials.session} if credentials.session else {}
    aws = AWSRequest("POST", request.url, headers, request.body)
    aws.context["timestamp"] = stamp
    signer = SigV4Auth(AwsCredentials(credentials.key, credentials.secret), "bedrock", rule.region)
    signature = signer.signature(signer.string_to_sign(aws, signer.canonical_request(aws)), aws)
    signed = signer.signed_headers(signer.headers_to_sign(aws))
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(aws)}, SignedHeaders={signed}, Signature={signature}"
    )
    return HttpRequest(url=request.url, headers=headers, body=request.body)


def parse(payload: Json) -> Completion | CallFailure:
    """An answer, also when it is empty, cut or filtered; what is not of the protocol's form is a failure."""
    body = mapping(payload)
    message = mapping(body.get("output")).get("message")
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return no_answer(payload)
    reason = str(body.get("stopReason"))
    finish = _FINISH.get(reason, "other")
    router = mapping(mapping(body.get("trace")).get("promptRouter"))
    return Completion(
        text="".join(text_of(part.get("text")) for part in items(message["content"])),
        finish_reason=finish,
        filtered=categories([reason]) if finish == "filter" else (),
        served_model=name_of(router.get("invokedModelId")),
        usage=_usage(mapping(body.get("usage"))),
    )


def _usage(found: Mapping[str, Json]) -> Usage:
    """`inputTokens` leaves out what was read from and written to the cache; here they are input."""
    cached, stored = (count(found.get(f"cache{kind}InputTokens")) for kind in ("Read", "Write"))
    return used(
        read=count(found.get("inputTokens")) + cached + stored,
        written=count(found.get("outputTokens")),
        cached=cached,
    )
