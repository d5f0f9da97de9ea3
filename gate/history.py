"""L7: the ledger as one self-contained HTML page: each family over the releases, as small multiples. No script, no
network, light and dark, keyboard, printable.

All plots share their scales, so that families can be compared by eye. What is too far out for the scale ends in an
arrow; its number is in the title of the mark.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gate import wording
from gate.html_page import asset, digest, environment
from gate.html_plots import Axis, axis_of, tick
from gate.ledger_line import Compared, LedgerLine
from gate.notes import Family, Notes, notes
from gate.releases import Regression, Release, families_let_through, lacks
from gate.wording import interval, signed, unit

SCORES, DELTAS, LANE = 60, 96, 32
"""Heights in pixels of a panel's parts: scores, deltas, and what became of the regressions."""

_MANY = 24  # releases; with more, marks are small
_DRAWN = 0.9
"""The share of intervals that must fit the scale: a few wide ones do not flatten the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What all panels share. `floor` and `top` are scores."""

    floor: float
    top: float
    axis: Axis

    def score(self, value: float) -> float:
        """Pixels from the top."""
        shown = min(max(value, self.floor), self.top)
        return round((self.top - shown) / (self.top - self.floor) * SCORES, 1)

    def delta(self, value: float) -> float:
        return round((100 - self.axis.at(value)) * DELTAS / 100, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A step of a family. `x`, and the strip from `left` that is its own, are in percent of the width, the rest in
    pixels from the top; None: not measured. `under`, `over`: the interval goes on beyond the scale. `number` is the
    release's, from 1."""

    x: float
    left: float
    wide: float
    number: int
    outcome: str
    delta: float | None
    low: float
    high: float
    under: bool
    over: bool
    margin: float | None
    baseline: float | None
    candidate: float | None
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What became of a regression of a family or of a slice of it."""

    x: float
    number: int
    fate: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A family of one model config. `score` and `since` are the last score and how far it is from the first."""

    config: str | None
    family: str
    score: str
    since: str
    marks: tuple[Mark, ...]
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A label below the plots. `anchor`: the side of it that stands at `x`."""

    x: float
    text: str
    anchor: str


def history(lines: Sequence[LedgerLine]) -> str:
    """The whole page. Everything from data is escaped by the template engine."""
    from markupsafe import Markup

    found = notes(lines, None)
    scale = scale_of(found.releases)
    style = asset("report.css") + asset("history.css")
    return str(
        environment()
        .get_template("history.html.j2")
        .render(
            notes=found,
            several=len({one.config for one in found.courses}) > 1,
            simulated=any(one.simulated for one in found.releases),
            verdicts=[one for one in wording.VERDICT_ICONS if one in {release.verdict for release in found.releases}],
            many=len(found.releases) > _MANY,
            panels=panels(found, scale),
            scale=scale,
            days=days(found.releases[::-1]),
            heights={"scores": SCORES, "deltas": DELTAS, "lane": LANE},
            say=wording,
            tick=tick,
            name=name_of,
            lacks=lacks,
            style=Markup(style),  # noqa: S704 - files of ours
            style_digest=digest(style),
        )
    )


def scale_of(found: Sequence[Release]) -> Scale:
    """Wide enough for each score, delta and margin of a family, and for most intervals."""
    rows = [row for one in found for step in one.steps for row in step.compared if row.slice is None]
    scores = [min(max(one, 0.0), 1.0) for row in rows for one in (row.baseline, row.candidate) if one is not None]
    ends = sorted(abs(end) for row in rows if row.delta is not None for end in row.interval)
    floor = min(math.floor(10 * min(scores, default=0.0)) / 10, 0.8)
    top = max(math.ceil(10 * max(scores, default=1.0)) / 10, floor + 0.2)
    values = [*(row.delta or 0.0 for row in rows), *(row.margin or 0.0 for row in rows)]
    values += ends[: math.ceil(_DRAWN * len(ends))]
    return Scale(floor=floor, top=top, axis=axis_of(values))


def panels(found: Notes, scale: Scale) -> list[Panel]:
    """One for each family, in the order in which they came up."""
    marks: dict[Family, list[Mark]] = {}
    signs: dict[Family, list[Sign]] = {}
    for number, one in enumerate(found.releases[::-1], start=1):
        for family, rows in _rows(one).items():
            marks.setdefault(family, []).extend(_marks(rows, Place(one, number, len(found.releases)), scale))
        for family, lost in _lost(one).items():
            signs.setdefault(family, []).extend(_signs(lost, Place(one, number, len(found.releases))))
    return [
        Panel(
            config=one.config,
            family=one.family,
            score=wording.points(one.last),
            since="" if one.first is None or one.last is None else signed(one.last - one.first),
            marks=tuple(marks.get((one.config, one.family), ())),
            signs=tuple(signs.get((one.config, one.family), ())),
        )
        for one in found.courses
    ]


class Place(NamedTuple):
    """A release: the `number`-th of `many`."""

    release: Release
    number: int
    many: int


def _rows(one: Release) -> dict[Family, list[Compared]]:
    """What was measured of whole families by the steps that were let through."""
    found: dict[Family, list[Compared]] = {}
    for row in families_let_through(one):
        found.setdefault((row.config, row.family), []).append(row)
    return found


def _lost(one: Release) -> dict[Family, list[Regression]]:
    found: dict[Family, list[Regression]] = {}
    for lost in one.regressions:
        found.setdefault((lost.compared.config, lost.compared.family), []).append(lost)
    return found


def _marks(rows: Sequence[Compared], place: Place, scale: Scale) -> Iterator[Mark]:
    wide = 100 / place.many / len(rows)
    for index, row in enumerate(rows):
        left = 100 * (place.number - 1) / place.many + index * wide
        yield _mark(row, (left, wide), place, scale)


def _mark(row: Compared, strip: tuple[float, float], place: Place, scale: Scale) -> Mark:
    (left, wide), (low, high) = strip, row.interval
    when = f"{name_of(place.release)}, {place.release.time[:10]}"
    return Mark(
        x=round(left + wide / 2, 2),
        left=round(left, 2),
        wide=round(wide, 2),
        number=place.number,
        outcome=row.outcome,
        delta=None if row.delta is None else scale.delta(row.delta),
        low=scale.delta(low),
        high=scale.delta(high),
        under=scale.axis.beyond(low),
        over=scale.axis.beyond(high),
        margin=None if row.margin is None else scale.delta(-row.margin),
        baseline=None if row.baseline is None else scale.score(row.baseline),
        candidate=None if row.candidate is None else scale.score(row.candidate),
        says=f"{when}: {signed(row.delta)} {interval(row.interval)}, {row.outcome}; "
        f"{wording.points(row.baseline)} → {wording.points(row.candidate)}, {wording.count(row.n_pairs, 'sample')}",
    )


def _signs(several: Sequence[Regression], place: Place) -> Iterator[Sign]:
    fates: dict[str, list[str]] = {}
    for lost in several:
        fates.setdefault(lost.fate, []).append(_says(lost))
    for fate, says in fates.items():
        x = round(100 * (place.number - 0.5) / place.many, 2)
        yield Sign(x=x, number=place.number, fate=fate, says=f"{name_of(place.release)}, {fate}: {'; '.join(says)}")


def _says(one: Regression) -> str:
    by = f" by {one.waiver.approver} until {one.waiver.until}: {one.waiver.because}" if one.waiver else ""
    return f"{unit(one.compared)} {signed(one.compared.delta)}{by}"


def name_of(one: Release) -> str:
    return "not in a release yet" if one.tag is None else one.tag


def days(found: Sequence[Release]) -> list[Day]:
    """Those of the first and the last release, and of one between."""
    last = len(found) - 1
    shown = sorted({0, last // 2, last} if last >= 4 else {0, last}) if found else []
    return [
        Day(
            x=round(100 * (index + 0.5) / len(found), 2),
            text=found[index].time[:10],
            anchor="middle" if 0 < index < last or last == 0 else "start" if index == 0 else "end",
        )
        for index in shown
    ]
