"""`compare` on real outcomes: every ordered pair of submissions of one system, one as baseline, the other as candidate.

    PYTHONPATH=. python bench/real_pairs.py --data DIR [--out DIR]

DIR holds `swebench_verified.json` (500 issues, one outcome each) and `terminal_bench_trials.json` (88 tasks, several
trials each). Prints what it found and writes bench/results/real_pairs.md. No endpoint is asked; nothing is simulated
but the splits of "one system against itself", which are drawn with a fixed seed.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
from tables import table

from gate.comparing import Measured, compare
from gate.domain import Comparison, Observation, Score, Verdict
from gate.pairing import pair_families
from gate.policy import Policy
from gate.stats.paired import mcnemar_exact
from gate.verdict import decide

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
SEED, SPLITS = 20261124, 10
FAMILY = "remediation"
POLICY = Policy.model_validate(
    {
        "version": 1,
        "families": {
            FAMILY: {
                "severity": "blocking",
                "margin": 0.05,
                "slices": {"repository": {"severity": "blocking", "margin": 0.15}},
            }
        },
    }
)
Trials = Sequence[tuple[int, int]]
"""(successes, trials) of each task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What `compare` says of one pair. `rows`: the family first, then its slices."""

    baseline: str
    candidate: str
    rows: Sequence[Comparison]

    @property
    def family(self) -> Comparison:
        return self.rows[0]

    @property
    def verdict(self) -> Verdict:
        return decide(self.rows).verdict

    @property
    def lost_slices(self) -> list[str]:
        return [one.slice.value for one in self.rows if one.slice is not None and one.outcome == "regressed"]


def judge(names: tuple[str, str], baseline: Sequence[Observation], candidate: Sequence[Observation]) -> Judged:
    paired = pair_families(baseline, candidate)
    rule = POLICY.families[FAMILY]
    measured = Measured(config=None, family=FAMILY, metric="score", rule=rule, paired=paired[FAMILY])
    return Judged(baseline=names[0], candidate=names[1], rows=compare([measured], POLICY))


def system(name: str) -> str:
    """Of a submission such as 20250225_sweagent_claude-3-7-sonnet or 20241029_epam-ai-run-claude-3-5-sonnet."""
    first = re.sub(r"^\d{8}_", "", name).split("_")[0].casefold()
    return re.sub(r"-(claude|gpt|gemini|qwen|kimi|deepseek).*", "", first)


def pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Ordered pairs of one system, in the order of the names."""
    return [(one, other) for one, other in permutations(names, 2) if system(one) == system(other)]


def outcomes(items: Sequence[str], bits: str, *, clustered: bool) -> list[Observation]:
    """One asking an issue; the repository is the slice and, if `clustered`, the cluster."""
    found = []
    for item, bit in zip(items, bits, strict=True):
        repository = item.partition("__")[0]
        found.append(
            Observation(
                family=FAMILY,
                sample_id=item,
                repeat=0,
                result=Score(value=float(bit)),
                slices={"repository": repository},
                cluster=repository if clustered else None,
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Twice:
    """One pair judged with independent issues, and with the repository as cluster."""

    single: Judged
    clustered: Judged

    @property
    def exact_p(self) -> float:
        return mcnemar_exact(self.single.family.lost, self.single.family.gained)


def swebench(path: Path) -> list[Twice]:
    data = json.loads(path.read_text(encoding="utf-8"))
    found = []
    for names in pairs(list(data["subjects"])):
        both = []
        for clustered in (False, True):
            arms = [outcomes(data["items"], data["subjects"][name], clustered=clustered) for name in names]
            both.append(judge(names, *arms))
        found.append(Twice(single=both[0], clustered=both[1]))
    return sorted(found, key=lambda one: one.single.family.delta or 0.0)


def repeated(items: Sequence[str], trials: Trials) -> list[Observation]:
    """Every trial as one asking."""
    return [
        Observation(family=FAMILY, sample_id=item, repeat=number, result=Score(value=float(number < successes)))
        for item, (successes, asked) in zip(items, trials, strict=True)
        for number in range(asked)
    ]


def voted(items: Sequence[str], trials: Trials) -> list[Observation]:
    """One asking an item: did more than half of the trials succeed?"""
    return repeated(items, [(int(2 * successes > asked), 1) for successes, asked in trials])


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """One pair judged by the mean over its trials, and by majority vote. `trials`: by baseline and candidate."""

    mean: Judged
    vote: Judged
    trials: tuple[int, int]


def terminal_bench(path: Path) -> list[Votes]:
    data = json.loads(path.read_text(encoding="utf-8"))
    items, subjects = data["items"], data["subjects"]
    return [_votes(items, names, (subjects[names[0]], subjects[names[1]])) for names in pairs(list(subjects))]


def _votes(items: Sequence[str], names: tuple[str, str], arms: tuple[Trials, Trials]) -> Votes:
    return Votes(
        mean=judge(names, *(repeated(items, arm) for arm in arms)),
        vote=judge(names, *(voted(items, arm) for arm in arms)),
        trials=(sum(asked for _, asked in arms[0]), sum(asked for _, asked in arms[1])),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A system against itself: disjoint trials of each task, so many of them as baseline and as candidate."""

    trials: tuple[int, int]
    comparisons: int
    outcomes: Mapping[str, int]


def against_itself(path: Path) -> list[Split]:
    """Splits of the systems' own trials; tasks with too few of them are left out."""
    data = json.loads(path.read_text(encoding="utf-8"))
    random = np.random.default_rng(SEED)
    found = []
    for sizes in ((2, 2), (1, 4), (4, 1), (2, 3), (3, 2)):
        seen = Counter(
            judge((name, name), *arms).family.outcome
            for name, trials in data["subjects"].items()
            for arms in _splits(data["items"], trials, sizes, random)
        )
        found.append(Split(trials=sizes, comparisons=seen.total(), outcomes=seen))
    return found


def _splits(
    items: Sequence[str], trials: Trials, sizes: tuple[int, int], random: np.random.Generator
) -> Iterator[tuple[list[Observation], list[Observation]]]:
    kept = [(item, one) for item, one in zip(items, trials, strict=True) if one[1] >= sum(sizes)]
    names, successes, asked = [item for item, _ in kept], *np.array([one for _, one in kept]).reshape(-1, 2).T
    for _ in range(SPLITS if kept else 0):
        first = random.hypergeometric(successes, asked - successes, sizes[0])
        second = random.hypergeometric(successes - first, asked - successes - (sizes[0] - first), sizes[1])
        arms = [[(int(one), size) for one in part] for part, size in ((first, sizes[0]), (second, sizes[1]))]
        yield repeated(names, arms[0]), repeated(names, arms[1])


def markdown(singles: Sequence[Twice], votes: Sequence[Votes], splits: Sequence[Split]) -> str:
    return "\n".join(
        [
            "# Real pairs\n\nWritten by `bench/real_pairs.py --data DIR`; see docs/benchmarks.md. Alpha 0.05, margin 5 "
            "points, slices 15. p is one-sided, of exact McNemar, for “the candidate is not worse”.\n",
            "## SWE-bench Verified: ordered pairs of one system\n\n500 issues; the repository is a blocking slice, and "
            "in the last columns the cluster too.\n",
            table(_SINGLE_HEAD, [_single(one) for one in singles]),
            "## Terminal-Bench: mean over trials against majority vote\n\n"
            f"{len(votes)} ordered pairs of one agent, 88 tasks, mostly 5 trials each.\n",
            table(["by the mean ↓, by the vote →", *_OUTCOMES], _crossed(votes)),
            _lost_evidence(votes),
            "## Terminal-Bench: a system against itself\n\nDisjoint trials of each task: nothing changed. "
            "`regressed` is bounded by alpha.\n",
            table(["trials", "comparisons", *_OUTCOMES], [_split(one) for one in splits]),
        ]
    )


_OUTCOMES = ("regressed", "inconclusive", "unchanged", "improved")
_SINGLE_HEAD = [
    "baseline",
    "candidate",
    "delta",
    "lost",
    "gained",
    "p",
    "family",
    "verdict",
    "regressed slices",
    "clustered: family",
    "clustered: verdict",
]


def _single(one: Twice) -> list[str]:
    family = one.single.family
    return [
        one.single.baseline,
        one.single.candidate,
        f"{100 * (family.delta or 0.0):+.1f}",
        str(family.lost),
        str(family.gained),
        f"{one.exact_p:.2g}",
        family.outcome,
        one.single.verdict,
        ", ".join(one.single.lost_slices),
        one.clustered.family.outcome,
        one.clustered.verdict,
    ]


def _crossed(votes: Sequence[Votes]) -> list[list[str]]:
    counts = Counter((one.mean.family.outcome, one.vote.family.outcome) for one in votes)
    return [[mine, *(str(counts[mine, other]) for other in _OUTCOMES)] for mine in _OUTCOMES]


def _lost_evidence(votes: Sequence[Votes]) -> str:
    both = [(one.mean.family.outcome, one.vote.family.outcome) for one in votes]
    alone = [sum(pair[arm] == "regressed" != pair[1 - arm] for pair in both) for arm in (0, 1)]
    unequal = sum(one.trials[0] != one.trials[1] for one in votes)
    opposed = sum({"regressed", "improved"} == set(pair) for pair in both)
    return (
        f"A loss is shown by the mean alone in {alone[0]} pairs, by the vote alone in {alone[1]}; in {opposed} they "
        f"say the opposite. The arms had unequal numbers of trials in {unequal} pairs.\n"
    )


def _split(one: Split) -> list[str]:
    shares = [f"{100 * one.outcomes.get(outcome, 0) / max(one.comparisons, 1):.1f} %" for outcome in _OUTCOMES]
    return [f"{one.trials[0]} and {one.trials[1]}", str(one.comparisons), *shares]


def main() -> int:
    arguments = _arguments()
    single, trials = (arguments.data / name for name in ("swebench_verified.json", "terminal_bench_trials.json"))
    if absent := [str(one) for one in (single, trials) if not one.is_file()]:
        sys.stderr.write(f"not there: {', '.join(absent)}\n")
        return 2
    text = markdown(swebench(single), terminal_bench(trials), against_itself(trials))
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "real_pairs.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="compare on real outcomes of systems that nobody here made.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where the outcome files are")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where real_pairs.md goes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
