"""Findings of invented scanners on invented systems, grouped by root cause.

Twelve scenarios, each with a way to be misled: two flaws of one kind in one file, two flaws in one function, one helper
behind several routes, one CVE in two versions, several CVEs in one package … Every finding carries the *evidence* its
text gives (a place, a function, a route and parameter, a vulnerability of a package in a version). The key is derivable,
and checked to be while the set is built: within a weakness, the findings that evidence connects are exactly the groups.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from datasets.common import row
from datasets.correlation_words import AREAS, COMMON, EFFECTS, FILES, PACKAGES, RARE, SERVICES, VERBS, WEAKNESSES
from datasets.groupings import by_place, f1

PER_SCENARIO = 12


@dataclass(frozen=True, kw_only=True)
class View:
    """One finding, the flaw that it is a view of, and the evidence that its text gives."""

    told: dict
    flaw: object
    kind: str
    evidence: frozenset


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """A weakness at one place of the code, and a way there from outside."""

    kind: str
    folder: str
    file: str
    function: str
    line: int
    route: str
    parameter: str
    entry: tuple[str, str, int] = field(default=("", "", 0))

    @property
    def at(self) -> tuple:
        return ("at", self.folder, self.file, self.line)

    @property
    def symbol(self) -> tuple:
        return ("function", self.folder, self.file, self.function)

    @property
    def door(self) -> tuple:
        return ("door", self.route, self.parameter)


class Scene:
    """Makes flaws and views of one sample, with names that are used once."""

    def __init__(self, random_: random.Random, pivot: str, others: list[str]) -> None:
        self.random, self.pivot = random_, pivot
        self.others = [one for one in others if one != pivot]
        self._functions = random_.sample([f"{verb}_{area.removesuffix('s')}" for verb in VERBS for area in AREAS], 24)
        self._areas = random_.sample(list(AREAS), len(AREAS))
        self._folder_style = random_.choice(["src/{}", "app/{}", "services/{}/src"])

    def flaw(self, kind: str = "", near: Flaw | None = None, **fixed: object) -> Flaw:
        """A new flaw; `near` gives it the file of another."""
        area = self._areas[-1] if near is None else near.folder.split("/")[-1]
        if near is None:
            self._areas.insert(0, self._areas.pop())
        parameter = self.random.choice(AREAS.get(area, ["value", "name", "key"]))
        made = {
            "kind": kind or self.random.choice(self.others),
            "folder": near.folder if near else area,
            "file": near.file if near else f"{self.random.choice(FILES)}.py",
            "function": self._functions.pop(),
            "line": (near.line if near else 20) + self.random.randint(14, 160),
            "route": f"{self.random.choice(['GET', 'POST'])} /{area}/{self.random.choice(VERBS)}",
            "parameter": parameter,
            **fixed,
        }
        entry = (f"{made['folder']}/routes.py", f"on_{made['function']}", self.random.randint(10, 300))
        return Flaw(**{"entry": entry, **made})

    def views(self, flaw: Flaw, *names: str) -> list[View]:
        return [VIEWS[name](self, flaw) for name in names]

    def some(self, flaw: Flaw, names: Iterable[str], least: int = 2) -> list[View]:
        names = list(names)
        return self.views(flaw, *self.random.sample(names, self.random.randint(least, len(names))))

    def say(self, flaw: Flaw, how: str) -> str:
        # Not format(): some symptoms hold braces.
        return self.random.choice(WEAKNESSES[flaw.kind][how]).replace("{p}", flaw.parameter)

    def path(self, flaw: Flaw) -> str:
        return f"{self._folder_style.format(flaw.folder)}/{flaw.file}"

    def near(self, line: int) -> int:
        return line + self.random.choice([-1, 0, 0, 1])


def _view(flaw: Flaw, evidence: Iterable[tuple], **told: object) -> View:
    return View(told=told, flaw=flaw, kind=flaw.kind, evidence=frozenset(evidence))


def _number(kind: str) -> int:
    return list(WEAKNESSES).index(kind)


def _sink(scene: Scene, flaw: Flaw) -> View:
    named = scene.random.random() < 0.4
    text = scene.say(flaw, "sink") + (f" (in {flaw.function})" if named else "")
    evidence = [flaw.at, flaw.symbol] if named else [flaw.at]
    cwe = f"CWE-{WEAKNESSES[flaw.kind]['cwe'][0]}"
    told = {"rule": f"AS{310 + 7 * _number(flaw.kind)}", "cwe": [cwe], "path": scene.path(flaw)}
    return _view(flaw, evidence, tool="alpha-scan", **told, line=scene.near(flaw.line), message=f"{text}.")


def _lint(scene: Scene, flaw: Flaw) -> View:
    told = {"rule": f"B{602 + 11 * _number(flaw.kind)}", "path": f"{flaw.folder}/{flaw.file}"}
    return _view(flaw, [flaw.at], tool="beta-lint", **told, line=scene.near(flaw.line), message=scene.say(flaw, "lint"))


def _flow(scene: Scene, flaw: Flaw) -> View:
    file, function, line = flaw.entry
    way = scene.random.choice(["exact", "name", "name", "route"])
    end = {
        "exact": f"{flaw.function}, {flaw.folder}/{flaw.file}:{flaw.line}",
        "name": f"{flaw.folder}.{flaw.file[:-3]}.{flaw.function}",
        "route": f"{flaw.function} of {flaw.file} (handler of {flaw.route})",
    }[way]
    evidence = {"exact": [flaw.symbol, flaw.at], "name": [flaw.symbol], "route": [flaw.symbol, flaw.door]}[way]
    text = f"`{flaw.parameter}` taken in {function} {scene.say(flaw, 'flow')}: see {end}"
    told = {"rule": f"taint/{70 + _number(flaw.kind)}", "path": f"/ci/checkout/{file}", "line": line}
    return _view(flaw, evidence, tool="trace-it", **told, message=text)


def _symbol(scene: Scene, flaw: Flaw) -> View:
    cwe = f"CWE-{WEAKNESSES[flaw.kind]['cwe'][1]}"
    place = f"{flaw.folder}.{flaw.file[:-3]}#{flaw.function}"
    text = scene.random.choice(
        ["Review needed: {}.", "{}; found in the compiled unit.", "Weak spot, as the sink model has it: {}."]
    )
    told = {"rule": f"SYM-{WEAKNESSES[flaw.kind]['cwe'][1]}", "cwe": [cwe], "path": place}
    return _view(flaw, [flaw.symbol], tool="sym-audit", **told, message=text.format(scene.say(flaw, "sink").lower()))


def _probe(scene: Scene, flaw: Flaw) -> View:
    told = {"rule": str(40_000 + 12 * _number(flaw.kind)), "path": flaw.route}
    return _view(flaw, [flaw.door], tool="web-probe", **told, message=f"Confirmed: {scene.say(flaw, 'probe')}")


def _runtime(scene: Scene, flaw: Flaw) -> View:
    where = scene.random.choice([f"{flaw.function} ({flaw.file}:{flaw.line})", f"{flaw.function} in {flaw.file}"])
    evidence = [flaw.door, flaw.symbol, flaw.at] if ":" in where else [flaw.door, flaw.symbol]
    text = f"{scene.say(flaw, 'runtime')}; parameter {flaw.parameter}, last own frame {where}"
    told = {"rule": f"LG-{_number(flaw.kind) + 1:02d}", "path": flaw.route}
    return _view(flaw, evidence, tool="live-guard", **told, message=text)


VIEWS: dict[str, Callable[[Scene, Flaw], View]] = {
    "sink": _sink,
    "lint": _lint,
    "flow": _flow,
    "symbol": _symbol,
    "probe": _probe,
    "runtime": _runtime,
}
STATIC = ["sink", "lint", "flow", "symbol"]
WEB = ["probe", "runtime", "flow", "sink"]


def one_file(scene: Scene) -> Iterator[View]:
    """Two or three flaws of one kind in one file; another kind there, too."""
    first = scene.flaw(scene.pivot)
    for flaw in (first, scene.flaw(scene.pivot, first), scene.flaw("", first)):
        yield from scene.some(flaw, STATIC)
    yield from scene.some(scene.flaw(scene.pivot), ["sink", "lint"], least=1)


def one_function(scene: Scene) -> Iterator[View]:
    """Two kinds of flaw in one function, a few lines apart."""
    first = scene.flaw(scene.pivot)
    same = {"function": first.function, "route": first.route, "entry": first.entry}
    second = scene.flaw("", first, line=first.line + scene.random.randint(1, 3), **same)
    for flaw in (first, second):
        yield from scene.some(flaw, STATIC)
    yield from scene.some(scene.flaw(scene.pivot), STATIC)
    yield from scene.some(scene.flaw(), ["lint", "symbol"], least=1)


def shared_helper(scene: Scene) -> Iterator[View]:
    """One flaw in a helper that several areas call: one root cause, reported where each call comes in."""
    helper = scene.flaw(scene.pivot, folder="common")
    callers = [scene.flaw(scene.pivot) for _ in range(scene.random.randint(2, 3))]
    yield from scene.some(helper, ["sink", "lint", "symbol"])
    for caller in callers:
        there = Flaw(**{**_fields(helper), "entry": caller.entry, "parameter": caller.parameter})
        yield from (View(**{**vars(one), "flaw": helper}) for one in scene.views(there, "flow"))
    yield from scene.some(callers[0], ["lint", "symbol", "flow"], least=1)
    yield from scene.some(scene.flaw("", callers[1]), ["sink", "lint"], least=1)


def copied_file(scene: Scene) -> Iterator[View]:
    """The same file in several services: as many root causes as copies."""
    services = scene.random.sample(SERVICES, scene.random.randint(2, 3))
    first = scene.flaw(scene.pivot, folder=services[0])
    for service in services:
        entry = (f"{service}/routes.py", first.entry[1], first.entry[2])
        yield from scene.some(Flaw(**{**_fields(first), "folder": service, "entry": entry}), STATIC)
    yield from scene.some(scene.flaw("", first), ["sink", "symbol"], least=1)


def route_and_handler(scene: Scene) -> Iterator[View]:
    """A route as a probe sees it and the code behind it."""
    flaws = [scene.flaw(scene.pivot), scene.flaw(scene.pivot), scene.flaw()]
    for flaw in flaws:
        yield from scene.some(flaw, WEB)
    yield from scene.some(scene.flaw("", flaws[0]), ["sink", "probe"], least=1)


def many_routes(scene: Scene) -> Iterator[View]:
    """Several routes into one flawed function."""
    core = scene.flaw(scene.pivot)
    yield from scene.some(core, ["sink", "lint", "symbol"], least=1)
    for _ in range(scene.random.randint(2, 3)):
        door = scene.flaw(scene.pivot)
        there = Flaw(**{**_fields(core), "route": door.route, "parameter": door.parameter, "entry": door.entry})
        yield from (View(**{**vars(one), "flaw": core}) for one in scene.some(there, ["runtime", "probe"], least=1))
    yield from scene.some(scene.flaw(scene.pivot, core), ["probe", "runtime", "lint"], least=1)
    yield from scene.some(scene.flaw(), WEB)


def one_route(scene: Scene) -> Iterator[View]:
    """Several parameters of one route, each with a flaw of its own."""
    first = scene.flaw(scene.pivot)
    area = first.route.rpartition("/")[0].rpartition("/")[2]
    parameters = scene.random.sample(AREAS[area], 3)
    for number, parameter in enumerate(parameters):
        fixed = {"route": first.route, "parameter": parameter}
        flaw = scene.flaw(scene.pivot if number < 2 else "", first if number else None, **fixed)
        yield from scene.some(flaw, WEB)
    yield from scene.views(scene.flaw(scene.pivot), "probe")


def inside_and_outside(scene: Scene) -> Iterator[View]:
    """Some flaws seen from outside only, some from inside only, some from both."""
    for names, kind in ((WEB, scene.pivot), (["probe", "runtime"], scene.pivot), (STATIC, scene.pivot), (WEB, "")):
        yield from scene.some(scene.flaw(kind), names)
    yield from scene.views(scene.flaw(), scene.random.choice(["sink", "probe"]))


def _fields(flaw: Flaw) -> dict:
    return {name: getattr(flaw, name) for name in Flaw.__dataclass_fields__}


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


Scenario = tuple[str, Callable, type]
SCENARIOS: list[Scenario] = [
    *(("sast", make, Scene) for make in (one_file, one_function, shared_helper, copied_file)),
    *(("dast", make, Scene) for make in (route_and_handler, many_routes, one_route, inside_and_outside)),
    *(("sca", make, Supply) for make in (two_versions, one_package, one_cve_two_packages, versions_and_packages)),
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
