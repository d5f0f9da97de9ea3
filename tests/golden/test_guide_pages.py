"""The pages of docs/guide do what they show: each is followed from an empty folder, block by block.

A YAML block that begins with `# path` is that file; a JSON block is a line of `evals/triage.jsonl`. A console block's commands are run and print what it shows;
a line of "…" stands for lines that are left out. `make golden` writes the outputs anew. A comment before a block
(`<!-- not run: why -->`) leaves it out.
"""

import io
import os
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gate.cli import _parser
from gate.errors import GateError
from gate.tools import Tools
from tests.fakes.guarded import GuardedGitHub

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/guide").glob("*.md"))
BLOCK = re.compile(r"^(?P<left_out><!-- not run: [^\n]+ -->\n)?```(?P<kind>\w+)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)  # fmt: skip
LEFT_OUT = {"start.md": 5}
"""How many blocks of a page are not run: they need the network, GitHub or a model's key."""


def blocks(page):
    return list(BLOCK.finditer(page.read_text(encoding="utf-8")))


def follow(body, folder, environ):
    """What the commands of a block print, each after its line; `body` may have been written by an earlier version."""
    lines = [line for line in body.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{printed(line[2:], folder, environ)}" for line in lines)


def printed(command, folder, environ):
    words = shlex.split(command)
    assert words[0] == "driftgate", f"no other command is run: {command}"
    out = io.StringIO()
    arguments = _parser().parse_args(words[1:])
    tools = Tools(environ=environ, out=out, err=io.StringIO(), now=lambda: datetime(2026, 11, 25, tzinfo=UTC))
    try:
        arguments.command(arguments, tools)
    except GateError as error:
        out.write(f"driftgate: {error}\n")
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().replace("\u00a0", " ").splitlines())


def agrees(shown, text):
    """Is `text` what is shown, where a line of "…" may be any lines?"""
    parts = re.split(r"^…\n", shown, flags=re.MULTILINE)
    return re.fullmatch("(?:.*\n)*?".join(re.escape(part) for part in parts), text) is not None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page__does_what_it_shows(page, folder):
    for block in blocks(page):
        if block["left_out"]:
            continue
        if block["kind"] == "yaml":
            name = re.match(r"# (\S+)\n", block["body"])
            assert name, f"a YAML block of {page.name} begins with no file name"
            (folder / name[1]).parent.mkdir(parents=True, exist_ok=True)
            (folder / name[1]).write_text(block["body"], encoding="utf-8")
        elif block["kind"] == "json":
            (folder / "evals").mkdir()
            (folder / "evals/triage.jsonl").write_text(block["body"], encoding="utf-8")
        else:
            assert block["kind"] == "console", f"{page.name}: {block['kind']} blocks are not run"
            told(page, block["body"], folder)


def told(page, body, folder):
    files = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.yml")}
    with GuardedGitHub(files) as github:
        text = follow(body, folder, {"GITHUB_TOKEN": "token", "GITHUB_API_URL": github.url})
    if os.environ.get("DRIFTGATE_GOLDEN") and not agrees(body, text):
        page.write_text(page.read_text().replace(f"```console\n{body}```", f"```console\n{text}```", 1))
    else:
        assert agrees(body, text), text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page__leaves_out_no_more_than_it_must(page):
    assert sum(block["left_out"] is not None for block in blocks(page)) == LEFT_OUT.get(page.name, 0)
