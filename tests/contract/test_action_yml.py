"""action.yml, the code and the README name the same inputs and outputs."""

import re
from pathlib import Path

import yaml

from gate import __version__
from gate.actions import INPUTS

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def test_inputs_agree():
    assert tuple(ACTION["inputs"]) == INPUTS
    readme = (ROOT / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in [*ACTION["inputs"], *ACTION["outputs"]])


def test_outputs_agree():
    source = (ROOT / "gate/action_tell.py").read_text()
    assert all(f'"{name}":' in source for name in ACTION["outputs"])


def test_version_is_in_the_changelog():
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_ledger_page__its_step_gives_inputs_that_there_are_and_asks_for_what_it_needs():
    page = (ROOT / "docs/ledger.md").read_text()
    (job,) = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    (step,) = job["steps"]
    assert set(step["with"]) <= set(INPUTS)
    assert job["permissions"]["contents"] == "write"
    assert all(f"`{name}`" in page for name in ("ledger", "ledger-branch", "ledger-tag", "ledger-head"))
