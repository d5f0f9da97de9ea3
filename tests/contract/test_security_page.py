"""The threat table names tests, and they are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
TESTS = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}


def rows():
    table = PAGE.partition("| threat | defence | test |\n|---|---|---|\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def test_threats__each_has_a_defence_and_a_test_that_exists():
    named = {name for _, _, tests in rows() for name in re.findall(r"`(test_\w+)`", tests)}
    functions = {name for text in TESTS.values() for name in re.findall(r"def (test_\w+)\(", text)}
    modules = {path.stem for path in TESTS}
    assert len(rows()) >= 18
    assert all(defence and "`test_" in tests for _, defence, tests in rows())
    assert named - functions - modules == set()
