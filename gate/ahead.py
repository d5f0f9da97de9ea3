"""L8: answers asked ahead of a decision: a shard's, a baseline's, a batch's. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gate.course import MOST_STORED, Course
from gate.domain import Answer, Completion, Question
from gate.endpoints.transport import HttpEndpoint
from gate.errors import EXIT_PASS, EXIT_UNDECIDED, UsageError
from gate.evaluation import Interview, ScoredInterview, Verdict, run_identity
from gate.live import Job, Keeping, course_of, has_judge, questions_of, runner_for, runs_kept
from gate.runner import Kept, Line, Runner
from gate.sharding import Shard
from gate.tools import Tools
from gate.wording import count, printable

if TYPE_CHECKING:
    from gate.batch_plan import Desk


def ask_part(job: Job, shard: Shard, keeping: Keeping, tools: Tools) -> int:
    """Ask one shard's questions and keep the answers; nothing is decided. 0, or 3 when nothing could be answered."""
    part = replace(job, policy=job.policy.model_copy(update={"budget": shard.share(job.policy.budget)}))
    runner = runner_for(part, keeping, tools)
    if has_judge(job):
        from gate.licences import examine_part

        examine_part(job.suites, runner, job.pairs[0].path, shard)
    asked = [one for one in questions_of(job) if shard.holds(one)]
    answered = _ask_and_keep(runner, job, asked)
    runner.kept.store.close()
    tools.out.write(
        f"shard {shard}: {answered:,} of {count(len(asked), 'question')} answered, kept in {keeping.store}\n"
    )
    _tell_troubles(runner, tools)
    return EXIT_PASS if answered or not asked else EXIT_UNDECIDED


def ask_baselines(job: Job, runs: int, keeping: Keeping, tools: Tools) -> int:
    """Ask each baseline `runs` times, each a run of its own, for later runs to compare with.

    Once in each half of `baseline_max_age`: so kept runs stay young enough until the next time, and a refresh that was
    killed, or is done twice, asks only what its half still lacks.
    """
    age = job.policy.baseline_max_age_seconds
    if age is None:
        raise UsageError("the policy sets no baseline_max_age: no run would use these answers")
    if not 1 <= runs <= MOST_STORED:
        raise UsageError(f"--runs: must be 1 to {MOST_STORED}")
    half = int(tools.now().timestamp() // (age / 2))
    runner = runner_for(job, keeping, tools)
    asked = [one for one in questions_of(job) if one.arm == "baseline"]
    answered = 0
    for number in range(1, runs + 1):
        names = {pair.path: f"{run_identity(pair, job.policy)} {half}.{number}" for pair in job.pairs}
        runner.kept = Kept(store=runner.kept.store, runs=names)
        answered += _ask_and_keep(runner, job, asked)
    runner.kept.store.close()
    tools.out.write(
        f"baseline: {answered:,} of {count(runs * len(asked), 'answer')} kept in {keeping.store}, "
        f"{count(runs, 'run')} of {count(len(asked), 'question')}\n"
    )
    _tell_troubles(runner, tools)
    return EXIT_PASS if answered or not asked else EXIT_UNDECIDED


def _ask_and_keep(runner: Runner, job: Job, asked: Sequence[Question]) -> int:
    """How many of the questions have an answer now. Raises UsageError where none could be kept."""
    store = runner.kept.store
    if not store.keeps:
        raise UsageError(f"{store.path}: cannot be written, and these answers are of use only where they are kept")
    return sum(runner.ask_all(asked, _KeptInterview(job.pairs, job.suites, job.policy)))


def _tell_troubles(runner: Runner, tools: Tools) -> None:
    from gate.reporting import failures

    for line in (*failures(runner.tally.all()), *runner.kept.store.troubles):
        tools.out.write(f"- {printable(line)}\n")


def prefetch(job: Job, keeping: Keeping, wait: float, tools: Tools) -> Job:
    """Ask the first pass by batch, where a batch can be; the job, to be evaluated. The answers are in the store.

    Raises
    ------
    StillUnderWay
        After `wait` seconds; the same call goes on with the batches later.
    CannotEvaluate
    """
    import secrets
    import tempfile

    from gate.batch_book import Book
    from gate.batch_plan import Planner
    from gate.batching import Batching

    runner = runner_for(job, keeping, tools)
    store, interview = runner.kept.store, ScoredInterview(job.pairs, job.suites, job.policy)
    if not store.keeps:
        raise UsageError(f"{keeping.store}: cannot be written, and a run by batch needs a store")
    try:
        asked = _first_pass(job, course_of(job, runs_kept(job, runner, interview)))
        with tempfile.TemporaryDirectory(prefix="driftgate-") as folder, Book.of(keeping.store) as book:
            planner = Planner(
                desks=_desks(runner.lines),
                rules=job.policy.endpoints,
                kept=runner.kept,
                budget=job.policy.budget,
                folder=Path(folder),
                mark=lambda: secrets.token_hex(16),
            )
            Batching(planner=planner, book=book, tools=tools, wait=wait).ask(asked, interview)
    finally:
        store.close()
    return replace(job, notices=(*job.notices, *store.troubles), by_batch=tuple(asked))


def _first_pass(job: Job, course: Course) -> list[Question]:
    """All questions but re-askings; of a family that begins against stored runs, the candidate's."""
    begun = {(one.config, one.family, one.arm) for one in course.wanted()}
    return [one for one in questions_of(job) if (one.config, one.family, one.arm) in begun]


def _desks(lines: Mapping[str, Line]) -> dict[str, Desk]:
    """The endpoints that have batches; the others are asked live."""
    from gate.batch_plan import Desk
    from gate.endpoints.batches import BATCHES

    return {
        alias: Desk(alias=alias, rule=line.rule, credentials=line.endpoint.credentials, exchange=line.endpoint)
        for alias, line in lines.items()
        if isinstance(line.endpoint, HttpEndpoint)
        and line.rule.protocol in BATCHES
        and BATCHES[line.rule.protocol].offered(line.rule)
    }


class _KeptInterview(Interview):
    """The runner keeps the answers; scoring them is for the job that decides."""

    def use(self, answer: Answer, verdicts: Sequence[Verdict] = ()) -> bool:
        del verdicts
        return isinstance(answer.outcome, Completion)
