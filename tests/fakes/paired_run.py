"""Simulated arms for the sequential engine: every answer there could be, handed out as the engine asks for it."""

from dataclasses import dataclass, field

import numpy as np

from gate.stats.engine import Scores, decide, wanted


@dataclass
class Arms:
    """All answers of one family: arrays of shape (n, askings); NaN where an answer has no score."""

    baseline: np.ndarray
    candidate: np.ndarray
    asked: dict = field(default_factory=dict)

    def __post_init__(self):
        n = len(self.baseline)
        self.asked = {"baseline": np.zeros(n, dtype=np.int64), "candidate": np.zeros(n, dtype=np.int64)}

    def scores(self):
        return Scores(
            baseline=_shown(self.baseline, self.asked["baseline"]),
            candidate=_shown(self.candidate, self.asked["candidate"]),
            asked_baseline=self.asked["baseline"],
            asked_candidate=self.asked["candidate"],
        )

    @property
    def calls(self):
        return int(self.asked["baseline"].sum() + self.asked["candidate"].sum())


def _shown(answers, asked):
    columns = int(asked.max(initial=0))
    return np.where(np.arange(columns) < asked[:, None], answers[:, :columns], np.nan)


def drive(design, arms, *, batches=1000):
    """Ask what is wanted until nothing is. Returns the results by key; fails on a batch with nothing in it."""
    for _ in range(batches):
        asks = wanted(design, {key: one.scores() for key, one in arms.items()})
        if not asks:
            break
        for key, one in asks.items():
            before = arms[key].calls
            assert (one.baseline >= arms[key].asked["baseline"]).all()
            assert (one.candidate >= arms[key].asked["candidate"]).all()
            arms[key].asked = {"baseline": one.baseline, "candidate": one.candidate}
            assert arms[key].calls > before, "an empty batch"
    return {one.key: one for one in decide(design, {key: one.scores() for key, one in arms.items()})}


def noisy_arms(random, n, *, noise, drop=0.0, kind="hard", base=0.8, askings=6):
    """Binary answers: a sample's chance is Beta drawn so that two askings disagree with probability `noise`."""
    if noise:
        size = (noise / 0.32) / (1 - noise / 0.32)
        chance = random.beta(base * size, (1 - base) * size, n)
    else:
        chance = (random.random(n) < base).astype(float)
    hit = random.random(n) < drop / base
    worse = np.where(hit, 0.0, chance) if kind == "hard" else chance * (1 - drop / base)
    draws = random.random((2, n, askings))
    return Arms(baseline=(draws[0] < chance[:, None]) * 1.0, candidate=(draws[1] < worse[:, None]) * 1.0)
