"""L4: an answer's facts against the true ones and against the advisory: what is missing, wrong, invented.

*Missing*: not said. *Wrong*: said, and the advisory says otherwise. *Invented*: in neither the advisory nor the target.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gate.families.advisory_packages import claimed, names, spellings, vocabulary
from gate.families.advisory_ranges import Claims, claims, is_point
from gate.families.advisory_severity import Rated, level_of, measured, rated
from gate.families.advisory_target import Affected, Truth
from gate.families.advisory_text import LONGEST, Plain, plain, sentences
from gate.families.advisory_versions import Interval, before, same, scale
from gate.families.cwe import mentioned, nearness, parse_cwes

WEIGHTS = {
    "identifier": 2,
    "package": 2,
    "affected range": 3,
    "fixed version": 3,
    "severity": 2,
    "weakness": 2,
    "workaround": 1,
}
"""What each kind of fact counts; kinds that the target does not have are left out."""
_OTHER = re.compile(
    r"\b(?:related|relat\w+ to|incomplete|unlike|differ\w*|separate\w*|another|other|not the same|duplicate\w*|see also"
    r"|similar\w*|previous\w*|regression|distinct|bypass\w*|follow-?up|not to be confused|unrelated|earlier)\b",
    re.IGNORECASE,
)
_NO_WAY_AROUND = re.compile(r"\bno (?:[a-z]{2,12} ){0,2}workarounds?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One kind of fact: the share of it that is right, and whether something said about it is wrong.

    `asked`: the target has facts of this kind.
    """

    kind: str
    share: float = 0.0
    asked: bool = True
    wrong: bool = False
    invented: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text, read once."""

    text: str
    plain: Plain
    claims: Claims
    rated: Rated
    cwes: frozenset[str] = field(default_factory=frozenset)


def reading(text: str) -> Reading:
    text = text[:LONGEST]
    return Reading(text=text, plain=plain(text), claims=claims(text), rated=rated(text), cwes=mentioned(text))


def compared(truth: Truth, source: Reading, answer: Reading) -> tuple[Fact, ...]:
    """Every kind of fact that the target has, and what was invented besides."""
    facts = [_identifiers(truth, source, answer), _packages(truth, source, answer), _affected(truth, source, answer)]
    facts.append(_fixed(truth, source, answer))
    facts += [_severity(truth, source, answer), _weakness(truth, source, answer), _workaround(truth, answer)]
    urls = len(answer.plain.urls - source.plain.urls)
    facts += [Fact(kind="version", asked=False, invented=_invented_versions(truth, source, answer))]
    return (*facts, Fact(kind="URL", asked=False, invented=urls))


def _identifiers(truth: Truth, source: Reading, answer: Reading) -> Fact:
    said, wanted = answer.plain.ids, {one.upper() for one in truth.ids}
    found = {one for one in wanted if one in said or one in answer.text.upper()}
    others = (said - wanted) & source.plain.ids
    alone = {one for one in others if not _told_apart(one, answer.text, source.text)}
    invented = len(said - wanted - source.plain.ids)
    return Fact(kind="identifier", share=len(found) / max(1, len(wanted)), wrong=bool(alone), invented=invented)


def _told_apart(ident: str, text: str, source: str) -> bool:
    """Is another flaw's identifier named as such ("an incomplete fix for"), or in the advisory's own words?"""
    spoken = [one.strip() for one in sentences(text) if ident in one.upper()]
    return all(_OTHER.search(one) or one in source for one in spoken)


def _packages(truth: Truth, source: Reading, answer: Reading) -> Fact:
    text = answer.plain.text
    named = [one for one in truth.affected if names(text, one.package, one.ecosystem)]
    known = vocabulary(source.text) | vocabulary(source.plain.text)
    known |= {part.casefold() for one in truth.affected for part in spellings(one.package, one.ecosystem)}
    known |= vocabulary(" ".join(one.ecosystem for one in truth.affected))
    alike = {re.sub(r"[-_.]+", "-", one) for one in known}
    new = {one for one in claimed(text) if re.sub(r"[-_.]+", "-", one) not in alike}
    return Fact(kind="package", share=len(named) / max(1, len(truth.affected)), invented=len(new))


def _affected(truth: Truth, source: Reading, answer: Reading) -> Fact:
    """Each true range that was said, or all of them where the ranges said cover the same versions in other parts.

    A range that the advisory itself states counts as no mistake where it differs from the target, nor does one version
    out of a true range.
    """
    said = set(answer.claims.affected)
    last = [one.high for one in source.claims.affected if one.high is not None and one.high_in]
    shares, explained = [], set[Interval]()
    for one in truth.affected:
        endless = {closed: raw for closed, raw in answer.claims.endless if _same_low(one, raw)}
        here = {endless.get(each, each) for each in said}
        ruler = _Ruler(one, here, last)
        explained |= ruler.explained(here, source.claims.affected)
        explained |= {closed for closed, raw in endless.items() if raw in explained}
        shares.append(ruler.share(here))
    denied = any(_Ruler(one, answer.claims.safe, last).touches(answer.claims.safe) for one in truth.affected)
    wrong = denied or any(one not in explained for one in said)
    return Fact(kind="affected range", share=sum(shares) / max(1, len(shares)), wrong=wrong)


def _same_low(truth: Affected, raw: Interval) -> bool:
    """Does a true range without an end begin where this one does?"""
    return any(true.high is None and _same_end(truth.ecosystem, true.low, raw.low) for true in truth.ranges)


def _same_end(ecosystem: str, one: str | None, other: str | None) -> bool:
    return one == other or (one is not None and other is not None and same(ecosystem, one, other))


class _Ruler:
    """One package's true ranges on a scale with what was said."""

    def __init__(self, truth: Affected, said: Iterable[Interval], last: list[str]) -> None:
        self._truth = truth
        self._scale = scale(truth.ecosystem, truth.ranges, list(said), releases=truth.releases, last=last)
        self._true = self._scale.union(truth.ranges)

    def share(self, said: Iterable[Interval]) -> float:
        whole = [one for one in said if not one.unstated]
        if self._true and self._scale.union(whole) == self._true:
            return 1.0
        right = sum(any(self._equal(true, one) for one in said) for true in self._truth.ranges)
        return right / max(1, len(self._truth.ranges))

    def explained(self, said: Iterable[Interval], stated: Iterable[Interval]) -> set[Interval]:
        """The ranges that are no mistake. Parts make up the true ranges only where none lies within another."""
        parts = set(said)
        found = {one: self._scale.segments(one) for one in parts if not one.unstated}
        covers = bool(self._true) and frozenset[int]().union(*found.values()) == self._true
        apart = {one for one, held in found.items() if not any(held < other for other in found.values())}
        return {one for one in parts if (covers and one in apart) or self._right(one) or self._stated(one, stated)}

    def touches(self, said: Iterable[Interval]) -> bool:
        return bool(self._scale.union(said) & self._true)

    def _right(self, one: Interval) -> bool:
        if any(self._equal(true, one) for true in self._truth.ranges):
            return True
        found = self._scale.segments(one)
        return is_point(one) and bool(found) and found <= self._true

    def _equal(self, true: Interval, one: Interval) -> bool:
        if one.unstated and true.high is not None and one.high is not None:
            return true.high_in == one.high_in and same(self._truth.ecosystem, true.high, one.high)
        return bool(self._scale.segments(true)) and self._scale.segments(true) == self._scale.segments(one)

    def _stated(self, one: Interval, stated: Iterable[Interval]) -> bool:
        eco = self._truth.ecosystem
        return any(
            one.high_in == other.high_in and _same_end(eco, one.low, other.low) and _same_end(eco, one.high, other.high)
            for other in stated
        )


def _fixed(truth: Truth, source: Reading, answer: Reading) -> Fact:
    said, wanted, eco = answer.claims.fixed, truth.fixed, truth.ecosystem
    clean = [one.low for one in answer.claims.safe if one.low is not None and one.high in (None, one.low)]
    found = [one for one in wanted if any(same(eco, one, other) for other in (*said, *clean))]
    extra = [one for one in said if not any(same(eco, one, other) for other in (*wanted, *source.claims.fixed))]
    if not wanted:
        return Fact(kind="fixed version", share=float(answer.claims.denied), wrong=bool(extra), note="no fix exists")
    denied = answer.claims.denied and not (source.claims.denied and found)
    note = "no fix claimed though there is one" if denied else ""
    share = 0.0 if denied else len(found) / len(wanted)
    return Fact(kind="fixed version", share=share, wrong=bool(extra) or denied, note=note)


def _severity(truth: Truth, source: Reading, answer: Reading) -> Fact:
    """Right by word, score or vector; wrong where one of them contradicts the target and is not in the advisory."""
    said = answer.rated
    vectors = [found for one in said.vectors if (found := measured(one)) is not None]
    levels = said.levels | {level for _, _, level in vectors}
    known = truth.scores | source.rated.scores
    strange = {one for one in said.scores | {score for _, score, _ in vectors} if not _near(one, known)}
    odd = {one for one in levels if one not in truth.levels | source.rated.levels}
    odd |= {level_of(one) for one in strange}
    if not truth.levels:
        return Fact(kind="severity", asked=False, invented=len(odd))
    right = levels & truth.levels or {one for one in said.scores if _near(one, truth.scores)}
    contradicted = bool(odd - truth.levels) or (bool(strange) and bool(truth.scores))
    return Fact(kind="severity", share=0.0 if contradicted else float(bool(right)), wrong=contradicted)


def _near(score: float, known: Iterable[float]) -> bool:
    return any(abs(score - one) < 0.05 for one in known)


def _weakness(truth: Truth, source: Reading, answer: Reading) -> Fact:
    """By number or by a known name; a near relative counts in part, as for exploit hypotheses."""
    numbers = frozenset(parse_cwes(answer.text)) & _numbered(answer.text)
    shares = [max((nearness(one, true) for one in answer.cwes), default=0.0) for true in truth.cwes]
    new = {one for one in numbers if one not in source.cwes and not any(nearness(one, true) for true in truth.cwes)}
    exact = [float(true in answer.cwes) for true in truth.cwes]
    share = sum(map(max, shares, exact)) / max(1, len(truth.cwes))
    return Fact(kind="weakness", share=share, asked=bool(truth.cwes), invented=len(new))


def _numbered(text: str) -> frozenset[str]:
    return frozenset(f"CWE-{found}" for found in re.findall(r"(?i)\bCWE[\s_-]{0,3}0{0,4}([1-9]\d{0,4})(?!\d)", text))


def _workaround(truth: Truth, answer: Reading) -> Fact:
    if not truth.workaround:
        return Fact(kind="workaround", asked=False)
    text = answer.text.casefold()
    found = all(one.casefold() in text for one in truth.workaround)
    return Fact(kind="workaround", share=float(found), wrong=_NO_WAY_AROUND.search(text) is not None)


def _invented_versions(truth: Truth, source: Reading, answer: Reading) -> int:
    known = set(_known(truth, source))
    new = [one for one in sorted(answer.claims.named) if one not in known]
    return sum(not _derived(one, known, truth.ecosystem) for one in new[:200])


def _known(truth: Truth, source: Reading) -> Iterator[str]:
    yield from source.claims.named
    for one in truth.affected:
        yield from one.releases
        for each in one.ranges:
            yield from (end for end in (each.low, each.high, each.high and before(each.high)) if end)


def _derived(version: str, known: set[str], ecosystem: str) -> bool:
    """The same version in other words, or the branch of a known one: 1.4 and 1.4.x of 1.4.3."""
    branch = re.sub(r"(?:\.[xX*])+$", "", version.lstrip("vV"))
    if not branch.strip("0."):
        return True
    return any(one.lstrip("vV").startswith(f"{branch}.") or same(ecosystem, branch, one) for one in known)
