"""docs/store.md: its commands print what it shows, its policy is valid, its links and its names are there."""

import json
import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from gate.cli import _parser
from gate.domain import ChatRequest, Completion, Message, Usage
from gate.policy import parse_policy
from gate.store import Label, Store, content_key
from gate.tools import Tools

PAGE_FILE = Path(__file__).parents[2] / "docs/store.md"
PAGE = PAGE_FILE.read_text()
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
URL = "https://api.openai.com/v1"


def fill(path, model, run, numbers, *, days_ago=0):
    store = Store.open(path, now=lambda: 0.0, say=print)
    label = Label(endpoint="openai", protocol="openai-chat", host=URL, model=model)
    for number in numbers:
        request = ChatRequest(
            model=model, messages=(Message(role="user", content=f"Question {number}"),), parameters={"temperature": 0}
        )
        completion = Completion(
            text=f"Answer {number} – " + ("yes" if number == 0 else "a sentence of an answer. " * 22),
            served_model=model,
            usage=Usage(input_tokens=20, output_tokens=110),
            seconds=1.25,
        )
        key = content_key(protocol="openai-chat", base_url=URL, request=request, repeat=0)
        store.put(key, run, completion, asked_at=NOW.timestamp() - days_ago * 86400, label=label)
    store.close()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The stores that the page's commands speak of."""
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "answers.sqlite", "in-use-1", "0f" * 16, range(400), days_ago=4)
    fill(tmp_path / "answers.sqlite", "ft:next-2", "1e" * 16, range(200))
    fill(tmp_path / "part-1.sqlite", "m", "2d" * 16, range(100))
    fill(tmp_path / "part-2.sqlite", "m", "2d" * 16, range(100, 200))
    return tmp_path


def driftgate(line):
    out = StringIO()
    arguments = _parser().parse_args(line.split()[1:])
    arguments.command(arguments, Tools(environ={}, out=out, err=out, now=lambda: NOW))
    return out.getvalue()


def test_commands__print_what_the_page_shows(here):
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
    assert {line.split()[2] for line in lines} == {"stats", "export", "prune", "merge"}
    assert "".join(f"$ {line}\n{driftgate(line)}" for line in lines) == block
    (shown,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert (here / "answers.sqlite").stat().st_size < 250_000, "the room was given back to the disk"
    assert (here / "answers.jsonl").read_text().splitlines()[0] == " ".join(shown.split())


def test_policy__is_valid():
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    policy, _ = parse_policy("version: 1\nfamilies: {f: {severity: blocking, margin: 0.05}}\n" + text, file="page")
    assert (policy.baseline_max_age_seconds, policy.store.max_age_days) == (2 * 86400, 14)


def test_baseline__is_a_command_as_written():
    (line,) = re.findall(r"^driftgate baseline .*$", PAGE, re.MULTILINE)
    assert _parser().parse_args(line.split()[1:]).store == Path("answers.sqlite")


def test_links_and_file_names__are_there():
    links = re.findall(r"\]\((\.\.?/[^)]+)\)", PAGE)
    files = re.findall(r"`((?:tests|bench)/[\w/.]+\.py)`", PAGE)
    assert links
    assert files
    assert all((PAGE_FILE.parent / link).is_file() for link in links)
    assert all((PAGE_FILE.parents[1] / file).is_file() for file in files)


def test_kills__are_as_many_as_the_page_says():
    source = (PAGE_FILE.parents[1] / "tests/integration/test_store_kills.py").read_text()
    counted = 2 * 10 + len(range(1, 18)) + 4 + 10 + 6
    assert f"at {counted} named moments" in PAGE
    for piece in ('"seed", [1, 2]', "range(10)", "range(1, 18)", "range(4)"):
        assert piece in source, "the kill test was changed: count anew"


def test_unsafe_words__no_key_of_the_export_holds_a_secret_or_a_prompt():
    (shown,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert set(json.loads(shown)) == {
        *("key", "run", "asked_at", "endpoint", "protocol", "place", "model", "completion"),
    }
