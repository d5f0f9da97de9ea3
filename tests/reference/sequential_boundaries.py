"""Writes sequential_boundaries.json: expected values for the exact looks and the nominal levels, from scipy.

Run from the repository root: python tests/reference/sequential_boundaries.py

Boundaries: every sequence of lost and gained of the discordant pairs is walked through, one by one, with no recursion
over distributions. Nominal levels: the probability that a normal walk crosses nowhere, by scipy's multivariate normal.
"""

import itertools
import json
from pathlib import Path

import numpy as np
from scipy import stats

CASES = [
    {"discordant": [4, 9, 14], "spend": [0.01, 0.03, 0.06], "passing": [-1, -1, -1], "cap": 1.0},
    {"discordant": [3, 8, 13, 16], "spend": [0.005, 0.02, 0.035, 0.05], "passing": [-1, 2, 5, 7], "cap": 1.0},
    {"discordant": [5, 5, 12, 15], "spend": [0.003, 0.01, 0.03, 0.05], "passing": [-1, 1, 4, 6], "cap": 0.05},
    {"discordant": [0, 6, 15], "spend": [0.001, 0.02, 0.025], "passing": [0, -1, 5], "cap": 0.025},
]
WALKS = [([0.25, 0.5, 0.75, 1.0], 0.025, 2.0), ([0.2, 0.5, 1.0], 0.05, 1.0), ([0.125, 0.25, 0.5], 0.045, 1.35)]


def walked(case):
    """Boundaries look by look: the least number lost that keeps the share of crossed sequences within the spend."""
    total = case["discordant"][-1]
    ways = np.array(list(itertools.product([0, 1], repeat=total)), dtype=np.int8)
    alive, crossed, boundaries, used = np.ones(len(ways), dtype=bool), 0, [], []
    for seen, spend, passing in zip(case["discordant"], case["spend"], case["passing"], strict=True):
        lost = ways[:, :seen].sum(axis=1)
        for cross in range(seen // 2 + 1, seen + 2):
            plain = stats.binom.sf(cross - 1, seen, 0.5)
            gone = crossed + int((alive & (lost >= cross)).sum())
            if gone <= spend * len(ways) and plain <= case["cap"]:
                break
        crossed = gone
        alive &= (lost < cross) & (lost > passing)
        boundaries.append(cross)
        used.append(crossed / len(ways))
    return {**case, "cross": boundaries, "used": used}


def levels(times, alpha, power):
    """Each boundary by bisection on P(below all boundaries so far), a multivariate normal probability."""
    edges, spend = [], [alpha * t**power for t in times]
    for k, target in enumerate(spend):
        cover = np.minimum.outer(times[: k + 1], times[: k + 1])
        low, high = 0.0, 6.0
        for _ in range(40):
            middle = (low + high) / 2
            upper = np.array([*edges, middle * times[k] ** 0.5])
            inside = stats.multivariate_normal.cdf(upper, cov=cover, abseps=1e-7, releps=1e-7, rng=1)
            low, high = (middle, high) if 1 - inside > target else (low, middle)
        edges.append(high * times[k] ** 0.5)
    return [float(stats.norm.sf(edge / t**0.5)) for edge, t in zip(edges, times, strict=True)]


def main():
    found = {
        "boundaries": [walked(case) for case in CASES],
        "levels": [{"times": t, "alpha": a, "power": p, "levels": levels(t, a, p)} for t, a, p in WALKS],
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
