"""What is said before an endpoint is asked: parameters it cannot take, secrets that are not set."""

import json

import jsonschema
import pytest

from gate.endpoint_rule import EndpointRule, secret_names
from gate.endpoints import PROTOCOLS, checks
from gate.endpoints.checks import credentials, parameter_problems
from gate.endpoints.wire import Credentials
from gate.errors import Problems
from gate.files import LocalFiles
from gate.model_config import ModelConfig, Parameters, load_config, parameters_of
from gate.policy import Policy, parse_policy
from gate.positions import read_yaml
from gate.schema import parse

SCHEMA_FORMAT = "{type: json_schema, schema: {type: object}}"
ALL = {
    "temperature": "0.5",
    "top_p": "0.9",
    "max_tokens": "4000",
    "stop": "[END]",
    "seed": "7",
    "response_format": SCHEMA_FORMAT,
    "reasoning_effort": "high",
    "thinking_budget": "2048",
}
CANNOT = {
    "openai-chat": {"thinking_budget"},
    "openai-responses": {"stop", "seed", "thinking_budget"},
    "anthropic": {"temperature", "top_p", "seed"},
    "gemini": {"thinking_budget"},  # beside reasoning_effort; alone it can
    "bedrock": {"seed", "thinking_budget"},
}


def problems(protocol, parameters, **rule):
    document = read_yaml(f"endpoint: e\nmodel: m\nparameters:\n{parameters}", file="m.yml")
    rule = EndpointRule(protocol=protocol, base_url="https://api.example.com/v1", **rule)
    return {
        one.path.partition(".")[2]: str(one) for one in parameter_problems(parse(ModelConfig, document), document, rule)
    }


def test_parameters__the_list_here_is_complete():
    assert set(ALL) == set(Parameters.model_fields)


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_parameters__what_a_protocol_cannot_send_is_an_error_at_its_line(protocol):
    found = problems(protocol, "".join(f"  {name}: {value}\n" for name, value in ALL.items()))
    assert set(found) == CANNOT[protocol]
    for name, text in found.items():
        assert text.startswith(f"m.yml:{4 + list(ALL).index(name)}:")
        assert f"parameters.{name}: " in text
        assert text.endswith(f"(endpoint e: {protocol})")


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_parameters__what_is_not_refused_is_sent(protocol):
    """None is dropped: each value that passes the check is found in the body."""
    from datetime import UTC, datetime

    from gate.domain import ChatRequest, Message

    document = read_yaml("endpoint: e\nmodel: m\nparameters: {" + ", ".join(f"{name}: {value}" for name, value in ALL.items() if name not in CANNOT[protocol]) + "}", file="m.yml")  # fmt: skip
    parameters = parameters_of(parse(ModelConfig, document))
    rule = EndpointRule(protocol=protocol, base_url="https://api.example.com/v1")
    request = ChatRequest(model="m", messages=(Message(role="user", content="q"),), parameters=parameters)
    body = PROTOCOLS[protocol].prepare(rule, Credentials(), request, now=datetime(2026, 1, 1, tzinfo=UTC)).body.decode()
    marks = {"temperature": "0.5", "top_p": "0.9", "max_tokens": "4000", "stop": "END", "seed": ":7", "response_format": "object", "reasoning_effort": "high", "thinking_budget": "2048"}  # fmt: skip
    for name in parameters:
        assert marks[name].lower() in body.lower(), name


@pytest.mark.parametrize(
    ("protocol", "parameters", "name", "says"),
    [
        ("anthropic", "  stop: [a]\n", "max_tokens", "is required by this protocol"),
        ("anthropic", "  {max_tokens: 9, reasoning_effort: minimal}\n", "reasoning_effort", "must be none, low"),
        ("anthropic", "  {max_tokens: 9000, thinking_budget: 1000}\n", "thinking_budget", "at least 1024"),
        ("anthropic", "  {max_tokens: 2000, thinking_budget: 2000}\n", "thinking_budget", "less than max_tokens"),
        ("anthropic", "  {max_tokens: 9000, thinking_budget: 2000, reasoning_effort: none}\n", "thinking_budget", "cannot go with"),
        ("anthropic", "  {max_tokens: 9, response_format: {type: json_object}}\n", "response_format", "strict json_schema"),
        ("anthropic", "  {max_tokens: 9, temperature: 0}\n", "temperature", 'set api_version: "2023-06-01"'),
        ("gemini", "  {reasoning_effort: none}\n", "reasoning_effort", "use thinking_budget: 0"),
        ("gemini", "  {reasoning_effort: max}\n", "reasoning_effort", "minimal, low, medium, high, xhigh"),
        ("gemini", "  {response_format: {type: json_schema, schema: {}, strict: false}}\n", "response_format", "must be strict"),
        ("bedrock", "  {temperature: 1.5}\n", "temperature", "at most 1"),
        ("bedrock", "  {reasoning_effort: minimal}\n", "reasoning_effort", "low, medium, high, xhigh, max"),
        ("bedrock", "  {response_format: {type: json_object}}\n", "response_format", "strict json_schema"),
    ],
)  # fmt: skip
def test_parameters__a_value_that_a_protocol_cannot_take_is_an_error(protocol, parameters, name, says):
    found = problems(protocol, parameters)
    assert list(found) == [name]
    assert says in found[name]


def test_parameters__an_older_anthropic_version_takes_temperature_up_to_1():
    assert problems("anthropic", "  {max_tokens: 9, temperature: 1, top_p: 0.5}\n", api_version="2023-06-01") == {}
    assert "at most 1" in problems("anthropic", "  {max_tokens: 9, temperature: 1.5}\n", api_version="2023-06-01")["temperature"]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ("{type: json_schema}", "schema goes with type json_schema"),
        ("{type: json_object, schema: {}}", "schema goes with type json_schema"),
        ("{type: xml}", "must be text, json_object or json_schema"),
        ("{type: json_object, nmae: x}", "did you mean name?"),
    ],
)
def test_response_format__is_checked_in_itself(shape, says):
    document = read_yaml(f"endpoint: e\nmodel: m\nparameters: {{response_format: {shape}}}\n", file="m.yml")
    with pytest.raises(Problems) as caught:
        parse(ModelConfig, document)
    assert says in str(caught.value)


def test_response_format__a_null_inside_the_schema_is_the_schemas_own():
    document = read_yaml("endpoint: e\nmodel: m\nparameters: {temperature: null, response_format: {type: json_schema, schema: {default: null}}}\n", file="m.yml")  # fmt: skip
    assert parameters_of(parse(ModelConfig, document)) == {"response_format": {"type": "json_schema", "name": "answer", "schema": {"default": None}, "strict": True}}  # fmt: skip


def test_load_config__reports_what_the_endpoint_cannot_be_sent(tmp_path):
    (tmp_path / "m.yml").write_text("endpoint: e\nmodel: m\nparameters: {seed: 1}\n")
    rule = EndpointRule(protocol="bedrock", base_url="https://api.example.com")
    with pytest.raises(Problems, match=r"m\.yml:3:20: parameters\.seed: .*Converse has no seed"):
        load_config(LocalFiles(tmp_path), "m.yml", endpoints={"e": rule}, check=parameter_problems)


ENDPOINT = """\
version: 1
endpoints:
  aws:
    protocol: bedrock
    base_url: https://bedrock-runtime.us-east-1.amazonaws.com
    api_key_env: KEY_ID
    secret_key_env: SECRET
    session_token_env: SESSION
    region: us-east-1
families:
  f: {severity: blocking, margin: 0.05}
"""


def test_credentials__every_secret_is_read_from_the_variable_the_policy_names():
    policy, document = parse_policy(ENDPOINT, file="p.yml")
    rule = policy.endpoints["aws"]
    found = credentials("aws", rule, {"KEY_ID": "a", "SECRET": "b", "SESSION": "c", "AWS_PROFILE": "evil"}, document)
    assert found == Credentials(key="a", secret="b", session="c")
    assert secret_names(rule) == ("KEY_ID", "SECRET", "SESSION")
    assert not {"a", "b", "c"} & set(repr(found).replace("'", " ").split())


def test_credentials__each_that_is_not_set_is_a_problem_at_its_line():
    policy, document = parse_policy(ENDPOINT, file="p.yml")
    found = credentials("aws", policy.endpoints["aws"], {"SECRET": "b", "SESSION": ""}, document)
    assert [str(one).splitlines()[0] for one in found] == [
        "p.yml:6:18: endpoints.aws.api_key_env: KEY_ID is not set in the environment",
        "p.yml:8:24: endpoints.aws.session_token_env: SESSION is not set in the environment",
    ]


def test_credentials__a_missing_extra_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    policy, document = parse_policy(ENDPOINT, file="p.yml")
    (found,) = credentials("aws", policy.endpoints["aws"], {"KEY_ID": "a", "SECRET": "b", "SESSION": "c"}, document)
    assert str(found).startswith("p.yml:7:21: endpoints.aws.secret_key_env: signed requests need a package")
    assert "driftgate[bedrock]" in found.hint


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("region: us-east-1", ""), "signed requests need region"),
        (("api_key_env: KEY_ID", ""), "signed requests need api_key_env"),
        (("secret_key_env: SECRET", ""), "signed requests need secret_key_env"),
        (("protocol: bedrock", "protocol: gemini"), "secret_key_env is only for protocol bedrock"),
        (("region: us-east-1", "region: us-east-1\n    key_header: bearer"), "key_header has no use"),
        (("region: us-east-1", "region: us-east-1\n    api_version: x"), "api_version is only for protocol openai-chat or anthropic"),
        (("SECRET", "GITHUB_TOKEN"), "a variable of the runner itself"),
        (("region: us-east-1", "region: us/../east"), "must match"),
    ],
)  # fmt: skip
def test_endpoint__keys_that_do_not_belong_together_are_refused(change, says):
    with pytest.raises(Problems) as caught:
        parse_policy(ENDPOINT.replace(*change), file="p.yml")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("written", "model", "fingerprint"),
    [("warn", "warn", "warn"), ("void", "void", "void"), ("{model: void}", "void", "warn"), ("{model: void, fingerprint: warn}", "void", "warn")],
)  # fmt: skip
def test_identity__is_one_word_or_one_for_each(written, model, fingerprint):
    text = ENDPOINT.replace("version: 1\n", f"version: 1\nidentity: {written}\n")
    policy, document = parse_policy(text, file="p.yml")
    assert (policy.identity.model, policy.identity.fingerprint) == (model, fingerprint)
    jsonschema.validate(json.loads(json.dumps(document.tree)), Policy.model_json_schema())


@pytest.mark.parametrize("written", ["maybe", "5", "{models: void}", "{model: maybe}"])
def test_identity__a_wrong_word_is_one_line(written):
    with pytest.raises(Problems) as caught:
        parse_policy(ENDPOINT.replace("version: 1\n", f"version: 1\nidentity: {written}\n"), file="p.yml")
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].path.startswith("identity")
