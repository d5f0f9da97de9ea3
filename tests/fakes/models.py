"""A model server on loopback that speaks every wire protocol, and breaks as it is told to.

`Reply` is what is answered, in no protocol's words; `render` puts it into a protocol's form. What `render` gives is
held to the official SDKs' own response types by tests/unit/endpoints/test_fakes_are_true.py.

    with FakeModels(lambda asked: Reply(text=asked.prompt.upper())) as server:
        server.script(Fault(status=429, headers={"Retry-After": "1"}), Reply(text="once"))  # first these, then respond
        rule = EndpointRule(protocol="anthropic", base_url=server.base_url("anthropic"))
"""

import json
import re
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import unquote, urlsplit

from gate.domain import FinishReason, Usage
from gate.endpoint_rule import ProtocolName

ROOTS: dict[ProtocolName, str] = {
    "openai-chat": "/v1",
    "openai-responses": "/v1",
    "anthropic": "/v1",
    "gemini": "/v1",
    "bedrock": "",
}
_PATHS: list[tuple[str, ProtocolName]] = [
    (r"/v1/chat/completions", "openai-chat"),
    (r"/openai/deployments/(?P<model>[^/]+)/chat/completions", "openai-chat"),
    (r"/v1/responses", "openai-responses"),
    (r"/v1/messages", "anthropic"),
    (r"/v1(?:beta)?/models/(?P<model>[^/]+):generateContent", "gemini"),
    (r"/model/(?P<model>[^/]+)/converse", "bedrock"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it came in; `messages` are (role, text), the system prompt among them."""

    protocol: ProtocolName
    model: str
    messages: tuple[tuple[str, str], ...]
    path: str
    headers: Mapping[str, str]
    body: dict
    raw: bytes

    @property
    def prompt(self) -> str:
        return self.messages[-1][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. `usage` has the project's meaning: cached is part of input, reasoning of output.

    `at`: which of the two a filter acted on.
    """

    text: str = "an answer"
    finish: FinishReason = "stop"
    refusal: str | None = None
    filtered: tuple[str, ...] = ()
    at: str = "answer"
    model: str | None = None  # None: the model that was asked
    fingerprint: str | None = None
    usage: Usage = field(default_factory=lambda: Usage(input_tokens=12, output_tokens=3))
    thoughts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong. Without `body`, a status other than 200 has the protocol's own error object.

    `cut`: only that many bytes of the body come, then the connection is closed. `reset`: it is reset instead.
    `drip`: seconds between the bytes of the body. `wait`: seconds before anything is answered.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    code: str = ""
    cut: int | None = None
    reset: bool = False
    drip: float = 0.0
    wait: float = 0.0


Respond = Callable[[Asked], Reply | Fault]


class FakeModels:
    """A context manager. `seen` are the requests in the order they came in; `most_at_once` how many were open."""

    def __init__(self, respond: Respond = lambda asked: Reply(text=f"echo: {asked.prompt}")) -> None:
        self.seen: list[Asked] = []
        self.most_at_once = 0
        self._respond = respond
        self._steps: deque[Reply | Fault] = deque()
        self._open = 0
        self._lock = threading.Lock()
        self._server = QuietServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def base_url(self, protocol: ProtocolName) -> str:
        return self.root + ROOTS[protocol]

    def script(self, *steps: Reply | Fault) -> None:
        """The next requests get these, one each, in this order."""
        with self._lock:
            self._steps.extend(steps)

    def step(self, asked: Asked) -> Reply | Fault:
        with self._lock:
            self.seen.append(asked)
            if self._steps:
                return self._steps.popleft()
        return self._respond(asked)

    def entered(self, by: int) -> None:
        with self._lock:
            self._open += by
            self.most_at_once = max(self.most_at_once, self._open)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address) -> None:
        """A client that went away is no news."""


def _handler(owner: FakeModels) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            owner.entered(1)
            try:
                self._answer()
            finally:
                owner.entered(-1)

        def _answer(self) -> None:
            asked = read(self.path, dict(self.headers.items()), self.rfile.read(int(self.headers["Content-Length"])))
            if asked is None:
                self._send(404, {}, b'{"error": {"message": "no such path"}}', Fault())
                return
            step = owner.step(asked)
            if isinstance(step, Reply):
                self._send(200, {}, json.dumps(render(asked.protocol, asked.model, step)).encode(), Fault())
                return
            time.sleep(step.wait)
            own = error(asked.protocol, step.status, step.code)
            self._send(step.status, step.headers, step.body if step.body is not None else own, step)

        def _send(self, status: int, headers: Mapping[str, str], body: bytes, fault: Fault) -> None:
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            part = body if fault.cut is None else body[: fault.cut]
            for chunk in [part[i : i + 1] for i in range(len(part))] if fault.drip else [part]:
                time.sleep(fault.drip)
                self.wfile.write(chunk)
                self.wfile.flush()
            if fault.reset:  # SO_LINGER 0: the close is a RST
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = fault.cut is not None or fault.reset

        def log_message(self, *details: object) -> None:
            """Stay silent."""

    return Handler


def read(path: str, headers: Mapping[str, str], content: bytes) -> Asked | None:
    """A request in the words that all protocols share; None for a path that no protocol has."""
    for pattern, protocol in _PATHS:
        if found := re.fullmatch(pattern, urlsplit(path).path):
            body = json.loads(content)
            model = unquote(found.groupdict().get("model") or "") or body["model"]
            talk = tuple(_messages(protocol, body))
            return Asked(
                protocol=protocol, model=model, messages=talk, path=path, headers=headers, body=body, raw=content
            )
    return None


def _messages(protocol: ProtocolName, body: dict):
    system = {
        "openai-responses": body.get("instructions"),
        "anthropic": body.get("system"),
        "gemini": "".join(part["text"] for part in body.get("systemInstruction", {}).get("parts", [])),
        "bedrock": "".join(part["text"] for part in body.get("system") or []) if protocol == "bedrock" else "",
    }.get(protocol)
    if system:
        yield "system", system
    for one in body.get("messages") or body.get("input") or body.get("contents"):
        content = one["content"] if "content" in one else one["parts"]
        text = content if isinstance(content, str) else "".join(part["text"] for part in content)
        yield {"model": "assistant"}.get(one["role"], one["role"]), text


def render(protocol: ProtocolName, model: str, reply: Reply) -> dict:
    """The reply in the protocol's form. Raises KeyError for what the protocol has no words for."""
    return _RENDER[protocol](reply.model or model, reply)


def _chat(model: str, reply: Reply) -> dict:
    usage, content = reply.usage, reply.text
    refused = reply.finish == "refusal"
    choice = {
        "index": 0,
        "finish_reason": {"stop": "stop", "refusal": "stop", "length": "length", "filter": "content_filter"}[
            reply.finish
        ],
        "logprobs": None,
        "message": {"role": "assistant", "content": None if refused else content, "refusal": reply.refusal},
    }
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "system_fingerprint": reply.fingerprint,
        "choices": [choice],
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        },
    }
    if reply.filtered:
        found = {"hate": {"filtered": False, "severity": "safe"}}
        found |= {name: {"filtered": True, "severity": "high"} for name in reply.filtered}
        if reply.at == "answer":
            choice["content_filter_results"] = found
        else:
            body["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": found}]
    return body


def _responses(model: str, reply: Reply) -> dict:
    usage = reply.usage
    why = {"length": "max_output_tokens", "filter": "content_filter"}.get(reply.finish)
    part = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
    if reply.finish == "refusal":
        part = {"type": "refusal", "refusal": reply.refusal}
    state = "incomplete" if why else "completed"
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": state, "content": [part]}
    thinking = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": reply.thoughts}]}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": state,
        "error": None,
        "incomplete_details": {"reason": why} if why else None,
        "model": model,
        "output": [thinking, message] if reply.thoughts else [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": usage.input_tokens,
            "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
            "output_tokens": usage.output_tokens,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
            "total_tokens": usage.input_tokens + usage.output_tokens,
        },
    }


def _anthropic(model: str, reply: Reply) -> dict:
    usage = reply.usage
    details = {"type": "refusal", "category": next(iter(reply.filtered), None), "explanation": reply.refusal}
    thinking = {"type": "thinking", "thinking": reply.thoughts, "signature": "c2ln"}
    content = [thinking] if reply.thoughts else []
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [*content, {"type": "text", "text": reply.text}] if reply.text else content,
        "stop_reason": {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal"}[reply.finish],
        "stop_sequence": None,
        "stop_details": details if reply.finish == "refusal" else None,
        "usage": {
            "input_tokens": usage.input_tokens - usage.cached_tokens,
            "cache_read_input_tokens": usage.cached_tokens,
            "cache_creation_input_tokens": 0,
            "output_tokens": usage.output_tokens,
            "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
        },
    }


def _gemini(model: str, reply: Reply) -> dict:
    usage = reply.usage
    body = {
        "modelVersion": model,
        "responseId": "r1",
        "usageMetadata": {
            "promptTokenCount": usage.input_tokens,
            "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
            "totalTokenCount": usage.input_tokens + usage.output_tokens,
            "thoughtsTokenCount": usage.reasoning_tokens,
            "cachedContentTokenCount": usage.cached_tokens,
        },
    }
    ratings = [
        {"category": f"HARM_CATEGORY_{name.upper().replace('-', '_')}", "probability": "HIGH", "blocked": True}
        for name in reply.filtered
    ]
    if reply.finish == "filter" and reply.at == "prompt":
        return body | {"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": ratings}}
    thoughts = [{"text": reply.thoughts, "thought": True}] if reply.thoughts else []
    parts = [*thoughts, *([{"text": reply.text}] if reply.text else [])]
    candidate = {
        "index": 0,
        "content": {"role": "model", "parts": parts} if parts else {"role": "model"},
        "finishReason": {"stop": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY"}[reply.finish],
        "safetyRatings": ratings,
    }
    return body | {"candidates": [candidate]}


def _bedrock(model: str, reply: Reply) -> dict:
    usage = reply.usage
    thinking = {"reasoningContent": {"reasoningText": {"text": reply.thoughts, "signature": "c2ln"}}}
    content = [thinking] if reply.thoughts else []
    return {
        "output": {"message": {"role": "assistant", "content": [*content, {"text": reply.text}]}},
        "stopReason": {"stop": "end_turn", "length": "max_tokens", "filter": "guardrail_intervened"}[reply.finish],
        "usage": {
            "inputTokens": usage.input_tokens - usage.cached_tokens,
            "outputTokens": usage.output_tokens,
            "totalTokens": usage.input_tokens + usage.output_tokens,
            "cacheReadInputTokens": usage.cached_tokens,
            "cacheWriteInputTokens": 0,
        },
        "metrics": {"latencyMs": 1},
    }


_RENDER = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "bedrock": _bedrock,
}


def error(protocol: ProtocolName, status: int, code: str = "") -> bytes:
    """The protocol's error object. Its message holds what no output may repeat."""
    message = "SECRET-IN-BODY"
    body = {
        "anthropic": {"type": "error", "error": {"type": code or "api_error", "message": message}},
        "gemini": {"error": {"code": status, "message": message, "status": code or "INTERNAL"}},
        "bedrock": {"message": message},
    }.get(protocol, {"error": {"message": message, "type": code or "server_error", "code": code, "param": None}})
    return json.dumps(body).encode()
