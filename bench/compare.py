"""How fast `driftgate compare` is, and how much memory it takes, as a whole process. See docs/benchmarks.md.

    python bench/compare.py [--only CASE ...] [--out DIR]

Writes bench/results/compare.json and compare.md. Each case runs three times; the slowest run and the largest
peak count. The result files are made by a seeded generator, so every machine compares the same ones.
"""

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from processes import Place, Ran, run
from tables import commit, machine, table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
FAMILIES, TIMES, LIMIT_S = 5, 3, 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Work for `compare`: samples an arm over five families, and what each line holds.

    `cluster`: samples in one cluster (1: none). `slices`: values of the one slice that the policy declares.
    """

    name: str
    samples: int
    wall_s: float
    """The bar on the slowest run."""
    peak_mb: float = 500.0
    graded: bool = False
    repeats: int = 1
    cluster: int = 1
    slices: int = 8


CASES = (
    Case(name="small", samples=500, wall_s=1.0),
    Case(name="binary", samples=100_000, wall_s=10.0),
    Case(name="graded", samples=100_000, wall_s=10.0, graded=True),
    Case(name="clusters", samples=100_000, wall_s=10.0, cluster=5),
    Case(name="repeats", samples=20_000, wall_s=10.0, repeats=5),
    Case(name="slices", samples=100_000, wall_s=10.0, slices=200),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All runs of one case."""

    case: Case
    runs: Sequence[Ran]

    @property
    def wall_s(self) -> float:
        return max(one.wall_s for one in self.runs)

    @property
    def peak_mb(self) -> float:
        return max(one.peak_mb for one in self.runs)

    @property
    def decided(self) -> bool:
        """Every run ended with a decision: pass, blocked or inconclusive."""
        return all(one.exit_code in (0, 1, 3) for one in self.runs)

    @property
    def met(self) -> bool:
        return self.decided and self.wall_s <= self.case.wall_s and self.peak_mb <= self.case.peak_mb

    def record(self) -> dict[str, Any]:
        measured = {"wall_s": self.wall_s, "peak_mb": self.peak_mb, "met": self.met}
        return {"case": asdict(self.case), "measured": measured, "runs": [asdict(one) for one in self.runs]}


def write_arm(path: Path, case: Case, *, seed: int) -> None:
    """One arm's result file, line by line."""
    random_ = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for number in range(case.samples):
            for repeat in range(case.repeats):
                file.write(json.dumps(_line(case, number, repeat, random_)) + "\n")


def _line(case: Case, number: int, repeat: int, random_: random.Random) -> dict[str, Any]:
    family, sample = number % FAMILIES, number // FAMILIES
    return {
        "family": f"family-{family}",
        "sample_id": f"sample-{sample:06d}",
        "repeat": repeat,
        "score": round(random_.random(), 3) if case.graded else int(random_.random() < 0.8),
        "slices": {"language": f"language-{sample % case.slices}"},
        "cluster": f"cluster-{sample // case.cluster}" if case.cluster > 1 else None,
        "error": None,
    }


def write_policy(path: Path) -> None:
    rule = {"severity": "blocking", "margin": 0.05, "slices": {"language": {"severity": "blocking", "margin": 0.15}}}
    families = {f"family-{number}": rule for number in range(FAMILIES)}
    path.write_text(json.dumps({"version": 1, "families": families}), encoding="utf-8")


def measure(case: Case, folder: Path) -> Result:
    """Every run of a case. The bytecode is there already, as in the image: one run goes before and does not count."""
    write_policy(folder / "policy.yml")
    for arm, seed in (("baseline", 1), ("candidate", 2)):
        write_arm(folder / f"{arm}.jsonl", case, seed=seed)
    runs = [_once(folder) for _ in range(TIMES + 1)]
    return Result(case=case, runs=runs[1:])


def _once(folder: Path) -> Ran:
    command = [sys.executable, "-m", "gate", "compare", "--policy", str(folder / "policy.yml")]
    command += ["--baseline", str(folder / "baseline.jsonl"), "--candidate", str(folder / "candidate.jsonl")]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    place = Place(cwd=ROOT, environ=environ, log=folder / "log")
    return run([*command, "--out", str(folder / "out")], place, limit_s=LIMIT_S)


def markdown(results: Sequence[Result], facts: dict[str, Any], begun: str, version: str) -> str:
    said = ", ".join(f"{name} {value}" for name, value in facts.items())
    head = ["case", "work", "wall s", "bar", "peak MiB", "bar", "met?"]
    return (
        "# The compare bench\n\nWritten by `make bench-compare`; what the words mean is in docs/benchmarks.md.\n\n"
        f"{begun}; {said}; Driftgate {version}.\n\n" + table(head, [_row(one) for one in results])
    )


def _row(one: Result) -> list[str]:
    case = one.case
    work = f"{case.samples:,} samples × 2 arms, {'graded' if case.graded else '0/1'}"
    work += f", {case.repeats} repeats" if case.repeats > 1 else ""
    work += f", clusters of {case.cluster}" if case.cluster > 1 else ""
    work += f", {case.slices} blocking slices a family"
    figures = [f"{one.wall_s:.2f}", f"≤ {case.wall_s:g}", f"{one.peak_mb:.0f}", f"≤ {case.peak_mb:g}"]
    return [case.name, work, *figures, "yes" if one.met else "**no**"]


def main() -> int:
    arguments = _arguments()
    begun, facts, results = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", machine(), []
    version = commit(ROOT)
    for case in CASES:
        if not arguments.only or case.name in arguments.only:
            with tempfile.TemporaryDirectory(prefix="driftgate-bench-") as folder:
                results.append(measure(case, Path(folder)))
            print(" · ".join(_row(results[-1])), flush=True)
    record = {"begun": begun, "machine": facts, "driftgate": version, "cases": [one.record() for one in results]}
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "compare.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (arguments.out / "compare.md").write_text(markdown(results, facts, begun, version), encoding="utf-8")
    return 0 if all(one.met for one in results) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How fast driftgate compare is, and how much memory it takes.")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES], metavar="CASE", help="some cases")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where compare.json and .md go")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
