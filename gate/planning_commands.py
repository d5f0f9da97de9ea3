"""L9: `driftgate plan`: what a run would ask and could see. No endpoint is asked, and no key is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gate.askings import Archive
from gate.errors import EXIT_PASS
from gate.evaluation import ScoredInterview
from gate.files import write_text
from gate.live import Job, Keeping, family_subject, stored_runs
from gate.plan_text import text, to_json
from gate.planning import plan_of
from gate.rehearsal import Subject
from gate.sequential_course import family_key, stored_matrix
from gate.store import Store
from gate.tools import Tools
from gate.wording import count


def show_plan(job: Job, store: Path, json_file: Path | None, tools: Tools) -> int:
    """Print the plan; write it as JSON too where asked."""
    with archive_of(job, store, tools) as archive:
        subjects = list(subjects_of(job, store, archive, tools))
        costs = {
            family_key(pair.path, suite.name): archive.cost(pair, suite) for pair in job.pairs for suite in job.suites
        }
    plan = plan_of(subjects, job.policy, costs)
    plan = replace(plan, notices=(*plan.notices, *_judges(job)))
    tools.out.write(f"{text(plan)}\n")
    if json_file is not None:
        write_text(json_file, to_json(plan))
    return EXIT_PASS


@contextmanager
def archive_of(job: Job, store: Path, tools: Tools) -> Iterator[Archive]:
    """The kept answers; none where there is no store: planning makes no file."""
    interview = ScoredInterview(job.pairs, job.suites, job.policy)
    if not store.exists():
        yield Archive(store=None, interview=interview, endpoints=job.policy.endpoints)
        return
    opened = Store.open(store, now=lambda: tools.now().timestamp(), say=lambda line: _say(tools, line))
    try:
        yield Archive(store=opened, interview=interview, endpoints=job.policy.endpoints)
    finally:
        opened.close()


def subjects_of(job: Job, store: Path, archive: Archive, tools: Tools) -> Iterator[Subject]:
    """Every family of every pair, with what is stored of its baseline."""
    runs = stored_runs(job, Keeping(store=store, keyless=True), tools) if store.exists() else {}
    for pair in job.pairs:
        for suite in job.suites:
            stored = stored_matrix(runs.get((pair.path, suite.name), ()))
            yield family_subject(pair, suite, stored, archive.scores(pair, suite))


def _judges(job: Job) -> Iterator[str]:
    """What is known of the licences before any call."""
    for suite in job.suites:
        if suite.judge is None:
            continue
        from gate.licences import too_few

        calls = sum(len(suite.judge.calls(one.sample, one.completion)) for one in suite.judge.labels)
        if why := too_few(suite.judge):
            yield f"{suite.name}: will be advisory, for its judge has no licence: {why}"
        else:
            yield (
                f"{suite.name}: {count(calls, 'call')} more are for its judge's licence, on "
                f"{count(len(suite.judge.labels), 'label')}; how far its errors widen the interval is known only then"
            )


def _say(tools: Tools, line: str) -> None:
    tools.err.write(f"{line}\n")
