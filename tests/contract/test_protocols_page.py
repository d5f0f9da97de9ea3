"""docs/protocols.md: its examples are valid, and its tables are those of the code."""

import re
from pathlib import Path

import pytest

from gate.domain import ChatRequest, Message
from gate.endpoint_rule import EndpointRule
from gate.endpoints import PROTOCOLS
from gate.endpoints.checks import parameter_problems
from gate.model_config import ModelConfig, Parameters
from gate.policy import parse_policy
from gate.positions import read_yaml
from gate.schema import parse

PAGE = (Path(__file__).parents[2] / "docs/protocols.md").read_text()
BLOCKS = re.findall(r"^```yaml ?(\S*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
HEAD = "version: 1\nfamilies: {f: {severity: blocking, margin: 0.05}}\nendpoints:\n"
VALUES = {
    "temperature": "1",
    "top_p": "0.9",
    "max_tokens": "4000",
    "stop": "[x]",
    "seed": "1",
    "response_format": "{type: json_schema, schema: {}}",
    "reasoning_effort": "high",
    "thinking_budget": "2000",
}


def test_examples__there_are_some_of_each_kind():
    assert {kind for kind, _ in BLOCKS} == {"endpoints", "policy", "model-config"}


@pytest.mark.parametrize(("kind", "text"), BLOCKS, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(BLOCKS)])
def test_examples__are_valid(kind, text):
    if kind == "model-config":
        document = read_yaml(text, file="page")
        rule = EndpointRule(protocol="openai-chat", base_url="https://api.openai.com/v1")
        assert not parameter_problems(parse(ModelConfig, document), document, rule)
    else:
        body = HEAD + re.sub("^", "  ", text, flags=re.MULTILINE) if kind == "endpoints" else text
        parse_policy(body, file="page")


def rows(title):
    """The table after a heading (or that begins with `title`): first column → the others."""
    part = PAGE.partition(title)[2]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return {
        cells[0].strip("`"): cells[1:] for cells in ([c.strip() for c in line.strip("|").split("|")] for line in lines)
    }


def test_protocols__the_page_has_a_row_for_each():
    assert set(PROTOCOLS) <= set(rows("# Protocols"))


@pytest.mark.parametrize("name", list(Parameters.model_fields))
def test_parameters__a_dash_in_the_table_is_what_validation_refuses(name):
    row = dict(zip(PROTOCOLS, rows("## Parameters")[name], strict=True))
    for protocol, cell in row.items():
        wanted = {name: VALUES[name]} | ({"max_tokens": "4000"} if protocol == "anthropic" else {})
        lines = ", ".join(f"{key}: {value}" for key, value in wanted.items())
        document = read_yaml(f"endpoint: e\nmodel: m\nparameters: {{{lines}}}\n", file="m.yml")
        version = {"api_version": "2023-06-01"} if "2023-06-01" in cell else {}
        rule = EndpointRule(protocol=protocol, base_url="https://api.example.com/v1", **version)
        refused = bool(parameter_problems(parse(ModelConfig, document), document, rule))
        assert refused == (cell == "–"), (protocol, cell)


def test_key_headers__are_those_of_the_page():
    from datetime import UTC, datetime

    from gate.endpoints.wire import Credentials

    for protocol in PROTOCOLS:
        rule = EndpointRule(protocol=protocol, base_url="https://api.example.com/v1", api_key_env="K")
        request = ChatRequest(model="m", messages=(Message(role="user", content="q"),))
        ready = PROTOCOLS[protocol].prepare(rule, Credentials(key="k"), request, now=datetime(2026, 1, 1, tzinfo=UTC))
        (header,) = [name for name, value in ready.headers.items() if value in ("k", "Bearer k")]
        assert header in rows("# Protocols")[protocol][1]
