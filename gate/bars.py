"""L7: where an interval lies, drawn in one line of characters that are all equally wide.

``··━━●━┊━│━·······``: the largest loss is on the left, the largest gain on the right; ``│`` is no difference, ``┊`` the
largest loss that is accepted, ``━`` what the answers allow, ``●`` what was measured (``◀`` ``▶``: outside the picture).
There is no space in it, which HTML and mail would swallow. Who cannot see it loses nothing: numbers stand beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 17
"""Odd, so that no difference lies in the middle."""
LEGEND = "┊ margin, │ 0"
_MARGINS = 4
"""How many margins reach from the middle to an end: one small slice with a huge interval must not squeeze the rest."""


def reach(margins: Sequence[float | None], ends: Sequence[float]) -> float:
    """What the ends of a table's bars mean. It is the same for all rows, so that they can be compared."""
    known = [margin for margin in margins if margin is not None]
    return _MARGINS * max(known) if known else max((abs(end) for end in ends), default=0.0)


def bar(delta: float | None, interval: tuple[float, float], margin: float | None, *, most: float) -> str:
    """A difference with its interval, drawn from −`most` to +`most`; empty where nothing was measured."""
    if delta is None or most <= 0:
        return ""
    cells = ["·"] * WIDTH
    low, high = (_cell(end, most) for end in interval)
    cells[low : high + 1] = "━" * (high + 1 - low)
    cells[_cell(0.0, most)] = "│"
    if margin is not None:
        cells[_cell(-margin, most)] = "┊"
    cells[_cell(delta, most)] = "●" if abs(delta) <= most else "◀" if delta < 0 else "▶"
    return "".join(cells)


def _cell(value: float, most: float) -> int:
    share = (max(-most, min(most, value)) / most + 1) / 2
    return round(share * (WIDTH - 1))
