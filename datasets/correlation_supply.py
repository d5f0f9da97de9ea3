"""Vulnerable packages: how each invented scanner tells of them, and four scenarios with a way to be misled."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from datasets.correlation_code import View
from datasets.correlation_words import EFFECTS, PACKAGES, SERVICES


@dataclass(frozen=True, kw_only=True)
class Vulnerable:
    """A vulnerability of one package in one version."""

    cve: str
    ghsa: str
    vendor: str
    effect: str
    package: tuple[str, str, str]
    version: str
    lock: str
    image: str

    def evidence(self, *names: str) -> list[tuple]:
        return [(name, self.package[0], self.version) for name in names]


class Supply:
    """Makes vulnerabilities of one ecosystem and the views of them."""

    def __init__(self, random_: random.Random, pivot: str, others: list[str]) -> None:
        del others
        self.random, self.ecosystem = random_, pivot
        self._packages = random_.sample(PACKAGES[pivot], len(PACKAGES[pivot]))
        self._effects = random_.sample(list(EFFECTS), len(EFFECTS))
        self._services = random_.sample(SERVICES, len(SERVICES))

    def version(self) -> str:
        numbers = f"{self.random.randint(0, 6)}.{self.random.randint(0, 19)}.{self.random.randint(0, 9)}"
        return f"{numbers}-{self.random.randint(1, 5)}" if self.ecosystem == "debian" else numbers

    def new(self, like: Vulnerable | None = None, **fixed: object) -> Vulnerable:
        """A vulnerability; `like` gives it package, version and place of another."""
        service = self._services[-1]
        self._services.insert(0, self._services.pop())
        made = {
            "cve": f"CVE-{self.random.randint(2019, 2026)}-{self.random.randint(1200, 58999)}",
            "ghsa": "GHSA-" + "-".join("".join(self.random.choices("23456789cfghjmpqrvwx", k=4)) for _ in range(3)),
            "vendor": f"BC-{self.random.randint(10_000, 99_999)}",
            "effect": self._effects.pop(),
            "package": like.package if like else self._packages.pop(),
            "version": like.version if like else self.version(),
            "lock": like.lock if like else f"{service}/{_LOCKS[self.ecosystem]}",
            "image": like.image if like else f"{service}:{self.random.randint(2, 40)}",
            **fixed,
        }
        return Vulnerable(**made)

    def some(self, one: Vulnerable, least: int = 2) -> list[View]:
        made = [make(self, one) for make in SUPPLY_VIEWS]
        return self.random.sample(made, self.random.randint(least, len(made)))


_LOCKS = {
    "npm": "package-lock.json",
    "pypi": "requirements.txt",
    "maven": "pom.xml",
    "debian": "Dockerfile",
    "cargo": "Cargo.lock",
    "nuget": "packages.lock.json",
}


def _supply_view(one: Vulnerable, evidence: Iterable[tuple], **told: object) -> View:
    return View(told=told, flaw=one, kind="dependency", evidence=frozenset(evidence))


def _audit(supply: Supply, one: Vulnerable) -> View:
    """By GHSA, from a lock file; sometimes with the CVE."""
    both = supply.random.random() < 0.5
    told = {"rule": one.ghsa, "path": one.lock, "package": one.package[0], "version": one.version}
    if both:
        told["aliases"] = [one.cve]
    text = f"{EFFECTS[one.effect][0]} in {one.package[0]}"
    return _supply_view(one, one.evidence(one.ghsa, *[one.cve] * both), tool="dep-audit", **told, message=text)


def _image(supply: Supply, one: Vulnerable) -> View:
    """By CVE, from a container image, under the name of what lies there."""
    del supply
    package = one.package[1].replace("{v}", one.version)
    told = {"rule": one.cve, "path": f"registry/{one.image}", "package": package, "version": one.version}
    return _supply_view(one, one.evidence(one.cve), tool="layer-scan", **told, message=EFFECTS[one.effect][1])


def _bill(supply: Supply, one: Vulnerable) -> View:
    """By an id of its own, with one alias, from a bill of materials."""
    alias = supply.random.choice([one.cve, one.ghsa])
    name = f"pkg:{supply.ecosystem}/{one.package[0].replace(':', '/')}@{one.version}"
    told = {"rule": one.vendor, "package": name, "aliases": [alias]}
    text = f"{EFFECTS[one.effect][2]} (component that {one.package[2]})"
    return _supply_view(one, one.evidence(one.vendor, alias), tool="bom-check", **told, message=text)


def _desk(supply: Supply, one: Vulnerable) -> View:
    """A ticket of the vendor's feed: CVE and GHSA in its text only."""
    ids = supply.random.choice([(one.cve, one.ghsa), (one.ghsa, one.vendor), (one.cve, one.vendor)])
    text = f"Vendor notice {ids[0]} / {ids[1]}: update the part that {one.package[2]}, now at {one.version}"
    told = {"rule": f"VN-{supply.random.randint(100, 999)}", "package": one.package[0].split(":")[-1]}
    return _supply_view(one, one.evidence(*ids), tool="feed-desk", **told, message=text)


SUPPLY_VIEWS = [_audit, _image, _bill, _desk]


def _again(supply: Supply, one: Vulnerable, **fixed: object) -> Vulnerable:
    """The same vulnerability in another version, in another service."""
    ids = {"cve": one.cve, "ghsa": one.ghsa, "vendor": one.vendor, "effect": one.effect}
    return supply.new(**{"package": one.package, **ids, **fixed})


def two_versions(supply: Supply) -> Iterator[View]:
    """One vulnerability in two versions of a package, in two services."""
    first = supply.new()
    second = _again(supply, first)
    for one in (first, second, supply.new()):
        yield from supply.some(one)
    yield from supply.some(supply.new(second), least=1)


def one_package(supply: Supply) -> Iterator[View]:
    """Several vulnerabilities of one package in one version; one of them in an older version, too."""
    first = supply.new()
    for one in (first, supply.new(first), supply.new(first)):
        yield from supply.some(one)
    yield from supply.some(_again(supply, first), least=1)


def one_cve_two_packages(supply: Supply) -> Iterator[View]:
    """One CVE that two packages have, each under an advisory and a vendor id of its own."""
    first = supply.new()
    second = supply.new(cve=first.cve, effect=first.effect, version=first.version)
    for one in (first, second):
        yield from supply.some(one)
    yield from supply.some(supply.new(first))
    yield from supply.some(supply.new(second), least=1)


def versions_and_packages(supply: Supply) -> Iterator[View]:
    """Two vulnerabilities in each of two versions, and another package under one of the CVEs."""
    first = supply.new()
    older = _again(supply, first)
    for one in (first, older):
        yield from supply.some(one)
    for one in (supply.new(first), supply.new(cve=first.cve, effect=first.effect)):
        yield from supply.some(one, least=1)


SCA = (two_versions, one_package, one_cve_two_packages, versions_and_packages)
