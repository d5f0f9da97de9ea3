"""L7: the report as a short Slack message in mrkdwn. Nothing in it from data is a link, a mention or markup."""

from __future__ import annotations

import re

from gate.domain import Comparison
from gate.report import Report
from gate.wording import (
    OUTCOME_ICONS,
    PATTERN_NAMES,
    VERDICT_ICONS,
    because,
    count,
    headline,
    in_force,
    interval,
    printable,
    run_address,
    signed,
    unit,
    unlinked,
    waived,
)

_MOST_LINES = 8
_LONGEST = 300  # characters of a line: in all less than the 3,000 that a text block of Slack may have
_JOINER = "\u2060"


def slack(report: Report) -> str:
    """At most about 3,000 characters: the answer first, then what made it, then where to read more."""
    lines = [f"{VERDICT_ICONS[report.verdict]} *{_text(headline(report))}*"]
    if report.simulated:
        lines.append("_The endpoints were simulated: these are not a real model's figures._")
    facts = [f"{PATTERN_NAMES[one.kind]}: {one.text}" for one in report.patterns]
    facts += [_row(one) for one in _told(report)]
    facts += [f"Waived {unit(one)}: {waived(one)}: {one.because}" for one in in_force(report)]
    lines += [f"• {_text(fact)}" for fact in facts[:_MOST_LINES]]
    if len(facts) > _MOST_LINES:
        lines.append(f"• {count(len(facts) - _MOST_LINES, 'more line')} in the report")
    return "\n".join([*lines, _footer(report)]) + "\n"


def _told(report: Report) -> list[Comparison]:
    """What made the verdict; of a pass, what improved."""
    return because(report) or [one for one in report.comparisons if one.slice is None and one.outcome == "improved"]


def _row(one: Comparison) -> str:
    aside = " (waived)" if one.waiver else ""
    return f"{OUTCOME_ICONS[one.outcome]} {unit(one)}: {signed(one.delta)} {interval(one.interval)}{aside}"


def _footer(report: Report) -> str:
    origin = report.provenance
    parts = [f"head {_text(origin.head_sha[:12])}"] if origin.head_sha else []
    if address := run_address(report):
        parts.append(f"<{address}|run>")
    return " · ".join([*parts, f"Driftgate {origin.version}"])


def _text(text: str) -> str:
    """Slack has no escape for its markup, so a joiner stands on both sides of it; `& < >` are escaped as Slack asks."""
    flat = printable(text)
    cut = flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…"
    quiet = re.sub(r"([*_~`])", f"{_JOINER}\\1{_JOINER}", unlinked(cut))
    return quiet.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
