"""L9: the run as a GitHub Action: judge first, then tell; a comment that fails never changes the verdict."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pathspec
import requests

from gate.actions import (
    Commands,
    Inputs,
    Level,
    PullRequest,
    give_to_owner,
    harmless,
    read_event,
    read_inputs,
    run_url,
    write_outputs,
    write_summary,
)
from gate.app import write_outputs as write_files
from gate.domain import Origin
from gate.endpoints.checks import load_authorities, parameter_problems
from gate.errors import EXIT_INTERRUPTED, FileProblem, GateError, Interrupted, Problem, Problems
from gate.evaluation import load_anchor, load_suites
from gate.files import digest, read_text
from gate.github import ChangedFile, CommentSlot, CommitFiles, GitHub, Posted, upsert_comment
from gate.live import Job, Keeping, ask_part, evaluate
from gate.markdown import comment, minimal
from gate.model_config import ModelConfig, ModelPair, load_config
from gate.policy import Policy, parse_policy_for_run, secret_names
from gate.positions import Document, read_yaml
from gate.redact import redact
from gate.report import Report
from gate.reporting import Clocked, could_not, neutral
from gate.schema import parse
from gate.sharding import parse_shard
from gate.store_tools import merge_stores
from gate.terminal import text as terminal_text
from gate.tools import Tools
from gate.verdict import EXIT_CODES
from gate.waiver_github import Case, on_pull_request
from gate.wording import unit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One run of the action, and all it may touch."""

    inputs: Inputs
    change: PullRequest
    github: GitHub
    commands: Commands
    tools: Tools
    secrets: list[str] = field(default_factory=list)  # what no output may hold; grows as keys become known

    @property
    def origin(self) -> Origin:
        url = run_url(self.tools.environ)
        return Origin(base_sha=self.change.base_sha, head_sha=self.change.head_sha, run_url=url)

    @property
    def workspace(self) -> Path:
        return Path(self.tools.environ.get("GITHUB_WORKSPACE", "."))

    @property
    def out(self) -> Path:
        return self.workspace / self.inputs.out

    @property
    def keeping(self) -> Keeping:
        temporary = Path(self.tools.environ.get("RUNNER_TEMP") or tempfile.gettempdir()) / "driftgate-answers.sqlite"
        store = self.workspace / self.inputs.store if self.inputs.store else temporary
        return Keeping(store=store, keyless=bool(self.inputs.stores))


def run_action(tools: Tools) -> int:
    """Judge the pull request of the event; the exit code."""
    environ, commands = tools.environ, Commands(tools.out)
    inputs = read_inputs(environ)
    commands.mask(inputs.token)
    api = environ.get("GITHUB_API_URL") or "https://api.github.com"
    github = GitHub(
        session=requests.Session(), api=api, repository=environ.get("GITHUB_REPOSITORY", ""), token=inputs.token
    )
    run = _Run(inputs=inputs, change=read_event(environ), github=github, commands=commands, tools=tools)
    if inputs.shard:
        return _ask_shard(run)
    report, code = _judged(run)
    _tell(run, report)
    return code


def _ask_shard(run: _Run) -> int:
    """Ask one part of the questions and keep the answers; the job with `stores` decides and comments."""
    try:
        job = _job(run, Clocked(started=run.tools.now(), finished=run.tools.now(), seconds=0.0))
        if isinstance(job, Report):
            run.tools.out.write(f"{harmless(terminal_text(job))}\n")
            return EXIT_CODES[job.verdict]
        code = ask_part(job, parse_shard(run.inputs.shard), run.keeping, run.tools)
    except GateError as error:
        _annotate_error(run, error)
        return error.exit_code
    _hand_over(run)
    return code


def _hand_over(run: _Run) -> None:
    """The store belongs to the workspace's owner too, where it lies in the workspace."""
    if run.inputs.store and run.keeping.store.exists():
        give_to_owner(run.keeping.store, run.workspace)


def _annotate_error(run: _Run, error: GateError) -> list[str]:
    """An annotation for each problem; the same in words."""
    if not isinstance(error, Problems):
        run.commands.annotate("error", str(error), file="", line=0)
        return [str(error)]
    for problem in error.problems:
        hint = f" ({problem.hint})" if problem.hint else ""
        text = f"{problem.path}: {problem.what}{hint}".removeprefix(": ")
        run.commands.annotate("error", text, file=problem.file, line=problem.line)
    return [str(one) for one in error.problems]


def _judged(run: _Run) -> tuple[Report, int]:
    """The report and the exit code, whatever happens."""
    started, begun = run.tools.now(), run.tools.clock()

    def clocked() -> Clocked:
        return Clocked(started=started, finished=run.tools.now(), seconds=run.tools.clock() - begun)

    try:
        report = _judge(run, clocked())
    except GateError as error:
        return could_not(_annotate_error(run, error), run.origin, clocked()), error.exit_code
    except Interrupted:
        return could_not(["the run was interrupted"], run.origin, clocked()), EXIT_INTERRUPTED
    return report, EXIT_CODES[report.verdict]


def _judge(run: _Run, clocked: Clocked) -> Report:
    job = _job(run, clocked)
    if isinstance(job, Report):
        return job
    if run.inputs.stores:
        shards = sorted((run.workspace / run.inputs.stores).rglob("*.sqlite"))
        merge_stores(shards, run.keeping.store, say=run.tools.err.write)
    report = evaluate(job, run.out, run.keeping, run.tools)
    _hand_over(run)
    return report


def _job(run: _Run, clocked: Clocked) -> Job | Report:
    """What is to be evaluated, read from both commits; a neutral report where there is nothing."""
    base, head = run.github.files_at(run.change.base_sha), run.github.files_at(run.change.head_sha)
    try:
        text = read_text(base, run.inputs.policy)
    except FileProblem as problem:
        if problem.missing:
            reason = f"the base branch has no {run.inputs.policy} yet; the gate starts when one is merged"
            return neutral(reason, run.origin, clocked)
        raise Problems([Problem(file=run.inputs.policy, what=problem.what)]) from None
    policy, document = parse_policy_for_run(text, file=run.inputs.policy)
    changed = run.github.changed_files(run.change.number)
    notices = _edits(changed, run.inputs.policy, policy)
    pairs, skipped = _pairs(policy, changed, base, head)
    if not pairs:
        reason = "no watched model config changed" if not skipped else "; ".join(skipped)
        return neutral(reason, run.origin, clocked, notices)
    suites = load_suites(policy, document, base)
    job = Job(
        policy=policy,
        document=document,
        digest=digest(text),
        suites=suites,
        pairs=tuple(pairs),
        anchor=load_anchor(policy, document, base),
        authorities=load_authorities(policy, document, base),
        origin=run.origin,
        notices=(*notices, *skipped),
        release=on_pull_request(_case(run, policy, document, digest(text), pairs), run.github),
    )
    _mask_keys(run, policy)
    return job


def _case(run: _Run, policy: Policy, document: Document, policy_digest: str, pairs: Sequence[ModelPair]) -> Case:
    """What waivers are held against. Raises Problems where their file is wrong, before anything is paid for."""
    from gate.waivers import load_waivers

    return Case(
        number=run.change.number,
        head_sha=run.change.head_sha,
        policy=policy,
        policy_path=run.inputs.policy,
        policy_digest=policy_digest,
        pairs=tuple(pairs),
        written=load_waivers(policy, document, run.github.files_at(run.change.base_sha)),
    )


def _mask_keys(run: _Run, policy: Policy) -> None:
    for key in _keys(run.tools.environ, policy):
        run.commands.mask(key)
        run.secrets.append(key)


def _keys(environ: Mapping[str, str], policy: Policy) -> list[str]:
    names = [name for rule in policy.endpoints.values() for name in secret_names(rule)]
    return [environ[name] for name in names if environ.get(name)]


def _edits(changed: Sequence[ChangedFile], path: str, policy: Policy) -> tuple[str, ...]:
    """The judge's own files are those of the base branch; say so when the pull request edits them."""
    files = (name for rule in policy.families.values() for name in rule.files)
    authorities = (rule.ca_file for rule in policy.endpoints.values())
    waivers = policy.waivers.path if policy.waivers else None
    own = {name for name in (path, policy.anchor, waivers, *files, *authorities) if name}
    edited = sorted(own & {name for one in changed for name in (one.path, one.previous) if name})
    if not edited:
        return ()
    return (f"this pull request edits {', '.join(edited)}; it was judged by the files of the base branch",)


def _pairs(
    policy: Policy, changed: Sequence[ChangedFile], base: CommitFiles, head: CommitFiles
) -> tuple[list[ModelPair], list[str]]:
    """The model configs to compare, and for those that are not, why."""
    pairs, skipped, check = [], [], parameter_problems
    for one in _watched(policy, changed, head):
        before = one.previous or one.path
        if one.status == "removed":
            skipped.append(f"{one.path} was removed")
            continue
        try:
            baseline = load_config(base, before, endpoints=policy.endpoints, check=check, label=before)
        except FileProblem as problem:
            if not problem.missing:
                raise Problems([Problem(file=before, what=problem.what)]) from None
            skipped.append(f"{one.path} is new: there is no baseline to compare with")
            continue
        try:
            candidate = load_config(head, one.path, endpoints=policy.endpoints, check=check, label=one.path)
        except FileProblem as problem:
            raise Problems([Problem(file=one.path, what=problem.what)]) from None
        if baseline.digest == candidate.digest:
            skipped.append(f"{one.path} asks the same of the same model as before")
        else:
            pairs.append(ModelPair(path=one.path, baseline=baseline, candidate=candidate))
    return pairs, skipped


def _watched(policy: Policy, changed: Sequence[ChangedFile], head: CommitFiles) -> list[ChangedFile]:
    """Changed model configs, and unchanged ones whose system prompt file changed."""
    spec = pathspec.PathSpec.from_lines("gitignore", policy.models)
    touched = [one for one in changed if spec.match_file(one.path) or (one.previous and spec.match_file(one.previous))]
    names, paths = {one.path for one in changed}, {one.path for one in touched}
    others = [path for path in _configs(policy, head) if path not in paths and spec.match_file(path)]
    by_prompt = [path for path in others if _prompt_file(head, path) in names]
    return [*touched, *(ChangedFile(path=path, previous=None, status="modified") for path in by_prompt)]


def _configs(policy: Policy, head: CommitFiles) -> list[str]:
    """All files below the fixed beginnings of the patterns."""
    starts = {pattern.partition("*")[0].rpartition("/")[0] for pattern in policy.models}
    found: set[str] = set()
    for start in starts:
        try:
            found |= set(head.below(start))
        except FileProblem:
            continue
    return sorted(found)


def _prompt_file(head: CommitFiles, path: str) -> str | None:
    """The system prompt file that a config names; None where the config is not usable (it did not change)."""
    try:
        return parse(ModelConfig, read_yaml(read_text(head, path), file=path)).system_prompt_file
    except GateError:
        return None


def _tell(run: _Run, report: Report) -> None:
    """Files, log, summary, comment, outputs; nothing in them holds a secret."""
    environ, tools = run.tools.environ, run.tools
    hidden = [run.inputs.token, *run.secrets]
    write_files(report, run.out)
    for path in (one for one in run.out.iterdir() if one.suffix in (".json", ".jsonl", ".md", ".html")):
        path.write_text(redact(path.read_text(encoding="utf-8"), hidden), encoding="utf-8")
    give_to_owner(run.out, run.workspace)
    tools.out.write(harmless(redact(terminal_text(report), hidden)) + "\n")
    body = redact(comment(report), hidden)
    write_summary(environ, body)
    slot = CommentSlot(number=run.change.number, key=_slug(run.inputs.comment_key), head_sha=run.change.head_sha)
    posted = upsert_comment(
        run.github, slot, body, shorter=redact(minimal(report), hidden), create=report.verdict != "neutral"
    )
    if posted.action == "failed":
        run.commands.annotate("warning", posted.why, file="", line=0)
    _annotate(run, report)
    write_outputs(environ, _outputs(run, report, posted))


def _slug(key: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in key)[:80]


def _annotate(run: _Run, report: Report) -> None:
    for one in report.comparisons:
        if one.severity == "blocking" and one.outcome == "regressed" and one.config:
            line = next((change.line for change in report.changes if change.config == one.config and change.line), 1)
            waived = f" (waived by {one.waiver})" if one.waiver else ""
            level: Level = "warning" if one.waiver else "error"
            run.commands.annotate(level, harmless(f"{unit(one)}: {one.reason}{waived}"), file=one.config, line=line)


def _outputs(run: _Run, report: Report, posted: Posted) -> dict[str, str]:
    regressed = [one for one in report.comparisons if one.outcome == "regressed" and one.severity == "blocking"]
    return {
        "verdict": report.verdict,
        "blocked": str(report.blocked).lower(),
        "regressions": str(len(regressed)),
        "report-path": f"{run.inputs.out}/report.json",
        "comment-url": posted.url or "",
        "candidate-sha": run.change.head_sha,
        "policy-sha": run.change.base_sha,
    }
