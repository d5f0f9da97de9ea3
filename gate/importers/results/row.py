"""L2: an asking as every harness's log can be told in."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gate.domain import CallFailure, Json, Score, Unscored

OVERALL = ""
"""The metric of a task whose samples have one score without a name."""
_MOST_VALUES = 32_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One asking. `repeat` None: the harness does not number them. `error`: the call, or the scorer, had failed.

    `reason`: why a row without scores has none. `input`: a digest of what was asked and expected; empty where the log
    does not say.
    """

    task: str
    id: str
    repeat: int | None = None
    input: str = ""
    scores: Mapping[str, Json] = field(default_factory=dict)
    error: bool = False
    reason: str = "the log holds no score"
    slices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a log holds. `notices`: what a person should know of it, such as that its run was cancelled."""

    rows: tuple[Row, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A file: its lines, or its one document, where it is JSON; else its text. `name` never decides the form."""

    name: str
    items: list[Json]
    text: str = ""

    @property
    def first(self) -> Json:
        return self.items[0] if self.items else None

    @property
    def objects(self) -> list[dict[str, Json]]:
        """Every object: the lines, or those of the one list that the file is."""
        every = self.first if isinstance(self.first, list) else self.items
        return [one for one in every if isinstance(one, dict)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a log's form is told, and how it is read. `matches` never raises; `read` raises BadLog only."""

    matches: Callable[[Log], bool]
    read: Callable[[Log], Told]


class BadLog(ValueError):
    """A log that cannot be used: ``what`` or ``what | hint``."""


def refuse_crowded(text: str) -> None:
    """Raises BadLog for JSON of more values than memory holds: each takes about 100 bytes, however short its text."""
    if sum(map(text.count, ",[{")) > _MOST_VALUES:
        raise BadLog(f"holds more than {_MOST_VALUES:,} values | give fewer samples, or leave messages and events out")


def digest_of(*values: Json) -> str:
    """What was asked and expected, in 16 hexadecimal digits; equal JSON has equal digests."""
    try:
        text = json.dumps(values, sort_keys=True, ensure_ascii=True)
    except (RecursionError, ValueError):
        raise BadLog("holds an input that is nested too deeply") from None
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def result_of(row: Row, metric: str) -> Score | Unscored | CallFailure:
    """Never a number where there is none. Raises ValueError for a score outside 0 to 1."""
    if row.error:
        return CallFailure(kind="unknown", detail="recorded as an error")
    value = row.scores.get(metric)
    if isinstance(value, bool):
        return Score(value=float(value))
    if value is None:
        return Unscored(reason=row.reason)
    if not isinstance(value, int | float):
        return Unscored(reason="the score is no number")
    if isinstance(value, float) and not math.isfinite(value):
        return Unscored(reason="the score is NaN or infinite")
    if not 0 <= value <= 1:
        raise ValueError("has a score outside 0 to 1 | let the harness give a share, where 1 is best")
    return Score(value=float(value))


def texts(values: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """The values that can be slices: short texts."""
    for name, value in values.items():
        if isinstance(value, str) and value.strip() and len(value) <= 200:
            yield name, value


def whole(value: Json) -> int | None:
    """A number of a repeat, from 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000 else None
