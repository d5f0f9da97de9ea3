"""L3: OpenAI's Batch API, for chat completions and Responses: a file of requests, a batch of it, two files of results.

Source: OpenAI's API reference, "Batch" and "Files", and its guide "Batch API": at most 50,000 requests and 200 MB, of
one model and one endpoint each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from gate.domain import Json
from gate.endpoint_rule import EndpointRule, ProtocolName
from gate.endpoints.batch_wire import Form, HttpCall, Phase, Result, Seen, code_of, identifier
from gate.endpoints.wire import Credentials, count, encoded, items, key_headers, mapping, text_of

MOST_REQUESTS = 50_000
MOST_BYTES = 200_000_000
MARKS = True

_URL: Mapping[ProtocolName, str] = {"openai-chat": "/v1/chat/completions", "openai-responses": "/v1/responses"}
_PHASES: Mapping[str, Phase] = {"completed": "ended", "expired": "ended", "cancelled": "ended", "failed": "failed"}
_METADATA = "driftgate"  # the key that our mark stands under


def offered(rule: EndpointRule) -> bool:
    """Azure's classic deployments have the model's name in the path, which a batch cannot."""
    return rule.api_version is None


def form(mark: str) -> Form:
    """The body of the upload: multipart, the lines being the file."""
    line = f"--{_boundary(mark)}"
    field = "Content-Disposition: form-data; name="
    purpose = f'{line}\r\n{field}"purpose"\r\n\r\nbatch\r\n'
    file = f'{line}\r\n{field}"file"; filename="driftgate-{mark}.jsonl"\r\nContent-Type: application/jsonl\r\n\r\n'
    return Form(head=f"{purpose}{file}".encode(), between=b"\n", tail=f"\r\n{line}--\r\n".encode())


def _boundary(mark: str) -> str:
    return f"driftgate-{mark}"


def line(rule: EndpointRule, custom_id: str, body: bytes) -> bytes:
    head = {"custom_id": custom_id, "method": "POST", "url": _URL[rule.protocol]}
    return json.dumps(head)[:-1].encode() + b', "body": ' + body + b"}"


def upload(rule: EndpointRule, credentials: Credentials, mark: str, body: Path) -> HttpCall | None:
    kind = {"Content-Type": f"multipart/form-data; boundary={_boundary(mark)}"}
    return HttpCall(method="POST", path="/files", headers=kind | _keys(rule, credentials), body=body)


def create(rule: EndpointRule, credentials: Credentials, mark: str, body: Path, uploaded: str) -> HttpCall:
    del body
    asked: dict[str, Json] = {"input_file_id": uploaded, "endpoint": _URL[rule.protocol], "completion_window": "24h"}
    asked["metadata"] = {_METADATA: mark}
    headers = {"Content-Type": "application/json"} | _keys(rule, credentials)
    return HttpCall(method="POST", path="/batches", headers=headers, body=encoded(asked))


def look(rule: EndpointRule, credentials: Credentials, batch: str) -> HttpCall:
    return HttpCall(method="GET", path=f"/batches/{batch}", headers=_keys(rule, credentials))


def listing(rule: EndpointRule, credentials: Credentials, after: str | None) -> HttpCall:
    more = f"&after={after}" if after else ""
    return HttpCall(method="GET", path=f"/batches?limit=100{more}", headers=_keys(rule, credentials))


def fetch(rule: EndpointRule, credentials: Credentials, path: str, into: Path) -> HttpCall:
    return HttpCall(method="GET", path=path, headers=_keys(rule, credentials), into=into)


def _keys(rule: EndpointRule, credentials: Credentials) -> dict[str, str]:
    return key_headers(rule, credentials, "bearer")


def seen(payload: Json) -> Seen | None:
    """A batch. One that expired or was cancelled has answers too: those that were ready."""
    body = mapping(payload)
    batch, counts = identifier(body.get("id")), mapping(body.get("request_counts"))
    if batch is None or not isinstance(body.get("status"), str):
        return None
    files = [identifier(body.get(key)) for key in ("output_file_id", "error_file_id")]
    return Seen(
        id=batch,
        phase=_PHASES.get(str(body["status"]), "under-way"),
        created_at=float(count(body.get("created_at"), most=1 << 40)),
        requests=count(counts.get("total")),
        done=count(counts.get("completed")) + count(counts.get("failed")),
        mark=text_of(mapping(body.get("metadata")).get(_METADATA)) or None,
        results=tuple(f"/files/{file}/content" for file in files if file),
        why=code_of([one.get("code") for one in items(mapping(body.get("errors")).get("data"))]),
    )


def result(payload: Json) -> Result | None:
    body = mapping(payload)
    custom_id, response = body.get("custom_id"), mapping(body.get("response"))
    if not isinstance(custom_id, str):
        return None
    status = 0 if body.get("error") else count(response.get("status_code"))
    return Result(custom_id=custom_id, status=status, body=response.get("body"))
