"""The runner between an answer and its verdict: whose threads, how often, and what is counted."""

import threading

import pytest

from gate.budget import Purse
from gate.domain import Call, CallFailure, ChatRequest, Completion, Message, Question, Usage
from gate.endpoint_rule import EndpointRule
from gate.policy import Budget
from gate.runner import VERDICT_AGE, Kept, Line, Runner
from gate.store import Store
from gate.tally import Tally

ARM = EndpointRule(protocol="openai-chat", base_url="https://api.example.com/v1", max_concurrency=8)
JUDGE = EndpointRule(protocol="openai-chat", base_url="https://judge.example.com/v1", max_concurrency=2)


class Told:
    """An endpoint that answers by a function; what it was asked, how many at once, and by how many threads."""

    def __init__(self, answer, *, together=1):
        self.answer, self.asked, self.threads, self.lock = answer, [], set(), threading.Lock()
        self.open = self.most = 0
        self.gate = threading.Barrier(together) if together > 1 else None

    def ask(self, request):
        prompt = request.messages[-1].content
        with self.lock:
            self.asked.append(prompt)
            self.threads.add(threading.get_ident())
            self.open += 1
            self.most = max(self.most, self.open)
        if self.gate:
            self.gate.wait(10)
        try:
            return self.answer(prompt)
        finally:
            with self.lock:
                self.open -= 1


def call(alias, text, *, judging=False):
    request = ChatRequest(model="m", messages=(Message(role="user", content=text),))
    return Call(alias=alias, request=request, repeat=0, judging=judging)


class Work:
    """Every answer is judged by `court`, once for each of `orders`."""

    def __init__(self, court="court", orders=1):
        self.court, self.orders = court, orders

    def alias(self, question):
        return "arm"

    def call(self, question):
        return call("arm", f"{question.arm} {question.sample_id}")

    def judging(self, answer):
        if isinstance(answer.outcome, CallFailure):
            return ()
        return [call(self.court, f"{order}: {answer.outcome.text}", judging=True) for order in range(self.orders)]

    def use(self, answer, verdicts):
        return [one.text if isinstance(one, Completion) else one for one in verdicts]


def said(text):
    return Completion(text=text, usage=Usage(input_tokens=10))


def questions(*ids, arms=("candidate",)):
    return [Question(config="c", family="f", sample_id=one, arm=arm, repeat=0) for one in ids for arm in arms]


@pytest.fixture
def make(tmp_path):
    opened = []

    def runner(arm, judge, *, run="run-1", budget=None, now=lambda: 1_000_000_000.0):
        store = Store.open(tmp_path / "answers.sqlite", now=now, say=lambda text: None)
        opened.append(store)
        return Runner(
            lines={"arm": Line(rule=ARM, endpoint=arm), "court": Line(rule=JUDGE, endpoint=judge)},
            purse=Purse(budget=Budget(**(budget or {})), clock=lambda: 0.0),
            kept=Kept(store=store, runs={"c": run}),
            tally=Tally({"arm": ARM, "court": JUDGE}),
            now=now,
        )

    yield runner
    for store in opened:
        store.close()


def upper(prompt):
    return said(prompt.upper())


def test_judging__verdicts_come_with_their_answers_in_the_order_of_the_calls(make):
    arm, judge = Told(lambda prompt: said(prompt[-1])), Told(upper)
    found = make(arm, judge).ask_all(questions(*"abc"), Work(orders=2))
    assert found == [["0: A", "1: A"], ["0: B", "1: B"], ["0: C", "1: C"]]


def test_judging__goes_on_in_the_threads_of_the_judge_and_no_more_of_them(make):
    arm, judge = Told(lambda prompt: said(prompt), together=8), Told(upper)
    make(arm, judge).ask_all(questions(*"abcdefghijklmnop"), Work())
    assert (arm.most, judge.most <= 2, len(judge.threads) <= 2) == (8, True, True)
    assert not arm.threads & judge.threads


def test_judging__at_the_same_endpoint_goes_on_in_the_same_threads(make):
    arm = Told(upper)
    found = make(arm, Told(upper)).ask_all(questions(*"abcd"), Work(court="arm"))
    assert len(found) == 4
    assert len(arm.asked) == 8


def test_judging__the_same_text_is_asked_once_however_many_want_it_together(make):
    judge = Told(upper)
    runner = make(Told(lambda prompt: said("same"), together=8), judge)
    found = runner.ask_all(questions(*"abcdefgh"), Work())
    assert (judge.asked, found) == (["0: same"], [["0: SAME"]] * 8)
    tally = runner.tally.of("judge")
    assert (tally.asked, tally.cached, tally.usage.input_tokens) == (1, 0, 10)
    assert runner.purse.spent.calls == 9


def test_judging__a_verdict_is_nobodys_arm_and_counted_apart(make):
    runner = make(Told(lambda prompt: said(prompt)), Told(upper))
    runner.ask_all(questions("a", arms=("baseline", "candidate")), Work())
    assert {role: one.asked for role, one in runner.tally.all().items()} == {"baseline": 1, "candidate": 1, "judge": 2}
    plain = make(Told(upper), Told(upper))
    assert set(plain.tally.all()) == {"baseline", "candidate"}


def test_judging__a_resumed_run_asks_nothing_and_counts_the_same(make):
    first = make(Told(lambda prompt: said(prompt[-1])), Told(upper))
    first.ask_all(questions(*"ab", arms=("baseline", "candidate")), Work())
    judge = Told(upper)
    again = make(Told(upper), judge)
    again.ask_all(questions(*"ab", arms=("baseline", "candidate")), Work())
    assert judge.asked == []
    assert again.tally.of("judge") == first.tally.of("judge")
    assert again.purse.spent == first.purse.spent


@pytest.mark.parametrize(("age", "asked"), [(VERDICT_AGE - 1, []), (VERDICT_AGE + 1, ["0: x"])])
def test_judging__another_runs_verdict_serves_as_long_as_it_is_young(make, age, asked):
    make(Told(lambda prompt: said("x")), Told(upper)).ask_all(questions("a"), Work())
    judge = Told(upper)
    later = make(Told(lambda prompt: said("x")), judge, run="run-2", now=lambda: 1_000_000_000.0 + age)
    assert later.ask_all(questions("a"), Work()) == [["0: X"]]
    assert judge.asked == asked
    tally = later.tally.of("judge")
    assert (tally.asked, tally.cached, tally.usage.input_tokens) == (1, 1 - len(asked), 10 * len(asked))
    assert later.purse.spent.calls == 1 + len(asked), "what another run paid is not paid again"


def test_judging__one_that_failed_is_asked_again_for_the_next_answer(make):
    replies = iter([CallFailure(kind="server", detail="HTTP 500"), said("fine")])
    runner = make(Told(lambda prompt: said("same")), Told(lambda prompt: next(replies)))
    (first,) = runner.ask_all(questions("a"), Work())
    (second,) = runner.ask_all(questions("b"), Work())
    assert (first[0].kind, second) == ("server", ["fine"])
    tally = runner.tally.of("judge")
    assert (tally.asked, tally.failed) == (2, 1)


def test_judging__a_failed_answer_is_not_judged(make):
    judge = Told(upper)
    runner = make(Told(lambda prompt: CallFailure(kind="timeout", detail="gave no answer")), judge)
    assert runner.ask_all(questions("a"), Work()) == [[]]
    assert judge.asked == []


def test_judging__out_of_budget_is_not_asked(make):
    judge = Told(upper)
    runner = make(Told(lambda prompt: said(prompt)), judge, budget={"calls": 1})
    ((verdict,),) = runner.ask_all(questions("a"), Work())
    assert (verdict.kind, judge.asked, runner.cut) == ("budget", [], "budget")


def test_judging__a_judge_that_is_given_up_is_asked_no_more(make):
    judge = Told(lambda prompt: CallFailure(kind="auth", detail="HTTP 401", fatal=True))
    runner = make(Told(lambda prompt: said(prompt)), judge)
    runner.ask_all(questions("a"), Work())
    found = runner.ask_all(questions(*"bcd"), Work())
    assert {one[0].kind for one in found} == {"given-up"}
    assert (len(judge.asked), runner.cut) == (1, "given-up")


def test_judging__a_bug_in_reading_a_verdict_is_raised(make):
    class Broken(Work):
        def use(self, answer, verdicts):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make(Told(upper), Told(upper)).ask_all(questions("a"), Broken())
