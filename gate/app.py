"""L9: the straight line that joins the layers. Each function does one command and returns an exit code."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from gate.domain import ARMS, Answer
from gate.errors import EXIT_PASS, FileProblem, Problem, Problems, UsageError
from gate.files import LocalFiles, read_text, repository_root
from gate.report import Origin, Report, from_json, to_json
from gate.verdict import EXIT_CODES

if TYPE_CHECKING:
    from gate.comparing import Measured
    from gate.evaluation import Suite
    from gate.model_config import LoadedConfig, ModelPair
    from gate.policy import Policy
    from gate.positions import Document
    from gate.runner import Line


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The outside world, passed in."""

    environ: Mapping[str, str]
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    now: Callable[[], datetime] = _utc_now
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    policy: Path
    baseline: Path
    candidate: Path
    out: Path


def run(options: RunOptions, tools: Tools, *, simulated: bool = False) -> int:
    """Ask the endpoints of both model configs, compare, decide. `simulated` is said in every output."""
    from gate.evaluation import load_suites
    from gate.model_config import ModelPair
    from gate.policy import parse_policy_for_run

    text = read_local(options.policy)
    policy, document = parse_policy_for_run(text, file=str(options.policy))
    suites = load_suites(policy, document, LocalFiles(repository_root(options.policy)))
    candidate = _config(options.candidate, policy)
    pair = ModelPair(path=candidate.path, baseline=_config(options.baseline, policy), candidate=candidate)
    job = Job(policy=policy, document=document, digest=digest(text), suites=suites, pairs=(pair,), simulated=simulated)
    return finish(evaluate(job, options.out, tools), options.out, tools)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that an evaluation needs, read and checked."""

    policy: Policy
    document: Document
    digest: str
    suites: tuple[Suite, ...]
    pairs: tuple[ModelPair, ...]
    origin: Origin = field(default_factory=Origin)
    notices: tuple[str, ...] = ()
    simulated: bool = False


def evaluate(job: Job, out: Path, tools: Tools) -> Report:
    """Ask, score, compare; the recorded results go to `out`, so that `compare` can decide again."""
    from gate.comparing import compare as compare_units
    from gate.evaluation import dataset_digests, questions
    from gate.reporting import Clocked, Findings, calls, evaluated, usage
    from gate.runner import Runner

    started, begun = tools.now(), tools.clock()
    asked = [(pair.arm(one.arm).endpoint, one) for pair in job.pairs for one in questions(pair, job.suites)]
    runner = Runner(lines=_lines(job, tools), budget=job.policy.budget, progress=progress(tools))
    answers = runner.ask_all(asked)
    measured = [one for pair in job.pairs for one in _measure(job, pair, answers, out)]
    found = Findings(
        comparisons=compare_units(measured, job.policy),
        answers=answers,
        pairs=job.pairs,
        calls=calls(answers),
        usage=usage(answers, {alias: rule.price for alias, rule in job.policy.endpoints.items()}, job.pairs),
        policy_digest=job.digest,
        dataset_digests=dataset_digests(job.suites),
        notices=(*job.notices, *_waiver_notice(job.policy)),
        simulated=job.simulated,
    )
    clocked = Clocked(started=started, finished=tools.now(), seconds=tools.clock() - begun)
    return evaluated(found, job.origin, clocked)


def _measure(job: Job, pair: ModelPair, answers: Sequence[Answer], out: Path) -> list[Measured]:
    """Score the answers to one pair of configs, and keep the scores."""
    from gate.comparing import Measured
    from gate.evaluation import observe
    from gate.pairing import pair_families
    from gate.recorded import write_results

    observed = observe((one for one in answers if one.question.config == pair.path), job.suites)
    number = "" if len(job.pairs) == 1 else f"-{job.pairs.index(pair) + 1}"
    out.mkdir(parents=True, exist_ok=True)
    for arm, observations in observed.items():
        (out / f"{arm}{number}.jsonl").write_text(write_results(observations), encoding="utf-8")
    paired = pair_families(observed["baseline"], observed["candidate"])
    return [
        Measured(config=pair.path, family=one.name, metric=one.family.metric, rule=one.rule, paired=paired[one.name])
        for one in job.suites
    ]


def _lines(job: Job, tools: Tools) -> dict[str, Line]:
    """The endpoints in use, with their keys. Raises Problems for every key that is not set."""
    from gate.endpoints.checks import credentials
    from gate.endpoints.transport import HttpEndpoint
    from gate.runner import Line

    lines: dict[str, Line] = {}
    problems: list[Problem] = []
    for alias in dict.fromkeys(pair.arm(arm).endpoint for pair in job.pairs for arm in ARMS):
        rule = job.policy.endpoints[alias]
        secrets = credentials(alias, rule, tools.environ, job.document)
        if isinstance(secrets, tuple):
            problems += secrets
            continue
        endpoint = HttpEndpoint(alias=alias, rule=rule, credentials=secrets)
        lines[alias] = Line(endpoint=endpoint, max_concurrency=rule.max_concurrency, price=rule.price)
    if problems:
        raise Problems(problems)
    return lines


def _waiver_notice(policy: Policy) -> tuple[str, ...]:
    if policy.waivers is None:
        return ()
    return ("waivers are configured, but this version applies none: what regressed blocks",)


def progress(tools: Tools) -> Callable[[int, int, int], None]:
    """A bar on a terminal, plain lines in a log."""
    return bar_progress(tools) if tools.err.isatty() else log_progress(tools)


def bar_progress(tools: Tools) -> Callable[[int, int, int], None]:
    from tqdm import tqdm

    bar = tqdm(total=0, file=tools.err, unit="call", leave=False)

    def say(done: int, failed: int, total: int) -> None:
        bar.total = total
        bar.set_postfix(failed=failed, refresh=False)
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return say


def log_progress(tools: Tools, *, every: float = 15.0) -> Callable[[int, int, int], None]:
    """A line of progress every 15 s, for logs and terminals alike; nothing for short runs."""
    last = [tools.clock()]

    def say(done: int, failed: int, total: int) -> None:
        if tools.clock() - last[0] >= every:
            last[0] = tools.clock()
            tools.err.write(f"{done:,} of {total:,} calls done, {failed:,} failed\n")
            tools.err.flush()

    return say


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    policy: Path
    baseline: Path
    candidate: Path
    out: Path


def compare(options: CompareOptions, tools: Tools) -> int:
    """Decide from two recorded result files. No endpoint is called."""
    from gate.comparing import Measured, compare as compare_units
    from gate.pairing import pair_families
    from gate.policy import parse_policy
    from gate.recorded import read_results
    from gate.reporting import Clocked, Findings, evaluated

    started, begun = tools.now(), tools.clock()
    text = read_local(options.policy)
    policy, document = parse_policy(text, file=str(options.policy))
    paired = pair_families(read_results(options.baseline), read_results(options.candidate))
    if unknown := sorted(set(paired) - set(policy.families)):
        what = f"has no rule for {', '.join(unknown)}, which the results hold"
        raise Problems([document.problem(("families",), what, "add a rule, or leave the family out of the results")])
    if absent := [name for name in policy.families if name not in paired]:
        what = "has no results in either file"
        raise Problems(
            document.problem(("families", name), what, "a family without data is never a pass") for name in absent
        )
    measured = [
        Measured(config=None, family=name, metric="score", rule=rule, paired=paired[name])
        for name, rule in policy.families.items()
    ]
    found = Findings(comparisons=compare_units(measured, policy), policy_digest=digest(text))
    clocked = Clocked(started=started, finished=tools.now(), seconds=tools.clock() - begun)
    return finish(evaluated(found, Origin(), clocked), options.out, tools)


def finish(report: Report, out: Path, tools: Tools) -> int:
    """Write the report's files, say the answer, and return its exit code."""
    from gate.terminal import text

    write_outputs(report, out)
    tools.out.write(f"{text(report)}\nreport: {out / 'report.html'}\n")
    return EXIT_CODES[report.verdict]


def write_outputs(report: Report, out: Path) -> None:
    """`report.json`, `comment.md` and `report.html` into a folder. Raises UsageError when it cannot be written."""
    from gate.html_page import page
    from gate.markdown import comment

    texts = {"report.json": to_json(report), "comment.md": comment(report), "report.html": page(report)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in texts.items():
            (out / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out}: the report cannot be written: {error.strerror}") from None


def validate(policy_path: Path, configs: Sequence[Path], root: Path | None, tools: Tools) -> int:
    """Check a policy, the datasets it names, and model configs; every problem at once."""
    from gate.endpoints.checks import parameter_problems
    from gate.evaluation import load_suites
    from gate.model_config import load_config
    from gate.policy import parse_policy_for_run

    policy, document = parse_policy_for_run(read_local(policy_path), file=str(policy_path))
    problems: list[Problem] = []
    try:
        load_suites(policy, document, LocalFiles(root or repository_root(policy_path)))
    except Problems as found:
        problems += found.problems
    for config in configs:
        home = root or repository_root(config)
        try:
            inside = str(config.resolve().relative_to(home.resolve()))
            load_config(
                LocalFiles(home), inside, endpoints=policy.endpoints, check=parameter_problems, label=str(config)
            )
        except Problems as found:
            problems += found.problems
        except (FileProblem, ValueError) as error:
            what = error.what if isinstance(error, FileProblem) else f"is outside {home}"
            problems.append(Problem(file=str(config), what=what))
    if problems:
        raise Problems(problems)
    tools.out.write(f"valid: {policy_path} ({len(policy.families)} families), {len(configs)} model configs\n")
    return EXIT_PASS


def render(path: Path, form: Literal["markdown", "html", "json"], out: Path | None, tools: Tools) -> int:
    """Make an output again from report.json."""
    from gate.html_page import page
    from gate.markdown import comment

    report = from_json(read_local(path, limit=64 * 1024 * 1024), file=str(path))
    content = {"markdown": comment, "html": page, "json": to_json}[form](report)
    if out is None:
        tools.out.write(content)
        return EXIT_PASS
    try:
        out.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from None
    return EXIT_PASS


def read_local(path: Path, *, limit: int = 256 * 1024) -> str:
    """A text file that the command line names. Raises UsageError naming it."""
    try:
        return read_text(LocalFiles(path.resolve().parent), path.name, limit=limit)
    except FileProblem as problem:
        raise UsageError(f"{path}: {problem.what}") from None


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
