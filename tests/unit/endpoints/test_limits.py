"""Paces by a clock of the test's own, and the limiter against a strict token bucket, event by event."""

import heapq
import itertools
import math
import random

import pytest

from gate.endpoints.limits import Learned, Limiter, Pace


def starts(pace, seconds, *, late=0.0):
    """When calls start that are always waiting, each `late` after it may."""
    now, found = 0.0, []
    while now < seconds:
        wait = pace.wait(now)
        now += wait + (late if wait else 0.0)
        pace.take(now)
        found.append(now)
    return found


def test_pace__starts_are_even_from_the_first_on():
    found = starts(Pace(rate=10), 10)
    assert len(found) == pytest.approx(100, abs=2)
    assert [round(later - sooner, 6) for sooner, later in itertools.pairwise(found)] == [0.1] * (len(found) - 1)


def test_pace__waking_late_costs_nothing_and_bursts_nothing():
    found = starts(Pace(rate=50), 10, late=0.004)
    assert len(found) == pytest.approx(500, abs=3)
    assert min(later - sooner for sooner, later in itertools.pairwise(found)) >= 0.01 - 1e-9


def test_pace__an_idle_hour_is_not_made_up_for():
    pace = Pace(rate=10)
    pace.take(0.0)
    pace.take(3600.0)
    assert pace.wait(3600.0) == pytest.approx(0.1)


def test_tokens__a_guess_is_settled_by_what_was_used_and_the_next_guesses_are_better():
    limiter = Limiter.of(None, 60_000)
    aside = limiter.take(0.0, 1_000)
    assert limiter.wait(0.0) == pytest.approx(1.0)
    limiter.settle(aside, 1_000, 100)
    assert limiter.wait(0.5) == 0.0
    for number in range(1, 60):
        aside = limiter.take(float(number), 1_000)
        limiter.settle(aside, 1_000, 100)
    assert aside == pytest.approx(100, rel=0.05)


def test_tokens__a_call_that_failed_gives_all_back():
    limiter = Limiter.of(None, 600)
    aside = limiter.take(0.0, 1_000)
    limiter.settle(aside, 1_000, 0)
    assert limiter.wait(0.0) == pytest.approx(50.0)  # half of the way: the next call stays apart by that much
    assert limiter.wait(50.0) == 0.0


def test_learned__one_storm_is_one_pause_and_the_longest_that_was_asked():
    learned = Learned()
    for _ in range(20):
        learned.take(0.0)
    for asked in (None, 2.0, 1.0):
        learned.limited(0.0, 0.1, asked, 0.0)
    assert learned.wait(0.1) == pytest.approx(2.0)
    assert learned.rate(0.1) == math.inf
    learned.take(2.1)
    assert learned.rate(2.1) == pytest.approx(17 / 2.1)
    assert learned.wait(2.1) > 0


def test_learned__a_refusal_of_a_storm_that_is_over_teaches_nothing():
    learned = Learned()
    learned.take(0.0)
    learned.take(0.0)
    learned.limited(0.0, 0.1, None, 0.0)
    learned.take(1.0)
    before = learned.rate(1.0)
    learned.limited(0.0, 1.05, None, 0.0)
    assert learned.rate(1.0) == before
    assert learned.wait(1.05) < 1.0


def test_learned__pauses_grow_while_nothing_is_answered():
    learned, now, pauses = Learned(), 0.0, []
    for _ in range(12):
        learned.take(now)
        learned.limited(now, now, None, 1.0)
        pauses.append(learned._until - now)
        now += learned.wait(now)
    assert pauses[:4] == [0.25, 0.5, 1.0, 2.0]
    assert pauses[-1] == 30.0


def simulate(*, rate, bucket, workers, latency, retry_after, told=None, seconds=120.0):
    """Answered calls over the allowed ones, and the share of refused calls: virtual time, a seeded chance."""
    chance, limiter, queue, waiting, looking = random.Random(20261124), Limiter.of(told, None), [], workers, False
    tokens, refilled, answered, refused, number = float(bucket), 0.0, 0, 0, 0
    heapq.heappush(queue, (0.0, 0, "look", 0.0))
    while queue:
        now, _, what, sent = heapq.heappop(queue)
        if now > seconds:
            break
        if what == "look":
            looking = False
        elif what == "answered":
            waiting, answered = waiting + 1, answered + 1
            limiter.learned.answered()
        else:
            waiting, refused = waiting + 1, refused + 1
            asked = {"none": None, "ms": 1 / rate, "s": 1.0}[retry_after]
            limiter.learned.limited(sent, now, asked, chance.random())
        while waiting:
            wait = limiter.wait(now)
            number += 1
            if wait > 1e-9:
                if not looking:
                    heapq.heappush(queue, (now + wait + chance.random() / 1000, number, "look", 0.0))
                looking = True
                break
            limiter.take(now, 0)
            waiting -= 1
            tokens, refilled = min(float(bucket), tokens + (now - refilled) * rate), now
            if tokens >= 1:
                tokens -= 1
                heapq.heappush(queue, (now + latency * (0.5 + chance.random()), number, "answered", now))
            else:
                heapq.heappush(queue, (now + 0.03, number, "refused", now))
    return answered / (rate * seconds), refused / (answered + refused)


@pytest.mark.parametrize("retry_after", ["none", "ms", "s"])
@pytest.mark.parametrize(
    ("rate", "bucket", "workers", "latency"),
    [
        (100, 10, 64, 0.05),
        (100, 100, 64, 0.05),
        (10, 5, 64, 0.5),
        (10, 10, 64, 0.5),
        (2, 5, 16, 2.0),
        (300, 300, 128, 0.1),
    ],
)
def test_limiter__a_storm_costs_less_than_a_tenth_of_the_allowed_rate(rate, bucket, workers, latency, retry_after):
    case = {"rate": rate, "bucket": bucket, "workers": workers, "latency": latency, "retry_after": retry_after}
    untold, refused = simulate(**case)
    told, none = simulate(**case, told=rate * 60)
    assert (untold >= 0.9, told >= 0.97) == (True, True), (untold, told)
    assert refused < 0.15
    assert none < 0.001
