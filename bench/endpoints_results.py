"""What the endpoint bench measured → bench/results/endpoints.json (everything) and endpoints.md (bars and tables)."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from fixed_answer import Seen
from processes import Ran
from tables import commit, table
from workload import WORKLOADS, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One process. `problem`: why its figures do not count."""

    case: str
    work: Workload
    ran: Ran
    seen: Seen
    problem: str | None = None

    @property
    def ratio(self) -> float:
        """Wall time of the whole process over calls · delay / concurrency."""
        return self.ran.wall_s / self.work.ideal_s

    @property
    def asking_ratio(self) -> float | None:
        """The same from the first request that the server saw to its last answer."""
        if self.seen.first is None or self.seen.last is None:
            return None
        return (self.seen.last - self.seen.first) / self.work.ideal_s

    @property
    def start_s(self) -> float | None:
        """From starting the process to the first request that the server saw."""
        return None if self.seen.first is None else self.seen.first - self.ran.begun

    @property
    def cpu_ms(self) -> float:
        """Of the process, user and system, for one call."""
        return self.ran.cpu_s / self.work.calls * 1000

    def line(self) -> str:
        short = (
            f"{self.case}: {self.ran.wall_s:.2f} s, {self.ratio:.3f} of the ideal, "
            f"asking {_number(self.asking_ratio, 3)}, first call after {_number(self.start_s, 2)} s, "
            f"{self.cpu_ms:.2f} ms CPU a call, {self.ran.peak_mb:.0f} MiB"
        )
        return f"{short}; PROBLEM: {self.problem}" if self.problem else short

    def record(self) -> dict[str, Any]:
        return {
            "case": self.case,
            **asdict(self.work),
            "ideal_s": self.work.ideal_s,
            **asdict(self.ran),
            "ratio": self.ratio,
            "asking_ratio": self.asking_ratio,
            "start_s": self.start_s,
            "cpu_ms_a_call": self.cpu_ms,
            "server": asdict(self.seen),
            "problem": self.problem,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A promise: the figure of a case's median run is at most `limit`."""

    what: str
    case: str
    limit: float
    unit: str
    figure: Callable[[Measured], float | None]


def _ratio(one: Measured) -> float:
    return one.ratio


def _cpu(one: Measured) -> float:
    return one.cpu_ms


BARS = (
    Bar(what="whole process over the ideal", case="small", limit=1.10, unit="", figure=_ratio),
    Bar(what="whole process over the ideal", case="middle", limit=1.05, unit="", figure=_ratio),
    Bar(what="whole process over the ideal", case="wide", limit=1.15, unit="", figure=_ratio),
    Bar(what="CPU for one call", case="middle", limit=1.5, unit="ms", figure=_cpu),
    Bar(what="CPU for one call", case="wide", limit=1.5, unit="ms", figure=_cpu),
    Bar(what="peak memory", case="large", limit=250, unit="MiB", figure=lambda one: one.ran.peak_mb),
    Bar(what="from the start to the first call", case="small", limit=1.0, unit="s", figure=lambda one: one.start_s),
    Bar(what="rerun, every answer in the store", case="cached", limit=3.0, unit="s", figure=lambda one: one.ran.wall_s),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerResult:
    """A peer on the work of `small`. `problem`: why there are no runs (it could not be installed, …)."""

    name: str
    versions: Mapping[str, str]
    runs: Sequence[Measured] = ()
    problem: str | None = None

    def record(self) -> dict[str, Any]:
        runs = [one.record() for one in self.runs]
        return {"name": self.name, "versions": dict(self.versions), "problem": self.problem, "runs": runs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """`peers` is None where they were not asked for."""

    begun: str
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    runs: Sequence[Measured]
    peers: Sequence[PeerResult] | None
    minutes: float

    def of_case(self, case: str) -> list[Measured]:
        return [one for one in self.runs if one.case == case]

    def judged(self) -> list[tuple[Bar, float | None, bool]]:
        """Each bar, its figure, and whether it is met. No figure, or a run with a problem: not met."""
        judged = []
        for bar in BARS:
            counted = median_run(self.of_case(bar.case))
            figure = None if counted is None else bar.figure(counted)
            judged.append((bar, figure, figure is not None and figure <= bar.limit))
        return judged


def median_run(runs: Sequence[Measured]) -> Measured | None:
    """The run with the median wall time; None when there is none, or when one of them has a problem."""
    if not runs or any(one.problem for one in runs):
        return None
    return sorted(runs, key=lambda one: one.ran.wall_s)[(len(runs) - 1) // 2]


def write(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "endpoints.json").write_text(json.dumps(_record(results), indent=1) + "\n", encoding="utf-8")
    (folder / "endpoints.md").write_text(markdown(results), encoding="utf-8")


def _record(results: Results) -> dict[str, Any]:
    bars = [
        {"what": bar.what, "case": bar.case, "limit": bar.limit, "unit": bar.unit, "measured": figure, "met": met}
        for bar, figure, met in results.judged()
    ]
    peers = None if results.peers is None else [one.record() for one in results.peers]
    return {
        "begun": results.begun,
        "minutes": results.minutes,
        "machine": dict(results.machine),
        "versions": dict(results.versions),
        "bars": bars,
        "runs": [one.record() for one in results.runs],
        "peers": peers,
    }


def markdown(results: Results) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    parts = [
        "# The endpoint bench\n\nWritten by `make bench-endpoints`; what the words mean is in docs/benchmarks.md.\n",
        f"{results.begun}; {facts}; Driftgate {results.versions['driftgate']}, nginx {results.versions['nginx']}.\n",
        "## Bars\n",
        _bars(results),
        "## Runs\n\nEvery run; a case's median run by wall time counts.\n",
        table(_RUN_HEAD, [_run_row(one, one.case) for one in results.runs]),
        "## Peers\n\nThe work of `small`, each peer in an environment of its own. Median run by wall time.\n",
        _peers(results),
    ]
    return "\n".join(parts)


def _bars(results: Results) -> str:
    rows = []
    for bar, figure, met in results.judged():
        measured = "none" if figure is None else f"{figure:,.{0 if figure >= 100 else 3}f} {bar.unit}"
        limit, answer = f"≤ {bar.limit:g} {bar.unit}", "yes" if met else "**no**"
        rows.append([bar.what, WORKLOADS[bar.case].name, limit, measured, answer])
    return table(["what", "work", "bar", "measured", "met?"], rows)


_RUN_HEAD = [
    "",
    "calls",
    "delay",
    "at once",
    "wall s",
    "over ideal",
    "asking",
    "first call s",
    "CPU ms/call",
    "peak MiB",
    "",
]


def _run_row(one: Measured, name: str) -> list[str]:
    work = one.work
    return [
        name,
        f"{work.calls:,}",
        f"{work.delay_ms} ms",
        str(work.concurrency),
        f"{one.ran.wall_s:.2f}",
        f"{one.ratio:.3f}",
        _number(one.asking_ratio, 3),
        _number(one.start_s, 2),
        f"{one.cpu_ms:.2f}",
        f"{one.ran.peak_mb:.0f}",
        one.problem or "",
    ]


def _peers(results: Results) -> str:
    if results.peers is None:
        return "Not run (`make bench-endpoints BENCH=--peers` does).\n"
    own = median_run(results.of_case("small"))
    rows = [_run_row(own, f"driftgate {results.versions['driftgate']}")] if own else []
    for peer in results.peers:
        name = f"{peer.name} {peer.versions.get(peer.name, '')}".strip()
        counted = median_run(peer.runs)
        problem = peer.problem or next((one.problem for one in peer.runs if one.problem), "was not run")
        rows.append(_run_row(counted, name) if counted else [name, *[""] * (len(_RUN_HEAD) - 2), problem])
    return table(_RUN_HEAD, rows)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def versions(root: Path) -> dict[str, str]:
    """Driftgate by commit, nginx, and all that the interpreter in use has installed."""
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr
    return {
        "driftgate": commit(root),
        "nginx": nginx.strip().rpartition("/")[2],
        **{one.name: one.version for one in sorted(distributions(), key=lambda one: one.name.casefold())},
    }
