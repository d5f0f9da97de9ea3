"""Every block of every page is what it says: files are read by the product, commands are run, or say why they are not.

The pages of docs/guide have a test that follows them from block to block (tests/golden/test_guide_pages.py); the
reference is made from the code (tests/contract/test_reference.py).
"""

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from gate.cli import _parser
from gate.model_config import ModelConfig
from gate.policy import parse_policy
from gate.positions import read_yaml
from gate.schema import parse
from gate.simulated import SimulatedEndpoint
from gate.waivers import parse_waivers

ROOT = Path(__file__).parents[2]
LEFT = ("docs/guide/", "docs/reference/")
FENCE = re.compile(r"^(?:<!-- not run: (?P<why>[^\n]+) -->\n)?```(?P<kind>\w*) ?(?P<what>[\w-]*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)  # fmt: skip
RUN_BY = {
    "docs/harnesses.md": "tests/integration/test_compare_harnesses.py",
    "docs/ledger.md": "tests/unit/test_ledger.py",
    "docs/notes.md": "tests/unit/test_notes.py",
    "docs/outputs.md": "tests/contract/test_outputs_page.py",
    "docs/planning.md": "tests/golden/test_planning_page.py",
    "docs/waivers.md": "tests/contract/test_waivers_page.py",
}
"""Pages with a test of their own that runs their commands and holds what they print to what is shown."""
MOST_LEFT_OUT = 14
FAMILY = "families: {f: {severity: blocking, margin: 0.05}}\n"


class Block(NamedTuple):
    page: str
    line: int
    why: str | None  # it is not run
    kind: str
    what: str
    body: str


def blocks():
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        page = path.relative_to(ROOT).as_posix()
        text = "" if page.startswith(LEFT) else path.read_text(encoding="utf-8")
        for found in FENCE.finditer(text):
            line = text.count("\n", 0, found.start("kind")) + 1
            yield Block(page, line, found["why"], found["kind"], found["what"], found["body"])


def of(*kinds):
    return [pytest.param(one, id=f"{one.page}:{one.line}") for one in blocks() if one.kind in kinds]


def test_blocks__none_is_missed():
    fences = sum(
        len(re.findall(r"^ *```", path.read_text(encoding="utf-8"), re.MULTILINE))
        for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        if not path.relative_to(ROOT).as_posix().startswith(LEFT)
    )
    assert fences == 2 * len(list(blocks()))
    assert {one.kind for one in blocks()} <= {"sh", "console", "yaml", "json", "csv", "text", "python", ""}


def test_blocks__left_out_are_few_and_say_why():
    left_out = [one for one in blocks() if one.why is not None]
    assert all(re.match(r"(needs|takes|writes|runs) ", one.why) for one in left_out)
    assert len(left_out) <= MOST_LEFT_OUT


@pytest.mark.parametrize("page", RUN_BY)
def test_pages__with_a_test_of_their_own_are_run_by_it(page):
    source = (ROOT / RUN_BY[page]).read_text()
    assert page in source
    assert re.search(r"_parser\(\)|subprocess|\bgate\(|main\(|driftgate\(", source)


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml__is_what_the_product_or_github_reads(block):
    tree = yaml.safe_load(block.body)
    keys = set(tree) if isinstance(tree, dict) else {"steps"}
    if keys & {"jobs", "steps"}:
        workflow(tree)
    elif keys >= {"model", "endpoint"}:
        parse(ModelConfig, read_yaml(block.body, file=block.page))
    elif isinstance(tree.get("waivers"), list):
        parse_waivers(block.body, file=block.page)
    elif block.what == "endpoints":
        body = re.sub("^", "  ", block.body, flags=re.MULTILINE)
        parse_policy(f"version: 1\n{FAMILY}endpoints:\n{body}", file=block.page)
    elif keys & {"task", "prompts"}:
        assert block.page == "docs/harnesses.md", "another harness's file"
    else:
        head = "" if "version" in keys else "version: 1\n"
        parse_policy(head + ("" if "families" in keys else FAMILY) + block.body, file=block.page)


def workflow(tree):
    """A whole workflow, or some of its steps: actions of others by commit, inputs of ours that exist."""
    whole = tree if isinstance(tree, dict) else {"steps": tree}
    jobs = whole["jobs"].values() if "jobs" in whole else [whole]
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    for step in (one for job in jobs for one in job["steps"]):
        uses = step.get("uses", "")
        if uses.startswith("driftgate/driftgate@"):
            assert set(step.get("with", {})) <= set(inputs)
        elif uses:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", uses), f"{uses}: name it by its commit"


@pytest.mark.parametrize("block", of("json"))
def test_json__is_json(block):
    try:
        json.loads(block.body)
    except json.JSONDecodeError:
        assert [json.loads(line) for line in block.body.splitlines()]


@pytest.mark.parametrize("block", of("csv"))
def test_csv__each_row_has_every_column(block):
    head, *rows = csv.reader(io.StringIO(block.body))
    assert rows
    assert {len(row) for row in rows} == {len(head)}


def commands(block):
    """The commands of a block: lines that go on are joined, comments and what is printed are left out."""
    text = block.body.replace("\\\n", " ")
    lines = text.splitlines()
    if block.kind == "console":
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("block", of("sh", "console"))
def test_commands__are_read_by_the_command_line_and_the_makefile(block):
    makefile = (ROOT / "Makefile").read_text()
    for line in commands(block):
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            del words[0]
        words = words[: next((number for number, word in enumerate(words) if word in (">", "|", "&&")), len(words))]
        if words[0] == "make":  # its targets are there
            assert all(re.search(rf"^{one}:", makefile, re.MULTILINE) for one in words[1:] if "=" not in one), line
        elif words[0] == "driftgate":
            words = [word for word in words[1:] if word != "…"]
            if "--candidate" not in words and words[0] == "run":
                words += ["--candidate", "c", "--baseline", "b"]  # what an ellipsis stands for
            _parser().parse_args(words)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A repository with all that the pages' commands speak of, and an endpoint that adds."""
    folder = tmp_path_factory.mktemp("world")
    with SimulatedEndpoint(lambda _, messages: str(sum(map(int, messages[-1]["content"].split("+"))))) as endpoint:
        for name, text in files(endpoint.base_url).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        yield folder


def files(url):
    policy = f"""\
version: 1
models: [models/*.yml]
baseline_max_age: 7d
endpoints: {{here: {{protocol: openai-chat, base_url: "{url}"}}}}
families:
  sums: {{kind: custom, dataset: evals/sums.jsonl, severity: blocking, margin: 0.15, match: {{mode: exact}}}}
"""
    rows = [{"id": f"s{i}", "input": {"prompt": f"{i}+{i}"}, "target": str(2 * i)} for i in range(120)]
    scores = "".join(f'{{"family": "sums", "sample_id": "s{i}", "score": 1}}\n' for i in range(120))
    semgrep = [{"check_id": f"rule-{i}", "path": "a.py", "start": {"line": i + 1}, "end": {"line": i + 1}, "extra": {"message": "m", "severity": "ERROR"}} for i in range(9)]  # fmt: skip
    result = {"ruleId": "r", "message": {"text": "m"}}
    sarif = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "zap"}}, "results": [result, result]}]}
    bandit = {"metrics": {}, "results": [{"test_id": "B1", "filename": "a.py", "line_number": 1, "issue_text": "t", "issue_severity": "LOW"}]}  # fmt: skip
    java = "package org.owasp.benchmark.testcode;\npublic class BenchmarkTest00001 { int a; }\n"
    return {
        ".github/driftgate.yml": policy,
        "policy.yml": policy,
        "gate.yml": policy,
        "evals/sums.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        **{f"models/{name}.yml": f"endpoint: here\nmodel: {name}\n" for name in ("new", "current", "next")},
        "baseline.jsonl": scores,
        "candidate.jsonl": scores,
        "bandit.json": json.dumps(bandit),
        "semgrep.json": json.dumps({"results": semgrep}),
        "zap.sarif": json.dumps(sarif),
        "expectedresults-1.2.csv": "# test name, category, real vulnerability, cwe\nBenchmarkTest00001,sqli,true,89\n",
        "src/main/java/org/owasp/benchmark/testcode/BenchmarkTest00001.java": java,
    }


def runnable(block):
    shown = (block.page, block.kind) == ("docs/store.md", "console")  # tests/contract/test_store_page.py
    return block.why is None and block.page not in RUN_BY and not shown


RUN_HERE = [one for one in of("sh", "console") if runnable(one.values[0])]


@pytest.mark.parametrize("block", RUN_HERE)
def test_commands__run(block, world):
    driftgate = f'driftgate() {{ "{sys.executable}" -m gate "$@"; }}\n'
    script = driftgate + "\n".join(line for line in commands(block) if "…" not in line)
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-e", "-c", script], cwd=world, env=environ, capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
