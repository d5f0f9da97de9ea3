"""What several integration tests share."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GATE = (sys.executable, "-m", "gate")

POLICY = """\
version: 1
models: [models/*.yml]
endpoints:
  here: {{protocol: openai-chat, base_url: "{url}", api_key_env: THE_KEY, max_concurrency: 32,
         price: {{input: 1, output: 2}}}}
budget: {{{budget}}}
families:
  sums: {{kind: custom, dataset: evals/sums.jsonl, severity: blocking, margin: 0.05, match: {{mode: exact}}}}
"""


def respond(model, messages):
    left, right = (int(part) for part in messages[-1]["content"].split("+"))
    wrong = model == "worse" and left % 5 == 0
    return str(left + right + wrong)


def finished(process):
    """Wait for a process; what it said and how it ended."""
    with process:
        try:
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def timeless(report):
    """A report without what differs from run to run: when it was made and how long it, and each answer, took."""
    return report | {
        "provenance": {k: v for k, v in report["provenance"].items() if k not in ("started", "finished", "seconds")},
        "usage": _without_latency(report["usage"]),
    }


def _without_latency(part):
    if isinstance(part, list):
        return [_without_latency(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {k: _without_latency(v) for k, v in part.items() if k not in ("latency", "reused_latency")}


@pytest.fixture
def gate(tmp_path, monkeypatch):
    """A small repository, and its gate as a process: `gate(url, candidate, *options)`; `gate.start` does not wait."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the gate of this checkout, wherever another one is installed
    (tmp_path / "evals").mkdir()
    (tmp_path / "models").mkdir()
    (tmp_path / ".github").mkdir()
    samples = [
        {"id": f"s{i}", "input": {"prompt": f"{i}+{i}"}, "target": str(2 * i), "slices": {"size": "small"}}
        for i in range(150)
    ]
    (tmp_path / "evals/sums.jsonl").write_text("".join(json.dumps(one) + "\n" for one in samples))
    for model in ("good", "better", "worse"):
        (tmp_path / f"models/{model}.yml").write_text(f"endpoint: here\nmodel: {model}\nsystem_prompt: Add.\n")

    def start(url, candidate, *more, command="run", key="sk-very-secret", budget="", policy="", through=GATE):
        policy = policy or run.policy
        (tmp_path / ".github/driftgate.yml").write_text(policy.format(url=url, budget=budget))
        arms = ["--baseline", "models/good.yml", "--candidate", candidate]
        line = [*through, command, *arms, *more]
        environ = {name: value for name, value in os.environ.items() if name != "THE_KEY"}
        environ["PYTHONPATH"] = str(ROOT)  # the code beside these tests, whatever is installed
        environ |= {"THE_KEY": key} if key else {}
        pipe = subprocess.PIPE
        return subprocess.Popen(line, cwd=tmp_path, env=environ, stdout=pipe, stderr=pipe, text=True)

    def run(*arguments, **options):
        return finished(start(*arguments, **options))

    run.report = lambda out="driftgate-out": json.loads((tmp_path / out / "report.json").read_text())
    run.folder, run.policy, run.respond = tmp_path, POLICY, respond
    run.fixed = POLICY + "risk: {{design: fixed}}\n"  # asks everything: for tests that count calls
    run.start, run.finished, run.timeless = start, finished, timeless
    return run
