"""The storm bench's server is strict, and its table says no where the bar is not met."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def storm():
    spec = importlib.util.spec_from_file_location("bench_storm", ROOT / "bench/storm.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_bucket__answers_what_is_allowed_and_not_one_more(storm):
    case = storm.Case(allowed=10, burst=5, latency_s=1.0, says="seconds", told=False)
    bucket = storm.Bucket(case=case)
    waits = [bucket.admits(number / 1000) for number in range(10_001)]
    assert 5 + 99 <= len(bucket.answered) <= 5 + 100  # the last is a matter of rounding
    assert bucket.refused == sum(wait > 0 for wait in waits) == 10_001 - len(bucket.answered)
    assert max(waits) <= 0.1
    assert case.headers(0.01) == b"Retry-After: 1\r\n"


def test_table__a_bar_that_is_not_met_is_said(storm):
    case = storm.CASES[0]
    found = [storm.Measured(case=case, answered=1, refused=1, lost=0, used=used, tenth=used) for used in (0.89, 0.9)]
    rows = storm.markdown(found, {"cores": 2}).splitlines()[-2:]
    assert [row.rpartition("|")[0].rpartition("|")[2].strip() for row in rows] == ["**no**", "yes"]
