"""L8: what guards a release branch, judged from what GitHub shows of it. Pure: `doctor` does the looking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gate.codeowners import OwnerRule, owners_of
from gate.gate_jobs import NEEDED, GateJob
from gate.wording import listed

State = Literal["ok", "missing", "unseen", "advice"]
_RECIPE = "see docs/release-branch.md"
_PERMISSIONS = ", ".join(f"{name}: {levels[0]}" for name, levels in NEEDED.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `do` says what to do about it; `unseen`: it could not be looked at."""

    subject: str
    state: State = "ok"
    what: str
    do: str = ""


def of_jobs(jobs: Sequence[GateJob], keys: Iterable[str]) -> Iterator[Finding]:
    """Whether the workflows run the gate, on every pull request, with what it needs. `keys`: variables it must get."""
    wanted = sorted(keys)
    if not any(job.judges_pulls for job in jobs):
        what = "no workflow of this branch runs the action on pull requests"
        yield Finding(subject="workflow", state="missing", what=what, do="driftgate init writes one")
    for job in jobs:
        where = f"{job.file} (check {job.check})"
        if job.judges_pulls:
            yield from _starts(job, where)
            yield _permitted(job, where)
        yield from _keys(job, where, wanted)


def _starts(job: GateJob, where: str) -> Iterator[Finding]:
    if job.filtered:
        what = f"{where} has a paths filter: a pull request that it leaves out waits for the check for ever"
        do = "remove the filter; the gate itself is neutral where no model config changed"
        yield Finding(subject="workflow", state="missing", what=what, do=do)
    else:
        yield Finding(subject="workflow", what=f"{where} runs on every pull request")
    if not job.rejudges:
        what = f"{where} does not run when a pull request is given another base branch"
        do = "on: {pull_request: {types: [opened, synchronize, reopened, edited]}}"
        yield Finding(subject="workflow", state="advice", what=what, do=do)


def _permitted(job: GateJob, where: str) -> Finding:
    if not job.lacking:
        return Finding(subject="permissions", what=f"{where} has {_PERMISSIONS}")
    what = f"{where} has not {listed(job.lacking)}"
    if job.permissions is None:
        what = f"{where} names no permissions, so it has what the repository's settings give"
    return Finding(subject="permissions", state="missing", what=what, do=f"permissions: {{{_PERMISSIONS}}}")


def _keys(job: GateJob, where: str, wanted: Sequence[str]) -> Iterator[Finding]:
    absent = [name for name in wanted if name not in job.passed]
    if absent:
        do = f"env: {{{absent[0]}: ${{{{ secrets.{absent[0]} }}}}}} on the step of the action"
        yield Finding(subject="keys", state="missing", what=f"{where} does not pass {listed(absent)}", do=do)
    elif wanted:
        yield Finding(subject="keys", what=f"{where} passes {listed(wanted)}")
    if wanted and not job.environment:
        what = f"{where} names no environment, so its secrets are every workflow's of this repository"
        yield Finding(subject="keys", state="advice", what=what, do=f"environment: … on the job; {_RECIPE}")


def of_rules(
    rules: Sequence[Mapping[str, Any]], classic: Iterable[str], jobs: Sequence[GateJob], check: str
) -> Iterator[Finding]:
    """Whether the check is required, by its name, and code owners' reviews are. `classic`: the checks that an old
    branch protection requires; the reviews that it requires only an administrator may read."""
    required = {one["context"]: one for rule in rules for one in _parameters(rule).get("required_status_checks", ())}
    known = {*required, *classic}
    if check not in known:
        what = f"no ruleset requires the check {check}{f' (but {listed(sorted(known))})' if known else ''}"
        yield Finding(subject="required check", state="missing", what=what, do=f"import the ruleset; {_RECIPE}")
    else:
        yield Finding(subject="required check", what=f"{check} is required")
        if check in required and required[check].get("integration_id") is None:
            what = f"any app may report {check}: the ruleset does not say which"
            do = "choose GitHub Actions as the source of the check"
            yield Finding(subject="required check", state="advice", what=what, do=do)
    yield from _reviewed(rules)
    queued = any(rule["type"] == "merge_queue" for rule in rules)
    if queued and not any("merge_group" in job.events for job in jobs if job.check == check):
        what = f"the merge queue waits for {check}, which no workflow reports to it"
        yield Finding(subject="merge queue", state="missing", what=what, do="add merge_group to the workflow's on:")


def _reviewed(rules: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    if any(_parameters(rule).get("require_code_owner_review") for rule in rules):
        yield Finding(subject="reviews", what="a change of owned files needs a review of their owners")
    else:
        what = "no ruleset requires a review of code owners, so CODEOWNERS binds nobody"
        yield Finding(subject="reviews", state="missing", what=what, do=f"import the ruleset; {_RECIPE}")


def _parameters(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    return rule.get("parameters") or {}


def of_owners(rules: Sequence[OwnerRule] | None, paths: Sequence[str], wrong: Sequence[int]) -> Iterator[Finding]:
    """Whether the judge's own files have owners. `rules` is None where there is no CODEOWNERS; `wrong` are the lines
    that GitHub cannot read, or whose owners it does not know."""
    if rules is None:
        what = f"there is none, so anyone with write access may change {listed(list(paths))}"
        yield Finding(subject="CODEOWNERS", state="missing", what=what, do=f"add .github/CODEOWNERS; {_RECIPE}")
        return
    open_ = [path for path in paths if not owners_of(path, rules)]
    if open_:
        what = f"{listed(open_, most=8)}: {'has' if len(open_) == 1 else 'have'} no owner"
        yield Finding(subject="CODEOWNERS", state="missing", what=what, do=f"{open_[0]} @your-team")
    else:
        yield Finding(subject="CODEOWNERS", what=f"covers {listed(list(paths), most=8)}")
    if wrong:
        lines = listed([str(line) for line in wrong])
        what = f"GitHub cannot use line {lines}: it is wrong, or names an owner without write access"
        yield Finding(subject="CODEOWNERS", state="missing", what=what, do="correct it; GitHub shows why at the file")
