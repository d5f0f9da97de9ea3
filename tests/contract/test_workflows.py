"""Our workflows and examples: what they name exists, and the release's own commands do what their names say."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from gate import __version__

ROOT = Path(__file__).parents[2]
WORKFLOWS = [
    pytest.param(path, id=path.stem)
    for path in sorted([*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("examples/workflows/*.yml")])
]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
IMAGE, DIGEST = "ghcr.io/o/driftgate", "sha256:" + "5" * 64
RELEASE = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())


def steps(path):
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        yield from job.get("steps", ())


@pytest.mark.parametrize("path", WORKFLOWS)
def test_inputs__each_that_a_workflow_gives_to_the_action_is_one_of_its_inputs(path):
    ours = [step for step in steps(path) if re.match(r"\./|driftgate/driftgate@", step.get("uses", ""))]
    given = {name for step in ours for name in step.get("with", {})}
    read = set(re.findall(r"steps\.gate\.outputs\.([\w-]+)", path.read_text()))
    assert given <= set(ACTION["inputs"])
    assert read <= set(ACTION["outputs"])


@pytest.mark.parametrize("path", WORKFLOWS)
def test_actions__of_others_are_named_by_commit_with_their_version_beside(path):
    lines = [line for line in path.read_text().splitlines() if "uses:" in line and "driftgate" not in line]
    strange = [line for line in lines if not re.search(r"uses: (\./|[\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+$)", line)]
    assert strange == []


@pytest.mark.parametrize("path", WORKFLOWS)
def test_permissions__are_none_unless_a_job_asks(path):
    assert yaml.safe_load(path.read_text())["permissions"] == {}


def test_ci__runs_the_action_of_the_commit_itself():
    assert "./" in [step.get("uses") for step in steps(ROOT / ".github/workflows/ci.yml")]


def run_step(job, name, cwd, **environ):
    """Run a step of the release as the runner does: bash, stopping at the first failure."""
    (step,) = (step for step in RELEASE["jobs"][job]["steps"] if step.get("name", "").startswith(name))
    environ = {"PATH": os.environ["PATH"], "HOME": str(cwd), "VERSION": __version__} | environ
    bash = ["bash", "-e", "-c", step["run"]]
    return subprocess.run(bash, cwd=cwd, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path):
    """A small repository with our action, Dockerfile and version."""
    for path in ("action.yml", "Dockerfile", "gate/__init__.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    for line in ("init -q", "add .", "-c user.name=a -c user.email=a@b.c commit -qm start", "remote add origin ."):
        subprocess.run(["git", *line.split()], cwd=tmp_path, check=True)
    return tmp_path


def test_release__the_tagged_action_names_the_image_by_digest_and_is_still_an_action(checkout):
    assert run_step("tag", "Name the image", checkout, IMAGE=IMAGE, DIGEST=DIGEST).returncode == 0
    tagged = subprocess.check_output(["git", "show", f"v{__version__}:action.yml"], cwd=checkout, text=True)
    runs = {"using": "docker", "image": f"docker://{IMAGE}@{DIGEST}"}
    assert yaml.safe_load(tagged) == ACTION | {"runs": runs}


def test_release__an_action_without_the_line_to_change_is_not_tagged(checkout):
    (checkout / "action.yml").write_text("runs: {using: docker, image: Dockerfile}\n")
    assert run_step("tag", "Name the image", checkout, IMAGE=IMAGE, DIGEST=DIGEST).returncode != 0
    assert subprocess.check_output(["git", "tag"], cwd=checkout, text=True) == ""


@pytest.mark.parametrize(("version", "tag", "fine"), [(__version__, "", True), ("9.9.9", "", False), (__version__, "v" + __version__, False)])  # fmt: skip
def test_release__only_the_codes_version_and_only_once(checkout, version, tag, fine):
    if tag:
        subprocess.run(["git", "tag", tag], cwd=checkout, check=True)
    done = run_step("image", "The version", checkout, VERSION=version)
    assert (done.returncode == 0) is fine


def test_release__builds_on_the_base_that_the_dockerfile_names_and_says_so(checkout):
    docker = checkout / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(
        f"""#!/bin/sh\nprintf '%s\\n' "$@" > said\necho '{{"containerimage.digest": "{DIGEST}"}}' > built.json\n"""
    )
    docker.chmod(0o755)
    jq = checkout / "bin/jq"
    jq.write_text(f"#!/bin/sh\necho {DIGEST}\n")  # not on every machine; runners have it
    jq.chmod(0o755)
    repository = {"GITHUB_REPOSITORY": "O/Driftgate", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_SHA": "a" * 40}
    output = checkout / "output"
    path = f"{docker.parent}:{os.environ['PATH']}"
    done = run_step("image", "Build", checkout, PATH=path, GITHUB_OUTPUT=str(output), **repository)
    assert done.returncode == 0, done.stderr
    assert output.read_text() == f"name={IMAGE}\ndigest={DIGEST}\n"
    said = (checkout / "said").read_text()
    (base,) = re.findall(r"ARG BASE_IMAGE=(\S+)", (ROOT / "Dockerfile").read_text())
    assert f"BASE_IMAGE={base}\n" in said
    assert f"org.opencontainers.image.base.digest={base.partition('@')[2]}\n" in said


EXAMPLES = sorted((ROOT / "examples/workflows").glob("*.yml"))
JUDGED = {"pull_request", "pull_request_target", "merge_group", "push", "workflow_dispatch", "schedule"}


def triggers(path):
    found = yaml.safe_load(path.read_text())
    return found.get("on", found.get(True))  # YAML 1.1 reads the key `on` as true


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples__start_the_action_on_events_that_it_judges_and_hide_nothing_from_it(path):
    if not any(step.get("uses", "").startswith("driftgate/driftgate@") for step in steps(path)):
        return
    assert set(triggers(path)) <= JUDGED
    for rules in triggers(path).values():
        assert not isinstance(rules, dict) or not {"paths", "paths-ignore"} & set(rules)
    (gate,) = (job for job in yaml.safe_load(path.read_text())["jobs"].values() if "driftgate/" in str(job))
    assert gate.get("if") in (None, "${{ always() }}"), "a skipped required check passes"


def test_examples__every_one_is_named_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    assert [path.name for path in EXAMPLES if f"examples/workflows/{path.name}" not in readme] == []


def test_forks_page__says_what_the_events_are():
    page = (ROOT / "docs/forks.md").read_text()
    assert {event for event in JUDGED if f"`{event}`" in page} == JUDGED
