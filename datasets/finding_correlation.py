"""Findings of invented scanners on invented systems, grouped by root cause.

Twelve scenarios, each with a way to be misled: two flaws of one kind in one file, two flaws in one function, one helper
behind several routes, one CVE in two versions, several CVEs in one package … Every finding carries the *evidence* its
text gives (a place, a function, a route and parameter, a vulnerability of a package in a version). The key is derivable,
and checked to be while the set is built: within a weakness, the findings that evidence connects are exactly the groups.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial

from datasets import correlation_code as code, correlation_supply as supply
from datasets.common import row
from datasets.correlation_code import View
from datasets.correlation_words import COMMON, RARE
from datasets.groupings import by_place, f1

PER_SCENARIO = 12
SCENARIOS: list[tuple[str, Callable, type]] = [
    *(("sast", make, code.Scene) for make in code.SAST),
    *(("dast", make, code.Scene) for make in code.DAST),
    *(("sca", make, supply.Supply) for make in supply.SCA),
]


def build(random_: random.Random) -> list[dict]:
    """144 samples: 12 of each scenario, a quarter of them of rare weaknesses or ecosystems; 48 clusters of three."""
    rows: list[dict] = []
    for index, (kind, make, world) in enumerate(SCENARIOS):
        for number in range(PER_SCENARIO):
            rare = number % 4 == 3
            pivot = _pivot(kind, index, number // 4 if rare else number % 4, rare=rare)
            pool = RARE if rare else COMMON
            views = _derivable(random_, partial(_played, make, partial(world, random_, pivot, pool)))
            labels = {"kind": kind, "rarity": "rare" if rare else "common"}
            cluster = f"{make.__name__.replace('_', '-')}/{'rare' if rare else pivot}"
            rows.append({**_row(random_, len(rows), views, labels), "cluster": cluster})
    return rows


def _played(make: Callable[[object], Iterator[View]], world: Callable[[], object]) -> list[View]:
    return list(make(world()))


def _pivot(kind: str, scenario: int, turn: int, *, rare: bool) -> str:
    if kind == "sca":
        names = ["cargo", "nuget"] if rare else ["npm", "pypi", "maven", "debian"]
        return names[(scenario + turn) % len(names)]
    names = RARE if rare else COMMON
    return names[(scenario * 3 + turn) % len(names)]


def _derivable(random_: random.Random, make: Callable[[], list[View]]) -> list[View]:
    """Tries until what the texts tell gives the groups, and no more than 14 findings."""
    for _ in range(2_000):
        views = make()
        random_.shuffle(views)
        if 5 <= len(views) <= 14 and _told(views) == _meant(views):
            return views
    raise RuntimeError("no derivable sample found")


def _meant(views: list[View]) -> list[set[int]]:
    groups: dict[object, set[int]] = {}
    for index, view in enumerate(views):
        groups.setdefault(view.flaw, set()).add(index)
    return sorted(groups.values(), key=min)


def _told(views: list[View]) -> list[set[int]]:
    """Findings of one weakness that share evidence, and those that these share evidence with."""
    groups: list[tuple[set[int], set]] = []
    for index, view in enumerate(views):
        evidence = {(view.kind, one) for one in view.evidence}
        touching = [group for group in groups if group[1] & evidence]
        groups = [group for group in groups if group not in touching]
        merged = {index}.union(*(group[0] for group in touching)), evidence.union(*(group[1] for group in touching))
        groups.append(merged)
    return sorted((group[0] for group in groups), key=min)


def _row(random_: random.Random, number: int, views: list[View], labels: dict) -> dict:
    ids = [f"{random_.choice('bcdfghjkmnpqrstvwxz')}{one}" for one in random_.sample(range(100, 1000), len(views))]
    findings = [{"id": one, **view.told} for one, view in zip(ids, views, strict=True)]
    groups = [sorted(ids[index] for index in group) for group in _meant(views)]
    random_.shuffle(groups)
    size = "many" if len(findings) > 9 else "few"
    misled = f1(groups, by_place(findings))
    difficulty = "hard" if misled < 0.5 else "medium" if misled < 0.7 else "easy"
    slices = {**labels, "size": size, "difficulty": difficulty}
    return row(number, {"findings": findings}, {"groups": groups}, slices)
