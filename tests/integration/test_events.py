"""Each event through the container's process: what is judged, by which policy, and where it is told."""

import json

import pytest

from gate.simulated import SimulatedEndpoint
from tests.fakes.events import payload
from tests.fakes.github import FakeGitHub
from tests.integration.test_entrypoint import CONFIG, POLICY, act, respond, tree  # noqa: F401 - `act` is a fixture

ZEROS = "0" * 40
FIXED = "risk: {design: fixed}\n"


@pytest.fixture
def world(act):  # noqa: F811
    """`world(base, head, event, …)` runs the action on an event of a small GitHub, and gives process and GitHub."""

    def run(
        event,
        action=None,
        *,
        base=None,
        head=None,
        before=None,
        prepare=lambda github: None,
        policy="",
        parts=None,
        **more,
    ):
        with SimulatedEndpoint(respond) as endpoint:
            rules = {".github/driftgate.yml": POLICY.format(url=endpoint.base_url, budget="") + FIXED + policy}
            trees = [tree(endpoint.base_url, **rules, **(base or {}))]
            trees.append(trees[0] | {"models/a.yml": CONFIG.format("worse")} if head is None else trees[0] | head)
            trees[1] = {path: text for path, text in trees[1].items() if text is not None}
            with FakeGitHub(*trees, before=before and trees[0] | before) as github:
                prepare(github)
                path = act.folder / "this.json"
                found = (parts or standard)(event, github)
                path.write_text(json.dumps(found if isinstance(found, list) else payload(event, action, **found)))
                environ = {"GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(path), "GITHUB_SHA": "f" * 40}
                done = act(github, **environ | more)
        assert "Traceback" not in done.stdout + done.stderr
        assert not any("f" * 40 in path for _, path in github.requests)
        return done, github

    run.report, run.output = act.report, act.output
    run.summary = lambda: act.summary().replace("\\", "")  # as a person reads it
    return run


def standard(event, github):
    ends = {"base_sha": github.base_sha, "head_sha": github.head_sha}
    return {
        "merge_group": {"merge_group": ends},
        "push": {"ref": "refs/heads/release", "before": github.base_sha, "after": github.head_sha, "deleted": False},
        "workflow_dispatch": {},
        "schedule": {},
    }.get(event, {"pull_request": github.pull()})


@pytest.mark.parametrize(
    ("event", "action", "inputs", "comments"),
    [
        ("pull_request", "opened", {}, 1),
        ("pull_request", "synchronize", {}, 1),
        ("pull_request", "reopened", {}, 1),
        ("pull_request", "edited", {}, 1),
        ("pull_request_target", "opened", {}, 1),
        ("merge_group", "checks_requested", {}, 0),
        ("push", None, {}, 0),
        ("workflow_dispatch", None, {"INPUT_PR-NUMBER": "7"}, 1),
        ("workflow_dispatch", None, {"INPUT_BASE-REF": "main", "INPUT_HEAD-REF": "release"}, 0),
    ],
)
def test_event__a_regression_blocks_and_the_commits_are_the_events(world, event, action, inputs, comments):
    done, github = world(event, action, **inputs)
    assert done.returncode == 1, done.stderr + done.stdout
    assert len(github.comments) == comments
    assert f"\n{github.head_sha}\n" in world.output()
    found = world.report()["provenance"]
    assert (found["base_sha"], found["head_sha"]) == (github.base_sha, github.head_sha)


def test_push__of_a_new_branch_is_compared_with_the_default_branch(world):
    def parts(event, github):
        return standard(event, github) | {"before": ZEROS, "created": True}

    done, github = world("push", parts=parts)
    assert (done.returncode, world.report()["provenance"]["base_sha"]) == (1, github.base_sha)


@pytest.mark.parametrize(
    ("event", "action", "changes", "says"),
    [
        ("issue_comment", "created", {}, "event issue_comment: cannot be judged; run the action on: pull_request,"),
        ("push", None, {"ref": "refs/tags/v1"}, "only a branch can be judged"),
        ("push", None, {"deleted": True, "after": ZEROS}, "the branch was deleted"),
        ("merge_group", "destroyed", {}, "write types: [checks_requested]"),
        ("pull_request", "closed", {"pull_request": {"state": "closed"}}, "pull request 7: is closed"),
        ("workflow_dispatch", None, {}, "give the input pr-number, or base-ref and head-ref"),
    ],
)
def test_event__that_cannot_be_judged_ends_with_2_and_what_to_do(world, event, action, changes, says):
    def parts(event, github):
        found = standard("push" if event == "push" else event, github)
        found = found if event != "issue_comment" else {}
        for key, value in changes.items():
            found[key] = found[key] | value if isinstance(value, dict) else value
        return found

    done, github = world(event, action, parts=parts)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert says in done.stderr
    assert not github.requests


@pytest.mark.parametrize(
    "inputs",
    [
        {"INPUT_PR-NUMBER": "0"},
        {"INPUT_PR-NUMBER": "7; rm"},
        {"INPUT_PR-NUMBER": "7", "INPUT_HEAD-REF": "x"},
        {"INPUT_HEAD-REF": "../x", "INPUT_BASE-REF": "main"},
        {"INPUT_HEAD-REF": "a b", "INPUT_BASE-REF": "main"},
        {"INPUT_ON-FORK": "maybe"},
        {"INPUT_CHECK-RUN": "yes"},
    ],
)
def test_inputs__that_cannot_be_used_end_with_2_before_any_request(world, inputs):
    done, github = world("workflow_dispatch", **inputs)
    assert (done.returncode, len(done.stderr.splitlines()), github.requests) == (2, 1, [])
    assert done.stderr.startswith("driftgate: input ")


def test_ref__that_github_does_not_know_is_no_pass(world):
    done, _ = world(
        "workflow_dispatch", **{"INPUT_BASE-REF": "main", "INPUT_HEAD-REF": "feature/new one".replace(" ", "-")}
    )
    assert done.returncode == 3
    assert "HTTP 422" in done.stderr


def test_base__that_moved_on_is_no_change_of_the_pull_request(world):
    old = {"models/a.yml": CONFIG.format("older")}
    done, github = world("pull_request", "synchronize", head=old, before=old)
    assert (done.returncode, github.comments) == (0, [])
    assert "no watched model config changed" in world.summary()


@pytest.mark.parametrize("told", [True, False])
def test_rename__keeps_its_baseline(world, told):
    """GitHub tells a rename with changes; one without changes is seen from the trees alone."""
    moved = {"models/a.yml": None, "models/b.yml": CONFIG.format("worse" if told else "good")}

    def prepare(github):
        if told:
            github.files[-1] |= {"status": "renamed", "previous_filename": "models/a.yml"}

    done, _github = world("pull_request", "opened", head=moved, prepare=prepare)
    assert done.returncode == int(told), done.stderr
    assert "removed" not in world.summary()
    assert ("asks the same" in world.summary()) is not told


def test_new_config__is_compared_with_the_one_that_the_policy_names(world):
    new = {"models/new.yml": CONFIG.format("worse")}
    done, _ = world("pull_request", "opened", head=new)
    assert done.returncode == 0
    assert "models/new.yml is new: the policy names no new_model_baseline" in world.summary()
    done, github = world("pull_request", "opened", head=new, policy="new_model_baseline: models/a.yml\n")
    assert done.returncode == 1, done.stderr
    assert "models/new.yml" in github.comments[0]["body"] + done.stdout


def test_several_configs__are_each_gated_in_one_comment(world):
    base = {"models/b.yml": CONFIG.format("good")}
    head = {"models/a.yml": CONFIG.format("better"), "models/b.yml": CONFIG.format("worse")}
    done, github = world("pull_request", "opened", base=base, head=head)
    assert done.returncode == 1, done.stderr
    (comment,) = github.comments
    assert all(f"**`models/{name}.yml`**" in comment["body"] for name in "ab")
    assert {one["config"] for one in world.report()["comparisons"] if one["outcome"] == "regressed"} == {"models/b.yml"}


HOW = "run the workflow by hand with pr-number 7, or approve its run in a protected environment"


@pytest.mark.parametrize("whose", [{"home": "mallory/r"}, {"author": "dependabot[bot]"}])
@pytest.mark.parametrize(("on_fork", "code"), [("", 3), ("fail", 3), ("skip", 0), ("run", 2)])
def test_fork__without_secrets_does_what_the_workflow_says(world, whose, on_fork, code):
    def prepare(github):
        for name, value in whose.items():
            setattr(github, name, value)

    done, _ = world("pull_request", "opened", prepare=prepare, **{"INPUT_ON-FORK": on_fork, "THE_KEY": ""})
    assert done.returncode == code, done.stderr
    assert "THE_KEY" in world.summary()
    if on_fork != "run":
        assert HOW in world.summary()
        assert ("NOT EVALUATED" in world.summary()) is (on_fork == "skip")


def test_fork__with_secrets_is_judged_like_any_other(world):
    done, _ = world("pull_request_target", "opened", prepare=lambda github: setattr(github, "home", "mallory/r"))
    assert done.returncode == 1, done.stderr


def test_check_run__holds_verdict_table_and_notes(world):
    done, github = world("workflow_dispatch", **{"INPUT_PR-NUMBER": "7", "INPUT_CHECK-RUN": "true"})
    (check,) = github.checks
    assert (done.returncode, check["name"], check["conclusion"]) == (1, "driftgate", "failure")
    assert check["head_sha"] == github.head_sha
    assert check["output"]["title"].startswith("Blocked: sums lost")
    assert "| family " in check["output"]["summary"]
    (note,) = check["output"]["annotations"]
    assert (note["path"], note["start_line"], note["annotation_level"]) == ("models/a.yml", 2, "failure")


def test_check_run__without_the_permission_is_a_warning_and_no_other_verdict(world):
    done, github = world("push", prepare=lambda github: setattr(github, "writes", 403), **{"INPUT_CHECK-RUN": "true"})
    assert (done.returncode, github.checks) == (1, [])
    assert "::warning::the check run needs the permission checks: write" in done.stdout


def test_tree__that_github_cuts_short_is_no_pass(world):
    done, _ = world("pull_request", "opened", prepare=lambda github: setattr(github, "most", 0))
    assert done.returncode == 2
    assert "holds more files than GitHub lists at once" in done.stdout


def test_many_configs__cost_no_call(world):
    done, _ = world("pull_request", "opened", head={f"models/{i}.yml": CONFIG.format("x") for i in range(21)})
    assert done.returncode == 2
    assert "one of 21 model configs to judge; at most 20 are judged at once" in done.stdout
