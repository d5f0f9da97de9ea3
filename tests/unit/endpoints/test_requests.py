"""What goes out: the same request, sent by us and by the official SDK to one capture server, is the same on the wire."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import anthropic
import botocore.session
import openai
import pytest
from botocore.config import Config
from google import genai
from google.genai import types as google_types

from gate.domain import ChatRequest, Completion, Message
from gate.endpoint_rule import EndpointRule
from gate.endpoints import PROTOCOLS
from gate.endpoints.transport import HttpEndpoint
from gate.endpoints.wire import Credentials
from tests.fakes.models import FakeModels

SYSTEM, USER = "Be brief — «ja».", "What is 6 × 7?"
MESSAGES = (
    Message(role="system", content=SYSTEM),
    Message(role="user", content="Hello"),
    Message(role="assistant", content="Hi."),
    Message(role="user", content=USER),
)
TALK = [{"role": one.role, "content": one.content} for one in MESSAGES]
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": ["integer", "null"], "default": None}},
    "required": ["a"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "name": "sum", "schema": SCHEMA, "strict": True}
NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
KEYS = {"secret_key_env": "SECRET_KEY", "session_token_env": "SESSION", "region": "eu-west-1"}


@pytest.fixture(scope="module")
def server():
    with FakeModels() as running:
        yield running


def ours(server, protocol, model, parameters, *, root=None, **rule):
    """Ask through the real transport; what came in at the server."""
    keys = {"api_key_env": "THE_KEY"} | rule
    rule = EndpointRule(protocol=protocol, base_url=root or server.base_url(protocol), retries=0, **keys)
    secrets = Credentials(key="the-key", secret="the-secret", session="the-session")
    request = ChatRequest(model=model, messages=MESSAGES, parameters=parameters)
    outcome = HttpEndpoint(alias="e", rule=rule, credentials=secrets).ask(request)
    assert isinstance(outcome, Completion), outcome
    return server.seen[-1]


def camel(body):
    """google-genai sends the keys below thinkingConfig in snake case; to protobuf's JSON both spellings are one."""
    thinking = body.get("generationConfig", {}).get("thinkingConfig")
    if thinking:
        names = {"thinking_level": "thinkingLevel", "thinking_budget": "thinkingBudget"}
        body["generationConfig"]["thinkingConfig"] = {names[key]: value for key, value in thinking.items()}
    return body


def same(server, protocol, model, parameters, sdk, *, header, **rule):
    """Body, path and key header of our request equal those of the SDK's."""
    mine = ours(server, protocol, model, parameters, **rule)
    sdk()
    theirs = server.seen[-1]
    assert mine is not theirs
    assert mine.body == camel(theirs.body)
    assert mine.path == theirs.path
    mine_headers, their_headers = ({k.lower(): v for k, v in one.headers.items()} for one in (mine, theirs))
    assert "the-key" in mine_headers[header]
    assert mine_headers[header] == their_headers[header]
    assert mine_headers["content-type"].partition(";")[0] == their_headers["content-type"] == "application/json"
    assert "the-key" not in mine.path
    return mine_headers, their_headers


CHAT = [
    ({}, {}),
    (
        {"temperature": 0.0, "top_p": 0.9, "stop": ["END"], "seed": 7},
        {"temperature": 0.0, "top_p": 0.9, "stop": ["END"], "seed": 7},
    ),
    ({"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
    (
        {"response_format": {"type": "json_object", "name": "answer", "strict": True}},
        {"response_format": {"type": "json_object"}},
    ),
    (
        {"response_format": FORMAT},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "sum", "schema": SCHEMA, "strict": True}}},
    ),
]


@pytest.mark.parametrize(("parameters", "theirs"), CHAT)
def test_openai_chat__is_sent_as_the_sdk_sends_it(server, parameters, theirs):
    with openai.OpenAI(base_url=server.base_url("openai-chat"), api_key="the-key", max_retries=0) as client:
        same(server, "openai-chat", "gpt-x", parameters, lambda: client.chat.completions.create(model="gpt-x", messages=TALK, **theirs), header="authorization")  # fmt: skip


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_openai_chat__max_tokens_goes_under_the_name_the_policy_says(server, field):
    with openai.OpenAI(base_url=server.base_url("openai-chat"), api_key="the-key", max_retries=0) as client:
        same(server, "openai-chat", "gpt-x", {"max_tokens": 50}, lambda: client.chat.completions.create(model="gpt-x", messages=TALK, **{field: 50}), header="authorization", max_tokens_field=field)  # fmt: skip


def test_azure_classic__path_version_and_key_header_are_those_of_the_sdk(server):
    version = "2024-10-21"
    with openai.AzureOpenAI(
        azure_endpoint=server.root, api_version=version, api_key="the-key", max_retries=0
    ) as client:
        mine, _ = same(server, "openai-chat", "my-deployment", {"temperature": 0.0}, lambda: client.chat.completions.create(model="my-deployment", messages=TALK, temperature=0.0), header="api-key", api_version=version, root=f"{server.root}/openai")  # fmt: skip
    assert "authorization" not in mine


@pytest.mark.parametrize(
    ("parameters", "theirs"),
    [
        ({}, {}),
        (
            {"temperature": 0.5, "top_p": 0.9, "max_tokens": 64},
            {"temperature": 0.5, "top_p": 0.9, "max_output_tokens": 64},
        ),
        ({"reasoning_effort": "xhigh"}, {"reasoning": {"effort": "xhigh"}}),
        (
            {"response_format": FORMAT},
            {"text": {"format": {"type": "json_schema", "name": "sum", "schema": SCHEMA, "strict": True}}},
        ),
        (
            {"response_format": {"type": "json_object", "name": "answer", "strict": True}},
            {"text": {"format": {"type": "json_object"}}},
        ),
    ],
)
def test_openai_responses__is_sent_as_the_sdk_sends_it(server, parameters, theirs):
    with openai.OpenAI(base_url=server.base_url("openai-responses"), api_key="the-key", max_retries=0) as client:
        same(server, "openai-responses", "gpt-x", parameters, lambda: client.responses.create(model="gpt-x", instructions=SYSTEM, input=TALK[1:], store=False, **theirs), header="authorization")  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "theirs"),
    [
        ({"max_tokens": 100}, {"max_tokens": 100}),
        ({"max_tokens": 100, "stop": ["END"]}, {"max_tokens": 100, "stop_sequences": ["END"]}),
        ({"max_tokens": 9000, "reasoning_effort": "medium"}, {"max_tokens": 9000, "thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}),
        ({"max_tokens": 9000, "reasoning_effort": "none"}, {"max_tokens": 9000, "thinking": {"type": "disabled"}}),
        ({"max_tokens": 9000, "thinking_budget": 2048}, {"max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 2048}}),
        ({"max_tokens": 9000, "thinking_budget": 2048, "reasoning_effort": "low", "response_format": FORMAT}, {"max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 2048}, "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}}),
    ],
)  # fmt: skip
def test_anthropic__is_sent_as_the_sdk_sends_it(server, parameters, theirs):
    with anthropic.Anthropic(base_url=server.root, api_key="the-key", max_retries=0) as client:
        mine, sdk = same(server, "anthropic", "claude-x", parameters, lambda: client.messages.create(model="claude-x", system=SYSTEM, messages=TALK[1:], **theirs), header="authorization")  # fmt: skip
    assert mine["anthropic-version"] == sdk["anthropic-version"]


def test_anthropic__an_older_version_takes_sampling_parameters_and_its_own_key_header(server):
    seen = ours(
        server, "anthropic", "claude-x", {"max_tokens": 9, "temperature": 0.0, "top_p": 0.5}, api_version="2023-06-01"
    )
    assert (seen.body["temperature"], seen.body["top_p"], seen.headers["anthropic-version"]) == (0.0, 0.5, "2023-06-01")
    assert seen.headers["x-api-key"] == "the-key"
    assert "Authorization" not in seen.headers


@pytest.mark.parametrize(
    ("parameters", "theirs"),
    [
        ({}, {}),
        ({"temperature": 0.0, "top_p": 0.9, "max_tokens": 64, "stop": ["END"], "seed": 7}, {"temperature": 0.0, "top_p": 0.9, "max_output_tokens": 64, "stop_sequences": ["END"], "seed": 7}),
        ({"reasoning_effort": "low"}, {"thinking_config": {"thinking_level": "LOW"}}),
        ({"thinking_budget": 0}, {"thinking_config": {"thinking_budget": 0}}),
        ({"response_format": {"type": "json_object", "name": "answer", "strict": True}}, {"response_mime_type": "application/json"}),
        ({"response_format": FORMAT}, {"response_mime_type": "application/json", "response_json_schema": SCHEMA}),
    ],
)  # fmt: skip
def test_gemini__is_sent_as_the_sdk_sends_it(server, parameters, theirs):
    contents = [
        {"role": {"assistant": "model"}.get(one["role"], "user"), "parts": [{"text": one["content"]}]}
        for one in TALK[1:]
    ]
    client = genai.Client(api_key="the-key", http_options={"base_url": server.root})
    config = google_types.GenerateContentConfig(system_instruction=SYSTEM, **theirs)
    same(server, "gemini", "gemini-x", parameters, lambda: client.models.generate_content(model="gemini-x", contents=contents, config=config), header="x-goog-api-key")  # fmt: skip
    client.close()


BEDROCK = [
    ({}, {}),
    ({"temperature": 0.0, "top_p": 0.9, "max_tokens": 64, "stop": ["END"]}, {"inferenceConfig": {"temperature": 0.0, "topP": 0.9, "maxTokens": 64, "stopSequences": ["END"]}}),
    ({"reasoning_effort": "low", "response_format": FORMAT}, {"outputConfig": {"effort": "low", "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"name": "sum", "schema": json.dumps(SCHEMA)}}}}}),
]  # fmt: skip


def converse(server, model, theirs):
    """Ask by botocore's own client (the core of boto3)."""
    session = botocore.session.Session()
    client = session.create_client(
        "bedrock-runtime", region_name="eu-west-1", endpoint_url=server.root, aws_access_key_id="the-key", aws_secret_access_key="the-secret", aws_session_token="the-session", config=Config(retries={"total_max_attempts": 1})
    )  # fmt: skip
    talk = [{"role": one["role"], "content": [{"text": one["content"]}]} for one in TALK[1:]]
    client.converse(modelId=model, system=[{"text": SYSTEM}], messages=talk, **theirs)
    client.close()
    return server.seen[-1]


def signature_holds(seen):
    """A verifier by AWS's "Create a signed AWS API request", written without botocore."""
    headers = {name.lower(): " ".join(value.split()) for name, value in seen.headers.items()}
    algorithm, _, rest = headers["authorization"].partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(", "))
    _, day, region, service, end = parts["Credential"].split("/")
    names = parts["SignedHeaders"].split(";")
    assert {"host", "x-amz-date", "x-amz-security-token"} <= set(names)
    canonical = [
        "POST",
        quote(urlsplit(seen.path).path, safe="/~"),
        "",
        *(f"{name}:{headers[name]}" for name in names),
        "",
        parts["SignedHeaders"],
        hashlib.sha256(seen.raw).hexdigest(),
    ]
    scope = f"{day}/{region}/{service}/{end}"
    hashed = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    to_sign = f"{algorithm}\n{headers['x-amz-date']}\n{scope}\n{hashed}"
    key = b"AWS4the-secret"
    for part in (day, region, service, end):
        key = hmac.digest(key, part.encode(), "sha256")
    assert (region, service) == ("eu-west-1", "bedrock")
    return hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), parts["Signature"])


@pytest.mark.parametrize(("parameters", "theirs"), BEDROCK)
def test_bedrock__is_sent_and_signed_as_botocore_sends_and_signs_it(server, parameters, theirs):
    model = "eu.anthropic.claude-x-v1:0"
    mine = ours(server, "bedrock", model, parameters, **KEYS)
    sdk = converse(server, model, theirs)
    assert (mine.body, mine.path) == (sdk.body, sdk.path)
    assert signature_holds(sdk)
    assert signature_holds(mine)


def test_bedrock__the_signature_is_botocores_own_at_the_same_time(monkeypatch):
    import botocore.auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as AwsCredentials

    rule = EndpointRule(
        protocol="bedrock", base_url="https://bedrock-runtime.eu-west-1.amazonaws.com", api_key_env="THE_KEY", **KEYS
    )
    request = ChatRequest(model="arn:aws:bedrock:eu-west-1:1:inference-profile/x", messages=MESSAGES)
    mine = PROTOCOLS["bedrock"].prepare(
        rule, Credentials(key="the-key", secret="the-secret", session="the-session"), request, now=NOW
    )
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))
    theirs = AWSRequest("POST", mine.url, {"Content-Type": "application/json"}, mine.body)
    botocore.auth.SigV4Auth(AwsCredentials("the-key", "the-secret", "the-session"), "bedrock", "eu-west-1").add_auth(
        theirs
    )
    assert mine.headers == dict(theirs.headers.items())
    assert mine.headers["X-Amz-Date"] == "20261124T083000Z"


def test_bedrock__a_bedrock_api_key_goes_as_bearer_and_needs_no_signing(server):
    seen = ours(server, "bedrock", "m", {})
    assert seen.headers["Authorization"] == "Bearer the-key"
    assert "X-Amz-Date" not in seen.headers


@pytest.mark.parametrize("name", ["bearer", "api-key", "x-api-key", "x-goog-api-key"])
@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_key_header__the_policy_decides_which_header_carries_the_key(server, protocol, name):
    seen = ours(server, protocol, "m", {"max_tokens": 5}, key_header=name)
    lower = {key.lower(): value for key, value in seen.headers.items()}
    expected = {"authorization": "Bearer the-key"} if name == "bearer" else {name: "the-key"}
    found = {key: value for key, value in lower.items() if "the-key" in value}
    assert found == expected


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_key__none_is_sent_where_the_policy_names_none(protocol):
    rule = EndpointRule(protocol=protocol, base_url="https://api.example.com/v1")
    ready = PROTOCOLS[protocol].prepare(
        rule, Credentials(), ChatRequest(model="m", messages=MESSAGES, parameters={"max_tokens": 1}), now=NOW
    )
    assert not {name.lower() for name in ready.headers} & {"authorization", "api-key", "x-api-key", "x-goog-api-key"}


HOSTILE = [
    "a/../../admin",
    "a/b?key=1",
    "x#y",
    "a%2e%2e/b",
    "models/../../x",
    "x:streamGenerateContent",
    "a@evil.example",
    "a\\b",
    "é",
]


@pytest.mark.parametrize("model", HOSTILE)
@pytest.mark.parametrize(
    ("protocol", "extra"),
    [
        ("gemini", {}),
        ("bedrock", {}),
        ("bedrock", {"api_key_env": "K", **KEYS}),
        ("openai-chat", {"api_version": "2024-10-21"}),
    ],
)
def test_url__a_hostile_model_name_cannot_leave_its_path_segment(protocol, extra, model):
    base = "https://api.example.com/base"
    rule = EndpointRule(protocol=protocol, base_url=base, **extra)
    ready = PROTOCOLS[protocol].prepare(
        rule, Credentials(key="k", secret="s"), ChatRequest(model=model, messages=MESSAGES), now=NOW
    )
    parts = urlsplit(ready.url)
    assert ready.url.startswith(f"{base}/")
    assert (parts.hostname, parts.fragment) == ("api.example.com", "")
    assert parts.query in ("", "api-version=2024-10-21")
    assert parts.path.count("/") == {"gemini": 3, "bedrock": 4, "openai-chat": 5}[protocol]
    assert not set(parts.path.split("/")) & {"..", "."}


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://mine.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("https://mine.services.ai.azure.com/openai/v1", "max_completion_tokens"),
        ("https://openrouter.ai/api/v1", "max_tokens"),
        ("http://127.0.0.1:8080/v1", "max_tokens"),
        ("https://api.openai.com.evil.example/v1", "max_tokens"),
    ],
)
def test_openai_chat__max_tokens_has_the_name_that_the_host_knows(base_url, name):
    rule = EndpointRule(protocol="openai-chat", base_url=base_url)
    ready = PROTOCOLS["openai-chat"].prepare(
        rule, Credentials(), ChatRequest(model="m", messages=MESSAGES, parameters={"max_tokens": 5}), now=NOW
    )
    assert {name: 5}.items() <= json.loads(ready.body).items()
    assert len({"max_tokens", "max_completion_tokens"} & set(json.loads(ready.body))) == 1


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_prepare__a_text_that_cannot_be_encoded_does_not_end_the_run(protocol):
    rule = EndpointRule(protocol=protocol, base_url="https://api.example.com")
    request = ChatRequest(model="m", messages=(Message(role="user", content="a\ud800b"),), parameters={"max_tokens": 5})
    assert b"a?b" in PROTOCOLS[protocol].prepare(rule, Credentials(), request, now=NOW).body
