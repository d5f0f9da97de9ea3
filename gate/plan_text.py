"""L8: a plan on a terminal and as JSON: the answer first, then the table, then what it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from gate.domain import PlanRow
from gate.planning import Plan
from gate.wording import count, gates, known_noise, listed, points, printable, usd

_HEADERS = ("family", "samples", "calls", "at most", "tokens", "cost", "sees", "margin", "gating")
_ALIGN = ("left", "right", "right", "right", "right", "right", "right", "right", "left")


def headline(plan: Plan) -> str:
    """``Plan: 2,600 to 5,400 calls, $1.10 to $2.40; 1 unit cannot see its margin``."""
    few, many = plan.totals.calls
    calls = count(many, "call") if few == many else f"{few:,} to {count(many, 'call')}"
    price = "no price stated" if plan.totals.usd is None else _dollars(plan.totals.usd)
    blind = f"{count(plan.blind, 'unit')} cannot see {'its' if plan.blind == 1 else 'their'} margin"
    return f"Plan: {calls}, {price}; {blind if plan.blind else 'every unit can see its margin'}"


def text(plan: Plan) -> str:
    """Headline, what to know, table, and what the figures rest on: plain text."""
    from tabulate import tabulate

    cells = [_row(row) for row in plan.rows]
    table = tabulate(cells, headers=_HEADERS, tablefmt="simple", colalign=_ALIGN, disable_numparse=True)
    parts = [headline(plan), *(f"- {line}" for line in plan.notices), "", table, "", *_rests_on(plan)]
    return "\n".join(printable(line) for part in parts for line in part.split("\n"))


def to_json(plan: Plan) -> str:
    """The same, for programs. No NaN."""
    content = {"headline": headline(plan), "blind": plan.blind, **asdict(plan)}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _row(row: PlanRow) -> tuple[str, ...]:
    name = row.family if row.slice is None else f"\u00a0 · {row.slice.name}={row.slice.value}"
    samples = f"{row.samples:,}" + (f" × {row.repeats}" if row.repeats > 1 else "")
    if row.most_calls is None:
        asked = ("", "", "", "")
    else:
        tokens = "" if row.tokens is None else f"{_short(row.tokens[0])}–{_short(row.tokens[1])}"
        price = "no price" if row.usd is None else _dollars(row.usd, between="–")
        asked = (f"{row.expected_calls or 0:,}", f"{row.most_calls:,}", tokens, price)
    sees = f"{points(row.visible)}" if row.visible is not None else "nothing"
    return printable(name)[:48], samples, *asked, sees, points(row.margin), gates(row)


def _rests_on(plan: Plan) -> Iterator[str]:
    yield (
        f"sees: the smallest drop, in points, that will be caught with a chance of at least {plan.power:.0%}, "
        f"at the unit's share of alpha {plan.alpha:g}"
    )
    if plan.design == "sequential":
        yield "a drop smaller than the margin may pass, as smaller than the margin"
        yield (
            f"calls: the mean of {count(plan.simulations, 'simulated run')} with nothing changed; at most: every look, "
            "re-asking and second run"
        )
    yield "tokens and cost: from the expected calls to the most, with the least and the most that an answer may have"
    for said, families in _by_noise(plan).items():
        yield f"noise {said}: {listed(families, most=5)}"
    assumed = [row.family for row in plan.rows if row.slice is None and not row.baseline_samples]
    if assumed:
        yield f"baseline mean of {listed(assumed, most=5)}: assumed, as nothing of it is stored"


def _by_noise(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in plan.rows:
        if row.slice is None:
            found.setdefault(known_noise(row), []).append(row.family)
    return found


def _dollars(ends: tuple[float, float], *, between: str = " to ") -> str:
    low, high = (usd(one) for one in ends)
    return low if low == high else f"{low}{between}{high}"


def _short(number: int) -> str:
    """1,234,567 → ``1.2M``."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return str(number)
