"""docs/endpoints.md: its examples are valid, and its tables are those of the code."""

import re
from pathlib import Path

import pytest

from gate.endpoint_rule import EndpointRule
from gate.endpoints.breaker import NEVER_REACHED_SECONDS
from gate.endpoints.channel import BODY_LIMIT
from gate.endpoints.retry import LONGEST_WAIT, may_pass, refused
from gate.policy import parse_policy

PAGE = (Path(__file__).parents[2] / "docs/endpoints.md").read_text()
BLOCKS = re.findall(r"^```yaml ?(\S*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
HEAD = "version: 1\nfamilies: {f: {severity: blocking, margin: 0.05}}\nendpoints:\n"


def rows(title):
    part = PAGE.partition(title)[2].partition("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")
    ][2:]


def test_examples__there_are_some():
    assert [kind for kind, _ in BLOCKS] == ["endpoints"] * 3


@pytest.mark.parametrize(("kind", "text"), BLOCKS, ids=[str(number) for number, _ in enumerate(BLOCKS)])
def test_examples__are_valid(kind, text):
    parse_policy(HEAD + re.sub("^", "  ", text, flags=re.MULTILINE), file="page")


def test_defaults__are_those_of_the_policy():
    for key, default, _ in rows("## How long"):
        found = EndpointRule.model_fields[key.strip("`")].default
        assert default == ("`timeout_seconds`" if found is None else f"{found:g}")


def test_statuses__are_tried_again_as_the_table_says():
    from datetime import UTC, datetime

    table = rows("## What is tried again")
    for what, answer in table:
        for status in map(int, re.findall(r"\b[45]\d\d\b", what.partition("429 with")[0])):
            fault = refused(status, {}, b"", datetime(2026, 1, 1, tzinfo=UTC))
            assert (fault.again, fault.fatal) == (answer == "yes", "given up" in answer), status
    assert not may_pass("rate-limited", status=429, code="insufficient_quota")


def test_numbers__are_those_of_the_code():
    assert f"No wait is longer than {LONGEST_WAIT:g} seconds" in PAGE
    assert f"given up after {NEVER_REACHED_SECONDS:g} seconds" in PAGE
    assert f"An answer may have {BODY_LIMIT >> 20} MiB" in PAGE


def test_keys__each_of_the_rule_that_is_about_reaching_has_a_word():
    spoken = {"protocol", "base_url", "api_key_env", "max_concurrency"}
    elsewhere = {"key_header", "api_version", "max_tokens_field", "secret_key_env", "session_token_env", "region", "served_as", "price"}  # fmt: skip
    for key in set(EndpointRule.model_fields) - elsewhere - spoken:
        assert f"`{key}`" in PAGE or f"`{key}:" in PAGE, key
