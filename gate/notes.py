"""L7: release notes from the ledger: the answer, every regression that was let through, and each family's course. Pure.

Nothing is worked out anew: deltas, intervals and outcomes are those that the decisions rested on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from gate.errors import UsageError
from gate.ledger_line import Compared, LedgerLine
from gate.releases import Regression, Release, families_let_through, let_through, releases
from gate.wording import count, listed, printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A family of one model config over the releases.

    `first` is the baseline's score in the first step that was let through, `last` the candidate's in the last one.
    `total` is the sum of what the `steps` measured. It is not a measurement: each step has noise and samples of its
    own, intervals do not add up, and a step that nobody ran is not in it. A run against an anchor measures drift.
    """

    config: str | None
    family: str
    steps: int
    first: float | None
    last: float | None
    total: float | None
    waived: int
    advisory: int
    stopped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """`releases` are the newest first; what is not released yet comes before them. `since`: a tag, a day, or None."""

    schema_version: Literal[1] = 1
    answer: str
    since: str | None
    releases: tuple[Release, ...]
    courses: tuple[Course, ...]


def notes(lines: Sequence[LedgerLine], since: str | None) -> Notes:
    """The notes of all releases after a tag, or of those decided on a day (``2026-01-31``) or later.

    Raises
    ------
    UsageError
        `since` is neither a tag of the ledger nor a day.
    """
    found = _after(releases(lines), since)
    return Notes(answer=_answer(found, since), since=since, releases=found[::-1], courses=tuple(_courses(found)))


def _after(found: tuple[Release, ...], since: str | None) -> tuple[Release, ...]:
    if since is None:
        return found
    tags = [one.tag for one in found]
    if since in tags:
        return found[len(tags) - tags[::-1].index(since) :]
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", since):
        return tuple(one for one in found if one.time[:10] >= since)
    known = [printable(tag)[:80] for tag in dict.fromkeys(tags) if tag is not None]
    there = f"its tags are {listed(known[::-1], most=20)}" if known else "it has none"
    raise UsageError(f"--since {printable(since)[:80]}: is no tag of the ledger and no day like 2026-01-31; {there}")


def _answer(found: Sequence[Release], since: str | None) -> str:
    """``12 releases since v1.0: 2 shipped with a waived regression, 1 with an advisory one; …``."""
    after = f" since {since}" if since else ""
    tagged = [one for one in found if one.tag is not None]
    text = f"{count(len(tagged), 'release') if tagged else 'No release'}{after}"
    parts = [f"{text}: {', '.join(_fates(tagged))}" if tagged else text, *_besides(found)]
    return "; ".join(parts)


def _fates(tagged: Sequence[Release]) -> Iterator[str]:
    """How many releases came to what, the worst first. Each is counted once."""
    shipped = [one for one in tagged if one.verdict and let_through(one.verdict)]
    kinds = [_worst(one) for one in shipped]
    waived, advisory = sum(kind in ("waived", "blocking") for kind in kinds), kinds.count("advisory")
    blocked = sum(one.verdict == "blocked" for one in tagged)
    undecided = len(tagged) - len(shipped) - blocked
    if blocked:
        yield f"{blocked:,} blocked"
    if undecided:
        yield f"{undecided:,} not decided"
    came = ((waived, "a waived regression"), (advisory, "an advisory one" if waived else "an advisory regression"))
    parts = [f"{number:,} shipped with {what}" for number, what in came if number]
    if clean := len(shipped) - waived - advisory:
        parts.append(f"{clean:,} shipped without {'a known one' if parts else 'a known regression'}")
    yield from (part if index == 0 else part.replace("shipped ", "", 1) for index, part in enumerate(parts))


def _worst(one: Release) -> str | None:
    kinds = {regression.kind for regression in one.regressions if not regression.stopped}
    return next((kind for kind in ("blocking", "waived", "advisory") if kind in kinds), None)


def _besides(found: Sequence[Release]) -> Iterator[str]:
    decisions = [source for one in found for source in one.decisions]
    blocked = sum(one.verdict == "blocked" for one in decisions)
    if blocked:
        yield f"{count(blocked, 'decision')} blocked a change"
    if simulated := sum(one.simulated for one in decisions):
        yield f"the endpoints of {count(simulated, 'decision')} were simulated"
    if found and found[-1].tag is None:
        yield f"{count(len(found[-1].decisions), 'decision')} not in a release yet"


def let_out(found: Notes) -> list[tuple[Release, Regression]]:
    """Every regression that was let through."""
    return [(one, lost) for one in found.releases for lost in one.regressions if not lost.stopped]


Family = tuple[str | None, str]
"""Config and name."""


def _courses(found: Sequence[Release]) -> Iterator[Course]:
    measured, fates = _by_family(found)
    for family in dict.fromkeys([*measured, *fates]):
        mine, kinds = measured.get(family, []), fates.get(family, [])
        deltas = [one.delta for one in mine if one.delta is not None and abs(one.delta) <= 1]
        config, name = family
        yield Course(
            config=config,
            family=name,
            steps=len(deltas),
            first=next((one.baseline for one in mine if one.baseline is not None), None),
            last=next((one.candidate for one in reversed(mine) if one.candidate is not None), None),
            total=math.fsum(deltas) if deltas else None,
            waived=kinds.count("waived"),
            advisory=kinds.count("advisory"),
            stopped=kinds.count("stopped"),
        )


def _by_family(found: Sequence[Release]) -> tuple[dict[Family, list[Compared]], dict[Family, list[str]]]:
    """What the steps that were let through measured of whole families, and what became of the regressions."""
    measured: dict[Family, list[Compared]] = {}
    fates: dict[Family, list[str]] = {}
    for one in found:
        for row in families_let_through(one):
            measured.setdefault((row.config, row.family), []).append(row)
        for lost in one.regressions:
            fates.setdefault((lost.compared.config, lost.compared.family), []).append(lost.fate)
    return measured, fates


def to_json(found: Notes) -> str:
    return json.dumps(asdict(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
