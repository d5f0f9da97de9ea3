"""L1: JSON lines, strictly: one object a line, unique keys, finite numbers; every bad line is located."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn, TypeVar

from gate.domain import Json
from gate.errors import Problem, Problems

MAX_PROBLEMS = 50

Item = TypeVar("Item")
Raw = TypeVar("Raw")


def read_jsonl(text: str, *, file: str, read: Callable[[dict[str, Json]], Item]) -> list[tuple[int, Item]]:
    """Each non-blank line through `read`, with its line number.

    `read` raises ValueError (``what`` or ``what | hint``) for a line that is not as it should be.

    Raises
    ------
    Problems
        The first 50 bad lines.
    """
    return read_each(_lines(text), file=file, read=lambda line: read(strict_object(line)))


def read_each(numbered: Iterable[tuple[int, Raw]], *, file: str, read: Callable[[Raw], Item]) -> list[tuple[int, Item]]:
    """What stands on each line through `read`, with the line's number. Raises Problems, as `read_jsonl` does."""
    items, problems = [], []
    for number, raw in numbered:
        try:
            items.append((number, read(raw)))
        except (ValueError, RecursionError) as error:
            problems.append(problem_of(file, number, error))
            if len(problems) >= MAX_PROBLEMS:
                break
    if problems:
        raise Problems(problems)
    return items


def _lines(text: str) -> Iterator[tuple[int, str]]:
    # Not splitlines(): U+2028 and friends may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def strict_object(line: str) -> dict[str, Json]:
    """The object that a text is, and nothing else. Raises ValueError, or RecursionError."""
    value = decode(line)
    if not isinstance(value, dict):
        raise BadLine("is not a JSON object")
    return value


def read_json(text: str, *, file: str) -> Json:
    """One JSON document that others wrote: repeated keys and NaN are let pass. Raises Problems, located."""
    try:
        value: Json = json.loads(text)
    except json.JSONDecodeError as error:
        located = problem_of(file, error.lineno, error)
    except (ValueError, RecursionError):
        located = Problem(file=file, what="is JSON nested too deeply, or with a number too long")
    else:
        return value
    raise Problems([located])


def decode(text: str) -> Json:
    """JSON with unique keys and finite numbers. Raises ValueError."""
    value: Json = _DECODER.decode(text)
    return value


class BadLine(ValueError):
    """A line that is JSON, but not what belongs here."""


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadLine("has a key twice")
    return found


def _not_finite(text: str) -> NoReturn:
    del text
    raise BadLine("holds NaN or Infinity | write null for a missing number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_not_finite)
"""Made once: `json.loads` with hooks makes one a line, which is a third of its time."""


def place(loc: Iterable[int | str]) -> str:
    """Where in a document, by our own names and by numbers. A key that the data chose is not printed."""
    return ".".join(part if re.fullmatch(r"\w{1,64}", part, re.ASCII) else "…" for part in map(str, loc))


def problem_of(file: str, line: int, error: Exception) -> Problem:
    """A bad line, located; the error's text is ``what`` or ``what | hint``."""
    if isinstance(error, json.JSONDecodeError):
        what = f"is not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        return Problem(file=file, line=line, column=error.colno, what=what)
    if isinstance(error, RecursionError):
        return Problem(file=file, line=line, column=1, what="is nested too deeply")
    what, _, hint = str(error).partition(" | ")
    return Problem(file=file, line=line, column=1, what=what, hint=hint)
