"""L3: what a failed attempt means: whether asking again may help, how long to wait, and what a person is told.

Pure. An error's body is looked at for its code only, and a code is shown only where it is one of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from gate.domain import FailureKind, Json
from gate.endpoints.wire import items, mapping, text_of

LONGEST_WAIT = 60.0
"""Seconds. Whatever an endpoint asks for: a wait that should be longer is an attempt in between, no more."""
_FIRST_BACKOFF = 0.5

_KINDS: dict[int, FailureKind] = {
    401: "auth",
    402: "auth",
    403: "auth",
    404: "not-found",
    408: "timeout",
    410: "gone",
    429: "rate-limited",
}
_MAY_PASS_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_MAY_PASS_KIND: frozenset[FailureKind] = frozenset({"rate-limited", "server", "network", "timeout", "protocol"})

_FATAL_STATUS = {
    401: "refused the key: check the secret",
    402: "wants to be paid: check the account's credit",
    403: "refused access: check what the key may do",
    404: "knows no such model or path: check model and base_url",
    410: "is retired: choose another endpoint or model",
}
_NO_QUOTA = "has no quota left for this key: check plan and billing"
_FATAL_CODES: dict[str, tuple[FailureKind, str]] = {
    "insufficient_quota": ("rate-limited", _NO_QUOTA),
    "billing_hard_limit_reached": ("rate-limited", _NO_QUOTA),
    "billing_not_active": ("rate-limited", _NO_QUOTA),
    "API_KEY_INVALID": ("auth", _FATAL_STATUS[401]),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An attempt without an answer. `detail` goes on from "endpoint NAME (HOST) ".

    `again`: asking again may help. `fatal`: asking this endpoint anything cannot. `asked`: seconds that it asked to
    be left alone. `reached`: it answered by HTTP, whatever it said. `answering`: what it said was about the
    request, so the endpoint itself is well. `limited`: it takes no more calls for now.
    """

    kind: FailureKind
    detail: str
    again: bool
    fatal: bool = False
    asked: float | None = None
    reached: bool = True

    @property
    def answering(self) -> bool:
        return self.kind == "rejected"

    @property
    def limited(self) -> bool:
        return self.kind == "rate-limited"


def may_pass(kind: FailureKind, *, status: int = 200, code: str = "") -> bool:
    """Whether the same request may succeed later. `status` is 200 also where there was no HTTP answer."""
    if code in _FATAL_CODES:
        return False
    return kind in _MAY_PASS_KIND if status == 200 else status in _MAY_PASS_STATUS


def silence(kind: FailureKind, detail: str) -> Fault:
    """No HTTP answer at all."""
    return Fault(kind=kind, detail=detail, again=may_pass(kind), reached=False)


def no_completion(kind: FailureKind, detail: str, payload: Json) -> Fault:
    """HTTP 200 with something that is no answer: an error object is taken like the status it stands for."""
    code = _fatal_code(payload)
    if code:
        return _fatal(*_FATAL_CODES[code], code)
    return Fault(kind=kind, detail=detail, again=may_pass(kind), asked=_delay_in_body(payload))


def refused(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Fault:
    """An HTTP status that is not 200."""
    payload = _payload(body)
    if code := _fatal_code(payload):
        return _fatal(*_FATAL_CODES[code], code)
    if status in _FATAL_STATUS:
        return _fatal(_KINDS[status], _FATAL_STATUS[status], f"HTTP {status}")
    if 300 <= status < 400:
        detail = f"redirected (HTTP {status}); redirects are not followed"
        return Fault(kind="rejected", detail=detail, again=False)
    kind = _KINDS.get(status, "server" if status >= 500 else "rejected")
    asked = asked_wait(headers, now)
    return Fault(
        kind=kind,
        detail=f"answered HTTP {status}",
        again=may_pass(kind, status=status),
        asked=_delay_in_body(payload) if asked is None else asked,
    )


def _fatal(kind: FailureKind, detail: str, why: str) -> Fault:
    return Fault(kind=kind, detail=f"{detail} ({why})", again=False, fatal=True)


def _payload(body: bytes) -> Json:
    try:
        payload: Json = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return payload


def _fatal_code(payload: Json) -> str:
    error = mapping(mapping(payload).get("error"))
    words = [error.get("code"), error.get("type"), *(one.get("reason") for one in items(error.get("details")))]
    return next((one for one in words if isinstance(one, str) and one in _FATAL_CODES), "")


def _delay_in_body(payload: Json) -> float | None:
    """Google's RetryInfo."""
    details = items(mapping(mapping(payload).get("error")).get("details"))
    waits = [duration(text_of(one.get("retryDelay"))) for one in details]
    return next((min(wait, LONGEST_WAIT) for wait in waits if wait is not None), None)


def backoff(number: int, jitter: float) -> float:
    """Full jitter: `jitter` (in [0, 1)) of 0.5 s · 2^number; at most the longest wait."""
    return min(LONGEST_WAIT, _FIRST_BACKOFF * 2.0 ** min(number, 30)) * jitter


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the endpoint asked to be left alone, 60 at most; None when it did not.

    `retry-after-ms`, then `Retry-After` (seconds or an HTTP date), then the reset of any used-up limit. Instants are
    compared with the answer's own Date, so neither clock needs to be right.
    """
    now = _instant(headers.get("date")) or now
    found = _milliseconds(headers.get("retry-after-ms"))
    if found is None:
        found = retry_after(headers.get("retry-after"), now)
    if found is None:
        found = max(_resets(headers, now), default=None)
    return None if found is None else min(max(found, 0.0), LONGEST_WAIT)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (seconds or an HTTP date); None when there is no usable one."""
    if value is None:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value.strip(), re.ASCII):
        return float(value)
    then = _instant(value)
    return None if then is None else max(0.0, (then - now).total_seconds())


def _milliseconds(value: str | None) -> float | None:
    usable = value is not None and re.fullmatch(r"\d{1,12}(\.\d{1,9})?", value.strip(), re.ASCII)
    return float(value or 0) / 1000 if usable else None


def _instant(value: str | None) -> datetime | None:
    """An HTTP date or RFC 3339, with its time zone."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read((value or "").strip())
        except (ValueError, TypeError, OverflowError):
            continue
        return found if found.tzinfo else None
    return None


def _resets(headers: Mapping[str, str], now: datetime) -> Iterator[float]:
    """When each limit that is used up is whole again: OpenAI's and its compatibles' headers, and Anthropic's."""
    for what in ("requests", "tokens", "input-tokens", "output-tokens"):
        if _used_up(headers.get(f"x-ratelimit-remaining-{what}")):
            wait = duration(headers.get(f"x-ratelimit-reset-{what}", ""))
            yield from () if wait is None else (wait,)
        if _used_up(headers.get(f"anthropic-ratelimit-{what}-remaining")):
            then = _instant(headers.get(f"anthropic-ratelimit-{what}-reset"))
            yield from () if then is None else ((then - now).total_seconds(),)


def _used_up(remaining: str | None) -> bool:
    return remaining is not None and re.fullmatch(r"-?\d+", remaining.strip()) is not None and int(remaining[:20]) <= 0


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "": 1.0}


def duration(text: str) -> float | None:
    """Seconds in `6m0s`, `1h2m`, `7.66s`, `20ms` or plain `12`; None for anything else."""
    text = text.strip()
    if not re.fullmatch(r"(\d{1,9}(\.\d{1,9})?(ms|h|m|s))+|\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s|)", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
