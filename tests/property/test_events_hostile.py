"""Any payload under any event is an event to judge or one clear line; never a traceback, and never another commit."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from gate.actions import INPUTS, read_inputs
from gate.errors import UsageError
from gate.events import NumberedPull, PullRequest, Range, Refs, read_event

EVENTS = [
    "pull_request",
    "pull_request_target",
    "merge_group",
    "push",
    "workflow_dispatch",
    "schedule",
    "issue_comment",
    "",
]
SHA = st.sampled_from(["a" * 40, "0" * 40, "a" * 64, "A" * 40, "a" * 39, "HEAD", "a" * 40 + "\n", "../x", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | SHA,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=12,
)
END = st.fixed_dictionaries({"sha": SHA | JSON}, optional={"repo": JSON | st.fixed_dictionaries({"full_name": JSON})})
PULL = st.fixed_dictionaries(
    {
        "number": st.integers(-1, 9) | JSON,
        "state": st.sampled_from(["open", "closed"]) | JSON,
        "base": END | JSON,
        "head": END,
    },
    optional={"user": st.fixed_dictionaries({"login": JSON}) | JSON},
)
PAYLOAD = JSON | st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["checks_requested", "destroyed"]) | JSON,
        "pull_request": PULL | JSON,
        "merge_group": st.fixed_dictionaries({"base_sha": SHA, "head_sha": SHA}) | JSON,
        "ref": st.sampled_from(["refs/heads/x", "refs/tags/x"]) | JSON,
        "before": SHA,
        "after": SHA,
        "deleted": st.booleans() | JSON,
    },
)


def shas(event):
    if isinstance(event, PullRequest | Range):
        return [event.base_sha, event.head_sha]
    return [event.head] if isinstance(event, Refs) and event.base is None else []


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(EVENTS), PAYLOAD)
def test_payload__is_an_event_or_one_line(name, payload):
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(json.dumps(payload))
        file.flush()
        environ = {
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": file.name,
            "INPUT_GITHUB-TOKEN": "t",
            "GITHUB_SHA": "f" * 40,
        }
        try:
            event = read_event(environ, read_inputs(environ))
        except UsageError as error:
            said = str(error)
            event = None
        else:
            said = "an event"
    assert len(said.splitlines()) == 1
    assert len(said) < 400
    assert all(len(sha) in (40, 64) and set(sha) <= set("0123456789abcdef") for sha in shas(event))
    assert not any(sha == "f" * 40 for sha in shas(event))


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(INPUTS), st.text(st.characters(exclude_characters="\0"), max_size=30)))
def test_inputs__are_usable_or_one_line(given_):
    environ = {f"INPUT_{name.upper()}": value for name, value in given_.items()}
    environ |= {"GITHUB_EVENT_NAME": "workflow_dispatch"}
    try:
        inputs = read_inputs(environ)
        event = read_event(environ, inputs)
    except UsageError as error:
        event, said = None, str(error)
    else:
        said = "event judged"
    assert said.startswith(("input ", "event "))
    assert event is None or isinstance(event, NumberedPull | Refs)
    assert not isinstance(event, Refs) or not set(event.head) & set(" ~^:?*[\\\n")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a":' * 100_000, "\ufeff{}", "null", "NaN"])
def test_event_file__that_is_no_payload_is_one_line(tmp_path, text):
    path = tmp_path / "event.json"
    path.write_text(text)
    environ = {"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(path), "INPUT_GITHUB-TOKEN": "t"}
    with pytest.raises(UsageError, match=r"^GITHUB_EVENT_PATH: is not the payload of this event"):
        read_event(environ, read_inputs(environ))


@pytest.mark.parametrize("path", ["", "/nowhere/at/all", str(Path(__file__).parent)])
def test_event_file__that_is_not_there_is_one_line(path):
    environ = {"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": path, "INPUT_GITHUB-TOKEN": "t"}
    with pytest.raises(UsageError, match="names no file that can be read"):
        read_event(environ, read_inputs(environ))
