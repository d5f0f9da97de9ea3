"""`driftgate run --batch` as a process: killed for good, and told what it may be told."""

import os
import signal
import subprocess
import sys

import pytest

from tests.fakes.batches import FakeBatches
from tests.fakes.models import Reply

KEY = "sk-very-secret"


def respond(asked):
    left, right = (int(part) for part in asked.prompt.split("+"))
    return Reply(text=str(left + right + (asked.model == "worse" and left % 5 == 0)))


def command(*more):
    arms = ["--baseline", "models/good.yml", "--candidate", "models/worse.yml"]
    return [sys.executable, "-m", "gate", "run", *arms, "--batch", *more]


@pytest.fixture
def server(gate):
    with FakeBatches(respond, looks=1) as made:
        text = gate.policy.format(url=made.base_url("openai-chat"), budget="")
        (gate.folder / ".github/driftgate.yml").write_text(text)
        yield made


@pytest.mark.parametrize(
    "where", ["/v1/files", "/v1/batches", "/v1/batches/batch_1", "/v1/files/batch_1-output/content"]
)
def test_run__killed_with_sigkill_when_a_call_was_done_but_not_heard_of(gate, server, where):
    process = subprocess.Popen(command(), cwd=gate.folder, env={**os.environ, "THE_KEY": KEY}, stderr=subprocess.PIPE)
    server.after = lambda method, path: os.kill(process.pid, signal.SIGKILL) if path == where else None
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    server.after = lambda method, path: None
    done = gate(server.base_url("openai-chat"), "models/worse.yml", "--batch")
    assert done.returncode == 1, done.stderr
    assert len(server.asked()) == len(set(server.asked())) == 300
    assert server.live == []
    assert not (gate.folder / "driftgate-out/answers.sqlite.batches.json").exists()


def test_run__batches_under_way_are_exit_3_with_one_clear_line(gate, server):
    server.ends("completed", looks=2)
    done = gate(server.base_url("openai-chat"), "models/worse.yml", "--batch", "--batch-wait", "0")
    assert (done.returncode, done.stdout) == (3, "2 batches are still under way; run the same command again\n")
    assert KEY not in done.stderr
    assert not (gate.folder / "driftgate-out/report.json").exists()
    book = gate.folder / "driftgate-out/answers.sqlite.batches.json"
    assert book.stat().st_mode & 0o077 == 0
    assert "1+1" not in book.read_text(), "no prompt is in the book"
    again = gate(server.base_url("openai-chat"), "models/worse.yml", "--batch", "--batch-wait", "0")
    assert (again.returncode, len(server.batches), server.live) == (1, 2, [])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--batch", "--shard", "1/2"], "--batch: does not go with --shard"),
        (["--batch-wait", "5"], "--batch-wait: goes with --batch"),
        (["--batch", "--batch-wait", "-1"], "--batch-wait: must be minutes, 0 or more"),
        (["--batch", "--batch-wait", "nan"], "--batch-wait: must be minutes, 0 or more"),
    ],
)
def test_run__wrong_options_are_one_clear_line(gate, options, says):
    done = gate("http://127.0.0.1:9/v1", "models/worse.yml", *options)
    assert (done.returncode, done.stderr.startswith(f"driftgate: {says}")) == (2, True), done.stderr
