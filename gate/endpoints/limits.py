"""L3: how fast calls may start: the policy's limits, and the limit that an endpoint's own 429s teach.

Pure: every instant is passed in, in seconds of a clock that does not jump. A pace is GCRA, the virtual-scheduling form
of ITU-T I.371 Annex A: a call starts no earlier than the instant at which all calls before it are paid for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

_SLACK_SECONDS = 0.1
_CLOSEST = 0.5
_SLOWEST = 1 / 60
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0
_CUT, _FURTHER_CUT, _DEEP_CUT = 0.95, 0.1, 0.5
_SOON_SECONDS = 1.0
_SHORT_RETURN_SECONDS, _RETURN_SECONDS, _LONGEST_RETURN, _RETURN_PAUSES = 6.0, 20.0, 300.0, 80.0
_GROWTH, _GROWTH_SECONDS = 0.05, 30.0
_LEARNING = 0.1


@dataclass(slots=True, kw_only=True)
class Pace:
    """`rate` units a second, started evenly.

    What was not used is lost, but for the slack: a tenth of a second's worth, so that a thread that woke late costs
    nothing. It is caught up with at twice the pace, never in a burst.
    """

    rate: float
    _paid_at: float = -math.inf
    _closest: float = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until the next call may start."""
        return max(0.0, self._paid_at - now, self._closest - now)

    def take(self, now: float, units: float = 1.0) -> None:
        begun = self._paid_at if self._paid_at >= now - _SLACK_SECONDS else now
        self._paid_at = begun + units / self.rate
        self._closest = now + _CLOSEST * units / self.rate

    def change(self, rate: float, now: float) -> None:
        """Go on at another rate; what is still to be waited for is waited for at that one."""
        share = self.rate / rate
        self._paid_at, self._closest = (
            at if at <= now else now + (at - now) * share for at in (self._paid_at, self._closest)
        )
        self.rate = rate

    def settle(self, units: float) -> None:
        """Take back (or, when negative, add) units that were taken on a guess."""
        self._paid_at -= units / self.rate


@dataclass(slots=True, kw_only=True)
class Learned:
    """The rate that an endpoint's 429s leave, in calls a second; none before the first.

    Between two 429s that did not belong together, the endpoint's allowance was used up at both ends: what it took in
    between, over the time, is about the allowance. The pace goes on from there, but not below 95 % of what it was; ten
    points less for each 429 in a row that comes within a second, and half while the allowance is still hunted for. Then
    it moves as TCP's CUBIC does (RFC 9438): back to where the 429 came, more slowly the nearer, and slowly beyond. Back
    takes 20 s, or 80 times the pause that the 429 cost, so that pauses stay rare (6 s while hunting). From the first
    429 to the second it doubles each half second.
    """

    _pace: Pace | None = None
    _base: float = 0.0
    _ceiling: float = math.inf  # the pace at which the last 429 came
    _began: float = -math.inf  # when this pace began
    _return: float = _RETURN_SECONDS
    _hunting: bool = True  # the allowance is not known within a factor of two yet
    _soon: int = 0  # 429s in a row that came within a second of going on
    _measured_from: float = 0.0
    _storm: float | None = None  # when the 429s began that are not learnt from yet
    _until: float = -math.inf  # the end of the pause
    _started: int = 0
    _refused: int = 0
    _streak: int = 0  # pauses without an answer in between

    def wait(self, now: float) -> float:
        pace = 0.0
        if self._pace is not None:
            self._pace.change(self.rate(now), now)
            pace = self._pace.wait(now)
        return max(self._until - now, pace, 0.0)

    def take(self, now: float) -> None:
        if self._storm is not None:
            self._learn(self._storm, now)
        elif self._pace is None and self._started == 0:
            self._measured_from = now
        if self._pace is not None:
            self._pace.take(now)
        self._started += 1

    def answered(self) -> None:
        self._streak = 0

    def limited(self, sent: float, now: float, asked: float | None, jitter: float) -> None:
        """A 429 for a call that was sent at `sent`. Those of one storm make one pause, the longest that any asked."""
        late = sent < self._began  # it belongs to a storm that is over
        first = not late and self._storm is None
        self._refused += not late
        if first:
            self._storm, self._streak = now, self._streak + 1
        if asked is not None:
            self._until = max(self._until, now + asked)
        elif first:
            self._until = max(self._until, now + self._pause(jitter))

    def rate(self, now: float) -> float:
        """Calls a second; infinite before the first 429."""
        if self._pace is None:
            return math.inf
        age = max(0.0, now - self._began)
        if self._ceiling == math.inf:
            return self._base * math.exp2(min(2 * age, 30.0))
        short = (self._ceiling - self._base) * max(0.0, 1 - age / self._return) ** 3
        return (self._ceiling - short) * (1 + _GROWTH * (max(0.0, age - self._return) / _GROWTH_SECONDS) ** 2)

    def _pause(self, jitter: float) -> float:
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * math.exp2(min(self._streak - 1, 20)))
        return longest * (0.5 + jitter / 2)  # other jobs may share the limit

    def _learn(self, storm: float, now: float) -> None:
        """The pause is over, and all refusals of its storm are in."""
        ended = now if self._pace is None else storm
        measured = max(self._started - self._refused, self._pace is None) / max(ended - self._measured_from, 0.001)
        if self._pace is not None:
            self._soon = self._soon + 1 if storm - self._began < _SOON_SECONDS else 0
            self._hunting = self._hunting and (self._soon > 0 or self._ceiling == math.inf)
            cut = _DEEP_CUT if self._hunting else max(_DEEP_CUT, _CUT - _FURTHER_CUT * self._soon)
            self._ceiling = self.rate(storm)
            measured = min(self._ceiling, max(measured, self._ceiling * cut))
            slow = min(_LONGEST_RETURN, max(_RETURN_SECONDS, _RETURN_PAUSES * (self._until - storm)))
            self._return = _SHORT_RETURN_SECONDS if self._hunting else slow
        self._base = max(measured, _SLOWEST)
        self._pace = Pace(rate=self._base)
        self._began, self._measured_from, self._storm = now, storm, None
        self._started = self._refused = 0


@dataclass(slots=True, kw_only=True)
class Limiter:
    """All limits of one endpoint together. Tokens are set aside by a guess, and settled by what was used."""

    requests: Pace | None = None
    tokens: Pace | None = None
    learned: Learned = field(default_factory=Learned)
    _share: float = 1.0  # of a guess that is really used, as it has turned out

    @classmethod
    def of(cls, requests_per_minute: int | None, tokens_per_minute: int | None) -> Limiter:
        return cls(
            requests=None if requests_per_minute is None else Pace(rate=requests_per_minute / 60),
            tokens=None if tokens_per_minute is None else Pace(rate=tokens_per_minute / 60),
        )

    def wait(self, now: float) -> float:
        """Seconds until the next call may start, as things stand."""
        paces = [pace.wait(now) for pace in (self.requests, self.tokens) if pace is not None]
        return max(self.learned.wait(now), *paces, 0.0)

    def take(self, now: float, guess: int) -> float:
        """A call starts. The tokens set aside for it."""
        self.learned.take(now)
        if self.requests is not None:
            self.requests.take(now)
        aside = guess * self._share
        if self.tokens is not None:
            self.tokens.take(now, aside)
        return aside

    def settle(self, aside: float, guess: int, used: int) -> None:
        """A call ended, and used so many tokens (0: none)."""
        if self.tokens is not None:
            self.tokens.settle(aside - used)
        if used and guess:
            self._share += _LEARNING * (min(max(used / guess, 0.01), 2.0) - self._share)
