"""The batch APIs of OpenAI and Anthropic on loopback, with their state; live calls are answered too.

    with FakeBatches(respond) as server:            # respond: as for tests.fakes.models
        server.ends("expired")                      # how batches end (default: completed, at the second look)
        rule = EndpointRule(protocol="anthropic", base_url=server.base_url("anthropic"))

What it answers is held to the official SDKs' own types by tests/unit/endpoints/test_batch_fakes_are_true.py.
"""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.fakes.models import ROOTS, Asked, Fault, QuietServer, Reply, error, read, render

OPENAI_TIMES = {
    "completed": "completed_at",
    "expired": "expired_at",
    "cancelled": "cancelled_at",
    "failed": "failed_at",
}


@dataclass
class Batch:
    """`requests` are (custom id, what it asks); `left`: looks until it ends as `ending`."""

    id: str
    protocol: str
    requests: list[tuple[str, Asked]]
    left: int
    ending: str
    created: float
    metadata: dict = field(default_factory=dict)
    input_file: str = ""

    @property
    def ended(self) -> bool:
        return self.left <= 0


Respond = Callable[[Asked], Reply | Fault]


class FakeBatches:
    """`batches` in the order they were created; `live` are the questions asked one by one; `calls` every request.

    `before` is called with method and path before a request is handled, and may return a `Fault` to answer instead;
    `after` the same once it is handled, before it is answered: it was done, and the client does not hear of it.
    A batch is in the list `lag` seconds after it was created. `spoil` may change the lines of a results file. `in_batch` answers what is in a batch, as `respond` does.
    """

    def __init__(self, respond: Respond, *, now: Callable[[], float] = lambda: 1_800_000_000.0, looks: int = 2) -> None:
        self.batches: list[Batch] = []
        self.files: dict[str, bytes] = {}
        self.live: list[Asked] = []
        self.calls: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.ending, self.looks, self.now, self.lag = "completed", looks, now, 0.0
        self.before: Callable[[str, str], Fault | None] = lambda method, path: None
        self.after: Callable[[str, str], Fault | None] = lambda method, path: None
        self.spoil: Callable[[list[bytes]], list[bytes]] = lambda lines: lines
        self.in_batch = self._respond = respond
        self._lock = threading.RLock()
        self._server = QuietServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def base_url(self, protocol: str) -> str:
        return self.root + ROOTS[protocol]

    def ends(self, ending: str, *, looks: int = 2) -> None:
        """How batches that are created from now on end, and at which look."""
        self.ending, self.looks = ending, looks

    def asked(self) -> list[tuple[str, str]]:
        """(model, prompt) of every request in any batch."""
        return [(asked.model, asked.prompt) for one in self.batches for _, asked in one.requests]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def handle(self, method: str, target: str, headers: dict[str, str], content: bytes) -> tuple[int, dict, bytes]:
        with self._lock:
            path = urlsplit(target).path
            self.calls.append((method, path))
            self.headers.append(headers)
            fault = self.before(method, path)
            if fault is None:
                answer = self._routed(method, target, headers, content)
                fault = self.after(method, path)
            if fault is not None:
                return fault.status, dict(fault.headers), b"" if fault.body is None else fault.body
            return answer

    def _routed(self, method, target, headers, content):
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        for verb, pattern, route in self._routes():
            if verb == method and (found := re.fullmatch(pattern, parts.path)):
                return route(*found.groups(), headers=headers, query=query, content=content)
        asked = read(target, headers, content) if method == "POST" else None
        if asked is None:
            return 404, {}, error("openai-chat", 404)
        self.live.append(asked)
        step = self._respond(asked)
        if isinstance(step, Fault):
            return step.status, dict(step.headers), error(asked.protocol, step.status, step.code)
        return _ok(render(asked.protocol, asked.model, step))

    def _routes(self):
        return [
            ("POST", "/v1/files", self._upload),
            ("GET", "/v1/files/([^/]+)/content", self._content),
            ("POST", "/v1/batches", self._create_openai),
            ("GET", "/v1/batches", self._list_openai),
            ("GET", "/v1/batches/([^/]+)", self._look),
            ("POST", "/v1/messages/batches", self._create_anthropic),
            ("GET", "/v1/messages/batches", self._list_anthropic),
            ("GET", "/v1/messages/batches/([^/]+)", self._look),
            ("GET", "/v1/messages/batches/([^/]+)/results", self._results),
        ]

    # --- OpenAI

    def _upload(self, *, headers, content, **_):
        message = BytesParser().parsebytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + content)
        fields = {one.get_param("name", header="content-disposition"): one for one in message.get_payload()}
        assert fields["purpose"].get_payload() == "batch"
        name = f"file-{len(self.files)}"
        self.files[name] = fields["file"].get_payload(decode=True)
        return _ok(file_object(name, len(self.files[name]), self.now()))

    def _create_openai(self, *, headers, content, **_):
        asked = json.loads(content)
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        problems = [one["url"] for one in lines if (one["url"], one["method"]) != (asked["endpoint"], "POST")]
        ids, models = {one["custom_id"] for one in lines}, {one["body"]["model"] for one in lines}
        if problems or len(ids) != len(lines) or len(models) != 1 or len(lines) > 50_000 or not lines:
            return 400, {}, error("openai-chat", 400)
        requests = [(one["custom_id"], _question(one["url"], headers, one["body"])) for one in lines]
        batch = self._new(requests, metadata=asked.get("metadata") or {}, input_file=asked["input_file_id"])
        return _ok(self.openai_object(batch))

    def openai_object(self, batch: Batch) -> dict:
        ended = batch.ended
        status = batch.ending if ended else "in_progress"
        failed = ended and status == "failed"
        answers, errors = self._openai_files(batch) if ended and not failed else ([], [])
        error_one = {"code": "token_limit_exceeded", "message": "SECRET-IN-BODY", "line": None, "param": None}
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": {"openai-chat": "/v1/chat/completions", "openai-responses": "/v1/responses"}[batch.protocol],
            "errors": {"object": "list", "data": [error_one]} if failed else None,
            "input_file_id": batch.input_file,
            "completion_window": "24h",
            "status": status,
            "output_file_id": f"{batch.id}-output" if answers else None,
            "error_file_id": f"{batch.id}-error" if errors else None,
            "created_at": int(batch.created),
            "expires_at": int(batch.created) + 86400,
            **({OPENAI_TIMES[status]: int(self.now())} if ended else {}),
            "request_counts": {"total": len(batch.requests), "completed": len(answers), "failed": len(errors)},
            "metadata": batch.metadata,
        }

    def _openai_files(self, batch: Batch) -> tuple[list[dict], list[dict]]:
        answers, errors = [], []
        for number, (custom_id, asked) in enumerate(batch.requests):
            line = {"id": f"batch_req_{number}", "custom_id": custom_id, "response": None, "error": None}
            step = self._outcome(batch, number, asked)
            if isinstance(step, str):
                errors.append(line | {"error": {"code": f"batch_{step}", "message": "SECRET-IN-BODY"}})
                continue
            status = step.status if isinstance(step, Fault) else 200
            own = error(asked.protocol, status)
            fault = isinstance(step, Fault)
            body = json.loads(step.body or own) if fault else render(asked.protocol, asked.model, step)
            line["response"] = {"status_code": status, "request_id": f"req-{number}", "body": body}
            (answers if status == 200 else errors).append(line)
        return answers, errors

    def _content(self, name, **_):
        batch, kind = name.rsplit("-", 1)
        answers, errors = self._openai_files(self._batch(batch))
        return self._lines(answers if kind == "output" else errors)

    def _list_openai(self, *, query, **_):
        return self._listed(query.get("after"), self.openai_object, {"object": "list"})

    # --- Anthropic

    def _create_anthropic(self, *, headers, content, **_):
        found = json.loads(content)["requests"]
        ids = {one["custom_id"] for one in found}
        sound = all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", one) for one in ids)
        if len(ids) != len(found) or not sound or not 1 <= len(found) <= 100_000:
            return 400, {}, error("anthropic", 400)
        requests = [(one["custom_id"], _question("/v1/messages", headers, one["params"])) for one in found]
        return _ok(self.anthropic_object(self._new(requests)))

    def anthropic_object(self, batch: Batch) -> dict:
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        for line in self._anthropic_lines(batch) if batch.ended else ():
            counts[line["result"]["type"]] += 1
        counts["processing"] = len(batch.requests) - sum(counts.values()) if not batch.ended else 0
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if batch.ended else "in_progress",
            "request_counts": counts,
            "created_at": _time(batch.created),
            "expires_at": _time(batch.created + 86400),
            "ended_at": _time(self.now()) if batch.ended else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"https://evil.example/v1/messages/batches/{batch.id}/results" if batch.ended else None,
        }

    def _anthropic_lines(self, batch: Batch) -> list[dict]:
        return [
            {"custom_id": custom_id, "result": self._anthropic_result(self._outcome(batch, number, asked), asked)}
            for number, (custom_id, asked) in enumerate(batch.requests)
        ]

    def _anthropic_result(self, step, asked):
        if step in ("expired", "cancelled"):
            return {"type": {"cancelled": "canceled"}.get(step, step)}
        if isinstance(step, Reply):
            return {"type": "succeeded", "message": render(asked.protocol, asked.model, step)}
        return {"type": "errored", "error": json.loads(error("anthropic", 500))}

    def _results(self, name, **_):
        return self._lines(self._anthropic_lines(self._batch(name)))

    def _list_anthropic(self, *, query, **_):
        return self._listed(query.get("after_id"), self.anthropic_object, {})

    # --- both

    def _new(self, requests, **more) -> Batch:
        protocol = requests[0][1].protocol
        name = f"{'msgbatch' if protocol == 'anthropic' else 'batch'}_{len(self.batches)}"
        batch = Batch(
            id=name,
            protocol=protocol,
            requests=requests,
            left=self.looks,
            ending=self.ending,
            created=self.now(),
            **more,
        )
        self.batches.append(batch)
        return batch

    def _outcome(self, batch: Batch, number: int, asked: Asked) -> Reply | Fault | str:
        """Of a batch that expired or was cancelled, every second request has an answer."""
        if batch.ending in ("expired", "cancelled") and number % 2:
            return batch.ending
        return self.in_batch(asked)

    def _look(self, name, **_):
        batch = self._batch(name)
        if batch is None:
            return 404, {}, error("openai-chat", 404)
        batch.left -= 1
        return _ok(self.anthropic_object(batch) if batch.protocol == "anthropic" else self.openai_object(batch))

    def _batch(self, name: str) -> Batch | None:
        return next((one for one in self.batches if one.id == name), None)

    def _listed(self, after, form, more):
        """Newest first, two a page."""
        ordered = [
            one
            for one in self.batches[::-1]
            if (one.protocol == "anthropic") == (form == self.anthropic_object) and self.now() - one.created >= self.lag
        ]
        start = next((i + 1 for i, one in enumerate(ordered) if one.id == after), 0)
        part = ordered[start : start + 2]
        ends = {"first_id": part[0].id, "last_id": part[-1].id} if part else {"first_id": None, "last_id": None}
        return _ok({"data": [form(one) for one in part], "has_more": start + 2 < len(ordered), **ends, **more})

    def _lines(self, lines):
        """Not in the order of the requests, as the providers warn."""
        written = self.spoil([json.dumps(one).encode() for one in lines[::-1]])
        return 200, {"Content-Type": "application/x-jsonl"}, b"".join(one + b"\n" for one in written)


def file_object(name: str, size: int, now: float) -> dict:
    return {
        "id": name,
        "object": "file",
        "bytes": size,
        "created_at": int(now),
        "filename": "driftgate.jsonl",
        "purpose": "batch",
        "status": "processed",
    }


def _question(path: str, headers, body) -> Asked:
    asked = read(path, headers, json.dumps(body).encode())
    assert asked is not None, path
    return asked


def _ok(body) -> tuple[int, dict, bytes]:
    return 200, {}, json.dumps(body).encode()


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _handler(owner: FakeBatches) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            self._handle("GET")

        def do_POST(self) -> None:
            self._handle("POST")

        def _handle(self, method: str) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = owner.handle(method, self.path, dict(self.headers.items()), content)
            if status == 0:  # no reply at all
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *details: object) -> None:
            """Stay silent."""

    return Handler
