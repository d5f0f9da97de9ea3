"""L1: a pull request comment → the waivers it asks for. Anybody can write one, so it is read as data: line by line,
each in one pass, with bounded length, and whatever is not exactly a command is no waiver.

A command stands on one line and begins it::

    /driftgate waive FAMILY[/NAME=VALUE] until YYYY-MM-DD [loss 0.08] [config PATH]
        [head SHA] [policy DIGEST] [baseline DIGEST] [candidate DIGEST] because WHY

Values with spaces are JSON strings: ``remediation/cwe="CWE 787"``. Quoted lines, code and HTML comments hold none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from gate.domain import SliceKey
from gate.files import path_problem
from gate.waiver_terms import FEWEST_HEX, Bound, read_day, read_reason

LONGEST_BODY, MOST_LINES, LONGEST_LINE, MOST_COMMANDS = 65_536, 2_000, 2_000, 20

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_HEX = re.compile(rf"(?:sha256:)?[0-9a-f]{{{FEWEST_HEX},64}}")
_LOSS = re.compile(r"0\.[0-9]{1,6}|1(?:\.0{1,6})?")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_WORD = re.compile(r'(?:[^\s"]|"(?:[^"\\]|\\.?)*+(?:"|$))++')  # possessive: one pass, whatever is written
_BARE = re.compile(r"[A-Za-z0-9_.:/+-]+")
_PLAIN = re.compile(r"[A-Za-z0-9 _.,:;/+=()-]")
_UNQUOTED = re.compile(r'[^\s"=]+')

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A waiver as a comment words it."""

    family: str
    slice: SliceKey | None
    until: date
    because: str
    loss: float | None
    config: str | None
    bound: Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Misread:
    """A line that begins like a command and is none. `what` quotes nothing of it."""

    what: str


def read_commands(body: str) -> list[Command | Misread]:
    """Every command of a comment, in its order. What stands below the 2,000th line is not read."""
    if "/driftgate" not in body:
        return []
    found: list[Command | Misread] = []
    for line in _visible(body[:LONGEST_BODY]):
        if line.split(maxsplit=1)[:1] != ["/driftgate"]:
            continue
        if len(found) == MOST_COMMANDS:
            return [*found, Misread(what=f"holds more than {MOST_COMMANDS} commands; the rest is not read")]
        try:
            found.append(_command(line))
        except ValueError as error:
            found.append(Misread(what=str(error)))
    return found


def _visible(body: str) -> Iterator[str]:
    """The lines that GitHub shows as text and that begin without a space: no code, no quote, no HTML comment."""
    fence, hidden = "", False
    for line in body.replace("\r\n", "\n").split("\n", MOST_LINES)[:MOST_LINES]:
        mark = _FENCE.match(line)
        if fence:
            closes = mark and mark[1].startswith(fence) and not line.strip(f" {fence[0]}\t")
            fence = "" if closes else fence
            continue
        if mark and not hidden:
            fence = mark[1]
            continue
        was_hidden, hidden = hidden, _hidden_after(line, hidden=hidden)
        if not was_hidden and line.startswith("/"):
            yield line


def _hidden_after(line: str, *, hidden: bool) -> bool:
    """Does an HTML comment go on after this line?"""
    opened, closed = line.rfind("<!--"), line.rfind("-->")
    return opened > closed if opened >= 0 else hidden and closed < 0


def _command(line: str) -> Command:
    """Raises ValueError, in our words alone."""
    line = line.replace("\t", " ").rstrip(" \r")
    if len(line) > LONGEST_LINE:
        raise ValueError(f"is longer than {LONGEST_LINE:,} characters")
    if not line.isprintable():
        raise ValueError("holds characters that cannot be seen")
    words = list(_WORD.finditer(line))
    end = next((number for number, one in enumerate(words) if one[0] == "because"), None)
    if [one[0] for one in words[1:2]] != ["waive"]:
        raise ValueError("is no command: the one there is, is /driftgate waive")
    if end is None or end < 3:
        raise ValueError("is not /driftgate waive FAMILY until YYYY-MM-DD because WHY")
    family, key = _unit(words[2][0])
    values = _pairs([one[0] for one in words[3:end]])
    return _made(family, key, values, line[words[end].end() :].strip())


def _made(family: str, key: SliceKey | None, values: dict[str, str], because: str) -> Command:
    if "until" not in values:
        raise ValueError("names no last day: until YYYY-MM-DD")
    return Command(
        family=family,
        slice=key,
        until=_told("until", read_day, values["until"]),
        because=_told("because", read_reason, because),
        loss=_told("loss", _loss, values["loss"]) if "loss" in values else None,
        config=_told("config", _path, values["config"]) if "config" in values else None,
        bound=Bound(**{name: _told(name, _hex, values[name]) for name in _BINDINGS if name in values}),
    )


_BINDINGS = ("head", "policy", "baseline", "candidate")
_KEYS = ("until", "loss", "config", *_BINDINGS)


def _pairs(words: list[str]) -> dict[str, str]:
    """``[until, 2026-12-31, loss, 0.08]`` → by key."""
    keys, values = words[::2], words[1::2]
    if len(keys) != len(values) or not set(keys) <= set(_KEYS):
        raise ValueError(f"has a word where one of {', '.join(_KEYS)} with its value belongs, or because")
    if len(set(keys)) != len(keys):
        raise ValueError("names something twice")
    return dict(zip(keys, values, strict=True))


def _told(name: str, read: Callable[[str], Read], text: str) -> Read:
    try:
        return read(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _unit(text: str) -> tuple[str, SliceKey | None]:
    family, slash, rest = text.partition("/")
    if not _NAME.fullmatch(family):
        raise ValueError("names no family after waive")
    if not slash:
        return family, None
    name, equals, value = rest.partition("=")
    if not _NAME.fullmatch(name) or not equals:
        raise ValueError("names a slice in another form than FAMILY/NAME=VALUE")
    return family, SliceKey(name=name, value=_told("slice", _value, value))


def _value(text: str) -> str:
    """Plain, or a JSON string."""
    if not text.startswith('"') and _UNQUOTED.fullmatch(text):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, str) or not found:
        raise ValueError('must be plain text without spaces, or in "quotes" as in JSON')
    return found


def _path(text: str) -> str:
    path = _value(text)
    if problem := path_problem(path):
        raise ValueError(problem)
    return path


def _loss(text: str) -> float:
    if not _LOSS.fullmatch(text) or not float(text):
        raise ValueError("must be a share such as 0.08 (eight points)")
    return float(text)


def _hex(text: str) -> str:
    if not _HEX.fullmatch(text):
        raise ValueError(f"must be {FEWEST_HEX} to 64 hex digits")
    return text


def word(text: str) -> str:
    """A value as a command writes it: plain where it can be, else a JSON string in which nothing is markup."""
    if _BARE.fullmatch(text):
        return text
    return f'"{"".join(one if _PLAIN.fullmatch(one) else _escaped(one) for one in text)}"'


def _escaped(letter: str) -> str:
    """As JSON escapes it."""
    data = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[place : place + 2].hex()}" for place in range(0, len(data), 2))
