"""Jobs that run the gate, as workflows of any form name them."""

import pytest
from hypothesis import given, strategies

from gate.gate_jobs import read_jobs

STEP = "steps: [{uses: driftgate/driftgate@v1, env: {KEY: x}}]"


def jobs(text):
    return read_jobs(text, file="w.yml")


@pytest.mark.parametrize(
    ("uses", "found"),
    [
        ("driftgate/driftgate@v1", 1),
        ("octo/driftgate@0123", 1),
        ("docker://ghcr.io/octo/driftgate:1", 1),
        ("./driftgate", 1),
        ("octo/driftgate-helper@v1", 0),
        ("actions/checkout@v4", 0),
    ],
)
def test_read_jobs__knows_the_action_by_its_name(uses, found):
    assert len(jobs(f"jobs: {{a: {{steps: [{{uses: '{uses}'}}]}}}}")) == found


@pytest.mark.parametrize(
    ("permissions", "lacking"),
    [
        ("permissions: {contents: read, pull-requests: write}", []),
        ("permissions: write-all", []),
        ("permissions: read-all", ["pull-requests: write"]),
        ("permissions: {}", ["contents: read", "pull-requests: write"]),
        ("", ["contents: read", "pull-requests: write"]),
    ],
)
def test_lacking__of_the_job_and_else_of_the_workflow(permissions, lacking):
    (of_workflow,) = jobs(f"{permissions}\njobs: {{a: {{{STEP}}}}}")
    inside = f"{permissions}, " if permissions else ""
    (of_job,) = jobs(f"{permissions and 'permissions: {}'}\njobs: {{a: {{{inside}{STEP}}}}}")
    assert (of_workflow.lacking, of_job.lacking) == (lacking, lacking)


@pytest.mark.parametrize("events", ["pull_request", "[push, pull_request]", "{pull_request: }", "{pull_request: {types: [opened]}}"])  # fmt: skip
def test_events__in_each_form_that_github_takes(events):
    (job,) = jobs(f"on: {events}\njobs: {{a: {{{STEP}}}}}")
    assert (job.judges_pulls, job.filtered) == (True, False)


def test_passed__variables_of_workflow_job_and_step_and_no_empty_ones():
    (job,) = jobs(
        f"env: {{ONE: 1}}\njobs: {{a: {{name: gate, environment: {{name: keys}}, env: {{TWO: 2, NO: ''}}, {STEP}}}}}"
    )
    assert (job.passed, job.check, job.environment) == ({"ONE", "TWO", "KEY"}, "gate", "keys")


@given(strategies.recursive(
    strategies.sampled_from(["on", "jobs", "steps", "uses", "driftgate/driftgate@v1", "env", "permissions", "pull_request", ""]),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.sampled_from(["on", "jobs", "a", "steps", "uses", "env", "permissions", "environment", "pull_request", "types"]), inner, max_size=4),
    max_leaves=20,
))  # fmt: skip
def test_read_jobs__any_tree_is_read(tree):
    import json

    for job in jobs(
        json.dumps(
            {
                "on": tree,
                "permissions": tree,
                "jobs": {"a": tree, "b": {"steps": [{"uses": "x/driftgate@v1", "env": tree}]}},
            }
        )
    ):
        assert (job.file, type(job.filtered), type(job.lacking)) == ("w.yml", bool, list)


@pytest.mark.parametrize("text", ["", "a: [", "- a", "jobs: 3", "\x00", "[" * 2000, "a: *b"])
def test_read_jobs__what_is_no_workflow_has_none(text):
    assert jobs(text) == []
