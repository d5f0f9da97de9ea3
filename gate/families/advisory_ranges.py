"""L4: what sentences claim of versions: affected, fixed, not affected; ranges in the words people use for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gate.families.advisory_spans import LINKS, Group, groups_at
from gate.families.advisory_text import Token, plain, sentences, tokens
from gate.families.advisory_versions import Interval, below

Role = Literal["affected", "fixed", "safe", "bare"]
_ALL = re.compile(r"\b(?:all|every|any)\s(?:\w{3,12}\s)?(?:versions?|releases?)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One range, or one version (then both ends are it), and what is claimed of it. `bare`: nothing."""

    role: Role
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """In `affected`, ranges that were said without an end are closed at the next version that is called fixed;
    `endless` has them closed and as said. `denied`: the text says that there is no fix. `named`: every version in it.
    """

    affected: tuple[Interval, ...]
    endless: tuple[tuple[Interval, Interval], ...]
    fixed: tuple[str, ...]
    safe: tuple[Interval, ...]
    denied: bool
    named: frozenset[str]


@lru_cache(maxsize=1_024)
def claims(text: str) -> Claims:
    """What a text claims; its ranges without an end end at the next version that it calls fixed."""
    found: list[Claim] = []
    named: set[str] = set()
    denied = False
    for sentence in sentences(plain(text).text):
        here = tokens(sentence)
        denied = denied or any(one.kind == "cue" and one.text == "none" for one in here)
        items = list(_items(here))
        said = _with_roles(items)
        if _ALL.search(sentence) and _of_all(items) and not _ranged(said):
            said.append(Claim(role="affected", interval=Interval()))
        found += said
        named |= _named(here, items)
    return _summed(found, denied=denied, named=frozenset(named))


def is_point(interval: Interval) -> bool:
    return interval.low is not None and interval.low == interval.high


def _summed(found: Sequence[Claim], *, denied: bool, named: frozenset[str]) -> Claims:
    fixed = tuple(dict.fromkeys(_fix(one.interval) for one in found if one.role == "fixed"))
    pairs = [(_closed(one.interval, fixed), one.interval) for one in found if one.role == "affected"]
    return Claims(
        affected=tuple(dict.fromkeys(closed for closed, _ in pairs)),
        endless=tuple(pair for pair in pairs if pair[0] != pair[1]),
        fixed=fixed,
        safe=tuple(one.interval for one in found if one.role == "safe"),
        denied=denied,
        named=named,
    )


def _fix(interval: Interval) -> str:
    return str(interval.low if interval.high is None else interval.high)


def _closed(interval: Interval, fixed: Sequence[str]) -> Interval:
    if interval.high is not None:
        return interval
    low = interval.low
    later = [one for one in fixed if low is None or below("", low, one)]
    ends = [one for one in later if not any(below("", other, one) for other in later)]
    return Interval(low=low, low_in=interval.low_in, high=ends[0]) if ends else interval


def _of_all(items: Sequence[Group | str]) -> bool:
    """Does "all versions" in this sentence say what is affected? Where it says so, or speaks of no other versions."""
    return "affected" in items or not items


def _ranged(said: Sequence[Claim]) -> bool:
    return any(one.role in ("affected", "safe") for one in said)


def _named(here: Sequence[Token], items: Sequence[Group | str]) -> set[str]:
    """Versions with a dot wherever they stand, and plain numbers that a range is made of."""
    ends = {end for one in items if isinstance(one, Group) for end in (one.interval.low, one.interval.high) if end}
    return {one.text for one in here if one.kind == "version"} | ends


def _items(here: Sequence[Token]) -> Iterator[Group | str]:
    """Ranges, versions and role cues, in order; "≫" after a cue that leads straight to a version."""
    place = 0
    while place < len(here):
        groups, after = groups_at(here, place)
        if groups:
            yield from groups
        elif here[place].kind == "cue" and here[place].text in ("none", "safe", "fixed", "affected"):
            yield here[place].text
            if _leads(here, place + 1):
                yield "≫"
        place = max(after, place + 1)


def _leads(here: Sequence[Token], place: int) -> bool:
    for ahead in range(place, min(place + 5, len(here))):
        if groups_at(here, ahead)[0]:
            return True
        one = here[ahead]
        if one.text not in (":", "=") and one.text.casefold() not in LINKS and one.text != "to":
            return False
    return False


def _with_roles(items: Sequence[Group | str]) -> list[Claim]:
    """A role belongs to what follows it where it leads there ("fixed in 1.4"), else to what it follows ("1.4 has the
    fix"). What has no role is affected where it is a range, and nothing where it is one version."""
    said: list[Claim] = []
    loose: list[Group] = []
    role: str | None = None
    for place, item in enumerate(items):
        if isinstance(item, Group):
            role = "affected" if item.begun else role
            if role is None:
                loose.append(item)
            else:
                said += _claim(item, role, said)
        elif item != "≫":
            leads = place + 1 < len(items) and items[place + 1] == "≫"
            bound = loose and not leads and item != "none"
            said += [one for group in loose for one in _claim(group, item if bound else None, said)]
            loose = []
            role = None if bound or item == "none" else item
    return said + [one for group in loose for one in _claim(group, None, said)]


def _claim(group: Group, role: str | None, said: Sequence[Claim]) -> list[Claim]:
    if role == "fixed":
        if group.ignored or (group.opened and any(one.role == "fixed" for one in said)):
            return []
        ranged = not group.point and group.interval.high is not None
        upgrade = ranged and group.opened
        return [Claim(role="affected" if ranged and not upgrade else "fixed", interval=group.interval)]
    if role == "safe":
        return [Claim(role="safe", interval=group.interval)]
    if role == "affected" or not group.point:
        return [] if group.ignored and group.point else [Claim(role="affected", interval=group.interval)]
    return []
