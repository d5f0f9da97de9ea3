"""The purse: reserve, settle, never more than the budget, never a deadlock."""

import threading

import pytest

from gate.budget import Cost, Purse, cost, estimate
from gate.domain import CallFailure, ChatRequest, Message, Usage
from gate.endpoint_rule import Price
from gate.policy import Budget

PRICE = Price(input=1.0, output=4.0)


def purse(**budget):
    times = [0.0]
    made = Purse(budget=Budget(**budget), clock=lambda: times[0])
    return made, times


def test_cost__is_per_million_tokens_and_unknown_without_a_price():
    assert cost(Usage(input_tokens=1_000_000, output_tokens=500_000), PRICE) == 3.0
    assert cost(Usage(input_tokens=1), None) is None


def test_cost__by_batch_is_half_or_what_the_policy_says():
    usage = Usage(input_tokens=1_000_000, output_tokens=500_000)
    assert cost(usage, PRICE, "batch") == 1.5
    assert cost(usage, PRICE.model_copy(update={"batch_discount": 0.25}), "batch") == 2.25


def test_set_aside__fits_or_is_refused_and_never_waits():
    made, _ = purse(calls=3, usd=1.0)
    assert made.set_aside(Cost(usd=0.6))
    assert not made.set_aside(Cost(usd=0.5))
    assert made.set_aside(Cost(usd=0.4))
    made.charge(Cost(), calls=1)
    assert not made.set_aside(Cost()), "no call is left"


def test_estimate__covers_the_prompt_and_all_of_max_tokens():
    request = ChatRequest(model="m", messages=(Message(role="user", content="x" * 300),), parameters={"max_tokens": 50})
    assert estimate(request, PRICE).tokens == 300 // 3 + 8 + 50
    assert estimate(request, PRICE).usd == pytest.approx((108 * 1.0 + 50 * 4.0) / 1e6)


def test_estimate__without_max_tokens_assumes_a_kilotoken():
    request = ChatRequest(model="m", messages=(Message(role="user", content=""),))
    assert estimate(request, None) == Cost(tokens=8 + 1_024, usd=0.0)


def test_reserve__calls_are_counted_before_they_are_made():
    made, _ = purse(calls=2)
    assert made.reserve(Cost()) is None
    assert made.reserve(Cost()) is None
    refusal = made.reserve(Cost())
    assert isinstance(refusal, CallFailure)
    assert (refusal.kind, refusal.detail) == ("budget", "the budget of 2 calls is used up")


@pytest.mark.parametrize(("budget", "used", "words"), [
    ({"tokens": 100}, Cost(tokens=100), "100 tokens"),
    ({"usd": 1.5}, Cost(usd=1.5), "1.5 USD"),
])  # fmt: skip
def test_reserve__refuses_once_what_was_settled_reaches_the_limit(budget, used, words):
    made, _ = purse(**budget)
    assert made.reserve(Cost()) is None
    made.settle(Cost(), used)
    assert words in made.reserve(Cost()).detail


def test_reserve__minutes_end_a_run():
    made, times = purse(minutes=2)
    assert made.reserve(Cost()) is None
    made.settle(Cost(), Cost())
    times[0] = 120.0
    assert "2 minutes" in made.reserve(Cost()).detail


def test_reserve__a_call_larger_than_what_is_left_goes_alone_or_never():
    made, _ = purse(tokens=100)
    assert made.reserve(Cost(tokens=5_000)) is None, "the estimate may be far too high"
    made.settle(Cost(tokens=5_000), Cost(tokens=40))
    assert made.spent.tokens == 40


def test_reserve__waits_for_calls_in_flight_and_then_fits():
    made, _ = purse(tokens=100)
    assert made.reserve(Cost(tokens=80)) is None
    got = []
    thread = threading.Thread(target=lambda: got.append(made.reserve(Cost(tokens=80))))
    thread.start()
    assert got == [], "80 + 80 is over 100 while the first is in flight"
    made.settle(Cost(tokens=80), Cost(tokens=10))
    thread.join(10)
    assert got == [None]


def test_reserve__many_threads_never_spend_more_than_the_budget():
    made, _ = purse(tokens=1_000)
    refused = []

    def work():
        while (refusal := made.reserve(Cost(tokens=30))) is None:
            made.settle(Cost(tokens=30), Cost(tokens=30))
        refused.append(refusal)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 8
    assert 1_000 <= made.spent.tokens < 1_030, "only the last call, alone in flight, may go over"


def test_charge__what_an_interrupted_run_paid_counts():
    made, _ = purse(calls=1)
    made.charge(Cost(tokens=7, usd=0.5))
    assert made.reserve(Cost()).kind == "budget"
    assert (made.spent.calls, made.spent.tokens, made.spent.usd) == (1, 7, 0.5)
