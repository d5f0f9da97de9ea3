"""One turnstile for many threads. No test here waits for a clock: sleeping moves it."""

import threading

import pytest

from gate.domain import Completion, Usage
from gate.endpoints.breaker import Breaker
from gate.endpoints.limits import Limiter
from gate.endpoints.retry import Fault, silence
from gate.endpoints.turnstile import Turnstile

ANSWER = Completion(text="x", usage=Usage(input_tokens=50, output_tokens=50))
LIMITED = Fault(kind="rate-limited", detail="answered HTTP 429", again=True, asked=7.0)


class Clock:
    """Stands still but for sleeping."""

    def __init__(self):
        self.now, self.slept = 100.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(round(seconds, 6))
        self.now += seconds


def turnstile(clock, *, requests=None, tokens=None, give_up=120.0, sleep=True):
    return Turnstile(
        limiter=Limiter.of(requests, tokens),
        breaker=Breaker(give_up_seconds=give_up),
        clock=clock,
        jitter=lambda: 0.0,
        sleep=clock.sleep if sleep else None,
    )


def test_enter__the_first_goes_at_once_and_the_rest_evenly():
    clock = Clock()
    gate = turnstile(clock, requests=60)
    sent = [gate.enter(10).sent for _ in range(4)]
    assert sent == [100.0, 101.0, 102.0, 103.0]


def test_enter__tokens_are_set_aside_and_settled():
    clock = Clock()
    gate = turnstile(clock, tokens=6_000)
    first = gate.enter(1_000)
    gate.leave(first, ANSWER)
    assert gate.enter(1_000).sent == pytest.approx(105.0)  # 10 s were set aside, 1 s was used; half of 10 s apart


def test_leave__a_429_pauses_everybody_once():
    clock = Clock()
    gate = turnstile(clock)
    passes = [gate.enter(1) for _ in range(5)]
    for passed in passes[:3]:
        gate.leave(passed, LIMITED)
    assert gate.enter(1).sent == 107.0
    assert clock.slept == [7.0]


def test_leave__a_request_that_was_refused_is_no_failure_of_the_endpoint():
    clock = Clock()
    gate = turnstile(clock, give_up=1.0)
    rejected = Fault(kind="rejected", detail="answered HTTP 400", again=False)
    for _ in range(50):
        gate.leave(gate.enter(1), rejected)
        clock.now += 1
    assert clock.slept == []
    assert gate.breaker.given_up is None


def test_enter__a_clock_that_stands_still_is_believed_no_more_than_the_sleep():
    slept = []
    gate = Turnstile(
        limiter=Limiter.of(60, None),
        breaker=Breaker(give_up_seconds=1),
        clock=lambda: 5.0,
        jitter=lambda: 0.0,
        sleep=slept.append,
    )
    assert [gate.enter(1).sent for _ in range(3)] == [5.0, 6.0, 7.0]
    assert slept == [1.0, 2.0]


def test_give_up__ends_every_wait():
    """Threads at the turnstile and between attempts all come back; the limit alone would hold them for hours."""
    clock = Clock()
    gate = turnstile(clock, requests=1, give_up=1.0, sleep=False)
    first, results = gate.enter(1), []
    waiting = [threading.Thread(target=lambda: results.append(gate.enter(1)), daemon=True) for _ in range(8)]
    resting = threading.Thread(target=lambda: results.append(gate.rest(9_999)), daemon=True)
    for one in (*waiting, resting):
        one.start()
    gate.breaker.failed(0.0, 0.0, reached=True, others=1, tried=False)
    gate.leave(first, silence("network", "could not be reached"))
    for one in (*waiting, resting):
        one.join(10)
    assert results == [None] * 9


def test_open__one_call_at_a_time_tries_and_an_answer_lets_the_rest_through():
    clock = Clock()
    gate = turnstile(clock, sleep=False)
    for _ in range(5):
        gate.leave(gate.enter(1), silence("server", "answered HTTP 500"))
        clock.now += 0.001
    clock.now += 1.0
    trying, through = gate.enter(1), []
    others = [threading.Thread(target=lambda: through.append(gate.enter(1)), daemon=True) for _ in range(6)]
    for one in others:
        one.start()
    others[0].join(0.3)
    assert (trying.tries, through) == (True, [])
    gate.leave(trying, ANSWER)
    for one in others:
        one.join(10)
    assert [passed.tries for passed in through] == [False] * 6
