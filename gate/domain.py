"""L0: the types that travel from a plan to a verdict. Frozen, keyword-only; no I/O, no clock.

The way of the data (each stage has one type and makes the next)::

    Sample ─► Question ─► Call ─► Answer (Completion | CallFailure) ─► Observation (Score | Unscored | CallFailure)
           ─► Pair ─► Comparison ─► Decision (in gate.verdict) ─► Report (in gate.report)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

Arm = Literal["baseline", "candidate"]
ARMS: tuple[Arm, Arm] = ("baseline", "candidate")

Role = Literal["baseline", "candidate", "judge"]
"""Whose call it is: an arm's, or that of a judge, which scores the answers of both."""

Severity = Literal["blocking", "advisory"]
Outcome = Literal["improved", "unchanged", "regressed", "inconclusive"]
Cut = Literal["", "budget", "given-up"]
"""What ended the asking before everything was asked: the budget, or an endpoint that only failed; "": nothing did."""
Verdict = Literal["pass", "waived", "blocked", "inconclusive", "neutral", "error"]
FinishReason = Literal[
    "stop",  # ended by itself or at a stop sequence
    "length",  # cut: max_tokens or the context is used up
    "filter",  # withheld or cut by a content filter
    "refusal",  # the endpoint itself marked it as refused
    "other",
]
Route = Literal["live", "batch"]
FailureKind = Literal[
    "auth",  # 401, 403: the key is not accepted
    "not-found",  # 404: no such model or path
    "gone",  # 410: the endpoint or model is retired
    "rejected",  # another 4xx: the request itself is refused
    "rate-limited",  # 429 after all retries
    "server",  # 5xx after all retries
    "network",  # no connection, DNS, TLS
    "timeout",  # no answer in time
    "protocol",  # an answer that is not of the protocol's form
    "budget",  # not asked: the budget is used up
    "given-up",  # not asked: the endpoint failed fatally before
    "interrupted",  # not asked: the run was stopped
    "unknown",  # a recorded result says "error" and no more
]
NOT_ASKED = frozenset({"budget", "given-up", "interrupted"})
"""Failures of questions that no endpoint was asked: they say nothing of either model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One item of a dataset. `input` is what the prompt is made of, `target` the expected answer."""

    id: str
    input: Mapping[str, Json]
    target: Json
    slices: Mapping[str, str] = field(default_factory=dict)
    cluster: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Samples with unique ids, in file order. `digest` is ``sha256:…`` over the file's bytes; `lines` are the lines
    that the samples start on, where they came from a file."""

    source: str
    digest: str
    samples: tuple[Sample, ...]
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What an endpoint is asked. `parameters` holds only those that the model config sets."""

    model: str
    messages: tuple[Message, ...]
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One asking of one sample: the `repeat`-th, for one arm."""

    config: str  # path of the model config under test (one run may gate several)
    family: str
    sample_id: str
    arm: Arm
    repeat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A question made ready to be asked. `repeat` tells askings of the very same request apart.

    `judging`: a judge is asked for a verdict on an answer. It is of neither arm, and a verdict that another question,
    or another run, got for the very same text is as good. `slow`: what is made of the answer takes long (code is run).
    """

    alias: str  # the endpoint, as the policy calls it
    request: ChatRequest
    repeat: int
    judging: bool = False
    slow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the endpoint counted them, in one meaning for all protocols.

    `cached_tokens` (read from the provider's cache) are part of `input_tokens`, `reasoning_tokens` of `output_tokens`.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What an endpoint answered. A refusal, an empty, a cut or a filtered answer is an answer.

    `refusal` is what the endpoint gave as its reason where it marked the answer as refused (it may be ""), else None;
    `filtered` names the content-filter categories that acted on prompt or answer. `route`: how it came, which decides
    its price.
    """

    text: str
    finish_reason: FinishReason = "stop"
    refusal: str | None = None
    filtered: tuple[str, ...] = ()
    served_model: str | None = None
    fingerprint: str | None = None
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    route: Route = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailure:
    """The endpoint gave no answer. `detail` is for people and holds no body, header, key or model text.

    `fatal`: asking this endpoint again cannot help (wrong key, unknown model, retired endpoint).
    """

    kind: FailureKind
    detail: str
    fatal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a question got. `asked_at` is in Unix seconds; `cached`: an earlier run had asked, and paid, for it."""

    question: Question
    call: Call
    outcome: Completion | CallFailure
    asked_at: float
    cached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A scorer's value in [0, 1] and, in words without model text, why."""

    value: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """The answer could not be scored (a scorer's own fault, never the model's): it is no number."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One scored asking, from a live run or from a recorded result file.

    `run` is the stored run that it is from; "": this one.
    """

    family: str
    sample_id: str
    repeat: int
    result: Score | Unscored | CallFailure
    slices: Mapping[str, str] = field(default_factory=dict)
    cluster: str | None = None
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One sample scored on both arms: mean score over its repeats, in [0, 1]."""

    sample_id: str
    baseline: float
    candidate: float
    repeats: int
    slices: Mapping[str, str] = field(default_factory=dict)
    cluster: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceKey:
    name: str
    value: str


def unit_name(family: str, key: SliceKey | None) -> str:
    """``family`` or ``family / name=value``."""
    return family if key is None else f"{family} / {key.name}={key.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerArm:
    """A count for each arm."""

    baseline: int
    candidate: int


Stage = Literal[
    "fixed",  # every sample asked once (or `repeats` times), then one decision
    "looks",  # decided at a planned look of the first pass, or at its end
    "re-asked",  # after the discordant samples were asked again on both arms
    "second run",  # after every sample was asked again on both arms
    "stored",  # against stored runs of the baseline: only the candidate was asked
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One interim analysis: the samples and askings (on both arms) it rests on, and what it showed."""

    samples: int
    asked: int
    delta: float | None
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One unit (a family, or a slice of it) compared on both arms. Scores and deltas are in [−1, 1].

    `delta` is candidate − baseline; `interval` has confidence `level` and agrees with `outcome`;
    `n_dropped` counts the samples that an arm lost; `gating` is false for a slice so small that it could
    not see a loss of `margin`: it can block, but a pass does not wait for it. `looks` is the path of a sequential
    run; `bounds` is what delta could be at worst and at best had the missing scores been 0 or 1 (None: none missing).
    """

    config: str | None  # the model config under test; None where results were recorded elsewhere
    family: str
    slice: SliceKey | None
    metric: str
    severity: Severity
    n_pairs: int
    n_dropped: PerArm
    baseline: float | None
    candidate: float | None
    delta: float | None
    interval: tuple[float, float]
    level: float
    p_value: float | None
    margin: float
    outcome: Outcome
    method: str
    lost: int
    gained: int
    detectable: float | None
    more_samples: int | None
    gating: bool
    reason: str
    waiver: str | None = None
    stage: Stage = "fixed"
    looks: tuple[Look, ...] = ()
    bounds: tuple[float, float] | None = None


PatternKind = Literal["neighbour-regressed", "resistance-eroded", "over-refusal", "long-tail-lost", "cumulative-drift"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A shape of drift over several comparisons, in words. It explains a verdict and never makes one."""

    kind: PatternKind
    config: str | None
    families: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """What one unit (a family, or a blocking slice of it) will be asked and can see: said before any call.

    `alpha` is the unit's share. `baseline` (mean score) and `noise` (mean squared difference of two askings of a
    sample) are from that many stored samples; 0 means that they are assumed. `visible` is the smallest drop that will
    be caught with the policy's power, None where none would; `gating` is never true for a unit whose margin is smaller
    than that, and `samples_needed` then says how many would do (None: no number would). Calls, tokens and USD are of
    families, over both arms, as expected and at most; None where nobody has worked them out, or no price is stated.
    """

    config: str | None
    family: str
    slice: SliceKey | None
    severity: Severity
    samples: int
    repeats: int
    margin: float
    alpha: float
    baseline: float
    baseline_samples: int
    noise: float
    noise_samples: int
    visible: float | None
    gating: bool
    samples_needed: int | None
    expected_calls: int | None = None
    most_calls: int | None = None
    tokens: tuple[int, int] | None = None
    usd: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the judged files come from. Empty for a run on a command line."""

    base_sha: str | None = None
    head_sha: str | None = None
    run_url: str | None = None
