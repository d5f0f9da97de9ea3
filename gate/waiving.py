"""L6: comparisons + waivers + what is judged + today → what is released. Pure.

A waiver covers one unit (a family, or one slice of it) of one model pair. It is looked at in this order, and the first
answer stands:

1. ``refused``   its comment was edited or hidden; it names no config where several are judged;
2. ``expired``   its last day is over;
3. ``refused``   it runs longer, or allows more, than the policy lets it; it does not say what it was given for;
4. ``lapsed``    it was given for another head commit, policy, baseline or candidate;
5. ``unused``    its unit or config is not in this run, did not regress, or blocks nothing, or another waiver covers it;
6. ``lapsed``    the loss grew past what it allows;
7. ``refused``   its approver may not approve it;
8. ``in force``  it releases its unit.

The loss that is held against the largest loss allowed is the measured one (−delta). Its default is the interval's worse
end, so that the same models, asked again, do not fall out of it by noise alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from math import ceil

from gate.domain import Comparison, unit_name
from gate.policy import WaiverRule
from gate.waiver_command import LONGEST_LINE, word
from gate.waiver_terms import FEWEST_HEX, Bound, State, Waiver, WaiverUse

NEAR_DAYS = 7
_MOST_NOTICES = 10
_OFFERED_DAYS = 14
_ROUNDING = 1e-9


Models = Mapping[str, tuple[str, str]]
"""Digests of the baseline and the candidate, by model config."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a run judges, as far as it knows."""

    rule: WaiverRule
    today: date
    policy: str
    head: str | None = None
    models: Models = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """The comparisons, those that are released marked; all waivers; the commands that would release the rest."""

    comparisons: tuple[Comparison, ...]
    uses: tuple[WaiverUse, ...] = ()
    notices: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()


Release = Callable[[Sequence[Comparison], date], Waived]
"""How a run applies waivers, on its day."""


def released(release: Release | None, comparisons: Sequence[Comparison], today: date) -> Waived:
    """What a run releases; nothing where it knows no waivers."""
    return Waived(comparisons=tuple(comparisons)) if release is None else release(comparisons, today)


def waive(
    comparisons: Sequence[Comparison],
    waivers: Sequence[Waiver],
    judged: Judged,
    *,
    refusals: Mapping[str, str] | None,
    unchecked: Sequence[str] = (),
) -> Waived:
    """Apply waivers. `refusals`: for each of the `approvers`, in small letters, why they may not approve, or "" where
    they may; whoever is not in it may not. None: this run cannot ask."""
    rows = list(comparisons)
    uses = []
    for one in waivers:
        index, use = _use(one, rows, judged)
        if use.state == "in force" and (why := _refusal(one, refusals)):
            use = replace(use, state="refused", reason=why)
        if use.state == "in force":
            use = replace(use, unchecked=(*_unchecked(one, judged), *unchecked))
            rows[index] = replace(rows[index], waiver=f"{use.approver}, until {use.until}")
        uses.append(use)
    return Waived(
        comparisons=tuple(rows),
        uses=tuple(uses),
        notices=tuple(_notices(uses, judged.today)),
        offers=offers(rows, judged),
    )


def _refusal(one: Waiver, refusals: Mapping[str, str] | None) -> str:
    return "" if refusals is None else refusals.get(one.approver.lower(), "its approver was not checked")


def approvers(comparisons: Sequence[Comparison], waivers: Sequence[Waiver], judged: Judged) -> list[str]:
    """On whose permission it depends what is released, in small letters."""
    claims = [one for one in waivers if _use(one, list(comparisons), judged)[1].state == "in force"]
    return list(dict.fromkeys(one.approver.lower() for one in claims))


def _use(one: Waiver, rows: Sequence[Comparison], judged: Judged) -> tuple[int, WaiverUse]:
    """What becomes of a waiver but for its approver, and which row it is about."""
    config, answer = _config(one, judged)
    void: Answer | None = ("refused", one.void) if one.void else None
    answer = void or answer or _dated(one, judged) or _bound(one, config, judged)
    index = next((place for place, row in enumerate(rows) if _is_unit(row, one, config)), -1)
    row = rows[index] if index >= 0 else None
    allowed = _allowed(one, row, judged)
    measured = None if row is None or row.delta is None else max(0.0, -row.delta)
    state, reason = answer or _covers(row, measured, allowed)
    return index, WaiverUse(
        source=one.source,
        where=one.where,
        config=config,
        family=one.family,
        slice=one.slice,
        approver=one.approver,
        because=one.because,
        given=one.given.isoformat(),
        until=one.until.isoformat(),
        loss=allowed,
        measured=measured,
        state=state,
        reason=reason,
    )


Answer = tuple[State, str]


def _config(one: Waiver, judged: Judged) -> tuple[str | None, Answer | None]:
    if one.config is not None and judged.models and one.config not in judged.models:
        return one.config, ("unused", f"this run does not judge {one.config}")
    if one.config is not None or not judged.models:
        return one.config, None
    if len(judged.models) > 1:
        return None, ("refused", "this run judges several model configs, and it names none: config PATH")
    return next(iter(judged.models)), None


def _dated(one: Waiver, judged: Judged) -> Answer | None:
    rule, days = judged.rule, (one.until - one.given).days
    if one.until < judged.today:
        return "expired", f"its last day was {one.until}"
    if one.given > judged.today:
        return "refused", f"it is dated {one.given}, which is yet to come"
    if days > rule.max_days:
        return "refused", f"it runs for {days} days; the policy allows {rule.max_days} at most"
    if one.loss is not None and rule.max_loss is not None and one.loss > rule.max_loss:
        return "refused", f"it allows a loss of {one.loss:g}; the policy allows {rule.max_loss:g} at most"
    return None


_CALLED = {"head": "head commit", "policy": "policy", "baseline": "baseline", "candidate": "candidate"}


def _bound(one: Waiver, config: str | None, judged: Judged) -> Answer | None:
    """Is what it was given for what is judged? What the run does not know itself cannot differ."""
    for name, actual in _actual(config, judged).items():
        stated = getattr(one.bound, name)
        if actual is not None and stated is None:
            why = one.unseen or f"it does not name the {_CALLED[name]}"
            return "refused", f"{why}; add {name} {_short(actual)}"
        if actual is not None and not _same(stated, actual):
            return "lapsed", f"the {_CALLED[name]} changed: given for {_short(stated)}, this is {_short(actual)}"
    return None


def _actual(config: str | None, judged: Judged) -> dict[str, str | None]:
    baseline, candidate = judged.models.get(config or "", (None, None))
    return {"head": judged.head, "policy": judged.policy, "baseline": baseline, "candidate": candidate}


def _same(stated: str, actual: str) -> bool:
    beginning = stated.removeprefix("sha256:")
    return len(beginning) >= FEWEST_HEX and actual.removeprefix("sha256:").startswith(beginning)


def _short(digits: str) -> str:
    return digits.removeprefix("sha256:")[:FEWEST_HEX]


def _is_unit(row: Comparison, one: Waiver, config: str | None) -> bool:
    return (row.family, row.slice) == (one.family, one.slice) and (row.config is None or row.config == config)


def _allowed(one: Waiver, row: Comparison | None, judged: Judged) -> float | None:
    """The largest loss allowed, the policy's limit included."""
    measured = None if row is None else max(0.0, -row.interval[0])
    stated = one.loss if one.loss is not None else measured
    limit = judged.rule.max_loss
    return stated if limit is None or stated is None else min(stated, limit)


def _covers(row: Comparison | None, measured: float | None, allowed: float | None) -> Answer:
    if row is None:
        return "unused", "this run has no such family or slice"
    if row.severity == "advisory":
        return "unused", "it is advisory, so nothing is blocked"
    if row.outcome != "regressed" or measured is None or allowed is None:
        return "unused", f"it did not regress ({row.outcome})"
    if row.waiver is not None:
        return "unused", "another waiver covers it"
    if measured > allowed + _ROUNDING:
        return "lapsed", f"the loss grew to {measured:.4f}; it allows {allowed:.4f} at most"
    return "in force", f"a loss of {measured:.4f}, of {allowed:.4f} allowed"


def _unchecked(one: Waiver, judged: Judged) -> list[str]:
    """What it is bound to and this run does not know."""
    stated: Bound = one.bound
    actual = _actual(one.config or next(iter(judged.models), None), judged)
    return [f"the {_CALLED[name]}" for name, value in actual.items() if value is None and getattr(stated, name)]


def _notices(uses: Sequence[WaiverUse], today: date) -> list[str]:
    """What a reader should know: first of those in force, then why others are not."""
    ranked = sorted(uses, key=lambda one: one.state != "in force")
    lines = [line for one in ranked if (line := _notice(one, today))]
    rest = len(lines) - _MOST_NOTICES
    return [*lines[:_MOST_NOTICES], *([f"and {rest} more waivers, which report.json names"] if rest > 0 else [])]


def _notice(one: WaiverUse, today: date) -> str:
    """Empty where there is nothing to say but that it is in force."""
    name = f"waiver of {unit_name(one.family, one.slice)} by {one.approver} ({one.where})"
    left = (date.fromisoformat(one.until) - today).days
    near = left <= NEAR_DAYS and one.state in ("in force", "unused")
    facts = [f"{one.state}: {one.reason}"] if one.state != "in force" else []
    facts += [f"not checked here: {', '.join(one.unchecked)}"] if one.unchecked else []
    facts += [f"expires {_in_days(left)}, on {one.until}"] if near else []
    return f"{name}: {'; '.join(facts)}" if facts else ""


def _in_days(number: int) -> str:
    return "today" if number == 0 else f"in {number} day{'' if number == 1 else 's'}"


def offers(rows: Sequence[Comparison], judged: Judged) -> tuple[str, ...]:
    """The commands that would release what regressed, bound to all that is judged, for a pull request's comment."""
    if judged.head is None:
        return ()
    until = judged.today + timedelta(days=min(_OFFERED_DAYS, judged.rule.max_days))
    lines = [
        _offer(row, until, judged)
        for row in rows
        if row.severity == "blocking" and row.outcome == "regressed" and row.waiver is None
    ]
    return tuple(line for line in lines if line and len(line) <= LONGEST_LINE)[:_MOST_NOTICES]


def _offer(row: Comparison, until: date, judged: Judged) -> str:
    unit = row.family if row.slice is None else f"{row.family}/{row.slice.name}={word(row.slice.value)}"
    worse, limit = ceil(-row.interval[0] * 1e4) / 1e4, judged.rule.max_loss
    loss = min(1.0, worse) if limit is None else min(worse, limit)
    if row.delta is None or -row.delta > loss:
        return ""
    config = f" config {word(row.config)}" if row.config and len(judged.models) > 1 else ""
    actual = _actual(row.config, judged)
    bound = "".join(f" {name} {_short(value)}" for name, value in actual.items() if value)
    return f"/driftgate waive {unit} until {until} loss {loss:.4f}{config}{bound} because …"


def on_this_machine(waivers: Sequence[Waiver], rule: WaiverRule, *, policy: str, models: Models) -> Release:
    """How a run on a command line applies the file's waivers: it knows no commit and cannot ask for permissions."""

    def release(comparisons: Sequence[Comparison], today: date) -> Waived:
        judged = Judged(rule=rule, today=today, policy=policy, models=models)
        return waive(comparisons, waivers, judged, refusals=None, unchecked=("the approver's permission",))

    return release
