"""L4: ranges of versions in the words people use for them: "before 1.4", "1.2 through 1.3.x", "[1.2, 1.4)"."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set as AbstractSet
from dataclasses import dataclass, replace

from gate.families.advisory_text import Token
from gate.families.advisory_versions import Interval, after_branch, below

_NOISE = {"version", "versions", "release", "releases", "the", "v", "ver", "series", "line", "branch", "its", "their"}
_BRANCH = {"line", "branch", "series", "stream", "track", "users", "train"}
LINKS = {"in", "by", "with", "to", "are", "is", "as", "of", "at", "for", "include", "includes"} | _NOISE
_LINKING = {"and", "or"}
_HAS = {"has", "is", "contains", "includes", "adds", "ships", "carries", "was"}
_STARTS = {"from", "begun", "after"}
_ENDS = {"before", "through", "to"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A range, or one version (`point`: both ends are it), and how it was said."""

    interval: Interval
    point: bool
    opened: bool = False  # "from 1.2", not "1.2 and later"
    begun: bool = False  # "introduced in 1.2"
    ignored: bool = False  # "the 1.2 branch", "for 1.x"


def groups_at(here: Sequence[Token], place: int) -> tuple[list[Group], int]:
    """What begins at a token (one group; several where each ends a branch: "before 1.2, 2.3"), and the place after."""
    group, after = _group(here, place)
    if group is None:
        return [], after
    ends_only = group.interval.low is None and group.interval.high is not None
    more, after = _branches(here, after, group) if ends_only else ([], after)
    first = replace(group, interval=replace(group.interval, unstated=True)) if more else group
    return [first, *more], after


def _group(here: Sequence[Token], place: int) -> tuple[Group | None, int]:
    """The range or version that begins at a token, and the place after it."""
    one = here[place]
    if one.kind == "span":
        return _bracketed(one.text), place + 1
    if one.kind == "cue" and one.text in _STARTS:
        return _from(here, place)
    if one.kind == "cue" and one.text == "between":
        return _between(here, place)
    if one.kind == "cue" and one.text in ("before", "through"):
        return _until(here, place)
    if one.kind == "version" or (one.kind == "number" and _is_version(here, place)):
        return _version(here, place)
    return None, place + 1


def _bracketed(text: str) -> Group | None:
    """Interval notation: [1.2, 1.4) has 1.2 and not 1.4. Two versions in round brackets are a list, not a range."""
    low, high = (part.strip() or None for part in text[1:-1].split(",", 1))
    if (low is None and high is None) or (text[0] + text[-1] == "()" and low and high):
        return None
    interval = Interval(low=low, high=high, low_in=text[0] == "[", high_in=text[-1] == "]")
    return Group(interval=_plain(interval), point=False)


def _from(here: Sequence[Token], place: int) -> tuple[Group | None, int]:
    low, after = _next_version(here, place + 1)
    if low is None:
        return None, place + 1
    inclusive, after = _inclusive(here, after, default=here[place].text != "after")
    group, after = _ended(here, after, Interval(low=_floor(low), low_in=inclusive), opened=True)
    return replace(group, begun=here[place].text == "begun"), after


def _ended(here: Sequence[Token], after: int, begun: Interval, *, opened: bool) -> tuple[Group, int]:
    """A range whose lower end is read: with its upper end, where one follows."""
    if _cue_at(here, after) == "on":
        after += 1
    ahead = _past(here, after, {",", "but", "(", *_LINKING})
    if _cue_at(here, ahead) == "to" and _cue_at(here, ahead + 1) in ("before", "through"):
        ahead += 1
    cue = _cue_at(here, ahead)
    high, beyond = _next_version(here, ahead + 1) if cue in _ENDS else (None, after)
    if high is None:
        return Group(interval=_plain(begun), point=False, opened=opened), after
    inclusive, beyond = _inclusive(here, beyond, default=cue != "before")
    return Group(interval=_plain(_capped(begun, high, inclusive=inclusive)), point=False, opened=opened), beyond


def _between(here: Sequence[Token], place: int) -> tuple[Group | None, int]:
    low, after = _next_version(here, place + 1)
    _, after = _inclusive(here, after, default=True)
    high, beyond = _next_version(here, _past(here, after, _LINKING)) if low is not None else (None, after)
    if low is None or high is None:
        return None, place + 1
    inclusive, beyond = _inclusive(here, beyond, default=True)
    return Group(interval=_plain(_capped(Interval(low=_floor(low)), high, inclusive=inclusive)), point=False), beyond


def _until(here: Sequence[Token], place: int) -> tuple[Group | None, int]:
    high, after = _next_version(here, place + 1)
    if high is None:
        return None, place + 1
    inclusive, after = _inclusive(here, after, default=here[place].text == "through")
    ahead = _past(here, after, {",", *_LINKING})
    lower, beyond = _from(here, ahead) if _cue_at(here, ahead) in _STARTS else (None, after)
    begun = Interval()
    if lower and lower.interval.low and lower.interval.high is None and below("", lower.interval.low, high):
        begun, after = lower.interval, beyond
    return Group(interval=_plain(_capped(begun, high, inclusive=inclusive)), point=False), after


def _branches(here: Sequence[Token], place: int, last: Group) -> tuple[list[Group], int]:
    """What follows "before 1.15.4": ", 2.0.3 and 2.1.2", each the end of a branch of its own."""
    found: list[Group] = []
    while True:
        ahead = _past(here, place, {",", *_LINKING})
        version, after = _next_version(here, ahead) if ahead > place else (None, place)
        if version is None or version[-1] in "xX*" or not below("", str(last.interval.high), version):
            return found, place
        if (_cue_at(here, after) or "affected") != "affected" or _word_at(here, after) in _HAS:
            return found, place
        ends = Interval(high=version, high_in=last.interval.high_in, unstated=True)
        last, place = Group(interval=ends, point=False), after
        found.append(last)


def _past(here: Sequence[Token], place: int, words: AbstractSet[str]) -> int:
    """Up to three of these words and noise further."""
    most = min(len(here), place + 3)
    while place < most and (_word_at(here, place) in words or _word_at(here, place) in _NOISE):
        place += 1
    return place


def _word_at(here: Sequence[Token], place: int) -> str:
    return here[place].text.casefold() if place < len(here) and here[place].kind != "cue" else ""


def _version(here: Sequence[Token], place: int) -> tuple[Group | None, int]:
    text, after = here[place].text, place + 1
    while _word_at(here, after) in _NOISE - {"the"}:
        after += 1
    if (second := _inequality(here, place)) is not None:
        floor = Interval(low=_floor(text), low_in=_cue_at(here, place + 1) == "through")
        return _ended(here, second, floor, opened=False)
    cue = _cue_at(here, after)
    if cue == "down":
        return Group(interval=_capped(Interval(), text, inclusive=True), point=False), after + 1
    if cue == "on" or (after < len(here) and here[after].text == "+"):
        return _ended(here, after if cue == "on" else after + 1, Interval(low=_floor(text)), opened=False)
    if cue in _ENDS:
        return _ended(here, after, Interval(low=_floor(text)), opened=False)
    return _single(here, place, text), place + 1


def _inequality(here: Sequence[Token], place: int) -> int | None:
    """The place of the second sign of "1.2 <= version < 1.4"."""
    if _cue_at(here, place + 1) not in ("before", "through"):
        return None
    second = place + 3 if _word_at(here, place + 2) in {"version", "versions", "v", "ver", "x"} else place + 2
    return second if _cue_at(here, second) in ("before", "through") else None


def _single(here: Sequence[Token], place: int, text: str) -> Group:
    preceding = _word_at(here, place - 1) if place else ""
    branch = _word_at(here, place + 1) in _BRANCH or preceding in ("for", "python") or text[-1] in "xX*"
    if text[-1] in "xX*":
        return Group(interval=Interval(low=_floor(text), high=after_branch(_floor(text))), point=False, ignored=branch)
    return Group(interval=Interval(low=text, high=text, high_in=True), point=True, ignored=branch)


def _next_version(here: Sequence[Token], place: int) -> tuple[str | None, int]:
    """The version at or a few words after a place: "before (and not in) Amber version 1.4" has a name in between."""
    for ahead in range(place, min(place + 5, len(here))):
        one = here[ahead]
        if one.kind == "version" or (one.kind == "number" and _is_version(here, ahead, led=True)):
            return one.text, ahead + 1
        named = one.kind == "word" and (one.text.casefold() in _NOISE or one.text[:1].isupper() or "-" in one.text)
        if not named and one.text not in (":", "="):
            return None, place
    return None, place


def _is_version(here: Sequence[Token], place: int, *, led: bool = False) -> bool:
    """Is a number without a dot a version? "before 112", "version 7 and earlier"; not "before 30 days"."""
    following = here[place + 1] if place + 1 < len(here) else None
    counted = (
        following is not None and following.kind == "word" and following.text.casefold() not in LINKS | {"and", "or"}
    )
    preceding = _word_at(here, place - 1) if place else ""
    ends = _cue_at(here, place + 1) in _ENDS and here[min(place + 2, len(here) - 1)].kind == "version"
    ends = ends or _inequality(here, place) is not None
    return not counted and (led or ends or preceding in {"version", "versions", "release", "releases"})


def _inclusive(here: Sequence[Token], place: int, *, default: bool) -> tuple[bool, int]:
    at = place + 1 if place < len(here) and here[place].text in "(," else place
    cue = _cue_at(here, at)
    if cue not in ("excl", "incl"):
        return default, place
    closed = at + 1 < len(here) and here[at + 1].text == ")"
    return cue == "incl", at + 2 if closed else at + 1


def _cue_at(here: Sequence[Token], place: int) -> str | None:
    return here[place].text if place < len(here) and here[place].kind == "cue" else None


def _capped(begun: Interval, high: str, *, inclusive: bool) -> Interval:
    """With an upper end; through 1.4.x is before 1.5."""
    if high[-1] in "xX*":
        high, inclusive = (after_branch(_floor(high)), False) if inclusive else (_floor(high), False)
    return Interval(low=begun.low, low_in=begun.low_in, high=high, high_in=inclusive)


def _floor(version: str) -> str:
    """Where a branch begins: 1.4 for 1.4.x."""
    return re.sub(r"(?:\.[xX*])+$", "", version)


def _plain(interval: Interval) -> Interval:
    """OSV's "0" is no end."""
    if interval.low is None or not interval.low.strip("v0."):
        return Interval(high=interval.high, high_in=interval.high_in)
    return interval
