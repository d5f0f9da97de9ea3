"""The numbers behind the pictures: seeded, simulated (no model is asked), decided by the engine that `run` uses.

Samples are those of the statistics bench: a sample's chance of a pass is drawn from a Beta distribution with mean 0.8,
so that two askings of one model disagree on it with chance `NOISE`. A *hard* drop makes samples always fail.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gate.stats.decision import Unit, decide
from gate.stats.design import Design, FamilySpec, Scores, plan_looks
from gate.stats.engine import decide as decide_run
from gate.stats.paired import PairedScores, mcnemar_exact
from gate.stats.results import UnitResult
from gate.stats.sight import Sight, visible_drop

SEED, MEAN, NOISE, N, ALPHA, POWER, MARGIN = 20261125, 0.8, 0.08, 400, 0.05, 0.8, 0.05
LOOKS, ASKINGS, ASKED_AGAIN, Z95 = 12, 8, 3, 1.959964
OUTCOMES = {  # name: (samples, lost, gained)
    "improved": (400, 6, 30),
    "unchanged": (400, 8, 9),
    "regressed": (400, 36, 8),
    "regressed, though less than the margin": (400, 11, 0),
    "inconclusive": (90, 6, 4),
}
CELLS = {
    (1, 0): "r",
    (0, 0): "w",
    (1, -1): "l",
    (0, 1): "g",
}  # (baseline right, difference): right, wrong, lost, gained
SIZES = (50, 75, 100, 150, 200, 300, 400, 600, 800, 1000, 1400, 2000)
NOISES = (0.0, 0.03, 0.08, 0.15)


def measured(runs: int) -> dict[str, Any]:
    """All figures, as JSON has them. `runs`: how many simulated releases the chances rest on."""
    return {
        "runs": runs,
        "twice": asked_twice(runs),
        "pairs": pairs(),
        "outcomes": outcomes(),
        "ways": ways(runs // 4),
        "peeking": peeking(runs),
        "many": many(),
        "sight": sight(),
    }


def chances(random: np.random.Generator, n: int) -> Any:
    share = NOISE / (2 * MEAN * (1 - MEAN))
    strength = share / (1 - share)
    return random.beta(MEAN * strength, (1 - MEAN) * strength, n)


def asked(random: np.random.Generator, chance: Any, askings: int = 1) -> Any:
    return (random.random((chance.size, askings)) < chance[:, None]).astype(float)


def asked_twice(runs: int) -> dict[str, Any]:
    """One model, asked twice: by how many points do its two scores differ?"""
    random = np.random.default_rng((SEED, 1))
    deltas = []
    for _ in range(runs):
        chance = chances(random, N)
        deltas.append(int((asked(random, chance) - asked(random, chance)).sum()))
    steps = np.array(deltas)
    edges = range(-24, 25)
    return {
        "samples": list(edges),
        "shares": [float(np.mean(steps == edge)) for edge in edges],
        "lower": float(np.mean(steps < 0)),
        "two_lower": float(np.mean(steps <= -0.02 * N)),
    }


def pairs() -> dict[str, Any]:
    """One run with a planted drop: the same answers as two averages, as pairs, and what lost or won asked again."""
    random = np.random.default_rng((SEED, 7, 11))
    chance, broken = chances(random, N), random.random(N) < MARGIN / MEAN
    baseline, candidate = asked(random, chance, ASKED_AGAIN), asked(random, np.where(broken, 0.0, chance), ASKED_AGAIN)
    result = decided(baseline[:, 0], candidate[:, 0])
    means = baseline[:, 0].mean(), candidate[:, 0].mean()
    first = candidate[:, 0] - baseline[:, 0]
    again = (candidate - baseline).mean(axis=1)
    rows = sorted((float(first[i]), round(float(again[i]), 4), bool(broken[i])) for i in np.flatnonzero(first))
    return {
        "means": [float(mean) for mean in means],
        "delta": float(first.mean()),
        "lost": result.lost,
        "gained": result.gained,
        "averages": around(float(first.mean()), sum(mean * (1 - mean) for mean in means)),
        "paired": around(float(first.mean()), float(first.var())),
        "p_value": result.p_value,
        "cells": "".join(
            CELLS[int(one), int(difference)] for one, difference in zip(baseline[:, 0], first, strict=True)
        ),
        "discordant": [{"first": one, "again": mean, "broken": planted} for one, mean, planted in rows],
    }


def around(delta: float, variance: float) -> list[float]:
    """The textbook's 95 % interval of a mean over N samples: for the picture only, the gate decides by exact tests."""
    half = Z95 * math.sqrt(variance / N)
    return [delta - half, delta + half]


def decided(baseline: Any, candidate: Any) -> UnitResult:
    """One family of 0/1 scores, by the fixed design."""
    scores = PairedScores(baseline=baseline, candidate=candidate, clusters=None, binary=True)
    unit = Unit(key="family", scores=scores, margin=MARGIN, severity="blocking")
    return decide([unit], alpha=ALPHA, power=POWER, seed=SEED)[0]


def outcomes() -> list[dict[str, Any]]:
    """Each outcome with the interval that made it."""
    found = []
    for name, (n, lost, gained) in OUTCOMES.items():
        baseline = np.concatenate([np.ones(lost), np.zeros(gained), np.ones(n - lost - gained)])
        candidate = np.concatenate([np.zeros(lost), np.ones(gained), np.ones(n - lost - gained)])
        result = decided(baseline, candidate)
        row = {"name": name, "n": n, "lost": lost, "gained": gained, "delta": result.delta}
        found.append(row | {"interval": list(result.interval), "outcome": result.outcome})
    return found


def plan(alpha: float) -> Design:
    spec = FamilySpec(key="family", n=N, margin=MARGIN, severity="blocking")
    return plan_looks([spec], alpha=alpha, power=POWER, seed=SEED)


def run(design: Design, baseline: Any, candidate: Any) -> UnitResult:
    every = np.full(N, baseline.shape[1])
    known = Scores(baseline=baseline, candidate=candidate, asked_baseline=every, asked_candidate=every)
    return decide_run(design, {"family": known})[0]


def ways(runs: int) -> list[dict[str, Any]]:
    """Three candidates look by look (one of five families): as good as the baseline, ten points worse, five points.

    `path` is one simulated run, taken from among those of usual length; `calls` is the median over all runs.
    """
    design = plan(ALPHA / 5)
    found = []
    for number, (drop, shown) in enumerate(((0.0, 4), (0.1, 3), (0.05, 4))):
        results = [one_way(design, drop, (SEED, 9, number, run)) for run in range(runs)]
        path = [{"asked": look.asked, "delta": look.delta} for look in results[shown].looks]
        calls = float(np.median([result.looks[-1].asked for result in results]))
        outcome = results[shown].outcome
        usual = sum(result.outcome == outcome for result in results) / runs
        found.append(
            {"drop": drop, "outcome": outcome, "stage": results[shown].stage, "path": path}
            | {"calls": calls, "usual": usual}
        )
    return found


def one_way(design: Design, drop: float, stream: tuple[int, ...]) -> UnitResult:
    random = np.random.default_rng(stream)
    chance = chances(random, N)
    worse = np.where(random.random(N) < drop / MEAN, 0.0, chance)
    return run(design, asked(random, chance, ASKINGS), asked(random, worse, ASKINGS))


def peeking(runs: int) -> dict[str, Any]:
    """With nothing changed: how often is a loss "shown" at any of so many looks, each at 5 %, and by the plan?"""
    random = np.random.default_rng((SEED, 4))
    sizes = [-(-N * look // LOOKS) for look in range(1, LOOKS + 1)]
    crossed = np.zeros(LOOKS)
    blocked, design = 0, plan(ALPHA)
    for _ in range(runs):
        chance = chances(random, N)
        baseline, candidate = asked(random, chance, ASKINGS), asked(random, chance, ASKINGS)
        differences = (candidate - baseline)[:, 0]
        shown = [loss_shown(differences[:size]) for size in sizes]
        crossed += np.maximum.accumulate(shown)
        blocked += run(design, baseline, candidate).outcome == "regressed"
    return {"any": (crossed / runs).tolist(), "planned": blocked / runs}


def loss_shown(differences: Any) -> bool:
    return mcnemar_exact(int((differences < 0).sum()), int((differences > 0).sum())) <= ALPHA


def many() -> dict[str, Any]:
    """The chance that at least one of so many independent comparisons errs, each with 5 %."""
    counts = list(range(1, 31))
    return {"counts": counts, "any": [1 - (1 - ALPHA) ** count for count in counts]}


def sight() -> list[dict[str, Any]]:
    """The smallest drop that is caught with 80 % chance, one of five families (alpha 0.01), by samples and noise."""
    found = []
    for noise in NOISES:
        drops = [visible_drop(Sight(n=n, units=n, noise=noise, mean=MEAN, alpha=ALPHA / 5, power=POWER)) for n in SIZES]
        found.append({"noise": noise, "sizes": list(SIZES), "drops": drops})
    return found
