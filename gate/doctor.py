"""L9: `driftgate doctor`: looks, through GitHub's API, whether a branch is guarded, and says what is missing, in order.

It only reads. What a token cannot see is said to be unseen, never taken to be fine.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import pathspec
import requests

from gate.actions import harmless
from gate.codeowners import PLACES, read_codeowners
from gate.doctor_call import call_findings
from gate.endpoint_rule import secret_names
from gate.errors import EXIT_PASS, EXIT_UNDECIDED, EXIT_USAGE, FileProblem, GitHubError, Problems, UsageError
from gate.files import read_text
from gate.gate_jobs import GateJob, read_jobs
from gate.github import CommitFiles, GitHub
from gate.github_answers import Branch, CodeownersErrors, Rule
from gate.policy import Policy, judging_files, parse_policy_for_run
from gate.positions import Document
from gate.protection import Finding, of_jobs, of_owners, of_rules
from gate.tools import Tools
from gate.wording import count, printable

_WORKFLOW = re.compile(r"\.github/workflows/[^/]+\.ya?ml")
_MOST_WORKFLOWS = 100
_ANY_NEW = ".github/workflows/new.yml"  # whoever may add a workflow may report a check of any name
_REPOSITORY = re.compile(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOptions:
    """`branch` "" is the default branch, `check` "" the one that the first workflow with the gate reports. `call` sends
    each key to the host that the branch's policy names for it."""

    repository: str
    branch: str
    check: str
    policy: str
    call: bool


def doctor(options: DoctorOptions, tools: Tools) -> int:
    """Look at everything that can be seen; 2 where something is missing, 3 where something could not be seen."""
    token = tools.environ.get("GITHUB_TOKEN", "")
    if not token:
        raise UsageError("GITHUB_TOKEN: is not set; export a token that may read the repository")
    if not _REPOSITORY.fullmatch(options.repository):
        raise UsageError("--repository: must be OWNER/NAME")
    api = tools.environ.get("GITHUB_API_URL") or "https://api.github.com"
    github = GitHub(session=requests.Session(), api=api, repository=options.repository, token=token, sleep=tools.sleep)
    states = []
    for finding in _look(github, options, tools):
        states.append(finding.state)
        tools.out.write(_text(finding))
    missing, unseen = states.count("missing"), states.count("unseen")
    tools.out.write(f"{count(missing, 'thing')} missing, {unseen} unseen\n")
    return EXIT_USAGE if missing else EXIT_UNDECIDED if unseen else EXIT_PASS


def _text(finding: Finding) -> str:
    lines = [f"{finding.state:9}{finding.subject}: {finding.what}"]
    lines += [f"{'':9}do: {finding.do}"] if finding.do else []
    return "".join(f"{harmless(printable(line))}\n" for line in lines)


def _look(github: GitHub, options: DoctorOptions, tools: Tools) -> Iterator[Finding]:
    branch = yield from _branch(github, options.branch)
    if branch is None:
        return
    read = yield from _policy(branch, options.policy)
    jobs, policy = branch.jobs(), read[0] if read else None
    rules = policy.endpoints.values() if policy else ()
    yield from of_jobs(jobs, {name for rule in rules for name in secret_names(rule)})
    yield from branch.rule_findings(jobs, options.check or next((job.check for job in jobs), "gate"))
    own = sorted(judging_files(policy)) if policy else ()
    yield from branch.owner_findings(list(dict.fromkeys([options.policy, *own, *(job.file for job in jobs), _ANY_NEW])))
    if read:
        yield from _endpoints(branch, *read, options, tools)


def _endpoints(
    branch: _Branch, policy: Policy, document: Document, options: DoctorOptions, tools: Tools
) -> Iterator[Finding]:
    if options.call:
        yield from call_findings(policy, document, branch.files, branch.models(policy), tools)
    else:
        what = "not tried: a key is sent to the host that the branch's policy names"
        yield Finding(subject="endpoints", state="advice", what=what, do="--call, where you trust that policy")


@dataclass(frozen=True, kw_only=True)
class _Branch:
    """A branch as it is now."""

    github: GitHub
    name: str
    found: Mapping[str, Any]

    @cached_property
    def files(self) -> CommitFiles:
        return self.github.files_at(str(self.found["commit"]["sha"]))

    @cached_property
    def paths(self) -> list[str]:
        return list(self.files.listing(""))

    def models(self, policy: Policy) -> list[str]:
        return list(pathspec.PathSpec.from_lines("gitignore", policy.models).match_files(self.paths))

    def jobs(self) -> list[GateJob]:
        """The jobs with the gate, of all workflows; a workflow that cannot be read has none."""
        found: list[GateJob] = []
        for path in [path for path in self.paths if _WORKFLOW.fullmatch(path)][:_MOST_WORKFLOWS]:
            try:
                found += read_jobs(read_text(self.files, path), file=path)
            except FileProblem:
                continue
        return found

    def rule_findings(self, jobs: list[GateJob], check: str) -> Iterator[Finding]:
        try:
            rules = self.github.ask("GET", f"/rules/branches/{quote(self.name, safe='')}?per_page=100", list[Rule])
        except GitHubError as error:
            yield Finding(subject="rulesets", state="unseen", what=str(error))
            return
        classic = ((self.found.get("protection") or {}).get("required_status_checks") or {}).get("contexts") or ()
        yield from of_rules(rules, classic, jobs, check)

    def owner_findings(self, paths: list[str]) -> Iterator[Finding]:
        place = next((place for place in PLACES if place in self.paths), None)
        if place is None:
            yield from of_owners(None, paths, ())
            return
        try:
            rules = read_codeowners(read_text(self.files, place))
            found = self.github.ask("GET", f"/codeowners/errors?ref={quote(self.name, safe='')}", CodeownersErrors)
        except (FileProblem, GitHubError) as error:
            yield Finding(subject="CODEOWNERS", state="unseen", what=str(error))
            return
        yield from of_owners(rules, [*paths, place], [one["line"] for one in found["errors"]])


def _branch(github: GitHub, name: str) -> Generator[Finding, None, _Branch | None]:
    """The branch, where the token can see it and the repository's files."""
    try:
        name = name or github.default_branch()
        found = github.ask("GET", f"/branches/{quote(name, safe='')}", Branch)
        branch = _Branch(github=github, name=name, found=found)
        files = len(branch.paths)
    except (GitHubError, FileProblem) as error:
        do = "a token with contents: read for this repository, and a branch that is there"
        yield Finding(subject="token", state="unseen", what=str(error), do=do)
        return None
    yield Finding(subject="token", what=f"reads {github.repository}, branch {name} ({count(files, 'file')})")
    return branch


def _policy(branch: _Branch, path: str) -> Generator[Finding, None, tuple[Policy, Document] | None]:
    try:
        read = parse_policy_for_run(read_text(branch.files, path), file=path)
    except FileProblem as problem:
        do = "driftgate init writes one; all else depends on it"
        yield Finding(subject="policy", state="missing", what=f"{path} {problem.what}", do=do)
        return None
    except Problems as found:
        for one in found.problems:
            yield Finding(subject="policy", state="missing", what=str(one), do="driftgate validate")
        return None
    yield Finding(subject="policy", what=f"{path} is valid")
    return read
