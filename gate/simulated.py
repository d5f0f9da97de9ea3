"""L3: an endpoint on this machine that speaks the real protocol and is no model. For `demo` and for tests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Respond = Callable[[str, list[dict[str, str]]], str]
"""(model, messages) → text of the answer."""


class SimulatedEndpoint:
    """A context manager; `base_url` is valid inside it. `served` counts the calls it answered."""

    def __init__(self, respond: Respond, *, delay_s: float = 0.0) -> None:
        self.served = 0
        self._server = _Server(("127.0.0.1", 0), _handler(self, respond, delay_s))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


def _handler(owner: SimulatedEndpoint, respond: Respond, delay_s: float) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = respond(asked["model"], asked["messages"])
            owner.served += 1
            if delay_s:
                time.sleep(delay_s)
            body = json.dumps(completion(asked["model"], asked["messages"], text)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *details: object) -> None:
            """Stay silent."""

    return Handler


def completion(model: str, messages: list[dict[str, str]], text: str) -> dict[str, Any]:
    """An answer in the protocol's form; tokens are estimated at four characters each."""
    read, written = sum(len(one["content"]) for one in messages) // 4, len(text) // 4
    return {
        "id": "simulated",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "system_fingerprint": "simulated",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
    }
