"""What a runner sets for an action on pull request 7 of a fake GitHub, and the payload of its event."""

import json

from tests.fakes.events import payload


def pull_request_event(github):
    return json.dumps(payload("pull_request", "synchronize", pull_request=github.pull()))


def environment(github, *, event, workspace, commands):
    """`commands` is the folder of the files that the action may write to."""
    return {
        "INPUT_GITHUB-TOKEN": "ghs_token_secret",
        "INPUT_POLICY": "",
        "THE_KEY": "sk-very-secret",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_API_URL": github.url,
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_RUN_ID": "42",
        "GITHUB_WORKFLOW": "ci",
        "GITHUB_JOB": "gate",
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_OUTPUT": f"{commands}/output",
        "GITHUB_STEP_SUMMARY": f"{commands}/summary",
    }
