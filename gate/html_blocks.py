"""L7: what the HTML report shows, in the order that it is read in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gate import wording
from gate.domain import Comparison
from gate.report import FamilyCost, PerCall, Report

_TOO_FEW_TO_FOLD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A family with its slices: those to show at once, the worst first, and the rest, which is folded."""

    family: Comparison | None
    name: str
    shown: tuple[Comparison, ...]
    folded: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigBlocks:
    config: str | None
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One line of what the change costs. `change` is "" where it cannot be said; `share` is it as a fraction."""

    what: str
    baseline: str
    candidate: str
    change: str
    share: float | None


def config_blocks(comparisons: Sequence[Comparison]) -> tuple[ConfigBlocks, ...]:
    """By model config, in the report's order; in each, the families that regressed come first."""
    return tuple(
        ConfigBlocks(
            config=config,
            blocks=tuple(sorted(_blocks([one for one in comparisons if one.config == config]), key=_concern)),
        )
        for config in dict.fromkeys(one.config for one in comparisons)
    )


def _blocks(units: Sequence[Comparison]) -> Iterator[Block]:
    for name in dict.fromkeys(one.family for one in units):
        of_family = [one for one in units if one.family == name]
        slices = sorted((one for one in of_family if one.slice is not None), key=_worst_first)
        number = max(1, sum(one.outcome == "regressed" for one in slices))
        cut = number if len(slices) - number >= _TOO_FEW_TO_FOLD else len(slices)
        yield Block(
            family=next((one for one in of_family if one.slice is None), None),
            name=name,
            shown=tuple(slices[:cut]),
            folded=tuple(slices[cut:]),
        )


def _worst_first(one: Comparison) -> tuple[bool, float]:
    return one.outcome != "regressed", 0.0 if one.delta is None else one.delta


def _concern(block: Block) -> tuple[int, float]:
    """What stops a release comes first; families of no concern stay in the policy's order, since sorting is stable."""
    units = [one for one in (block.family, *block.shown) if one is not None]
    ranks = [_rank(one) for one in units]
    return min(ranks, default=(3, 0.0))


def _rank(one: Comparison) -> tuple[int, float]:
    if one.outcome == "regressed":
        return (0 if one.severity == "blocking" else 1), one.delta or 0.0
    return (2 if one.outcome == "inconclusive" and one.severity == "blocking" and one.gating else 3), 0.0


def costs(report: Report) -> tuple[Cost, ...]:
    """Tokens, USD and seconds of one answer on each arm; nothing where no family was answered on both."""
    arms = report.usage.per_call
    return () if arms is None else tuple(_costs(arms.baseline, arms.candidate))


def family_costs(report: Report) -> list[tuple[FamilyCost, dict[str, Cost]]]:
    """The same of each family, by what it is."""
    return [
        (family, {one.what: one for one in _costs(family.baseline, family.candidate)})
        for family in report.usage.families
    ]


def _costs(before: PerCall, after: PerCall) -> Iterator[Cost]:
    """Those that an arm at least has a figure of. Times of earlier runs say nothing of today's: the two are never
    compared."""
    live = before.latency or after.latency
    times = [one.latency if live else one.reused_latency for one in (before, after)]
    figures: tuple[tuple[str, list[float | None], str], ...] = (
        ("input tokens a call", [before.input_tokens, after.input_tokens], "{:,.0f}"),
        ("output tokens a call", [before.output_tokens, after.output_tokens], "{:,.0f}"),
        ("cost of 1,000 calls", [_thousand(before), _thousand(after)], "${:,.2f}"),
        ("latency, median", [one.p50 if one else None for one in times], "{:,.2f} s"),
        ("latency, p95", [one.p95 if one else None for one in times], "{:,.2f} s"),
    )
    for what, (baseline, candidate), form in figures:
        if baseline is not None or candidate is not None:
            yield _cost(what, baseline, candidate, form)


def _thousand(arm: PerCall) -> float | None:
    return None if arm.usd is None else 1000 * arm.usd


def _cost(what: str, before: float | None, after: float | None, form: str) -> Cost:
    share = wording.grown(before, after)
    return Cost(
        what=what,
        baseline="–" if before is None else form.format(before),
        candidate="–" if after is None else form.format(after),
        change="" if share is None else _percent(share),
        share=share,
    )


def _percent(share: float) -> str:
    return wording.percent(share) if round(100 * share) else "no change"


def facts(report: Report) -> list[tuple[str, str]]:
    """Provenance as a two-column table."""
    origin, calls = report.provenance, report.calls
    rows = [
        ("calls", f"{calls.baseline:,} baseline, {calls.candidate:,} candidate"),
        ("from the store / failed", f"{calls.cached:,} / {calls.failed:,}"),
        ("reused", wording.reused(report)),
        ("tokens, cost", f"{report.usage.tokens:,}, {wording.usd(report.usage.usd)}"),
        ("started, took", f"{origin.started}, {wording.duration(origin.seconds)}"),
        ("policy", origin.policy_digest or "–"),
        *((f"dataset {name}", digest) for name, digest in origin.dataset_digests.items()),
        *(
            (f"config {path}", f"{digests.baseline} → {digests.candidate}")
            for path, digests in origin.config_digests.items()
        ),
        ("answered by (baseline)", ", ".join(origin.served_models.baseline) or "–"),
        ("answered by (candidate)", ", ".join(origin.served_models.candidate) or "–"),
        *((f"judge of {one.family}", f"{one.model}: {wording.judged(one)}") for one in origin.judges),
        *((f"rubric of {one.family}", one.rubric_digest) for one in origin.judges),
        ("verdicts", wording.verdicts(report)),
        ("base, head", f"{origin.base_sha or '–'}, {origin.head_sha or '–'}"),
        ("Driftgate, seed", f"{origin.version}, {origin.seed}"),
    ]
    return [(name, value) for name, value in rows if value]
