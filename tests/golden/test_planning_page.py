"""docs/planning.md shows what its commands print. `make golden` writes the outputs anew."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/planning.md"
BLOCK = re.compile(r"^```console\n\$ (driftgate [^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = [command for command, _ in BLOCK.findall(PAGE.read_text())]


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example")
    subprocess.run([sys.executable, ROOT / "examples/planning/make.py", folder], check=True)
    return folder


def printed(command, folder):
    line = [sys.executable, "-m", "gate", *shlex.split(command)[1:]]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, cwd=folder, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return "".join(f"{line}".rstrip().replace("\u00a0", " ") + "\n" for line in done.stdout.splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_page__shows_what_is_printed(command, example):
    text = printed(command, example)
    if os.environ.get("DRIFTGATE_GOLDEN"):
        fresh = f"```console\n$ {command}\n{text}```"
        PAGE.write_text(BLOCK.sub(lambda found: fresh if found[1] == command else found[0], PAGE.read_text()))
    assert dict(BLOCK.findall(PAGE.read_text()))[command] == text


def test_page__has_both_commands():
    assert [command.split()[1] for command in COMMANDS] == ["plan", "selftest"]
