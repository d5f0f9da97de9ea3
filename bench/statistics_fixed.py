"""False blocks, catches and passes of the fixed-size decision, on the work that docs/design/decisions.md describes.

    python bench/statistics_fixed.py [RUNS]

A sample's chance of passing is Beta(0.8 s, 0.2 s), s = r / (1 − r), r = noise / 0.32, so that two runs of one endpoint
disagree with probability `noise`. "hard": a share 0.05 / 0.8 of one family's samples now always fails.
"""

import sys

import numpy as np

from gate.stats.decision import Unit, decide
from gate.stats.paired import PairedScores

FAMILIES, SAMPLES, MEAN, SLICE = 5, 400, 0.8, 30


def chances(random: np.random.Generator, noise: float) -> np.ndarray:
    r = noise / (2 * MEAN * (1 - MEAN))
    s = r / (1 - r)
    return random.beta(MEAN * s, (1 - MEAN) * s, SAMPLES) if noise else (random.random(SAMPLES) < MEAN).astype(float)


def unit(key: str, baseline: np.ndarray, candidate: np.ndarray, *, is_slice: bool) -> Unit:
    scores = PairedScores(baseline=baseline, candidate=candidate, clusters=None, binary=True)
    margin = 0.15 if is_slice else 0.05
    return Unit(key=key, scores=scores, margin=margin, severity="blocking", is_slice=is_slice)


def pull_request(random: np.random.Generator, *, noise: float, drop: float, slices: int) -> list[Unit]:
    """Families (the first one worse by `drop`), and `slices` slices of 30 samples, taken from them in turn."""
    units = []
    for family in range(FAMILIES):
        p = chances(random, noise)
        baseline = (random.random(SAMPLES) < p).astype(float)
        worse = p * (random.random(SAMPLES) >= (drop / MEAN if family == 0 else 0.0))
        candidate = (random.random(SAMPLES) < worse).astype(float)
        units.append(unit(f"f{family}", baseline, candidate, is_slice=False))
        for number in range(family, slices, FAMILIES):
            part = slice(SLICE * (number // FAMILIES), SLICE * (number // FAMILIES + 1))
            units.append(unit(f"f{family}s{number}", baseline[part], candidate[part], is_slice=True))
    return units


def measure(runs: int, **case: float) -> tuple[float, ...]:
    """Shares of runs: PR blocked, first family regressed; and of families that come out unchanged or improved."""
    random, blocked, caught, passed = np.random.default_rng(20261124), 0, 0, 0
    for _ in range(runs):
        found = decide(pull_request(random, **case), alpha=0.05, power=0.8, seed=1)
        blocked += any(one.outcome == "regressed" for one in found)
        families = [one for one in found if "s" not in one.key]
        caught += families[0].outcome == "regressed"
        passed += sum(one.outcome in {"unchanged", "improved"} for one in families)
    return tuple(round(100 * value, 1) for value in (blocked / runs, caught / runs, passed / runs / FAMILIES))


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    print(
        "| noise | drop | slices | PR blocked % | family 1 caught % | families that pass % |\n|---|---|---|---|---|---|"
    )
    for noise, drop, slices in (
        (0.0, 0.0, 0),
        (0.03, 0.0, 0),
        (0.08, 0.0, 0),
        (0.15, 0.0, 0),
        (0.08, 0.0, 8),
        (0.08, 0.05, 0),
        (0.08, 0.05, 8),
        (0.03, 0.05, 0),
    ):
        row = measure(runs, noise=noise, drop=drop, slices=slices)
        print(f"| {noise:.0%} | {drop:.0%} | {slices} | " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
