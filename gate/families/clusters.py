"""L4: how well do two groupings of the same ids agree? B-cubed, with ids left out, repeated or invented.

Bagga A., Baldwin B. (1998), Algorithms for scoring coreference chains: each id's precision is the share of its given
group that shares its true group, its recall the share of its true group that it was given; both are means over ids.
Ids on one side only count as in Pradhan S. et al. (2014), Scoring coreference partitions of predicted mentions:
precision is the mean over the ids *given*, recall over the *true* ids. Ids in several groups count as in Amigó E. et
al. (2009), A comparison of extrinsic clustering evaluation metrics based on formal constraints (extended B-cubed).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Groups: TypeAlias = "Iterable[Iterable[str]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Means in [0, 1]; 0 where there is nothing to take a mean of. Pairs are unordered pairs of true ids."""

    precision: float
    recall: float
    pairs_right: int
    pairs_given: int
    pairs_true: int
    missing: int
    repeated: int
    invented: int

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alike:
    """True ids of one true group that stand in the very same given groups: they fare alike, so they are counted once.

    Of what one of them was given with, itself among it: `given` true ids, of which `right` belong with it, and
    `precision`, its share that is right.
    """

    label: int
    number: int
    groups: int
    given: int
    right: int
    precision: float


def agreement(truth: Groups, given: Groups) -> Agreement:
    """Compare a given grouping with the true one, which holds every id once. No order matters.

    A missing id has recall 0 and no say in precision. An invented id has precision 0, and lowers that of the ids in
    its group. An id in two groups is with the members of both; a pair that shares more groups than it should is right
    only in part: of two groups, half. A group given twice, or an id twice in one group, counts once.
    """
    labels = {one: index for index, group in enumerate(truth) for one in group}
    groups = {frozenset(group) for group in given}
    invented = len({one for group in groups for one in group} - set(labels))
    sizes = Counter(labels.values())
    kinds = list(_kinds(labels, groups))
    placed = sum(one.number for one in kinds if one.groups)
    return Agreement(
        precision=_mean((one.number * one.precision for one in kinds), placed + invented),
        recall=_mean((one.number * one.right / sizes[one.label] for one in kinds), len(labels)),
        pairs_right=(sum(one.number * one.right for one in kinds) - placed) // 2,
        pairs_given=(sum(one.number * one.given for one in kinds) - placed) // 2,
        pairs_true=sum(size * (size - 1) // 2 for size in sizes.values()),
        missing=len(labels) - placed,
        repeated=sum(one.number for one in kinds if one.groups > 1),
        invented=invented,
    )


def _kinds(labels: Mapping[str, int], groups: Iterable[frozenset[str]]) -> Iterator[_Alike]:
    strangers: list[frozenset[str]] = []
    holding: defaultdict[str, set[int]] = defaultdict(set)
    for index, group in enumerate(groups):
        strangers.append(group - labels.keys())
        for one in group & labels.keys():
            holding[one].add(index)
    counts = Counter((label, frozenset(holding[one])) for one, label in labels.items())
    for label, mine in counts:
        yield _alike(label, mine, counts, len(frozenset().union(*(strangers[index] for index in mine))))


def _alike(
    label: int, mine: frozenset[int], counts: Mapping[tuple[int, frozenset[int]], int], strangers: int
) -> _Alike:
    shared = [(theirs, number, len(mine & other)) for (theirs, other), number in counts.items()]
    given = sum(number for _, number, times in shared if times)
    same = [(number, times) for theirs, number, times in shared if times and theirs == label]
    return _Alike(
        label=label,
        number=counts[label, mine],
        groups=len(mine),
        given=given,
        right=sum(number for number, _ in same),
        precision=_mean((number / times for number, times in same), given + strangers),
    )


def _mean(values: Iterable[float], number: int) -> float:
    """`fsum` is exact, so that no order of ids or groups can change a bit of it."""
    return math.fsum(values) / number if number else 0.0
