"""L7: the lines of a ledger → releases: what each changed, what it lost, and what was not measured. Pure.

A release is the lines up to one with a tag: that line is the decision on the release, the ones before it the decisions
on the way. Lines after the last tag are not released yet. A tag that is decided on again, before another one, is still
the same release, and its last line counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from gate.domain import Pattern, SliceKey, Verdict
from gate.errors import EXIT_PASS
from gate.ledger_line import Compared, LedgerLine
from gate.release_rules import Rules, changed_rules, rules_of
from gate.report import ArmDigests, Change
from gate.verdict import EXIT_CODES
from gate.waiver_terms import WaiverUse
from gate.wording import points, use_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A line of the ledger, by its number, and what it decided."""

    line: int
    time: str
    verdict: Verdict
    simulated: bool
    head_sha: str | None
    run_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of one model config that was compared: what changed, and each unit of it. `let_through`: the gate did
    not stop it. `digests` is None where results were recorded elsewhere."""

    source: Source
    let_through: bool
    config: str | None
    digests: ArmDigests | None
    changes: tuple[Change, ...]
    compared: tuple[Compared, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A shown loss. `waived` and `advisory` ones were let through where `stopped` is false."""

    kind: Literal["blocking", "waived", "advisory"]
    stopped: bool
    source: Source
    compared: Compared
    waiver: WaiverUse | None

    @property
    def fate(self) -> Literal["blocking", "waived", "advisory", "stopped"]:
        return "stopped" if self.stopped else self.kind


GapKind = Literal["nothing compared", "undecided", "not compared", "no pair", "open", "too small", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that was not measured, or not well enough.

    - *nothing compared*, *undecided*: the whole decision;
    - *not compared*: planned, and not there; *no pair*: no sample was scored on both arms;
    - *open*: neither a loss nor the absence of one is shown;
    - *too small*: sees only losses of `visible` (None: none at all, or not known), more than its `margin`;
    - *dropped*: that many samples had no answer or no score on an arm.
    """

    kind: GapKind
    line: int
    config: str | None = None
    family: str | None = None
    slice: SliceKey | None = None
    reason: str = ""
    margin: float | None = None
    visible: float | None = None
    baseline: int = 0
    candidate: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`tag` and `verdict` are None for what is not released yet. `steps` are those that stand (see `_standing`);
    `regressions` are of every decision. `rules` says how the gate itself was changed since the release before."""

    tag: str | None
    verdict: Verdict | None
    time: str
    decisions: tuple[Source, ...]
    steps: tuple[Step, ...]
    regressions: tuple[Regression, ...]
    gaps: tuple[Gap, ...]
    drift: tuple[Pattern, ...]
    rules: tuple[str, ...]
    notices: tuple[str, ...]

    @property
    def simulated(self) -> bool:
        return any(one.simulated for one in self.decisions)


Numbered = tuple[int, LedgerLine]


def releases(lines: Sequence[LedgerLine], *, first: int = 1) -> tuple[Release, ...]:
    """All of them, the oldest first; what is not released yet is the last. `first` is the number of the first line."""
    found: list[Release] = []
    before: Rules | None = None
    for group in _groups(list(enumerate(lines, start=first))):
        rules = rules_of([line for _, line in group], before)
        found.append(_release(group, changed_rules(before, rules)))
        before = rules
    return tuple(found)


def _groups(lines: Sequence[Numbered]) -> Iterator[list[Numbered]]:
    group: list[Numbered] = []
    for (number, line), following in zip(lines, _following_tags(lines), strict=True):
        group.append((number, line))
        if line.tag is not None and line.tag != following:
            yield group
            group = []
    if group:
        yield group


def _following_tags(lines: Sequence[Numbered]) -> list[str | None]:
    """For each line the tag that comes next after it."""
    found: list[str | None] = []
    tag = None
    for _, line in reversed(lines):
        found.append(tag)
        tag = tag if line.tag is None else line.tag
    return found[::-1]


def _release(group: Sequence[Numbered], rules: tuple[str, ...]) -> Release:
    _, last = group[-1]
    steps = _standing(group)
    shown = {one.source.line for one in steps} | {group[-1][0]}
    telling = [(number, line) for number, line in group if number in shown]
    return Release(
        tag=last.tag,
        verdict=None if last.tag is None else last.verdict,
        time=last.time,
        decisions=tuple(_source(number, line) for number, line in group),
        steps=tuple(steps),
        regressions=tuple(_regressions(group)),
        gaps=tuple(gap for number, line in telling for gap in gaps_of(number, line)),
        drift=_drift(line for _, line in telling),
        rules=rules,
        notices=tuple(dict.fromkeys(text for _, line in telling for text in line.notices)),
    )


def _source(number: int, line: LedgerLine) -> Source:
    return Source(
        line=number,
        time=line.time,
        verdict=line.verdict,
        simulated=line.simulated,
        head_sha=line.head_sha,
        run_url=line.run_url,
    )


def let_through(verdict: Verdict) -> bool:
    """Whether the gate's exit code was 0."""
    return EXIT_CODES[verdict] == EXIT_PASS


def families_let_through(one: Release) -> Iterator[Compared]:
    """What the steps that were let through measured of whole families."""
    for step in one.steps:
        yield from (row for row in step.compared if step.let_through and row.slice is None)


def _standing(group: Sequence[Numbered]) -> list[Step]:
    """The steps that a release is made of: let through, or judged by the decision with the tag.

    Where every change of a config was stopped, the last one is shown.
    """
    tried: dict[str | None, list[Step]] = {}
    for step in _steps(group):
        tried.setdefault(step.config, []).append(step)
    tagged = {number for number, line in group if line.tag is not None}
    found: list[Step] = []
    for mine in tried.values():
        stand = [one for one in mine if one.let_through or one.source.line in tagged]
        found += _chain(stand) or mine[-1:]
    return sorted(found, key=lambda one: one.source.line)


def _chain(steps: Sequence[Step]) -> list[Step]:
    """A step that starts from the same baseline as an earlier one stands for it and for those since: it is another try
    of the same change, or covers them all."""
    kept: list[Step] = []
    for step in steps:
        starts = [one.digests and one.digests.baseline for one in kept]
        start = step.digests and step.digests.baseline
        if start in starts:
            del kept[starts.index(start) :]
        kept.append(step)
    return kept


def _steps(group: Sequence[Numbered]) -> Iterator[Step]:
    for number, line in group:
        for config in dict.fromkeys(one.config for one in line.comparisons):
            yield Step(
                source=_source(number, line),
                let_through=let_through(line.verdict),
                config=config,
                digests=line.config_digests.get(config) if config is not None else None,
                changes=tuple(one for one in line.changes if one.config == config),
                compared=tuple(one for one in line.comparisons if one.config == config),
            )


def _regressions(group: Sequence[Numbered]) -> list[Regression]:
    """Of every decision, once for each unit of each change: the last time that it was shown. Where results were
    recorded elsewhere nobody knows whose they are, and what was measured tells one change from another."""
    found: dict[object, Regression] = {}
    for number, line in group:
        for one in line.comparisons:
            if one.outcome == "regressed":
                regression = Regression(
                    kind="waived" if one.waiver is not None else one.severity,
                    stopped=not let_through(line.verdict),
                    source=_source(number, line),
                    compared=one,
                    waiver=use_of(one, line),
                )
                digests = line.config_digests.get(one.config) if one.config is not None else None
                change = digests or (one.delta, one.interval)
                key = (regression.kind, regression.stopped, one.config, one.family, one.slice, change)
                found.pop(key, None)
                found[key] = regression
    return list(found.values())


def _drift(lines: Iterable[LedgerLine]) -> tuple[Pattern, ...]:
    named = (one for line in lines for one in line.patterns if one.kind == "cumulative-drift")
    return tuple(dict.fromkeys(named))


def gaps_of(number: int, line: LedgerLine) -> Iterator[Gap]:
    """What one decision did not measure."""
    if not line.comparisons or not let_through(line.verdict):
        kind: GapKind = "nothing compared" if let_through(line.verdict) else "undecided"
        told = {f"{one.family}: {one.reason}" for one in line.comparisons}  # each has a gap of its own
        reasons = line.reasons if line.verdict != "blocked" else ()
        yield from (Gap(kind=kind, line=number, reason=reason) for reason in reasons if reason not in told)
    there = {(one.config, one.family, one.slice) for one in line.comparisons}
    for row in line.plan:
        if line.comparisons and (row.config, row.family, row.slice) not in there:
            yield Gap(kind="not compared", line=number, config=row.config, family=row.family, slice=row.slice)
    for one in line.comparisons:
        yield from _gaps(number, line, one)


def _gaps(number: int, line: LedgerLine, one: Compared) -> Iterator[Gap]:
    kind: GapKind | None = None
    if one.n_pairs == 0:
        kind = "no pair"
    elif not one.gating and one.severity == "blocking" and one.outcome in ("unchanged", "inconclusive"):
        kind = "too small"
    elif one.outcome == "inconclusive":
        kind = "open"
    if kind is not None:
        seen = [row.visible for row in line.plan if (row.config, row.family, row.slice) == _unit(one)]
        yield _gap(kind, number, one, visible=seen[0] if seen else None)
    if one.slice is None and one.n_dropped is not None and (one.n_dropped.baseline or one.n_dropped.candidate):
        yield _gap("dropped", number, one)


def _unit(one: Compared) -> tuple[str | None, str, SliceKey | None]:
    return one.config, one.family, one.slice


def _gap(kind: GapKind, number: int, one: Compared, *, visible: float | None = None) -> Gap:
    lost = one.n_dropped if kind == "dropped" else None
    return Gap(
        kind=kind,
        line=number,
        config=one.config,
        family=one.family,
        slice=one.slice,
        reason="" if kind == "dropped" else one.reason,
        margin=one.margin,
        visible=visible,
        baseline=lost.baseline if lost else 0,
        candidate=lost.candidate if lost else 0,
    )


_LACKS: dict[GapKind, str] = {
    "nothing compared": "nothing was compared",
    "undecided": "the decision is open",
    "not compared": "was planned, and not compared",
    "no pair": "no sample was scored on both arms",
    "open": "not enough evidence",
    "too small": "too small to see a loss as large as its margin",
    "dropped": "had no answer or no score",
}


def lacks(one: Gap) -> str:
    """What was not measured, in words, without the unit's name."""
    text = _LACKS[one.kind]
    if one.kind == "dropped":
        return f"{one.baseline:,} samples on the baseline and {one.candidate:,} on the candidate {text}"
    if one.kind == "too small":
        margin = f" of {points(one.margin)} points" if one.margin is not None else ""
        return f"{text}{margin}{f': sees losses from {points(one.visible)} points' if one.visible is not None else ''}"
    return f"{text}: {one.reason}" if one.reason else text
