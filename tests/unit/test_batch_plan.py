"""What goes into batches: one file a model, within the provider's limits and the budget, each question once."""

import itertools
import json

import pytest

from gate.batch_book import Order
from gate.batch_plan import Desk, Planner
from gate.budget import Cost
from gate.domain import Call, ChatRequest, Completion, Message, Question, Usage
from gate.endpoint_rule import EndpointRule, Price
from gate.endpoints import batch_anthropic
from gate.endpoints.wire import Credentials
from gate.policy import Budget
from gate.runner import Kept
from gate.store import Label, Store, content_key

PRICE = Price(input=0.0, output=2.0)
RULE = EndpointRule(protocol="anthropic", base_url="https://api.example.com/v1", price=PRICE)
LIVE = EndpointRule(protocol="gemini", base_url="https://api.example.com/v1")


class Work:
    def alias(self, question):
        return question.family

    def call(self, question):
        messages = (Message(role="user", content=question.sample_id),)
        model = {"baseline": "old", "candidate": "new"}[question.arm]
        request = ChatRequest(model=model, messages=messages, parameters={"max_tokens": 1_000_000})
        return Call(alias=question.family, request=request, repeat=question.repeat)

    def judging(self, answer):
        return ()

    def use(self, answer, verdicts):
        return answer


def ask(*ids, arm="candidate", alias="here"):
    return [Question(config="c", family=alias, sample_id=one, arm=arm, repeat=0) for one in ids]


def key(sample, *, model="new"):
    request = Work().call(ask(sample, arm="candidate" if model == "new" else "baseline")[0]).request
    return content_key(protocol="anthropic", base_url=RULE.base_url, request=request, repeat=0)


@pytest.fixture
def store(tmp_path):
    made = Store.open(tmp_path / "answers.sqlite", now=lambda: 1000.0, say=lambda text: None)
    yield made
    made.close()


@pytest.fixture
def plan(tmp_path, store):
    marks = itertools.count()

    def make(questions, *, pending=(), tried=(), **budget):
        planner = Planner(
            desks={"here": Desk(alias="here", rule=RULE, credentials=Credentials(key="sk"), exchange=None)},
            rules={"here": RULE, "live": LIVE},
            kept=Kept(store=store, runs={"c": "r"}),
            budget=Budget(**budget),
            folder=tmp_path,
            mark=lambda: f"{next(marks):032x}",
        )
        return planner.plan(questions, Work(), pending, set(tried))

    return make


def prompts(sheet):
    return [one["params"]["messages"][0]["content"] for one in json.loads(sheet.body.read_bytes())["requests"]]


def test_plan__one_sheet_a_model_in_the_order_of_the_questions(plan):
    both = [one for pair in zip(ask("a", "b", arm="baseline"), ask("a", "b"), strict=True) for one in pair]
    sheets = plan(both)
    assert [(one.model, prompts(one)) for one in sheets] == [("old", ["a", "b"]), ("new", ["a", "b"])]
    assert sheets[0].keys == (key("a", model="old"), key("b", model="old"))
    assert b"sk" not in sheets[0].body.read_bytes()


def test_plan__what_is_kept_pending_tried_asked_twice_or_of_another_protocol_is_left_out(plan, store):
    label = Label(endpoint="here", protocol="anthropic", host="h", model="new")
    store.put(key("kept"), "r", Completion(text="x"), asked_at=1.0, label=label)
    order = Order(mark="0" * 32, alias="here", protocol="anthropic", base_url=RULE.base_url, model="new", run="r",
                  keys=(key("pending"),), reserved=Cost(), at=1.0)  # fmt: skip
    questions = [*ask("kept", "pending", "tried", "new", "new"), *ask("other", alias="live")]
    (sheet,) = plan(questions, pending=[order], tried=[(key("tried"), "r")])
    assert prompts(sheet) == ["new"]


def test_plan__a_full_batch_is_followed_by_another(plan, monkeypatch):
    monkeypatch.setattr(batch_anthropic, "MOST_REQUESTS", 2)
    assert [prompts(one) for one in plan(ask(*"abcde"))] == [["a", "b"], ["c", "d"], ["e"]]


def test_plan__no_file_is_larger_than_the_provider_takes(plan, monkeypatch):
    (whole,) = plan(ask(*"abc"))
    size = whole.body.stat().st_size
    monkeypatch.setattr(batch_anthropic, "MOST_BYTES", size)
    assert [len(one.keys) for one in plan(ask(*"abc"))] == [3]
    monkeypatch.setattr(batch_anthropic, "MOST_BYTES", size - 1)
    sheets = plan(ask(*"abc"))
    assert [len(one.keys) for one in sheets] == [2, 1]
    assert all(one.body.stat().st_size < size for one in sheets)


def test_plan__a_request_too_large_for_any_batch_is_left_out(plan, monkeypatch):
    monkeypatch.setattr(batch_anthropic, "MOST_BYTES", 400)
    assert [prompts(one) for one in plan(ask("a", "x" * 500, "b"))] == [["a"], ["b"]]
    assert plan(ask("x" * 500)) == []


@pytest.mark.parametrize(
    ("budget", "fits"),
    [
        ({"calls": 3}, 3),
        ({"tokens": 2_100_000}, 2),  # a million out and a few in
        ({"usd": 4.0}, 4),  # two dollars a call, at half the price
        ({"usd": 0.9}, 0),
        ({"minutes": 0.001}, 5),  # waiting for a batch costs no minutes
    ],
)
def test_plan__no_more_than_the_budget_allows(plan, budget, fits):
    assert sum(len(one.keys) for one in plan(ask(*"abcde"), **budget)) == fits


def test_plan__what_this_run_has_spent_and_reserved_is_counted_first(plan, store):
    label = Label(endpoint="here", protocol="anthropic", host="h", model="new")
    spent = Completion(text="x", usage=Usage(output_tokens=500_000))  # one dollar, live
    store.put(key("e"), "r", spent, asked_at=1.0, label=label)
    order = Order(mark="0" * 32, alias="here", protocol="anthropic", base_url=RULE.base_url, model="new", run="r",
                  keys=(key("d"),), reserved=Cost(usd=1.0), at=1.0)  # fmt: skip
    (sheet,) = plan(ask(*"abcde"), pending=[order], usd=4.0)
    assert prompts(sheet) == ["a", "b"]
    assert sheet.reserved.usd == 2.0
