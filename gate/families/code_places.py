"""L4: where in the code an answer points, and which of its names: ranges of lines and identifiers, read tolerantly.

A place is a file (None: not said) and a range of lines, both ends included. What cannot be read as a place is none:
a line is never guessed from prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gate.domain import Json

TOLERANCE = 1
"""Lines that a place may lie beside the true one, at either end: a call over two lines can be placed on either."""
NAMES_READ = 6
"""Names of the code that are read from one answer: more would be a list of all there are."""

_MOST_PLACES = 10
_RANGE = re.compile(r"(?:lines?|L)?\s?(\d{1,6})(?:\s?(?:-|\u2013|to)\s?L?(\d{1,6}))?", re.IGNORECASE)
_FILE_RANGE = re.compile(r"(?!\d+[:#])([^\s:#]{1,300})(?::|#)L?(\d{1,6})(?:\s?[-\u2013]\s?L?(\d{1,6}))?(?::\d{1,6})?")
_NAME = re.compile(r"[^\W\d]\w{0,100}")
_SPEECH = frozenset(
    {"the", "a", "an", "in", "is", "of", "to", "and", "or", "for", "from", "if", "with", "as", "by", "on"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    file: str | None
    start: int
    end: int


def read_places(value: Json) -> list[Place]:
    """12 · "12-14" · "a.py:12" · {"file": …, "line": 12} · {"file": …, "start": 12, "end": 14} · a list of these."""
    values = value[:_MOST_PLACES] if isinstance(value, list) else [value]
    return [place for one in values if (place := _place(one)) is not None]


def overlap(given: Sequence[Place], accepted: Sequence[Place], *, only_file: str | None) -> float:
    """The share of the lines named in `given` that lie within `TOLERANCE` of an accepted place; 0 for none named.

    So one right line is enough of a right range, and naming the whole file is worth next to nothing. A file that is
    not said is `only_file`, the sample's file where it has but one.
    """
    named = sum(one.end - one.start + 1 for one in given)
    hit = sum(_covered(one, accepted, only_file) for one in given)
    return hit / named if named else 0.0


def names_in(text: str) -> list[str]:
    """The identifiers of a text in order, as they are compared: without case and underscores."""
    return [name.replace("_", "").casefold() for name in _NAME.findall(text)]


def names_match(said: str, accepted: Iterable[str], code: frozenset[str]) -> bool:
    """Is one of the accepted expressions named by the first identifiers of the code that `said` holds?

    An expression is known by its last identifier: ``request.args`` by ``args``, ``db->exec`` by ``exec``.
    """
    told = [name for name in names_in(said) if name in code and name not in _SPEECH]
    wanted = {names[-1] for expression in accepted if (names := names_in(expression))}
    return not wanted.isdisjoint(list(dict.fromkeys(told))[:NAMES_READ])


def _place(value: Json) -> Place | None:
    if isinstance(value, dict):
        return _from_object(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _range(None, value, value)
    if not isinstance(value, str) or len(value) > 500:
        return None
    text = value.strip()
    if match := _RANGE.fullmatch(text):
        return _range(None, int(match[1]), int(match[2] or match[1]))
    match = _FILE_RANGE.fullmatch(text)
    return _range(match[1], int(match[2]), int(match[3] or match[2])) if match else None


def _from_object(value: dict[str, Json]) -> Place | None:
    file = _first(value, "file", "path")
    start = _first(value, "start", "line", "lines", "start_line")
    end = _first(value, "end", "end_line")
    if isinstance(start, list):
        start, end = (start[0], start[-1]) if start else (None, None)
    low, high = _line(start), _line(start if end is None else end)
    return _range(file if isinstance(file, str) else None, low.start, high.end) if low and high else None


def _first(value: dict[str, Json], *keys: str) -> Json:
    return next((value[key] for key in keys if value.get(key) is not None), None)


def _line(value: Json) -> Place | None:
    return None if isinstance(value, dict) else _place(value)


def _range(file: str | None, start: int, end: int) -> Place | None:
    return Place(file=file, start=start, end=end) if 0 < start <= end < 1_000_000 else None


def _covered(given: Place, accepted: Sequence[Place], only_file: str | None) -> int:
    """Lines of `given` that lie within the tolerance of any accepted place."""
    beside = [one for one in accepted if _same_file(given.file or only_file, one.file or only_file)]
    lines, reached = 0, given.start - 1
    for low, high in sorted((one.start - TOLERANCE, one.end + TOLERANCE) for one in beside):
        last = min(high, given.end)
        lines += max(0, last - max(low - 1, reached))
        reached = max(reached, last)
    return lines


def _same_file(given: str | None, true: str | None) -> bool:
    """The same path, or the end of it: ``views.py`` for ``src/views.py``."""
    if given is None or true is None:
        return False
    ours, theirs = (path.replace("\\", "/").strip("./").split("/") for path in (given, true))
    shorter = min(len(ours), len(theirs))
    return ours[-shorter:] == theirs[-shorter:]
