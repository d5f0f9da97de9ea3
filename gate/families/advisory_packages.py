"""L4: which packages a text names as packages.

A known package is looked up by its name. Others are found where the text says that something is one: beside a range of
versions, after "upgrade to" and the like, in an install command, in quotes. A plain word there counts only where the
advisory does not use it and it is no everyday word of advisories.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_NAME = r"@?[A-Za-z][A-Za-z0-9]{0,60}(?:[-_./:@+][A-Za-z0-9][A-Za-z0-9]{0,60}){0,10}"
_V = r"v?\d{1,9}(?:\.[\dxX*]{1,9}){1,6}|v?\d{1,9}(?=[\s,;.)]|$)"
_RANGE = (
    rf"(?:(?:[<>≤≥=~^]{{1,2}}|before|prior\sto|earlier\sthan|older\sthan|below|through|up\sto|until|from|between|since"
    rf"|starting\s(?:with|from|at))\s?(?:version\s|versions\s)?(?:{_V})|versions?\s(?:[<>=a-z]{{1,12}}\s){{0,3}}(?:{_V}))"
)
_KIND = r"(?:package|library|module|crate|gem|plugin)"
_REGISTRY = r"(?:PyPI|npm|Maven|Go|RubyGems|NuGet|crates\.io|Packagist|Hex|pip|Rust|Composer)"
_TOOL = r"(?:pip\d?|npm|yarn|pnpm|gem|cargo|composer|go|nuget|apt)\s(?:install|add|get|require|i)"
_SAID = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?i)\b(?:{_KIND}|component|product)\s?(?:name\s?)?[:=]\s?({_NAME})",
        rf"(?i)(?<![\w./@-])({_NAME})\s(?:is|are)\s(?:also\s|likewise\s|all\s){{0,2}}(?:affected|vulnerable)\b",
        rf"(?i)(?<![\w./@-])({_NAME})\s{_RANGE}",
        rf"\b(?:[Ii]n|[Aa]ffects|[Aa]ffecting|of|[Uu]pgrade|[Uu]pdate|[Ii]nstall|and)\s({_NAME})\s(?:{_V})",
        rf"(?i)\b(?:upgrade|update|upgrading|updating|move)\s(?:the\s)?({_NAME})\s(?:to|from)\b",
        rf"(?i)\baffects?\s(?:also\s|the\s(?:package\s)?)?({_NAME})(?=\s?(?:[.,;(]|and\s|$))",
        rf"(?i)\b{_KIND}s?\s({_NAME})(?=\s?[.,;(]|\s(?:{_RANGE}|is\b|and\b|{_V})|$)",
        rf"(?i)\b(?:{_KIND}|project|affects|affecting|in)\s(?:the\s)?(?=\S{{0,60}}[-_/@])({_NAME})",
        rf"(?i)(?<![\w./@-])({_NAME})\s(?:package|crate|gem)\b(?!\s(?:manager|registr|index|name))",
        rf"(?i)\bthe\s({_NAME})\s(?:library|module|plugin|project|framework)\s(?:is\b|{_RANGE}|{_V})",
        rf"(?i)\b{_TOOL}\s(?:-\S{{1,30}}\s)?({_NAME})",
        r"(?i)\bpkg:[a-z]{2,20}/((?:[\w.%-]{1,100}/)?[\w.%-]{1,100})",
        rf"(?i)(?<![\w./-])({_NAME})(?:==|@)(?:{_V})",
        rf"(?i)(?<![\w./@-])({_NAME})\s\({_REGISTRY}\)",
    )
)
_EVERYDAY = frozenset(
    """
    a about above access advisory affect affected affecting affects after again all allow allowed allows also an and
    another any anyone application applications apps are as at attack attacker attackers attacks back backported be
    because been before below between both branch branches browser bug bugs build builds but by can client clients
    code component composer configuration containing contains could critical cve default dependency deployments
    deprecated disclosed discovered do does each earlier ecosystem either else environments every excluded excluding
    exists exploit feature file files first fix fixed fixes flaw flaws following for found framework from function
    go had has have hex high how identified if impact in included including input install installations installed
    instances introduced is issue issues it its java later latest least library line low mainline maintained
    maintainers malicious maven may medium method mitigated moderate module modules more most must need newer newest
    no node nor not now npm nuget of old older on one only open or other package packages packagist parser patch
    patched patches plugin popular possible prior problem product project pypi python range ranges rated release
    released releases remediation remote reported request requests resolve resolved ruby rubygems running runtime
    rust same security series server servers service services setting severity should since site sites so software
    some source specific stable starting still supported system systems team that the their them then there these
    they this those through to tree under unknown unpatched until up update updated updates upgrade upgraded
    upgrading use used user users using value version versions via vulnerabilities vulnerability vulnerable was
    weakness were when where which while who will with within without workaround would yet you your
    """.split()  # noqa: SIM905 - a list of words reads better as words
)


def names(text: str, package: str, ecosystem: str) -> bool:
    """Is the package named, in the registry's own spelling or one that the registry takes for it?"""
    return any(_pattern(one, ecosystem).search(text) is not None for one in spellings(package, ecosystem))


def spellings(package: str, ecosystem: str) -> tuple[str, ...]:
    """The registry's name; for Maven also the artifact alone, for Go the path without its host."""
    if ecosystem.casefold() == "maven" and ":" in package:
        return package, package.rsplit(":", maxsplit=1)[-1]
    if ecosystem.casefold() == "go" and package.count("/") >= 2:
        return package, package.split("/", 1)[1]
    return (package,)


@lru_cache(maxsize=4_096)
def _pattern(name: str, ecosystem: str) -> re.Pattern[str]:
    """As a whole name: amber is not named by amber-http. PyPI takes -, _ and . for one (PEP 503)."""
    quoted = re.escape(name)
    if ecosystem.casefold() == "pypi":
        quoted = "[-_.]{1,3}".join(re.escape(part) for part in re.split(r"[-_.]+", name))
    return re.compile(rf"(?<![\w@/-])(?<!\w[.:]){quoted}(?![\w/]|-\w|[.:]\w)", re.IGNORECASE)


def claimed(text: str) -> frozenset[str]:
    """Names that stand where packages stand, in lower case; everyday words are left out."""
    return frozenset(name for name in _claimed(text) if name not in _EVERYDAY and len(name) > 1)


def _claimed(text: str) -> Iterator[str]:
    for pattern in _SAID:
        for found in pattern.finditer(text):
            yield found[1].rstrip(".:-/").casefold()


@lru_cache(maxsize=1_024)
def vocabulary(text: str) -> frozenset[str]:
    """All words of a text and the parts of its names, in lower case."""
    whole = {found.casefold().rstrip(".:-/") for found in re.findall(_NAME, text)}
    return frozenset(whole | {part for one in whole for part in re.split(r"[^a-z0-9]+", one) if part})
