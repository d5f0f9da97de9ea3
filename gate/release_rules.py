"""L7: the rules that decisions were made by, and what was changed in them from release to release. Pure.

A loss is let through by a waiver, which is loud, or by a gate that was made weaker, which is not: notes say both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gate.domain import Severity
from gate.ledger_line import LedgerLine
from gate.wording import listed, points

Unit = tuple[str, str]
"""Family and name of the slice; "" for the family as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the decisions of a release were made by; of several that differ, the last."""

    version: str
    policy: str | None
    datasets: Mapping[str, str] = field(default_factory=dict)
    severities: Mapping[Unit, Severity] = field(default_factory=dict)
    margins: Mapping[Unit, float | None] = field(default_factory=dict)


def rules_of(lines: Sequence[LedgerLine], before: Rules | None) -> Rules | None:
    """Those of a release; `before` where nothing was compared in it."""
    compared = [line for line in lines if line.comparisons]
    if not compared:
        return before
    units = {(one.family, one.slice.name if one.slice else ""): one for line in compared for one in line.comparisons}
    return Rules(
        version=compared[-1].version,
        policy=compared[-1].policy_digest,
        datasets={name: digest for line in compared for name, digest in line.dataset_digests.items()},
        severities={unit: one.severity for unit, one in units.items()},
        margins={unit: one.margin for unit, one in units.items()},
    )


def changed_rules(before: Rules | None, after: Rules | None) -> tuple[str, ...]:
    """In words; empty for the first release, and where nothing was changed."""
    if before is None or after is None or before is after:
        return ()
    return tuple(_changed(before, after))


def _changed(before: Rules, after: Rules) -> Iterator[str]:
    yield from _units(before, after)
    for unit, severity in after.severities.items():
        was = before.severities.get(unit, severity)
        if was != severity:
            yield f"{_name(unit)} was {was} and is {severity}"
        old, new = before.margins.get(unit), after.margins[unit]
        if old is not None and new is not None and old != new:
            yield f"the margin of {_name(unit)} was {points(old)} points and is {points(new)}"
    for name, digest in after.datasets.items():
        if before.datasets.get(name, digest) != digest:
            yield f"the dataset {name} was changed: its scores are not those of the same samples as before"
    if before.policy is not None and after.policy is not None and before.policy != after.policy:
        yield f"the policy was changed ({_short(before.policy)} to {_short(after.policy)})"
    if before.version != after.version:
        yield f"Driftgate was {before.version} and is {after.version}"


def _units(before: Rules, after: Rules) -> Iterator[str]:
    gone = [_name(unit) for unit in before.severities if unit not in after.severities]
    new = [_name(unit) for unit in after.severities if unit not in before.severities]
    if gone:
        yield f"no longer evaluated: {listed(gone, most=20)}"
    if new:
        yield f"evaluated for the first time: {listed(new, most=20)}"


def _name(unit: Unit) -> str:
    family, slice_name = unit
    return f"{family} / {slice_name}" if slice_name else family


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
