"""`driftgate run` as a process against simulated endpoints on loopback."""

import json
import os
import subprocess
import sys

import pytest

from gate.simulated import SimulatedEndpoint

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
    wrong = (model == "worse" and left % 5 == 0) or (model == "better" and False)
    return str(left + right + wrong)


@pytest.fixture
def gate(tmp_path):
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

    def run(url, candidate, *, key="sk-very-secret", budget="", policy=POLICY):
        (tmp_path / ".github/driftgate.yml").write_text(policy.format(url=url, budget=budget))
        command = [sys.executable, "-m", "gate", "run", "--baseline", "models/good.yml", "--candidate", candidate]
        environ = {name: value for name, value in os.environ.items() if name != "THE_KEY"}
        environ |= {"THE_KEY": key} if key else {}
        return subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False
        )

    run.report = lambda: json.loads((tmp_path / "driftgate-out/report.json").read_text())
    run.folder = tmp_path
    return run


def test_run__a_worse_candidate_is_blocked_and_compare_decides_the_same(gate):
    with SimulatedEndpoint(respond) as endpoint:
        done = gate(endpoint.base_url, "models/worse.yml")
    report = gate.report()
    assert (done.returncode, report["verdict"], report["comparisons"][0]["delta"]) == (1, "blocked", -0.2)
    assert report["calls"] == {"baseline": 150, "candidate": 150, "cached": 0, "failed": 0}
    assert report["usage"]["usd"] > 0
    assert [change["what"] for change in report["changes"]] == ["model"]
    assert "sk-very-secret" not in done.stdout + done.stderr + json.dumps(report)
    again = subprocess.run(
        f"{sys.executable} -m gate compare --baseline driftgate-out/baseline.jsonl "
        "--candidate driftgate-out/candidate.jsonl --out again",
        shell=True,
        cwd=gate.folder,
        check=False,
    )
    assert again.returncode == 1


def test_run__an_equal_candidate_passes(gate):
    with SimulatedEndpoint(respond) as endpoint:
        assert gate(endpoint.base_url, "models/better.yml").returncode == 0
    assert gate.report()["verdict"] == "pass"


def test_run__endpoint_down_is_an_error_that_says_so(gate):
    policy = POLICY.replace("max_concurrency: 32", "max_concurrency: 32, retries: 0")
    done = gate("http://127.0.0.1:9/v1", "models/worse.yml", policy=policy)
    assert (done.returncode, gate.report()["verdict"]) == (3, "error")
    assert "could not be reached" in done.stdout.splitlines()[0]


def test_run__a_used_up_budget_is_never_a_pass(gate):
    with SimulatedEndpoint(respond) as endpoint:
        done = gate(endpoint.base_url, "models/better.yml", budget="calls: 200")
    assert (done.returncode, gate.report()["verdict"]) == (3, "inconclusive")
    assert "budget of 200 calls" in done.stdout


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "evals/sums.jsonl").unlink(), "names evals/sums.jsonl, which does not exist"),
        (lambda folder: (folder / "evals/sums.jsonl").write_bytes(b"\xff\xfe"), "is not UTF-8"),
        (lambda folder: (folder / "evals/sums.jsonl").write_bytes(b" " * 40_000_000), "is larger than"),
        (lambda folder: (folder / "evals/sums.jsonl").write_text('{"id": "a", "input": {}}\n'), "has no target"),
        (
            lambda folder: (folder / "evals/sums.jsonl").write_text(
                '{"id": "a", "input": {"prompt": "x"}, "target": "y"}\n' * 2
            ),
            "has the id of line 1",
        ),
        (
            lambda folder: (
                (folder / "evals/sums.jsonl").rename(folder / "x"),
                (folder / "evals/sums.jsonl").symlink_to("../x"),
            ),
            "is a symbolic link",
        ),
        (lambda folder: (folder / "models/worse.yml").write_text("endpoint: her\nmodel: m\n"), "did you mean here?"),
        (lambda folder: (folder / "models/worse.yml").write_text("a: &a [*a]\n"), "aliases"),
        (
            lambda folder: (folder / "models/worse.yml").write_text(
                "endpoint: here\nmodel: m\nbase_url: http://evil\n"
            ),
            "base_url: is not a known key",
        ),
    ],
)
def test_run__bad_input_is_one_clear_line_and_exit_2(gate, spoil, says):
    spoil(gate.folder)
    done = gate("http://127.0.0.1:9/v1", "models/worse.yml")
    assert (done.returncode, says in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_run__an_unset_key_is_named_at_its_line(gate):
    done = gate("http://127.0.0.1:9/v1", "models/worse.yml", key="")
    assert done.returncode == 2
    assert "driftgate.yml:4:" in done.stderr
    assert "THE_KEY is not set" in done.stderr
