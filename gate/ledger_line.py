"""L7: what the ledger keeps of a decision: one line, made from a report and read again years later.

Version 2 added what release notes and an auditor ask for. A line of version 1 is read as it was written: what it does
not say is the field's default. A field may be added to version 2; none is renamed or taken out, because the lines of
old decisions are never written anew.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, TypeVar

from gate.domain import Comparison, Outcome, Pattern, PerArm, PlanRow, Severity, SliceKey, Verdict
from gate.report import ArmDigests, Calls, Change, JudgeRecord, Report, ServedModels, first_wrong
from gate.waiver_terms import WaiverUse

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is kept of a comparison; the fields mean what they mean there. Those with a default came with version 2."""

    config: str | None
    family: str
    slice: SliceKey | None
    severity: Severity
    n_pairs: int
    delta: float | None
    interval: tuple[float, float]
    outcome: Outcome
    waiver: str | None
    metric: str = ""
    n_dropped: PerArm | None = None
    baseline: float | None = None
    candidate: float | None = None
    margin: float | None = None
    level: float | None = None
    p_value: float | None = None
    method: str = ""
    gating: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a unit was asked, and the smallest loss that the run could see (None: none)."""

    config: str | None
    family: str
    slice: SliceKey | None
    severity: Severity
    samples: int
    margin: float
    visible: float | None
    gating: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Tokens of all calls, judges' too; `usd` is None where the policy states no price."""

    tokens: int
    usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One decision. `previous` is the hash of the line before; None on the first. No prompt, answer or target."""

    schema_version: Literal[1, 2]
    time: str
    verdict: Verdict
    simulated: bool
    tag: str | None
    reasons: tuple[str, ...]
    policy_digest: str | None
    config_digests: dict[str, ArmDigests]
    dataset_digests: dict[str, str]
    comparisons: tuple[Compared, ...]
    waivers: tuple[WaiverUse, ...]
    version: str
    served_models: ServedModels
    base_sha: str | None
    head_sha: str | None
    run_url: str | None
    previous: str | None
    seed: int | None = None
    notices: tuple[str, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    changes: tuple[Change, ...] = ()
    plan: tuple[Planned, ...] = ()
    judges: tuple[JudgeRecord, ...] = ()
    calls: Calls | None = None
    usage: Spent | None = None


def line_of(report: Report, *, tag: str | None, previous: str | None) -> LedgerLine:
    """What is kept of a report, as the line that comes after `previous`."""
    origin = report.provenance
    return LedgerLine(
        schema_version=2,
        time=origin.finished,
        verdict=report.verdict,
        simulated=report.simulated,
        tag=tag,
        reasons=report.reasons,
        policy_digest=origin.policy_digest,
        config_digests=origin.config_digests,
        dataset_digests=origin.dataset_digests,
        comparisons=tuple(_part(one, Compared) for one in report.comparisons),
        waivers=report.waivers,
        version=origin.version,
        served_models=origin.served_models,
        base_sha=origin.base_sha,
        head_sha=origin.head_sha,
        run_url=origin.run_url,
        previous=previous,
        seed=origin.seed,
        notices=report.notices,
        patterns=report.patterns,
        changes=report.changes,
        plan=tuple(_part(one, Planned) for one in report.plan),
        judges=origin.judges,
        calls=report.calls,
        usage=Spent(tokens=report.usage.tokens, usd=report.usage.usd),
    )


Part = TypeVar("Part", Compared, Planned)


def _part(whole: Comparison | PlanRow, kept: type[Part]) -> Part:
    """The fields that are kept, by their names."""
    return kept(**{one.name: getattr(whole, one.name) for one in fields(kept)})


def read_line(text: bytes) -> LedgerLine:
    """Raises ValueError with the first thing wrong, without the value."""
    from pydantic import ValidationError

    try:
        return _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        wrong = first_wrong(error, whole="the line")
        raise ValueError(f"is no decision that this Driftgate can read: {wrong}") from None


def json_schema() -> dict[str, object]:
    """The JSON Schema of a line."""
    return _adapter().json_schema()


@functools.cache
def _adapter() -> TypeAdapter[LedgerLine]:
    from pydantic import TypeAdapter

    return TypeAdapter(LedgerLine)
