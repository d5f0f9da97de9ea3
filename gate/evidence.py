"""L7: the samples that were lost or gained, with what both models answered: what is kept beside the report.

A person who is told of a loss asks which samples it was, and whether the loss is real. `flips.json` answers that. It
holds prompts, targets and answers, so the report, which may be public, does not; a policy may leave texts out of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from gate.report import FINITE, Report, read_as

Direction = Literal["lost", "gained"]
"""The candidate's mean score is lower than the baseline's, or higher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerShown:
    """One asking of one arm. `text` is data from a model.

    `text` is None where none is there (no answer came, scores were recorded elsewhere, the policy shows none), or,
    with `cut` true, where it was left out to keep the file small; with a text, `cut` says that its end is missing.
    `score` is None for what failed or could not be scored. `finish` is the reason that the endpoint gave for the
    answer's end, or the kind of the failure; "" where nobody said.
    """

    text: str | None
    score: float | None
    reason: str
    finish: str
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmEvidence:
    """`score` is the mean that was compared; `answers` are the first of the `asked` askings."""

    score: float
    answers: tuple[AnswerShown, ...]
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """One sample whose mean score differs between the arms, as the family's comparison counts it.

    `slice_only`: the family was decided without it, and only a slice, which was asked further, rests on it.
    `harmful`: prompt and answers may be. `prompt` is the family's, without the model config's system prompt; it and
    `target` end in "…" where more was cut off.
    """

    config: str | None
    family: str
    sample_id: str
    slices: dict[str, str]
    cluster: str | None
    direction: Direction
    harmful: bool
    prompt: str | None
    target: str | None
    baseline: ArmEvidence
    candidate: ArmEvidence
    slice_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`flips.json`: losses first, those of regressed blocking families before others.

    `report` is ``sha256:…`` over the bytes of the report.json that it belongs to. `left_out` counts the flips that did
    not fit into the file, `without_texts` those in it that lack their texts for the same reason.
    """

    __pydantic_config__ = FINITE

    schema_version: Literal[1] = 1
    report: str = ""
    left_out: int = 0
    without_texts: int = 0
    flips: tuple[Flip, ...] = ()


def to_json(evidence: Evidence) -> str:
    """A flip a line; no NaN."""
    facts = encoded({name: value for name, value in _fields(evidence).items() if name != "flips"})
    flips = ",\n".join(map(encoded, evidence.flips))
    return f'{facts[:-1]},"flips":[\n{flips}\n]}}\n'


def from_json(text: str, *, file: str) -> Evidence:
    """Evidence that was written before. Raises UsageError with the first thing wrong."""
    return read_as(Evidence, text, file=file, what="a Driftgate flips file")


def json_schema() -> dict[str, object]:
    """The JSON Schema of `flips.json`."""
    from pydantic import TypeAdapter

    return TypeAdapter(Evidence).json_schema()


def _fields(record: Any) -> dict[str, object]:
    """Faster than `asdict`, which copies: thousands of flips are written at the end of a run."""
    return {name: getattr(record, name) for name in record.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What a run is told by: the report, and its samples."""

    report: Report
    evidence: Evidence = Evidence()


encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_fields).encode
"""A flip, or a part of one, as JSON on one line. Raises ValueError for a NaN."""
