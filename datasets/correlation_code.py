"""Flaws in code: how each invented scanner tells of them, and eight scenarios with a way to be misled."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from datasets.correlation_words import AREAS, FILES, SERVICES, VERBS, WEAKNESSES


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


SAST = (one_file, one_function, shared_helper, copied_file)
DAST = (route_and_handler, many_routes, one_route, inside_and_outside)
