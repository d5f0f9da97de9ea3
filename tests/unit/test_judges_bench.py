"""The judges' bench decides as `run` does, and the figures that are kept are of what it simulates."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "bench"
ROW = re.compile(r"^\| (.+?) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCH))
    yield importlib.import_module("judges")
    sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def kept():
    rows = ROW.findall((BENCH / "results/judges.md").read_text())
    return {name: [float(cell) for cell in cells] for name, *cells in rows}


def test_kept__has_every_world(bench, kept):
    assert list(kept) == [one.name for one in bench.WORLDS]


def test_kept__errors_that_are_allowed_for_pass_fewer_losses_and_block_fewer_that_lost_nothing(kept):
    blocked, passed, blocked_allowed, passed_allowed = kept["nothing changed"]
    assert blocked_allowed <= 5
    assert passed_allowed >= 85 < passed
    assert blocked <= 5
    harder = kept["nothing changed, 4 points harder on the candidate"]
    assert harder[2] < harder[0] / 2
    for name in ("a loss of the margin, 10 points", "a loss of 10 points, judge right in 85 of 100"):
        assert kept[name][3] <= 5 < kept[name][1]
    assert kept["a loss of 20 points"][2] > 95


def test_measure__is_seeded_and_counts_every_run(bench):
    once, again = (bench.measure(bench.WORLDS[0], 4) for _ in range(2))
    assert once == again
    assert [sum(found.values()) for found in once] == [4, 4]


def test_scores__are_judged_by_each_arms_own_shares(bench):
    world = bench.World(name="w", loss=0.0, passes=(1.0, 0.0), candidate=(0.0, 0.0))
    found = bench.scores(world, np.random.default_rng(1))
    assert 0.7 < found.baseline.mean() < 0.9
    assert found.candidate.mean() == 0.0
