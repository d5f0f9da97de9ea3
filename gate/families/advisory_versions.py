"""L4: versions and ranges of many ecosystems, compared as the ecosystem itself orders them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_LONGEST = 60
_MOST = 2_000
_CLASSES = {
    "pypi": "PypiVersion",
    "npm": "SemverVersion",
    "crates.io": "SemverVersion",
    "hex": "SemverVersion",
    "pub": "SemverVersion",
    "swifturl": "SemverVersion",
    "github actions": "SemverVersion",
    "go": "GolangVersion",
    "maven": "MavenVersion",
    "rubygems": "RubygemsVersion",
    "nuget": "NugetVersion",
    "packagist": "ComposerVersion",
    "conancenter": "ConanVersion",
    "debian": "DebianVersion",
    "ubuntu": "DebianVersion",
    "alpine": "AlpineLinuxVersion",
    "red hat": "RpmVersion",
    "rocky linux": "RpmVersion",
    "almalinux": "RpmVersion",
}
"""Ecosystem as OSV names it, in lower case, without what follows a colon. All others are ordered as Maven orders,
which knows numbers, words and qualifiers, and refuses nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Versions from `low` to `high`; None is no end on that side. `low` "0" is the first version, as OSV has it.

    `unstated`: only the upper end was said, of one branch among several ("before 1.15.4, 2.0.3 and 2.1.2").
    """

    low: str | None = None
    high: str | None = None
    low_in: bool = True
    high_in: bool = False
    unstated: bool = False


@lru_cache(maxsize=8_192)
def parsed(ecosystem: str, text: str) -> Any:
    """A version that compares with others of its ecosystem; None where the text is none."""
    from univers import versions

    if not text or len(text) > _LONGEST:
        return None
    name = _CLASSES.get(ecosystem.split(":", maxsplit=1)[0].strip().casefold(), "MavenVersion")
    try:
        return getattr(versions, name)(text)
    except Exception:  # noqa: BLE001 - the text may be a model's; a library that trips over it must not end the run
        return None


def same(ecosystem: str, one: str, other: str) -> bool:
    """2.0 and 2.0.0 are one version where the ecosystem says so; so are v2.0.0 and 2.0.0 everywhere."""
    if _bare(one) == _bare(other):
        return True
    first, second = parsed(ecosystem, _bare(one)), parsed(ecosystem, _bare(other))
    try:
        return first is not None and second is not None and bool(first == second)
    except Exception:  # noqa: BLE001 - as above
        return False


def below(ecosystem: str, one: str, other: str) -> bool:
    """Is one version before the other? False where they cannot be compared."""
    first, second = parsed(ecosystem, _bare(one)), parsed(ecosystem, _bare(other))
    try:
        return first is not None and second is not None and bool(first < second)
    except Exception:  # noqa: BLE001 - as above
        return False


def before(version: str) -> str | None:
    """The version whose last number is one less: 1.4.2 for 1.4.3; None for 1.4.0 and what does not end in a number."""
    head, dot, last = _bare(version).rpartition(".")
    return f"{head}{dot}{int(last) - 1}" if last.isdecimal() and len(last) < 12 and int(last) > 0 else None


def after_branch(branch: str) -> str:
    """Where a branch ends: 1.5 for 1.4.x."""
    head, dot, last = branch.rpartition(".")
    return f"{head}{dot}{int(last) + 1}" if last.isdecimal() and len(last) < 12 else branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """All versions of interest in order, and which stretches between them hold no release.

    Segment 2i + 1 is the i-th version, 2i the stretch before it, the last one the stretch after all. Two ranges are
    equal when they hold the same live segments.
    """

    ecosystem: str
    points: tuple[str, ...]
    dead: frozenset[int]

    def at(self, version: str) -> int | None:
        """The place of a version among the points."""
        return next((i for i, one in enumerate(self.points) if same(self.ecosystem, one, version)), None)

    def segments(self, interval: Interval) -> frozenset[int]:
        """The live segments of a range; none where an end is not on the scale."""
        low = -1 if interval.low is None else self.at(interval.low)
        high = len(self.points) if interval.high is None else self.at(interval.high)
        if low is None or high is None:
            return frozenset()
        first = 0 if interval.low is None else 2 * low + (1 if interval.low_in else 2)
        last = 2 * high + 1 if interval.high_in and interval.high is not None else 2 * high
        return frozenset(range(first, last + 1)) - self.dead

    def union(self, intervals: Iterable[Interval]) -> frozenset[int]:
        return frozenset[int]().union(*(self.segments(one) for one in intervals))


def scale(
    ecosystem: str, truth: Sequence[Interval], said: Sequence[Interval], *, releases: Sequence[str], last: Sequence[str]
) -> Scale:
    """The scale on which ranges that were said are compared with the true ones.

    `releases` are all affected releases, where they are known: then nothing else is in a true range. Where they are
    not, the version whose last number is one less (1.4.2 for 1.4.3) counts as the release before, and so does one of
    `last`, the versions up to which the advisory itself says that it is affected.
    """
    ends = [end for one in (*truth, *said) for end in (one.low, one.high) if end is not None]
    points = _ordered(ecosystem, [*ends, *releases[:_MOST]])
    bare = Scale(ecosystem=ecosystem, points=points, dead=frozenset())
    if releases:
        inside = bare.union(truth)
        known = {2 * place + 1 for one in releases[:_MOST] if (place := bare.at(one)) is not None}
        starts = {2 * place + 1 for one in truth if one.low and (place := bare.at(one.low)) is not None}
        return Scale(ecosystem=ecosystem, points=points, dead=inside - known - starts)
    empty = {2 * place for place in range(1, len(points)) if _adjoins(bare, points[place - 1], points[place], last)}
    return Scale(ecosystem=ecosystem, points=points, dead=frozenset(empty))


def _adjoins(bare: Scale, lower: str, upper: str, last: Sequence[str]) -> bool:
    earlier = before(upper)
    names = [*last, *([earlier] if earlier else [])]
    return any(same(bare.ecosystem, lower, one) for one in names)


def _ordered(ecosystem: str, found: Iterable[str]) -> tuple[str, ...]:
    """Each version once, in order; what is no version is left out."""
    keyed = [(key, one) for one in found if (key := parsed(ecosystem, _bare(one))) is not None]
    kept: list[tuple[Any, str]] = []
    try:
        for key, one in sorted(keyed, key=lambda pair: pair[0]):
            if not kept or kept[-1][0] != key:
                kept.append((key, one))
    except Exception:  # noqa: BLE001 - as above: versions that cannot be compared give an empty scale
        return ()
    return tuple(one for _, one in kept)


def _bare(version: str) -> str:
    return version[1:] if version[:1] in "vV" and version[1:2].isdecimal() else version
