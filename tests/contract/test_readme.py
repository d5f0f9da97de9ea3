"""The README: its policy is valid, its workflow is the one that `init` writes, and its links lead somewhere."""

import io
import re
from pathlib import Path

from gate.policy import parse_policy
from gate.scaffold import init

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORKFLOW, POLICY = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_policy__is_valid_and_has_the_alpha_that_is_explained():
    policy, _ = parse_policy(POLICY, file="README.md")
    assert (policy.risk.alpha, policy.families["summary"].margin) == (0.05, 0.05)


def test_workflow__is_the_one_that_init_writes(tmp_path):
    init(tmp_path, io.StringIO())
    assert (tmp_path / ".github/workflows/driftgate.yml").read_text() == WORKFLOW


def test_links__lead_somewhere():
    links = re.findall(r"\]\(([^)#\s]+)", README) + re.findall(r'(?:src|srcset)="([^"]+)"', README)
    assert len(links) > 40
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_length__fits_in_a_reading():
    assert len(README.splitlines()) <= 200
