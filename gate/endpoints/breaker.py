"""L3: an endpoint that only fails: growing pauses, one call at a time to try it, and at last it is given up.

Pure: every instant is passed in, in seconds of a clock that does not jump.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_ROUNDS_TO_OPEN = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
NEVER_REACHED_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class Breaker:
    """One endpoint's. Failures that were in flight together count as one: a hiccup hits hundreds of calls at once.

    After five failures, each of a call that was sent after the one before had failed, it opens: a pause, then one
    call. Each such call that fails doubles the pause, and one answer closes it.
    """

    give_up_seconds: float
    _reached: bool = False
    _failing_since: float | None = None
    _last_round: float = -math.inf
    _rounds: int = 0
    _opens_at: float = -math.inf
    _trying: bool = False
    _given_up: float | None = None

    @property
    def given_up(self) -> float | None:
        """For how many seconds it only failed, once it is given up."""
        return self._given_up

    @property
    def is_open(self) -> bool:
        return self._rounds >= _ROUNDS_TO_OPEN

    def wait(self, now: float) -> float:
        """Seconds until a call may start; infinite while one is out to try."""
        if not self.is_open:
            return 0.0
        return math.inf if self._trying else max(0.0, self._opens_at - now)

    def started(self) -> bool:
        """A call starts. Whether it is the one that tries."""
        self._trying = self.is_open
        return self._trying

    def answered(self) -> None:
        """The endpoint works."""
        self._reached, self._failing_since, self._rounds, self._trying = True, None, 0, False

    def failed(self, sent: float, now: float, *, reached: bool, others: int, tried: bool) -> None:
        """A call that was sent at `sent` failed; `others` are still out, and may yet be answered."""
        self._reached = self._reached or reached
        self._over(now, self._patience, others=others, tried=tried)
        if sent >= self._last_round:
            self._rounds, self._last_round = self._rounds + 1, now
            self._opens_at = self._next_try(now)

    def limited(self, now: float, *, others: int, tried: bool) -> None:
        """A rate limit refused a call. That opens nothing; but an endpoint that does only that is given up too."""
        self._reached, self._rounds = True, 0
        self._over(now, self.give_up_seconds, others=others, tried=tried)

    def _over(self, now: float, patience: float, *, others: int, tried: bool) -> None:
        """Keep the time of only failing: after all of it no new calls but those that try, and the last one decides."""
        self._trying = self._trying and not tried
        self._failing_since = now if self._failing_since is None else self._failing_since
        failing = now - self._failing_since
        if failing >= patience:
            self._rounds = max(self._rounds, _ROUNDS_TO_OPEN)
            self._given_up = None if others else failing

    def _next_try(self, now: float) -> float:
        """After the pause, or when the patience ends, to try a last time."""
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** max(0, min(self._rounds - _ROUNDS_TO_OPEN, 20)))
        ends = (now if self._failing_since is None else self._failing_since) + self._patience
        return min(now + pause, ends) if now < ends else now + pause

    @property
    def _patience(self) -> float:
        return self.give_up_seconds if self._reached else min(NEVER_REACHED_SECONDS, self.give_up_seconds)
