"""What a failed attempt means, as tables."""

import json
from datetime import UTC, datetime

import pytest

from gate.endpoints.retry import LONGEST_WAIT, asked_wait, backoff, duration, may_pass, no_completion, refused

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "status", "code", "again"),
    [
        ("network", 200, "", True),
        ("timeout", 200, "", True),
        ("protocol", 200, "", True),
        ("rate-limited", 200, "", True),
        ("server", 200, "", True),
        ("rejected", 200, "", False),
        ("rate-limited", 429, "", True),
        ("rate-limited", 429, "rate_limit_exceeded", True),
        ("rate-limited", 429, "insufficient_quota", False),
        ("server", 500, "", True),
        ("server", 501, "", False),
        ("server", 502, "", True),
        ("server", 503, "", True),
        ("server", 504, "", True),
        ("server", 529, "", True),
        ("timeout", 408, "", True),
        ("rejected", 409, "", True),
        ("rejected", 425, "", True),
        ("rejected", 400, "", False),
        ("rejected", 413, "", False),
        ("rejected", 422, "", False),
        ("auth", 401, "", False),
        ("auth", 403, "", False),
        ("not-found", 404, "", False),
        ("gone", 410, "", False),
    ],
)
def test_may_pass(kind, status, code, again):
    assert may_pass(kind, status=status, code=code) == again


@pytest.mark.parametrize(
    ("status", "error", "kind", "fatal", "says"),
    [
        (429, {"code": "insufficient_quota"}, "rate-limited", True, "no quota left"),
        (429, {"type": "insufficient_quota", "code": None}, "rate-limited", True, "no quota left"),
        (400, {"status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}, "auth", True, "the secret"),
        (429, {"code": "SECRET"}, "rate-limited", False, "HTTP 429"),
        (402, {}, "auth", True, "credit"),
        (401, {}, "auth", True, "the secret"),
        (404, {}, "not-found", True, "base_url"),
        (410, {}, "gone", True, "retired"),
        (307, {}, "rejected", False, "redirects are not followed"),
        (204, {}, "rejected", False, "HTTP 204"),
        (418, {}, "rejected", False, "HTTP 418"),
        (520, {}, "server", False, "HTTP 520"),
    ],
)
def test_refused__says_what_to_do_and_never_what_the_body_says(status, error, kind, fatal, says):
    body = json.dumps({"error": {"message": "SECRET", **error}}).encode()
    fault = refused(status, {"Location": "https://SECRET"}, body, NOW)
    assert (fault.kind, fault.fatal) == (kind, fatal)
    assert says in fault.detail
    assert "SECRET" not in fault.detail


def test_no_completion__an_error_object_is_taken_like_the_status_it_stands_for():
    assert no_completion("server", "answered with an error object", {"error": {}}).again
    assert no_completion("rate-limited", "answered with an error object", {"error": {}}).limited
    assert no_completion("rate-limited", "x", {"error": {"code": "insufficient_quota"}}).fatal
    assert not no_completion("rejected", "answered with an error object", {"error": {}}).again


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "99999"}, LONGEST_WAIT),
        ({"retry-after": "Tue, 24 Nov 2026 00:00:30 GMT"}, 30),
        ({"retry-after": "Mon, 23 Nov 2026 00:00:00 GMT"}, 0),
        # neither our clock nor theirs is right: what counts is the difference
        ({"retry-after": "Tue, 24 Nov 2020 00:00:30 GMT", "date": "Tue, 24 Nov 2020 00:00:10 GMT"}, 20),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12ms"}, 0.012),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, LONGEST_WAIT),
        ({"x-ratelimit-remaining-tokens": "7", "x-ratelimit-reset-tokens": "6m0s"}, None),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "5.5s",
            },
            5.5,
        ),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-11-24T00:00:09Z",
            },
            9,
        ),
        (
            {
                "anthropic-ratelimit-output-tokens-remaining": "0",
                "anthropic-ratelimit-output-tokens-reset": "2026-11-24T00:00:09Z",
                "date": "Tue, 24 Nov 2026 00:00:05 GMT",
            },
            4,
        ),
        ({"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "never"}, None),
        ({"x-ratelimit-remaining-requests": "0" * 5_000, "x-ratelimit-reset-requests": "1" * 5_000}, None),
    ],
)
def test_asked_wait(headers, seconds):
    assert asked_wait(headers, NOW) == pytest.approx(seconds)


def test_asked_wait__googles_retry_info_is_in_the_body():
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}]
    body = json.dumps({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": details}}).encode()
    assert refused(429, {}, body, NOW).asked == 34.07
    assert refused(429, {"retry-after": "2"}, body, NOW).asked == 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("20ms", 0.02),
        ("1s", 1),
        ("12", 12),
        ("0.25", 0.25),
        ("", None),
        ("s", None),
        ("1d", None),
        ("-1s", None),
        ("1s 2s", None),
    ],
)
def test_duration(text, seconds):
    assert duration(text) == pytest.approx(seconds)


def test_backoff__full_jitter_below_a_doubling_that_ends():
    assert [backoff(number, 1.0) for number in range(4)] == [0.5, 1.0, 2.0, 4.0]
    assert backoff(0, 0.0) == 0.0
    assert backoff(10_000, 1.0) == LONGEST_WAIT
