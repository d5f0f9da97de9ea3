"""L8: the runner's protocol: inputs, workflow commands, output and summary files. No network."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO, get_args

from gate.errors import UsageError
from gate.files import path_problem

SUMMARY_LIMIT = 1_000_000
_MOST_ANNOTATIONS = 10


OnFork = Literal["fail", "skip", "run"]


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
    ledger: str  # "" keeps none
    ledger_branch: str  # "": the ledger is a file of the workspace
    ledger_tag: str
    on_fork: OnFork
    check_run: bool
    check_name: str
    pr_number: int  # 0: not given
    base_ref: str
    head_ref: str


INPUTS = (
    "policy",
    "github-token",
    "out",
    "comment-key",
    "store",
    "shard",
    "stores",
    "ledger",
    "ledger-branch",
    "ledger-tag",
    "on-fork",
    "check-run",
    "pr-number",
    "base-ref",
    "head-ref",
)
_PATHS = ("policy", "out", "store", "stores", "ledger")
_REF = re.compile(r"[^\x00-\x20\x7f\ud800-\udfff~^:?*\[\\]{1,255}")
"""A branch, a tag or a commit, as git lets them be called."""


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """Raises UsageError for an input that cannot be used."""
    given = {name: environ.get(f"INPUT_{name.upper()}", "").strip() for name in INPUTS}
    for name in _PATHS:
        if given[name] and (problem := path_problem(given[name])):
            raise UsageError(f"input {name}: {problem}")
    if not given["github-token"]:
        raise UsageError("input github-token: is empty; leave it out, or pass ${{ github.token }}")
    return Inputs(
        policy=given["policy"] or ".github/driftgate.yml",
        token=given["github-token"],
        out=given["out"] or "driftgate-report",
        comment_key=given["comment-key"] or f"{environ.get('GITHUB_WORKFLOW', '')}-{environ.get('GITHUB_JOB', '')}",
        store=given["store"],
        shard=given["shard"],
        stores=given["stores"],
        ledger=given["ledger"] or ("ledger.jsonl" if given["ledger-branch"] else ""),
        ledger_branch=_ref("ledger-branch", given["ledger-branch"]),
        ledger_tag=_ref("ledger-tag", given["ledger-tag"]),
        on_fork=_one_of("on-fork", given["on-fork"] or "fail", get_args(OnFork)),
        check_run=_one_of("check-run", given["check-run"] or "false", ("true", "false")) == "true",
        check_name=f"driftgate ({given['comment-key'][:80]})" if given["comment-key"] else "driftgate",
        pr_number=_number(given["pr-number"]),
        base_ref=_ref("base-ref", given["base-ref"]),
        head_ref=_ref("head-ref", given["head-ref"]),
    )


def _one_of(name: str, value: str, known: Sequence[Any]) -> Any:
    if value not in known:
        raise UsageError(f"input {name}: must be {' or '.join(known)}")
    return value


def _number(text: str) -> int:
    if not re.fullmatch(r"(?:[1-9][0-9]{0,8})?", text, re.ASCII):
        raise UsageError("input pr-number: must be the number of a pull request")
    return int(text or 0)


def _ref(name: str, text: str) -> str:
    if text and (not _REF.fullmatch(text) or ".." in text or text.startswith(("-", "/"))):
        raise UsageError(f"input {name}: must be a branch, a tag or a commit")
    return text


def run_url(environ: Mapping[str, str]) -> str:
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
    return f"{server}/{repository}/actions/runs/{environ.get('GITHUB_RUN_ID', '')}"


_NO_OLD_COMMAND = "#\u200b#["
"""The runner finds a command of the old form anywhere in a line."""


def harmless(text: str) -> str:
    """Log text in which the runner finds no command, in the new form or the old one."""
    return text.replace("::", ":\u200b:").replace("##[", _NO_OLD_COMMAND)


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
        line = f"::{name}{' ' if listed else ''}{listed}::{_data(data)}"
        self.out.write(f"{line.replace('##[', _NO_OLD_COMMAND)}\n")
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
