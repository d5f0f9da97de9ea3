"""L7: what a run will ask, what that may cost, and which losses it can see; before any call. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from gate.askings import CallCost
from gate.comparing import Described
from gate.domain import PlanRow, Severity
from gate.policy import Budget, Policy, Risk
from gate.rehearsal import Subject, most_askings, play, rehearsal_of, unchanged
from gate.sequential_course import family_key
from gate.stats import SEED
from gate.stats.design import plan_looks
from gate.stats.flips import Bools
from gate.stats.sight import Sight, samples_to_see, visible_drop
from gate.stats.worlds import mean_of

T = TypeVar("T", int, float)

_WORK = 60_000
"""Samples that simulated runs go through in all: about a second."""
_MOST_SIMULATIONS = 40
_REASKED = 3
"""At most one sample in three is asked again alone; where more are discordant, all are asked once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Over all families: as expected, and at most. None where it is not known of each of them."""

    calls: tuple[int, int]
    tokens: tuple[int, int] | None
    usd: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Families first, each followed by its blocking slices.

    `simulations`: how many runs with nothing changed the expected calls are the mean of; 0 where they are exact.
    """

    rows: tuple[PlanRow, ...]
    design: Literal["sequential", "fixed"]
    alpha: float
    power: float
    simulations: int
    totals: Totals
    notices: tuple[str, ...]

    @property
    def blind(self) -> int:
        """Units that cannot see their margin."""
        return sum(not can_see(row) for row in self.rows)


def can_see(row: PlanRow) -> bool:
    return row.visible is not None and row.visible <= row.margin


def rows_of(subjects: Sequence[Subject], policy: Policy) -> tuple[PlanRow, ...]:
    """What every unit can see. Nothing is simulated, so expected calls are known for the fixed design only."""
    shares = _shares(subjects, policy)
    return tuple(row for one in subjects for row in _rows(one, policy, shares))


def plan_of(subjects: Sequence[Subject], policy: Policy, costs: Mapping[str, CallCost]) -> Plan:
    """The whole plan. `costs`: of an average call, by the key of a subject's family."""
    simulations = 0 if policy.risk.design == "fixed" else simulations_for(subjects)
    expected = _expected_calls(subjects, policy, simulations)
    rows = tuple(_with_calls(rows_of(subjects, policy), subjects, expected, costs))
    totals = _totals([row for row in rows if row.slice is None])
    return Plan(
        rows=rows,
        design=policy.risk.design,
        alpha=policy.risk.alpha,
        power=policy.risk.power,
        simulations=simulations,
        totals=totals,
        notices=tuple(_over_budget(policy.budget, totals)),
    )


def _totals(families: Sequence[PlanRow]) -> Totals:
    tokens = [row.tokens for row in families if row.tokens is not None]
    usd = [row.usd for row in families if row.usd is not None]
    return Totals(
        calls=(sum(row.expected_calls or 0 for row in families), sum(row.most_calls or 0 for row in families)),
        tokens=_sum(tokens) if len(tokens) == len(families) else None,
        usd=_sum(usd) if len(usd) == len(families) else None,
    )


def _sum(ranges: Sequence[tuple[T, T]]) -> tuple[T, T]:
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def simulations_for(subjects: Sequence[Subject]) -> int:
    """As many as take about a second: fewer where there is more to ask."""
    samples = sum(one.spec.n * one.spec.repeats for one in subjects)
    return max(5, min(_MOST_SIMULATIONS, _WORK // max(samples, 1)))


def _expected_calls(subjects: Sequence[Subject], policy: Policy, simulations: int) -> list[int]:
    """Mean calls of each family with nothing changed."""
    rehearsal = rehearsal_of(subjects, policy)
    played = []
    for number in range(max(simulations, 1)):
        random = np.random.default_rng((SEED, number))
        played.append(play(rehearsal, [unchanged(one, random) for one in subjects]).calls)
    return [round(sum(calls) / len(played)) for calls in zip(*played, strict=True)]


def most_calls(one: Subject, policy: Policy) -> int:
    """All that the engine can ask of a family, over both arms: every look, re-asking and second run."""
    spec = one.spec
    if policy.risk.design == "fixed":
        return 2 * spec.n * spec.repeats
    alone = np.zeros(spec.n, dtype=bool)  # samples of slices that may go on when their family is closed
    for part in spec.slices:
        alone |= part.members & (part.severity == "blocking")
    second = 2 * spec.repeats if spec.again else spec.repeats
    most, rest = most_askings(spec.repeats), int(spec.n - alone.sum())
    again = min(rest, spec.n // _REASKED) if spec.again else 0
    each_arm = int(alone.sum()) * most + again * most + (rest - again) * second
    return 2 * each_arm + (spec.n if spec.stored is not None else 0)


def _shares(subjects: Sequence[Subject], policy: Policy) -> dict[str, tuple[float, ...]]:
    """Alpha of each unit, by family; the family's first."""
    risk = policy.risk
    if risk.design == "sequential":
        design = plan_looks([one.spec for one in subjects], alpha=risk.alpha, power=risk.power, seed=SEED)
        return {plan.spec.key: (plan.alpha, *(part.share for part in plan.slices)) for plan in design.families}
    counts: dict[Severity, int] = {"blocking": 0, "advisory": 0}
    for one in subjects:
        for named in one.named:
            counts[named.severity] += 1
    return {one.spec.key: tuple(risk.alpha / counts[named.severity] for named in one.named) for one in subjects}


def _rows(one: Subject, policy: Policy, shares: Mapping[str, tuple[float, ...]]) -> Iterator[PlanRow]:
    whole = np.ones(one.spec.n, dtype=bool)
    kept = (whole, *(part.members for part in one.spec.slices))
    for named, members, alpha in zip(one.named, kept, shares[one.spec.key], strict=True):
        if named.slice is None or named.severity == "blocking":
            yield _row(one, named, _sight(one, named, members, alpha=alpha, risk=policy.risk), policy)


def _sight(one: Subject, named: Described, members: Bools, *, alpha: float, risk: Risk) -> Sight:
    """An open family is judged after a second run, on twice as many askings; of a slice none is taken for granted."""
    spec, n = one.spec, int(members.sum())
    again = named.slice is None and spec.again and risk.design == "sequential"
    mean = mean_of(one.known[members])
    return Sight(
        n=n,
        units=n if spec.clusters is None else len(np.unique(spec.clusters[members])),
        noise=one.noise_used / (spec.repeats * (2 if again else 1)),
        mean=one.mean_used if mean is None else mean,
        alpha=alpha,
        power=risk.power,
        ignore_below=named.ignore_below,
    )


def _row(one: Subject, named: Described, sight: Sight, policy: Policy) -> PlanRow:
    visible = visible_drop(sight)
    seen = visible is not None and visible <= named.margin
    if seen and policy.risk.design == "sequential":
        visible = named.margin  # a smaller loss may be passed at a look, as smaller than the margin
    whole = named.slice is None
    return PlanRow(
        config=named.config,
        family=named.family,
        slice=named.slice,
        severity=named.severity,
        samples=sight.n,
        repeats=one.spec.repeats,
        margin=named.margin,
        alpha=sight.alpha,
        baseline=sight.mean,
        baseline_samples=one.mean_samples,
        noise=one.noise_used,
        noise_samples=one.noise_samples,
        visible=visible,
        gating=seen and named.severity == "blocking",
        samples_needed=None if seen else samples_to_see(sight, named.margin),
        expected_calls=most_calls(one, policy) if whole and policy.risk.design == "fixed" else None,
        most_calls=most_calls(one, policy) if whole else None,
    )


def _with_calls(
    rows: Sequence[PlanRow], subjects: Sequence[Subject], expected: Sequence[int], costs: Mapping[str, CallCost]
) -> Iterator[PlanRow]:
    """The rows of families with their expected calls, and what those and the most would cost."""
    calls = {one.spec.key: number for one, number in zip(subjects, expected, strict=True)}
    for row in rows:
        key = family_key(row.config, row.family)
        if row.slice is not None or row.most_calls is None:
            yield row
            continue
        few, many, call = calls[key], row.most_calls, costs.get(key)
        yield replace(
            row,
            expected_calls=few * (1 if call is None else call.calls),
            most_calls=many * (1 if call is None else call.calls),
            tokens=None if call is None else (round(few * call.tokens[0]), math.ceil(many * call.tokens[1])),
            usd=None if call is None or call.usd is None else (few * call.usd[0], many * call.usd[1]),
        )


def _over_budget(budget: Budget, plan: Totals) -> Iterator[str]:
    """Where the most that can be asked does not fit. Reaching a limit ends a run as inconclusive."""
    limits = (
        (budget.calls, plan.calls, "{:,.0f} calls"),
        (budget.tokens, plan.tokens, "{:,.0f} tokens"),
        (budget.usd, plan.usd, "${:,.2f}"),
    )
    for limit, needed, form in limits:
        if limit is not None and needed is not None and needed[1] > limit:
            verb = "will" if needed[0] > limit else "may"
            yield (
                f"the budget of {form.format(limit)} {verb} end the run as inconclusive: "
                f"{form.format(needed[0])} are expected, {form.format(needed[1])} at most"
            )
