from gate.domain import Answer, Call, CallFailure, ChatRequest, Completion, Question, Usage
from gate.endpoint_rule import EndpointRule, Price
from gate.tally import Served, Tally


def tally_of(price):
    return Tally({"e": EndpointRule(protocol="openai-chat", base_url="https://api.example.com/v1", price=price)})


def answer(outcome, *, arm="baseline", alias="e", cached=False, asked_at=0.0):
    question = Question(config="c", family="f", sample_id="s", arm=arm, repeat=0)
    call = Call(alias=alias, request=ChatRequest(model="m", messages=()), repeat=0)
    return Answer(question=question, call=call, outcome=outcome, cached=cached, asked_at=asked_at)


def completion(**given):
    return Completion(text="x", usage=Usage(input_tokens=1_000_000, output_tokens=10), **given)


def test_of__paid_answers_cost_and_cached_ones_do_not():
    tally = tally_of(Price(input=1, output=100_000))
    tally.add(answer(completion(served_model="m-1", fingerprint="fp")))
    tally.add(answer(completion(served_model="m-1"), cached=True, asked_at=50.0))
    tally.add(answer(completion(), cached=True, asked_at=20.0))
    found = tally.of("baseline")
    assert (found.asked, found.cached, found.failed, found.usd) == (3, 2, 0, 2.0)
    assert found.usage.input_tokens == 1_000_000
    assert (found.oldest, found.newest) == (20.0, 50.0)
    assert found.served[Served(asked="m", model="m-1", fingerprint="fp")] == 1
    assert tally.of("candidate").asked == 0


def test_of__an_answer_by_batch_costs_half():
    tally = tally_of(Price(input=1, output=100_000))
    for route in ("live", "batch"):
        tally.add(answer(completion(route=route)))
    assert tally.of("baseline").usd == 2.0 + 1.0


def test_of__a_cost_that_is_not_known_is_none():
    tally = tally_of(None)
    tally.add(answer(completion()))
    assert tally.of("baseline").usd is None


def test_of__failures_by_reason_and_finish_reasons():
    tally = tally_of(None)
    for _ in range(2):
        tally.add(answer(CallFailure(kind="timeout", detail="gave no answer"), arm="candidate"))
    tally.add(answer(completion(finish_reason="length"), arm="candidate"))
    found = tally.of("candidate")
    assert (found.failed, found.failures, found.finishes) == (2, {"gave no answer": 2}, {"length": 1})


def test_of__an_endpoint_that_makes_up_a_name_an_answer_does_not_grow_a_run():
    tally = tally_of(None)
    for number in range(600):
        tally.add(answer(completion(served_model="m", fingerprint=f"fp-{number}")))
    found = tally.of("baseline").served
    assert len(found) == 501
    assert found[Served(asked="m", model="(more names)", fingerprint=None)] == 100
