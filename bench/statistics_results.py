"""What the statistics bench counted → bars, statistics.json (every count) and statistics.md (bars and tables)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

from statistics_measure import DROPS, ENGINE, FIXED, HOLM, OPEN, OTHERS, RULES, TABLE, Cells, Tally
from tables import table

QUIET, QUIETER = TABLE[0].name, TABLE[1].name


def wilson(count: int, of: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share. Wilson E. B. (1927), J. Am. Stat. Assoc. 22, 209-212."""
    if not of:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, scale = count / of, 1 + z * z / of
    middle = (share + z * z / (2 * of)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def blocked(one: Tally) -> float:
    return one.blocked / one.runs


def caught(one: Tally) -> float:
    return one.caught / one.runs


def inconclusive(one: Tally) -> float:
    return one.inconclusive / one.families


def calls(one: Tally) -> float:
    return one.calls / one.runs


def first_share(one: Tally) -> float:
    return one.first_calls / one.all_calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A promise about the engine on one work: the figure is at most (or at least) `limit`. `unit`: % or calls."""

    what: str
    work: str
    figure: Callable[[Tally], float]
    limit: float
    at_least: bool = False
    unit: str = "%"


def _blocks(work: str, limit: float = 0.05) -> Bar:
    return Bar(what="blocked", work=work, figure=blocked, limit=limit)


BARS = (
    _blocks(QUIET),
    *(_blocks(work.name) for work in OTHERS if work.name.startswith("no change")),
    _blocks(QUIETER),
    Bar(what="caught", work="hard 5", figure=caught, limit=0.93, at_least=True),
    Bar(what="caught", work="soft 5", figure=caught, limit=0.88, at_least=True),
    Bar(what="mean calls", work=QUIET, figure=calls, limit=2_700, unit="calls"),
    Bar(what="mean calls", work=QUIETER, figure=calls, limit=1_900, unit="calls"),
    Bar(what="that family's calls", work="hard 15", figure=first_share, limit=0.45),
    Bar(what="caught", work="40 points in one slice", figure=caught, limit=0.95, at_least=True),
    Bar(what="inconclusive families", work=QUIET, figure=inconclusive, limit=0.03),
    _blocks("outage on 15 of 100", limit=0.0),
)
STORED_BAR = 0.075


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A bar, what was measured (None: nothing was), and whether it is met."""

    what: str
    work: str
    limit: float
    at_least: bool
    unit: str
    measured: float | None
    met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One run of the bench. `facts`: when, where and how long; nothing in the tables depends on them."""

    cells: Cells
    facts: dict[str, Any]

    def tally(self, work: str, rule: str = ENGINE) -> Tally | None:
        return self.cells.tallies.get((work, rule))

    def judged(self) -> list[Judgement]:
        found = [judge(bar, self.tally(bar.work)) for bar in BARS]
        for one in self.cells.stored:
            if one.case.stored == 5:
                bar = Bar(what="blocked, 95th percentile", work=one.case.name, figure=blocked, limit=STORED_BAR)
                found.append(_judgement(bar, one.worst))
        return found


def judge(bar: Bar, found: Tally | None) -> Judgement:
    """No figure is never a bar that is met."""
    return _judgement(bar, None if found is None or not found.runs else bar.figure(found))


def _judgement(bar: Bar, figure: float | None) -> Judgement:
    met = figure is not None and (figure >= bar.limit if bar.at_least else figure <= bar.limit)
    return Judgement(
        what=bar.what,
        work=bar.work,
        limit=bar.limit,
        at_least=bar.at_least,
        unit=bar.unit,
        measured=figure,
        met=met,
    )


def write(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "statistics.json").write_text(json.dumps(record(results), indent=1) + "\n", encoding="utf-8")
    (folder / "statistics.md").write_text(markdown(results), encoding="utf-8")


def record(results: Results) -> dict[str, Any]:
    cells = [{"work": work, "rule": rule, **one.record()} for (work, rule), one in results.cells.tallies.items()]
    stored = [
        {**asdict(one.case), "blocked": list(one.blocked), "mean": one.mean, "worst": one.worst, "calls": one.calls}
        for one in results.cells.stored
    ]
    bars = [asdict(one) for one in results.judged()]
    return {"facts": results.facts, "bars": bars, "cells": cells, "stored": stored}


def markdown(results: Results) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in results.facts.items())
    parts = [
        "# The statistics bench\n\nWritten by `make bench-statistics`; what the words mean is in docs/benchmarks.md. "
        "Every pull request here is **simulated**.\n",
        f"{facts}.\n",
        "## Bars\n\nOf the engine as shipped.\n",
        _bars(results),
        "## Rules\n\nFive families of 400 samples, noise 8 % unless said. Caught: the family that lost is regressed.\n",
        _rules(results),
        "## Other works\n\nBlocked with a 95 % interval; under a change, what the family or slice that lost got.\n",
        _others(results),
        "## Stored baselines\n\nBlocked with nothing changed, given the stored runs of one baseline; five families of "
        "300 samples.\n",
        _stored(results),
    ]
    return "\n".join(parts)


def _bars(results: Results) -> str:
    rows = []
    for one in results.judged():
        limit = f"{'≥' if one.at_least else '≤'} {_shown(one.limit, one.unit)}"
        rows.append([one.what, one.work, limit, _shown(one.measured, one.unit), "yes" if one.met else "**no**"])
    return table(["what", "work", "bar", "measured", "met?"], rows)


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "none"
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:,.0f}"


def _rules(results: Results) -> str:
    drops = [f"{shape} {points}" for shape in ("hard", "soft") for points in DROPS]
    head = ["rule", "blocked, no change", "95 % interval", *drops, "inconclusive families", "calls", "calls, noise 3 %"]
    return table(head, [_rule_row(results, rule, drops) for rule in RULES])


def _rule_row(results: Results, rule: str, drops: Sequence[str]) -> list[str]:
    quiet, quieter = results.tally(QUIET, rule), results.tally(QUIETER, rule)
    found = [results.tally(work, rule) for work in drops]
    return [
        rule,
        _cell(quiet, blocked),
        _interval(quiet),
        *(_cell(one, caught) for one in found),
        _cell(quiet, inconclusive) if rule in OPEN else "–",
        _cell(quiet, calls, "calls"),
        _cell(quieter, calls, "calls"),
    ]


def _cell(found: Tally | None, figure: Callable[[Tally], float], unit: str = "%") -> str:
    return "–" if found is None or not found.runs else _shown(figure(found), unit)


def _interval(found: Tally | None) -> str:
    if found is None:
        return "–"
    low, high = wilson(found.blocked, found.runs)
    return f"{100 * low:.1f} – {100 * high:.1f} %"


def _others(results: Results) -> str:
    rows = []
    for work in (TABLE[0], TABLE[1], *OTHERS):
        for rule in (HOLM, FIXED, ENGINE) if work.cluster > 1 else (FIXED, ENGINE):
            found = results.tally(work.name, rule)
            got = [_cell(found, caught), _slice(found)] if work.changed else ["", ""]
            open_ = _cell(found, inconclusive)
            runs = f"{found.runs:,}" if found else "–"
            share = [_cell(found, blocked), _interval(found)]
            rows.append([work.name, rule, runs, *share, *got, open_, _cell(found, calls, "calls")])
    return table(
        ["work", "rule", "runs", "blocked", "95 % interval", "caught", "by its slice", "inconclusive", "calls"], rows
    )


def _slice(found: Tally | None) -> str:
    return _cell(found, lambda one: one.in_slice / one.runs) if found is not None and found.in_slice else ""


def _stored(results: Results) -> str:
    rows = [
        [
            one.case.name,
            f"{one.case.baselines} × {one.case.pulls}",
            _shown(one.mean, "%"),
            _shown(one.worst, "%"),
            f"{one.calls:,.0f}",
        ]
        for one in results.cells.stored
    ]
    return table(["stored runs", "baselines × pull requests", "mean", "95th percentile", "calls"], rows)
