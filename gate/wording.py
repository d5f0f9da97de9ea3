"""L7: numbers and verdicts as people read them. Scores are shown in points of 100."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gate.domain import Comparison, Outcome, PatternKind, PlanRow, Stage, Verdict, unit_name

if TYPE_CHECKING:
    from gate.ledger_line import Compared, LedgerLine
    from gate.report import JudgeRecord, Latency, Report
    from gate.waiver_terms import WaiverUse

MINUS = "\N{MINUS SIGN}"

_INVISIBLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_LINKING = re.compile(r"(?i)([@#]|://|www\.|\bgh-(?=[0-9]))")

VERDICT_ICONS: dict[Verdict, str] = {
    "pass": "🟢",
    "waived": "🟠",
    "blocked": "🔴",
    "inconclusive": "🟡",
    "neutral": "⚪",
    "error": "⛔",
}
OUTCOME_ICONS: dict[Outcome, str] = {
    "improved": "🟢",
    "unchanged": "⚪",
    "regressed": "🔴",
    "inconclusive": "🟡",
}


PATTERN_NAMES: dict[PatternKind, str] = {
    "neighbour-regressed": "A neighbour regressed",
    "resistance-eroded": "Adversarial resistance eroded",
    "over-refusal": "Over-refusal",
    "long-tail-lost": "The long tail was lost",
    "cumulative-drift": "Cumulative drift",
}
STAGES: dict[Stage, str] = {
    "fixed": "after all samples were asked",
    "looks": "at planned looks",
    "re-asked": "after the discordant samples were asked again on both arms",
    "second run": "after a second run of both arms",
    "stored": "against stored runs of the baseline",
}
_LOOKS_SHOWN = 4
_MOST_NAMED = 3


def path(one: Comparison) -> str:
    """How a sequential outcome was reached: ``regressed at planned looks: −2.0 after 200 calls, −3.1 after 400 calls``.

    Of many looks the last ones are shown; the report has them all.
    """
    looks = [f"{signed(look.delta)} after {look.asked:,} calls" for look in one.looks]
    shown = ["…", *looks[-_LOOKS_SHOWN:]] if len(looks) > _LOOKS_SHOWN else looks
    text = f"{one.outcome} {STAGES[one.stage]}"
    return f"{text}: {', '.join(shown)}" if shown else text


def worst_case(one: Comparison) -> str:
    """What the missing scores could hide; empty where none are missing."""
    return (
        "" if one.bounds is None else f"with every missing score at its worst or best, delta is {interval(one.bounds)}"
    )


def reused(report: Report) -> str:
    """How many answers of earlier runs were used, and how old they were when this run ended; empty for none."""
    if report.reused is None:
        return ""
    ended = datetime.fromisoformat(report.provenance.finished)
    oldest, newest = (age(ended - datetime.fromisoformat(one)) for one in (report.reused.oldest, report.reused.newest))
    number = report.reused.baseline + report.reused.candidate
    span = oldest if oldest == newest else f"{newest} to {oldest}"
    return f"{count(number, 'answer')} of earlier runs reused ({span} old)"


def judged(one: JudgeRecord) -> str:
    """``kappa 0.92 (0.84 to 0.97) on 120 labels, passes 95 % of good and 2 % of bad answers; licensed``."""
    parts = []
    if one.kappa is not None and one.kappa_interval is not None:
        low, high = one.kappa_interval
        parts.append(f"kappa {one.kappa:.2f} ({low:.2f} to {high:.2f}) on {count(one.labels, 'label')}")
    if one.sensitivity is not None and one.specificity is not None:
        good, bad = 100 * one.sensitivity, 100 * (1 - one.specificity)
        parts.append(f"passes {good:.0f} % of good and {bad:.0f} % of bad answers")
    state = {True: "licensed", False: "no licence", None: "whether it has a licence is not known"}[one.licensed]
    return "; ".join([*([", ".join(parts)] if parts else []), f"{state}: {one.reason}" if one.reason else state])


def verdicts(report: Report) -> str:
    """What was asked of judges; empty where there was none."""
    if report.verdicts is None:
        return ""
    asked = report.verdicts
    return f"verdicts: {asked.asked:,} asked; {asked.cached:,} answered from the store, {asked.failed:,} failed"


def age(span: timedelta) -> str:
    """``3 h``, ``2 d``, ``5 min``."""
    minutes = max(0, round(span.total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def printable(text: str) -> str:
    """Without line breaks, control characters, and characters that hide or reorder text."""
    return _INVISIBLE.sub(" ", text)


def unlinked(text: str) -> str:
    """Names nobody and links nowhere: an invisible joiner stands in every mention and address."""
    return _LINKING.sub("\\1\u2060", text)


def run_address(report: Report) -> str:
    """The address of the workflow run; empty where there is none, or it is not a plain address."""
    return plain_address(report.provenance.run_url)


def plain_address(text: str | None) -> str:
    """An address that can stand in a link as it is; empty for any other text."""
    return text if text and re.fullmatch(r"https?://[A-Za-z0-9.:/_-]+", text) else ""


def points(value: float | None) -> str:
    """0.8123 → ``81.2``; nothing measured → ``–``."""
    return "–" if value is None else f"{100 * value:.1f}"


def signed(value: float | None) -> str:
    """−0.05 → ``−5.0``; a zero has no sign."""
    if value is None:
        return "–"
    text = f"{100 * value:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", MINUS)


def interval(bounds: tuple[float, float]) -> str:
    return f"[{signed(bounds[0])}, {signed(bounds[1])}]"


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 call``, ``1,200 calls``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def usd(amount: float | None) -> str:
    if amount is None:
        return "no price stated"
    return f"${amount:.2f}" if amount >= 0.01 or amount == 0 else "< $0.01"


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def unit(one: Comparison | Compared | PlanRow | WaiverUse) -> str:
    return unit_name(one.family, one.slice)


def waived(one: WaiverUse) -> str:
    """What a waiver in force releases: ``lost 25.0 points of 34.1 allowed, by alice until 2026-12-20``."""
    return f"lost {points(one.measured)} points of {points(one.loss)} allowed, by {one.approver} until {one.until}"


def in_force(report: Report | LedgerLine) -> list[WaiverUse]:
    return [one for one in report.waivers if one.state == "in force"]


def use_of(one: Comparison | Compared, report: Report | LedgerLine) -> WaiverUse | None:
    """The waiver that released a regression, where the report has it."""
    unit_of = (one.config, one.family, one.slice)
    return next((use for use in in_force(report) if (use.config or one.config, use.family, use.slice) == unit_of), None)


def waiver_of(one: Comparison, report: Report) -> str:
    """Who released a regression, up to what, and why; at least the waiver's own words."""
    found = use_of(one, report)
    return one.waiver or "" if found is None else f"{waived(found)}: {found.because} ({found.where})"


def listed(items: Sequence[str], *, most: int = 3) -> str:
    """``a, b and c``; ``a, b, c and 4 more``."""
    shown = list(items[:most])
    if len(items) > most:
        return f"{', '.join(shown)} and {len(items) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def because(report: Report) -> list[Comparison]:
    """The comparisons that made the verdict, the largest loss first."""
    wanted: dict[Verdict, Outcome] = {
        "blocked": "regressed",
        "waived": "regressed",
        "inconclusive": "inconclusive",
        "error": "inconclusive",
    }
    found = [
        one
        for one in report.comparisons
        if one.severity == "blocking"
        and one.outcome == wanted.get(report.verdict)
        and (one.gating or one.outcome == "regressed")
    ]
    return sorted(found, key=lambda one: (one.slice is not None, one.delta or 0.0))


_DIGEST = 118  # 120 with an icon and a space


def digest(report: Report) -> str:
    """The headline, in as much as a phone shows of it: fewer losses by name where they are many, then cut."""
    texts = [headline(report, most=most) for most in (_MOST_NAMED, 2, 1)]
    return next((text for text in texts if len(text) <= _DIGEST), f"{texts[-1][: _DIGEST - 1]}…")


def headline(report: Report, *, most: int = _MOST_NAMED) -> str:
    """The answer, in one line of plain text, with at most so many losses by name."""
    units = because(report)
    match report.verdict:
        case "blocked":
            return f"Blocked: {_losses(report, units, most)}"
        case "waived":
            return f"Waived: {_losses(report, units, most)}, released by waiver"
        case "inconclusive":
            return f"Inconclusive: {_open(report, units, most)}"
        case "error":
            return f"Could not evaluate: {report.reasons[0] if report.reasons else 'nothing was measured'}"
        case "neutral":
            return f"Nothing to evaluate: {report.reasons[0] if report.reasons else 'no model config changed'}"
        case "pass":
            return f"Pass: {_passed(report, most)}"


def _open(report: Report, units: Sequence[Comparison], most: int) -> str:
    if units:
        return f"not enough evidence on {listed([unit(one) for one in units], most=most)}"
    return report.reasons[0] if report.reasons else "not everything was asked"


def _losses(report: Report, units: Sequence[Comparison], most: int) -> str:
    """``advisory-summary lost 8.0 points``; of which config, where the run judged several."""
    several = len({one.config for one in report.comparisons}) > 1
    return listed(
        [
            f"{unit(one)}{f' of {one.config}' if several and one.config else ''} "
            f"lost {points(abs(one.delta or 0.0))} points"
            for one in units
        ],
        most=most,
    )


def _passed(report: Report, most: int) -> str:
    families = [one for one in report.comparisons if one.slice is None]
    better = list(dict.fromkeys(one.family for one in families if one.outcome == "improved"))
    worse = [one for one in report.comparisons if one.outcome == "regressed"]  # advisory, since the run passed
    number = len({one.family for one in families})
    parts = [f"no blocking regression in {count(number, 'family', 'families')}"]
    parts += [f"{listed(better, most=most)} improved"] if better else []
    parts += [f"advisory: {_losses(report, worse, most)}"] if worse else []
    return "; ".join(parts)


_FEWEST_ANSWERS, _FEWEST_TIMED = 50, 100
"""On each arm: of fewer, a mean or a 95th percentile moves by itself."""
_VISIBLE, _VISIBLE_TIME, _VISIBLE_SECONDS = 0.10, 0.25, 0.2


def costs(report: Report) -> str:
    """What the change visibly costs or spares: ``+38 % output tokens a call, p95 2.1 s → 3.4 s, +12 % USD a call``."""
    arms = report.usage.per_call
    if arms is None:
        return ""
    before, after = arms.baseline, arms.candidate
    enough = min(before.answers, after.answers) >= _FEWEST_ANSWERS
    parts = [
        _share(before.output_tokens, after.output_tokens, "output tokens a call") if enough else "",
        _slower(before.latency, after.latency),
        _share(before.usd, after.usd, "USD a call") if enough else "",
    ]
    said = ", ".join(part for part in parts if part)
    return f"{said} (simulated)" if said and report.simulated else said


def grown(before: float | None, after: float | None) -> float | None:
    """By what share of it a figure has grown; None where that cannot be said."""
    return None if not before or after is None else after / before - 1


def percent(share: float) -> str:
    """0.38 → ``+38 %``."""
    return f"{100 * share:+.0f} %".replace("-", MINUS)


def _share(before: float | None, after: float | None, what: str) -> str:
    share = grown(before, after)
    return "" if share is None or abs(share) < _VISIBLE else f"{percent(share)} {what}"


def _slower(before: Latency | None, after: Latency | None) -> str:
    """Or faster."""
    if before is None or after is None or min(before.calls, after.calls) < _FEWEST_TIMED:
        return ""
    moved = abs(after.p95 - before.p95)
    if moved < _VISIBLE_SECONDS or moved < _VISIBLE_TIME * before.p95:
        return ""
    return f"p95 {before.p95:.1f} s → {after.p95:.1f} s"


def gates(row: PlanRow) -> str:
    """Can a pass rest on this unit? If not, why, and how many samples would do."""
    if row.gating:
        return "yes"
    if row.visible is not None and row.visible <= row.margin:
        return "no: advisory"
    needed = f"{row.samples_needed:,} samples would do" if row.samples_needed else "no number of samples would do"
    return f"no: {needed}"


def known_noise(row: PlanRow) -> str:
    """``8.0 % (assumed)``, ``7.1 % (from 400 samples)``."""
    source = f"from {count(row.noise_samples, 'sample')}" if row.noise_samples else "assumed"
    return f"{100 * row.noise:.1f} % ({source})"
