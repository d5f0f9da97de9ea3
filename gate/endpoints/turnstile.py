"""L3: who may call an endpoint now. One for all its threads: limits, the pause after a 429, and the breaker.

The thread at the head of the line waits; the others wait for it. So nothing stampedes when a wait is over.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from gate.domain import Completion
from gate.endpoints.breaker import Breaker
from gate.endpoints.limits import Limiter
from gate.endpoints.retry import Fault

_LOOK_AGAIN = 0.25
"""Seconds: what the head of the line waits for may come sooner than it looked, for a learnt pace grows."""

Sleep = Callable[[float], object]
"""Waits so many seconds; true where it was cut short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A call that was let through, at `sent`. `guess` and `aside` are tokens; `tries`: it tries an open breaker."""

    sent: float
    guess: int
    aside: float
    tries: bool


@dataclass(slots=True, kw_only=True)
class Turnstile:
    """Thread-safe; the limiter and the breaker inside it are not."""

    limiter: Limiter
    breaker: Breaker
    clock: Callable[[], float]
    jitter: Callable[[], float]
    sleep: Sleep | None = None
    _changed: threading.Event = field(default_factory=threading.Event, init=False)
    _ended: threading.Event = field(default_factory=threading.Event, init=False)
    _line: threading.Lock = field(default_factory=threading.Lock, init=False)
    _state: threading.Lock = field(default_factory=threading.Lock, init=False)
    _out: int = field(default=0, init=False)

    def enter(self, guess: int) -> Pass | None:
        """Wait until a call may start. None when the endpoint has been given up."""
        with self._line:
            now = self.clock()
            while True:
                with self._state:
                    if self.breaker.given_up is not None:
                        return None
                    wait = max(self.breaker.wait(now), self.limiter.wait(now))
                    if wait <= 0:
                        return self._admit(now, guess)
                    self._changed.clear()
                now = self._pause(now, wait)

    def _admit(self, now: float, guess: int) -> Pass:
        self._out += 1
        tries = self.breaker.started()
        return Pass(sent=now, guess=guess, aside=self.limiter.take(now, guess), tries=tries)

    def _pause(self, now: float, wait: float) -> float:
        """The instant after a wait: a clock that stands still (in a test) is believed no more than the sleep."""
        if self.sleep is not None and wait < math.inf:
            return max(self.clock(), now + wait) if not self.sleep(wait) else self.clock()
        self._changed.wait(min(wait, _LOOK_AGAIN))
        return self.clock()

    def rest(self, seconds: float) -> None:
        """A wait of one call between its attempts. It ends early when the endpoint is given up."""
        (self.sleep or self._ended.wait)(seconds)

    def leave(self, passed: Pass, outcome: Completion | Fault) -> None:
        """What became of the call."""
        now = self.clock()
        used = outcome.usage.input_tokens + outcome.usage.output_tokens if isinstance(outcome, Completion) else 0
        with self._state:
            self._out -= 1
            self.limiter.settle(passed.aside, passed.guess, used)
            if isinstance(outcome, Completion) or outcome.answering:
                self.breaker.answered()
                self.limiter.learned.answered()
            else:
                self._failed(passed, outcome, now)
        self._changed.set()

    def _failed(self, passed: Pass, fault: Fault, now: float) -> None:
        if fault.limited:
            self.limiter.learned.limited(passed.sent, now, fault.asked, self.jitter())
            self.breaker.limited(now, others=self._out, tried=passed.tries)
        else:
            self.breaker.failed(passed.sent, now, reached=fault.reached, others=self._out, tried=passed.tries)
        if self.breaker.given_up is not None:
            self._ended.set()
