"""L1: what a waiver is, and its words, whichever way it comes: in a file (`gate.waivers`) or in a comment
(`gate.waiver_command`). What it covers is decided in `gate.waiving`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from gate.domain import SliceKey

FEWEST_HEX = 20  # of a commit or digest: 80 bits, so that nobody makes another one with the same beginning
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a waiver was given for, as hex digits or their beginning. None: it does not say."""

    head: str | None = None
    policy: str | None = None
    baseline: str | None = None
    candidate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One permission. `where` tells people where it stands; `loss` None: what the run itself measures.

    Of a comment, `void` says why it counts for nothing, and `unseen` why what it does not name was not filled in.
    """

    source: Literal["file", "comment"]
    where: str
    family: str
    slice: SliceKey | None
    config: str | None
    loss: float | None
    given: date
    until: date
    approver: str
    because: str
    bound: Bound
    void: str = ""
    unseen: str = ""


State = Literal["in force", "unused", "expired", "lapsed", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverUse:
    """What became of a waiver in a run, for the report. `loss` is the largest loss allowed, `measured` the run's;
    `unchecked` names what this run could not check."""

    source: Literal["file", "comment"]
    where: str
    config: str | None
    family: str
    slice: SliceKey | None
    approver: str
    because: str
    given: str
    until: str
    loss: float | None
    measured: float | None = None
    state: State
    reason: str
    unchecked: tuple[str, ...] = ()


def read_day(text: str) -> date:
    """``2026-12-31`` and nothing else; raises ValueError."""
    try:
        if len(text) == 10 and text.isascii():
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError("must be a day like 2026-12-31")


def read_reason(text: str) -> str:
    """A reason somebody can read later; raises ValueError."""
    if not any(letter.isalnum() for letter in text):
        raise ValueError("must say why")
    if len(text) > LONGEST_REASON:
        raise ValueError(f"must have at most {LONGEST_REASON} characters")
    return text
