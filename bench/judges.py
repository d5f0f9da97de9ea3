"""What a judge's errors do to blocks and passes, and what allowing for them does: simulated, seeded, no endpoint.

    PYTHONPATH=. python bench/judges.py            # writes bench/results/judges.md

Each run draws labels and a family of 300 samples whose true scores are known, lets a judge err on both, and decides
twice: with the judge's scores taken as they are, and under its licence as `run` does it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tables import table

from gate.comparing import Described, comparison_of
from gate.domain import Comparison, PerArm
from gate.judge_rule import JudgeRule
from gate.judges import Judge
from gate.licences import Licence, Licences
from gate.policy import FamilyRule
from gate.stats.agreement import Agreement, Labelled, agreement
from gate.stats.engine import FamilySpec, Scores, decide, plan_looks, wanted

N, LABELS, MARGIN, BASE, CHURN = 300, 200, 0.1, 0.8, 0.04
RULE = FamilyRule(kind="custom", severity="blocking", margin=MARGIN)
KEPT = Path(__file__).parent / "results/judges.md"
_COLUMNS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`loss`: of true scores. The judge passes good and bad answers so often, on the candidate's by its own shares."""

    name: str
    loss: float
    passes: tuple[float, float] = (0.95, 0.10)
    candidate: tuple[float, float] | None = None


WORLDS = (
    World(name="nothing changed", loss=0.0),
    World(name="nothing changed, 4 points harder on the candidate", loss=0.0, candidate=(0.91, 0.06)),
    World(name="nothing changed, 8 points harder on the candidate", loss=0.0, candidate=(0.87, 0.02)),
    World(name="a loss of the margin, 10 points", loss=0.10),
    World(name="a loss of 10 points, judge right in 85 of 100", loss=0.10, passes=(0.85, 0.15)),
    World(name="a loss of 15 points", loss=0.15),
    World(name="a loss of 20 points", loss=0.20),
)


def scores(world: World, random: np.random.Generator) -> Scores:
    """Judged scores. A few samples change either way though nothing has changed, as models' answers do."""
    good = random.random(N) < BASE
    flips = random.random(N) < CHURN
    other = np.where(flips, random.random(N) < BASE, good) & ~(random.random(N) < world.loss / BASE)
    arms = []
    for truth, (right, wrong) in ((good, world.passes), (other, world.candidate or world.passes)):
        judged = (random.random((N, _COLUMNS)) < np.where(truth, right, wrong)[:, None]) * 1.0
        arms.append(np.repeat(judged[:, :1], _COLUMNS, axis=1))  # a kept verdict is the same when asked again
    none = np.zeros(N, dtype=np.int64)
    return Scores(baseline=arms[0], candidate=arms[1], asked_baseline=none, asked_candidate=none)


def labels(world: World, random: np.random.Generator) -> Agreement:
    half = LABELS // 2
    good, bad = (random.random(half) < share for share in world.passes)
    told = [Labelled(good=True, judged=float(one)) for one in good]
    return agreement([*told, *(Labelled(good=False, judged=float(one)) for one in bad)])


def decided(world_scores: Scores, *, margin: float, patient: bool) -> Comparison:
    spec = FamilySpec(key="f", n=N, margin=margin, severity="blocking", patient=patient)
    design = plan_looks([spec], alpha=0.05, power=0.8, seed=1)
    known = Scores(
        baseline=world_scores.baseline[:, :0],
        candidate=world_scores.candidate[:, :0],
        asked_baseline=world_scores.asked_baseline,
        asked_candidate=world_scores.asked_candidate,
    )
    while asks := wanted(design, {"f": known}):
        one = asks["f"]
        known = Scores(
            baseline=_shown(world_scores.baseline, one.baseline),
            candidate=_shown(world_scores.candidate, one.candidate),
            asked_baseline=one.baseline,
            asked_candidate=one.candidate,
        )
    (result,) = decide(design, {"f": known})
    what = Described(config="c", family="f", metric="m", severity="blocking", margin=margin, ignore_below=0.0)
    return comparison_of(what, result, PerArm(baseline=0, candidate=0))


def _shown(answers: np.ndarray, asked: np.ndarray) -> np.ndarray:
    width = max(1, int(asked.max(initial=0)))
    answers = np.repeat(answers[:, :1], width, axis=1)
    return np.where(np.arange(width) < asked[:, None], answers, np.nan)


def licensed(world_scores: Scores, found: Agreement) -> Comparison:
    rule = JudgeRule(endpoint="e", model="m", rubric="r")
    judge = Judge(scorer=_Scorer(rule), rubric_digest="", calibration_digest=None)
    one = Licence(family="f", rule=RULE, judge=judge, state="granted", agreement=found)
    raw = decided(world_scores, margin=MARGIN * (one.youden or 1.0), patient=True)
    (weighed,) = Licences(of={"f": one}).weighed([raw])
    return weighed


@dataclass(frozen=True, slots=True)
class _Scorer:
    rule: JudgeRule


def measure(world: World, runs: int) -> tuple[Counter[str], Counter[str]]:
    """Outcomes of the judge's scores taken as they are, and under its licence."""
    plain, allowed = Counter[str](), Counter[str]()
    for number in range(runs):
        random = np.random.default_rng((11, number))
        found, given = labels(world, random), scores(world, random)
        plain[decided(given, margin=MARGIN, patient=False).outcome] += 1
        allowed[licensed(given, found).outcome] += 1
    return plain, allowed


def _shares(found: Counter[str], runs: int) -> tuple[str, ...]:
    passed = found["unchanged"] + found["improved"]
    return tuple(f"{100 * number / runs:.1f}" for number in (found["regressed"], passed))


def report(runs: int) -> str:
    rows = []
    for world in WORLDS:
        plain, allowed = measure(world, runs)
        rows.append((world.name, *_shares(plain, runs), *_shares(allowed, runs)))
    headers = ("truth", "blocked %", "passed %", "blocked %, allowed for", "passed %, allowed for")
    good, bad = WORLDS[0].passes
    return (
        "# A judge's errors, simulated\n\n"
        f"{N} samples, {100 * BASE:.0f} of 100 good, margin {100 * MARGIN:.0f} points, alpha 0.05, {LABELS} labels, "
        f"a judge that passes {100 * good:.0f} of 100 good and {100 * bad:.0f} of 100 bad answers, {runs:,} runs a row "
        f"(standard error at most {50 / runs**0.5:.1f}). The rest is inconclusive. "
        "`make bench-judges` writes this file.\n\n"
        f"{table(headers, rows)}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    text = report(parser.parse_args().runs)
    KEPT.write_text(text, encoding="utf-8")
    print(text)
