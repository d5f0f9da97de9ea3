"""L7: the pull request comment and the job summary, from a Report.

What comes from data (slice values, paths, model names) stands in code spans: GitHub renders no HTML, link,
mention or image inside them. No model output is shown. Rows are dropped, passing ones first, to stay
within the byte limit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import TypeAlias

from gate import bars
from gate.domain import Comparison, PlanRow
from gate.ledger_line import Compared
from gate.report import Report
from gate.wording import (
    OUTCOME_ICONS,
    PATTERN_NAMES,
    VERDICT_ICONS,
    because,
    costs,
    count,
    digest,
    duration,
    gates,
    headline,
    in_force,
    interval,
    judged,
    known_noise,
    listed,
    path,
    points,
    printable,
    reused,
    run_address,
    signed,
    unit,
    unlinked,
    usd,
    verdicts,
    waived,
    worst_case,
)

Row: TypeAlias = Comparison | Compared
"""A unit to show in a table: of a report, or of a line of the ledger."""

COMMENT_LIMIT = 60_000  # UTF-8 bytes; GitHub's 65,536 are of a unit it does not document

_HEADERS = ("family", "n", "baseline", "candidate", "delta (interval)", "outcome", "severity", bars.LEGEND)


def code(text: str, *, most: int = 80) -> str:
    """Untrusted text as a code span that is safe inside a table cell."""
    flat = printable(text).replace("`", "'").replace("|", "¦").replace("<!--", "< !--")
    cut = flat if len(flat) <= most else f"{flat[: most - 1]}…"
    return f"`{cut.strip() or ' '}`"


def plain(text: str) -> str:
    """Text of ours that may quote a name: nothing in it renders as markup, mentions or links."""
    flat = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    quiet = re.sub(r"([\\`*_{}\[\]|~])", r"\\\1", flat)
    return unlinked(quiet)


def comment(report: Report, *, limit: int = COMMENT_LIMIT) -> str:
    """The comment, at most `limit` UTF-8 bytes."""
    ranked = sorted(report.comparisons, key=_importance)
    if _size(full := _render(report, ranked)) <= limit:
        return full
    low, high = 0, len(ranked)
    while low < high:  # the largest number of rows that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _size(_render(report, ranked[:middle])) <= limit else (low, middle - 1)
    cut = _render(report, ranked[:low])
    return cut if _size(cut) <= limit else minimal(report)


def minimal(report: Report) -> str:
    """The verdict and where to read the rest: for when nothing longer can be posted."""
    return f"{_title(report)}\n\n{_footer(report)}\n"


def _title(report: Report) -> str:
    """A phone and a list of mails show this line and no more."""
    return f"### {VERDICT_ICONS[report.verdict]} {plain(digest(report))}"


def _size(text: str) -> int:
    return len(text.encode())


def _importance(one: Comparison) -> tuple[int, bool, float]:
    blocking = one.severity == "blocking"
    order = {"regressed": 0 if blocking else 2, "inconclusive": 1 if blocking else 4}
    rank = order.get(one.outcome, 3 if one.slice is None else 5)
    return rank, one.slice is not None, one.delta or 0.0


def _render(report: Report, rows: Sequence[Comparison]) -> str:
    kept = set(map(id, rows))
    shown = [one for one in report.comparisons if id(one) in kept]
    parts = [
        _title(report),
        _simulated(report),
        _patterns(report),
        _waivers(report),
        *_notices(report),
        _scores(report, [one for one in shown if notable(one)]),
        _dropped(len(report.comparisons) - len(shown)),
        _quiet_slices([one for one in shown if not notable(one)]),
        _costs(report),
        _config_changes(report),
        _measurement(report),
        _plan(report),
        _offers(report),
        _footer(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def notable(one: Row) -> bool:
    """Families always; slices when there is something to say about them."""
    return one.slice is None or one.outcome in ("regressed", "improved") or _holds_up(one)


def _holds_up(one: Row) -> bool:
    return one.severity == "blocking" and one.gating and one.outcome == "inconclusive"


def _simulated(report: Report) -> str:
    if not report.simulated:
        return ""
    return "> [!NOTE]\n> The endpoints of this run were **simulated**: these are not a real model's figures."


def _patterns(report: Report) -> str:
    several = len({one.config for one in report.patterns}) > 1
    lines = []
    for one in report.patterns:
        whose = f" ({code(one.config)})" if several and one.config else ""
        lines.append(f"- **{PATTERN_NAMES[one.kind]}**{whose}: {plain(one.text)}")
    return "\n".join(lines)


def _waivers(report: Report) -> str:
    """Those in force, loudly: who answers for the release, and why."""
    return "\n".join(
        f"- 🟠 **Waived** {code(unit(one))}: {plain(waived(one))}: {plain(one.because)} ({code(one.where, most=200)})"
        for one in in_force(report)
    )


def _offers(report: Report) -> str:
    """The commands that would release what blocks. They are ours: every value in them is plain or escaped."""
    if not report.offers:
        return ""
    text = (
        "Somebody who has the permission that the policy asks for, and made neither this pull request nor its head "
        "commit, posts one of these lines as a comment, with the reason in place of the dots, and runs this job again."
    )
    lines = "\n".join(report.offers)
    return folded("Release despite this", f"{text}\n\n```text\n{lines}\n```")


def _notices(report: Report) -> list[str]:
    lines = [plain(text) for text in (*report.reasons[_headlined(report) :], *report.notices)]
    return ["\n".join(f"- {line}" for line in lines)] if lines else []


def _headlined(report: Report) -> int:
    """How many reasons the title has said already, in full."""
    return 1 if report.verdict in ("error", "neutral") and digest(report) == headline(report) else 0


def _scores(report: Report, rows: Sequence[Comparison]) -> str:
    """Folded where all is well: then the headline is all that a reviewer needs."""
    shown = "\n\n".join(tables(rows))
    green = report.verdict == "pass" and not any(one.outcome == "regressed" for one in rows)
    if not green or not shown:
        return shown
    families = count(sum(one.slice is None for one in rows), "family", "families")
    slices = sum(one.slice is not None for one in rows)
    return folded(f"Scores of {families}" + (f" and {count(slices, 'slice')}" if slices else ""), shown)


def tables(rows: Sequence[Row]) -> list[str]:
    configs = {one.config for one in rows}
    tables = []
    for config, group in groupby(rows, key=lambda one: one.config):
        title = f"**{code(config)}**\n\n" if config and len(configs) > 1 else ""
        tables.append(title + _table(list(group)))
    return tables


def _table(rows: Sequence[Row]) -> str:
    from tabulate import tabulate

    align = ("left", "right", "right", "right", "left", "left", "left", "left")
    measured = [one for one in rows if one.delta is not None]
    most = bars.reach([one.margin for one in measured], [end for one in measured for end in one.interval])
    return tabulate(
        [(*_row(one), _bar(one, most)) for one in rows],
        headers=_HEADERS,
        tablefmt="github",
        colalign=align,
        disable_numparse=True,
    )


def _row(one: Row) -> tuple[str, ...]:
    strong = "**" if one.outcome == "regressed" and one.severity == "blocking" else ""
    return (
        _name(one),
        f"{one.n_pairs:,}",
        points(one.baseline),
        points(one.candidate),
        f"{strong}{signed(one.delta)}{strong} {interval(one.interval)}",
        f"{OUTCOME_ICONS[one.outcome]} {strong}{one.outcome}{strong}{_aside(one)}",
        one.severity,
    )


def _bar(one: Row, most: float) -> str:
    drawn = bars.bar(one.delta, one.interval, one.margin, most=most)
    return f"`{drawn}`" if drawn else ""


def _name(one: Row) -> str:
    if one.slice is None:
        return code(one.family)
    return f"&emsp;↳ {code(f'{one.slice.name}: {one.slice.value}')}"


def _aside(one: Row) -> str:
    if one.waiver is not None:
        return " (waived)"
    return "" if one.gating or one.outcome in ("regressed", "improved") else " (too small to gate)"


def _dropped(number: int) -> str:
    if not number:
        return ""
    return f"_{count(number, 'row')} left out to fit; report.json has them all._"


def _quiet_slices(rows: Sequence[Comparison]) -> str:
    if not rows:
        return ""
    small = sum(not one.gating for one in rows)
    aside = f", {small} of them too small to see their margin" if small else ""
    return folded(f"{count(len(rows), 'more slice')} without a finding{aside}", "\n\n".join(tables(rows)))


def _costs(report: Report) -> str:
    """One line, where what the change costs is to be seen."""
    said = costs(report)
    return f"Candidate: {said}" if said else ""


def _config_changes(report: Report) -> str:
    if not report.changes:
        return ""
    several = len({change.config for change in report.changes}) > 1
    lines = [
        f"- {f'{code(change.config)} ' if several else ''}{change.what}: {code(change.before)} → {code(change.after)}"
        for change in report.changes
    ]
    names = listed(list(dict.fromkeys(change.what for change in report.changes)))
    return folded(f"What changed: {names}", "\n".join(lines))


def _measurement(report: Report) -> str:
    if not report.comparisons:
        return ""
    calls, usage = report.calls, report.usage
    asked = calls.baseline + calls.candidate
    verdict_count = [count(report.verdicts.asked, "verdict")] if report.verdicts else []
    facts = [count(asked, "call"), *verdict_count, count(usage.tokens, "token"), usd(usage.usd)]
    title = "How it was measured"
    if asked:
        title += f": {', '.join([*facts, duration(report.provenance.seconds)])}"
    return folded(title, "\n".join(f"- {line}" for line in _measured_lines(report)))


def _measured_lines(report: Report) -> list[str]:
    calls, served = report.calls, report.provenance.served_models
    lines = [
        f"calls: {calls.baseline:,} baseline, {calls.candidate:,} candidate; "
        f"{calls.cached:,} answered from the store, {calls.failed:,} failed",
    ]
    for arm, names in (("baseline", served.baseline), ("candidate", served.candidate)):
        if names:
            lines.append(f"{arm} was answered by {', '.join(code(name) for name in names[:5])}")
    lines += [
        f"{code(one.family)} was judged by {code(one.model)}: {plain(judged(one))}" for one in report.provenance.judges
    ]
    lines += [verdicts(report)] if report.verdicts else []
    lines += _not_measured(report)
    lines += [f"{code(one.family)}: {plain(one.reason)}" for one in because(report)[:20]]
    lines += [f"{code(one.family)}: {path(one)}" for one in report.comparisons if one.slice is None and one.looks][:50]
    lines += [reused(report)] if report.reused else []
    lines.append(
        "scores in points of 100, the same samples on both arms; _regressed_: a loss is shown; "
        "_unchanged_: any loss is smaller than the margin; _inconclusive_: neither is shown"
    )
    return lines


def _not_measured(report: Report) -> list[str]:
    return [
        f"not measured in {code(one.family)}: {one.n_dropped.baseline:,} samples on the baseline, "
        f"{one.n_dropped.candidate:,} on the candidate (no answer, or not scorable)"
        f"{'; ' if one.bounds else ''}{worst_case(one)}"
        for one in report.comparisons
        if one.slice is None and (one.n_dropped.baseline or one.n_dropped.candidate)
    ]


_PLAN_HEADERS = ("family", "n", "sees", "margin", "gating")
_MOST_PLANNED = 60


def _plan(report: Report) -> str:
    """What was said before the first call. Units that cannot see their margin come first where not all fit."""
    from tabulate import tabulate

    if not report.plan:
        return ""
    blind = sum(not row.gating for row in report.plan if row.severity == "blocking")
    kept = sorted(report.plan, key=lambda row: row.gating)[:_MOST_PLANNED]
    several = len({row.config for row in report.plan}) > 1
    rows = [_planned(row, several=several) for row in report.plan if row in kept]
    table = tabulate(
        rows,
        headers=_PLAN_HEADERS,
        tablefmt="github",
        colalign=("left", "right", "right", "right", "left"),
        disable_numparse=True,
    )
    title = "What this gate can see" + (f": {count(blind, 'unit')} too small for the margin" if blind else "")
    noises = listed(list(dict.fromkeys(known_noise(row) for row in report.plan)))
    text = f"the smallest drop in points that will be caught, as planned before the first call; noise {noises}"
    return folded(title, f"{table}\n\n_sees_: {text}{_dropped(len(report.plan) - len(rows))}")


def _planned(row: PlanRow, *, several: bool) -> tuple[str, ...]:
    name = code(row.family) if row.slice is None else f"&emsp;↳ {code(f'{row.slice.name}: {row.slice.value}')}"
    name = f"{name} of {code(row.config)}" if several and row.config else name
    return name, f"{row.samples:,}", points(row.visible), points(row.margin), gates(row)


def folded(title: str, body: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"


def _footer(report: Report) -> str:
    origin = report.provenance
    parts = [f"head {code(origin.head_sha[:12])}"] if origin.head_sha else []
    if address := run_address(report):
        parts.append(f"[run]({address})")
    parts.append(f"Driftgate {origin.version}")
    return f"<sub>{' · '.join(parts)}</sub>"
