"""Whatever goes wrong, and whatever the other end writes: a failure's words are ours."""

import json
import socket
import ssl

import pytest
from hypothesis import given, settings, strategies as st

from gate.domain import CallFailure, ChatRequest, Completion, Message
from gate.endpoint_rule import EndpointRule
from gate.endpoints import PROTOCOLS, transport
from gate.endpoints.channel import Response, TooLargeError
from gate.endpoints.transport import HttpEndpoint, Waits
from gate.endpoints.trust import Trust
from gate.endpoints.wire import Credentials

MARK = "MARKED"
KEY = f"sk-{MARK}-key"
TRUST = Trust.of(EndpointRule(protocol="openai-chat", base_url="https://api.example.com/v1"))
REQUEST = ChatRequest(model="m", messages=(Message(role="user", content=f"{MARK} prompt"),))
NAMES = [
    "error",
    "code",
    "type",
    "status",
    "message",
    "details",
    "reason",
    "retryDelay",
    "choices",
    "content",
    "output",
]
WORDS = st.sampled_from([MARK, "insufficient_quota", "API_KEY_INVALID", "rate_limit_exceeded", "5", "", "1s"])
JSON = st.recursive(
    st.none() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, MARK]), inner, max_size=4),
    max_leaves=12,
)
BODIES = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40).map(
    lambda tail: MARK.encode() + tail
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "retry-after",
            "retry-after-ms",
            "date",
            "location",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
            "anthropic-ratelimit-tokens-remaining",
            "anthropic-ratelimit-tokens-reset",
            "www-authenticate",
        ]
    ),
    st.sampled_from(
        [MARK, "0", "7", "", "6m0s", "-1", "2026-11-24T00:00:00Z", "Tue, 24 Nov 2026 00:00:30 GMT", "9" * 400]
    ),
    max_size=5,
)
ERRORS = [
    TooLargeError(MARK),
    TimeoutError(MARK),
    socket.gaierror(-2, MARK),
    ConnectionRefusedError(MARK),
    ConnectionResetError(MARK),
    ssl.SSLError(1, MARK),
    ValueError(f"Invalid header value b'{MARK}'"),
    OSError(MARK),
]


def outcome(protocol, result):
    """Ask an endpoint whose connection gives or raises `result`."""

    class Fake:
        def __init__(self, **kind):
            pass

        def post(self, *request):
            if isinstance(result, Exception):
                raise result
            return result

    rule = EndpointRule(protocol=protocol, base_url="https://api.example.com/v1", api_key_env="THE_KEY", retries=1)
    waits = Waits(sleep=lambda seconds: None, jitter=lambda: 0.0)
    endpoint = HttpEndpoint(alias="e", rule=rule, credentials=Credentials(key=KEY), waits=waits, trust=TRUST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "Connection", Fake)
        return endpoint.ask(REQUEST), endpoint


def check(found, endpoint):
    assert isinstance(found, Completion | CallFailure)
    if isinstance(found, CallFailure):
        assert MARK not in found.detail
        assert found.detail.startswith("endpoint e (api.example.com) ")
        assert found.detail.isprintable()
        assert len(found.detail) < 300
    assert MARK not in repr(endpoint)


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
@settings(max_examples=80, deadline=None, derandomize=True)
@given(status=st.sampled_from([200, 204, 302, 400, 401, 403, 404, 408, 410, 418, 429, 500, 503, 529]), headers=HEADERS, body=BODIES)  # fmt: skip
def test_answers__no_header_body_or_key_is_in_a_failure(protocol, status, headers, body):
    check(*outcome(protocol, Response(status=status, headers=headers, body=body)))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors__nothing_of_what_was_raised_is_in_a_failure(error):
    check(*outcome("openai-chat", error))


def test_response__shows_neither_header_nor_body():
    assert MARK not in repr(Response(status=200, headers={MARK: MARK}, body=MARK.encode()))
