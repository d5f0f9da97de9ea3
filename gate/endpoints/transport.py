"""L3: one endpoint over HTTP: connection, time-outs, retries, and where a key may go.

The key goes to the policy's `base_url` and nowhere else: redirects are not followed, the environment's proxies and
netrc are not read, and what a failure says holds no body, header or key.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests

from gate.domain import CallFailure, ChatRequest, Completion, FailureKind
from gate.endpoints import PROTOCOLS
from gate.endpoints.batch_wire import HttpCall, Reply
from gate.endpoints.wire import Credentials
from gate.policy import EndpointRule, is_loopback

BODY_LIMIT = 8 * 1024 * 1024
FILE_LIMIT = 4 * 1024**3
"""Bytes of a reply that is streamed to a file."""
FILE_SECONDS = 3600.0
"""For such a reply, from the first byte to the last."""
LONGEST_WAIT = 60.0
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_KINDS: dict[int, FailureKind] = {401: "auth", 403: "auth", 404: "not-found", 410: "gone", 429: "rate-limited"}
_ADVICE = {
    401: "refused the key: check the secret",
    403: "refused access: check what the key may do",
    404: "knows no such model or path: check model and base_url",
    410: "is retired: choose another endpoint or model",
}


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Time and chance, passed in."""

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _utc_now
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    """An attempt that may be repeated, after `wait` seconds if the endpoint named any."""

    failure: CallFailure
    wait: float | None = None


@dataclass(slots=True, kw_only=True)
class HttpEndpoint:
    """An endpoint that can be asked from many threads; each thread keeps its own connection."""

    alias: str
    rule: EndpointRule
    credentials: Credentials = field(repr=False)
    waits: Waits = field(default_factory=Waits)
    _local: threading.local = field(default_factory=threading.local, init=False, repr=False)

    def ask(self, request: ChatRequest) -> Completion | CallFailure:
        """Ask, retrying what may pass. Never raises for one call."""
        outcome = self._attempt(request)
        for number in range(self.rule.retries):
            if not isinstance(outcome, _Again):
                break
            self.waits.sleep(self._pause(number, outcome.wait))
            outcome = self._attempt(request)
        return outcome.failure if isinstance(outcome, _Again) else outcome

    def _pause(self, number: int, asked: float | None) -> float:
        """Full jitter below 0.5 s · 2^number, on top of what Retry-After asked for."""
        backoff: float = min(LONGEST_WAIT, 0.5 * 2.0**number) * self.waits.jitter()
        return backoff + min(LONGEST_WAIT, asked or 0.0)

    def _attempt(self, request: ChatRequest) -> Completion | CallFailure | _Again:
        begun = self.waits.clock()
        try:
            self._check_address()
            with self._post(request) as response:
                outcome = self._read(response, begun)
        except requests.Timeout:
            return _Again(failure=self._failure("timeout", f"gave no answer in {self.rule.timeout_seconds:g} s"))
        except (requests.RequestException, OSError) as error:
            return _Again(failure=self._failure("network", f"could not be reached ({type(error).__name__})"))
        if isinstance(outcome, Completion):
            return replace(outcome, seconds=self.waits.clock() - begun)
        return outcome

    def _post(self, request: ChatRequest) -> requests.Response:
        protocol, limit = PROTOCOLS[self.rule.protocol], self.rule.timeout_seconds
        ready = protocol.prepare(self.rule, self.credentials, request, now=self.waits.now())
        return self._session().post(
            ready.url,
            data=ready.body,
            headers={"Content-Type": "application/json", "User-Agent": "driftgate", **ready.headers},
            timeout=(min(10.0, limit), limit),
            allow_redirects=False,
            stream=True,
        )

    def exchange(self, call: HttpCall) -> Reply | CallFailure:
        """One attempt of a call that is no question, below `base_url`, by the same rules of trust. Never raises.

        A CallFailure: no reply came, and whether the call arrived is not known.
        """
        limit = self.rule.timeout_seconds
        try:
            self._check_address()
            with contextlib.ExitStack() as open_ones:
                body = open_ones.enter_context(call.body.open("rb")) if isinstance(call.body, Path) else call.body
                response = self._session().request(
                    call.method,
                    f"{self.rule.base_url}{call.path}",
                    data=body or None,
                    headers={"User-Agent": "driftgate", **call.headers},
                    timeout=(min(10.0, limit), limit),
                    allow_redirects=False,
                    stream=True,
                )
                return self._received(open_ones.enter_context(response), call.into)
        except requests.Timeout:
            return self._failure("timeout", f"gave no answer in {limit:g} s")
        except (requests.RequestException, OSError) as error:
            return self._failure("network", f"could not be reached ({type(error).__name__})")

    def _received(self, response: requests.Response, into: Path | None) -> Reply | CallFailure:
        status, content, size = response.status_code, bytearray(), 0
        most, end = (BODY_LIMIT, self.rule.timeout_seconds) if into is None else (FILE_LIMIT, FILE_SECONDS)
        end += self.waits.clock()
        if not 200 <= status < 300:
            refused = self._refused(status, response.headers)
            if isinstance(refused, _Again):
                return Reply(status=status, failure=refused.failure, again=True, wait=refused.wait)
            return Reply(status=status, failure=refused)
        with contextlib.nullcontext() if into is None else into.open("wb") as file:
            for chunk in response.iter_content(65536):
                size += len(chunk)
                if size > most or self.waits.clock() > end:
                    return self._failure("protocol", "answered with more than can be taken, or too slowly")
                content.extend(chunk) if file is None else file.write(chunk)
        return Reply(status=status, body=bytes(content))

    def _session(self) -> requests.Session:
        found: requests.Session | None = getattr(self._local, "session", None)
        if found is None:
            found = self._local.session = requests.Session()
            found.trust_env = False
        return found

    def _check_address(self) -> None:
        """A public name that resolves to a private address is refused, unless the policy allows it."""
        if self.rule.allow_private or is_loopback(self.rule.base_url) or getattr(self._local, "checked", False):
            return
        host = urlsplit(self.rule.base_url).hostname or ""
        for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            if not ipaddress.ip_address(str(found[4][0]).partition("%")[0]).is_global:
                raise OSError(f"{host} resolves to a private address")
        self._local.checked = True

    def _read(self, response: requests.Response, begun: float) -> Completion | CallFailure | _Again:
        if response.status_code == 400:
            return self._blocked(response) or self._refused(400, response.headers)
        if response.status_code != 200:
            return self._refused(response.status_code, response.headers)
        content = bytearray()
        for chunk in response.iter_content(65536):
            content += chunk
            if len(content) > BODY_LIMIT:
                return self._failure("protocol", "answered with more than 8 MiB")
            if self.waits.clock() - begun > self.rule.timeout_seconds:
                return _Again(failure=self._failure("timeout", f"took over {self.rule.timeout_seconds:g} s"))
        try:
            payload = json.loads(content)
        except (ValueError, RecursionError):
            return _Again(failure=self._failure("protocol", "answered with something that is not JSON"))
        outcome = PROTOCOLS[self.rule.protocol].parse(payload)
        return self._failure(outcome.kind, outcome.detail) if isinstance(outcome, CallFailure) else outcome

    def _blocked(self, response: requests.Response) -> Completion | None:
        """The answer in an HTTP 400 that is one: a prompt that the endpoint's content filter blocked."""
        try:
            payload = json.loads(next(response.iter_content(65536), b""))
        except (ValueError, RecursionError):
            return None
        outcome = PROTOCOLS[self.rule.protocol].parse(payload)
        return outcome if isinstance(outcome, Completion) and outcome.finish_reason == "filter" else None

    def _refused(self, status: int, headers: Mapping[str, str]) -> CallFailure | _Again:
        if status in _ADVICE:
            where = f" in {self.rule.api_key_env}" if status in (401, 403) and self.rule.api_key_env else ""
            return self._failure(_KINDS[status], f"{_ADVICE[status]}{where} (HTTP {status})", fatal=True)
        if 300 <= status < 400:
            return self._failure("rejected", f"redirected (HTTP {status}); redirects are not followed")
        failure = self._failure(
            _KINDS.get(status, "server" if status >= 500 else "rejected"), f"answered HTTP {status}"
        )
        if status not in _RETRIED:
            return failure
        return _Again(failure=failure, wait=retry_after(headers.get("Retry-After"), self.waits.now()))

    def _failure(self, kind: FailureKind, detail: str, *, fatal: bool = False) -> CallFailure:
        host = urlsplit(self.rule.base_url).hostname
        return CallFailure(kind=kind, detail=f"endpoint {self.alias} ({host}) {detail}", fatal=fatal)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (seconds or an HTTP date); None when there is no usable one."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None
