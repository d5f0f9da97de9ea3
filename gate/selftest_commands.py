"""L9: `driftgate selftest`: does this gate, with this policy and these datasets, do what it promises?

No endpoint is asked, and no key is needed: simulated answers are drawn around stored ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gate.domain import Observation, Sample, Score
from gate.errors import EXIT_BLOCKED, EXIT_PASS, CannotEvaluate, Problems
from gate.files import write_text
from gate.importers.results import read_runs
from gate.live import Job
from gate.planning_commands import archive_of, subjects_of
from gate.policy import Policy, result_names
from gate.positions import Document
from gate.rehearsal import Subject, rehearsal_of, subject
from gate.selftest import self_test
from gate.selftest_text import text, to_json
from gate.tools import Tools

_PATIENCE, _EVERY = 2.0, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What there is of the baseline's answers, and the policy to try on them."""

    subjects: tuple[Subject, ...]
    policy: Policy


def show_selftest(answers: Answers, simulations: int, out: Path, tools: Tools) -> int:
    """Print the table and write `selftest.json`. 0, or 1 when the gate blocks more often than its alpha."""
    rehearsal = rehearsal_of(answers.subjects, answers.policy)
    found = self_test(
        answers.subjects,
        answers.policy,
        rehearsal,
        simulations=simulations,
        tell=_Progress(tools, simulations).done,
    )
    write_text(out / "selftest.json", to_json(found))
    tools.out.write(f"{text(found)}\nself-test: {out / 'selftest.json'}\n")
    return EXIT_PASS if found.holds else EXIT_BLOCKED


class _Progress:
    """A line every few seconds, once it takes long."""

    def __init__(self, tools: Tools, of: int) -> None:
        self._tools, self._of, self._next = tools, of, tools.clock() + _PATIENCE

    def done(self, number: int) -> None:
        if self._tools.clock() < self._next:
            return
        self._next = self._tools.clock() + _EVERY
        self._tools.err.write(f"{number:,} of {self._of:,} simulated releases\n")
        self._tools.err.flush()


def from_store(job: Job, store: Path, tools: Tools) -> tuple[Subject, ...]:
    """Every family with all stored answers of its baseline. Raises CannotEvaluate where they are too few."""
    with archive_of(job, store, tools) as archive:
        subjects = tuple(subjects_of(job, store, archive, tools))
    need_two(subjects, _how_to_ask(job, store))
    return subjects


def _how_to_ask(job: Job, store: Path) -> str:
    config = job.pairs[0].path
    if job.policy.baseline_max_age is not None:
        return f"ask it several times: driftgate baseline {config} --store {store} --runs 5"
    return (
        "compare the baseline with itself, which asks its questions twice: "
        f"driftgate run --baseline {config} --candidate {config} --store {store}"
    )


def from_runs(policy: Policy, document: Document, files: Sequence[Path]) -> tuple[Subject, ...]:
    """Every family with all scores in the recorded results, of any harness. Raises Problems, or CannotEvaluate."""
    observed = read_runs(files, result_names(policy.families))
    if unknown := sorted({one.family for one in observed} - set(policy.families)):
        what = f"has no rule for {', '.join(unknown)}, which the results hold"
        raise Problems([document.problem(("families",), what, "add a rule, or leave the family out of the results")])
    subjects = tuple(
        _recorded(policy, family, [one for one in observed if one.family == family]) for family in policy.families
    )
    need_two(subjects, "give the recorded results of two or more runs of the same baseline: --runs A.jsonl B.jsonl")
    return subjects


def _recorded(policy: Policy, family: str, observed: Sequence[Observation]) -> Subject:
    labels = {one.sample_id: one for one in reversed(observed)}
    samples = [
        Sample(id=name, input={}, target=None, slices=labels[name].slices, cluster=labels[name].cluster)
        for name in sorted(labels)
    ]
    scores: dict[str, list[float]] = {one.id: [] for one in samples}
    for one in observed:
        if isinstance(one.result, Score):
            scores[one.sample_id].append(one.result.value)
    known = np.full((len(samples), max(map(len, scores.values()), default=0)), np.nan)
    for row, values in enumerate(scores.values()):
        known[row, : len(values)] = values
    return subject(None, family, policy.families[family], samples, known=known)


def need_two(subjects: Sequence[Subject], hint: str) -> None:
    """Raises CannotEvaluate where a family has too few samples that were asked twice."""
    short = [one for one in subjects if one.noise is None]
    if short:
        lines = [
            f"{one.named[0].family}: {_twice(one):,} of {one.spec.n:,} samples have two stored answers of the "
            "baseline: too few to tell its noise"
            for one in short
        ]
        raise CannotEvaluate("\n".join([*lines, f"    hint: {hint}"]))


def _twice(one: Subject) -> int:
    return int(((~np.isnan(one.known)).sum(axis=1) > 1).sum())
