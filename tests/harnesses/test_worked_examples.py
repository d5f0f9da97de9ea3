"""Files that the harnesses themselves make, here and now: exactly the known flips, and failed calls apart."""

import json
import os
import subprocess

import pytest

from gate.domain import CallFailure, Score
from gate.importers.results import read_both
from tests.harnesses import install
from tests.harnesses.examples import FAILS, GAINED, LOST, TOOLS, N, example, made, place

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


@needs("lm-evaluation-harness")
def test_lm_eval__a_call_that_fails_leaves_nothing_to_compare(tmp_path):
    with place(tmp_path, "lm-evaluation-harness") as run:
        ended = run(example("lm-evaluation-harness").commands[1].replace("model=tuned", "max_retries=1,model=tuned"))
    assert ended.returncode != 0
    assert not list(tmp_path.rglob("samples_*"))
