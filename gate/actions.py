"""L8: the runner's protocol: inputs, event, workflow commands, output and summary files. No network."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

from gate.errors import UsageError
from gate.files import path_problem

SUMMARY_LIMIT = 1_000_000
_MOST_ANNOTATIONS = 10
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The action's inputs; an empty one counts as not given."""

    policy: str
    token: str
    out: str
    comment_key: str
    store: str  # "" keeps answers for this job only
    shard: str  # "" asks everything
    stores: str  # folder with the shards' stores; "" where there are none


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """Raises UsageError for an input that cannot be used."""
    given = {name: environ.get(f"INPUT_{name.upper()}", "").strip() for name in INPUTS}
    inputs = Inputs(
        policy=given["policy"] or ".github/driftgate.yml",
        token=given["github-token"],
        out=given["out"] or "driftgate-report",
        comment_key=given["comment-key"] or f"{environ.get('GITHUB_WORKFLOW', '')}-{environ.get('GITHUB_JOB', '')}",
        store=given["store"],
        shard=given["shard"],
        stores=given["stores"],
    )
    for name in ("policy", "out", "store", "stores"):
        path = getattr(inputs, name)
        if path and (problem := path_problem(path)):
            raise UsageError(f"input {name}: {problem}")
    if not inputs.token:
        raise UsageError("input github-token: is empty; leave it out, or pass ${{ github.token }}")
    return inputs


INPUTS = ("policy", "github-token", "out", "comment-key", "store", "shard", "stores")


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """The change to judge. Commits come from the event's payload alone."""

    number: int
    base_sha: str
    head_sha: str
    is_fork: bool


def read_event(environ: Mapping[str, str]) -> PullRequest:
    """Raises UsageError for an event that cannot be judged."""
    name = environ.get("GITHUB_EVENT_NAME", "")
    if name not in ("pull_request", "pull_request_target"):
        raise UsageError(f"event {name or '(none)'}: not supported; run the action on: pull_request")
    try:
        payload = json.loads(Path(environ.get("GITHUB_EVENT_PATH", "")).read_text(encoding="utf-8"))
        return _pull_request(payload["pull_request"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError("GITHUB_EVENT_PATH: is not the event of a pull request") from None


def _pull_request(found: Mapping[str, Any]) -> PullRequest:
    base, head, number = found["base"], found["head"], found["number"]
    if not isinstance(number, int) or not all(_SHA.fullmatch(str(end["sha"])) for end in (base, head)):
        raise ValueError
    origin = (head.get("repo") or {}).get("full_name")
    return PullRequest(
        number=number,
        base_sha=base["sha"],
        head_sha=head["sha"],
        is_fork=origin != base["repo"]["full_name"],
    )


def run_url(environ: Mapping[str, str]) -> str:
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
    return f"{server}/{repository}/actions/runs/{environ.get('GITHUB_RUN_ID', '')}"


def harmless(text: str) -> str:
    """Log text in which the runner finds no command, in the new form or the old one."""
    return text.replace("::", ":\u200b:").replace("##[", "#\u200b#[")


Level = Literal["error", "warning", "notice"]


@dataclass(slots=True)
class Commands:
    """Workflow commands to the runner. At most ten annotations of a level are shown, so no more are made."""

    out: TextIO
    made: int = 0

    def mask(self, secret: str) -> None:
        for line in secret.splitlines():
            if len(line) >= 4:
                self._write("add-mask", {}, line)

    def annotate(self, level: Level, message: str, *, file: str, line: int) -> None:
        if self.made < _MOST_ANNOTATIONS:
            self.made += 1
            place = {"file": file, "line": str(line)} if line else {"file": file} if file else {}
            self._write(level, place, message[:4000])

    def _write(self, name: str, properties: Mapping[str, str], data: str) -> None:
        listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        self.out.write(f"::{name}{' ' if listed else ''}{listed}::{_data(data)}\n")
        self.out.flush()


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def write_outputs(environ: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Append to GITHUB_OUTPUT, each value behind a delimiter that it cannot contain."""
    delimiter = f"driftgate_{secrets.token_hex(16)}"
    text = "".join(f"{name}<<{delimiter}\n{value}\n{delimiter}\n" for name, value in outputs.items())
    _append(environ.get("GITHUB_OUTPUT"), text)


def write_summary(environ: Mapping[str, str], markdown: str) -> None:
    """Append to the job summary; more than GitHub shows is cut at a line."""
    data = markdown.encode()
    if len(data) > SUMMARY_LIMIT:
        markdown = data[:SUMMARY_LIMIT].decode(errors="ignore").rpartition("\n")[0] + "\n"
    _append(environ.get("GITHUB_STEP_SUMMARY"), markdown)


def _append(path: str | None, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def give_to_owner(made: Path, workspace: Path) -> None:
    """What was made in the workspace (a file, or a folder and its files, and the folders above) belongs to its owner:
    root's would break the next checkout of a self-hosted runner."""
    owner = workspace.stat()
    above = [folder for folder in made.parents if folder != workspace and folder.is_relative_to(workspace)]
    if os.geteuid() == 0:
        for path in (made, *(made.iterdir() if made.is_dir() else ()), *above):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
