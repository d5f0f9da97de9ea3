"""L8: a self-test on a terminal and as JSON: the answer first, then the table."""

from __future__ import annotations

import json
from dataclasses import asdict

from gate.selftest import DROPS, Catch, Rate, SelfTest, Tried
from gate.wording import points, printable


def headline(found: SelfTest) -> str:
    """``Self-test: 12 of 400 simulated unchanged releases were blocked (3.0 %, 95 % interval 1.6 to 5.2 %); …``."""
    one = found.blocked
    share, low, high = points(one.found / one.of), points(one.low), points(one.high)
    text = (
        f"Self-test: {one.found:,} of {one.of:,} simulated unchanged releases were blocked "
        f"({share} %, 95 % interval {low} to {high} %); policy allows {100 * found.alpha:g} %"
    )
    return text if found.holds else f"{text}: this gate blocks too often"


def text(found: SelfTest) -> str:
    """Headline, pass rate and calls, and how often planted drops were caught: plain text."""
    from tabulate import tabulate

    drops = (f"{100 * drop:g} points" for drop in DROPS)
    table = tabulate(
        [_row(one) for one in found.units],
        headers=("planted in", "samples", "asked twice", "mean", "noise", *drops),
        tablefmt="simple",
        colalign=("left", *("right",) * (4 + len(DROPS))),
        disable_numparse=True,
    )
    parts = [
        headline(found),
        f"passed: {_percent(found.passed)}; {found.mean_calls:,.0f} calls on average",
        "",
        table,
        "",
        "planted drops that were caught, in % (95 % interval); –: the mean is smaller than the drop",
        "simulated: answers drawn around the stored ones, with their mean and their noise; no endpoint was asked",
    ]
    return "\n".join(printable(line) for part in parts for line in part.split("\n"))


def to_json(found: SelfTest) -> str:
    """The same, for programs. No NaN."""
    content = {"headline": headline(found), **asdict(found)}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _row(one: Tried) -> tuple[str, ...]:
    name = one.family if one.slice is None else f"\u00a0 · {one.slice.name}={one.slice.value}"
    facts = (f"{one.samples:,}", f"{one.asked_twice:,}", points(one.mean), points(one.noise))
    return printable(name)[:48], *facts, *(_catch(catch) for catch in one.catches)


def _catch(one: Catch) -> str:
    return "–" if one.caught is None else _percent(one.caught)


def _percent(one: Rate) -> str:
    return f"{points(one.found / one.of)} ({points(one.low)}–{points(one.high)})"
