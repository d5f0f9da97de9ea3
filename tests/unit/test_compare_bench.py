"""The compare bench judges the slowest run, and only runs that ended with a decision."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from gate.importers.results import read_recorded

BENCH = str(Path(__file__).parents[2] / "bench")


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, BENCH)
    yield importlib.import_module("compare")
    sys.path.remove(BENCH)


@pytest.fixture
def result(bench):
    from processes import Ran

    def made(*walls, peak=100.0, exit_code=0):
        runs = [Ran(begun=0.0, wall_s=wall, cpu_s=1.0, peak_mb=peak, exit_code=exit_code) for wall in walls]
        return bench.Result(case=bench.Case(name="test", samples=10, wall_s=1.0), runs=runs)

    return made


def test_bar__is_judged_by_the_slowest_run(result):
    assert result(0.9, 1.0, 0.8).met
    assert not result(0.9, 1.01, 0.8).met


def test_bar__is_missed_by_memory_and_by_a_run_that_decided_nothing(result):
    assert not result(0.5, peak=501.0).met
    assert [result(0.5, exit_code=code).met for code in (0, 1, 3, 2, -9)] == [True, True, True, False, False]


def test_work__is_the_same_each_time_and_readable(bench, tmp_path):
    case = bench.Case(name="test", samples=40, wall_s=1.0, graded=True, repeats=2, cluster=4, slices=3)
    for name in ("one", "two"):
        bench.write_arm(tmp_path / name, case, seed=1)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    found = read_recorded(tmp_path / "one", {}).observations
    assert len(found) == 80
    assert len({one.family for one in found}) == 5
    assert {one.slices["language"] for one in found} == {f"language-{number}" for number in range(3)}
    assert len({(one.family, one.cluster) for one in found}) == 10


def test_page__names_a_bar_that_is_not_met(bench, result):
    page = bench.markdown([result(0.5), result(2.0)], {"cores": 2}, "now", "abc")
    rows = [line for line in page.splitlines() if line.startswith("| test")]
    assert [row.endswith("| yes |") for row in rows] == [True, False]
    assert "**no**" in rows[1]
    assert json.loads(json.dumps(result(0.5).record()))["measured"]["met"] is True
