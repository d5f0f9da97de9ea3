"""L5: the plan of a sequential run, made before any call: who is looked at when, and what each look may spend.

Shares of alpha (docs/design/decisions.md says why): blocking slices together get a fifth where there are any, the
blocking families the rest in equal parts. A family spends its part over its looks, then re-asking, then a second run.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gate.domain import Severity
from gate.stats.flips import Bools, Matrix
from gate.stats.paired import Ints
from gate.stats.spending import BLOCKING_POWER, PASSING_POWER, nominal_levels, spent

LOOKS = 12
SECOND_PARTS = 4  # the second run has looks too
SLICES_SHARE, RESERVE = 0.2, 0.1  # of alpha: for slices where there are any, else kept unspent
LOOKS_SHARE, REASKED_SHARE = 0.5, 0.75  # of a family's alpha, cumulative; the second run has all of it
PASSING_SHARE = 0.9  # of alpha, for "unchanged" at the looks; the second run has the rest
STORED_SHARE = 0.4  # of alpha, for "unchanged" by stored answers; halved with a single stored run
REASKS = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SliceSpec:
    """A slice of a family that is a unit of its own. `members`: bool array, shape (n,), in dataset order."""

    key: str
    members: Bools
    margin: float
    severity: Severity
    ignore_below: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FamilySpec:
    """A family before it is asked.

    Parameters
    ----------
    n, repeats : samples, and askings of each of them in the first pass (at least 1).
    clusters : int array, shape (n,), cluster number of each sample; None when every sample stands for itself.
    max_missing : the largest share of samples, of either arm, that may have no score.
    stored : float array, shape (n, s): whole baseline runs of earlier days, NaN for no score; None for none.
    patient : a loss is looked for once, when everything has been asked; nothing is asked again for it.
    """

    key: str
    n: int
    repeats: int = 1
    clusters: Ints | None = None
    margin: float
    severity: Severity
    ignore_below: float = 0.0
    max_missing: float = 0.02
    slices: tuple[SliceSpec, ...] = ()
    stored: Matrix | None = None
    patient: bool = False

    @property
    def again(self) -> bool:
        """May it be asked again where the looks leave it open?"""
        return self.severity == "blocking" and not self.patient


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """All that is known of one family.

    Parameters
    ----------
    baseline, candidate : float arrays, shape (n, askings of that arm)
        Column c is the c-th asking; NaN: not asked, or asked and without a score.
    asked_baseline, asked_candidate : int arrays, shape (n,)
        How many of the columns were asked: always the first ones.
    """

    baseline: Matrix
    candidate: Matrix
    asked_baseline: Ints
    asked_candidate: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asks:
    """How often each sample should have been asked after the next batch; int arrays, shape (n,)."""

    baseline: Ints
    candidate: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlicePlan:
    """`passing`: the level of "unchanged" at each look of the family, the last when all members have been asked.

    `passing_second`: after a second run.
    """

    spec: SliceSpec
    passing: tuple[float, ...]
    passing_second: float
    alpha: float  # of all the slices it shares with; 0: never tested
    share: float  # of one slice, if none of them were hopeless


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FamilyPlan:
    """`order`: samples in the order of asking. `looks`: how many of them each look sees.

    `spend` is the probability of a false block allowed by each look, `later` by the re-asking and the second
    run (empty for a unit that gets no extra calls); `parts` says how many samples each part has asked again.
    `passing` and `passing_second` are the nominal levels of "unchanged" at the looks and after the parts.
    """

    spec: FamilySpec
    order: Ints
    looks: tuple[int, ...]
    spend: tuple[float, ...]
    later: tuple[float, ...]
    passing: tuple[float, ...]
    parts: tuple[int, ...]
    passing_second: tuple[float, ...]
    passing_stored: float
    alpha: float
    stream: tuple[int, ...]
    slices: tuple[SlicePlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """The plan of all families. `alpha` is the whole run's; `gains` the alpha of a family's gain."""

    families: tuple[FamilyPlan, ...]
    alpha: float
    power: float
    seed: int
    sequential: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shares:
    """Alpha of one family, of all slices together, and of one slice, by severity."""

    family: dict[Severity, float]
    slices: dict[Severity, float]
    slice: dict[Severity, float]


def plan_looks(
    specs: Sequence[FamilySpec], *, alpha: float, power: float, seed: int, sequential: bool = True
) -> Design:
    """Plan a run. With `sequential` false there is one look, at everything, and nothing is asked again."""
    shares = _shares(specs, alpha)
    most = LOOKS if sequential else 1
    plans = tuple(_plan(spec, shares, alpha=alpha, seed=seed, most=most) for spec in specs)
    return Design(families=plans, alpha=alpha, power=power, seed=seed, sequential=sequential)


def _shares(specs: Sequence[FamilySpec], alpha: float) -> _Shares:
    """Advisory units have an alpha of their own, shared out in the same way: they cost the blocking ones nothing."""
    family: dict[Severity, float] = {}
    slices: dict[Severity, float] = {}
    one: dict[Severity, float] = {}
    severities: tuple[Severity, Severity] = ("blocking", "advisory")
    for severity in severities:
        families = sum(spec.severity == severity for spec in specs)
        parts = sum(part.severity == severity for spec in specs for part in spec.slices)
        share = (SLICES_SHARE if families else 1.0) if parts else 0.0
        family[severity] = alpha * (1 - max(share, RESERVE)) / max(families, 1)
        slices[severity] = alpha * share
        one[severity] = alpha * share / max(parts, 1)
    return _Shares(family=family, slices=slices, slice=one)


def _plan(spec: FamilySpec, shares: _Shares, *, alpha: float, seed: int, most: int) -> FamilyPlan:
    own = shares.family[spec.severity]
    extra = most > 1 and spec.again
    first = LOOKS_SHARE * own if extra else own
    name = zlib.crc32(spec.key.encode())
    order, ends = _order(spec, (seed, name, spec.n))
    fresh = alpha * (1 - _stored_share(spec))
    parts = _spread(ends, SECOND_PARTS) if extra else ()
    looks = _useful(spec, _spread(ends, most), parts, spending=first, passing=fresh)
    levels = _passing(_fractions(looks, spec.n), _fractions(parts, spec.n), alpha=fresh)
    return FamilyPlan(
        spec=spec,
        order=order,
        looks=looks,
        spend=_spend(spec, looks, first),
        later=(REASKED_SHARE * own, own) if extra else (),
        passing=levels[: len(looks)],
        parts=parts,
        passing_second=levels[len(looks) :],
        passing_stored=alpha * _stored_share(spec),
        alpha=own,
        stream=(seed, name),
        slices=tuple(_plan_slice(part, order, looks, shares, fresh) for part in spec.slices),
    )


def _spend(spec: FamilySpec, looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    if spec.patient and looks:
        return (*(0.0 for _ in looks[:-1]), alpha)
    return spent(_fractions(looks, spec.n), alpha=alpha, power=BLOCKING_POWER)


def _fractions(sizes: Sequence[int], n: int) -> tuple[float, ...]:
    return tuple(size / n for size in sizes)


def _passing(looks: tuple[float, ...], parts: tuple[float, ...], *, alpha: float) -> tuple[float, ...]:
    """Levels of "unchanged" at the looks and, where there is one, after each part of a second run.

    A second run at most doubles the information; where it adds less (samples differ, answers do not), the tests are
    more alike than assumed here and err less.
    """
    first = alpha * (PASSING_SHARE if parts else 1.0)
    spend = spent(looks, alpha=first, power=PASSING_POWER) + tuple(first + (alpha - first) * part for part in parts)
    steps = (*looks, *(1 + part for part in parts))
    return nominal_levels(tuple(step / 2 for step in steps), spend)


def _stored_share(spec: FamilySpec) -> float:
    if spec.stored is None or not spec.stored.shape[1]:
        return 0.0
    return STORED_SHARE / 2 if spec.stored.shape[1] == 1 else STORED_SHARE


def _order(spec: FamilySpec, stream: tuple[int, ...]) -> tuple[Ints, Ints]:
    """A seeded permutation of the samples that keeps clusters together, and where the clusters end in it."""
    random = np.random.default_rng(stream)
    if spec.clusters is None:
        return random.permutation(spec.n), np.arange(1, spec.n + 1)
    _, numbers = np.unique(spec.clusters, return_inverse=True)
    ranks = random.permutation(int(numbers.max()) + 1 if spec.n else 0)
    sizes = np.bincount(ranks[numbers]) if spec.n else np.zeros(0, dtype=np.int64)
    return np.argsort(ranks[numbers], kind="stable"), np.cumsum(sizes)


def _spread(ends: Ints, most: int) -> tuple[int, ...]:
    """Up to `most` looks, evenly spread, each at the end of a cluster."""
    if not ends.size:
        return ()
    wanted = [-(-int(ends[-1]) * look // most) for look in range(1, most + 1)]
    return tuple(sorted({int(ends[np.searchsorted(ends, size)]) for size in wanted}))


def _useful(
    spec: FamilySpec, looks: tuple[int, ...], parts: tuple[int, ...], *, spending: float, passing: float
) -> tuple[int, ...]:
    """Without the looks that can decide nothing: too few samples to reject, and to rule a loss of the margin out."""
    if not looks:
        return ()
    fractions = _fractions(looks, spec.n)
    spend = spent(fractions, alpha=spending, power=BLOCKING_POWER)
    levels = _passing(fractions, _fractions(parts, spec.n), alpha=passing)
    kept = [
        look
        for look, may, level in zip(looks, spend, levels, strict=False)
        if 0.5 ** min(look, 1000) <= may or (1 - spec.margin) ** look <= level
    ]
    return tuple(sorted({*kept, looks[-1]}))


def _plan_slice(part: SliceSpec, order: Ints, looks: tuple[int, ...], shares: _Shares, fresh: float) -> SlicePlan:
    """A slice passes at the family's looks, by a schedule of its own, the last of it when all members are asked."""
    seen = np.cumsum(part.members[order])
    size = int(seen[-1]) if seen.size else 0
    counts = [int(seen[look - 1]) for look in looks[:-1]]
    steps = sorted({count for count in counts if 0 < count < size} | {max(size, 1)})
    second = (1.0,) if part.severity == "blocking" else ()
    *first, last = _passing(_fractions(steps, max(size, 1)), second, alpha=fresh) + (() if second else (0.0,))
    levels = dict(zip(steps, first, strict=True))
    return SlicePlan(
        spec=part,
        passing=(*(levels.get(count, 0.0) for count in counts), levels[steps[-1]]),
        passing_second=last,
        alpha=shares.slices[part.severity],
        share=shares.slice[part.severity],
    )
