"""Whatever an endpoint does, `run` ends with a report that says so, counts what is missing, and repeats no secret."""

import gzip
import io
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.app import RunOptions, run
from gate.errors import Problems
from gate.report import from_json
from gate.tools import Tools
from tests.fakes.models import FakeModels, Fault, Reply, render
from tests.fakes.raw import RawServer, head

ROOT = Path(__file__).parents[2]
SAMPLES = 12
KEY = "sk-very-secret"
POLICY = """\
version: 1
endpoints:
  here: {{protocol: openai-chat, base_url: "{url}", api_key_env: THE_KEY, max_concurrency: 4{extra}}}
families:
  sums: {{kind: custom, dataset: sums.jsonl, severity: blocking, margin: 0.2, match: {{mode: exact}}}}
"""


def respond(asked):
    left, right = (int(part) for part in asked.prompt.split("+"))
    return Reply(text=str(left + right))


@pytest.fixture
def ask(tmp_path):
    """Run the gate in this process: `ask(url, extra)` → the report and everything that was written."""
    (tmp_path / ".github").mkdir()
    (tmp_path / "sums.jsonl").write_text(
        "".join(
            json.dumps({"id": f"s{i}", "input": {"prompt": f"{i}+{i}"}, "target": str(2 * i)}) + "\n"
            for i in range(SAMPLES)
        )
    )
    for model in ("good", "better"):
        (tmp_path / f"{model}.yml").write_text(f"endpoint: here\nmodel: {model}\n")

    def asked(url, extra="", *, environ=None, **tools):
        (tmp_path / ".github/driftgate.yml").write_text(POLICY.format(url=url, extra=f", {extra}" if extra else ""))
        out, err, target = io.StringIO(), io.StringIO(), tmp_path / "out"
        options = RunOptions(
            policy=tmp_path / ".github/driftgate.yml",
            baseline=tmp_path / "good.yml",
            candidate=tmp_path / "better.yml",
            out=target,
        )
        code = run(options, Tools(environ={"THE_KEY": KEY, **(environ or {})}, out=out, err=err, **tools))
        written = "".join(one.read_text() for one in target.iterdir() if one.suffix in (".json", ".md", ".html"))
        text = out.getvalue() + err.getvalue() + written
        assert not any(word in text for word in (KEY, "SECRET-IN", "Traceback"))
        return code, from_json((target / "report.json").read_text(), file="report.json"), text

    asked.folder = tmp_path
    return asked


QUICK = "retries: 3, timeout_seconds: 5"
GOOD = json.dumps(render("openai-chat", "good", Reply(text="0"))).encode()
PASSING = {
    "429 with Retry-After": Fault(status=429, headers={"Retry-After": "0"}),
    "429 with retry-after-ms": Fault(status=429, headers={"retry-after-ms": "20"}),
    "429 without": Fault(status=429),
    "500": Fault(status=500),
    "502, an HTML page": Fault(status=502, headers={"Content-Type": "text/html"}, body=b"<html>SECRET-IN-BODY"),
    "503 with a Retry-After that is a date": Fault(
        status=503, headers={"Retry-After": "Mon, 23 Nov 2020 00:00:00 GMT"}
    ),
    "529": Fault(status=529),
    "reset in the middle of the body": Fault(body=GOOD, cut=20, reset=True),
    "a body that ends too soon": Fault(body=GOOD, cut=20),
    "JSON that ends too soon": Fault(body=GOOD[:40]),
    "the wrong content type": Fault(headers={"Content-Type": "text/html"}, body=b"<html>SECRET-IN-BODY</html>"),
    "an error object with 200: rate limit": Fault(body=b'{"error": {"code": 429, "message": "SECRET-IN-BODY"}}'),
    "an error object with 200: server": Fault(body=b'{"error": {"type": "server_error", "message": "SECRET-IN-BODY"}}'),
    "no choices": Fault(body=b'{"choices": []}'),
    "packed nonsense": Fault(headers={"Content-Encoding": "gzip"}, body=b"SECRET-IN-BODY"),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_faults__what_passes_costs_no_sample(ask, fault):
    with FakeModels(respond) as server:
        server.script(fault, fault)
        code, report, _ = ask(server.base_url("openai-chat"), QUICK)
        assert len(server.seen) == 2 * SAMPLES + 2
    assert report.calls.failed == 0
    assert code in (0, 3)  # so few samples may be inconclusive, never blocked


STAYING = {
    "400": (Fault(status=400), "answered HTTP 400"),
    "a redirect": (Fault(status=307, headers={"Location": "http://SECRET-IN-HEADER/"}), "redirects are not followed"),
    "an error object with 200": (Fault(body=b'{"error": {"message": "SECRET-IN-BODY"}}'), "an error object"),
    "a huge body": (Fault(body=b" " * (9 << 20)), "more than 8 MiB"),
    "a gzip bomb": (
        Fault(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b" " * (64 << 20), 6)),
        "more than 8 MiB",
    ),
    "a huge error": (Fault(status=500, body=b"SECRET-IN-BODY" * 100_000), "answered HTTP 500"),
    "content that is no text": (Fault(body=b'{"choices": [{"message": {"content": 5}}]}'), "not text"),
    "a drip of the body": (Fault(body=GOOD, drip=0.02), "gave no whole answer in time"),
}


@pytest.mark.parametrize(("fault", "says"), STAYING.values(), ids=STAYING)
def test_faults__what_stays_is_missing_and_never_a_score(ask, fault, says):
    with FakeModels(lambda asked: fault if asked.prompt == "3+3" else respond(asked)) as server:
        code, report, text = ask(server.base_url("openai-chat"), "retries: 0, timeout_seconds: 0.5")
    assert (report.calls.failed, code) == (2, 3)
    assert says in text
    assert report.comparisons[0].n_pairs == SAMPLES - 1


def test_faults__null_content_is_an_empty_answer_and_scores_as_one(ask):
    body = render("openai-chat", "good", Reply(text="x"))
    body["choices"][0]["message"]["content"] = None
    empty = Fault(body=json.dumps(body).encode())
    with FakeModels(lambda asked: empty if asked.prompt == "3+3" else respond(asked)) as server:
        _, report, _ = ask(server.base_url("openai-chat"), QUICK)
    assert (report.calls.failed, report.comparisons[0].n_pairs) == (0, SAMPLES)


def test_faults__a_drip_of_headers_is_cut_by_the_total_though_no_silence_is_long(ask):
    with RawServer(lambda connection: drip(connection, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 4000)) as server:
        begun = time.monotonic()
        code, report, text = ask(
            server.url, "retries: 0, timeout_seconds: 0.4, read_seconds: 0.2, give_up_seconds: 0.1"
        )
    assert (code, report.verdict) == (3, "error")
    assert time.monotonic() - begun < 20
    assert "gave no whole answer in time" in text


def test_faults__silence_is_cut_by_read_seconds(ask):
    with FakeModels(lambda asked: Fault(wait=3.0) if asked.prompt == "3+3" else respond(asked)) as server:
        _, report, text = ask(server.base_url("openai-chat"), "retries: 0, read_seconds: 0.3")
    assert report.calls.failed == 2
    assert "in time" in text


def test_faults__no_quota_left_ends_the_run_at_once(ask):
    fault = Fault(status=429, code="insufficient_quota")
    with FakeModels(lambda asked: fault) as server:
        code, report, text = ask(server.base_url("openai-chat"), "retries: 20, max_concurrency: 1".partition(",")[0])
        assert len(server.seen) <= 4  # what was in flight
    assert (code, report.verdict) == (3, "error")
    assert "no quota left" in text


def test_faults__an_endpoint_that_only_fails_is_given_up(ask):
    with FakeModels(lambda asked: Fault(status=500)) as server:
        code, report, text = ask(server.base_url("openai-chat"), "retries: 1, give_up_seconds: 1.0")
        assert len(server.seen) < 2 * 2 * SAMPLES
    assert (code, report.verdict) == (3, "error")
    assert "only failed for 1 s and was given up; the last time it answered HTTP 500" in text


def test_faults__an_endpoint_that_stops_working_half_way_is_given_up_and_never_passed(ask):
    with FakeModels(lambda asked: respond(asked) if len(server.seen) <= 10 else Fault(status=503)) as server:
        code, report, text = ask(server.base_url("openai-chat"), "retries: 1, give_up_seconds: 0.5")
        asked = report.calls.baseline + report.calls.candidate
        assert (code, report.calls.failed) == (3, asked - 10)
        assert "was given up; the last time it answered HTTP 503" in text
        assert report.verdict == "error"


def test_faults__nobody_there_is_given_up(ask):
    code, report, text = ask("http://127.0.0.1:9/v1", "give_up_seconds: 0.5")
    assert (code, report.verdict) == (3, "error")
    assert "could not be reached (connection refused)" in text


def test_faults__a_name_that_does_not_exist_is_given_up(ask):
    code, report, text = ask("https://driftgate-test.invalid/v1", "retries: 1, give_up_seconds: 0.5")
    assert (code, report.verdict) == (3, "error")
    assert "its name cannot be resolved" in text


@pytest.fixture
def certificate(ask):
    """A self-signed certificate for 127.0.0.1, and its key; the certificate lies in the repository."""
    made = ask.folder / "ca.pem"
    line = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout key.pem -out ca.pem"
    )
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*line.split(), *subject], cwd=ask.folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, ask.folder / "key.pem")
    return context


def test_faults__a_certificate_that_is_not_trusted_ends_the_run_and_no_key_is_sent(ask, certificate):
    with FakeModels(respond) as server:
        tls(server, certificate)
        code, report, text = ask(server.base_url("openai-chat").replace("http:", "https:"), QUICK)
        assert server.seen == []
    assert (code, report.verdict) == (3, "error")
    assert "a certificate that is not trusted (self-signed certificate)" in text


def test_faults__a_certificate_of_the_repositorys_authority_is_trusted(ask, certificate):
    with FakeModels(respond) as server:
        tls(server, certificate)
        _, report, _ = ask(server.base_url("openai-chat").replace("http:", "https:"), f"{QUICK}, ca_file: ca.pem")
        assert len(server.seen) == 2 * SAMPLES
    assert report.calls.failed == 0


def test_faults__a_certificate_for_another_name_is_not_trusted(ask, certificate):
    with FakeModels(respond) as server:
        tls(server, certificate)
        url = server.base_url("openai-chat").replace("http://127.0.0.1", "https://localhost")
        _, report, text = ask(url, f"{QUICK}, ca_file: ca.pem")
        assert server.seen == []
    assert report.verdict == "error"
    assert "not valid for 'localhost'" in text


def test_faults__an_answer_in_the_clear_where_tls_is_meant_is_a_failure(ask):
    with FakeModels(respond) as server:
        url = server.base_url("openai-chat").replace("http:", "https:")
        code, _, text = ask(url, "retries: 0, give_up_seconds: 0.2")
    assert code == 3
    assert "could not be reached (SSLError)" in text


@pytest.mark.parametrize("text", ["not a certificate", None])
def test_faults__a_ca_file_that_cannot_be_used_is_a_problem_of_its_line(ask, text):
    if text:
        (ask.folder / "ca.pem").write_text(text)
    with pytest.raises(
        Problems, match=r"driftgate.yml:3:\d+: endpoints.here.ca_file: names ca.pem, which (holds no|does not)"
    ):
        ask("https://127.0.0.1:9/v1", "ca_file: ca.pem")


def test_faults__a_key_that_no_header_can_carry_is_said_without_it(ask):
    with pytest.raises(Problems, match="THE_KEY holds what no header can carry") as caught:
        ask("http://127.0.0.1:9/v1", environ={"THE_KEY": f"{KEY}\nX-Evil: SECRET-IN-KEY"})
    assert not any(word in str(caught.value) for word in (KEY, "SECRET"))


def test_proxy__the_environments_is_not_used_unless_the_policy_says_so(ask):
    tunnel = RawServer(lambda connection: connection.close())
    with tunnel as proxy, FakeModels(respond) as server:
        environ = {"HTTPS_PROXY": proxy.url, "HTTP_PROXY": proxy.url, "ALL_PROXY": proxy.url}
        _, report, _ = ask(server.base_url("openai-chat"), QUICK, environ=environ)
    assert (report.calls.failed, tunnel.connections) == (0, 0)


def test_proxy__the_policys_passes_encrypted_bytes_and_is_asked_for_the_name(ask):
    """The tunnel ends at nobody who could be verified: what the proxy saw is what counts."""
    heads = []
    with RawServer(lambda connection: heads.append(head(connection)) or refuse(connection)) as proxy:
        extra = f'retries: 0, give_up_seconds: 0.2, proxy: "{proxy.url.removesuffix("/v1")}"'
        code, _, text = ask("https://api.example.com/v1", extra)
    assert code == 3
    assert heads[0].startswith(b"CONNECT api.example.com:443 ")
    assert not any(KEY.encode() in one or b"Authorization" in one for one in heads)
    assert "is behind a proxy that answered CONNECT with HTTP 502" in text


def test_clock__jumps_of_the_wall_clock_change_no_wait_and_no_age(ask):
    """The wall clock goes back an hour with each look; waits and time-outs are of the other clock."""
    times = iter(datetime(2026, 11, 24, tzinfo=UTC) - timedelta(hours=number) for number in range(100_000))
    with FakeModels(respond) as server:
        server.script(Fault(status=429, headers={"Retry-After": "0"}), Fault(status=503))
        begun = time.monotonic()
        _, report, _ = ask(server.base_url("openai-chat"), QUICK, now=lambda: next(times))
    assert report.calls.failed == 0
    assert time.monotonic() - begun < 20


def test_sigterm__in_mid_flight_keeps_what_was_answered_and_the_rest_is_asked_next_time(gate):
    slow, gone = threading.Event(), threading.Event()

    def respond_until(asked):
        if len(server.seen) > 60 and not slow.is_set():
            gone.wait(20)
        return Reply(text=gate.respond(asked.model, [{"content": asked.prompt}]))

    with FakeModels(respond_until) as server:
        url = server.base_url("openai-chat")
        gate.policy = gate.fixed
        (gate.folder / ".github/driftgate.yml").write_text(gate.policy.format(url=url, budget=""))
        line = [
            sys.executable,
            "-m",
            "gate",
            "run",
            "--baseline",
            "models/good.yml",
            "--candidate",
            "models/better.yml",
        ]
        process = subprocess.Popen(line, cwd=gate.folder, env={**os.environ, "THE_KEY": KEY, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        while len(server.seen) < 70:
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(0.3)  # what was answered is being kept
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=20)
        assert (process.returncode, b"Traceback" in printed) == (130, False), printed
        slow.set()
        gone.set()
        first = {(asked.model, asked.prompt) for asked in server.seen[:60]}
        time.sleep(0.2)
        before = len(server.seen)
        done = gate(url, "models/better.yml")
        again = {(asked.model, asked.prompt) for asked in server.seen[before:]}
    assert (done.returncode, gate.report()["calls"]["failed"]) == (0, 0), done.stderr
    assert not first & again
    assert len(again) == 300 - 60


def drip(connection, content):
    for number in range(len(content)):
        connection.sendall(content[number : number + 1])
        time.sleep(0.05)


def refuse(connection):
    connection.sendall(b"HTTP/1.1 502 SECRET-IN-REASON\r\nX: SECRET-IN-HEADER\r\n\r\n")


def tls(server, context):
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
