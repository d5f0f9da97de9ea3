"""Whatever stands in a policy or a model config: it is used, or every problem is one located line; never a traceback,
and no policy that still blocks lets a regression pass."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from gate.compare_command import CompareOptions, compare
from gate.endpoint_rule import EndpointRule
from gate.endpoints.checks import parameter_problems
from gate.errors import FileProblem, GateError, Problems
from gate.model_config import load_config
from gate.policy import parse_policy_for_run
from gate.tools import Tools
from gate.verdict import EXIT_CODES

POLICY = """\
version: 1
models: [models/*.yml]
endpoints:
  here: {protocol: openai-chat, base_url: "https://a.example/v1", api_key_env: KEY, price: {input: 1, output: 2}}
risk: {alpha: 0.05, power: 0.8}
budget: {calls: 100, minutes: 5}
families:
  f: {kind: custom, match: {mode: exact}, dataset: f.jsonl, severity: blocking, margin: 0.05, slices: {s: {severity: blocking}}}
waivers: {max_days: 30}
baseline_max_age: 7d
"""
CONFIG = """\
endpoint: here
model: m
parameters: {temperature: 0.5, stop: [a], response_format: {type: json_object}}
system_prompt: Add.
"""
ENDPOINTS = {"here": EndpointRule(protocol="openai-chat", base_url="https://a.example/v1")}
WORDS = st.sampled_from(
    [
        "",
        "x",
        "-1",
        "1e9",
        ".nan",
        "null",
        "~",
        "yes",
        "{}",
        "[]",
        "[[[[",
        "*a",
        "&a x",
        "!!python/name:os.system",
        "'",
        '"',
        "\t",
        "0x1f",
        "advisory",
        "blocking",
        "1",
        "0.0",
        "999999999999999999999",
        "../x",
        "https://u:p@h/",
        "\u202e",
        "\x00",
        "\ufeff",
        "10:20",
        "- - -",
    ]
)


@st.composite
def spoiled(draw, text):
    """A good text in which some words are others, or lines are gone, doubled or moved."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        number = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["word", "drop", "double", "indent", "any"]))
        if what == "word":
            words = lines[number].split(" ")
            words[draw(st.integers(0, len(words) - 1))] = draw(WORDS)
            lines[number] = " ".join(words)
        elif what == "any":
            lines[number] = draw(st.text(max_size=30))
        else:
            lines[number : number + 1] = {"drop": [], "double": [lines[number]] * 2, "indent": ["  " + lines[number]]}[
                what
            ]
        lines = lines or [""]
    return "\n".join(lines) + "\n"


class OneFile:
    def __init__(self, text):
        self.text = text

    def read(self, path, *, limit):
        if path != "m.yml":
            raise FileProblem("does not exist", missing=True)
        return self.text.encode(errors="surrogatepass")


def tried(action):
    """What came of it: a value, or an error that a user may meet. Anything else is a bug and is raised."""
    try:
        return action()
    except GateError as error:
        return error


def lines_of(found):
    """How many problems; each is located, and takes one line and its hint."""
    if not isinstance(found, Problems):
        return len(str(found).splitlines()) == 1
    for one in found.problems:
        first, *hint = str(one).splitlines()
        assert first.startswith((f"{one.file}:", f"{one.file} "))
        assert one.what
        assert all(line.startswith("    hint: ") for line in hint)
    return len(found.problems)


@settings(deadline=None, max_examples=300)
@given(spoiled(CONFIG) | st.text())
def test_config__whatever_it_says_is_a_config_or_one_located_line_a_problem(text):
    found = tried(lambda: load_config(OneFile(text), "m.yml", endpoints=ENDPOINTS, check=parameter_problems))
    assert lines_of(found) > 0 if isinstance(found, GateError) else found.endpoint == "here"


RESULTS = [
    [{"family": "f", "sample_id": f"s{i}", "score": float(not lost or i % 2), "slices": {"s": "x"}} for i in range(60)]
    for lost in (False, True)
]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """`compared(policy)` decides on recorded results in which half of everything was lost."""
    folder = tmp_path_factory.mktemp("policies")
    for name, rows in zip(("baseline", "candidate"), RESULTS, strict=True):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = CompareOptions(
        policy=folder / "p.yml",
        baseline=folder / "baseline.jsonl",
        candidate=folder / "candidate.jsonl",
        out=folder / "out",
    )

    def run(text):
        options.policy.write_text(text, encoding="utf-8", errors="surrogatepass")
        return compare(
            options, Tools(environ={}, out=StringIO(), err=StringIO(), now=lambda: datetime(2026, 11, 25, tzinfo=UTC))
        )

    return run


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=spoiled(POLICY) | st.text())
def test_policy__whatever_it_says_is_judged_or_one_located_line_a_problem(compared, text):
    code = tried(lambda: compared(text))
    if isinstance(code, GateError):
        assert lines_of(code) > 0
        return
    assert code in EXIT_CODES.values()
    policy = tried(lambda: parse_policy_for_run(text, file="p.yml")[0])
    if isinstance(policy, GateError):  # enough for recorded results, and not for a run
        return
    rule = policy.families["f"]
    if rule.severity == "blocking" and max(rule.margin, rule.ignore_below) < 0.3:
        assert code != 0
