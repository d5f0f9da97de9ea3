"""The pictures of docs/guide, drawn from `figures.json` alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from canvas import AMBER, BLUE, GREEN, GREY, INK, MUTED, RED, RULE, Canvas, Scale

COLOURS = {"improved": GREEN, "unchanged": GREY, "regressed": RED, "inconclusive": AMBER}
NOISE_COLOURS = (GREEN, BLUE, AMBER, RED)


def pictures(figures: Mapping[str, Any]) -> dict[str, str]:
    """SVG by file name."""
    drawn = (twice, pairs, outcomes, ways, reasked, peeking, many, sight)
    return {f"{one.__name__}.svg": one(figures).svg() for one in drawn}


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def points(share: float) -> str:
    """A share as signed points."""
    value = round(100 * share, 1)
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{abs(value):.1f}"


def axis(canvas: Canvas, scale: Scale, y: float, ticks: Mapping[float, str]) -> None:
    canvas.line((scale.places[0], y), (scale.places[1], y))
    for value, words in ticks.items():
        canvas.line((scale.at(value), y), (scale.at(value), y + 5))
        canvas.text(scale.at(value), y + 20, words, colour=MUTED, anchor="middle", size=12)


def twice(figures: Mapping[str, Any]) -> Canvas:
    found, floor = figures["twice"], 240.0
    canvas = Canvas(title="How far two scores of one unchanged model lie apart: mostly within two points, rarely more.")
    canvas.text(24, 34, "The same model, asked the same 400 questions twice", weight=600, size=15)
    canvas.text(24, 54, f"difference of the two scores, in {figures['runs']:,} simulated repetitions", colour=MUTED)
    across = Scale(values=(-25, 25), places=(40, 680))
    up = Scale(values=(0, max(found["shares"])), places=(floor, 84))
    for step, share in zip(found["samples"], found["shares"], strict=True):
        colour = RED if step <= -8 else GREY
        canvas.box(across.at(step) - 5, up.at(share), (10, floor - up.at(share)), colour=colour)
    axis(canvas, across, floor, {step * 4: points(step / 100)[:-2] or "0" for step in range(-6, 7, 2)})
    canvas.text(360, 282, "points", colour=MUTED, anchor="middle", size=12)
    canvas.text(60, 130, f"{percent(found['two_lower'])} of the time", colour=RED, weight=600)
    canvas.text(60, 148, "two points or more lower", colour=RED)
    return canvas


def pairs(figures: Mapping[str, Any]) -> Canvas:
    found = figures["pairs"]
    canvas = Canvas(
        title="400 questions as squares. Only those that one model alone gets right say anything about the difference."
    )
    canvas.text(24, 34, "One square a question", weight=600, size=15)
    colours = {"r": "#c9d1d9", "w": "#e7ebef", "l": RED, "g": BLUE}
    for number, cell in enumerate(found["cells"]):
        canvas.box(24 + 11.5 * (number % 25), 50 + 11.5 * (number // 25), (10, 10), colour=colours[cell], round_=2)
    key = {"l": f"lost: {found['lost']}", "g": f"won: {found['gained']}", "r": "both right", "w": "both wrong"}
    for place, (cell, words) in enumerate(key.items()):
        canvas.box(24 + 75 * place - (8 if place > 2 else 0), 252, (10, 10), colour=colours[cell], round_=2)
        canvas.text(38 + 75 * place - (8 if place > 2 else 0), 261, words, size=12)
    across = Scale(values=(-0.14, 0.04), places=(350, 690))
    canvas.text(350, 34, f"The same answers, {points(found['delta'])} points", weight=600, size=15)
    canvas.line((across.at(0), 64), (across.at(0), 222), colour=INK, dash="3 3")
    for y, name, words in ((100, "averages", "as two averages"), (180, "paired", "as pairs")):
        colour = RED if found[name][1] < 0 else AMBER
        low, high = found[name]
        canvas.text(350, y - 16, f"{words}: {points(low)} to {points(high)}")
        canvas.whisker(across, y, found[name], found["delta"], colour=colour)
    axis(canvas, across, 222, {value / 100: points(value / 100)[:-2] or "0" for value in range(-12, 5, 4)})
    canvas.text(
        520, 262, "candidate − baseline, in points, with 95 % intervals", colour=MUTED, anchor="middle", size=12
    )
    return canvas


def outcomes(figures: Mapping[str, Any]) -> Canvas:
    rows = figures["outcomes"]
    canvas = Canvas(
        title="Five intervals with their outcomes: improved, unchanged, regressed twice, and inconclusive.",
        height=330,
    )
    across = Scale(values=(-0.12, 0.1), places=(270, 690))
    canvas.box(across.at(-0.05), 44, (across.at(0) - across.at(-0.05), 240), colour="#eef1f5")
    canvas.line((across.at(0), 44), (across.at(0), 284), colour=INK)
    canvas.line((across.at(-0.05), 44), (across.at(-0.05), 284), colour=MUTED, dash="4 3")
    canvas.text(across.at(0), 34, "no change", anchor="middle", size=12)
    canvas.text(across.at(-0.05), 34, "− margin", anchor="middle", size=12, colour=MUTED)
    for place, row in enumerate(rows):
        y = 70 + 48 * place
        name, _, rest = row["name"].partition(",")
        colour = COLOURS[row["outcome"]]
        canvas.text(
            24,
            y + (0 if rest else 5),
            name + ("," if rest else ""),
            weight=600,
            colour=MUTED if colour == GREY else colour,
        )
        canvas.text(24, y + 17, rest.strip(), size=12, colour=MUTED)
        canvas.text(
            130 if not rest else 190,
            y + 5 if not rest else y + 17,
            f"{row['lost']} lost, {row['gained']} won" + (f" of {row['n']}" if row["n"] != 400 else ""),
            size=12,
            colour=MUTED,
        )
        canvas.whisker(across, y, row["interval"], row["delta"], colour="#6e7781" if colour == GREY else colour)
    axis(canvas, across, 284, {value / 100: points(value / 100)[:-2] or "0" for value in (-10, -5, 0, 5, 10)})
    canvas.text(480, 322, "candidate − baseline, in points", colour=MUTED, anchor="middle", size=12)
    return canvas


def ways(figures: Mapping[str, Any]) -> Canvas:
    canvas = Canvas(
        title="Three simulated candidates, look by look: a large loss is shown after the fewest calls.",
        height=320,
    )
    across, up = Scale(values=(0, 1250), places=(60, 690)), Scale(values=(-0.2, 0.06), places=(270, 60))
    canvas.text(24, 34, "Evidence grows, look by look; a decided family stops", weight=600, size=15)
    canvas.line((60, up.at(0)), (690, up.at(0)), colour=INK)
    canvas.line((60, up.at(-0.05)), (690, up.at(-0.05)), colour=MUTED, dash="4 3")
    canvas.text(690, up.at(-0.05) - 6, "− margin", anchor="end", size=12, colour=MUTED)
    for row, colour in zip(figures["ways"], ("#6e7781", RED, AMBER), strict=True):
        looks = [(across.at(one["asked"]), up.at(one["delta"])) for one in row["path"]]
        canvas.path(looks, colour=colour)
        for x, y in looks:
            canvas.dot(x, y, colour=colour, radius=3)
        x, y = looks[-1]
        canvas.dot(x, y, colour=colour, radius=6)
        drop = f"{100 * row['drop']:.0f} points worse" if row["drop"] else "as good"
        words = f"{drop}: {row['outcome']}, {row['path'][-1]['asked']:,} calls"
        late = x > 450
        canvas.text(
            x + (6 if late else 12),
            y + (-8 if not row["drop"] else 24),
            words,
            colour=colour,
            anchor="end" if late else "start",
            weight=600,
        )
    axis(canvas, across, 270, {value: f"{value:,}" for value in range(0, 1001, 200)})
    for value in (-0.2, -0.1, 0.0):
        canvas.text(52, up.at(value) + 4, points(value)[:-2] or "0", anchor="end", size=12, colour=MUTED)
    canvas.text(375, 310, "calls, both models together", colour=MUTED, anchor="middle", size=12)
    return canvas


def reasked(figures: Mapping[str, Any]) -> Canvas:
    rows = figures["pairs"]["discordant"]
    canvas = Canvas(
        title="Where the models differed, asked once and three times: real losses stay, noise shrinks towards zero.",
        height=330,
    )
    canvas.text(24, 34, "Ask again only where the two models differed", weight=600, size=15)
    across = Scale(values=(0, len(rows)), places=(150, 690))
    for key, middle, words in (("first", 110.0, "asked once"), ("again", 230.0, "asked three times")):
        canvas.text(24, middle + 4, words)
        up = Scale(values=(-1, 1), places=(middle + 42, middle - 42))
        canvas.line((150, middle), (690, middle), colour=INK)
        for place, row in enumerate(rows):
            top, end = sorted((middle, up.at(row[key])))
            canvas.box(
                across.at(place) + 1,
                top,
                (across.at(1) - across.at(0) - 2, max(end - top, 1.5)),
                colour=RED if row["broken"] else GREY,
            )
    canvas.box(150, 298, (10, 10), colour=RED)
    canvas.text(166, 308, "the candidate was made to fail here", size=12)
    canvas.box(400, 298, (10, 10), colour=GREY)
    canvas.text(416, 308, "noise: nothing changed", size=12)
    canvas.text(142, 72, "won", size=11, anchor="end", colour=MUTED)
    canvas.text(142, 152, "lost", size=11, anchor="end", colour=MUTED)
    return canvas


def peeking(figures: Mapping[str, Any]) -> Canvas:
    found = figures["peeking"]
    canvas = Canvas(
        title="With nothing changed, the more looks, the more often a loss is found; planned looks hold 5 %."
    )
    across, up = Scale(values=(1, 12), places=(70, 600)), Scale(values=(0, 0.16), places=(250, 70))
    canvas.text(24, 34, "Nothing has changed. How often is a loss “found”?", weight=600, size=15)
    canvas.text(24, 54, f"{figures['runs']:,} simulated releases", colour=MUTED)
    canvas.line((70, up.at(0.05)), (600, up.at(0.05)), colour=MUTED, dash="4 3")
    canvas.text(608, up.at(0.05) - 6, "5 % allowed", size=12, colour=MUTED)
    for share in (0.0, 0.05, 0.1, 0.15):
        canvas.text(62, up.at(share) + 4, percent(share), anchor="end", size=12, colour=MUTED)
    line = [(across.at(look), up.at(share)) for look, share in enumerate(found["any"], start=1)]
    canvas.path(line, colour=RED)
    for x, y in line:
        canvas.dot(x, y, colour=RED, radius=3.5)
    canvas.text(line[-1][0] + 8, line[-1][1] + 4, percent(found["any"][-1]), colour=RED, weight=600)
    canvas.text(line[7][0] - 14, line[7][1] - 16, "stop at the first p < 5 %", colour=RED, anchor="end", weight=600)
    canvas.dot(across.at(12), up.at(found["planned"]), colour=GREEN, radius=6)
    canvas.text(
        across.at(12) + 10,
        up.at(found["planned"]) + 16,
        f"planned: {100 * found['planned']:.1f} %",
        colour=GREEN,
        weight=600,
    )
    axis(canvas, across, 250, {look: str(look) for look in range(1, 13)})
    canvas.text(335, 288, "looks at the data so far", colour=MUTED, anchor="middle", size=12)
    return canvas


def many(figures: Mapping[str, Any]) -> Canvas:
    found = figures["many"]
    canvas = Canvas(
        title="The more comparisons at 5 % each, the likelier one errs: 23 % with five, 64 % with twenty.",
        height=270,
    )
    across, up = Scale(values=(1, 30), places=(70, 690)), Scale(values=(0, 0.8), places=(220, 60))
    canvas.text(24, 34, "Nothing has changed. How often does at least one of many look worse?", weight=600, size=15)
    for share in (0.2, 0.4, 0.6, 0.8):
        canvas.line((70, up.at(share)), (690, up.at(share)))
        canvas.text(62, up.at(share) + 4, percent(share), anchor="end", size=12, colour=MUTED)
    canvas.path([(across.at(k), up.at(p)) for k, p in zip(found["counts"], found["any"], strict=True)], colour=RED)
    for count in (1, 5, 20):
        share = found["any"][count - 1]
        canvas.dot(across.at(count), up.at(share), colour=RED)
        canvas.text(
            across.at(count) + 8,
            up.at(share) + (18 if count > 1 else 5),
            f"{count}: {percent(share)}",
            colour=RED,
            weight=600,
        )
    axis(canvas, across, 220, {count: str(count) for count in (1, 5, 10, 15, 20, 25, 30)})
    canvas.text(380, 258, "families and slices, each judged at 5 % on its own", colour=MUTED, anchor="middle", size=12)
    return canvas


def sight(figures: Mapping[str, Any]) -> Canvas:
    canvas = Canvas(
        title="The smallest drop that is caught four times in five falls with samples and grows with noise.",
        height=330,
    )
    across = Scale(values=(math.log(50), math.log(2000)), places=(60, 590))
    up = Scale(values=(0, 0.3), places=(270, 60))
    canvas.text(24, 34, "The smallest drop that is caught 4 times in 5", weight=600, size=15)
    for share in (0.05, 0.1, 0.2, 0.3):
        canvas.line((60, up.at(share)), (590, up.at(share)), dash="4 3" if share == 0.05 else "")
        canvas.text(52, up.at(share) + 4, f"{100 * share:.0f}", anchor="end", size=12, colour=MUTED)
    ends = []
    for row, colour in zip(figures["sight"], NOISE_COLOURS, strict=True):
        line = [(across.at(math.log(n)), up.at(drop)) for n, drop in zip(row["sizes"], row["drops"], strict=True)]
        canvas.path(line, colour=colour)
        ends.append((line[-1][1], f"noise {percent(row['noise'])}", colour))
    place = 300.0
    for y, words, colour in sorted(ends, reverse=True):
        place = min(y + 4, place - 16)
        canvas.text(598, place, words, colour=colour, weight=600, size=12)
    axis(canvas, across, 270, {math.log(n): f"{n:,}" for n in (50, 100, 200, 400, 1000, 2000)})
    canvas.text(325, 312, "samples", colour=MUTED, anchor="middle", size=12)
    canvas.text(24, 54, "points", colour=MUTED, size=12)
    canvas.line((60, 60), (60, 270), colour=RULE)
    return canvas
