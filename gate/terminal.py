"""L7: the report on a terminal: the answer first, then the table. Nothing in it can steer a terminal."""

from __future__ import annotations

from gate.domain import Comparison
from gate.markdown import notable
from gate.report import Report
from gate.wording import (
    PATTERN_NAMES,
    VERDICT_ICONS,
    costs,
    count,
    duration,
    headline,
    in_force,
    interval,
    points,
    printable,
    reused,
    signed,
    unit,
    usd,
    waived,
)

_HEADERS = ("family", "n", "baseline", "candidate", "delta", "interval", "outcome", "severity")
_ALIGN = ("left", "right", "right", "right", "right", "left", "left", "left")


def text(report: Report) -> str:
    """Verdict, what to know, table, costs: one block of plain text."""
    parts = [f"{VERDICT_ICONS[report.verdict]} {headline(report)}"]
    if report.simulated:
        parts.append("The endpoints are simulated: these are not a real model's figures.")
    parts += [f"- {PATTERN_NAMES[one.kind]}: {one.text}" for one in report.patterns]
    parts += [f"- Waived {unit(one)}: {waived(one)}: {one.because} ({one.where})" for one in in_force(report)]
    parts += [f"- {line}" for line in (*report.reasons, *report.notices)]
    rows = [one for one in report.comparisons if notable(one)]
    if rows:
        parts += ["", _table(rows), "", _rest(report, rows)]
    if said := costs(report):
        parts.append(f"candidate: {said}")
    return "\n".join(printable(line) for part in parts for line in part.split("\n"))


def _table(rows: list[Comparison]) -> str:
    from tabulate import tabulate

    cells = [_row(one) for one in rows]
    return tabulate(cells, headers=_HEADERS, tablefmt="simple", colalign=_ALIGN, disable_numparse=True)


def _row(one: Comparison) -> tuple[str, ...]:
    name = one.family if one.slice is None else f"\u00a0 · {one.slice.name}={one.slice.value}"
    return (
        printable(name)[:48],
        f"{one.n_pairs:,}",
        points(one.baseline),
        points(one.candidate),
        signed(one.delta),
        interval(one.interval),
        one.outcome.upper() if one.outcome == "regressed" else one.outcome,
        one.severity,
    )


def _rest(report: Report, rows: list[Comparison]) -> str:
    facts = ["scores in points of 100"]
    if hidden := len(report.comparisons) - len(rows):
        facts.append(f"{count(hidden, 'slice')} without a finding not shown")
    if asked := report.calls.baseline + report.calls.candidate:
        facts += [count(asked, "call"), count(report.usage.tokens, "token"), usd(report.usage.usd)]
        facts.append(duration(report.provenance.seconds))
    if report.reused:
        facts.append(reused(report))
    return "; ".join(facts)
