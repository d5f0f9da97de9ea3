"""How fast, and at what cost, `driftgate run` asks an endpoint of a fixed delay. Read docs/benchmarks.md for the words.

    PYTHONPATH=. python bench/endpoints.py [--peers] [--only CASE ...] [--out DIR]

Run by an interpreter that has what requirements.lock names and nothing else: the product is started with the same one,
as a whole process (start-up, store, scoring and report included), several times; the run of median wall time counts.
It is over in 12 minutes (20 with --peers), whatever happens; what was not measured by then is said to be missing.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from endpoints_peers import PEERS, Stage, measure as measure_peer
from endpoints_results import Measured, PeerResult, Results, versions, write
from fixed_answer import FixedAnswer, Seen
from processes import Place, Ran, run
from tables import machine
from workload import WORKLOADS, Files, Workload, write as write_workload

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
MINUTES, MINUTES_WITH_PEERS = 12, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Work to be run `times` times. `cached`: run once before, with the same store, so that no call is left to make.
    `shards`: asked by so many processes at the same time, each of its part, and decided by `verdict`."""

    name: str
    work: Workload
    times: int = 3
    limit_s: float = 90.0
    cached: bool = False
    shards: int = 1


CASES = (
    Case(name="small", work=WORKLOADS["small"]),
    Case(name="middle", work=WORKLOADS["middle"]),
    Case(name="wide", work=WORKLOADS["wide"]),
    Case(name="shards", work=WORKLOADS["wide"], shards=2),
    Case(name="cached", work=WORKLOADS["cached"], cached=True),
    Case(name="large", work=WORKLOADS["large"], times=1, limit_s=300),
)
WARM_UP = Case(name="warm-up", work=Workload(calls=128, delay_ms=20, concurrency=64), times=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The server, a folder for what the runs write, and when all must be over (time.monotonic)."""

    server: FixedAnswer
    folder: Path
    deadline: float

    def left_s(self) -> float:
        return self.deadline - time.monotonic()

    def case(self, case: Case) -> list[Measured]:
        """All runs of a case that there is time for."""
        folder = self.folder / case.name
        part = replace(case.work, concurrency=case.work.concurrency // case.shards)
        files = write_workload(folder, part, base_url=self.server.base_url(case.work.delay_ms))
        store = folder / "answers.sqlite" if case.cached else None
        if case.cached:
            say(f"{self._once(case, files, folder / 'first', store).line()} (fills the store)")
        found = []
        for number in range(case.times):
            if self.left_s() > 1:
                found.append(self._once(case, files, folder / str(number), store))
                say(found[-1].line())
        shutil.rmtree(folder)
        return found

    def _once(self, case: Case, files: Files, out: Path, store: Path | None) -> Measured:
        """One process, with a fresh store unless one is given."""
        out.mkdir()
        command = _command("run", files, "--out", out, "--store", store or out / "answers.sqlite")
        if case.shards > 1:
            command = ["sh", "-ec", _sharded(case.shards, files, out)]
        environ = {"PATH": os.environ["PATH"], "HOME": str(out), "LANG": "C.UTF-8"}
        place, mark = Place(cwd=ROOT, environ=environ, log=out / "log"), self.server.mark()
        calls = 0 if store and store.exists() else case.work.calls
        ran = run(command, place, limit_s=max(1.0, min(case.limit_s, self.left_s())))
        seen = self.server.seen(mark)
        return Measured(case=case.name, work=case.work, ran=ran, seen=seen, problem=_problem(ran, seen, calls, out))


def _command(verb: str, files: Files, *more: object) -> list[str]:
    given = ("--policy", files.policy, "--baseline", files.baseline, "--candidate", files.candidate, *more)
    return [sys.executable, "-m", "gate", verb, *map(str, given)]


def _sharded(shards: int, files: Files, out: Path) -> str:
    """For a shell: all shards at once, then the verdict on what they kept."""
    stores = [out / f"shard{number}.sqlite" for number in range(1, shards + 1)]
    asked = [
        shlex.join(_command("run", files, "--shard", f"{number}/{shards}", "--store", store))
        for number, store in enumerate(stores, start=1)
    ]
    started = " ".join(f"{one} & p{number}=$!;" for number, one in enumerate(asked))
    awaited = " ".join(f"wait $p{number};" for number in range(shards))
    return f"{started} {awaited} exec {shlex.join(_command('verdict', files, '--out', out, '--stores', *stores))}"


def _problem(ran: Ran, seen: Seen, calls: int, out: Path) -> str | None:
    """Why a run does not count: it must pass, with all calls made (or none, when all is in the store) and answered."""
    if ran.exit_code != 0:
        print((out / "log").read_text(encoding="utf-8", errors="replace")[-2_000:], file=sys.stderr)
        return f"ended with {ran.exit_code}"
    if seen.calls != calls or seen.refused:
        return f"the server saw {seen.calls} calls, {seen.refused} not answered"
    failed = json.loads((out / "report.json").read_text(encoding="utf-8"))["calls"]["failed"]
    return f"reports {failed} failed calls" if failed else None


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def main() -> int:
    arguments = _arguments()
    for one in (signal.SIGINT, signal.SIGTERM):  # also where a shell's `&` has set SIGINT to be ignored
        signal.signal(one, signal.default_int_handler)
    minutes = MINUTES_WITH_PEERS if arguments.peers else MINUTES
    with tempfile.TemporaryDirectory(prefix="driftgate-bench-") as folder:
        delays = tuple({case.work.delay_ms for case in (*CASES, WARM_UP)})
        with FixedAnswer(Path(folder), delays) as server:
            bench = Bench(server=server, folder=Path(folder), deadline=time.monotonic() + 60 * minutes)
            results = measure(bench, arguments.only, peers=arguments.peers)
    write(results, arguments.out)
    for bar, figure, met in results.judged():
        say(f"{'met   ' if met else 'NOT MET'} {bar.what}, {bar.case}: {figure} (at most {bar.limit:g} {bar.unit})")
    return 0 if all(met for _, _, met in results.judged()) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How fast, and at what cost, driftgate run asks an endpoint.")
    parser.add_argument("--peers", action="store_true", help="other evaluation tools too, each installed for this")
    parser.add_argument(
        "--only", nargs="+", choices=[case.name for case in CASES], metavar="CASE", help="for development"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where endpoints.json and .md go")
    return parser.parse_args()


def measure(bench: Bench, only: list[str] | None, *, peers: bool) -> Results:
    begun, clock, facts = datetime.now(UTC), time.monotonic(), machine()
    bench.case(WARM_UP)
    runs = [one for case in CASES if not only or case.name in only for one in bench.case(case)]
    return Results(
        begun=f"{begun:%Y-%m-%d %H:%M} UTC",
        machine=facts,
        versions=versions(ROOT),
        runs=runs,
        peers=_peers(bench) if peers else None,
        minutes=round((time.monotonic() - clock) / 60, 1),
    )


def _peers(bench: Bench) -> list[PeerResult]:
    stage = Stage(
        server=bench.server, work=CASES[0].work, times=CASES[0].times, folder=bench.folder, left_s=bench.left_s
    )
    return [measure_peer(peer, stage, say) for peer in PEERS]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
