"""L3: Anthropic's Message Batches: all requests in one body, one file of results.

Nothing of ours can be written on a batch, so one whose id was lost is known again by its size, its time and, once it
has ended, by its custom ids. `results_url` is not read: the results are fetched from the path below `base_url` that
the reference gives. Source: Anthropic's API reference, "Message Batches": at most 100,000 requests and 256 MB.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from gate.domain import Json
from gate.endpoint_rule import EndpointRule
from gate.endpoints.anthropic import headers_of
from gate.endpoints.batch_wire import Form, HttpCall, Result, Seen, identifier
from gate.endpoints.wire import Credentials, count, mapping, text_of

MOST_REQUESTS = 100_000
MOST_BYTES = 256_000_000
MARKS = False

_STATUS: Mapping[str, int] = {"succeeded": 200, "errored": 0, "canceled": 0, "expired": 0}


def offered(rule: EndpointRule) -> bool:
    del rule
    return True


def form(mark: str) -> Form:
    del mark
    return Form(head=b'{"requests":[', between=b",\n", tail=b"]}")


def line(rule: EndpointRule, custom_id: str, body: bytes) -> bytes:
    del rule
    return b'{"custom_id": ' + json.dumps(custom_id).encode() + b', "params": ' + body + b"}"


def upload(rule: EndpointRule, credentials: Credentials, mark: str, body: Path) -> HttpCall | None:
    del rule, credentials, mark, body
    return None


def create(rule: EndpointRule, credentials: Credentials, mark: str, body: Path, uploaded: str) -> HttpCall:
    del mark, uploaded
    headers = {"Content-Type": "application/json"} | headers_of(rule, credentials)
    return HttpCall(method="POST", path="/messages/batches", headers=headers, body=body)


def look(rule: EndpointRule, credentials: Credentials, batch: str) -> HttpCall:
    return HttpCall(method="GET", path=_path(batch), headers=headers_of(rule, credentials))


def listing(rule: EndpointRule, credentials: Credentials, after: str | None) -> HttpCall:
    more = f"&after_id={after}" if after else ""
    path = f"/messages/batches?limit=100{more}"
    return HttpCall(method="GET", path=path, headers=headers_of(rule, credentials))


def fetch(rule: EndpointRule, credentials: Credentials, path: str, into: Path) -> HttpCall:
    return HttpCall(method="GET", path=path, headers=headers_of(rule, credentials), into=into)


def _path(batch: str) -> str:
    return f"/messages/batches/{batch}"


def seen(payload: Json) -> Seen | None:
    body = mapping(payload)
    batch, status = identifier(body.get("id")), body.get("processing_status")
    if batch is None or not isinstance(status, str):
        return None
    counts = {name: count(value) for name, value in mapping(body.get("request_counts")).items()}
    total = sum(counts.values())
    return Seen(
        id=batch,
        phase="ended" if status == "ended" else "under-way",
        created_at=_instant(body.get("created_at")),
        requests=total,
        done=total - counts.get("processing", 0),
        results=(f"{_path(batch)}/results",) if status == "ended" else (),
    )


def _instant(value: Json) -> float:
    """Unix seconds of an RFC 3339 time; 0 for what is none."""
    try:
        return datetime.fromisoformat(text_of(value)).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def result(payload: Json) -> Result | None:
    body = mapping(payload)
    custom_id, found = body.get("custom_id"), mapping(body.get("result"))
    status = _STATUS.get(str(found.get("type")))
    if not isinstance(custom_id, str) or status is None:
        return None
    return Result(custom_id=custom_id, status=status, body=found.get("message"))
