"""The runner with a real store and endpoints that are functions."""

import threading
from dataclasses import replace

import pytest

from gate.budget import Purse
from gate.domain import Answer, Call, CallFailure, ChatRequest, Completion, Message, Question, Usage
from gate.endpoint_rule import EndpointRule
from gate.errors import Interrupted
from gate.policy import Budget
from gate.runner import Kept, Line, Runner
from gate.store import Store
from gate.tally import Tally

RULE = EndpointRule(protocol="openai-chat", base_url="https://api.example.com/v1", max_concurrency=4)


class Told:
    """An endpoint that answers by a function of the prompt and remembers what it was asked."""

    def __init__(self, answer=lambda prompt: Completion(text=prompt.upper(), usage=Usage(input_tokens=10))):
        self.answer, self.asked, self.lock = answer, [], threading.Lock()

    def ask(self, request):
        prompt = request.messages[-1].content
        with self.lock:
            self.asked.append(prompt)
        return self.answer(prompt)


class Work:
    def alias(self, question):
        return "e"

    def call(self, question):
        request = ChatRequest(model="m", messages=(Message(role="user", content=question.sample_id),))
        return Call(alias="e", request=request, repeat=question.repeat)

    def judging(self, answer):
        return ()

    def use(self, answer, verdicts):
        return answer


def questions(*ids, arm="candidate"):
    return [Question(config="c", family="f", sample_id=one, arm=arm, repeat=0) for one in ids]


@pytest.fixture
def make(tmp_path):
    opened = []

    def runner(endpoint, *, run="run-1", budget=None, now=lambda: 1_000.0, **line):
        store = Store.open(tmp_path / "answers.sqlite", now=now, say=lambda text: None)
        opened.append(store)
        return Runner(
            lines={"e": Line(rule=RULE, endpoint=endpoint, **line)},
            purse=Purse(budget=Budget(**(budget or {})), clock=lambda: 0.0),
            kept=Kept(store=store, runs={"c": run}),
            tally=Tally({"e": RULE}),
            now=now,
        )

    yield runner
    for store in opened:
        store.close()


def test_ask_all__answers_come_in_the_order_of_the_questions(make):
    ids = [f"q{number}" for number in range(50)]
    found = make(Told()).ask_all(questions(*ids), Work())
    assert [one.outcome.text for one in found] == [one.upper() for one in ids]


@pytest.mark.parametrize("slow", [True, False])
def test_ask_all__what_is_done_meanwhile_is_done_once_to_its_end_and_no_answer_waits_for_it(make, slow):
    done, asked = [], threading.Event()

    def answer(prompt):
        assert not slow or asked.wait(10)
        return Completion(text=prompt)

    def steps():
        for number in range(3):
            done.append(number)
            yield
        asked.set()

    runner, meanwhile = make(Told(answer)), steps()
    for _ in range(2):
        assert len(runner.ask_all(questions("a", "b"), Work(), meanwhile=meanwhile)) == 2
    assert done == [0, 1, 2]


def test_ask_all__what_this_run_paid_for_is_not_asked_again(make):
    endpoint = Told()
    make(endpoint).ask_all(questions("a", "b"), Work())
    again = make(endpoint)
    found = again.ask_all(questions("a", "b", "c"), Work())
    assert sorted(endpoint.asked) == ["a", "b", "c"]
    assert [one.cached for one in found] == [False] * 3, "paid by this run, only earlier"
    assert again.purse.spent.calls == 3, "the budget counts what was paid before the interruption"


def test_ask_all__another_runs_answer_is_never_used_instead_of_asking(make):
    endpoint = Told()
    make(endpoint).ask_all(questions("a", arm="baseline"), Work())
    (found,) = make(endpoint, run="run-2").ask_all(questions("a", arm="baseline"), Work())
    assert (found.cached, len(endpoint.asked)) == (False, 2)


def test_earlier__other_runs_answers_by_run_not_older_than_allowed(make):
    (asked,) = questions("a", arm="baseline")
    times = {"old": 1_000.0, "young": 1_900.0, "own": 1_950.0, "of a wrong clock": 9_000.0}
    for run, when in times.items():
        make(Told(lambda prompt, run=run: Completion(text=run)), run=run, now=lambda when=when: when).ask_all(
            [asked], Work()
        )
    runner = make(Told(), run="own", now=lambda: 2_000.0)
    call = Work().call(asked)
    assert {run: one.outcome.text for run, one in runner.earlier(asked, call, max_age=500.0).items()} == {
        "young": "young"
    }
    both = runner.earlier(asked, call, max_age=5_000.0)
    assert set(both) == {"old", "young"}
    assert all(one.cached for one in both.values())


def test_ask_all__repeats_are_asked_each_on_its_own(make):
    endpoint = Told()
    asked = [Question(config="c", family="f", sample_id="a", arm="candidate", repeat=number) for number in range(3)]
    make(endpoint).ask_all(asked, Work())
    assert endpoint.asked == ["a"] * 3


def test_ask_all__a_failure_is_not_kept_and_is_asked_again(make):
    failing = Told(lambda prompt: CallFailure(kind="server", detail="answered HTTP 500"))
    (found,) = make(failing).ask_all(questions("a"), Work())
    assert isinstance(found.outcome, CallFailure)
    (found,) = make(Told()).ask_all(questions("a"), Work())
    assert found.outcome.text == "A"


def test_ask_all__a_fatal_failure_ends_the_asking_of_that_endpoint(make):
    endpoint = Told(lambda prompt: CallFailure(kind="auth", detail="refused the key", fatal=True))
    runner = make(endpoint)
    found = runner.ask_all(questions(*(f"q{number}" for number in range(200))), Work())
    assert len(endpoint.asked) <= RULE.max_concurrency
    assert {one.outcome.detail for one in found} == {"refused the key"}
    runner.ask_all(questions("later"), Work())
    assert "later" not in endpoint.asked, "also in a later batch of the same run"


def test_ask_all__without_a_key_stored_answers_serve_and_the_rest_say_why(make):
    make(Told()).ask_all(questions("a"), Work())
    runner = make(None, missing="endpoint e: THE_KEY is not set")
    kept, lost = runner.ask_all(questions("a", "b"), Work())
    assert kept.outcome.text == "A"
    assert lost.outcome.detail == "endpoint e: THE_KEY is not set"


def test_ask_all__an_endpoint_that_raises_is_a_failure_of_that_call_alone(make):
    def answer(prompt):
        if prompt == "bad":
            raise RuntimeError("sk-secret")
        return Completion(text="ok")

    bad, good = make(Told(answer)).ask_all(questions("bad", "good"), Work())
    assert bad.outcome.detail == "asking failed (RuntimeError)"
    assert good.outcome.text == "ok"


def test_ask_all__a_bug_in_using_an_answer_is_raised_not_swallowed(make):
    class Broken(Work):
        def use(self, answer, verdicts):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make(Told()).ask_all(questions("a"), Broken())


def test_ask_all__the_budget_ends_asking_and_says_what_was_not_asked(make):
    endpoint = Told()
    runner = make(endpoint, budget={"calls": 3})
    found = runner.ask_all(questions(*"abcdefgh"), Work())
    refused = [one for one in found if isinstance(one.outcome, CallFailure)]
    assert (len(endpoint.asked), len(refused)) == (3, 5)
    assert {one.outcome.kind for one in refused} == {"budget"}


def test_ask_all__an_interruption_keeps_what_was_answered(make):
    endpoint = Told()
    runner = make(endpoint)

    def interrupt(standings, spent):
        raise KeyboardInterrupt

    runner.progress = interrupt
    slow = threading.Event()
    endpoint.answer = lambda prompt: (slow.wait(5) if prompt == "slow" else None) or Completion(text=prompt)
    with pytest.raises(Interrupted):
        runner.ask_all(questions("a", "slow"), Work())
    slow.set()


def test_standings__count_by_family_over_several_batches(make):
    runner = make(Told())
    runner.ask_all(questions("a", "b"), Work())
    runner.ask_all(questions("c"), Work())
    (one,) = runner.standings()
    assert (one.family, one.done, one.failed, one.total) == ("f", 3, 0, 3)


def test_answer__is_a_stage_of_its_own(make):
    (found,) = make(Told()).ask_all(questions("a"), Work())
    assert isinstance(found, Answer)
    assert found.asked_at == 1_000.0


def test_prepaid__counts_against_the_budget_first_and_once_and_is_tallied_also_when_no_one_asks(make):
    make(Told()).ask_all(questions("a", "b"), Work())
    endpoint = Told()
    again = make(endpoint, budget={"calls": 3})
    again.prepaid(questions("a", "b", "absent"), Work())
    assert again.purse.spent.calls == 2
    for one in "dea":
        again.ask_all(questions(one), Work())
    again.count_unused(Work())
    assert (again.purse.spent.calls, endpoint.asked) == (3, ["d"])
    tally = again.tally.of("candidate")
    assert (tally.asked, tally.failed, tally.cached) == (4, 1, 0), "d, e, a, and b"


def test_ask_all__goes_on_while_what_takes_long_is_done(make):
    every = threading.Event()

    def answer(prompt):
        if len(endpoint.asked) == 40:
            every.set()
        return Completion(text=prompt.upper())

    endpoint = Told(answer)

    class Slow(Work):
        def call(self, question):
            return replace(super().call(question), slow=True)

        def use(self, answer, verdicts):
            assert every.wait(30)  # nobody is done before everybody was asked
            return answer.outcome.text

    ids = [f"q{n}" for n in range(40)]
    assert make(endpoint).ask_all(questions(*ids), Slow()) == [one.upper() for one in ids]
