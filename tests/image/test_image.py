"""The image as the runner runs it: its environment, mounts and working directory; looked at from outside."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from gate.simulated import SimulatedEndpoint
from tests.fakes.github import FakeGitHub
from tests.fakes.runner import environment, pull_request_event
from tests.image import engine
from tests.integration.test_entrypoint import MARKER, respond, tree

OWNER = (1001, 127)  # of the workspace, on a hosted runner
MOST_BYTES = 120e6  # that the image may add to its base
MOUNTS = ("workspace", "home", "workflow", "file_commands", "runner_temp")

pytestmark = pytest.mark.skipif(not engine.is_built(), reason=engine.ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One run of the action: what came out, where its mounts are, what it wrote into its own file system."""

    process: subprocess.CompletedProcess
    folder: Path
    written: tuple[str, ...]

    def text(self, path):
        return (self.folder / path).read_text()


@pytest.fixture
def act(tmp_path):
    """Run the action on the pull request of a fake GitHub: `act(github, **environment)`."""

    def run(github, **more):
        for name in MOUNTS:
            (tmp_path / name).mkdir()
            os.chown(tmp_path / name, *OWNER)
        (tmp_path / "workflow/event.json").write_text(pull_request_event(github))
        entrypoint = engine.inspect(engine.tag())["Entrypoint"]
        return in_container(tmp_path, entrypoint, inside(github) | more)

    return run


def inside(github):
    """What the runner sets for a container, and a little that we must not stumble over."""
    places = {"event": "/github/workflow/event.json", "workspace": "/github/workspace"}
    return environment(github, **places, commands="/github/file_commands") | {
        "HOME": "/github/home",
        "INPUT_COMMENT-KEY": "",
        "INPUT_STORE": "kept/here/answers.sqlite",
        "INPUT_OUT": "made/driftgate-report",
        "GITHUB_ACTIONS": "true",
        "GITHUB_SHA": "0" * 40,
        "RUNNER_TEMP": "/github/runner_temp",
    }


def in_container(folder, command, variables):
    container = engine.buildah("from", "--pull-never", engine.tag())
    try:
        mounts = [f"--volume={folder / name}:/github/{name}" for name in MOUNTS]
        given = [f"--env={name}={value}" for name, value in variables.items()]
        begun = folder / "begun"
        begun.touch()
        line = ["run", "--network=host", "--workingdir=/github/workspace", *mounts, *given, container, "--", *command]
        process = subprocess.run(
            ["buildah", *line],
            env=engine.environ(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        root = engine.buildah("mount", container)
        found = subprocess.check_output(
            ["find", root, "-xdev", "-type", "f", "-newer", begun, "-printf", "/%P\n"], text=True
        )
        return Done(process=process, folder=folder, written=tuple(found.split()))
    finally:
        engine.buildah("rm", container)


def test_blocked__exit_comment_outputs_summary_and_files(act):
    with SimulatedEndpoint(respond) as endpoint:
        with FakeGitHub(tree(endpoint.base_url), tree(endpoint.base_url, "worse")) as github:
            done = act(github)
    assert done.process.returncode == 1, done.process.stderr
    (comment,) = github.comments
    assert comment["body"].startswith("### 🔴 Blocked: sums lost ")
    assert comment["body"].endswith(MARKER)
    assert "::error file=models/a.yml,line=2::sums" in done.process.stdout
    assert "\nblocked\n" in done.text("file_commands/output")
    assert done.text("file_commands/summary").startswith("### 🔴 Blocked")
    assert json.loads(done.text("workspace/made/driftgate-report/report.json"))["blocked"] is True


def test_pass__nothing_is_left_behind_and_what_is_kept_belongs_to_the_workspaces_owner(act):
    with SimulatedEndpoint(respond) as endpoint:
        with FakeGitHub(tree(endpoint.base_url), tree(endpoint.base_url, "fine")) as github:
            done = act(github)
    assert done.process.returncode == 0, done.process.stderr
    made = sorted((done.folder / "workspace").rglob("*"))
    assert {path.name for path in made} >= {"driftgate-report", "report.json", "answers.sqlite"}
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {OWNER}
    assert list((done.folder / "home").iterdir()) == []
    assert sorted(path.name for path in (done.folder / "file_commands").iterdir()) == ["output", "summary"]
    assert done.written == ()


def test_error__a_wrong_input_is_one_line_and_exit_2(act):
    with FakeGitHub({"a": "b"}, {"a": "c"}) as github:
        done = act(github, INPUT_POLICY="/etc/passwd")
    assert done.process.returncode == 2
    assert "driftgate: input policy: " in done.process.stderr
    assert "Traceback" not in done.process.stderr


def test_configuration__runs_as_root_from_an_absolute_exec_form_entrypoint():
    found = engine.inspect(engine.tag())
    assert found["Entrypoint"] == ["python", "/opt/driftgate/entrypoint.py"]
    assert found.get("User", "") in ("", "0", "root")
    assert found.get("WorkingDir", "") in ("", "/")


def test_size__is_within_what_is_allowed():
    assert engine.size(engine.tag()) - engine.size(engine.BASE) <= MOST_BYTES


def test_contents__what_is_locked_and_nothing_that_only_a_build_needs(tmp_path):
    for name in MOUNTS:
        (tmp_path / name).mkdir()
    listed = (
        "from importlib.metadata import distributions as d; import sys;"
        "print(sys.version_info[:2] < (3, 12), *(f'{x.name.lower()}=={x.version}' for x in d(path=['/opt/driftgate'])))"
    )
    old, *installed = in_container(tmp_path, ["python", "-c", listed], {}).process.stdout.split()
    assert {re.sub(r"[-_.]+(?=.*==)", "-", one) for one in installed} == set(locked(before_3_12=old == "True"))
    tools = "command -v gcc cc g++ make ld; find / -xdev -name '*.whl' -path '/opt/*' -o -path '*/.cache/pip/*' -o -name requirements.lock"
    assert in_container(tmp_path, ["sh", "-c", tools], {}).process.stdout == ""


def test_bytecode__all_that_a_run_imports_is_compiled_already(tmp_path):
    for name in MOUNTS:
        (tmp_path / name).mkdir()
    imports = ["python", "-c", "import gate.action_run, numpy, jinja2, tabulate"]
    done = in_container(tmp_path, imports, {"PYTHONDONTWRITEBYTECODE": ""})
    assert (done.process.returncode, done.written) == (0, ()), done.process.stderr


def test_sandbox__can_be_had_inside(tmp_path):
    for name in MOUNTS:
        (tmp_path / name).mkdir()
    code = "from gate.sandbox import isolation; found = isolation(); print(found if isinstance(found, str) else 'yes')"
    assert in_container(tmp_path, ["python", "-c", code], {}).process.stdout == "yes\n"


def locked(*, before_3_12):
    """The lock's lines that hold on this image: Linux, and a Python before 3.12 or not."""
    text = (engine.ROOT / "requirements.lock").read_text()
    for name, marker in re.findall(r"^([\w.-]+==[\w.]+)(?: ; (.*?))? \\$", text, flags=re.MULTILINE):
        if "win32" not in marker and ("3.12" not in marker or ("<" in marker) == before_3_12):
            yield name.lower().replace("_", "-")
