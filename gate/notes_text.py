"""L7: release notes as Markdown, for a GitHub release or a file: the answer first, then what was lost, newest first.

Tags, reasons and the words of waivers are data: they stand in code spans or as plain text, as in the comment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gate.domain import unit_name
from gate.ledger_line import Compared, line_of
from gate.markdown import code, folded, notable, plain, tables
from gate.notes import Course, Notes, let_out
from gate.releases import Gap, Regression, Release, Source, Step, lacks, releases
from gate.report import ArmDigests, Change, Report
from gate.wording import VERDICT_ICONS, count, headline, interval, plain_address, points, signed, waived

_MOST = 30  # lines of one list; the JSON has them all
_NOTE = (
    "_Sum of the steps_ is what the single decisions measured, added up. It is no measurement of the whole: each step "
    "has noise and samples of its own. What was lost since a fixed point is measured by a run against an anchor."
)
_KINDS = {"blocking": "🔴 blocking", "waived": "🟠 waived", "advisory": "🔸 advisory"}


def notes_text(found: Notes) -> str:
    """The notes of several releases."""
    writer = _Writer(configs=_configs(found.releases), numbered=True, simulated=bool(_all_simulated(found)))
    answer, _, besides = found.answer.partition("; ")
    parts = [f"# {plain(answer)}", plain(besides), _all_simulated(found), writer.let_out(found)]
    parts.append(writer.courses(found.courses))
    parts += [writer.release(one, f"## {_title(one)}") for one in found.releases]
    return "\n\n".join(part for part in parts if part) + "\n"


def report_text(report: Report) -> str:
    """The notes of one report, as a section of a release's text."""
    found = releases([line_of(report, tag=None, previous=None)])
    writer = _Writer(configs=_configs(found), numbered=False)
    return writer.release(found[0], f"## {VERDICT_ICONS[report.verdict]} {plain(headline(report))}") + "\n"


def _configs(found: Sequence[Release]) -> frozenset[str | None]:
    return frozenset(step.config for one in found for step in one.steps)


def _title(one: Release) -> str:
    day = plain(one.time[:10])
    if one.tag is None or one.verdict is None:
        return f"Not in a release yet · {day}"
    return f"{code(one.tag)} · {day} · {VERDICT_ICONS[one.verdict]} {one.verdict}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """Names a config only where there are several, a ledger's line only where the lines are `numbered`, and what is
    simulated only where that has not been said of all of it."""

    configs: frozenset[str | None]
    numbered: bool
    simulated: bool = False

    def release(self, one: Release, title: str) -> str:
        nothing = "No regression was shown." if one.steps else "Nothing was compared."
        parts = [
            title,
            "" if self.simulated else _simulated(one.decisions),
            _section("Regressions", map(self._regression, one.regressions)) or nothing,
            *(part for step in one.steps for part in self._step(step)),
            _section("Not measured", dict.fromkeys(self._gap(gap, one) for gap in one.gaps)),
            _section("Drift since the anchor", (plain(pattern.text) for pattern in one.drift)),
            _section("The gate itself was changed", map(plain, one.rules)),
            _section("Noted", map(plain, one.notices)),
            self._rests_on(one),
        ]
        return "\n\n".join(part for part in parts if part)

    def let_out(self, found: Notes) -> str:
        """Every regression that was let through, over all releases: what somebody asks for a year later."""
        rows = [
            (_tag(one), self._unit(lost.compared), _moved(lost.compared), _why(lost)) for one, lost in let_out(found)
        ]
        if not rows:
            return "No regression was let through." if found.releases else ""
        table = _table(("release", "unit", "delta (interval)", "why"), rows, ("left",) * 4)
        return f"## Regressions that were let through\n\n{table}"

    def courses(self, found: Sequence[Course]) -> str:
        head = ("family", "steps", "first baseline", "last candidate", "sum of the steps", "let through", "stopped")
        rows = [
            (
                self._named(one.config, one.family),
                f"{one.steps:,}",
                points(one.first),
                points(one.last),
                signed(one.total),
                ", ".join(_counts(one)) or "–",
                f"{one.stopped:,}" if one.stopped else "–",
            )
            for one in found
        ]
        align = ("left", "right", "right", "right", "right", "left", "right")
        return f"## Each family\n\n{_table(head, rows, align)}\n\n{_NOTE}" if rows else ""

    def _unit(self, one: Compared | Gap) -> str:
        return self._named(one.config, unit_name(one.family or "", one.slice))

    def _named(self, config: str | None, name: str) -> str:
        whose = f" of {code(config)}" if config and len(self.configs) > 1 else ""
        return f"{code(name, most=160)}{whose}"

    def _regression(self, one: Regression) -> str:
        fate = "stopped" if one.stopped else "let through"
        where = f" (line {one.source.line:,}, {plain(one.source.time[:10])})" if self.numbered else ""
        return f"{_KINDS[one.kind]}, **{fate}**: {self._unit(one.compared)} {_moved(one.compared)}{_waived(one)}{where}"

    def _step(self, one: Step) -> Iterator[str]:
        config = f" in {code(one.config)}" if one.config else ""
        span = [f"config: {_span(one.digests)}"] if one.digests else []
        yield f"### What changed{config}"
        yield _listed([*map(_change, one.changes), *span]) or "Nothing that was recorded: only the scores are known."
        yield "\n\n".join(tables([row for row in one.compared if notable(row)]))
        if quiet := sum(not notable(row) for row in one.compared):
            yield f"_{count(quiet, 'more slice')} without a finding._"

    def _gap(self, one: Gap, release: Release) -> str:
        name = f"{self._unit(one)}: " if one.family is not None else ""
        where = f" (line {one.line:,})" if self.numbered and len(release.decisions) > 1 else ""
        return f"{name}{plain(lacks(one))}{where}"

    def _rests_on(self, one: Release) -> str:
        title = f"Rests on {count(len(one.decisions), 'decision')}"
        return folded(title, _listed(self._source(source) for source in one.decisions))

    def _source(self, one: Source) -> str:
        parts = [f"line {one.line:,}"] if self.numbered else []
        parts += [plain(one.time), f"{VERDICT_ICONS[one.verdict]} {one.verdict}"]
        parts += [code(one.head_sha[:12])] if one.head_sha else []
        parts += ["simulated"] if one.simulated else []
        address = plain_address(one.run_url)
        return ", ".join([*parts, *([f"[run]({address})"] if address else [])])


def _section(title: str, lines: Iterable[str]) -> str:
    text = _listed(lines)
    return f"### {title}\n\n{text}" if text else ""


def _listed(lines: Iterable[str]) -> str:
    items = [f"- {line}" for line in lines]
    more = [f"- _{count(len(items) - _MOST, 'more line')} in the JSON_"] if len(items) > _MOST else []
    return "\n".join([*items[:_MOST], *more])


def _all_simulated(found: Notes) -> str:
    """Once, where it holds for every decision."""
    decisions = [source for one in found.releases for source in one.decisions]
    return _simulated(decisions) if all(one.simulated for one in decisions) else ""


def _simulated(decisions: Sequence[Source]) -> str:
    number = sum(one.simulated for one in decisions)
    if not number:
        return ""
    whose = "all of these decisions" if number == len(decisions) else count(number, "decision")
    return f"> [!NOTE]\n> The endpoints of {whose} were **simulated**: these are not a real model's figures."


def _moved(one: Compared) -> str:
    return f"{signed(one.delta)} {interval(one.interval)}"


def _waived(one: Regression) -> str:
    if one.waiver is not None:
        return f": {plain(waived(one.waiver))}: {plain(one.waiver.because)} ({code(one.waiver.where, most=200)})"
    return f": {plain(one.compared.waiver)}" if one.compared.waiver is not None else ""


def _why(one: Regression) -> str:
    return f"{_KINDS[one.kind]}{_waived(one)}"


def _span(digests: ArmDigests) -> str:
    return " → ".join(code(one.removeprefix("sha256:")[:12]) for one in (digests.baseline, digests.candidate))


def _change(one: Change) -> str:
    return f"{plain(one.what)}: {code(one.before)} → {code(one.after)}"


def _tag(one: Release) -> str:
    return "not in a release yet" if one.tag is None else code(one.tag)


def _counts(one: Course) -> Iterator[str]:
    if one.waived:
        yield f"🟠 {one.waived:,} waived"
    if one.advisory:
        yield f"🔸 {one.advisory:,} advisory"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str]) -> str:
    from tabulate import tabulate

    return tabulate(rows, headers=head, tablefmt="github", colalign=align, disable_numparse=True)
