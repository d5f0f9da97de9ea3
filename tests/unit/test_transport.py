"""HttpEndpoint against real sockets on loopback; sleeping and chance are passed in."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gate.domain import ChatRequest, Completion, Message
from gate.endpoint_rule import EndpointRule
from gate.endpoints.batch_wire import HttpCall, Reply
from gate.endpoints.retry import retry_after
from gate.endpoints.transport import HttpEndpoint, Waits
from gate.endpoints.wire import Credentials
from gate.simulated import completion
from tests.fakes.raw import RawServer, head

REQUEST = ChatRequest(model="m", messages=(Message(role="user", content="hi"),), parameters={"temperature": 0})
GOOD = json.dumps(completion("m", [{"role": "user", "content": "hi"}], "hello")).encode()


@pytest.fixture
def serve():
    servers = []

    def start(*answers):
        """Each answer is (status, headers, body); the last repeats. Returns (base_url, requests seen)."""
        left, seen = list(answers), []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                seen.append((self.path, dict(self.headers), json.loads(body)))
                status, headers, content = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                if headers.get("Content-Length"):
                    self.close_connection = True

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/v1", seen

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(url, **rule):
    slept = []
    endpoint = HttpEndpoint(
        alias="e",
        rule=EndpointRule(protocol="openai-chat", base_url=url, api_key_env="THE_KEY", **{"retries": 2, **rule}),
        credentials=Credentials(key="sk-secret"),
        waits=Waits(sleep=slept.append, jitter=lambda: 0.0),
    )
    return endpoint.ask(REQUEST), slept


def test_ask__sends_what_the_protocol_says_and_reads_the_answer(serve):
    url, seen = serve((200, {}, GOOD))
    outcome, _ = ask(url)
    assert isinstance(outcome, Completion)
    assert (outcome.text, outcome.served_model, outcome.fingerprint) == ("hello", "m", "simulated")
    path, headers, body = seen[0]
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", "Bearer sk-secret")
    assert body == {"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0}


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_ask__retries_what_may_pass_and_honours_retry_after(serve, status):
    url, seen = serve((status, {"Retry-After": "7"}, b""), (200, {}, GOOD))
    outcome, slept = ask(url)
    assert isinstance(outcome, Completion)
    assert (len(seen), slept) == (2, [pytest.approx(7.0, abs=0.1)])


@pytest.mark.parametrize(("status", "kind"), [(401, "auth"), (403, "auth"), (404, "not-found"), (410, "gone")])
def test_ask__gives_up_at_once_with_what_to_do(serve, status, kind):
    url, seen = serve((status, {}, b"sk-secret leaked by the body"))
    outcome, _ = ask(url)
    assert (outcome.kind, outcome.fatal, len(seen)) == (kind, True, 1)
    assert "check" in outcome.detail or "choose" in outcome.detail
    assert "sk-secret" not in outcome.detail


def test_ask__never_follows_a_redirect(serve):
    other, seen_there = serve((200, {}, GOOD))
    url, _ = serve((307, {"Location": f"{other}/chat/completions"}, b""))
    outcome, _ = ask(url)
    assert (outcome.kind, seen_there) == ("rejected", [])


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"<html>"),
        (200, {}, b'{"error": {"message": "x"}}'),
        (200, {}, b'{"choices": []}'),
        (200, {}, b"[" * 100_000),
        (200, {}, b'{"choices": [{"message": {"content": 5}}]}'),
        (200, {"Content-Length": "5000"}, b'{"choices": ['),
        (400, {}, b""),
    ],
)
def test_ask__what_is_no_answer_is_a_failure_and_no_number(serve, answer):
    outcome, _ = ask(serve(answer)[0])
    assert outcome.kind in ("protocol", "network", "rejected")
    assert not outcome.fatal


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"", "hung up before its answer was whole"),
        (b"SSH-2.0-x\r\n", "did not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "hung up before its answer was whole"),
    ],
    ids=["hangs up", "other protocol", "half an answer"],
)
def test_ask__what_went_wrong_is_said_in_words(sent, why):
    def serve(connection):
        head(connection)
        connection.sendall(sent)

    with RawServer(serve) as server:
        outcome, slept = ask(server.url, retries=1)
    assert (outcome.kind, outcome.detail, len(slept)) == ("network", f"endpoint e (127.0.0.1) {why}", 1)


def test_ask__null_content_is_an_empty_answer(serve):
    outcome, _ = ask(serve((200, {}, b'{"choices": [{"message": {"content": null}}]}'))[0])
    assert outcome.text == ""


def test_ask__nobody_there_is_a_network_failure():
    outcome, slept = ask("http://127.0.0.1:9/v1")
    assert (outcome.kind, len(slept)) == ("network", 2)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3),
        ("Tue, 24 Nov 2026 00:00:30 GMT", 30),
        ("Mon, 23 Nov 2026 00:00:00 GMT", 0),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after(value, seconds):
    assert retry_after(value, datetime(2026, 11, 24, tzinfo=UTC)) == seconds


# --- calls that are no questions


def exchange(url, call, **rule):
    rule = EndpointRule(protocol="openai-chat", base_url=url, api_key_env="THE_KEY", timeout_seconds=2, **rule)
    return HttpEndpoint(alias="e", rule=rule, credentials=Credentials(key="sk-1")).exchange(call)


def test_exchange__a_file_goes_out_with_its_length_and_a_reply_into_another(serve, tmp_path):
    url, seen = serve((200, {}, b"x" * 200_000))
    (tmp_path / "out").write_bytes(json.dumps({"a": "b" * 100_000}).encode())
    into = tmp_path / "in"
    call = HttpCall(method="POST", path="/files", headers={"X-Key": "k"}, body=tmp_path / "out", into=into)
    assert exchange(url, call) == Reply(status=200)
    assert into.read_bytes() == b"x" * 200_000
    path, headers, body = seen[0]
    assert (path, headers["X-Key"], len(body["a"])) == ("/v1/files", "k", 100_000)
    assert headers["Content-Length"] == str(100_000 + 9)
    assert "Transfer-Encoding" not in headers


@pytest.mark.parametrize(
    ("status", "again"), [(307, False), (400, False), (401, False), (404, False), (429, True), (503, True)]
)
def test_exchange__a_refusal_says_whether_it_may_pass_and_repeats_no_body(serve, status, again):
    url, seen = serve((status, {"Retry-After": "7", "Location": "http://127.0.0.1:9/"}, b"SECRET-IN-BODY"))
    reply = exchange(url, HttpCall(method="POST", path="/batches", headers={}, body=b"{}"))
    assert (reply.status, reply.again, reply.body, len(seen)) == (status, again, b"", 1)
    assert reply.wait == (7.0 if again else None)
    assert "SECRET" not in repr(reply)


def test_exchange__a_reply_that_is_cut_off_or_never_comes_is_no_reply(serve, tmp_path):
    url, _ = serve((200, {"Content-Length": "500"}, b"short"))
    for into in (None, tmp_path / "in"):
        assert exchange(url, HttpCall(method="POST", path="/x", headers={}, body=b"{}", into=into)).kind == "network"
    assert exchange("http://127.0.0.1:9/v1", HttpCall(method="GET", path="/x", headers={})).kind == "network"


def test_exchange__a_reply_larger_than_can_be_taken_is_no_reply(serve):
    url, _ = serve((200, {}, b"x" * (9 * 1024 * 1024)))
    assert exchange(url, HttpCall(method="POST", path="/x", headers={}, body=b"{}")).kind == "protocol"


def test_exchange__a_name_with_a_private_address_is_not_called(monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *given, **named: [(2, 1, 6, "", ("10.0.0.1", 443))])
    failure = exchange("https://api.example.com/v1", HttpCall(method="GET", path="/x", headers={}))
    assert failure.kind == "network"
