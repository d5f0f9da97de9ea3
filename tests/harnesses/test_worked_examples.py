"""Files that the harnesses themselves make, here and now: exactly the known flips, and failed calls apart."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from gate.domain import CallFailure, Score
from gate.importers.results import read_both, read_recorded
from tests.harnesses import install
from tests.harnesses.examples import FAILS, GAINED, LIMIT_S, LOST, TOOLS, N, example, made, place

FAILED_CALLS = {"Inspect": {FAILS}, "promptfoo": {FAILS}, "DeepEval": {FAILS}, "lm-evaluation-harness": set()}


def needs(name):
    return pytest.mark.skipif(not install.is_installed(TOOLS[name]), reason=f"{name}: {install.ABSENT}")


EVERY = [pytest.param(name, marks=needs(name)) for name in TOOLS]


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def arms(folder, name):
    """The files of the page's last command, as the shell finds them."""
    words = example(name).commands[-1].split()
    patterns = (words[words.index(f"--{arm}") + 1] for arm in ("baseline", "candidate"))
    return [next(folder.glob(pattern)) for pattern in patterns]


def numbers(recorded):
    """Number of the question → its score; None where the call had failed."""
    found = {}
    for one in recorded.observations:
        assert isinstance(one.result, Score | CallFailure)
        found[int(one.sample_id.lstrip("s"))] = one.result.value if isinstance(one.result, Score) else None
    return found


@pytest.mark.parametrize("name", EVERY)
def test_example__exactly_the_known_samples_are_lost_gained_and_failed(name, shared):
    folder = made(name, shared)
    before, after = map(numbers, read_both(*arms(folder, name), {}))
    assert set(before) == set(after) == set(range(N))
    assert {i for i in range(N) if before[i] == 0} == {GAINED}
    assert {i for i in range(N) if after[i] == 0} == LOST
    assert {i for i in range(N) if after[i] is None} == FAILED_CALLS[name]
    assert None not in before.values()


@pytest.mark.parametrize("name", EVERY)
def test_example__its_commands_end_with_the_verdict_that_the_page_tells(name, shared):
    folder = made(name, shared)
    *asked, compared = json.loads((folder / "done").read_text())
    assert [one["code"] for one in asked] == ([100, 100] if name == "promptfoo" else [0, 0]), asked
    assert (compared["code"], compared["out"][:17]) == (1, "🔴 Blocked: sums l"[:17]), compared
    report = json.loads((folder / "driftgate-out/report.json").read_text())
    (one,) = report["comparisons"]
    failed = len(FAILED_CALLS[name])
    assert (one["family"], one["n_pairs"], one["n_dropped"]) == (
        "sums",
        N - failed,
        {"baseline": 0, "candidate": failed},
    )
    assert (one["lost"], one["gained"]) == (len(LOST), 1)


@pytest.mark.parametrize("name", EVERY)
def test_example__its_baseline_may_be_the_anchor_of_a_later_release(name, shared, tmp_path):
    folder = made(name, shared)
    before, after = arms(folder, name)
    (tmp_path / before.name).write_bytes(before.read_bytes())
    (tmp_path / "policy.yml").write_text(f"{example(name).files['policy.yml']}anchor: {before.name}\n")
    later = ["--policy", tmp_path / "policy.yml", "--baseline", after, "--candidate", after, "--out", tmp_path / "out"]
    subprocess.run([folder / "bin/driftgate", "compare", *later], check=True, capture_output=True, timeout=60)
    (pattern,) = json.loads((tmp_path / "out/report.json").read_text())["patterns"]
    lost = 100 * (len(LOST) - 1) / (N - len(FAILED_CALLS[name]))
    assert pattern["kind"] == "cumulative-drift"
    assert f"sums lost {lost:.1f} points since the anchor" in pattern["text"]


def interrupt(process):
    """Again where it goes on all the same: a harness may catch a signal where it has no use for it."""
    for _ in range(LIMIT_S // 20):
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=20)
    raise AssertionError("goes on whatever is said")


@contextmanager
def interrupted(folder, name):
    """The place of an example whose candidate's command was interrupted when half of the questions were answered."""
    halfway = threading.Event()
    with place(folder, name, fails=False, gate=halfway) as run:
        with run.start(example(name).commands[1]) as process:
            deadline = time.monotonic() + LIMIT_S
            while len(run.server.seen) < N // 2 + 1 and time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.1)
            time.sleep(1)  # what is answered may be scored
            interrupt(process)
        halfway.set()
        yield run


def compared(folder, before, after):
    """The exit code of `driftgate compare`, and its report."""
    line = ["compare", "--policy", "policy.yml", "--baseline", before, "--candidate", after]
    done = subprocess.run([folder / "bin/driftgate", *line], cwd=folder, check=False, capture_output=True, timeout=60)
    return done.returncode, json.loads((folder / "driftgate-out/report.json").read_text())


@needs("Inspect")
def test_inspect__a_run_that_was_cancelled_keeps_what_it_has_and_decides_nothing(tmp_path, shared):
    with interrupted(tmp_path, "Inspect"):
        pass
    (after,) = tmp_path.glob("after/*.eval")
    found = read_recorded(after, {})
    scored = {int(one.sample_id.lstrip("s")) for one in found.observations if isinstance(one.result, Score)}
    assert scored
    assert scored <= set(range(N // 2))
    assert {int(one.sample_id.lstrip("s")) for one in found.observations} == set(range(N))
    before, _ = arms(made("Inspect", shared), "Inspect")
    code, report = compared(tmp_path, before, after)
    assert code == 3
    assert "candidate: the Inspect run of sums has the status 'cancelled'" in report["notices"]


@needs("promptfoo")
def test_promptfoo__what_an_interrupted_run_had_decides_nothing(tmp_path, shared):
    with interrupted(tmp_path, "promptfoo") as run:
        assert not (tmp_path / "after.json").exists()
        assert run("promptfoo export eval latest -o after.json").returncode == 0
    found = read_recorded(tmp_path / "after.json", {})
    scored = {one.sample_id for one in found.observations if isinstance(one.result, Score)}
    assert scored
    assert len(scored) < N
    before, _ = arms(made("promptfoo", shared), "promptfoo")
    code, report = compared(tmp_path, before, tmp_path / "after.json")
    assert (code, report["comparisons"][0]["n_dropped"]) == (3, {"baseline": 0, "candidate": N - len(scored)})


@pytest.mark.parametrize("name", EVERY)
def test_example__the_page_tells_what_its_result_is_called(name, shared):
    (called,) = re.findall(r'`results: \["(.+?)"\]`', example(name).text)
    before, _ = arms(made(name, shared), name)
    found = read_recorded(before, {"arithmetic": (called,)})
    assert {one.family for one in found.observations} == {"arithmetic"}
    assert found.notices == ()


@needs("lm-evaluation-harness")
def test_lm_eval__a_call_that_fails_leaves_nothing_to_compare(tmp_path):
    with place(tmp_path, "lm-evaluation-harness") as run:
        ended = run(example("lm-evaluation-harness").commands[1].replace("model=tuned", "max_retries=1,model=tuned"))
    assert ended.returncode != 0
    assert not list(tmp_path.rglob("samples_*"))
