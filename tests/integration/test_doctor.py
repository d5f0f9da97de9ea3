"""`driftgate doctor` on a fake GitHub: what is missing is said in order, and what is there is not."""

import io
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gate.doctor import DoctorOptions, doctor
from gate.simulated import SimulatedEndpoint
from gate.tools import Tools
from tests.fakes.guarded import GuardedGitHub
from tests.fakes.openapi import request_problems

ROOT = Path(__file__).parents[2]
RULESET = json.loads((ROOT / "examples/ruleset.json").read_text())
OWNERS = (ROOT / "examples/CODEOWNERS").read_text()
WORKFLOW = (ROOT / "examples/workflows/pull-request.yml").read_text()
POLICY = """\
version: 1
models: ["models/*.yml"]
endpoints:
  here: {{protocol: openai-chat, base_url: "{url}", api_key_env: OPENAI_API_KEY}}
families:
  sums: {{kind: custom, dataset: evals/sums.jsonl, severity: blocking, margin: 0.05, match: {{mode: exact}}}}
waivers: {{path: .github/gate-waivers.yml}}
"""
PLACE = ".github/workflows/driftgate.yml"


def files(url="http://127.0.0.1:9/v1", **more):
    found = {
        ".github/driftgate.yml": POLICY.format(url=url),
        ".github/CODEOWNERS": OWNERS,
        PLACE: WORKFLOW.replace("runs-on: ubuntu-latest", "runs-on: ubuntu-latest\n    environment: model-keys"),
        "evals/sums.jsonl": "{}",
        "models/a.yml": "endpoint: here\nmodel: good\nparameters: {temperature: 0}\n",
        "README.md": "hello",
    } | more
    return {path: content for path, content in found.items() if content is not None}


def look(github, *, key="sk-very-secret", **options):
    """The exit code and the lines that doctor prints."""
    environ = {"GITHUB_TOKEN": "ghs_token_secret", "GITHUB_API_URL": github.url} | (
        {"OPENAI_API_KEY": key} if key else {}
    )
    tools = Tools(environ=environ, out=io.StringIO(), sleep=lambda _: None)
    default = {"repository": "o/r", "branch": "", "check": "", "policy": ".github/driftgate.yml", "call": False}
    with github:
        code = doctor(DoctorOptions(**default | options), tools)
    text = tools.out.getvalue()
    assert "very-secret" not in text
    assert "token_secret" not in text
    return code, text.splitlines()


def answer(model, messages):
    return "OK" if model == "good" else "?"


def test_recipe__with_all_its_examples_nothing_is_missing_and_nothing_unseen():
    with SimulatedEndpoint(answer) as endpoint:
        code, lines = look(GuardedGitHub(files(endpoint.base_url), rules=RULESET["rules"]), call=True)
    assert (code, lines[-1], endpoint.served) == (0, "0 things missing, 0 unseen", 1)
    assert [line.split(":")[0].split(maxsplit=1) for line in lines[:-1]] == [
        ["ok", "token"],
        ["ok", "policy"],
        ["ok", "workflow"],
        ["ok", "permissions"],
        ["ok", "keys"],
        ["ok", "required check"],
        ["ok", "reviews"],
        ["ok", "CODEOWNERS"],
        ["ok", "endpoint here"],
    ]


def test_ruleset__github_would_take_it():
    assert request_problems("POST", "/repos/o/r/rulesets", RULESET) == []
    assert RULESET["rules"][3]["parameters"]["required_status_checks"][0]["context"] == "gate"


def test_bare_repository__all_that_is_missing_in_the_order_in_which_to_add_it():
    code, lines = look(GuardedGitHub({"README.md": "hello"}))
    assert code == 2
    missing = [line.split(":")[0].removeprefix("missing").strip() for line in lines if line.startswith("missing")]
    assert missing == ["policy", "workflow", "required check", "reviews", "CODEOWNERS"]
    assert all("do: " in after for line, after in itertools.pairwise(lines) if line.startswith("missing"))


RULES = RULESET["rules"]
BY_NAME = {rule["type"]: rule for rule in RULES}


def changed(kind, **parameters):
    return [rule | {"parameters": rule["parameters"] | parameters} if rule["type"] == kind else rule for rule in RULES]


@pytest.mark.parametrize(
    ("more", "guard", "says"),
    [
        ({".github/driftgate.yml": None}, {}, "missing  policy: .github/driftgate.yml does not exist"),
        ({".github/driftgate.yml": "version: 2\n"}, {}, "missing  policy: .github/driftgate.yml:1:1"),
        ({PLACE: WORKFLOW.replace("edited]", "edited], paths: [models/**]")}, {}, "missing  workflow: .github/workflows/driftgate.yml (check gate) has a paths filter"),
        ({PLACE: WORKFLOW.replace("pull-requests: write", "pull-requests: read")}, {}, "missing  permissions: .github/workflows/driftgate.yml (check gate) has not pull-requests: write"),
        ({PLACE: WORKFLOW.replace("OPENAI_API_KEY:", "OTHER_KEY:")}, {}, "missing  keys: .github/workflows/driftgate.yml (check gate) does not pass OPENAI_API_KEY"),
        ({PLACE: WORKFLOW}, {}, "advice   keys: .github/workflows/driftgate.yml (check gate) names no environment"),
        ({PLACE: WORKFLOW.replace(", edited]", "]")}, {}, "advice   workflow: .github/workflows/driftgate.yml (check gate) does not run when"),
        ({PLACE: WORKFLOW.replace("  gate:", "  evaluate:")}, {}, "missing  required check: no ruleset requires the check evaluate (but gate)"),
        ({}, {"rules": [*RULES, {"type": "merge_queue", "parameters": {}}]}, "missing  merge queue: the merge queue waits for gate"),
        ({}, {"rules": changed("pull_request", require_code_owner_review=False)}, "missing  reviews: "),
        ({}, {"rules": changed("required_status_checks", required_status_checks=[{"context": "gate"}])}, "advice   required check: any app may report gate"),
        ({}, {"rules": [BY_NAME["pull_request"]], "required": ["gate"]}, "ok       required check: gate is required"),
        ({".github/CODEOWNERS": OWNERS.replace("/evals/ ", "/eval/ ")}, {}, "missing  CODEOWNERS: evals/sums.jsonl: has no owner"),
        ({".github/CODEOWNERS": OWNERS + "/.github/gate-waivers.yml\n"}, {}, "missing  CODEOWNERS: .github/gate-waivers.yml: has no owner"),
        ({".github/CODEOWNERS": OWNERS.replace("/workflows/ ", "/workflows/driftgate.yml ")}, {}, "missing  CODEOWNERS: .github/workflows/new.yml: has no owner"),
        ({PLACE: WORKFLOW.replace("{types: [opened, synchronize, reopened, edited]}", "x")}, {}, "advice   workflow: .github/workflows/driftgate.yml (check gate) does not run when"),
        ({}, {"errors": [3]}, "missing  CODEOWNERS: GitHub cannot use line 3"),
        ({}, {"hidden": ["/rules/branches/main"]}, "unseen   rulesets: GitHub answered HTTP 403"),
        ({}, {"hidden": ["/codeowners/errors"]}, "unseen   CODEOWNERS: GitHub answered HTTP 403"),
        ({}, {"hidden": ["/branches/main"]}, "unseen   token: GitHub answered HTTP 403"),
    ],
)  # fmt: skip
def test_one_thing_wrong__is_said_and_decides_the_exit_code(more, guard, says):
    code, lines = look(GuardedGitHub(files(**more), **{"rules": RULES} | guard))
    assert any(line.startswith(says) for line in lines), lines
    state = says.split(maxsplit=1)[0]
    assert code == {"missing": 2, "unseen": 3, "advice": 0, "ok": 0}[state]


@pytest.mark.parametrize(
    ("url", "model", "key", "says", "code"),
    [
        (None, "good", "", "missing  endpoint here: OPENAI_API_KEY is not set", 2),
        ("http://127.0.0.1:9/v1", "good", "sk-very-secret", "unseen   endpoint here: ", 3),
        (None, None, "sk-very-secret", "unseen   endpoint here: no model config of the branch names it", 3),
    ],
)
def test_endpoint__a_key_that_is_not_set_and_a_host_that_is_not_there(url, model, key, says, code):
    config = {"models/a.yml": f"endpoint: here\nmodel: {model}\n" if model else None}
    with SimulatedEndpoint(answer) as endpoint:
        found, lines = look(GuardedGitHub(files(url or endpoint.base_url, **config), rules=RULES), key=key, call=True)
    assert any(line.startswith(says) for line in lines), lines
    assert (found, endpoint.served) == (code, 0)


def test_call__without_it_no_key_leaves_this_machine():
    with SimulatedEndpoint(answer) as endpoint:
        code, lines = look(GuardedGitHub(files(endpoint.base_url), rules=RULES))
    assert (code, endpoint.served) == (0, 0)
    assert any(line.startswith("advice   endpoints: not tried") for line in lines)


def test_branch__with_a_slash_is_asked_for_by_its_whole_name():
    code, lines = look(GuardedGitHub(files(), rules=RULES, branch="release/1"), branch="release/1")
    assert code == 0
    assert "branch release/1" in lines[0]


def test_files__more_than_github_lists_at_once_are_unseen():
    github = GuardedGitHub(files(), rules=RULES)
    github.most = 3
    code, lines = look(github)
    assert code == 3
    assert lines[0].startswith("unseen   token: holds more files than GitHub lists at once")


def test_hostile_names__make_no_workflow_command_and_no_second_line():
    workflow = WORKFLOW.replace("  gate:", '  "::error::x":')
    code, lines = look(
        GuardedGitHub(files(**{PLACE: workflow, ".github/workflows/##[error]\u202ey.yml": workflow}), rules=RULES)
    )
    assert code == 2
    assert not any("::error" in line or "##[" in line or "\u202e" in line for line in lines)


def run_doctor(github, *arguments, **environ):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    return subprocess.run(
        [sys.executable, "-m", "gate", "doctor", *arguments],
        env=kept | {"PYTHONPATH": str(ROOT), "GITHUB_API_URL": github.url} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_command__in_actions_the_repository_is_its_own_and_its_endpoints_are_asked():
    with SimulatedEndpoint(answer) as endpoint:
        with GuardedGitHub(files(endpoint.base_url), rules=RULES) as github:
            own = {"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "o/r", "GITHUB_ACTIONS": "true", "OPENAI_API_KEY": "k"}
            inside = run_doctor(github, **own)
            assert (inside.returncode, endpoint.served) == (0, 1), inside.stdout + inside.stderr
            other = run_doctor(github, "--repository", "o/r", GITHUB_TOKEN="t", OPENAI_API_KEY="k")
    assert (other.returncode, endpoint.served) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "environ", "says"),
    [
        (["--repository", "o/r"], {}, "driftgate: GITHUB_TOKEN: is not set"),
        (["--repository", "../o/r"], {"GITHUB_TOKEN": "t"}, "driftgate: --repository: must be OWNER/NAME"),
        ([], {"GITHUB_TOKEN": "t"}, "driftgate: --repository: must be OWNER/NAME"),
    ],
)
def test_command__used_wrongly_is_one_line_and_exit_2(arguments, environ, says):
    with GuardedGitHub(files()) as github:
        done = run_doctor(github, *arguments, **environ)
    assert (done.returncode, done.stderr.startswith(says), len(done.stderr.splitlines())) == (2, True, 1)
