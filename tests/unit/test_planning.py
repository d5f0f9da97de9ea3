"""What a plan says is true of the engine that it plans for."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from gate.askings import CallCost
from gate.domain import Sample
from gate.plan_text import headline, text, to_json
from gate.planning import can_see, most_calls, plan_of, rows_of, simulations_for
from gate.policy import parse_policy
from gate.rehearsal import SequentialRehearsal, World, play, rehearsal_of, subject, unchanged, worse
from gate.sequential_course import family_key
from gate.stats.worlds import hit

SLICES = ", slices: {cwe: {severity: blocking, margin: 0.2}}"


def policy(families=1, margin=0.05, slices="", severity="blocking", repeats=1, design="sequential", budget=""):
    lines = "".join(
        f"  f{i}: {{severity: {severity}, margin: {margin}, repeats: {repeats}{slices if i == 0 else ''}}}\n"
        for i in range(families)
    )
    head = f"version: 1\nrisk: {{design: {design}}}\nbudget: {{{budget}}}\nfamilies:\n{lines}"
    return parse_policy(head, file="p.yml")[0]


def samples(n, *, parts=4, clusters=None):
    return [
        Sample(
            id=f"s{i}", input={}, target=None, slices={"cwe": f"c{i % parts}"}, cluster=clusters and f"k{i // clusters}"
        )
        for i in range(n)
    ]


def subjects(rules, n=100, **more):
    labels = {name: more.pop(name) for name in ("parts", "clusters") if name in more}
    return [subject("m.yml", name, rule, samples(n, **labels), **more) for name, rule in rules.families.items()]


def coin(one, random):
    """A world of pure noise: the most that can be asked again."""
    shape = (one.spec.n, one.columns)
    return World(baseline=1.0 * (random.random(shape) < 0.5), candidate=1.0 * (random.random(shape) < 0.5))


CASES = {
    "plain": {},
    "slices": {"slices": SLICES},
    "repeats": {"repeats": 2},
    "three repeats and slices": {"repeats": 3, "slices": SLICES},
    "advisory": {"severity": "advisory"},
    "advisory with blocking slices": {"severity": "advisory", "slices": SLICES},
    "fixed": {"design": "fixed", "repeats": 2},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("make", [unchanged, coin])
def test_most_calls__are_never_exceeded(case, make):
    rules = policy(families=2, **CASES[case])
    found = subjects(rules, n=90)
    rehearsal = rehearsal_of(found, rules)
    for seed in range(4):
        random = np.random.default_rng(seed)
        calls = play(rehearsal, [make(one, random) for one in found]).calls
        for one, number in zip(found, calls, strict=True):
            assert 0 < number <= most_calls(one, rules)


def test_most_calls__count_the_screening_against_stored_runs():
    rules = policy()
    runs = np.ones((90, 3))
    runs[::5] = 0
    found = subjects(rules, n=90, known=runs, stored=runs)
    assert most_calls(found[0], rules) == most_calls(subjects(rules, n=90)[0], rules) + 90
    rehearsal = rehearsal_of(found, rules)
    for make in (unchanged, coin):
        assert play(rehearsal, [make(found[0], np.random.default_rng(1))]).calls[0] <= most_calls(found[0], rules)


@pytest.mark.parametrize("n", [60, 200])
def test_rehearsal__showing_a_first_pass_at_once_is_asking_it_look_by_look(n, monkeypatch):
    rules = policy(families=3)
    found = subjects(rules, n=n)
    for seed in range(8):
        random = np.random.default_rng(seed)
        worlds = [unchanged(one, random) for one in found]
        worlds[0] = worse(worlds[0], hit(np.ones(n, dtype=bool), 0.1, random))
        quick = play(SequentialRehearsal(tuple(found), rules), worlds)
        with monkeypatch.context() as patch:
            patch.setattr("gate.rehearsal._in_one_go", lambda spec: False)
            slow = play(SequentialRehearsal(tuple(found), rules), worlds)
        assert quick == slow


@pytest.mark.parametrize(("n", "noise"), [(100, 0.08), (300, 0.0)])
def test_visible__is_caught_by_the_engine_as_often_as_is_said(n, noise):
    rules = policy(families=5, margin=0.02)
    known = np.ones((n, 2))
    known[: n // 5] = 0
    known[np.linspace(0, n - 1, round(noise * n)).astype(int), 1] = (
        1 - known[np.linspace(0, n - 1, round(noise * n)).astype(int), 1]
    )
    found = subjects(rules, n=n, known=known)
    row = rows_of(found, rules)[0]
    rehearsal, caught, runs = rehearsal_of(found, rules), 0, 40
    for seed in range(runs):
        random = np.random.default_rng((n, seed))
        worlds = [unchanged(one, random) for one in found]
        worlds[0] = worse(worlds[0], hit(np.ones(n, dtype=bool), row.visible / row.baseline, random))
        caught += play(rehearsal, worlds).comparisons[0].outcome == "regressed"
    assert stats.binom.cdf(caught, runs, rules.risk.power) > 0.01  # not shown to be below the power


@given(
    st.integers(5, 400),
    st.sampled_from([0.02, 0.05, 0.1, 0.3]),
    st.sampled_from(["sequential", "fixed"]),
    st.integers(1, 3),
    st.sampled_from([None, 5]),
)
@settings(max_examples=25, deadline=None)
def test_law__what_cannot_see_its_margin_is_never_gating(n, margin, design, repeats, clusters):
    rules = policy(families=2, margin=margin, slices=SLICES, design=design, repeats=repeats)
    for row in rows_of(subjects(rules, n=n, clusters=clusters), rules):
        assert row.gating == (row.visible is not None and row.visible <= row.margin)
        assert row.gating == (row.samples_needed is None) or row.samples_needed is None
        assert row.samples_needed is None or row.samples_needed > row.samples


@given(st.integers(5, 400), st.integers(1, 400), st.sampled_from(["sequential", "fixed"]))
@settings(max_examples=15, deadline=None)
def test_law__more_samples_never_make_a_family_see_less(n, more, design):
    rules = policy(families=2, design=design)
    few, many = (rows_of(subjects(rules, n=size), rules)[0].visible for size in (n, n + more))
    assert few is None or (many is not None and many <= few + 1e-9)


def test_rows__as_many_samples_as_are_said_make_it_gating():
    rules = policy(margin=0.05)
    row = rows_of(subjects(rules, n=50), rules)[0]
    assert not row.gating
    assert rows_of(subjects(rules, n=row.samples_needed), rules)[0].gating


def test_rows__an_advisory_family_is_not_gating_however_much_it_sees():
    rules = policy(margin=0.3, severity="advisory")
    row = rows_of(subjects(rules, n=300), rules)[0]
    assert can_see(row)
    assert not row.gating


def test_rows__say_what_is_assumed_and_what_is_stored():
    rules = policy()
    row = rows_of(subjects(rules, n=100), rules)[0]
    assert (row.noise, row.noise_samples, row.baseline, row.baseline_samples) == (0.08, 0, 0.8, 0)
    known = np.full((100, 2), np.nan)
    known[:60, 0], known[:40, 1] = 1.0, 1.0
    known[:4, 1] = 0.0
    row = rows_of(subjects(rules, n=100, known=known), rules)[0]
    assert (row.noise, row.noise_samples, row.baseline_samples) == (pytest.approx(0.1), 40, 60)


def test_rows__too_few_samples_asked_twice_say_nothing_of_noise():
    known = np.full((100, 2), 1.0)
    known[19:, 1] = np.nan
    assert rows_of(subjects(policy(), n=100, known=known), policy())[0].noise_samples == 0


def plan(rules, n=100, usd=(0.001, 0.002)):
    cost = CallCost(tokens=(100.0, 300.0), usd=usd)
    return plan_of(subjects(rules, n=n), rules, {family_key("m.yml", name): cost for name in rules.families})


def test_plan__of_the_fixed_design_is_exact():
    found = plan(policy(families=2, design="fixed"))
    assert found.totals.calls == (400, 400)
    assert found.totals.tokens == (40_000, 120_000)
    assert found.totals.usd == (pytest.approx(0.4), pytest.approx(0.8))
    assert found.simulations == 0


def test_plan__expected_calls_are_below_the_most_and_seeded():
    found = plan(policy(families=2))
    assert 0 < found.totals.calls[0] < found.totals.calls[1]
    assert found == plan(policy(families=2))
    assert found.simulations == simulations_for(subjects(policy(families=2)))


def test_plan__says_when_the_budget_may_not_do():
    found = plan(policy(families=1, design="fixed", budget="calls: 150, tokens: 50000, usd: 9"))
    assert [line.split(" end ")[0] for line in found.notices] == [
        "the budget of 150 calls will",
        "the budget of 50,000 tokens may",
    ]


def test_plan__no_price_is_no_cost():
    found = plan(policy(design="fixed"), usd=None)
    assert found.totals.usd is None
    assert headline(found).startswith("Plan: 200 calls, no price stated; 1 unit cannot see its margin")


def test_plan__json_says_the_same():
    found = plan(policy(families=2, slices=SLICES))
    content = json.loads(to_json(found))
    assert content["headline"] == text(found).splitlines()[0]
    assert [row["family"] for row in content["rows"]] == ["f0"] * 5 + ["f1"]
    assert content["blind"] == sum(not can_see(row) for row in found.rows)


def test_text__nothing_in_a_name_steers_the_terminal():
    found = plan(policy())
    assert "\x1b" not in text(replace(found, rows=(replace(found.rows[0], family="a\x1b[2Jb"),)))
