"""L4: the facts that a summary of an advisory must keep, as a dataset gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gate.domain import Json
from gate.families.advisory_severity import LEVELS, measured
from gate.families.advisory_versions import Interval, parsed
from gate.families.cwe import parse_cwes

_KEYS = {"ids", "affected", "severity", "cvss", "cwe", "workaround"}
_RANGE_KEYS = {"introduced", "fixed", "last_affected"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """One package. `releases` are its affected releases, where they are known."""

    package: str
    ecosystem: str
    ranges: tuple[Interval, ...]
    releases: tuple[str, ...]

    @property
    def fixed(self) -> tuple[str, ...]:
        ends = [one.high for one in self.ranges if one.high is not None and not one.high_in]
        return tuple(dict.fromkeys(ends))


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """`levels` has more than one word where the advisory's word and its CVSS vector differ: each of them is right."""

    ids: tuple[str, ...]
    affected: tuple[Affected, ...]
    levels: frozenset[str]
    scores: frozenset[float]
    vectors: frozenset[str]
    cwes: tuple[str, ...]
    workaround: tuple[str, ...]

    @property
    def fixed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one for each in self.affected for one in each.fixed))

    @property
    def ecosystem(self) -> str:
        return self.affected[0].ecosystem


def truth_of(target: Json) -> Truth:
    """The facts of a target that `problems` finds nothing wrong with."""
    given = target if isinstance(target, dict) else {}
    vectors = [found for one in _texts(given.get("cvss")) if (found := measured(one)) is not None]
    word = LEVELS.get((_text(given.get("severity")) or "").casefold())
    return Truth(
        ids=tuple(_texts(given.get("ids"))),
        affected=tuple(_affected(one) for one in _objects(given.get("affected"))),
        levels=frozenset([level for _, _, level in vectors] + ([word] if word else [])),
        scores=frozenset(score for _, score, _ in vectors),
        vectors=frozenset(vector for vector, _, _ in vectors),
        cwes=tuple(dict.fromkeys(found for one in _texts(given.get("cwe")) for found in parse_cwes(one))),
        workaround=tuple(_texts(given.get("workaround"))),
    )


def problems(target: Json) -> Iterator[str]:
    """What is wrong with a target, in words that say what to write."""
    if not isinstance(target, dict):
        yield "target must be an object with ids and affected"
        return
    if unknown := sorted(set(target) - _KEYS):
        yield f"target has an unknown key: {unknown[0][:40]} | known here: {', '.join(sorted(_KEYS))}"
    if not _texts(target.get("ids")):
        yield "target.ids must be a list of identifiers, the main one first"
    yield from _affected_problems(target.get("affected"))
    yield from _rating_problems(target)


def _affected_problems(given: Json) -> Iterator[str]:
    packages = _objects(given)
    if not packages:
        yield "target.affected must be a list of objects with package, ecosystem and ranges"
    for number, one in enumerate(packages):
        where = f"target.affected[{number}]"
        if not _text(one.get("package")) or not _text(one.get("ecosystem")):
            yield f"{where} must name package and ecosystem"
        if not _objects(one.get("ranges")):
            yield f"{where}.ranges must be a list of objects with introduced, and fixed or last_affected"
        for each in _objects(one.get("ranges")):
            yield from _range_problems(each, where, str(one.get("ecosystem")))


def _range_problems(given: Mapping[str, Json], where: str, ecosystem: str) -> Iterator[str]:
    if not _text(given.get("introduced")) or set(given) - _RANGE_KEYS or {"fixed", "last_affected"} <= set(given):
        yield f"{where}.ranges: each has introduced (0: the first version), and fixed or last_affected or neither"
        return
    for key, version in given.items():
        numbered = any(map(str.isdecimal, str(version)))  # where the ecosystem is not known, any word is a version
        if version != "0" and not (numbered and parsed(ecosystem, str(version))):
            yield f"{where}.ranges: a version in {key} is none of {ecosystem[:40]}"


def _rating_problems(target: Mapping[str, Json]) -> Iterator[str]:
    word = target.get("severity")
    if word is not None and str(word).casefold() not in LEVELS:
        yield f"target.severity must be one of {', '.join(LEVELS)}"
    if any(measured(one) is None for one in _texts(target.get("cvss"))):
        yield "target.cvss must be a list of CVSS vectors"
    if any(not parse_cwes(one) for one in _texts(target.get("cwe"))):
        yield "target.cwe must be a list such as CWE-79"
    for key in ("cvss", "cwe", "workaround"):
        if key in target and not isinstance(target[key], list):
            yield f"target.{key} must be a list"


def _affected(given: Mapping[str, Json]) -> Affected:
    return Affected(
        package=str(given.get("package", "")),
        ecosystem=str(given.get("ecosystem", "")),
        ranges=tuple(_interval(one) for one in _objects(given.get("ranges"))),
        releases=tuple(_texts(given.get("releases"))),
    )


def _interval(given: Mapping[str, Json]) -> Interval:
    low, fixed, last = (_text(given.get(key)) for key in ("introduced", "fixed", "last_affected"))
    return Interval(low=low if low and low.strip("v0.") else None, high=fixed or last, high_in=last is not None)


def _objects(value: Json) -> Sequence[Mapping[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: Json) -> list[str]:
    return [one for one in value if isinstance(one, str) and one.strip()] if isinstance(value, list) else []


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
