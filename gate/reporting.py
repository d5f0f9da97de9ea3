"""L8: what a run gave → its Report. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gate import __version__
from gate.costs import arms_per_call, family_costs
from gate.domain import ARMS, Arm, Comparison, Cut, Origin, Pattern, PlanRow, Role
from gate.identity import identity
from gate.model_config import LoadedConfig, ModelPair
from gate.policy import IdentityRule
from gate.report import (
    ArmDigests,
    ArmUsage,
    Calls,
    Change,
    JudgeRecord,
    Provenance,
    Report,
    Reused,
    ServedModels,
    UsageReport,
    Verdicts,
)
from gate.stats import SEED
from gate.tally import ArmTally
from gate.verdict import Decision, decide
from gate.waiver_terms import WaiverUse

_JUMP = 60.0
"""Seconds that a wall clock may be set back, as it is to keep time, before the report says so."""


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
    patterns: tuple[Pattern, ...] = ()
    plan: tuple[PlanRow, ...] = ()
    tallies: Mapping[Role, ArmTally] = field(default_factory=dict)
    judges: tuple[JudgeRecord, ...] = ()
    pairs: tuple[ModelPair, ...] = ()
    policy_digest: str | None = None
    dataset_digests: Mapping[str, str] = field(default_factory=dict)
    identity: IdentityRule = field(default_factory=IdentityRule)
    cut: Cut = ""
    notices: tuple[str, ...] = ()
    waivers: tuple[WaiverUse, ...] = ()
    offers: tuple[str, ...] = ()
    simulated: bool = False


def evaluated(found: Findings, origin: Origin, clocked: Clocked) -> Report:
    """The report of a run that evaluated something."""
    who = identity({arm: one.served for arm, one in found.tallies.items()}, found.identity)
    decision = Decision(verdict="error") if who.void else decide(found.comparisons, cut=found.cut)
    reasons = [*(who.notices if who.void else ()), *failures(found.tallies)]
    if decision.verdict in ("inconclusive", "error"):
        reasons += [f"{one.family}: {one.reason}" for one in decision.because if one.slice is None]
    return Report(
        verdict=decision.verdict,
        blocked=decision.blocked,
        simulated=found.simulated,
        reasons=tuple(dict.fromkeys(reasons)),
        notices=(*found.notices, *(() if who.void else who.notices), *marked(found.tallies), *jumped(clocked)),
        comparisons=found.comparisons,
        patterns=found.patterns,
        changes=tuple(change for pair in found.pairs for change in changes(pair)),
        calls=calls(found.tallies),
        verdicts=verdicts(found.tallies),
        usage=usage(found.tallies),
        reused=reused(found.tallies),
        plan=found.plan,
        waivers=found.waivers,
        offers=found.offers if decision.blocked else (),
        provenance=_provenance(found, origin, clocked),
    )


def jumped(clocked: Clocked) -> tuple[str, ...]:
    """A notice where the wall clock was set back while the run went on: times and ages are then not to be trusted."""
    back = clocked.seconds - (clocked.finished - clocked.started).total_seconds()
    if back < _JUMP:
        return ()
    return ("the clock was set back during the run: times and ages in this report may be wrong",)


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


def failures(tallies: Mapping[Role, ArmTally]) -> list[str]:
    """The commonest reasons why calls failed, by who made them, with counts. No model text."""
    counted = [(number, arm, detail) for arm, one in tallies.items() for detail, number in one.failures.items()]
    most = sorted(counted, key=lambda item: (-item[0], item[1:]))
    return [f"{detail} ({number:,} {arm} calls)" for number, arm, detail in most[:4]]


def calls(tallies: Mapping[Role, ArmTally]) -> Calls:
    """How many askings each arm had, and how many got no answer."""
    found = {arm: tallies.get(arm, ArmTally()) for arm in ARMS}
    return Calls(
        baseline=found["baseline"].asked,
        candidate=found["candidate"].asked,
        cached=sum(one.cached for one in found.values()),
        failed=sum(one.failed for one in found.values()),
    )


def verdicts(tallies: Mapping[Role, ArmTally]) -> Verdicts | None:
    """The same for judges."""
    found = tallies.get("judge")
    return None if found is None else Verdicts(asked=found.asked, cached=found.cached, failed=found.failed)


def usage(tallies: Mapping[Role, ArmTally]) -> UsageReport:
    """Tokens as the endpoints counted them, and their cost where every endpoint in use has a price."""
    none: dict[Role, ArmTally] = {arm: ArmTally() for arm in ARMS}
    found = {role: _arm_usage(one) for role, one in {**none, **tallies}.items()}
    costs = [one.usd for one in found.values() if one.input_tokens or one.output_tokens or one.usd is not None]
    return UsageReport(
        baseline=found["baseline"],
        candidate=found["candidate"],
        judge=found.get("judge"),
        tokens=sum(one.input_tokens + one.output_tokens for one in found.values()),
        usd=None if not costs or None in costs else sum(one for one in costs if one is not None),
        per_call=arms_per_call(tallies),
        families=family_costs(tallies),
    )


def _arm_usage(found: ArmTally) -> ArmUsage:
    return ArmUsage(input_tokens=found.usage.input_tokens, output_tokens=found.usage.output_tokens, usd=found.usd)


def reused(tallies: Mapping[Role, ArmTally]) -> Reused | None:
    """Answers of earlier runs that this one did not pay for, and from when they are."""
    found = {arm: tallies[arm] for arm in ARMS if arm in tallies}
    times = [time for one in found.values() for time in (one.oldest, one.newest) if time is not None]
    if not times:
        return None
    return Reused(
        baseline=found["baseline"].cached,
        candidate=found["candidate"].cached,
        oldest=_instant(min(times)),
        newest=_instant(max(times)),
    )


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


_MARKED = {"length": "cut at the token limit", "filter": "withheld by a content filter"}


def marked(tallies: Mapping[Role, ArmTally]) -> Iterator[str]:
    """Answers that are not what the model would have said: they were scored as they came."""
    for finish, words in _MARKED.items():
        counts = {arm: tallies[arm].finishes.get(finish, 0) for arm in ARMS if arm in tallies}
        if any(counts.values()):
            numbers = " and ".join(f"{counts[arm]:,} {arm}" for arm in ARMS if arm in counts)
            yield f"{numbers} answers were {words}"


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
            baseline=_served(found.tallies, "baseline"), candidate=_served(found.tallies, "candidate")
        ),
        judges=found.judges,
        base_sha=origin.base_sha,
        head_sha=origin.head_sha,
        run_url=origin.run_url,
    )


def _served(tallies: Mapping[Role, ArmTally], arm: Arm) -> tuple[str, ...]:
    """Distinct names that the endpoint gave, the commonest first. It is the endpoint's text: cut."""
    names: Counter[str] = Counter()
    for one, number in tallies.get(arm, ArmTally()).served.items():
        names[" ".join(part for part in (one.model, one.fingerprint) if part)[:200]] += number
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
