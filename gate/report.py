"""L7: the Report, one versioned JSON record. Every output is rendered from it alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

from gate.domain import Comparison, Pattern, PlanRow, Verdict
from gate.errors import UsageError
from gate.jsonl import place
from gate.waiver_terms import WaiverUse

if TYPE_CHECKING:
    from pydantic import ValidationError

SCHEMA_VERSION = 1

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between the two model configs. `what` is one of our own words; no prompt text."""

    config: str
    what: str
    before: str
    after: str
    line: int = 0  # in the candidate's file; 0 where the key is absent there


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Askings. `failed` counts those without an answer; `cached` those answered from the store."""

    baseline: int = 0
    candidate: int = 0
    cached: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What was asked of judges, each text once. `cached`: answered for an earlier run; `failed`: not answered."""

    asked: int
    cached: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmUsage:
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None  # None where the policy states no price


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds from sending a call to its whole answer, retries among them: median and 95th percentile of `calls`."""

    calls: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PerCall:
    """What one answer of an arm takes, on average over `answers`, those of earlier runs among them.

    `usd` is at the policy's prices for live calls, whatever the run paid; None where an endpoint has no price.
    `latency` is of the answers that this run got live, `reused_latency` of those that earlier runs did.
    """

    answers: int
    input_tokens: float | None = None
    output_tokens: float | None = None
    usd: float | None = None
    latency: Latency | None = None
    reused_latency: Latency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyCost:
    """What the answers of one family of one model config take on both arms."""

    config: str
    family: str
    baseline: PerCall
    candidate: PerCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmsPerCall:
    """Of all families that both arms answered, each with the same weight on both: what the change costs. Times are of
    those in which both arms were timed."""

    baseline: PerCall
    candidate: PerCall


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    baseline: ArmUsage = field(default_factory=ArmUsage)
    candidate: ArmUsage = field(default_factory=ArmUsage)
    tokens: int = 0  # of all, judges too
    usd: float | None = None
    judge: ArmUsage | None = None  # of verdicts; None where no judge was asked
    per_call: ArmsPerCall | None = None  # None where no family was answered on both arms
    families: tuple[FamilyCost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reused:
    """Answers of earlier runs, by arm, and when the oldest and the newest of them were asked (ISO 8601, UTC)."""

    baseline: int
    candidate: int
    oldest: str
    newest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDigests:
    baseline: str
    candidate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModels:
    """Model names and fingerprints as the endpoints stated them."""

    baseline: tuple[str, ...] = ()
    candidate: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRecord:
    """The judge of one family, and whether it may decide it. Digests are ``sha256:…``.

    `kappa`, with its interval, `sensitivity` and `specificity` are against `labels` answers that people have labelled;
    None where they were not worked out. `licensed`: None where its labels could not be asked about.
    """

    family: str
    endpoint: str
    model: str
    mode: Literal["single", "pairwise"]
    rubric_digest: str
    calibration_digest: str | None
    labels: int
    kappa: float | None
    kappa_interval: tuple[float, float] | None
    min_kappa: float
    sensitivity: float | None
    specificity: float | None
    licensed: bool | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the decision rests on. Times are ISO 8601 in UTC, `seconds` the wall time of the run."""

    version: str
    seed: int
    started: str
    finished: str
    seconds: float
    policy_digest: str | None = None
    dataset_digests: dict[str, str] = field(default_factory=dict)
    config_digests: dict[str, ArmDigests] = field(default_factory=dict)
    served_models: ServedModels = field(default_factory=ServedModels)
    judges: tuple[JudgeRecord, ...] = ()
    base_sha: str | None = None
    head_sha: str | None = None
    run_url: str | None = None


FINITE = {"allow_inf_nan": False}
"""How a record and all in it is read: with the numbers alone that can be written again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run, whole. `reasons` say why it is not a pass; `notices` what a reader should know besides."""

    __pydantic_config__ = FINITE

    schema_version: Literal[1] = 1
    verdict: Verdict
    blocked: bool
    simulated: bool = False
    reasons: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    changes: tuple[Change, ...] = ()
    calls: Calls = field(default_factory=Calls)
    verdicts: Verdicts | None = None  # None where no judge was asked
    usage: UsageReport = field(default_factory=UsageReport)
    reused: Reused | None = None
    plan: tuple[PlanRow, ...] = ()  # made before the first call
    waivers: tuple[WaiverUse, ...] = ()  # those in force, and those that are not, with the reason
    offers: tuple[str, ...] = ()  # the commands that would release what blocks, where there are any
    provenance: Provenance


def changed_line(report: Report, config: str | None) -> int:
    """Where a model config was changed first, for a note or a finding; 1 where that is not known."""
    return next((change.line for change in report.changes if change.config == config and change.line), 1)


def to_json(report: Report) -> str:
    """Canonical text: keys in the order above, no NaN (a NaN is a bug and raises ValueError)."""
    return json.dumps(asdict(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str, *, file: str) -> Report:
    """A report that was written before. Raises UsageError with the first thing wrong."""
    return read_as(Report, text, file=file, what="a Driftgate report")


def read_as(kind: type[Record], text: str, *, file: str, what: str) -> Record:
    """JSON text as one of our records, strictly. Raises UsageError with the first thing wrong."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        raise UsageError(f"{file}: is not {what}: {first_wrong(error, whole='the file')}") from None


def first_wrong(error: ValidationError, *, whole: str) -> str:
    """Where and what, without the value."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{place(first['loc']) or whole}: {first['msg']}"


def json_schema() -> dict[str, object]:
    """The JSON Schema of `report.json`."""
    from pydantic import TypeAdapter

    return TypeAdapter(Report).json_schema()
