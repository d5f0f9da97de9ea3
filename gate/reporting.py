"""L8: what a run gave → its Report. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gate import __version__
from gate.comparing import SEED
from gate.domain import ARMS, Answer, Arm, CallFailure, Comparison, Completion
from gate.model_config import LoadedConfig, ModelPair
from gate.policy import Price
from gate.report import (
    ArmDigests,
    ArmUsage,
    Calls,
    Change,
    Origin,
    Provenance,
    Report,
    ServedModels,
    UsageReport,
)
from gate.runner import cost
from gate.verdict import decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocked:
    """When a run began and ended, and how long it took by a clock that does not jump."""

    started: datetime
    finished: datetime
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that was found out; what does not apply stays empty."""

    comparisons: tuple[Comparison, ...] = ()
    answers: tuple[Answer, ...] = ()
    pairs: tuple[ModelPair, ...] = ()
    calls: Calls = field(default_factory=Calls)
    usage: UsageReport = field(default_factory=UsageReport)
    policy_digest: str | None = None
    dataset_digests: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    simulated: bool = False


def evaluated(found: Findings, origin: Origin, clocked: Clocked) -> Report:
    """The report of a run that evaluated something."""
    decision = decide(found.comparisons)
    reasons = [*failures(found.answers)]
    if decision.verdict in ("inconclusive", "error"):
        reasons += [f"{one.family}: {one.reason}" for one in decision.because if one.slice is None]
    return Report(
        verdict=decision.verdict,
        blocked=decision.blocked,
        simulated=found.simulated,
        reasons=tuple(dict.fromkeys(reasons)),
        notices=found.notices,
        comparisons=found.comparisons,
        changes=tuple(change for pair in found.pairs for change in changes(pair)),
        calls=found.calls,
        usage=found.usage,
        provenance=_provenance(found, origin, clocked),
    )


def neutral(reason: str, origin: Origin, clocked: Clocked, notices: Sequence[str] = ()) -> Report:
    """Nothing to evaluate, and why."""
    return Report(
        verdict="neutral",
        blocked=False,
        reasons=(reason,),
        notices=tuple(notices),
        provenance=_provenance(Findings(), origin, clocked),
    )


def could_not(reasons: Sequence[str], origin: Origin, clocked: Clocked) -> Report:
    """The run ended without a decision."""
    return Report(
        verdict="error",
        blocked=False,
        reasons=tuple(reasons),
        provenance=_provenance(Findings(), origin, clocked),
    )


def failures(answers: Iterable[Answer]) -> list[str]:
    """The commonest reasons why calls failed, by arm, with counts. No model text."""
    counted = Counter(
        (answer.question.arm, answer.outcome.detail) for answer in answers if isinstance(answer.outcome, CallFailure)
    )
    most = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [f"{detail} ({number:,} {arm} calls)" for (arm, detail), number in most[:4]]


def calls(answers: Sequence[Answer]) -> Calls:
    """How many askings each arm had, and how many got no answer."""
    return Calls(
        baseline=sum(one.question.arm == "baseline" for one in answers),
        candidate=sum(one.question.arm == "candidate" for one in answers),
        cached=sum(one.cached for one in answers),
        failed=sum(isinstance(one.outcome, CallFailure) for one in answers),
    )


def usage(answers: Sequence[Answer], prices: Mapping[str, Price | None], pairs: Sequence[ModelPair]) -> UsageReport:
    """Tokens as the endpoints counted them, and their cost where every endpoint in use has a price."""
    aliases = {(pair.path, arm): pair.arm(arm).endpoint for pair in pairs for arm in ARMS}
    arms: dict[Arm, ArmUsage] = {}
    for arm in ARMS:
        mine = [one for one in answers if one.question.arm == arm]
        arms[arm] = _arm_usage([(one, prices[aliases[one.question.config, arm]]) for one in mine])
    costs = [one.usd for one in arms.values() if one.usd is not None]
    return UsageReport(
        baseline=arms["baseline"],
        candidate=arms["candidate"],
        tokens=sum(one.input_tokens + one.output_tokens for one in arms.values()),
        usd=sum(costs) if len(costs) == len(arms) else None,
    )


def _arm_usage(priced: Sequence[tuple[Answer, Price | None]]) -> ArmUsage:
    used = [(one.outcome.usage, price) for one, price in priced if isinstance(one.outcome, Completion)]
    costs = [cost(tokens.input_tokens, tokens.output_tokens, price) for tokens, price in used]
    known = [one for one in costs if one is not None]
    return ArmUsage(
        input_tokens=sum(tokens.input_tokens for tokens, _ in used),
        output_tokens=sum(tokens.output_tokens for tokens, _ in used),
        usd=sum(known) if len(known) == len(costs) and costs else None,
    )


def _provenance(found: Findings, origin: Origin, clocked: Clocked) -> Provenance:
    return Provenance(
        version=__version__,
        seed=SEED,
        started=clocked.started.isoformat(timespec="seconds"),
        finished=clocked.finished.isoformat(timespec="seconds"),
        seconds=round(clocked.seconds, 3),
        policy_digest=found.policy_digest,
        dataset_digests=dict(found.dataset_digests),
        config_digests={
            pair.path: ArmDigests(baseline=pair.baseline.digest, candidate=pair.candidate.digest)
            for pair in found.pairs
        },
        served_models=ServedModels(
            baseline=_served(found.answers, "baseline"), candidate=_served(found.answers, "candidate")
        ),
        base_sha=origin.base_sha,
        head_sha=origin.head_sha,
        run_url=origin.run_url,
    )


def _served(answers: Iterable[Answer], arm: Arm) -> tuple[str, ...]:
    """Distinct names that the endpoint gave, the commonest first. It is the endpoint's text: cut."""
    names = Counter(
        " ".join(part for part in (answer.outcome.served_model, answer.outcome.fingerprint) if part)[:200]
        for answer in answers
        if answer.question.arm == arm and isinstance(answer.outcome, Completion)
    )
    return tuple(name for name, _ in sorted(names.items(), key=lambda item: (-item[1], item[0])) if name)[:10]


def changes(pair: ModelPair) -> Iterator[Change]:
    """What differs between the two configs: values in full, a system prompt by its length only."""
    before, after = _facts(pair.baseline), _facts(pair.candidate)
    for what in dict.fromkeys([*before, *after]):
        old, new = before.get(what, "not set"), after.get(what, "not set")
        if old != new:
            keys = (what, "parameters")
            yield _change(pair, what, (old, new), keys)
    if pair.baseline.system_prompt != pair.candidate.system_prompt:
        lengths = _length(pair.baseline.system_prompt), _length(pair.candidate.system_prompt)
        yield _change(pair, "system prompt", lengths, ("system_prompt", "system_prompt_file"))


def _change(pair: ModelPair, what: str, values: tuple[str, str], keys: Sequence[str]) -> Change:
    line = next((pair.candidate.lines[key] for key in keys if key in pair.candidate.lines), 0)
    return Change(config=pair.path, what=what, before=values[0], after=values[1], line=line)


def _facts(config: LoadedConfig) -> dict[str, str]:
    values = {"endpoint": config.endpoint, "model": config.model}
    return values | {name: _value(value) for name, value in config.parameters.items()}


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _length(prompt: str) -> str:
    return f"{len(prompt):,} characters" if prompt else "none"
