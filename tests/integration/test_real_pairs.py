"""bench/real_pairs.py on outcomes of real systems. The data lie beside the repository; without them this is skipped."""

import importlib
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SWEBENCH, TRIALS = DATA / "swebench_verified.json", DATA / "terminal_bench_trials.json"
needs_data = pytest.mark.skipif(
    not (SWEBENCH.is_file() and TRIALS.is_file()), reason="the outcome files are not in ../shared/data"
)


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(ROOT / "bench"))
    yield importlib.import_module("real_pairs")
    sys.path.remove(str(ROOT / "bench"))


@pytest.fixture(scope="module")
def singles(bench):
    return bench.swebench(SWEBENCH)


@pytest.fixture(scope="module")
def votes(bench):
    return bench.terminal_bench(TRIALS)


def test_pairs__are_ordered_and_of_one_system(bench):
    names = ["20240101_agent_one", "20250101_agent_two", "20250102_other_two", "20250103_Agent-claude-3"]
    assert len(bench.pairs(names)) == 6
    assert not any("other" in name for pair in bench.pairs(names) for name in pair)


def test_vote__throws_away_what_the_mean_keeps(bench):
    items = [f"task-{number}" for number in range(60)]
    baseline, candidate = [(5, 5)] * 60, [(3, 5)] * 60
    voted = bench.judge(("b", "c"), bench.voted(items, baseline), bench.voted(items, candidate))
    mean = bench.judge(("b", "c"), bench.repeated(items, baseline), bench.repeated(items, candidate))
    assert (voted.family.outcome, mean.family.outcome) == ("unchanged", "regressed")


def test_unequal_trials__are_compared_by_their_means(bench):
    items = [f"task-{number}" for number in range(88)]
    same = bench.judge(("b", "c"), bench.repeated(items, [(4, 4)] * 88), bench.repeated(items, [(2, 2)] * 88))
    worse = bench.judge(("b", "c"), bench.repeated(items, [(4, 4)] * 88), bench.repeated(items, [(1, 2)] * 88))
    assert (same.family.outcome, same.family.delta) == ("unchanged", 0.0)
    assert (worse.family.outcome, worse.family.delta) == ("regressed", -0.5)
    assert same.family.n_dropped.baseline == same.family.n_dropped.candidate == 0


@needs_data
def test_swebench__verdict_delta_and_exact_p_agree(singles):
    assert len(singles) == 28
    for one in singles:
        family = one.single.family
        assert family.n_pairs == 500
        assert family.p_value == pytest.approx(one.exact_p)
        assert (family.outcome == "regressed") <= (one.exact_p <= 0.05 and family.delta < 0)
        assert (one.exact_p <= 0.001) <= (one.single.verdict == "blocked")
        assert (one.single.verdict == "pass") <= (family.outcome in ("improved", "unchanged"))


@needs_data
def test_swebench__swapping_the_arms_turns_a_regression_into_an_improvement(singles):
    outcomes = {(one.single.baseline, one.single.candidate): one.single.family.outcome for one in singles}
    mirror = {"regressed": "improved", "improved": "regressed"}
    assert all(outcomes[other, one] == mirror.get(found, found) for (one, other), found in outcomes.items())


@needs_data
def test_terminal_bench__the_mean_shows_losses_that_the_vote_does_not(votes):
    found = Counter((one.mean.family.outcome, one.vote.family.outcome) for one in votes)
    assert sum(found.values()) == len(votes) == 236
    alone = sum(count for (mean, vote), count in found.items() if mean == "regressed" != vote)
    assert alone > 5 * sum(count for (mean, vote), count in found.items() if vote == "regressed" != mean)
    assert not found["regressed", "improved"]
    assert not found["improved", "regressed"]


@needs_data
def test_terminal_bench__a_system_against_itself_is_not_blocked_more_often_than_alpha(bench):
    for split in bench.against_itself(TRIALS):
        assert split.comparisons == 420
        # Two standard errors of 420 comparisons above alpha = 0.05.
        assert split.outcomes.get("regressed", 0) / split.comparisons <= 0.05 + 2 * 0.0107, split.trials


def test_page__is_written_only_with_data(bench, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["real_pairs.py", "--data", str(tmp_path), "--out", str(tmp_path)])
    assert bench.main() == 2
    assert "swebench_verified.json" in capsys.readouterr().err
    assert not (tmp_path / "real_pairs.md").exists()
