"""L4: weaknesses as people write them, and how near one is to another.

Names and hierarchy are those of MITRE's list (gate/families/cwe.tsv, made by datasets/cwe_table.py from the PyPI
package cwe2); its first lines tell the version. The table is read when a name or a relation is first asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from gate.domain import Json

STEPS = (1.0, 0.6, 0.3)
"""Credit for the weakness itself, for its parent or child, and for their parents or children in the same line."""

_LONGEST = 5_000
_NUMBERED = re.compile(
    r"(?:\bcwe(?:[\s_-]?ids?|s)?[\s_:#\-\u2010-\u2015]{0,4}|definitions/)0{0,4}([1-9]\d{0,4})(?!\d)", re.IGNORECASE
)
_NEXT = re.compile(r"\s?(?:[,;/&+]|and\b|or\b)\s?#?([1-9]\d{0,4})(?=\s?(?:[,;/&+)\]]|and\b|or\b|$))", re.IGNORECASE)
_BARE = re.compile(r"\s?#?[1-9]\d{0,4}(?:\s?[,;/\s]\s?#?[1-9]\d{0,4}){0,50}\s?")
_WORD = re.compile(r"[a-z0-9]+|[./\\]{2,}")
_FILLERS = frozenset({"a", "an", "and", "or", "cwe", "vulnerability", "vulnerabilities", "weakness", "attack", "flaw"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    parents: Mapping[str, tuple[str, ...]]
    pillars: frozenset[str]
    names: Mapping[str, str]  # words, joined by a space → id
    most_words: int


def parse_cwes(value: Json) -> tuple[str, ...]:
    """The weaknesses that a text, a number or a list of them names: ``("CWE-79", …)``, each once, in order.

    Numbers count where "CWE" (in any case, with any joint) or a MITRE address leads to them, or where the text is
    nothing but numbers; what stands beside a number is its description, and is not read. A text without numbers counts
    where known names are all that it says: names of today and of earlier lists, nicknames and abbreviations. Anything
    else is no weakness: a name is looked up and never guessed. Linear in the text; at most 5,000 characters are read.
    """
    values = value[:100] if isinstance(value, list) else [value]
    found: dict[str, None] = {}
    for one in values:
        if isinstance(one, int) and not isinstance(one, bool):
            found |= dict.fromkeys([str(one)] if 0 < one < 100_000 else [])
        elif isinstance(one, str):
            text = re.sub(r"\s+", " ", one[:_LONGEST])
            found |= dict.fromkeys(_numbers(text) or _named(words(text)))
    return tuple(f"CWE-{ident}" for ident in found)


def nearness(given: str, true: str) -> float:
    """What naming `given` is worth where `true` is the weakness, in [0, 1].

    Steps are ChildOf relations of MITRE's research view (CWE-1000), all up or all down: a more general or a more
    special name for the same thing. Cousins are other things, and a pillar (such as CWE-707) says too little: 0.
    """
    if given == true:
        return STEPS[0]
    table = _table()
    here, there = given.removeprefix("CWE-"), true.removeprefix("CWE-")
    distance = _ascent(here, there, table) or _ascent(there, here, table)
    return STEPS[distance] if distance and here not in table.pillars else 0.0


def mentioned(text: str) -> frozenset[str]:
    """The weaknesses that running text names, by number or by name, among whatever else it says."""
    text = re.sub(r"\s+", " ", text[:_LONGEST])
    table, said = _table(), words(text)
    ends = [(start, _longest_name(said, start, table)) for start, word in enumerate(said) if word in _first_words()]
    named = [table.names[" ".join(said[start:end])] for start, end in ends if end > start]
    return frozenset(f"CWE-{ident}" for ident in [*_numbers(text), *named])


def words(text: str) -> list[str]:
    """A name as it is compared: its words and its runs of dots and slashes, without case, quotes and joints."""
    return _WORD.findall(text.casefold())


def _numbers(text: str) -> list[str]:
    if _BARE.fullmatch(text):
        return re.findall(r"\d+", text)
    found: list[str] = []
    for match in _NUMBERED.finditer(text):
        found.append(match[1])
        end = match.end()
        while following := _NEXT.match(text, end):
            found.append(following[1])
            end = following.end()
    return found


def _named(said: Sequence[str]) -> list[str]:
    """The ids of the names that `said` consists of; none where one word of it is not explained."""
    table, found, start = _table(), [], 0
    while start < len(said):
        end = _longest_name(said, start, table)
        if end == start and said[start] not in _FILLERS:
            return []
        if end > start:
            found.append(table.names[" ".join(said[start:end])])
        start = max(end, start + 1)
    return found


def _longest_name(said: Sequence[str], start: int, table: _Table) -> int:
    ends = range(min(len(said), start + table.most_words), start, -1)
    return next((end for end in ends if " ".join(said[start:end]) in table.names), start)


def _ascent(low: str, high: str, table: _Table) -> int:
    """Steps from `low` up to its ancestor `high`; 0 where that is no near ancestor."""
    level = {low}
    for step in range(1, len(STEPS)):
        level = {parent for one in level for parent in table.parents.get(one, ())}
        if high in level:
            return step
    return 0


@cache
def _first_words() -> frozenset[str]:
    return frozenset(name.split(" ", maxsplit=1)[0] for name in _table().names)


@cache
def _table() -> _Table:
    text = resources.files("gate").joinpath("families", "cwe.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    names = {name: row[0] for row in rows for name in row[4].split("|") if name}
    return _Table(
        parents={row[0]: tuple(row[2].split(",")) for row in rows if row[2]},
        pillars=frozenset(row[0] for row in rows if row[1] == "Pillar"),
        names=names,
        most_words=max(name.count(" ") + 1 for name in names),
    )
