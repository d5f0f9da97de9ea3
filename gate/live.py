"""L8: a live evaluation: ask, keep, score, compare. What the command line and the action share."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gate.batch_book import Book
from gate.batch_plan import Desk, Planner
from gate.batching import Batching
from gate.budget import Purse
from gate.comparing import Measured, compare
from gate.domain import ARMS, Answer, Arm, Completion, Observation, Question
from gate.endpoints import BATCHES
from gate.endpoints.checks import credentials
from gate.endpoints.transport import HttpEndpoint
from gate.endpoints.wire import Credentials
from gate.errors import EXIT_PASS, EXIT_UNDECIDED, Problem, Problems, UsageError
from gate.evaluation import Interview, ScoredInterview, Suite, dataset_digests, questions, run_identity
from gate.model_config import ModelPair
from gate.pairing import pair_families
from gate.policy import Policy
from gate.positions import Document
from gate.progress import progress
from gate.recorded import write_results
from gate.report import Origin, Report
from gate.reporting import Clocked, Findings, evaluated, failures
from gate.runner import Kept, Line, Runner
from gate.sharding import Shard
from gate.store import Reuse, Store
from gate.store_limits import Limits
from gate.tally import Tally
from gate.tools import Tools
from gate.wording import count, printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where answers are kept. `keyless`: an endpoint whose key is not set serves what is kept, and asks nothing."""

    store: Path
    keyless: bool = False


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


def ask_part(job: Job, shard: Shard, keeping: Keeping, tools: Tools) -> int:
    """Ask one shard's questions and keep the answers; nothing is decided. 0, or 3 when nothing could be answered."""
    part = replace(job, policy=job.policy.model_copy(update={"budget": shard.share(job.policy.budget)}))
    runner = _runner(part, keeping, tools)
    asked = [one for one in _questions(job) if shard.holds(one)]
    answered = sum(runner.ask_all(asked, _KeptInterview(job.pairs, job.suites, job.policy)))
    runner.kept.store.close()
    tools.out.write(
        f"shard {shard}: {answered:,} of {count(len(asked), 'question')} answered, kept in {keeping.store}\n"
    )
    for line in (*failures({arm: runner.tally.of(arm) for arm in ARMS}), *runner.kept.store.troubles):
        tools.out.write(f"- {printable(line)}\n")
    return EXIT_PASS if answered or not asked else EXIT_UNDECIDED


def prefetch(job: Job, keeping: Keeping, wait: float, tools: Tools) -> Job:
    """Ask by batch what can be; the job, with what the store had to say. The answers are in the store.

    Raises
    ------
    StillUnderWay
        After `wait` seconds; the same call goes on with the batches later.
    CannotEvaluate
    """
    runner = _runner(job, keeping, tools)
    store, asked = runner.kept.store, _questions(job)
    if not store.writable:
        raise UsageError(f"{keeping.store}: a run by batch needs a store that can be written")
    try:
        with tempfile.TemporaryDirectory(prefix="driftgate-") as folder, Book.of(keeping.store) as book:
            planner = Planner(
                desks=_desks(runner.lines),
                rules=job.policy.endpoints,
                kept=runner.kept,
                budget=job.policy.budget,
                folder=Path(folder),
                mark=lambda: secrets.token_hex(16),
            )
            batching = Batching(planner=planner, book=book, tools=tools, wait=wait)
            batching.ask(asked, _KeptInterview(job.pairs, job.suites, job.policy))
    finally:
        store.close()
    return replace(job, notices=(*job.notices, *store.troubles))


def _desks(lines: Mapping[str, Line]) -> dict[str, Desk]:
    """The endpoints that have batches; the others are asked live."""
    return {
        alias: Desk(alias=alias, rule=line.rule, credentials=line.endpoint.credentials, exchange=line.endpoint)
        for alias, line in lines.items()
        if isinstance(line.endpoint, HttpEndpoint)
        and line.rule.protocol in BATCHES
        and BATCHES[line.rule.protocol].offered(line.rule)
    }


class _KeptInterview(Interview):
    """The runner keeps the answers; scoring them is for the job that decides."""

    def use(self, answer: Answer) -> bool:
        return isinstance(answer.outcome, Completion)


def _questions(job: Job) -> list[Question]:
    return [one for pair in job.pairs for one in questions(pair, job.suites)]


def evaluate(job: Job, out: Path, keeping: Keeping, tools: Tools) -> Report:
    """Ask, score, compare; the recorded results go to `out`, so that `compare` can decide again."""
    started, begun = tools.now(), tools.clock()
    runner = _runner(job, keeping, tools)
    asked = _questions(job)
    observed = runner.ask_all(asked, ScoredInterview(job.pairs, job.suites, job.policy))
    measured = [one for pair in job.pairs for one in _measure(job, pair, asked, observed, out)]
    runner.kept.store.close()
    found = Findings(
        comparisons=compare(measured, job.policy),
        tallies={arm: runner.tally.of(arm) for arm in ARMS},
        pairs=job.pairs,
        policy_digest=job.digest,
        dataset_digests=dataset_digests(job.suites),
        identity=job.policy.identity,
        notices=(*job.notices, *runner.kept.store.troubles, *_waiver_notice(job.policy)),
        simulated=job.simulated,
    )
    clocked = Clocked(started=started, finished=tools.now(), seconds=tools.clock() - begun)
    return evaluated(found, job.origin, clocked)


def _runner(job: Job, keeping: Keeping, tools: Tools) -> Runner:
    lines = _lines(job, keeping, tools)  # first: a missing key must not leave a file behind
    rule = job.policy.store
    store = Store.open(
        keeping.store,
        now=lambda: tools.now().timestamp(),
        say=lambda text: _say(tools, text),
        limits=Limits.of(days=rule.max_age_days, megabytes=rule.max_size_mb),
    )
    reuse = {(pair.path, arm): _reuse(pair, arm, job.policy) for pair in job.pairs for arm in ARMS}
    return Runner(
        lines=lines,
        purse=Purse(budget=job.policy.budget, clock=tools.clock),
        kept=Kept(store=store, reuse=reuse),
        tally=Tally(job.policy.endpoints),
        progress=progress(tools),
        now=lambda: tools.now().timestamp(),
    )


def _reuse(pair: ModelPair, arm: Arm, policy: Policy) -> Reuse:
    """Its own answers, always; of other runs only the baseline's, as old as the policy allows."""
    age = policy.baseline_max_age_seconds if arm == "baseline" else None
    return Reuse(run=run_identity(pair, policy), max_age=age)


def _say(tools: Tools, text: str) -> None:
    tools.err.write(f"{text}\n")
    tools.err.flush()


def _measure(
    job: Job, pair: ModelPair, asked: Sequence[Question], observed: Sequence[Observation], out: Path
) -> list[Measured]:
    """Pair the scores of one pair of configs, and keep them."""
    arms: dict[Arm, list[Observation]] = {arm: [] for arm in ARMS}
    for question, observation in zip(asked, observed, strict=True):
        if question.config == pair.path:
            arms[question.arm].append(observation)
    number = "" if len(job.pairs) == 1 else f"-{job.pairs.index(pair) + 1}"
    out.mkdir(parents=True, exist_ok=True)
    for arm, observations in arms.items():
        (out / f"{arm}{number}.jsonl").write_text(write_results(observations), encoding="utf-8")
    paired = pair_families(arms["baseline"], arms["candidate"])
    return [
        Measured(config=pair.path, family=one.name, metric=one.family.metric, rule=one.rule, paired=paired[one.name])
        for one in job.suites
    ]


def _lines(job: Job, keeping: Keeping, tools: Tools) -> dict[str, Line]:
    """The endpoints in use, with their keys. Raises Problems for every key that is not set, unless `keyless`."""
    lines: dict[str, Line] = {}
    problems: list[Problem] = []
    for alias in dict.fromkeys(pair.arm(arm).endpoint for pair in job.pairs for arm in ARMS):
        rule = job.policy.endpoints[alias]
        secrets = credentials(alias, rule, tools.environ, job.document)
        if isinstance(secrets, Credentials):
            lines[alias] = Line(rule=rule, endpoint=HttpEndpoint(alias=alias, rule=rule, credentials=secrets))
            continue
        lines[alias] = Line(rule=rule, endpoint=None, missing=f"endpoint {alias}: {secrets[0].what}")
        problems += () if keeping.keyless else secrets
    if problems:
        raise Problems(problems)
    return lines


def _waiver_notice(policy: Policy) -> tuple[str, ...]:
    if policy.waivers is None:
        return ()
    return ("waivers are configured, but this version applies none: what regressed blocks",)
