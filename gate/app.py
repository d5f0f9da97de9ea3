"""L9: the straight line that joins the layers. Each function does one command and returns an exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gate.errors import EXIT_PASS, FileProblem, StillUnderWay, UsageError
from gate.files import LocalFiles, digest, read_text, repository_root
from gate.outputs import FLIPS, Form, rendered, write_outputs
from gate.tools import Tools
from gate.verdict import EXIT_CODES

if TYPE_CHECKING:
    from gate.evidence import Evaluated, Evidence
    from gate.ledger_keep import Book
    from gate.live import Job, Keeping
    from gate.model_config import LoadedConfig, ModelPair
    from gate.policy import Policy
    from gate.positions import Document
    from gate.report import Report
    from gate.waiving import Models, Release

_RECORD_LIMIT = 64 * 1024 * 1024  # bytes of a report.json, or of a flips.json


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """`store` is the file that answers are kept in; `answers.sqlite` in `out` when left out.

    `batch`: minutes that a run waits for its batches; None: it asks live. `waivers` is the waiver file; the policy's
    when left out. `book`: the ledger to keep.
    """

    policy: Path
    baseline: Path
    candidate: Path
    out: Path
    store: Path | None = None
    batch: float | None = None
    waivers: Path | None = None
    book: Book | None = None

    @property
    def answers(self) -> Path:
        return self.store or self.out / "answers.sqlite"


def run(options: RunOptions, tools: Tools, *, simulated: bool = False) -> int:
    """Ask the endpoints of both model configs, compare, decide. `simulated` is said in every output.

    Where batches are still under way when the wait for them is over, that is the answer, and nothing is decided.
    """
    from gate.live import Keeping, evaluate

    job, keeping = _job(options, simulated=simulated), Keeping(store=options.answers)
    try:
        job = job if options.batch is None else _prefetched(job, keeping, options.batch * 60, tools)
    except StillUnderWay as waiting:
        tools.out.write(f"{waiting}\n")
        return waiting.exit_code
    return finish(evaluate(job, options.out, keeping, tools), options.out, tools, options.book)


def _prefetched(job: Job, keeping: Keeping, wait: float, tools: Tools) -> Job:
    from gate.ahead import prefetch

    return prefetch(job, keeping, wait, tools)


def run_shard(options: RunOptions, shard: str, tools: Tools) -> int:
    """Ask one part of the questions, for `verdict` to decide on."""
    from gate.ahead import ask_part
    from gate.live import Keeping
    from gate.sharding import parse_shard

    return ask_part(_job(options), parse_shard(shard), Keeping(store=options.answers), tools)


def verdict(options: RunOptions, stores: Sequence[Path], tools: Tools) -> int:
    """Merge the stores of all shards and decide. What no shard has is asked now, where a key is set."""
    from gate.live import Keeping, evaluate
    from gate.store_tools import merge_stores

    job = _job(options)
    merge_stores(stores, options.answers, say=tools.err.write)
    found = evaluate(job, options.out, Keeping(store=options.answers, keyless=True), tools)
    return finish(found, options.out, tools, options.book)


def baseline(policy: Path, configs: Sequence[Path], store: Path, runs: int, tools: Tools) -> int:
    """Ask the models in use `runs` times, and keep the answers for the runs that compare with them."""
    from gate.ahead import ask_baselines
    from gate.live import Keeping

    job = _read_job(policy, lambda rules: _in_use(configs, rules))
    return ask_baselines(job, runs, Keeping(store=store), tools)


def watch(policy: Path, configs: Sequence[Path], store: Path, out: Path, tools: Tools) -> int:
    """Ask the models in use again, and compare with what they answered before."""
    from gate.live import Keeping, evaluate

    name = f"{tools.now():%Y-%m-%d}"  # a watch that was stopped is taken up again on the same day
    job = watching(_read_job(policy, lambda rules: _in_use(configs, rules)), name)
    return finish(evaluate(job, out, Keeping(store=store), tools), out, tools)


def watching(job: Job, name: str) -> Job:
    """A job that watches its models. Raises UsageError where the policy lets no kept answer count."""
    if job.policy.baseline_max_age is None:
        raise UsageError("the policy sets no baseline_max_age: no kept answer is young enough to compare with")
    said = "a drift watch: the models in use were asked again, and compared with what they had answered before"
    return replace(job, watch=name, notices=(*job.notices, said))


def _in_use(configs: Sequence[Path], policy: Policy) -> list[ModelPair]:
    """Model configs, each as both arms."""
    from gate.model_config import ModelPair

    loaded = [_config(path, policy) for path in configs]
    return [ModelPair(path=one.path, baseline=one, candidate=one) for one in loaded]


def plan(options: RunOptions, json_file: Path | None, tools: Tools) -> int:
    """Say what a run would ask, what it may cost and what it can see."""
    from gate.planning_commands import show_plan

    return show_plan(_job(options), options.answers, json_file, tools)


def plan_matrix(options: RunOptions, shards: int, tools: Tools) -> int:
    """Check all that a run needs, then print a GitHub Actions matrix of its shards."""
    from gate.sharding import matrix

    _job(options)
    tools.out.write(f"{matrix(shards)}\n")
    return EXIT_PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestOptions:
    """Stored answers of a `baseline` model config, or recorded `runs` of it."""

    policy: Path
    baseline: Path | None
    runs: tuple[Path, ...]
    store: Path
    out: Path
    simulations: int


def selftest(options: SelfTestOptions, tools: Tools) -> int:
    """Show how often this gate blocks wrongly and what it catches; 1 when it blocks too often."""
    from gate.policy import parse_policy
    from gate.selftest_commands import Answers, from_runs, from_store, show_selftest

    if options.simulations < 1:
        raise UsageError("--simulations: must be at least 1")
    if options.baseline is None:
        policy, document = parse_policy(read_local(options.policy), file=str(options.policy))
        answers = Answers(subjects=from_runs(policy, document, options.runs), policy=policy)
    else:
        itself = RunOptions(
            policy=options.policy, baseline=options.baseline, candidate=options.baseline, out=options.out
        )
        job = _job(itself)
        answers = Answers(subjects=from_store(job, options.store, tools), policy=job.policy)
    return show_selftest(answers, options.simulations, options.out, tools)


def _job(options: RunOptions, *, simulated: bool = False) -> Job:
    from gate.model_config import ModelPair

    def pairs(policy: Policy) -> list[ModelPair]:
        candidate = _config(options.candidate, policy)
        return [ModelPair(path=candidate.path, baseline=_config(options.baseline, policy), candidate=candidate)]

    job = _read_job(options.policy, pairs)
    models = {one.path: (one.baseline.digest, one.candidate.digest) for one in job.pairs}
    release = release_of(
        job.policy,
        job.document,
        root=repository_root(options.policy),
        given=options.waivers,
        policy_digest=job.digest,
        models=models,
    )
    return replace(job, simulated=simulated, release=release)


def release_of(
    policy: Policy, document: Document, *, root: Path, given: Path | None, policy_digest: str, models: Models
) -> Release | None:
    """How the waivers of `--waivers`, or of the policy's file, are applied. Raises Problems where the file is wrong."""
    if policy.waivers is None and given is None:
        return None
    from gate.waivers import load_waivers, parse_waivers
    from gate.waiving import on_this_machine

    if policy.waivers is None:
        raise UsageError("--waivers: the policy has no waivers section, so it allows none")
    if given is None:
        waivers = load_waivers(policy, document, LocalFiles(root))
    else:
        waivers = parse_waivers(read_local(given), file=str(given))
    return on_this_machine(waivers, policy.waivers, policy=policy_digest, models=models)


def _read_job(path: Path, pairs: Callable[[Policy], Sequence[ModelPair]]) -> Job:
    """Everything read and checked before the first call."""
    from gate.endpoints.checks import load_authorities
    from gate.evaluation import load_anchor, load_suites
    from gate.live import Job
    from gate.policy import parse_policy_for_run

    text = read_local(path)
    policy, document = parse_policy_for_run(text, file=str(path))
    files = LocalFiles(repository_root(path))
    return Job(
        policy=policy,
        document=document,
        digest=digest(text),
        suites=load_suites(policy, document, files),
        pairs=tuple(pairs(policy)),
        anchor=load_anchor(policy, document, files),
        authorities=load_authorities(policy, document, files),
    )


def _config(path: Path, policy: Policy) -> LoadedConfig:
    from gate.endpoints.checks import parameter_problems
    from gate.model_config import load_config

    root = repository_root(path)
    inside = path.resolve().relative_to(root).as_posix()
    try:
        return load_config(
            LocalFiles(root), inside, endpoints=policy.endpoints, check=parameter_problems, label=str(path)
        )
    except FileProblem as problem:
        raise UsageError(f"{path}: {problem.what}") from None


def finish(found: Evaluated, out: Path, tools: Tools, book: Book | None = None) -> int:
    """Write the report's files, keep the decision in the ledger, say the answer, and return its exit code."""
    from gate.terminal import text

    write_outputs(found, out)
    report = found.report if book is None else _kept(found, out, book, tools)
    tools.out.write(f"{text(report)}\nreport: {out / 'report.html'}\n")
    return EXIT_CODES[report.verdict]


def _kept(found: Evaluated, out: Path, book: Book, tools: Tools) -> Report:
    from gate.ledger_keep import keep

    kept = keep(found.report, book, tools.err.write)
    if kept.head is None:
        write_outputs(replace(found, report=kept.report), out)
    else:
        tools.out.write(f"{book.file}: ledger head {kept.head}\n")
    return kept.report


def render(path: Path, form: Form, out: Path | None, tools: Tools, flips: Path | None = None) -> int:
    """Make an output again from report.json. The page shows the samples of `flips`, or of the flips.json beside it."""
    from gate.report import from_json

    if flips is not None and form != "html":
        raise UsageError("--flips: goes with --format html; no other output shows samples")
    text = read_local(path, limit=_RECORD_LIMIT)
    report = from_json(text, file=str(path))
    content = rendered(report, form, _samples(path, digest(text), flips, tools) if form == "html" else None)
    return write_or_print(content, out, tools)


def write_or_print(content: str, out: Path | None, tools: Tools) -> int:
    """Into a file, or to standard output without one."""
    if out is None:
        tools.out.write(content)
        return EXIT_PASS
    try:
        out.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from None
    return EXIT_PASS


def _samples(path: Path, report: str, flips: Path | None, tools: Tools) -> Evidence | None:
    """The samples that belong to the report of this digest; None, and a line that says why, where they do not."""
    from gate.evidence import from_json

    file = path.with_name(FLIPS) if flips is None else flips
    if flips is None and not file.exists():
        return None
    try:
        found = from_json(read_local(file, limit=_RECORD_LIMIT), file=str(file))
    except UsageError as error:
        if flips is not None:
            raise
        tools.err.write(f"{error}; the page is made without samples\n")
        return None
    if found.report != report:
        tools.err.write(f"{file}: belongs to another report than {path}; the page is made without samples\n")
        return None
    return found


def read_local(path: Path, *, limit: int = 256 * 1024) -> str:
    """A text file that the command line names. Raises UsageError naming it."""
    try:
        return read_text(LocalFiles(path.resolve().parent), path.name, limit=limit)
    except FileProblem as problem:
        raise UsageError(f"{path}: {problem.what}") from None
