"""`driftgate plan` and `driftgate selftest` as their user runs them: a process, no key, no call."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from gate.simulated import SimulatedEndpoint

NOWHERE = "http://127.0.0.1:9/v1"


def noisy(gate):
    """A model that is wrong in one asking in ten, whatever it is asked: two askings may disagree."""
    asked = Counter()

    def respond(model, messages):
        text = messages[-1]["content"]
        asked[text] += 1
        luck = hashlib.sha256(f"{text}/{asked[text]}".encode()).digest()[0]
        return "?" if luck < 26 else gate.respond(model, messages)

    return respond


def plan(gate, *more, **options):
    return gate(NOWHERE, "models/better.yml", *more, command="plan", key="", **options)


def selftest(gate, *more):
    line = [sys.executable, "-m", "gate", "selftest", *more]
    environ = {name: value for name, value in os.environ.items() if name != "THE_KEY"}
    return subprocess.run(line, cwd=gate.folder, env=environ, capture_output=True, text=True, timeout=300, check=False)


def test_plan__needs_no_key_and_no_endpoint_and_writes_no_store(gate):
    done = plan(gate, "--json", "plan.json")
    assert (done.returncode, done.stderr) == (0, "")
    first, *_ = done.stdout.splitlines()
    content = json.loads((gate.folder / "plan.json").read_text())
    few, many = content["totals"]["calls"]
    assert first.startswith(f"Plan: {few:,} to {many:,} calls, < $0.01 to $")
    assert first.endswith("; 1 unit cannot see its margin")
    assert "noise 8.0 % (assumed): sums" in done.stdout
    row = content["rows"][0]
    assert (row["gating"], row["samples"], row["noise_samples"]) == (False, 150, 0)
    assert f"no: {row['samples_needed']:,} samples would do" in done.stdout
    assert not list(gate.folder.rglob("*.sqlite"))


def test_plan__says_when_the_budget_may_not_do(gate):
    done = plan(gate, budget="calls: 600")
    assert "- the budget of 600 calls may end the run as inconclusive" in done.stdout


def test_plan__takes_noise_and_length_of_answers_from_the_store(gate):
    with SimulatedEndpoint(noisy(gate)) as endpoint:
        gate(endpoint.base_url, "models/good.yml", "--store", "kept.sqlite")  # the baseline with itself
        served = endpoint.served
        done = gate(
            endpoint.base_url, "models/better.yml", "--store", "kept.sqlite", "--json", "p.json", command="plan", key=""
        )
        assert endpoint.served == served
    assert done.returncode == 0, done.stderr
    row = json.loads((gate.folder / "p.json").read_text())["rows"][0]
    assert 20 <= row["noise_samples"] <= 150
    assert 0.05 < row["noise"] < 0.35
    assert 0.8 < row["baseline"] < 0.98
    assert f"noise {100 * row['noise']:.1f} % (from {row['noise_samples']} samples): sums" in done.stdout


def test_run__the_report_says_what_the_gate_could_see(gate):
    with SimulatedEndpoint(gate.respond) as endpoint:
        gate(endpoint.base_url, "models/better.yml")
    report = gate.report()
    planned = json.loads(json.dumps(report["plan"]))
    assert [row["family"] for row in planned] == ["sums"]
    assert not any(row["gating"] and row["visible"] > row["margin"] for row in planned)
    assert planned[0]["gating"] is False
    comment = (gate.folder / "driftgate-out/comment.md").read_text()
    assert "<summary>What this gate can see: 1 unit too small for the margin</summary>" in comment
    assert "What this gate can see" in (gate.folder / "driftgate-out/report.html").read_text()


def test_selftest__too_few_stored_answers_says_what_to_run(gate):
    plan(gate)
    done = selftest(gate, "--baseline", "models/good.yml", "--store", "kept.sqlite")
    assert (done.returncode, done.stdout) == (3, "")
    assert "sums: 0 of 150 samples have two stored answers of the baseline" in done.stderr
    assert "driftgate run --baseline models/good.yml --candidate models/good.yml --store kept.sqlite" in done.stderr


def test_selftest__on_stored_answers_after_what_it_said_to_run(gate):
    policy = gate.policy.replace("margin: 0.05", "margin: 0.15").replace(
        "version: 1", "version: 1\nrisk: {{design: fixed}}"
    )
    with SimulatedEndpoint(noisy(gate)) as endpoint:
        gate(endpoint.base_url, "models/good.yml", "--store", "kept.sqlite", policy=policy)
    done = selftest(
        gate, "--baseline", "models/good.yml", "--store", "kept.sqlite", "--simulations", "100", "--out", "st"
    )
    assert done.returncode == 0, done.stderr
    content = json.loads((gate.folder / "st/selftest.json").read_text())
    assert done.stdout.splitlines()[0] == content["headline"]
    assert content["blocked"]["of"] == 100
    assert content["units"][0]["asked_twice"] == 150


def recorded(path, seed, n=60):
    lines = [
        {
            "family": "sums",
            "sample_id": f"s{i}",
            "score": int(hashlib.sha256(f"{i % 40}{seed}".encode()).digest()[0] > 40),
        }
        for i in range(n)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_selftest__on_recorded_runs_is_the_same_each_time(gate):
    (gate.folder / "p.yml").write_text("version: 1\nfamilies:\n  sums: {severity: blocking, margin: 0.2}\n")
    for seed in "ab":
        recorded(gate.folder / f"{seed}.jsonl", seed)
    line = ["--policy", "p.yml", "--runs", "a.jsonl", "b.jsonl", "--simulations", "20", "--out"]
    first, second = (selftest(gate, *line, out) for out in ("one", "two"))
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[:-1] == second.stdout.splitlines()[:-1]
    assert (gate.folder / "one/selftest.json").read_bytes() == (gate.folder / "two/selftest.json").read_bytes()
    alone = selftest(gate, "--policy", "p.yml", "--runs", "a.jsonl")
    assert (alone.returncode, "--runs A.jsonl B.jsonl" in alone.stderr) == (3, True)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ((), "one of the arguments --baseline --runs is required"),
        (("--policy", "absent.yml", "--runs", "a.jsonl"), "absent.yml"),
        (("--policy", "p.yml", "--runs", "absent.jsonl"), "absent.jsonl"),
        (("--policy", "p.yml", "--runs", "a.jsonl", "--simulations", "0"), "must be at least 1"),
        (("--policy", "q.yml", "--runs", "a.jsonl"), "has no rule for sums"),
    ],
)
def test_selftest__bad_input_is_one_clear_line(gate, line, says):
    recorded(gate.folder / "a.jsonl", "a")
    for name, family in (("p", "sums"), ("q", "other")):
        (gate.folder / f"{name}.yml").write_text(
            f"version: 1\nfamilies:\n  {family}: {{severity: blocking, margin: 0.2}}\n"
        )
    done = selftest(gate, *line)
    assert (done.returncode, says in done.stderr, "Traceback" in done.stderr) == (2, True, False)
