"""A small SVG canvas: a card that reads on a light page and on a dark one, a scale, and a few marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

INK, MUTED, RULE = "#1f2328", "#59636e", "#d1d9e0"
RED, BLUE, GREEN, AMBER, GREY = "#cf222e", "#0969da", "#1a7f37", "#9a6700", "#afb8c1"
FONT = "-apple-system, BlinkMacSystemFont, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From values to places on the canvas."""

    values: tuple[float, float]
    places: tuple[float, float]

    def at(self, value: float) -> float:
        low, high = self.values
        start, end = self.places
        return start + (end - start) * (value - low) / (high - low)


@dataclass(slots=True, kw_only=True)
class Canvas:
    """`title` is said to those who do not see the picture."""

    title: str
    width: int = 720
    height: int = 300
    marks: list[str] = field(default_factory=list)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        colour: str = INK,
        anchor: Anchor = "start",
        size: int = 13,
        weight: int = 400,
    ) -> None:
        bold = f' font-weight="{weight}"' if weight != 400 else ""
        place = f'x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" text-anchor="{anchor}"'
        self.marks.append(f"<text {place}{bold}>{escape(words)}</text>")

    def line(
        self, a: tuple[float, float], b: tuple[float, float], *, colour: str = RULE, width: float = 1, dash: str = ""
    ) -> None:
        ends = f'x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}"'
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.marks.append(f'<line {ends} stroke="{colour}" stroke-width="{width:g}"{dashed}/>')

    def box(self, x: float, y: float, size: tuple[float, float], *, colour: str, round_: float = 0) -> None:
        corner = f' rx="{round_:g}"' if round_ else ""
        self.marks.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" fill="{colour}"{corner}/>'
        )

    def dot(self, x: float, y: float, *, colour: str, radius: float = 4.5) -> None:
        self.marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}"/>')

    def path(self, points: Sequence[tuple[float, float]], *, colour: str, width: float = 2) -> None:
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.marks.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>')

    def whisker(self, scale: Scale, y: float, interval: Sequence[float], middle: float, *, colour: str) -> None:
        """An interval with its middle marked."""
        low, high = (scale.at(end) for end in interval)
        self.line((low, y), (high, y), colour=colour, width=3)
        for end in (low, high):
            self.line((end, y - 6), (end, y + 6), colour=colour, width=2)
        self.dot(scale.at(middle), y, colour=colour, radius=5.5)

    def svg(self) -> str:
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" role="img" font-family="{FONT}">'
        )
        card = (
            f'<rect x="0.5" y="0.5" width="{self.width - 1}" height="{self.height - 1}" rx="10" fill="#f8fafc" '
            f'stroke="{RULE}"/>'
        )
        return "\n".join([head, f"<title>{escape(self.title)}</title>", card, *self.marks, "</svg>\n"])
