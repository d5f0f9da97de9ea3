"""The breaker by a clock of the test's own."""

import math

from gate.endpoints.breaker import NEVER_REACHED_SECONDS, Breaker


def fail_alone(breaker, now, *, reached=True, takes=0.0):
    """One call that starts when it may and fails; when it ended."""
    now += breaker.wait(now)
    tries = breaker.started()
    breaker.failed(now, now + takes, reached=reached, others=0, tried=tries)
    return now + takes


def test_breaker__failures_of_calls_in_flight_together_are_one():
    breaker = Breaker(give_up_seconds=120)
    for number in range(200):
        breaker.failed(0.0, 1.0 + number / 1000, reached=False, others=199 - number, tried=False)
    assert not breaker.is_open
    assert breaker.wait(1.2) == 0.0


def test_breaker__opens_after_five_tries_one_call_at_a_time_and_closes_with_an_answer():
    breaker, now = Breaker(give_up_seconds=120), 0.0
    breaker.answered()
    for _ in range(5):
        now = fail_alone(breaker, now)
    assert breaker.wait(now) == 0.5
    assert breaker.started()
    assert breaker.wait(now + 99) == math.inf  # while one is out to try
    breaker.answered()
    assert breaker.wait(now + 99) == 0.0
    assert not breaker.started()


def test_breaker__pauses_double_and_the_last_try_is_when_patience_ends():
    breaker, now, times = Breaker(give_up_seconds=40), 0.0, []
    breaker.answered()
    while breaker.given_up is None:
        now = fail_alone(breaker, now)
        times.append(now)
    assert times == [0, 0, 0, 0, 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 40]
    assert breaker.given_up == 40


def test_breaker__what_was_never_reached_is_given_up_sooner():
    breaker, now = Breaker(give_up_seconds=120), 0.0
    while breaker.given_up is None:
        now = fail_alone(breaker, now, reached=False)
    assert now == NEVER_REACHED_SECONDS


def test_breaker__calls_that_all_time_out_are_given_up_after_the_second_round():
    breaker, calls, waiting = Breaker(give_up_seconds=120), 0, [(number / 10, False) for number in range(64)]
    while breaker.given_up is None and calls < 1_000:
        sent, tried = waiting.pop(0)
        calls += 1
        breaker.failed(sent, sent + 120, reached=False, others=len(waiting), tried=tried)
        if breaker.wait(sent + 120) == 0.0:
            waiting.append((sent + 120, breaker.started()))
    assert breaker.given_up is not None
    assert calls <= 3 * 64


def test_breaker__calls_still_out_may_yet_be_answered():
    breaker = Breaker(give_up_seconds=1)
    breaker.failed(0.0, 0.0, reached=True, others=3, tried=False)
    breaker.failed(5.0, 5.0, reached=True, others=3, tried=False)
    assert breaker.given_up is None
    breaker.answered()
    breaker.failed(6.0, 6.0, reached=True, others=0, tried=False)
    assert breaker.given_up is None


def test_breaker__rate_limits_open_nothing_but_are_not_borne_for_ever():
    breaker = Breaker(give_up_seconds=120)
    for now in (0.0, 30.0, 60.0, 90.0):
        breaker.limited(now, others=0, tried=False)
        assert (breaker.wait(now), breaker.given_up) == (0.0, None)
    breaker.limited(120.0, others=0, tried=False)
    assert breaker.given_up == 120.0
