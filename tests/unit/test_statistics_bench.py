"""The statistics bench simulates what it says, counts what it saw and judges bars by that."""

import importlib
import itertools
import json
import sys
from math import comb
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

BENCH = str(Path(__file__).parents[2] / "bench")
NAMES = ("work", "rules", "looks", "engine", "measure", "results", "bench")


@pytest.fixture(scope="module")
def bench():
    """bench/statistics_*.py, which find each other in their own folder."""
    sys.path.insert(0, BENCH)
    yield SimpleNamespace(**{name: importlib.import_module(f"statistics_{name}") for name in NAMES})
    sys.path.remove(BENCH)


@pytest.fixture
def make(bench):
    def many(count=40, **what):
        work = bench.work.Work(name="test", **what)
        return list(bench.work.pull_requests(work, bench.work.generator(work, 0), count))

    return many


def two_runs(prs):
    """Answers of a baseline run, of another one, and of a candidate's; shape (pull requests, families, n)."""
    answers = np.stack([pr.answers for pr in prs])
    return answers[:, :, 0, :, 0], answers[:, :, 0, :, 1], answers[:, :, 1, :, 0]


@pytest.mark.parametrize("noise", [0.0, 0.03, 0.08, 0.15])
def test_work__mean_is_0_8_and_two_runs_disagree_with_probability_noise(make, noise):
    first, second, candidate = two_runs(make(noise=noise))
    assert first.mean() == pytest.approx(0.8, abs=0.01)  # 80,000 answers: five standard errors
    assert (first != second).mean() == pytest.approx(noise, abs=0.006)
    assert (first != candidate).mean() == pytest.approx(noise, abs=0.006)


@pytest.mark.parametrize("shape", ["hard", "soft"])
def test_work__a_drop_is_in_the_first_family_alone(make, shape):
    first, _, candidate = two_runs(make(drop=0.1, shape=shape))
    assert (first - candidate)[:, 0].mean() == pytest.approx(0.1, abs=0.012)
    assert (first - candidate)[:, 1:].mean() == pytest.approx(0.0, abs=0.005)


def test_work__a_hard_drop_fails_the_same_samples_at_every_asking(make):
    lost = 0
    for pr in make(20, noise=0.0, drop=0.1):
        baseline, candidate = pr.answers[0]
        assert (candidate == candidate[:, :1]).all()
        lost += (baseline[:, 0] > candidate[:, 0]).sum()
    assert lost == pytest.approx(800, abs=150)


def test_work__clusters_churn_as_wholes_and_lose_nothing_on_balance(make):
    loss = np.stack([pr.first(0) - pr.first(1) for pr in make(60, noise=0.0, cluster=5)])
    whole = loss.reshape(60, 5, 80, 5).sum(axis=3)
    assert loss.mean() == pytest.approx(0.0, abs=0.01)
    assert (np.abs(whole) >= 3).mean() == pytest.approx(0.1 * 0.942, abs=0.01)  # 3 or more of 5 had been right


def test_work__a_slice_loses_alone_and_an_outage_takes_candidate_answers_only(make):
    first, _, candidate = two_runs(make(60, slices=8, slice_drop=0.4))
    assert (first - candidate)[:, 0, :30].mean() == pytest.approx(0.4, abs=0.06)
    assert (first - candidate)[:, 0, 30:].mean() == pytest.approx(0.0, abs=0.01)
    for pr in make(3, n=100, outage=15, same=True):
        missing = np.isnan(pr.answers)
        assert missing.all(axis=3).sum(axis=2).tolist() == [[0, 15]] * 5
        assert (missing.any(axis=3) == missing.all(axis=3)).all()
        np.testing.assert_array_equal(pr.answers[:, 0][~missing[:, 1]], pr.answers[:, 1][~missing[:, 1]])


def test_work__the_same_chunk_is_the_same_and_another_is_not(bench, make):
    work = bench.work.Work(name="test")
    assert (make(1)[0].answers == make(1)[0].answers).all()
    other = next(iter(bench.work.pull_requests(work, bench.work.generator(work, 1), 1)))
    assert (make(1)[0].answers != other.answers).any()


def test_rules__a_lost_family_is_caught_by_every_rule_and_identical_arms_only_pass(bench, make):
    worse, same = make(1, drop=0.4)[0], make(1, same=True)[0]
    for name, rule in bench.measure.RULES.items():
        assert rule(worse).families[0] == "regressed", name
        assert set(rule(same).families) == {"unchanged"}, name


def test_rules__sign_flip_tail_counts_every_sign(bench):
    sizes = (1, 1, 1, 2, 2)
    sums = [sum(sign * size for sign, size in zip(signs, sizes, strict=True)) for signs in all_signs(5)]
    for total in range(-8, 9):
        expected = sum(one >= total for one in sums) / 32
        assert bench.rules._flip_tail(3, 2, total) == pytest.approx(expected)


def all_signs(count):
    return itertools.product((-1, 1), repeat=count)


def test_rules__looks_spend_what_they_may(bench):
    moved = (4, 9, 11, 15)
    edges = bench.looks.edges(moved, 0.05)
    ever = sum(
        comb(4, a) * comb(5, b) * comb(2, c) * comb(4, d)
        for a, b, c, d in itertools.product(range(5), range(6), range(3), range(5))
        if any(lost >= edge for lost, edge in zip(itertools.accumulate((a, b, c, d)), edges, strict=True))
    )
    assert 0.015 < ever / 2**15 <= 0.05


def test_rules__wealth_is_a_fair_game(bench):
    gains = np.random.default_rng(1).choice([-1.0, 1.0], (20_000, 10))
    assert bench.rules.wealth(gains)[:, -1].mean() == pytest.approx(1.0, abs=0.05)


def test_engine__one_replay_is_what_asking_batch_by_batch_gives(bench, make):
    for pr in (*make(4), *make(3, drop=0.05), *make(2, n=100, outage=15)):
        assert bench.engine.engine(pr) == bench.engine.step_by_step(pr)
    for pr in make(3, slices=8, slice_drop=0.4):
        fast, slow = bench.engine.engine(pr), bench.engine.step_by_step(pr)
        assert (fast.families, fast.slices) == (slow.families, slow.slices)


@pytest.mark.parametrize("stored", [1, 5])
def test_engine__one_replay_is_what_asking_gives_with_stored_runs_too(bench, stored):
    work = bench.work.Work(name="stored", n=300)
    random = bench.work.generator(work, 0)
    chance = bench.work.chances(work, random)
    plan = bench.engine.design(work, bench.work.ask(chance, random, stored))
    found = [bench.work.pull_request(work, random, chance) for _ in range(3)]
    assert [bench.engine.replay(plan, pr) for pr in found] == [bench.engine.drive(plan, pr) for pr in found]


@pytest.fixture
def tally(bench):
    def made(**counts):
        return bench.measure.Tally(**{"runs": 100, "families": 500, "all_calls": 80_000, **counts})

    return made


def judged(bench, tallies, stored=()):
    cells = bench.measure.Cells(tallies=tallies, stored=stored)
    return {(one.what, one.work): one for one in bench.results.Results(cells=cells, facts={}).judged()}


def test_bar__at_most_and_at_least(bench, tally):
    engine, quiet = bench.measure.ENGINE, bench.results.QUIET
    found = judged(bench, {(quiet, engine): tally(blocked=5, calls=270_100), ("hard 5", engine): tally(caught=92)})
    assert (found["blocked", quiet].measured, found["blocked", quiet].met) == (0.05, True)
    assert (found["mean calls", quiet].measured, found["mean calls", quiet].met) == (2_701, False)
    assert (found["caught", "hard 5"].measured, found["caught", "hard 5"].met) == (0.92, False)


def test_bar__without_a_figure_is_unmet_and_another_rules_figure_is_no_figure(bench, tally):
    other = {("hard 5", "any drop fails"): tally(caught=100)}
    assert {one.met for one in judged(bench, other).values()} == {False}
    assert {one.measured for one in judged(bench, other).values()} == {None}


def test_bar__stored_baselines_are_judged_at_the_95th_percentile_of_five_runs(bench):
    def of(stored, blocked):
        case = bench.measure.StoredCase(
            name=f"{stored} stored", stored=stored, baselines=20, pulls=100, work=bench.work.Work(name="stored")
        )
        return bench.measure.StoredResult(case=case, blocked=blocked, calls=1.0)

    key = "blocked, 95th percentile", "5 stored"
    fine, bad = of(5, [0] * 18 + [7, 50]), of(5, [0] * 17 + [8, 20, 50])
    assert judged(bench, {}, [of(1, [50] * 20), fine])[key].met is False  # 95 % of 20 lies between the last two
    assert judged(bench, {}, [of(5, [0] * 19 + [50])])[key].measured == pytest.approx(0.025)
    assert judged(bench, {}, [bad])[key].met is False
    assert key not in judged(bench, {}, [of(1, [0] * 20)])


def test_every_bar__is_about_a_work_that_is_run_often_enough(bench):
    works, stored = bench.bench.plan(bench.bench.WHOLE)
    runs = {work.name: share.runs for work, share in works.items()}
    assert len(runs) == len(works)
    assert {runs[bar.work] >= 2_000 for bar in bench.results.BARS} == {True}
    assert {case.stored for case in stored} == {1, 5}


def test_interval__is_wilsons(bench):
    from statsmodels.stats.proportion import proportion_confint

    for count, of in ((0, 50), (7, 100), (100, 100)):
        assert bench.results.wilson(count, of) == pytest.approx(proportion_confint(count, of, method="wilson"))


def test_measure__same_counts_whoever_runs_them_and_written_as_they_are(bench, tmp_path):
    work = bench.work.Work(name=bench.results.QUIET, n=40)
    share = bench.measure.Share(rules=("any drop fails", "exact McNemar + Holm"), runs=60)
    said = []
    cells = bench.measure.measure({work: share}, bench.measure.stored_cases(1, 1), said.append)
    again = bench.measure.measure({work: share}, bench.measure.stored_cases(1, 1), said.append)
    assert cells == again
    assert set(said) == {work.name, "1 stored", "5 stored"}
    bench.results.write(bench.results.Results(cells=cells, facts={"begun": "now"}), tmp_path)
    kept = json.loads((tmp_path / "statistics.json").read_text())
    assert {(one["rule"], one["runs"]) for one in kept["cells"]} == {(name, 60) for name in share.rules}
    lines = (tmp_path / "statistics.md").read_text().splitlines()
    assert f"| blocked | {work.name} | ≤ 5.0 % |" in "\n".join(lines)
    assert next(one for one in lines if one.startswith("| any drop fails")).count("–") > 5  # what was not run
