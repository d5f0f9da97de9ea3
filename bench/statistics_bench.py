"""How often each rule blocks a pull request that changed nothing, and how often it catches one that did. Simulated.

    PYTHONPATH=. python bench/statistics_bench.py [--quick] [--out DIR]

Writes bench/results/statistics.json and statistics.md; the same command gives the same tables. In two processes;
under ten minutes on two cores, `--quick` (too few runs for the bars) under one.
Not called statistics.py: that is a module of the standard library. See docs/benchmarks.md.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from statistics_measure import ENGINE, FIXED, HOLM, OTHERS, RULES, TABLE, Share, StoredCase, measure, stored_cases
from statistics_results import BARS, Results, write
from statistics_work import Work
from tables import commit, machine

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Pull requests a work (half as many where no bar is); stored baselines, and pull requests for each of them."""

    runs: int
    baselines: int
    pulls: int


WHOLE, QUICK = Size(runs=2_000, baselines=40, pulls=200), Size(runs=120, baselines=10, pulls=20)


def plan(size: Size) -> tuple[dict[Work, Share], list[StoredCase]]:
    """Every rule on the works of the table; on others the two that are shipped, and McNemar where clusters fool it."""
    judged = {bar.work for bar in BARS}
    works = {}
    for work in (*TABLE, *OTHERS):
        rules = tuple(RULES) if work in TABLE else (HOLM, FIXED, ENGINE) if work.cluster > 1 else (FIXED, ENGINE)
        works[work] = Share(rules=rules, runs=size.runs if work.name in judged else size.runs // 2)
    return works, stored_cases(size.baselines, size.pulls)


def main() -> int:
    arguments = _arguments()
    size = QUICK if arguments.quick else WHOLE
    begun, clock, facts = datetime.now(UTC), time.monotonic(), {**machine(), "Driftgate": commit(ROOT)}
    works, stored = plan(size)
    cells = measure(works, stored, say)
    minutes = round((time.monotonic() - clock) / 60, 1)
    facts = {"begun": f"{begun:%Y-%m-%d %H:%M} UTC", **facts}
    results = Results(cells=cells, facts={**facts, "minutes": minutes})
    write(results, arguments.out)
    for one in results.judged():
        say(f"{'met    ' if one.met else 'NOT MET'} {one.what}, {one.work}: {one.measured} (bar {one.limit:g})")
    return 0 if all(one.met for one in results.judged()) else 1


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="False blocks and catches of the decision rules, simulated.")
    parser.add_argument("--quick", action="store_true", help="few runs: the tables' shape, not the bars' figures")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where statistics.json and .md go")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
