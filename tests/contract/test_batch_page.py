"""docs/batch.md says what the program does: its policy is valid, its options and messages are those of the code."""

import re
import subprocess
import sys
from pathlib import Path

from gate import cli_commands
from gate.endpoints import batch_anthropic, batch_openai
from gate.endpoints.batches import BATCHES
from gate.policy import parse_policy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/batch.md").read_text()
WORKFLOW = (ROOT / "examples/workflows/batch.yml").read_text()


def test_policy__is_valid_and_states_the_default():
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    policy, _ = parse_policy(f"version: 1\nfamilies: {{f: {{severity: blocking, margin: 0.05}}}}\n{block}", file="page")
    price = policy.endpoints["openai"].price
    assert price == type(price)(input=price.input, output=price.output), "0.5 is the default"


def test_options__are_in_help_and_used_by_page_and_workflow():
    line = [sys.executable, "-m", "gate", "run", "--help"]
    said = subprocess.run(line, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    for text in (PAGE, WORKFLOW):
        assert (
            {"--batch", "--batch-wait"} <= set(re.findall(r"--batch[a-z-]*", text)) <= {*re.findall(r"--[a-z-]+", said)}
        )
    assert f"default: {cli_commands.BATCH_WAIT:g} minutes" in PAGE


def test_protocols__those_with_batches_are_named():
    first = PAGE.partition("```")[0]
    assert all(f"`{protocol}`" in first for protocol in BATCHES)


def test_limits__are_those_of_the_code():
    for limits in (batch_openai, batch_anthropic):
        assert f"{limits.MOST_REQUESTS:,}" in PAGE
        assert f"{limits.MOST_BYTES // 1_000_000} MB" in PAGE
