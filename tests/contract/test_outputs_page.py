"""docs/outputs.md: its commands work, and its files are those that a run writes."""

import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
import yaml

from gate import flips, wording
from gate.cli import _parser
from gate.evidence import Evaluated
from gate.outputs import FLIPS, write_outputs
from gate.policy import parse_policy
from gate.report import to_json
from gate.sarif import MOST_RESULTS
from gate.tools import Tools
from tests.fakes.reports import REPORTS

PAGE = (Path(__file__).parents[2] / "docs/outputs.md").read_text()
ROWS = re.findall(r"^\| (?:`([\w.]+)`|\(none\)) \| `([\w-]+)` \|", PAGE, re.MULTILINE)
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("report.json").write_text(to_json(REPORTS["waived"]))
    return tmp_path


def test_commands__each_format_is_shown_and_makes_what_a_run_writes(here):
    write_outputs(Evaluated(report=REPORTS["waived"]), here / "written")
    forms = set()
    for line in COMMANDS:
        out = StringIO()
        arguments = _parser().parse_args(line.split()[1:])
        assert arguments.command(arguments, Tools(environ={}, out=out, err=out, now=lambda: datetime.now(UTC))) == 0
        content = arguments.out.read_text() if arguments.out else out.getvalue()
        forms.add(arguments.format)
        (name,) = [name for name, form in ROWS if form == arguments.format]
        if name:
            assert content == (here / "written" / name).read_text()
        else:
            assert content.startswith({"slack": "🟠 *Waived", "release-notes": "## 🟠 Waived"}[arguments.format])
    assert forms == {form for _, form in ROWS}


def test_files__are_those_of_a_run(here):
    write_outputs(Evaluated(report=REPORTS["pass"]), here / "out")
    assert {path.name for path in (here / "out").iterdir()} == {FLIPS, *(name for name, _ in ROWS if name)}
    assert f"| `{FLIPS}` | (none) |" in PAGE


def test_costs__limits_are_those_of_the_code():
    said = " ".join(PAGE.split())
    assert f"moved by {100 * wording._VISIBLE:.0f} % or more (of at least {wording._FEWEST_ANSWERS} answers)" in said
    assert wording._VISIBLE_TIME == 0.25
    assert f"a quarter and {wording._VISIBLE_SECONDS} s (of at least {wording._FEWEST_TIMED} calls)" in said


def test_samples__the_policy_and_the_limits_are_those_of_the_code():
    rules = re.search(r"```yaml\n(evidence: .*?)```", PAGE, re.DOTALL)[1]
    policy, _ = parse_policy(f"version: 1\n{rules}", file="p.yml")
    assert policy.evidence == policy.families["adversarial-resistance"].evidence == "scores"
    assert f"at most {flips.LIMIT // 1_000_000} MB" in PAGE
    assert f"{flips.TEXT_LIMIT:,} characters" in PAGE
    assert f"first {flips.MOST_ANSWERS} answers" in PAGE


def test_workflow_and_limit__are_as_the_code_has_them():
    (step,) = yaml.safe_load(re.search(r"```yaml\n(- .*?)```", PAGE, re.DOTALL)[1])
    assert step["with"]["sarif_file"] == "driftgate-report/report.sarif"
    assert f"At most {MOST_RESULTS:,} results" in PAGE
