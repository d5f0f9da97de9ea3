"""L3: one endpoint over HTTP: an attempt, what it gave, and whether to try again.

Where the key may go is `trust`'s, time and size are `connection`'s, when to start is `turnstile`'s, and what a failure
means is `retry`'s. What a failure says holds no body, header or key.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from gate.budget import estimate
from gate.domain import CallFailure, ChatRequest, Completion, FailureKind, Json
from gate.endpoint_rule import EndpointRule
from gate.endpoints import PROTOCOLS
from gate.endpoints.breaker import Breaker
from gate.endpoints.channel import NoAnswerError, Response, Sink, TooLargeError
from gate.endpoints.connection import Connection, Timer
from gate.endpoints.limits import Limiter
from gate.endpoints.retry import Fault, backoff, no_completion, refused, silence
from gate.endpoints.trust import RefusedError, Trust
from gate.endpoints.turnstile import Sleep, Turnstile
from gate.endpoints.wire import Credentials, HttpRequest

if TYPE_CHECKING:
    from gate.endpoints.batch_wire import HttpCall, Reply

FILE_LIMIT = 4 * 1024**3
"""Bytes of a reply that is streamed to a file."""
FILE_SECONDS = 3600.0
"""For a call that sends or fetches a file, in all."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Time and chance, passed in. `clock` does not jump. `sleep` left out: a wait that giving up cuts short."""

    sleep: Sleep | None = None
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _utc_now
    jitter: Callable[[], float] = random.random


@dataclass(slots=True, kw_only=True)
class HttpEndpoint:
    """An endpoint that can be asked from many threads; each thread keeps its own connection."""

    alias: str
    rule: EndpointRule
    credentials: Credentials = field(repr=False)
    waits: Waits = field(default_factory=Waits)
    trust: Trust | None = None
    _trust: Trust = field(init=False, repr=False)
    _turnstile: Turnstile = field(init=False, repr=False)
    _local: threading.local = field(default_factory=threading.local, init=False, repr=False)
    _last: Fault | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._trust = self.trust or Trust.of(self.rule)
        self._turnstile = Turnstile(
            limiter=Limiter.of(self.rule.requests_per_minute, self.rule.tokens_per_minute),
            breaker=Breaker(give_up_seconds=self.rule.give_up_seconds),
            clock=self.waits.clock,
            jitter=self.waits.jitter,
            sleep=self.waits.sleep,
        )

    def ask(self, request: ChatRequest) -> Completion | CallFailure:
        """Ask, retrying what may pass. Never raises for one call."""
        guess = estimate(request, None).tokens
        number, waited = 0, 0.0
        while True:
            outcome = self._attempt(request, guess)
            if not isinstance(outcome, Fault):
                return outcome
            wait = (outcome.asked or 0.0) + (0.0 if outcome.limited else backoff(number, self.waits.jitter()))
            waited += wait
            if not outcome.again or number >= self.rule.retries or waited > self.rule.retry_seconds:
                break
            if not outcome.limited:  # such a call waits at the turnstile, with all others
                self._turnstile.rest(wait)
            number += 1
        return self._failure(outcome.kind, outcome.detail, fatal=outcome.fatal)

    def _attempt(self, request: ChatRequest, guess: int) -> Completion | CallFailure | Fault:
        passed = self._turnstile.enter(guess)
        if passed is None:
            return self._given_up()
        begun = self.waits.clock()
        outcome: Completion | Fault = silence("protocol", "could not be asked")
        try:
            outcome = self._outcome(request)
        finally:
            if isinstance(outcome, Fault):
                self._last = outcome
            self._turnstile.leave(passed, outcome)
        if isinstance(outcome, Completion):
            return replace(outcome, seconds=self.waits.clock() - begun)
        return outcome

    def _outcome(self, request: ChatRequest) -> Completion | Fault:
        ready = PROTOCOLS[self.rule.protocol].prepare(self.rule, self.credentials, request, now=self.waits.now())
        response = self._received(lambda: self._post(ready))
        return response if isinstance(response, Fault) else self._read(response)

    def exchange(self, call: HttpCall) -> Reply | CallFailure:
        """One attempt of a call that is no question, below `base_url`, by the same rules of trust. Never raises.

        A CallFailure: no reply came, and whether the call arrived is not known.
        """
        from gate.endpoints.batch_wire import Reply

        response = self._received(lambda: self._transfer(call))
        if isinstance(response, Fault):
            return self._failure(response.kind, response.detail, fatal=response.fatal)
        if 200 <= response.status < 300:
            return Reply(status=response.status, body=response.body)
        fault = refused(response.status, response.headers, response.body, self.waits.now())
        failure = self._failure(fault.kind, fault.detail, fatal=fault.fatal)
        return Reply(
            status=response.status, failure=failure, again=fault.again, wait=fault.asked if fault.again else None
        )

    def _transfer(self, call: HttpCall) -> Response:
        """On a connection of its own: such calls are few, and a file takes longer than an answer may."""
        files = isinstance(call.body, Path) or call.into is not None
        connection = self._connected(total=FILE_SECONDS if files else self.rule.timeout_seconds)
        path, headers = f"{urlsplit(self.rule.base_url).path}{call.path}", {"User-Agent": "driftgate", **call.headers}
        with contextlib.ExitStack() as opened:
            body: bytes | BinaryIO | None = call.body or None if isinstance(call.body, bytes) else None
            if isinstance(call.body, Path):
                body = opened.enter_context(call.body.open("rb"))
                headers["Content-Length"] = str(call.body.stat().st_size)
            into = None
            if call.into is not None:
                into = Sink(file=opened.enter_context(call.into.open("wb")), most=FILE_LIMIT)
            return connection.send(call.method, path, headers, body, into=into)

    def _received(self, send: Callable[[], Response]) -> Response | Fault:
        """What came back, or why nothing did."""
        try:
            return send()
        except RefusedError as error:
            return Fault(kind="network", detail=str(error), again=False, fatal=True, reached=False)
        except TooLargeError:
            return Fault(kind="protocol", detail="answered with more than 8 MiB", again=False)
        except TimeoutError:
            return silence("timeout", f"gave no whole answer in time (timeout_seconds: {self.rule.timeout_seconds:g})")
        except OSError as error:
            return silence("network", _words(error))
        except ValueError:
            where = self.rule.api_key_env or "the policy"
            detail = f"cannot be asked: the key in {where} holds what no header can carry (a line break?)"
            return Fault(kind="auth", detail=detail, again=False, fatal=True, reached=False)

    def _post(self, ready: HttpRequest) -> Response:
        """To the host of the policy: of what was prepared, only the path is taken."""
        parts = urlsplit(ready.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = {"Content-Type": "application/json", "User-Agent": "driftgate", **ready.headers}
        return self._connection().post(path or "/", headers, ready.body)

    def _connection(self) -> Connection:
        found: Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self._connected(total=self.rule.timeout_seconds)
        return found

    def _connected(self, *, total: float) -> Connection:
        rule = self.rule
        timer = Timer(
            clock=self.waits.clock,
            connect=rule.connect_seconds,
            silence=rule.read_seconds or rule.timeout_seconds,
            total=total,
        )
        return Connection(trust=self._trust, timer=timer)

    def _read(self, response: Response) -> Completion | Fault:
        if response.status != 200:
            blocked = self._blocked(response) if response.status == 400 else None
            return blocked or refused(response.status, response.headers, response.body, self.waits.now())
        try:
            payload: Json = json.loads(response.body)
        except (ValueError, RecursionError):
            return no_completion("protocol", "answered with something that is not JSON", None)
        outcome = PROTOCOLS[self.rule.protocol].parse(payload)
        return outcome if isinstance(outcome, Completion) else no_completion(outcome.kind, outcome.detail, payload)

    def _blocked(self, response: Response) -> Completion | None:
        """The answer in an HTTP 400 that is one: a prompt that the endpoint's content filter blocked."""
        try:
            payload: Json = json.loads(response.body)
        except (ValueError, RecursionError):
            return None
        outcome = PROTOCOLS[self.rule.protocol].parse(payload)
        return outcome if isinstance(outcome, Completion) and outcome.finish_reason == "filter" else None

    def _given_up(self) -> CallFailure:
        last = self._last
        seconds = self._turnstile.breaker.given_up or 0.0
        why = f"only failed for {seconds:.0f} s and was given up; the last time it {last.detail if last else 'failed'}"
        return self._failure(last.kind if last else "network", why, fatal=True)

    def _failure(self, kind: FailureKind, detail: str, *, fatal: bool) -> CallFailure:
        host = urlsplit(self.rule.base_url).hostname
        return CallFailure(kind=kind, detail=f"endpoint {self.alias} ({host}) {detail}", fatal=fatal)


def _words(error: Exception) -> str:
    """What went wrong, without what the other end wrote."""
    if isinstance(error, NoAnswerError):
        return str(error)
    why = type(error).__name__
    if isinstance(error, socket.gaierror):
        why = "its name cannot be resolved"
    if isinstance(error, ConnectionRefusedError):
        why = "connection refused"
    return f"could not be reached ({why})"
