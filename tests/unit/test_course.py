"""Courses, told scores by a function instead of by an endpoint."""

import pytest

from gate.course import FixedCourse
from gate.domain import CallFailure, Dataset, Observation, Sample, Score
from gate.evaluation import Suite
from gate.families import family_of
from gate.model_config import LoadedConfig, ModelPair
from gate.policy import MatchRule, parse_policy
from gate.sequential_course import SequentialCourse

POLICY = "version: 1\nfamilies:\n  f: {kind: custom, severity: blocking, margin: 0.05, match: {mode: exact}}\n"


def config(name):
    return LoadedConfig(path="m.yml", endpoint="e", model=name, parameters={}, system_prompt="", digest=name, lines={})


PAIR = ModelPair(path="m.yml", baseline=config("old"), candidate=config("new"))


def suite(policy, n=400, name="f"):
    samples = tuple(
        Sample(id=f"s{i}", input={}, target="", slices={"size": "odd" if i % 2 else "even"}) for i in range(n)
    )
    return Suite(
        name=name,
        rule=policy.families[name],
        family=family_of("custom", MatchRule(mode="exact")),
        dataset=Dataset(source="f.jsonl", digest="d", samples=samples),
    )


def follow(course, score, *, most=100):
    """Drives a course to its end; the number of askings by arm, and what it came to."""
    asked = []
    for _ in range(most):
        batch = course.wanted()
        if not batch:
            return asked, course.ended()
        course.add(batch, [observed(one, score(one)) for one in batch])
        asked += batch
    raise AssertionError("the course never ends")


def observed(question, result):
    result = Score(value=float(result)) if isinstance(result, int | float) else result
    return Observation(family=question.family, sample_id=question.sample_id, repeat=question.repeat, result=result)


def number(question):
    return int(question.sample_id[1:])


@pytest.fixture
def policy():
    return parse_policy(POLICY, file="p.yml")[0]


def test_sequential__a_clear_loss_stops_early_and_blocks(policy):
    course = SequentialCourse([PAIR], [suite(policy)], policy)
    asked, ended = follow(course, lambda one: not (one.arm == "candidate" and number(one) % 3 == 0))
    assert ended.comparisons[0].outcome == "regressed"
    assert len(asked) <= 0.45 * 800
    assert len(ended.comparisons[0].looks) >= 1


def test_sequential__equal_arms_stop_early_and_pass(policy):
    asked, ended = follow(SequentialCourse([PAIR], [suite(policy)], policy), lambda one: number(one) % 5 > 0)
    assert ended.comparisons[0].outcome == "unchanged"
    assert len(asked) < 800


def test_sequential__no_question_twice_and_both_arms_of_a_sample_together(policy):
    asked, _ = follow(
        SequentialCourse([PAIR], [suite(policy)], policy),
        lambda one: hash_of(one) % 10 < 8,
    )
    assert len({(one.sample_id, one.arm, one.repeat) for one in asked}) == len(asked)
    assert sum(one.arm == "baseline" for one in asked) == sum(one.arm == "candidate" for one in asked)
    first = asked[::2]
    assert {(one.sample_id, one.repeat) for one in first} == {(one.sample_id, one.repeat) for one in asked[1::2]}
    assert {one.arm for one in first} == {"baseline", "candidate"}, "the arms take turns to go first"


def hash_of(one):
    import hashlib

    return hashlib.sha256(f"{one.sample_id} {one.arm} {one.repeat}".encode()).digest()[0]


def test_sequential__a_budget_that_ends_is_inconclusive_and_asks_no_more(policy):
    used_up = CallFailure(kind="budget", detail="the budget of 100 calls is used up")
    left = iter([True] * 60 + [False] * 10_000)
    asked, ended = follow(SequentialCourse([PAIR], [suite(policy)], policy), lambda one: 1 if next(left) else used_up)
    assert ended.comparisons[0].outcome == "inconclusive"
    assert len(asked) < 800
    assert ended.comparisons[0].n_dropped.baseline == 0, "what was not asked is not missing"


def test_sequential__failed_calls_are_counted_by_arm(policy):
    failed = CallFailure(kind="server", detail="answered HTTP 500")
    course = SequentialCourse([PAIR], [suite(policy)], policy)
    _, ended = follow(course, lambda one: failed if one.arm == "candidate" and number(one) % 10 == 0 else 1)
    (family,) = ended.comparisons
    assert family.outcome == "inconclusive"
    assert (family.n_dropped.baseline, family.n_dropped.candidate > 5) == (0, True)


def test_sequential__the_same_answers_lead_along_the_same_path(policy):
    def run():
        return follow(SequentialCourse([PAIR], [suite(policy)], policy), lambda one: hash_of(one) % 10 < 8)

    assert run() == run()


def test_sequential__stored_runs_of_the_baseline_spare_its_calls(policy):
    one = suite(policy)
    runs = [
        [observed_of(sample, one.name, 1 if int(sample.id[1:]) % 5 else 0) for sample in one.dataset.samples]
        for _ in range(5)
    ]
    course = SequentialCourse([PAIR], [one], policy, {("m.yml", "f"): runs})
    asked, ended = follow(course, lambda one: number(one) % 5 > 0)
    assert {one.arm for one in asked} == {"candidate"}
    assert (ended.comparisons[0].outcome, ended.comparisons[0].stage) == ("unchanged", "stored")
    assert len(ended.observed["m.yml", "baseline"]) == 5 * 400


def test_sequential__a_block_rests_on_fresh_answers_of_both_arms(policy):
    one = suite(policy)
    runs = [[observed_of(sample, one.name, 1) for sample in one.dataset.samples] for _ in range(5)]
    course = SequentialCourse([PAIR], [one], policy, {("m.yml", "f"): runs})
    asked, ended = follow(course, lambda one: not (one.arm == "candidate" and number(one) % 4 == 0))
    assert {one.arm for one in asked} == {"baseline", "candidate"}
    assert ended.comparisons[0].outcome == "regressed"
    assert ended.comparisons[0].stage != "stored"


def observed_of(sample, family, value):
    return Observation(family=family, sample_id=sample.id, repeat=0, result=Score(value=float(value)))


def test_fixed__asks_everything_once(policy):
    asked, ended = follow(FixedCourse([PAIR], [suite(policy)], policy), lambda one: number(one) % 5 > 0)
    assert len(asked) == 800
    assert (ended.comparisons[0].outcome, ended.comparisons[0].stage) == ("unchanged", "fixed")


def sides(ended, *, slice_only=False):
    """How many samples moved each way, of the one family."""
    found = [one for one in ended.moved if one.slice_only == slice_only]
    return sum(one.candidate < one.baseline for one in found), sum(one.candidate > one.baseline for one in found)


SCORES = {
    "a clear loss": lambda one: one.arm == "baseline" or number(one) % 3,
    "a gain": lambda one: one.arm == "candidate" or number(one) % 4,
    "noise": lambda one: hash_of(one) % 10 < 8,
    "graded": lambda one: hash_of(one) % 7 / 7,
    "a small loss": lambda one: one.arm == "baseline" or number(one) % 25,
    "some without a score": lambda one: (
        CallFailure(kind="timeout", detail="") if number(one) % 97 == 0 else hash_of(one) % 10 < 8
    ),
}


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("course", [SequentialCourse, FixedCourse])
def test_moved__is_what_the_comparison_of_the_family_counts(policy, course, name):
    def score(one):
        found = SCORES[name](one)
        return bool(found) if isinstance(found, int) else found

    _, ended = follow(course([PAIR], [suite(policy)], policy), score)
    whole = ended.comparisons[0]
    assert sides(ended) == (whole.lost, whole.gained)
    assert whole.lost + whole.gained > 0
    total = sum(one.candidate - one.baseline for one in ended.moved if not one.slice_only)
    assert total / whole.n_pairs == pytest.approx(whole.delta)


def test_moved__a_slice_that_was_asked_further_tells_of_samples_that_its_family_did_not_see(policy):
    rules = POLICY.replace("mode: exact}}", "mode: exact}, slices: {size: {severity: blocking}}}")
    policy, _ = parse_policy(rules, file="p.yml")

    # The odd samples lose a tenth, the even ones gain as much: the family passes, and the slice is looked into.
    def score(one):
        return one.arm == ("baseline" if number(one) % 2 else "candidate") or number(one) % 20 > 1

    _, ended = follow(SequentialCourse([PAIR], [suite(policy)], policy), score)
    whole, *slices = ended.comparisons
    assert sides(ended) == (whole.lost, whole.gained)
    (odd,) = [one for one in slices if one.slice.value == "odd"]
    assert odd.n_pairs > whole.n_pairs / 2
    assert sum(sides(ended, slice_only=True)) > 0
    mine = [one for one in ended.moved if one.slices["size"] == "odd"]
    assert (odd.lost, odd.gained) == (len(mine), 0)
