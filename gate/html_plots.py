"""L7: where things stand in the plots of the HTML report: pure geometry, in percent of a plot's width or height."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gate.domain import Comparison
from gate.wording import signed

_REACHES = ((0.06, 0.02), (0.1, 0.05), (0.2, 0.1), (0.3, 0.1), (0.5, 0.25), (0.75, 0.25), (1.0, 0.5))
"""How far an axis may go on both sides of zero, and the step of its ticks: whole points that people can read."""
_ROOM = 1.04
"""Of a reach, so that the outermost tick has its label within the plot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Deltas, the same distance on both sides of zero. `ticks` are deltas, the outermost at `reach`."""

    reach: float
    ticks: tuple[float, ...]

    def at(self, delta: float) -> float:
        """Percent from the left; what lies beyond the axis stands at its end."""
        edge = self.reach * _ROOM
        return round((min(max(delta, -edge), edge) + edge) / (2 * edge) * 100, 2)

    def beyond(self, delta: float) -> bool:
        return abs(delta) > self.reach * _ROOM


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row of the forest plot. `delta` is None where nothing was measured; `under` and `over`: the interval goes on
    past the axis."""

    margin: float
    low: float
    high: float
    delta: float | None
    under: bool
    over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: float
    y: float
    outcome: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How the evidence on one unit grew: a point a look, in percent from the left and from the top. The interval, from
    `low` to `high`, stands at the last one."""

    points: tuple[Point, ...]
    ticks: tuple[tuple[float, str], ...]  # where, and what it says: both ends of the axis, and no change
    margin: float
    low: float
    high: float


def forest_axis(comparisons: Iterable[Comparison]) -> Axis:
    """Wide enough for each margin, each delta, and the intervals of whole families; those of small slices may end in an
    arrow, so that one of them does not flatten the rest."""
    return axis_of([value for one in comparisons for value in _must_fit(one)])


def _must_fit(one: Comparison) -> Iterable[float]:
    yield from (one.margin, one.delta or 0.0)
    if one.slice is None and one.delta is not None:
        yield from one.interval


def axis_of(values: Sequence[float]) -> Axis:
    largest = max((abs(value) for value in values), default=0.0)
    reach, step = next((one for one in _REACHES if one[0] >= largest), _REACHES[-1])
    number = round(reach / step)
    return Axis(reach=reach, ticks=tuple(round(step * place, 4) for place in range(-number, number + 1)))


def tick(delta: float) -> str:
    """0.05 → ``+5``, 0.025 → ``+2.5``: no more digits than it takes."""
    return signed(delta).removesuffix(".0")


def bar(one: Comparison, axis: Axis) -> Bar:
    low, high = one.interval
    return Bar(
        margin=axis.at(-one.margin),
        low=axis.at(low),
        high=axis.at(high),
        delta=None if one.delta is None else axis.at(one.delta),
        under=axis.beyond(low),
        over=axis.beyond(high),
    )


def course(one: Comparison) -> Course | None:
    """None where there was one look, or none: nothing grew."""
    looks = [look for look in one.looks if look.delta is not None]
    if len(looks) < 2:
        return None
    axis = axis_of([*_must_fit(one), *(look.delta or 0.0 for look in looks)])
    most = max(1, *(look.asked for look in looks))
    low, high = one.interval
    return Course(
        points=tuple(
            Point(
                x=round(100 * look.asked / most, 2),
                y=_from_top(axis, look.delta or 0.0),
                outcome=look.outcome,
                says=f"{signed(look.delta)} after {look.asked:,} calls: {look.outcome}",
            )
            for look in looks
        ),
        ticks=tuple((_from_top(axis, delta), tick(delta)) for delta in (axis.reach, 0.0, -axis.reach)),
        margin=_from_top(axis, -one.margin),
        low=_from_top(axis, low),
        high=_from_top(axis, high),
    )


def _from_top(axis: Axis, delta: float) -> float:
    """A gain is up."""
    return round(100 - axis.at(delta), 2)
