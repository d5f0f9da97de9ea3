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
from collections.abc import Iterable, Mapping
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
class _Id:
    """One true id: with which true ids it was given, and how often; how many others share its groups."""

    label: int
    given: Mapping[str, int]
    strangers: int
    groups: int


def agreement(truth: Groups, given: Groups) -> Agreement:
    """Compare a given grouping with the true one, which holds every id once. No order matters.

    A missing id has recall 0 and no say in precision. An invented id has precision 0, and lowers that of the ids in
    its group. An id in two groups is with the members of both; a pair that shares more groups than it should is right
    only in part: of two groups, half. A group given twice, or an id twice in one group, counts once.
    """
    labels = {one: index for index, group in enumerate(truth) for one in group}
    groups = {frozenset(group) for group in given}
    invented = len({one for group in groups for one in group} - set(labels))
    ids = _ids(labels, groups)
    sizes = Counter(labels.values())
    placed = [one for one in ids.values() if one.groups]
    same = [_right(one, labels) for one in ids.values()]
    return Agreement(
        precision=_mean([_precision(one, labels) for one in placed], len(placed) + invented),
        recall=_mean([right / sizes[one.label] for one, right in zip(ids.values(), same, strict=True)], len(ids)),
        pairs_right=(sum(same) - len(placed)) // 2,
        pairs_given=(sum(len(one.given) for one in placed) - len(placed)) // 2,
        pairs_true=sum(size * (size - 1) // 2 for size in sizes.values()),
        missing=len(ids) - len(placed),
        repeated=sum(one.groups > 1 for one in placed),
        invented=invented,
    )


def _ids(labels: Mapping[str, int], groups: Iterable[frozenset[str]]) -> dict[str, _Id]:
    """What was given for each true id."""
    holding: defaultdict[str, list[tuple[frozenset[str], frozenset[str]]]] = defaultdict(list)
    for group in groups:
        known = frozenset(group & labels.keys())
        for one in known:
            holding[one].append((known, group - known))
    return {one: _id(label, holding[one]) for one, label in labels.items()}


def _id(label: int, holding: list[tuple[frozenset[str], frozenset[str]]]) -> _Id:
    given: Counter[str] = Counter()
    for known, _ in holding:
        given.update(known)
    strangers = len(frozenset().union(*(others for _, others in holding)))
    return _Id(label=label, given=given, strangers=strangers, groups=len(holding))


def _right(one: _Id, labels: Mapping[str, int]) -> int:
    return sum(labels[other] == one.label for other in one.given)


def _precision(one: _Id, labels: Mapping[str, int]) -> float:
    right = math.fsum(1 / times for other, times in one.given.items() if labels[other] == one.label)
    return right / (len(one.given) + one.strangers)


def _mean(values: list[float], number: int) -> float:
    """`fsum` is exact, so that no order of ids or groups can change a bit of it."""
    return math.fsum(values) / number if number else 0.0
