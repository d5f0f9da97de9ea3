"""`driftgate run` and `validate` as processes, over each wire protocol."""

import json
import os
import subprocess
import sys

import pytest

from gate.endpoints import PROTOCOLS
from tests.fakes.models import FakeModels, Fault, Reply

POLICY = """\
version: 1
models: [models/*.yml]
identity: %(identity)s
endpoints:
  here: {protocol: %(protocol)s, base_url: "%(url)s", api_key_env: THE_KEY, retries: 0%(extra)s}
families:
  sums: {kind: custom, dataset: evals/sums.jsonl, severity: blocking, margin: 0.05, match: {mode: exact}}
"""
SIGNED = ", secret_key_env: THE_SECRET, region: us-east-1"
SECRETS = {"THE_KEY": "sk-very-secret", "THE_SECRET": "aws-very-secret"}
PARAMETERS = "parameters: {max_tokens: 50, response_format: {type: json_schema, schema: {type: object}}}\n"


def respond(asked):
    left, right = (int(part) for part in asked.prompt.split("+"))
    return Reply(text=str(left + right + (asked.model == "worse" and left % 5 == 0)), model=MOVED.get(asked.model))


MOVED = {"fallen-back": "another-model"}


def policy(server, protocol, *, identity="warn"):
    extra = SIGNED if protocol == "bedrock" else ""
    return POLICY % {"identity": identity, "protocol": protocol, "url": server.base_url(protocol), "extra": extra}


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_run__a_worse_candidate_is_blocked_over_each_protocol(gate, protocol):
    for model in ("good", "worse"):
        (gate.folder / f"models/{model}.yml").write_text(
            f"endpoint: here\nmodel: {model}\nsystem_prompt: Add.\n{PARAMETERS}"
        )
    with FakeModels(respond) as server:
        done = run(gate, policy(server, protocol), "models/worse.yml")
        assert {asked.protocol for asked in server.seen} == {protocol}
        assert all(asked.messages[0] == ("system", "Add.") for asked in server.seen)
    report = gate.report()
    assert (done.returncode, report["verdict"]) == (1, "blocked"), done.stderr
    calls = report["calls"]
    assert (calls["baseline"], calls["failed"]) == (calls["candidate"], 0)
    written = done.stdout + done.stderr + json.dumps(report)
    assert not any(secret in written for secret in SECRETS.values())


@pytest.mark.parametrize(("identity", "code", "verdict"), [("warn", 0, "pass"), ("void", 3, "error")])
def test_run__answers_of_another_model_are_told_and_void_the_run_where_the_policy_says_so(
    gate, identity, code, verdict
):
    (gate.folder / "models/fallen-back.yml").write_text("endpoint: here\nmodel: fallen-back\nsystem_prompt: Add.\n")
    with FakeModels(respond) as server:
        done = run(gate, policy(server, "openai-chat", identity=identity), "models/fallen-back.yml")
    report = gate.report()
    assert (done.returncode, report["verdict"]) == (code, verdict), done.stderr
    assert any("another-model" in line for line in (*report["reasons"], *report["notices"]))


def test_run__prompts_that_azure_blocked_are_answers_that_were_filtered(gate):
    results = {"jailbreak": {"filtered": True, "detected": True}}
    error = {"code": "content_filter", "status": 400, "innererror": {"content_filter_result": results}}
    blocked = Fault(status=400, body=json.dumps({"error": error}).encode())
    with FakeModels(lambda asked: blocked if asked.model == "worse" else respond(asked)) as server:
        done = run(gate, policy(server, "openai-chat"), "models/worse.yml")
    report = gate.report()
    assert (done.returncode, report["verdict"], report["calls"]["failed"]) == (1, "blocked", 0), done.stderr
    assert any("filter" in line for line in report["notices"])


def test_run__another_http_400_is_a_failed_call(gate):
    with FakeModels(lambda asked: Fault(status=400) if asked.model == "worse" else respond(asked)) as server:
        done = run(gate, policy(server, "openai-chat"), "models/worse.yml")
    assert (done.returncode, gate.report()["calls"]["failed"]) == (3, 150)
    assert "SECRET-IN-BODY" not in done.stdout + done.stderr + json.dumps(gate.report())


@pytest.mark.parametrize("command", ["run", "validate"])
def test_parameters__what_the_protocol_cannot_send_ends_with_exit_2_at_its_line(gate, command):
    (gate.folder / "models/seeded.yml").write_text(
        "endpoint: here\nmodel: m\nparameters:\n  seed: 7\n  max_tokens: 9\n"
    )
    with FakeModels(respond) as server:
        text = policy(server, "anthropic")
        done = run(gate, text, "models/seeded.yml") if command == "run" else validate(gate, text, "models/seeded.yml")
        assert not server.seen
    assert done.returncode == 2
    assert (
        "models/seeded.yml:4:9: parameters.seed: cannot be sent by this protocol (endpoint here: anthropic)"
        in done.stderr
    )
    assert "Traceback" not in done.stderr


def run(gate, text, candidate):
    return call(gate, text, "run", "--baseline", "models/good.yml", "--candidate", candidate)


def validate(gate, text, config):
    return call(gate, text, "validate", "--policy", ".github/driftgate.yml", "--root", ".", config)


def call(gate, text, *line):
    (gate.folder / ".github/driftgate.yml").write_text(text)
    command = [sys.executable, "-m", "gate", *line]
    environ = {**os.environ, **SECRETS}
    return subprocess.run(
        command, cwd=gate.folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
