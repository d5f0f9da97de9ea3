"""`driftgate run` as a process against simulated endpoints on loopback."""

import base64
import json
import subprocess
import sys

import pytest

from gate.evidence import from_json
from gate.files import digest
from gate.simulated import SimulatedEndpoint


def test_run__a_worse_candidate_is_blocked_and_compare_decides_the_same(gate):
    with SimulatedEndpoint(gate.respond) as endpoint:
        done = gate(endpoint.base_url, "models/worse.yml")
    report = gate.report()
    assert (done.returncode, report["verdict"]) == (1, "blocked")
    calls, (family,) = report["calls"], report["comparisons"]
    assert calls["baseline"] == calls["candidate"] == family["n_pairs"] < 150, "stopped when a loss was shown"
    assert family["looks"][-1] == {
        "samples": family["n_pairs"],
        "asked": 2 * family["n_pairs"],
        "delta": family["delta"],
        "outcome": "regressed",
    }
    assert report["usage"]["usd"] > 0
    (costs,) = report["usage"]["families"]
    assert costs["candidate"]["latency"]["calls"] == costs["candidate"]["answers"] == calls["candidate"]
    assert costs["baseline"]["usd"] * costs["baseline"]["answers"] == pytest.approx(report["usage"]["baseline"]["usd"])
    assert report["usage"]["per_call"]["candidate"] == costs["candidate"]
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


def test_run__fixed_asks_everything_once(gate):
    policy = gate.policy.replace("version: 1", "version: 1\nrisk: {{design: fixed}}")
    with SimulatedEndpoint(gate.respond) as endpoint:
        done = gate(endpoint.base_url, "models/worse.yml", policy=policy)
    report = gate.report()
    assert (done.returncode, report["comparisons"][0]["delta"]) == (1, -0.2)
    assert report["calls"] == {"baseline": 150, "candidate": 150, "cached": 0, "failed": 0}


def test_run__an_equal_candidate_passes(gate):
    with SimulatedEndpoint(gate.respond) as endpoint:
        assert gate(endpoint.base_url, "models/better.yml").returncode == 0
    assert gate.report()["verdict"] == "pass"


def test_run__endpoint_down_is_an_error_that_says_so(gate):
    policy = gate.policy.replace("max_concurrency: 32", "max_concurrency: 32, retries: 0, give_up_seconds: 1")
    done = gate("http://127.0.0.1:9/v1", "models/worse.yml", policy=policy)
    assert (done.returncode, gate.report()["verdict"]) == (3, "error")
    assert "could not be reached" in done.stdout.splitlines()[0]


def test_run__a_used_up_budget_is_never_a_pass(gate):
    with SimulatedEndpoint(gate.respond) as endpoint:
        done = gate(endpoint.base_url, "models/better.yml", budget="calls: 20")
    assert (done.returncode, gate.report()["verdict"]) == (3, "inconclusive")
    assert "the budget of 20 calls is used up" in done.stdout
    assert gate.report()["comparisons"][0]["n_pairs"] <= 10


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


def flips(gate, out="driftgate-out"):
    return from_json((gate.folder / out / "flips.json").read_text(), file="flips.json")


def test_run__the_samples_lost_are_beside_the_report_with_what_both_models_said(gate):
    with SimulatedEndpoint(gate.respond) as endpoint:
        gate(endpoint.base_url, "models/worse.yml")
    found, (family,) = flips(gate), gate.report()["comparisons"]
    assert found.report == digest((gate.folder / "driftgate-out/report.json").read_text())
    assert (len(found.flips), {one.direction for one in found.flips}) == (family["lost"], {"lost"})
    number = int(found.flips[0].sample_id[1:])
    one = found.flips[0]
    assert (one.prompt, one.target) == (f"{number}+{number}", str(2 * number))
    assert [arm.answers[0].text for arm in (one.baseline, one.candidate)] == [str(2 * number), str(2 * number + 1)]
    assert (one.candidate.answers[0].score, one.candidate.answers[0].finish) == (0.0, "stop")
    assert (one.config, one.slices) == ("models/worse.yml", {"size": "small"})


def test_compare__of_recorded_results_has_the_same_samples_without_texts(gate):
    with SimulatedEndpoint(gate.respond) as endpoint:
        gate(endpoint.base_url, "models/worse.yml", policy=gate.fixed)
    line = "compare --baseline driftgate-out/baseline.jsonl --candidate driftgate-out/candidate.jsonl --out again"
    subprocess.run([sys.executable, "-m", "gate", *line.split()], cwd=gate.folder, check=False, capture_output=True)
    live, recorded = flips(gate), flips(gate, "again")
    assert {one.sample_id for one in recorded.flips} == {one.sample_id for one in live.flips}
    assert all(one.prompt is None and one.candidate.answers[0].text is None for one in recorded.flips)
    assert {one.candidate.answers[0].score for one in recorded.flips} == {0.0}
    assert recorded.flips[0].candidate.answers[0].reason == live.flips[0].candidate.answers[0].reason != ""


def test_run__a_policy_that_shows_scores_only_keeps_texts_out_of_every_file(gate):
    def respond(model, messages):
        return f"{gate.respond(model, messages)}{' a-private-answer' if model == 'worse' else ''}"

    with SimulatedEndpoint(respond) as endpoint:
        gate(endpoint.base_url, "models/worse.yml", policy=gate.policy + "evidence: scores\n")
    assert len(flips(gate).flips) == gate.report()["comparisons"][0]["lost"]
    texts = [path.read_text() for path in (gate.folder / "driftgate-out").iterdir() if path.suffix != ".sqlite"]
    assert not [text for text in texts if "a-private-answer" in text or "1+1" in text]


CODED = base64.b64encode(b"my key is sk-very-secret, yes").decode()


@pytest.mark.parametrize(("form", "part"), [("sk-very-secret", "very-secret"), (CODED, CODED[16:-12])])
def test_run__a_model_that_echoes_the_key_tells_it_to_no_file(gate, form, part):
    def respond(model, messages):
        return f"the key is {form}" if model == "worse" else gate.respond(model, messages)

    with SimulatedEndpoint(respond) as endpoint:
        gate(endpoint.base_url, "models/worse.yml")
    assert "***" in flips(gate).flips[0].candidate.answers[0].text
    for path in (gate.folder / "driftgate-out").iterdir():
        if path.suffix != ".sqlite":
            assert part not in path.read_text(), path.name
