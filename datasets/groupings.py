"""Groupings that need no understanding: what the correlation set's surface gives away, to be measured and stated."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence

from gate.families.clusters import agreement

Finding = dict
Groups = list[list[str]]


def f1(truth: Sequence[Sequence[str]], given: Sequence[Sequence[str]]) -> float:
    return agreement(truth, given).f1


def _by(key: Callable[[Finding], Hashable]) -> Callable[[Sequence[Finding]], Groups]:
    def group(findings: Sequence[Finding]) -> Groups:
        found: dict[Hashable, list[str]] = {}
        for one in findings:
            found.setdefault(key(one), []).append(one["id"])
        return list(found.values())

    return group


def _file(one: Finding) -> str:
    """The last part of a path or route, without the extension: tools put different folders before it."""
    return re.split(r"[/.#:]", re.sub(r"\.(?:py|json|xml|txt|lock)$", "", one.get("path") or one["id"]))[-1]


def _package(one: Finding) -> str:
    return (one.get("package") or one["id"]).lower()


def _number(one: Finding) -> str:
    return (one.get("cwe") or [one["rule"]])[0]


def _place(one: Finding) -> str:
    return _package(one) if one.get("package") else _file(one)


by_place = _by(_place)

BASELINES: Mapping[str, Callable[[Sequence[Finding]], Groups]] = {
    "all alone": _by(lambda one: one["id"]),
    "all together": _by(lambda _: ""),
    "same file, route or package": by_place,
    "same rule": _by(lambda one: one["rule"]),
    "same CWE, else rule": _by(_number),
    "same scanner": _by(lambda one: one["tool"]),
    "same place and line, within 3": lambda findings: _linked(findings, _close),
    "a vulnerability id shared": lambda findings: _linked(findings, lambda a, b: bool(_ids(a) & _ids(b))),
    "a fifth of the words shared": lambda findings: _linked(findings, lambda a, b: _overlap(a, b) >= 0.2),
    "a third of the words shared": lambda findings: _linked(findings, lambda a, b: _overlap(a, b) >= 1 / 3),
}


def _close(one: Finding, other: Finding) -> bool:
    lines = one.get("line"), other.get("line")
    near = abs(lines[0] - lines[1]) <= 3 if None not in lines else lines[0] is lines[1]
    return near and _place(one) == _place(other)


def _overlap(one: Finding, other: Finding) -> float:
    mine, yours = _words(one), _words(other)
    return len(mine & yours) / min(len(mine), len(yours))


def _words(one: Finding) -> set[str]:
    text = " ".join(str(value) for key, value in one.items() if key not in ("id", "tool", "line"))
    return set(re.findall(r"[a-z0-9_]{3,}", text.lower()))


def _ids(one: Finding) -> set[str]:
    return set(re.findall(r"(?:CVE|GHSA|BC)-[0-9a-z-]+", str(one)))


def _linked(findings: Sequence[Finding], same: Callable[[Finding, Finding], bool]) -> Groups:
    """Single linkage."""
    groups: list[list[Finding]] = []
    for one in findings:
        touching = [group for group in groups if any(same(one, other) for other in group)]
        groups = [group for group in groups if group not in touching]
        groups.append([one, *(other for group in touching for other in group)])
    return [[one["id"] for one in group] for group in groups]
