"""docs/waivers.md: its file and commands are valid, its command prints what it shows, its tables are those of the code."""

import json
import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import get_args

import pytest

from gate.cli import _parser
from gate.files import digest
from gate.policy import ApproverPermission, WaiverRule, parse_policy
from gate.tools import Tools
from gate.waiver_command import _KEYS, Command, read_commands
from gate.waiver_terms import State
from gate.waivers import parse_waivers

PAGE_FILE = Path(__file__).parents[2] / "docs/waivers.md"
PAGE = PAGE_FILE.read_text()
RULE, WAIVERS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
POLICY = """\
version: 1
families:
  summary: {severity: blocking, margin: 0.05}
waivers:
  path: .github/gate-waivers.yml
  approver_permission: maintain
  max_days: 30
"""


def table(title):
    part = PAGE.partition(title)[2].partition("\n## ")[0]
    return {row.split("|")[1].strip(): row for row in re.findall(r"^\| `.*$", part, re.MULTILINE)}


def test_policy__is_valid_and_its_table_has_every_key():
    policy, _ = parse_policy(f"version: 1\nfamilies: {{f: {{severity: blocking, margin: 0.05}}}}\n{RULE}", file="page")
    assert policy.waivers.max_loss == 0.4
    rows = table("## Allow them")
    assert set(rows) == {f"`{name}`" for name in WaiverRule.model_fields}
    for name, field in WaiverRule.model_fields.items():
        assert str(field.default or "none") in rows[f"`{name}`"]
    assert all(f"`{name}`" in rows["`approver_permission`"] for name in get_args(ApproverPermission))


def test_commands__are_read_as_they_stand():
    blocks = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    found = [one for block in blocks for one in read_commands(block)]
    assert [type(one) for one in found] == [Command] * 4
    assert found[0].loss == 0.1993
    assert found[3].slice.value == "memory safety"
    assert set(table("## In a comment")) == {f"`{name}`" for name in (*_KEYS, "because")}


def test_states__are_those_of_the_code():
    assert set(table("## What became of each")) == {f"`{name}`" for name in get_args(State)}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Two recorded results, 30 of 200 lost, and the page's file."""
    monkeypatch.chdir(tmp_path)
    for arm, lost in (("baseline", 0), ("candidate", 30)):
        rows = [{"family": "summary", "sample_id": f"s{number}", "score": int(number >= lost)} for number in range(200)]
        (tmp_path / f"{arm}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (tmp_path / "policy.yml").write_text(POLICY)
    (tmp_path / "waivers.yml").write_text(WAIVERS)
    return tmp_path


def test_file__is_valid_and_bound_to_the_policy_of_the_example():
    (found,) = parse_waivers(WAIVERS, file="page")
    assert found.bound.policy == digest(POLICY)


def driftgate(line, now):
    out = StringIO()
    arguments = _parser().parse_args(line.split()[1:])
    return arguments.command(arguments, Tools(environ={}, out=out, err=out, now=lambda: now)), out.getvalue()


def test_command__prints_what_the_page_shows(here):
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (line,) = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
    assert f"$ {line}\n{driftgate(line, datetime(2026, 11, 26, 12, tzinfo=UTC))[1]}" == block


def test_command__blocks_again_the_day_after(here):
    (line,) = re.findall(r"^\$ (driftgate compare .*)$", PAGE, re.MULTILINE)
    code, text = driftgate(line, datetime(2026, 12, 20, 23, 59, tzinfo=UTC))
    assert (code, "expires today" in text) == (0, True)
    code, text = driftgate(line, datetime(2026, 12, 21, 0, 1, tzinfo=UTC))
    assert (code, "expired: its last day was 2026-12-20" in text) == (1, True)


def test_file_names__are_there():
    assert all((PAGE_FILE.parents[1] / name).is_file() for name in re.findall(r"`(tests/[\w/.]+\.py)`", PAGE))
