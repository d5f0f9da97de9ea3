"""Connections over real sockets on loopback: names and certificates, tunnels, kept and lost connections."""

import socket
import ssl
import subprocess
import threading
from dataclasses import replace

import pytest

from gate.domain import ChatRequest, Completion, Message
from gate.endpoint_rule import EndpointRule
from gate.endpoints.transport import HttpEndpoint, Waits
from gate.endpoints.trust import Trust
from gate.endpoints.wire import Credentials
from tests.fakes.models import FakeModels, Fault, Reply
from tests.fakes.raw import RawServer, head

REQUEST = ChatRequest(model="m", messages=(Message(role="user", content="hi"),))
KEY = "sk-very-secret"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate for models.example: its PEM text, and a server's context."""
    folder = tmp_path_factory.mktemp("tls")
    line = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout key.pem -out ca.pem"
    )
    subject = ["-subj", "/CN=models.example", "-addext", "subjectAltName=DNS:models.example"]
    subprocess.run([*line.split(), *subject], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    names = []
    context.sni_callback = lambda connection, name, _: names.append(name)
    return (folder / "ca.pem").read_text(), context, names


@pytest.fixture
def secure(authority):
    """A fake endpoint behind TLS; `address` is where it listens."""
    with FakeModels() as server:
        address = server._server.server_address
        server._server.socket = authority[1].wrap_socket(server._server.socket, server_side=True)
        server.address = address
        yield server


def endpoint(rule, trust=None):
    return HttpEndpoint(
        alias="e",
        rule=rule,
        credentials=Credentials(key=KEY),
        trust=trust,
        waits=Waits(sleep=lambda seconds: None, jitter=lambda: 0.0),
    )


def rule_of(url, **more):
    return EndpointRule(protocol="openai-chat", base_url=url, api_key_env="K", **{"retries": 0, **more})


def named(secure, authority, *, resolves_to=("127.0.0.1",), name="models.example", **rule):
    """An endpoint called models.example; each look-up gives the next of the addresses."""
    rule = rule_of(f"https://{name}:{secure.address[1]}/v1", **rule)
    left = list(resolves_to)

    def resolve(host, port, **kind):
        assert host == name
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (left.pop(0) if len(left) > 1 else left[0], port))]

    return endpoint(rule, replace(Trust.of(rule, authority=authority[0]), resolve=resolve))


@pytest.mark.parametrize("name", ["models.example", "models.example."])
def test_tls__the_name_is_asked_for_and_checked_while_the_address_is_the_judged_one(secure, authority, name):
    found = named(secure, authority, name=name, allow_private=("127.0.0.0/8",)).ask(REQUEST)
    assert isinstance(found, Completion), found
    assert secure.seen[0].headers["Host"] == f"models.example:{secure.address[1]}"
    assert authority[2][-1] == "models.example"


def test_tls__an_address_that_is_not_listed_is_never_connected_to(secure, authority):
    found = named(secure, authority).ask(REQUEST)
    assert (found.fatal, secure.seen) == (True, [])
    assert "allow_private" in found.detail


def test_tls__a_name_that_moves_to_another_address_is_judged_anew_by_each_connection(secure, authority):
    """Rebinding: the first connection is fine; the next look-up gives an address that is not listed."""
    asked = named(secure, authority, resolves_to=("127.0.0.1", "10.9.9.9"), allow_private=("127.0.0.0/8",))
    secure.script(Fault(headers={"Connection": "close"}, body=b"{}"))
    assert not asked.ask(REQUEST).fatal
    assert asked.ask(REQUEST).fatal


def test_tls__without_the_authority_no_key_is_sent(secure, authority):
    asked = named(secure, ("", None), allow_private=True)
    found = asked.ask(REQUEST)
    assert (found.kind, found.fatal, secure.seen) == ("network", True, [])
    assert "not trusted (self-signed certificate)" in found.detail


class Tunnel(RawServer):
    """A proxy that knows CONNECT; every name is the one server behind it."""

    def __init__(self, target):
        super().__init__(self._tunnel)
        self._target, self.heads, self.passed = target, [], b""

    def _tunnel(self, client):
        self.heads.append(head(client))
        client.sendall(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n")
        with socket.create_connection(self._target) as server:
            back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
            back.start()
            self._pass(client, server)
            back.join()

    def _pass(self, source, sink):
        try:
            while piece := source.recv(65536):
                self.passed += piece
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.mark.parametrize("login", ["", "me:p%40ss@"])
def test_proxy__a_tunnel_carries_the_call_and_sees_no_key(secure, authority, login):
    with Tunnel(secure.address) as tunnel:
        environ = {"HTTPS_PROXY": f"http://{login}127.0.0.1:{tunnel.port}"}
        rule = rule_of("https://models.example/v1", proxy="environment")
        asked = endpoint(rule, Trust.of(rule, environ=environ, authority=authority[0]))
        secure.script(Reply(text="1"), Fault(headers={"Connection": "close"}, body=b"{}"), Reply(text="3"))
        outcomes = [asked.ask(REQUEST) for _ in range(3)]
    assert [getattr(one, "text", one.kind if hasattr(one, "kind") else "") for one in outcomes] == [
        "1",
        "protocol",
        "3",
    ]
    assert secure.seen[0].headers["Host"] == "models.example"
    assert len(tunnel.heads) == 2  # the second because the endpoint had closed the first
    assert all(head.startswith(b"CONNECT models.example:443 HTTP/1.") for head in tunnel.heads)
    assert all((b"Basic bWU6cEBzcw==" in head) == bool(login) for head in tunnel.heads)
    assert KEY.encode() not in tunnel.passed
    assert b"hi" not in b"".join(tunnel.heads)


def test_connection__is_kept_by_a_thread_and_made_anew_when_it_is_gone():
    with FakeModels() as server:
        asked = endpoint(rule_of(server.base_url("openai-chat")))
        for _ in range(3):
            assert isinstance(asked.ask(REQUEST), Completion)
        kept = asked._local.connection
        first = kept._open
        assert isinstance(asked.ask(REQUEST), Completion)
        assert kept._open is first
        first._socket.shutdown(socket.SHUT_RDWR)  # as if the other end had gone away while nothing was asked
        assert isinstance(asked.ask(REQUEST), Completion)
        assert kept._open is not first


@pytest.mark.parametrize("fault", [Fault(body=b" " * (9 << 20)), Fault(status=500, body=b"x" * 100_000), Fault(body=b"{}", cut=1)])  # fmt: skip
def test_connection__what_was_not_read_to_its_end_is_not_used_again(fault):
    with FakeModels() as server:
        server.script(fault)
        asked = endpoint(rule_of(server.base_url("openai-chat")))
        assert not isinstance(asked.ask(REQUEST), Completion)
        assert asked._local.connection._open is None
        assert isinstance(asked.ask(REQUEST), Completion)


def test_connection__packed_answers_are_understood():
    import gzip
    import json

    from tests.fakes.models import render

    body = gzip.compress(json.dumps(render("openai-chat", "m", Reply(text="packed"))).encode())
    with FakeModels() as server:
        server.script(Fault(headers={"Content-Encoding": "gzip"}, body=body))
        assert endpoint(rule_of(server.base_url("openai-chat"))).ask(REQUEST).text == "packed"
        assert server.seen[0].headers["Accept-Encoding"] == "identity"


def test_connection__the_environments_netrc_is_not_read(tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login evil password evil\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with FakeModels() as server:
        endpoint(rule_of(server.base_url("openai-chat"))).ask(REQUEST)
        assert server.seen[0].headers["Authorization"] == f"Bearer {KEY}"


def connection(server, **times):
    from gate.endpoints.connection import Connection, Timer

    kept = {"connect": 5.0, "silence": 5.0, "total": 5.0, **times}
    trust = Trust.of(rule_of(server.base_url("openai-chat")))
    return Connection(trust=trust, timer=Timer(clock=__import__("time").monotonic, **kept))


def test_send__a_file_goes_out_with_its_length_and_an_answer_into_another(tmp_path):
    from gate.endpoints.channel import Sink, TooLargeError

    sent = b'{"model": "m", "messages": [{"role": "user", "content": "' + b"x" * 300_000 + b'"}]}'
    (tmp_path / "out").write_bytes(sent)
    headers = {"Content-Length": str(len(sent))}
    with FakeModels() as server:
        server.script(Fault(body=b"y" * 9_000_000), Fault(body=b"y" * 9_000_000), Fault(status=500, body=b"no"))
        kept = connection(server)
        for most in (10_000_000, 1_000_000):
            with (tmp_path / "out").open("rb") as body, (tmp_path / "in").open("wb") as file:
                sink = Sink(file=file, most=most)
                if most < 9_000_000:
                    with pytest.raises(TooLargeError):
                        kept.send("POST", "/v1/chat/completions", headers, body, into=sink)
                else:
                    assert kept.send("POST", "/v1/chat/completions", headers, body, into=sink).status == 200
                    file.flush()
                    assert (tmp_path / "in").stat().st_size == 9_000_000
        with (tmp_path / "in").open("wb") as file:
            found = kept.send("POST", "/v1/chat/completions", {}, sent, into=Sink(file=file, most=10))
        assert (found.status, found.body, (tmp_path / "in").read_bytes()) == (500, b"no", b"")
        assert [asked.raw for asked in server.seen] == [sent] * 3
        assert "Transfer-Encoding" not in server.seen[0].headers


def test_trust__a_ca_file_that_was_not_read_is_no_trust_in_everybody():
    with pytest.raises(ValueError, match="was not read"):
        endpoint(rule_of("https://models.example/v1", ca_file="ca.pem"))
