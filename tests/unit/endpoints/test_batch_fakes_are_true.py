"""The fake batch APIs answer what the official SDKs' own types accept, and we send what they would send."""

import json
from pathlib import Path

import anthropic
import openai
import pytest
from anthropic.types import messages as anthropic_types
from openai.types import BatchCreateParams
from pydantic import TypeAdapter

from gate.endpoint_rule import EndpointRule
from gate.endpoints.batches import BATCHES
from gate.endpoints.wire import Credentials
from tests.fakes.batches import FakeBatches
from tests.fakes.models import Fault, Reply

MESSAGES = [{"role": "user", "content": "hello"}]
CHAT = {"model": "m", "messages": MESSAGES}
RESPONSES = {"model": "m", "input": MESSAGES}
PARAMS = {"model": "m", "max_tokens": 9, "messages": MESSAGES}
ENDINGS = ("completed", "expired", "cancelled", "failed")


def respond(asked):
    return Fault(status=500) if asked.model == "broken" else Reply()


@pytest.fixture
def server():
    with FakeBatches(respond, looks=1) as made:
        yield made


@pytest.fixture(autouse=True)
def _loopback_without_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def claude(server):
    with anthropic.Anthropic(
        base_url=server.root, auth_token="k", api_key=None, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def gpt(server):
    url = server.base_url("openai-chat")
    with openai.OpenAI(base_url=url, api_key="k", _strict_response_validation=True) as client:
        yield client


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("path", "body"), [("/v1/chat/completions", CHAT), ("/v1/responses", RESPONSES)])
def test_openai__its_own_client_goes_all_the_way(server, gpt, ending, path, body):
    server.ends(ending, looks=1)
    lines = [{"custom_id": str(i), "method": "POST", "url": path, "body": body} for i in range(4)]
    data = "\n".join(map(json.dumps, lines)).encode()
    file = gpt.files.create(file=("x.jsonl", data), purpose="batch")
    made = gpt.batches.create(
        input_file_id=file.id, endpoint=path, completion_window="24h", metadata={"driftgate": "x"}
    )
    assert made.status == "in_progress"
    ended = gpt.batches.retrieve(made.id)
    assert (ended.status, ended.metadata) == (ending, {"driftgate": "x"})
    assert [one.id for one in gpt.batches.list()] == [made.id]
    files = [name for name in (ended.output_file_id, ended.error_file_id) if name]
    found = [json.loads(line) for name in files for line in gpt.files.content(name).text.splitlines()]
    assert len(found) == (0 if ending == "failed" else 4)
    answer = {
        "/v1/chat/completions": openai.types.chat.ChatCompletion,
        "/v1/responses": openai.types.responses.Response,
    }
    for one in found:
        assert one["error"] or answer[path].model_validate(one["response"]["body"])


@pytest.mark.parametrize("ending", ENDINGS[:3])
def test_anthropic__its_own_client_goes_all_the_way(server, claude, ending):
    server.ends(ending, looks=1)
    models = ["m", "m", "broken", "m"]
    requests = [{"custom_id": str(i), "params": PARAMS | {"model": model}} for i, model in enumerate(models)]
    made = claude.messages.batches.create(requests=requests)
    assert (made.processing_status, made.request_counts.processing) == ("in_progress", 4)
    ended = claude.messages.batches.retrieve(made.id)
    assert ended.processing_status == "ended"
    assert [one.id for one in claude.messages.batches.list()] == [made.id]
    lines = server.handle("GET", f"/v1/messages/batches/{made.id}/results", {}, b"")[2].splitlines()
    kind = TypeAdapter(anthropic_types.MessageBatchIndividualResponse)
    kinds = [kind.validate_json(line).result.type for line in lines]
    assert len(kinds) == 4
    counts = ended.request_counts
    assert (counts.succeeded, counts.errored, counts.expired + counts.canceled) == (
        kinds.count("succeeded"),
        kinds.count("errored"),
        kinds.count("expired") + kinds.count("canceled"),
    )


def test_lists__go_over_several_pages(claude):
    for _ in range(5):
        claude.messages.batches.create(requests=[{"custom_id": "a", "params": PARAMS}])
    assert len(list(claude.messages.batches.list())) == 5


@pytest.mark.parametrize("protocol", ["openai-chat", "openai-responses"])
def test_openai__what_creates_a_batch_is_what_its_client_would_send(protocol):
    rule = EndpointRule(protocol=protocol, base_url="https://api.openai.com/v1")
    call = BATCHES[protocol].create(rule, Credentials(key="k"), "ab" * 16, Path("unused"), "file-1")
    TypeAdapter(BatchCreateParams).validate_json(call.body)


def test_anthropic__what_creates_a_batch_is_what_its_client_would_send():
    rule = EndpointRule(protocol="anthropic", base_url="https://api.anthropic.com/v1")
    protocol = BATCHES["anthropic"]
    form = protocol.form("ab" * 16)
    lines = [protocol.line(rule, f"id-{i}", json.dumps(PARAMS).encode()) for i in range(2)]
    body = form.head + form.between.join(lines) + form.tail
    found = TypeAdapter(anthropic_types.BatchCreateParams).validate_json(body)
    assert [one["custom_id"] for one in found["requests"]] == ["id-0", "id-1"]
