"""L8: a live evaluation: ask, keep, score, compare. What the command line and the action share."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gate.budget import Purse
from gate.course import Course, Ended, FixedCourse
from gate.domain import ARMS, Origin, Pattern, PlanRow, Question
from gate.endpoints.checks import credentials, trusted
from gate.endpoints.transport import HttpEndpoint, Waits
from gate.endpoints.trust import Trust
from gate.endpoints.wire import Credentials
from gate.errors import Problem, Problems
from gate.evaluation import (
    Anchor,
    ScoredInterview,
    Suite,
    dataset_digests,
    questions,
    run_identity,
)
from gate.kept_texts import KeptTexts
from gate.model_config import ModelPair
from gate.policy import Policy, secret_values
from gate.positions import Document
from gate.progress import progress, tell_look
from gate.recorded import write_results
from gate.runner import Kept, Line, Runner
from gate.store import Store
from gate.store_limits import Limits
from gate.tally import Tally
from gate.tools import Tools

if TYPE_CHECKING:  # numpy, the report and more, which are imported while the first answers are awaited, or not at all
    from datetime import date

    from gate.evidence import Evaluated, Evidence
    from gate.licences import Licences
    from gate.rehearsal import Subject
    from gate.reporting import Findings
    from gate.sequential_course import Stored as StoredRuns
    from gate.stats.flips import Matrix
    from gate.waiving import Release


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
    anchor: Anchor = field(default_factory=dict)
    authorities: Mapping[str, str] = field(default_factory=dict)  # by endpoint: the PEM text of its ca_file
    origin: Origin = field(default_factory=Origin)
    notices: tuple[str, ...] = ()
    release: Release | None = None  # how waivers are applied, where there may be any
    simulated: bool = False
    watch: str = ""  # names a drift watch: the baselines are asked again; "" judges a change
    by_batch: tuple[Question, ...] = ()  # asked ahead, and paid whether the course comes to them or not


def questions_of(job: Job) -> list[Question]:
    return [one for pair in job.pairs for one in questions(pair, job.suites)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What asking gave: suites ruled, and comparisons weighed, as the judges' licences say."""

    job: Job
    runner: Runner
    licences: Licences | None
    ended: Ended
    evidence: Evidence
    plan: tuple[PlanRow, ...]


def evaluate(job: Job, out: Path, keeping: Keeping, tools: Tools) -> Evaluated:
    """Ask until everything is decided; the recorded results go to `out`, so that `compare` can decide again."""
    started, begun = tools.now(), tools.clock()
    asked = _ask(job, keeping, tools)
    from gate.evidence import Evaluated
    from gate.reporting import Clocked, evaluated

    with asked.runner.kept.store.closing():
        _write(asked.ended, job.pairs, out)
        found = _found(asked, tools.now().date())
        clocked = Clocked(started=started, finished=tools.now(), seconds=tools.clock() - begun)
        return Evaluated(report=evaluated(found, job.origin, clocked), evidence=asked.evidence)


def _ask(job: Job, keeping: Keeping, tools: Tools) -> _Asked:
    runner = runner_for(job, keeping, tools)
    interview = ScoredInterview(job.pairs, job.suites, job.policy)
    stored = runs_kept(job, runner, interview)
    runner.prepaid(job.by_batch, interview)
    licences = _licences(job, runner)
    job = replace(job, suites=licences.ruled(job.suites)) if licences else job
    aside = _Aside(job, stored)
    ended = _run(course_of(job, stored), runner, interview, tools, aside.steps)
    runner.count_unused(interview)
    if licences:
        ended = replace(ended, comparisons=licences.weighed(ended.comparisons))
    evidence = _evidence(job, ended, KeptTexts(runner=runner, interview=interview), tools)
    return _Asked(job=job, runner=runner, licences=licences, ended=ended, evidence=evidence, plan=aside.plan())


def _found(asked: _Asked, today: date) -> Findings:
    """What the report says, with the waivers of the day."""
    from gate.reporting import Findings
    from gate.waiving import released

    job, runner, licences, ended = asked.job, asked.runner, asked.licences, asked.ended
    waived = released(job.release, ended.comparisons, today)
    said = licences.notices if licences else ()
    return Findings(
        comparisons=waived.comparisons,
        patterns=_named(job, ended),
        plan=licences.seen(asked.plan) if licences else asked.plan,
        tallies=runner.tally.all(),
        judges=licences.records if licences else (),
        pairs=job.pairs,
        policy_digest=job.digest,
        dataset_digests=dataset_digests(job.suites),
        identity=job.policy.identity,
        cut=runner.cut,
        notices=(*said, *job.notices, *runner.kept.store.troubles, *waived.notices),
        waivers=waived.uses,
        offers=waived.offers,
        simulated=job.simulated,
    )


def _evidence(job: Job, ended: Ended, texts: KeptTexts, tools: Tools) -> Evidence:
    """The samples that moved, with what the store has of them."""
    from gate.flips import Showing, evidence_of

    showing = Showing(
        policy=job.policy,
        comparisons=ended.comparisons,
        texts=texts,
        secrets=secret_values(job.policy, tools.environ),
    )
    return evidence_of(ended.moved, [(*key, found) for key, found in ended.observed.items()], showing)


def has_judge(job: Job) -> bool:
    return any(suite.judge is not None for suite in job.suites)


def _licences(job: Job, runner: Runner) -> Licences | None:
    """What the judges may decide, asked before anything else; None where there is no judge."""
    if not has_judge(job):
        return None
    from gate.licences import examine

    return examine(job.suites, runner, job.pairs[0].path)


def _named(job: Job, ended: Ended) -> tuple[Pattern, ...]:
    from gate.patterns import patterns

    return patterns(ended.measured, ended.comparisons, alpha=job.policy.risk.alpha, anchor=job.anchor)


_AT_THE_END = (
    "numpy",
    "tabulate",
    "gate.reporting",
    "gate.patterns",
    "gate.flips",
    "gate.terminal",
    "gate.junit",
    "gate.sarif",
    "jinja2",
)
"""Each a step, so the larger ones stand here apart from what imports them."""


class _Aside:
    """What the report needs besides answers: done once, step by step, best while they are awaited."""

    def __init__(self, job: Job, stored: StoredRuns) -> None:
        self._job, self._stored = job, stored
        self._plan: tuple[PlanRow, ...] = ()
        self.steps = self._steps()

    def _steps(self) -> Iterator[None]:
        for name in _AT_THE_END:
            importlib.import_module(name)
            yield
        from gate.html_page import TEMPLATES, template

        for name in TEMPLATES:
            template(name)
            yield
        self._plan = planned(self._job, self._stored)

    def plan(self) -> tuple[PlanRow, ...]:
        """With all that was not yet done."""
        for _ in self.steps:
            pass
        return self._plan


def planned(job: Job, stored: StoredRuns) -> tuple[PlanRow, ...]:
    """What each unit can see, from the stored runs that this one uses; nothing is simulated here."""
    from gate.planning import rows_of
    from gate.sequential_course import stored_matrix

    return rows_of(
        [
            family_subject(pair, suite, stored_matrix(stored.get((pair.path, suite.name), ())))
            for pair in job.pairs
            for suite in job.suites
        ],
        job.policy,
    )


def family_subject(pair: ModelPair, suite: Suite, stored: Matrix | None, known: Matrix | None = None) -> Subject:
    """`known`: all stored scores of the baseline; those of the whole runs where left out."""
    from gate.rehearsal import subject

    samples = suite.dataset.samples
    known = stored if known is None else known
    return subject(pair.path, suite.name, suite.rule, samples, metric=suite.family.metric, known=known, stored=stored)


def course_of(job: Job, stored: StoredRuns) -> Course:
    if job.watch:
        from gate.watching import WatchCourse

        return WatchCourse(pairs=job.pairs, suites=job.suites, policy=job.policy, stored=stored)
    if job.policy.risk.design == "fixed":
        return FixedCourse(job.pairs, job.suites, job.policy)
    from gate.sequential_course import SequentialCourse

    return SequentialCourse(job.pairs, job.suites, job.policy, stored)


def runs_kept(job: Job, runner: Runner, interview: ScoredInterview) -> StoredRuns:
    age = job.policy.baseline_max_age_seconds
    if age is None:
        return {}
    from gate.remembered import Memory

    return Memory(runner=runner, interview=interview, max_age=age).stored(job.pairs, job.suites)


def stored_runs(job: Job, keeping: Keeping, tools: Tools) -> StoredRuns:
    """The whole baseline runs that `evaluate` would compare with; nothing is asked."""
    if job.policy.baseline_max_age is None:
        return {}
    runner = runner_for(job, keeping, tools)
    found = runs_kept(job, runner, ScoredInterview(job.pairs, job.suites, job.policy))
    runner.kept.store.close()
    return found


def _run(
    course: Course, runner: Runner, interview: ScoredInterview, tools: Tools, meanwhile: Iterable[object]
) -> Ended:
    """Batch by batch, with a line at each look; `meanwhile` is done while the first answers are awaited."""
    gc.freeze()  # what is there by now stays: it need not be looked through again and again
    gc.enable()
    looks = 0
    while asked := course.wanted():
        if looks:
            tell_look(tools, looks, runner.purse.spent, course.open())
        course.add(asked, runner.ask_all(asked, interview, meanwhile=meanwhile))
        looks += 1
    return course.ended()


def _write(ended: Ended, pairs: Sequence[ModelPair], out: Path) -> None:
    """The observations of each pair of configs, in the form that `compare` reads."""
    out.mkdir(parents=True, exist_ok=True)
    for number, pair in enumerate(pairs, start=1):
        suffix = "" if len(pairs) == 1 else f"-{number}"
        for arm in ARMS:
            text = write_results(ended.observed.get((pair.path, arm), ()))
            (out / f"{arm}{suffix}.jsonl").write_text(text, encoding="utf-8")


def runner_for(job: Job, keeping: Keeping, tools: Tools) -> Runner:
    lines = _lines(job, keeping, tools)  # first: a missing key must not leave a file behind
    rule = job.policy.store
    store = Store.open(
        keeping.store,
        now=lambda: tools.now().timestamp(),
        say=lambda text: _say(tools, text),
        limits=Limits.of(days=rule.max_age_days, megabytes=rule.max_size_mb),
    )
    return Runner(
        lines=lines,
        purse=Purse(budget=job.policy.budget, clock=tools.clock),
        kept=Kept(store=store, runs={pair.path: _run_name(job, pair) for pair in job.pairs}),
        tally=Tally(job.policy.endpoints),
        progress=progress(tools),
        now=lambda: tools.now().timestamp(),
    )


def _run_name(job: Job, pair: ModelPair) -> str:
    """Under which a run's answers are kept, and found again by the same run only."""
    own = run_identity(pair, job.policy)
    return f"{own} watch {job.watch}" if job.watch else own


def _say(tools: Tools, text: str) -> None:
    tools.err.write(f"{text}\n")
    tools.err.flush()


def _lines(job: Job, keeping: Keeping, tools: Tools) -> dict[str, Line]:
    """The endpoints in use, with their keys. Raises Problems for every key that is not set, unless `keyless`."""
    lines: dict[str, Line] = {}
    problems: list[Problem] = []
    judges = (suite.judge.rule.endpoint for suite in job.suites if suite.judge is not None)
    for alias in dict.fromkeys((*(pair.arm(arm).endpoint for pair in job.pairs for arm in ARMS), *judges)):
        rule = job.policy.endpoints[alias]
        secrets = credentials(alias, rule, tools.environ, job.document)
        trust = trusted(alias, rule, tools.environ, job.document, job.authorities)
        if isinstance(secrets, Credentials) and isinstance(trust, Trust):
            endpoint = HttpEndpoint(
                alias=alias, rule=rule, credentials=secrets, trust=trust, waits=Waits(clock=tools.clock, now=tools.now)
            )
            lines[alias] = Line(rule=rule, endpoint=endpoint)
            continue
        found = next(one for one in (secrets, trust) if isinstance(one, tuple))
        lines[alias] = Line(rule=rule, endpoint=None, missing=f"endpoint {alias}: {found[0].what}")
        problems += () if keeping.keyless else found
    if problems:
        raise Problems(problems)
    return lines
