"""Which rule is run on which work, how often, and what is counted.

Two processes share the work; the counts are the same however they do.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import statistics_rules as rules
from statistics_engine import design, engine, replay
from statistics_looks import looks_only
from statistics_rules import Judged, Rule
from statistics_work import Work, ask, chances, generator, pull_request, pull_requests

WORKERS, CHUNK = 2, 50
ENGINE, FIXED, HOLM = "engine as shipped", "fixed design of gate (compare)", "exact McNemar + Holm"
RULES: Mapping[str, Rule] = {
    "any drop fails": rules.any_drop,
    "drop > 5 points fails": rules.five_points,
    "McNemar, no correction": rules.uncorrected,
    HOLM: rules.with_holm,
    FIXED: rules.fixed,
    "group-sequential only, 4 looks": looks_only,
    "betting e-process, mixture of bets": rules.betting,
    "discordant re-asked once, sign-flip + Holm": rules.reasked,
    ENGINE: engine,
}
OPEN = (FIXED, "group-sequential only, 4 looks", "betting e-process, mixture of bets", ENGINE)
"""The rules that know "inconclusive"."""

DROPS = (5, 8, 10, 15)
TABLE = (
    Work(name="no change, noise 8 %"),
    Work(name="no change, noise 3 %", noise=0.03),
    *(Work(name=f"hard {points}", drop=points / 100) for points in DROPS),
    *(Work(name=f"soft {points}", drop=points / 100, shape="soft") for points in DROPS),
)
OTHERS = (
    Work(name="no change, noise 0 %", noise=0.0),
    Work(name="no change, noise 15 %", noise=0.15),
    Work(name="no change, n = 40", n=40),
    Work(name="no change, n = 100", n=100),
    Work(name="no change, clusters of 5", cluster=5),
    Work(name="no change, 8 slices of 30", slices=8),
    Work(name="40 points in one slice", slices=8, slice_drop=0.4),
    Work(name="hard 5, noise 3 %", noise=0.03, drop=0.05),
    Work(name="soft 5, noise 3 %", noise=0.03, drop=0.05, shape="soft"),
    Work(name="hard 5, noise 0 %", noise=0.0, drop=0.05),
    Work(name="hard 5, noise 15 %", noise=0.15, drop=0.05),
    Work(name="outage on 15 of 100", n=100, outage=15, same=True),
    Work(name="outage on 15 of 100, noise 8 %", n=100, outage=15),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts over pull requests. `caught`: the first family, or the first slice where only it lost, is regressed.

    `first_calls`: calls of the first family; `all_calls`: those it would have had, asked once on both arms.
    """

    runs: int = 0
    blocked: int = 0
    caught: int = 0
    in_slice: int = 0
    families: int = 0
    inconclusive: int = 0
    calls: int = 0
    first_calls: int = 0
    all_calls: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(Tally)})

    def record(self) -> dict[str, int]:
        return asdict(self)


def tally(work: Work, judged: Judged) -> Tally:
    in_slice = "regressed" in judged.slices[:1]
    return Tally(
        runs=1,
        blocked=judged.blocked,
        caught=judged.families[0] == "regressed" or (work.slice_drop > 0 and in_slice),
        in_slice=in_slice,
        families=len(judged.families),
        inconclusive=sum(one == "inconclusive" for one in judged.families),
        calls=sum(judged.calls),
        first_calls=judged.calls[0],
        all_calls=2 * work.n,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCase:
    """Baselines, each of so many stored runs, against which `pulls` pull requests that change nothing are judged."""

    name: str
    stored: int
    baselines: int
    pulls: int
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResult:
    """One count of blocked pull requests for each baseline."""

    case: StoredCase
    blocked: Sequence[int]
    calls: float

    @property
    def rates(self) -> list[float]:
        return [one / self.case.pulls for one in self.blocked]

    @property
    def mean(self) -> float:
        return float(np.mean(self.rates))

    @property
    def worst(self) -> float:
        """The 95th percentile over baselines; the chance of `pulls` draws is in it, so it errs on the high side."""
        return float(np.quantile(self.rates, 0.95))


def stored_cases(baselines: int, pulls: int) -> list[StoredCase]:
    work = Work(name="stored", n=300)
    return [
        StoredCase(name=f"{runs} stored", stored=runs, baselines=baselines, pulls=pulls, work=work) for runs in (1, 5)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A chunk of pull requests of a work under some rules, or one baseline of a stored case."""

    cell: int
    number: int
    count: int
    work: Work
    rules: Sequence[str] = ()
    stored: StoredCase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """All that was measured: by work and rule, and the stored cases."""

    tallies: Mapping[tuple[str, str], Tally]
    stored: Sequence[StoredResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The rules that judge a work, and how many pull requests each."""

    rules: Sequence[str]
    runs: int


def measure(works: Mapping[Work, Share], stored: Sequence[StoredCase], say: Callable[[str], None]) -> Cells:
    """Run every work under its rules, and the stored cases, in two processes."""
    tasks = [*_tasks(works), *_stored_tasks(stored, first=len(works))]
    left = {index: sum(one.cell == index for one in tasks) for index in range(len(works) + len(stored))}
    names = [*(work.name for work in works), *(case.name for case in stored)]
    done: dict[_Key, dict[str, Tally]] = {}
    with multiprocessing.Pool(WORKERS) as pool:
        for cell, number, found in pool.imap_unordered(_run, tasks):
            done[cell, number] = found
            left[cell] -= 1
            if not left[cell]:
                say(names[cell])
    return _gather(list(works), list(stored), done)


_Key = tuple[int, int]


def _tasks(works: Mapping[Work, Share]) -> Iterator[_Task]:
    for cell, (work, share) in enumerate(works.items()):
        for number, start in enumerate(range(0, share.runs, CHUNK)):
            yield _Task(cell=cell, number=number, count=min(CHUNK, share.runs - start), work=work, rules=share.rules)


def _stored_tasks(cases: Sequence[StoredCase], *, first: int) -> Iterator[_Task]:
    for cell, case in enumerate(cases, start=first):
        for number in range(case.baselines):
            yield _Task(cell=cell, number=number, count=case.pulls, work=case.work, stored=case)


def _run(task: _Task) -> tuple[int, int, dict[str, Tally]]:
    random = generator(task.work, task.number)
    found = dict.fromkeys(task.rules or (ENGINE,), Tally())
    for name, judged in _judged(task, random):
        found[name] += tally(task.work, judged)
    return task.cell, task.number, found


def _judged(task: _Task, random: np.random.Generator) -> Iterable[tuple[str, Judged]]:
    """Every rule sees the same pull requests."""
    if task.stored is not None:
        return ((ENGINE, one) for one in _against_stored(task.stored, random))
    found = pull_requests(task.work, random, task.count)
    return ((name, RULES[name](pr)) for pr in found for name in task.rules)


def _against_stored(case: StoredCase, random: np.random.Generator) -> Iterator[Judged]:
    """One dataset and its stored baseline runs; then pull requests on that very dataset that change nothing."""
    chance = chances(case.work, random)
    plan = design(case.work, ask(chance, random, case.stored))
    for _ in range(case.pulls):
        yield replay(plan, pull_request(case.work, random, chance))


def _gather(works: Sequence[Work], cases: Sequence[StoredCase], done: Mapping[_Key, Mapping[str, Tally]]) -> Cells:
    tallies: dict[tuple[str, str], Tally] = {}
    counts: dict[int, list[Tally]] = {}
    for (cell, _), found in sorted(done.items()):
        for name, one in found.items():
            if cell < len(works):
                key = works[cell].name, name
                tallies[key] = tallies.get(key, Tally()) + one
            else:
                counts.setdefault(cell - len(works), []).append(one)
    stored = [_stored_result(case, counts[index]) for index, case in enumerate(cases)]
    return Cells(tallies=tallies, stored=stored)


def _stored_result(case: StoredCase, found: Sequence[Tally]) -> StoredResult:
    calls = sum(one.calls for one in found) / sum(one.runs for one in found)
    return StoredResult(case=case, blocked=[one.blocked for one in found], calls=calls)
