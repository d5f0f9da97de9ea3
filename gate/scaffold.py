"""L7: JSON Schemas for editors, and the files that a repository starts with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

from gate.errors import EXIT_PASS, UsageError


def schema_text(name: str) -> str:
    """The JSON Schema called `name`, as indented JSON."""
    return json.dumps(_schema(name), indent=2) + "\n"


def _schema(name: str) -> dict[str, object]:
    if name == "report":
        from gate.report import json_schema

        return json_schema()
    if name == "ledger":
        from gate.ledger_line import json_schema as line_schema

        return line_schema()
    if name == "flips":
        from gate.evidence import json_schema as flips_schema

        return flips_schema()
    from gate.model_config import ModelConfig
    from gate.policy import Policy
    from gate.schema import Strict, json_schema as model_schema
    from gate.waivers import WaiverFile

    models: dict[str, type[Strict]] = {"policy": Policy, "model-config": ModelConfig, "waivers": WaiverFile}
    return model_schema(models[name])


_POLICY = """\
# yaml-language-server: $schema=driftgate/policy.schema.json
# What is evaluated when a pull request changes a model config, and what may not get worse.
# The gate reads this file from the base branch: a pull request cannot change its own judge.
version: 1
models: ["models/*.yml"]          # a pull request that touches none of these is neutral
endpoints:
  openai:                         # model configs name this alias, never a URL
    protocol: openai-chat         # or any compatible server
    base_url: "https://api.openai.com/v1"
    api_key_env: OPENAI_API_KEY   # sent to this base_url and nowhere else
    max_concurrency: 16
risk: {alpha: 0.05, power: 0.8}   # a change that changes nothing is blocked at most once in twenty
budget: {calls: 4000, minutes: 30}
# waivers: {approver_permission: maintain, max_days: 30}   # lets others release despite a regression
families:                         # margin: the largest acceptable loss (0.05 = five points)
  exploit-hypothesis: {dataset: "builtin:starter", severity: blocking, margin: 0.05}
  remediation: {dataset: "builtin:starter", severity: advisory, margin: 0.05}
  advisory-summary: {dataset: "builtin:starter", severity: blocking, margin: 0.05}
  finding-correlation: {dataset: "builtin:starter", severity: advisory, margin: 0.05}
  adversarial-resistance: {dataset: "builtin:starter", severity: blocking, margin: 0.05}
"""
_CONFIG = """\
# yaml-language-server: $schema=../.github/driftgate/model-config.schema.json
endpoint: openai
model: gpt-4.1-mini
parameters: {temperature: 0, max_tokens: 800}
system_prompt: You are a careful security engineer.
"""
_WORKFLOW = """\
name: driftgate
on:
  pull_request: {types: [opened, synchronize, reopened, edited]}
permissions: {}
concurrency: {group: "driftgate-${{ github.event.pull_request.number }}", cancel-in-progress: true}
jobs:
  gate:
    runs-on: ubuntu-latest
    permissions: {contents: read, pull-requests: write}
    steps:
      - uses: driftgate/driftgate@v0.1.0  # better: the commit of the release
        env: {OPENAI_API_KEY: "${{ secrets.OPENAI_API_KEY }}"}
"""


def init(directory: Path, out: TextIO) -> int:
    """Write what a repository needs to start; a file that is there is kept."""
    texts = {
        ".github/driftgate.yml": _POLICY,
        "models/assistant.yml": _CONFIG,
        ".github/workflows/driftgate.yml": _WORKFLOW,
        ".github/driftgate/policy.schema.json": schema_text("policy"),
        ".github/driftgate/model-config.schema.json": schema_text("model-config"),
    }
    try:
        done = {name: _write_new(directory / name, text) for name, text in texts.items()}
    except OSError as error:
        raise UsageError(f"{directory}: cannot be written: {error.strerror}") from None
    out.writelines(f"{'wrote' if written else 'kept '} {name}\n" for name, written in done.items())
    out.write("next: put the key into the secret OPENAI_API_KEY, then driftgate validate models/assistant.yml\n")
    return EXIT_PASS


def _write_new(path: Path, text: str) -> bool:
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True
