"""L9: the run as a GitHub Action: judge first, then tell; a comment that fails never changes the verdict."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from gate.action_scope import Run
from gate.action_stopped import INTERRUPTED, annotate_error, tell_stopped
from gate.action_tell import settled, tell
from gate.actions import Commands, give_to_owner, harmless, read_inputs
from gate.app import watching
from gate.changed import ChangedConfig, Changes, resolve
from gate.domain import ARMS
from gate.endpoint_rule import secret_names
from gate.endpoints.checks import load_authorities, parameter_problems
from gate.errors import (
    EXIT_INTERRUPTED,
    CannotEvaluate,
    FileProblem,
    GateError,
    Problem,
    Problems,
)
from gate.evaluation import load_anchor, load_suites
from gate.events import DriftWatch, read_event
from gate.evidence import Evaluated
from gate.files import digest, read_text
from gate.github import CommitFiles, GitHub
from gate.live import Job, evaluate
from gate.loosened import loosened
from gate.model_config import LoadedConfig, ModelPair, load_config
from gate.policy import Policy, judging_files, parse_policy_for_run, secret_values
from gate.positions import Document
from gate.report import Report
from gate.reporting import Clocked, could_not, neutral
from gate.sharding import parse_shard
from gate.store_tools import merge_stores
from gate.terminal import text as terminal_text
from gate.tools import Tools
from gate.verdict import EXIT_CODES
from gate.wording import count

if TYPE_CHECKING:  # imported at the run's end
    from datetime import date

    from gate.domain import Comparison
    from gate.waiver_terms import Waiver
    from gate.waiving import Release, Waived

_MOST_NAMED = 20
_MOST_CONFIGS = 20
"""A change may hold any number of model configs, and each costs a whole evaluation."""


def run_action(tools: Tools) -> int:
    """Judge the pull request of the event; the exit code."""
    commands = Commands(tools.out)
    try:
        run = _begin(tools, commands)
        if run.inputs.shard:
            return _ask_shard(run)
        found, code = _judged(run)
        whole = settled(run, found)
    except GateError as error:
        tell_stopped(error, commands, tools)
        return error.exit_code
    except KeyboardInterrupt as stop:
        tell_stopped(stop, commands, tools)
        raise
    tell(run, whole)
    return code or EXIT_CODES[whole.report.verdict]


def _begin(tools: Tools, commands: Commands) -> Run:
    """What is to be judged. Raises GateError."""
    environ = tools.environ
    inputs = read_inputs(environ)
    commands.mask(inputs.token)
    api = environ.get("GITHUB_API_URL") or "https://api.github.com"
    github = GitHub(
        session=requests.Session(), api=api, repository=environ.get("GITHUB_REPOSITORY", ""), token=inputs.token
    )
    event = read_event(environ, inputs)
    return Run(
        inputs=inputs,
        event=event,
        change=resolve(event, github),
        github=github,
        commands=commands,
        tools=tools,
        temporary=Path(environ.get("RUNNER_TEMP") or tempfile.mkdtemp(prefix="driftgate-")),
    )


def _ask_shard(run: Run) -> int:
    """Ask one part of the questions and keep the answers; the job with `stores` decides and comments."""
    from gate.ahead import ask_part

    job = _job(run, Clocked(started=run.tools.now(), finished=run.tools.now(), seconds=0.0))
    if isinstance(job, Report):
        run.tools.out.write(f"{harmless(terminal_text(job))}\n")
        return EXIT_CODES[job.verdict]
    code = ask_part(job, parse_shard(run.inputs.shard), run.keeping, run.tools)
    _hand_over(run)
    return code


def _hand_over(run: Run) -> None:
    """The store belongs to the workspace's owner too, where it lies in the workspace."""
    if run.inputs.store and run.keeping.store.exists():
        give_to_owner(run.keeping.store, run.workspace)


def _judged(run: Run) -> tuple[Evaluated, int]:
    """What was found and the exit code, whatever happens."""
    started, begun = run.tools.now(), run.tools.clock()

    def clocked() -> Clocked:
        return Clocked(started=started, finished=run.tools.now(), seconds=run.tools.clock() - begun)

    try:
        found = _judge(run, clocked())
    except GateError as error:
        return _undecided(annotate_error(run.commands, error), run, clocked()), error.exit_code
    except KeyboardInterrupt:
        return _undecided([INTERRUPTED], run, clocked()), EXIT_INTERRUPTED
    return found, EXIT_CODES[found.report.verdict]


def _undecided(reasons: Sequence[str], run: Run, clocked: Clocked) -> Evaluated:
    return Evaluated(report=could_not(reasons, run.origin, clocked))


def _judge(run: Run, clocked: Clocked) -> Evaluated:
    job = _job(run, clocked)
    if isinstance(job, Report):
        return Evaluated(report=job)
    if run.inputs.stores:
        shards = sorted((run.workspace / run.inputs.stores).rglob("*.sqlite"))
        merge_stores(shards, run.keeping.store, say=run.tools.err.write)
    found = evaluate(job, run.out, run.keeping, run.tools)
    _hand_over(run)
    return found


def _job(run: Run, clocked: Clocked) -> Job | Report:
    """What is to be evaluated, read from both commits; a neutral report where there is nothing."""
    base = run.github.files_at(run.change.base_sha)
    try:
        text = read_text(base, run.inputs.policy)
    except FileProblem as problem:
        if problem.missing:
            reason = f"the base branch has no {run.inputs.policy} yet; the gate starts when one is merged"
            return neutral(reason, run.origin, clocked)
        raise Problems([Problem(file=run.inputs.policy, what=problem.what)]) from None
    policy, document = parse_policy_for_run(text, file=run.inputs.policy)
    changes = Changes(github=run.github, change=run.change, policy=policy)
    watch = isinstance(run.event, DriftWatch)
    notices = () if watch else _edits(run, changes)
    pairs, skipped = _in_use(changes, base) if watch else _pairs(changes, base)
    if not pairs:
        reason = "no watched model config changed" if not skipped else "; ".join(skipped)
        return neutral(reason, run.origin, clocked, notices)
    if missing := _missing_keys(run, policy, pairs):
        return neutral(_without_keys(run, missing), run.origin, clocked, notices)
    policy_digest = digest(text)
    job = Job(
        policy=policy,
        document=document,
        digest=policy_digest,
        suites=load_suites(policy, document, base),
        pairs=tuple(pairs),
        anchor=load_anchor(policy, document, base),
        authorities=load_authorities(policy, document, base),
        origin=run.origin,
        notices=(*notices, *skipped),
        release=_release(run, policy, document, policy_digest, pairs),
    )
    _mask_keys(run, policy)
    return watching(job, run.tools.environ.get("GITHUB_RUN_ID", "")) if watch else job


def _missing_keys(run: Run, policy: Policy, pairs: Sequence[ModelPair]) -> list[str]:
    """Secrets that the run needs and was not given, because of where the pull request is from."""
    if not run.change.keyless or run.inputs.on_fork == "run" or run.inputs.stores:
        return []
    aliases = {pair.arm(arm).endpoint for pair in pairs for arm in ARMS}
    needed = {name for alias in aliases for name in secret_names(policy.endpoints[alias])}
    return sorted(name for name in needed if not run.tools.environ.get(name))


def _without_keys(run: Run, missing: Sequence[str]) -> str:
    """Why nothing was evaluated, where the workflow says that this is to pass. Raises CannotEvaluate where not."""
    why = f"a pull request from a fork or from Dependabot gets no secrets: {', '.join(missing)} is not set"
    how = (
        f"a maintainer can judge it: run the workflow by hand with pr-number {run.change.number}, "
        "or approve its run in a protected environment (docs/forks.md)"
    )
    if run.inputs.on_fork == "fail":
        raise CannotEvaluate(f"{why}; {how}")
    return f"NOT EVALUATED: {why}; {how}"


def _release(run: Run, policy: Policy, document: Document, policy_digest: str, pairs: Sequence[ModelPair]) -> Release:
    """How waivers are applied, at the end. Raises Problems where their file is wrong, before a call is paid for."""
    written: tuple[Waiver, ...] = ()
    if policy.waivers is not None:
        from gate.waivers import load_waivers

        written = load_waivers(policy, document, run.github.files_at(run.change.base_sha))

    def release(comparisons: Sequence[Comparison], today: date) -> Waived:
        from gate.waiver_github import Case, waive_on_github

        case = Case(
            number=run.change.number,
            head_sha=run.change.head_sha,
            policy=policy,
            policy_path=run.inputs.policy,
            policy_digest=policy_digest,
            pairs=tuple(pairs),
            written=written,
        )
        return waive_on_github(case, run.github, comparisons, today)

    return release


def _mask_keys(run: Run, policy: Policy) -> None:
    for key in secret_values(policy, run.tools.environ):
        run.commands.mask(key)
        run.secrets.append(key)


def _edits(run: Run, changes: Changes) -> tuple[str, ...]:
    """The judge's own files are those of the base; say so where the change edits them, and what that would loosen."""
    edited = changes.edited({run.inputs.policy, *judging_files(changes.policy)})
    if not edited:
        return ()
    names = f"{', '.join(edited[:_MOST_NAMED])}{', …' if len(edited) > _MOST_NAMED else ''}"
    said = f"this change edits {names}; it was judged by the files of the base branch"
    return said, *(_looser(run, changes) if run.inputs.policy in edited else ())


def _looser(run: Run, changes: Changes) -> list[str]:
    try:
        text: str | None = read_text(changes.head, run.inputs.policy)
    except FileProblem as problem:
        if not problem.missing:
            return [f"{run.inputs.policy}: {problem.what}: every gate would end with an error"]
        text = None
    lines = loosened(changes.policy, text, file=run.inputs.policy)
    more = len(lines) - _MOST_NAMED
    cut = [*lines[:_MOST_NAMED], f"and {count(more, 'more key')} would be looser"] if more > 0 else lines
    return [f"merged, the policy would be looser: {line}" for line in cut]


def _pairs(changes: Changes, base: CommitFiles) -> tuple[list[ModelPair], list[str]]:
    """The model configs to compare, and for those that are not, why. Raises Problems."""
    found = changes.configs()
    _at_most([one.path for one in found])
    pairs: list[ModelPair] = []
    skipped: list[str] = []
    for one in found:
        pair = _pair(changes, base, one)
        if isinstance(pair, str):
            skipped.append(pair)
        else:
            pairs.append(pair)
    return pairs, skipped


def _in_use(changes: Changes, base: CommitFiles) -> tuple[list[ModelPair], list[str]]:
    """Every model config in use, as both arms. Raises Problems."""
    paths = changes.in_use()
    _at_most(paths)
    found = [_config(base, path, changes.policy) for path in paths]
    return [ModelPair(path=one.path, baseline=one, candidate=one) for one in found], []


def _at_most(paths: Sequence[str]) -> None:
    if len(paths) > _MOST_CONFIGS:
        what = f"is one of {len(paths):,} model configs to judge; at most {_MOST_CONFIGS} are judged at once"
        raise Problems([Problem(file=paths[0], what=what, hint="split the change, or narrow the policy's models")])


def _pair(changes: Changes, base: CommitFiles, one: ChangedConfig) -> ModelPair | str:
    """Both arms of a changed model config; or why there is nothing to compare."""
    if one.status == "removed":
        return f"{one.path} was removed"
    policy, before = changes.policy, one.previous
    if before is None or base.entry(before) is None:
        before = policy.new_model_baseline
    if before is None:
        return f"{one.path} is new: the policy names no new_model_baseline to compare it with"
    baseline = _config(base, before, policy)
    candidate = _config(changes.head, one.path, policy)
    if baseline.digest == candidate.digest:
        return f"{one.path} asks the same of the same model as {'before' if before == one.path else before}"
    return ModelPair(path=one.path, baseline=baseline, candidate=candidate)


def _config(files: CommitFiles, path: str, policy: Policy) -> LoadedConfig:
    try:
        return load_config(files, path, endpoints=policy.endpoints, check=parameter_problems, label=path)
    except FileProblem as problem:
        raise Problems([Problem(file=path, what=problem.what)]) from None
