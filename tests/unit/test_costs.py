"""What an answer takes: tallies → figures → one line."""

from dataclasses import replace

import pytest

from gate.costs import arms_per_call, family_costs, latency
from gate.domain import Answer, Call, ChatRequest, Completion, Question, Usage
from gate.endpoint_rule import EndpointRule, Price
from gate.report import ArmsPerCall, Latency
from gate.tally import Tally
from gate.wording import costs
from tests.fakes.reports import BASE, DEARER, per_call

PRICE = Price(input=1, output=10)


def rule(price):
    return EndpointRule(protocol="openai-chat", base_url="https://api.example.com/v1", price=price)


def tallies(*answers, price=PRICE):
    """Answers as (arm, family, output tokens, seconds, what else)."""
    tally = Tally({"e": rule(price), "free": rule(None)})
    for arm, family, written, seconds, *more in answers:
        given = dict(*more)
        cached, alias = given.pop("cached", False), given.pop("alias", "e")
        usage = Usage(input_tokens=100, output_tokens=written)
        tally.add(
            Answer(
                question=Question(config="m.yml", family=family, sample_id="s", arm=arm, repeat=0),
                call=Call(alias=alias, request=ChatRequest(model="m", messages=()), repeat=0),
                outcome=Completion(text="x", usage=usage, seconds=seconds, **given),
                asked_at=0.0,
                cached=cached,
            )
        )
    return tally.all()


def test_arms_per_call__tokens_usd_and_seconds_of_an_answer():
    found = arms_per_call(tallies(("baseline", "f", 10, 1.0), ("baseline", "f", 30, 3.0), ("candidate", "f", 50, 2.0)))
    assert (found.baseline.answers, found.baseline.input_tokens, found.baseline.output_tokens) == (2, 100, 20)
    assert found.baseline.usd == pytest.approx((100 * 1 + 20 * 10) / 1e6)
    assert found.baseline.latency == Latency(calls=2, p50=2.0, p95=2.9)
    assert found.candidate.output_tokens == 50


def test_arms_per_call__an_arm_that_was_asked_more_of_a_long_family_is_no_dearer():
    both = [(arm, family, size, 1.0) for arm in ("baseline", "candidate") for family, size in (("a", 10), ("b", 1000))]
    again = [("baseline", "b", 1000, 1.0, {"cached": True})] * 4
    found = arms_per_call(tallies(*both, *again))
    assert found.baseline.output_tokens == found.candidate.output_tokens == 505
    assert [one.family for one in family_costs(tallies(*both, *again))] == ["a", "b"]


def test_arms_per_call__only_families_that_both_arms_answered_count():
    assert arms_per_call(tallies(("baseline", "a", 10, 1.0), ("candidate", "b", 10, 1.0))) is None
    assert family_costs(tallies(("baseline", "a", 10, 1.0))) == ()
    found = arms_per_call(
        tallies(("baseline", "a", 10, 1.0), ("candidate", "a", 20, 1.0), ("candidate", "b", 900, 9.0))
    )
    assert (found.candidate.answers, found.candidate.output_tokens) == (1, 20)


def test_arms_per_call__a_price_that_is_not_known_makes_the_arms_unknown():
    found = arms_per_call(
        tallies(
            ("baseline", "a", 10, 1.0),
            ("candidate", "a", 10, 1.0, {"alias": "free"}),
            ("baseline", "b", 10, 1.0),
            ("candidate", "b", 10, 1.0),
        )
    )
    assert (found.baseline.usd is None, found.candidate.usd) == (False, None)


def test_arms_per_call__answers_of_earlier_runs_and_of_batches_are_not_timed_as_live_ones():
    found = arms_per_call(
        tallies(
            ("baseline", "a", 10, 5.0, {"cached": True}),
            ("candidate", "a", 10, 3600.0, {"route": "batch"}),
        )
    )
    assert (found.baseline.latency, found.baseline.reused_latency) == (None, Latency(calls=1, p50=5.0, p95=5.0))
    assert (found.candidate.latency, found.candidate.reused_latency) == (None, None)
    assert found.baseline.usd == found.candidate.usd, "a batch's discount is no property of the model"


def test_arms_per_call__families_that_one_arm_has_from_the_store_are_not_timed_on_the_other():
    found = arms_per_call(
        tallies(
            ("baseline", "slow", 10, 9.0, {"cached": True}),
            ("candidate", "slow", 10, 9.0),
            ("baseline", "quick", 10, 1.0),
            ("candidate", "quick", 10, 1.0),
        )
    )
    assert found.baseline.latency == found.candidate.latency == Latency(calls=1, p50=1.0, p95=1.0)
    assert found.candidate.answers == 2


def test_latency__is_in_whatever_order_they_came():
    assert latency([3.0, 1.0, 2.0]) == latency([1.0, 2.0, 3.0]) == Latency(calls=3, p50=2.0, p95=2.9)
    assert latency([]) is None


def said(before, after, **more):
    arms = ArmsPerCall(baseline=before, candidate=after)
    return costs(replace(BASE, usage=replace(BASE.usage, per_call=arms), **more))


def test_costs__says_what_moved_visibly():
    assert costs(replace(BASE, usage=replace(BASE.usage, per_call=DEARER))) == (
        "+38 % output tokens a call, p95 2.1 s → 3.4 s, +12 % USD a call"
    )
    assert said(DEARER.candidate, DEARER.baseline) == "−28 % output tokens a call, p95 3.4 s → 2.1 s, −11 % USD a call"
    assert costs(BASE) == ""


def test_costs__of_a_simulation_says_so():
    assert said(DEARER.baseline, DEARER.candidate, simulated=True).endswith("USD a call (simulated)")
    assert said(per_call(), per_call(), simulated=True) == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"output_tokens": 229.0, "usd": 0.0012, "p95": 2.5}),
        ({"answers": 49}, {"output_tokens": 900.0, "usd": 0.1, "p95": 9.0}),
        ({"usd": None, "output_tokens": None, "latency": None}, {"output_tokens": 900.0, "usd": 0.1, "p95": 9.0}),
        ({}, {"usd": None, "output_tokens": None, "latency": None}),
        ({"p95": 0.1}, {"p95": 0.25}),
        ({"usd": 0.0, "output_tokens": 0.0}, {"usd": 0.0}),
    ],
)
def test_costs__small_differences_few_answers_and_unknown_figures_say_nothing(before, after):
    assert said(per_call(**before), per_call(**after)) == ""
