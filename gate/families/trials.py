"""L4: black-box tests of code that nobody trusts, as a dataset states them: JSON in, JSON or an exception out.

Every test is one call. What is expected of it stays on this side, and is compared here with plain data. A marker that
is drawn anew for each run stands for ``{nonce}`` in fixtures, arguments and expectations, so that no answer can be
known by heart. The keys of a test and of `expect` are explained in docs/families/remediation.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from gate.confined import Asked, Broken, Raised, Returned, Run
from gate.domain import Json
from gate.files import path_problem

Kind = Literal["exploit", "function", "kept"]
_SAYS: Mapping[Kind, str] = {
    "exploit": "leaves it exploitable",
    "function": "breaks what worked",
    "kept": "weakens a check that was there",
}
_EXPECT = ("returns", "raises", "contains", "differs", "lacks", "calls", "uncalled", "files")
_CRASHES = frozenset(
    {"NameError", "ImportError", "AttributeError", "SyntaxError", "MemoryError", "RecursionError", "SystemError"}
)
"""Exceptions that are no refusal, but code that fell over."""
_CALL = re.compile(r"[A-Za-z_]\w{0,80}(?:\.\w{1,80}){0,8}:[A-Za-z_]\w{0,80}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One call, and what must hold of it. An exploit's test may always end in a refusal, unless it says `returns`."""

    name: str
    kind: Kind
    asked: Asked
    expect: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """The tests of a sample, in order. `probes`: what stand-ins answer, by their name."""

    tests: tuple[Trial, ...]
    fixtures: Mapping[str, str]
    probes: Mapping[str, Mapping[str, Json]]


@dataclass(slots=True)
class Failed(Exception):
    """The first test that does not hold, in words of ours and the dataset's."""

    kind: Kind
    why: str

    def __str__(self) -> str:
        return f"{_SAYS[self.kind]}: {self.why}"


def problems(target: Mapping[str, Json]) -> list[str]:
    """What is wrong with `tests`, `fixtures` and `probes` of a target, in words."""
    tests = target.get("tests")
    if not isinstance(tests, list) or not tests:
        return ["target.tests must list the tests: {name, kind, call, args, expect}"]
    found = [f"target.tests[{index}] {what}" for index, one in enumerate(tests) for what in _test_problems(one)]
    found += [f"target.tests has no test of kind {kind}" for kind in ("exploit", "function") if not _any(tests, kind)]
    names = [str(one.get("name")) for one in tests if isinstance(one, dict)]
    if len(set(names)) < len(names):
        found.append("target.tests has two tests of one name")
    fixtures, probes = target.get("fixtures") or {}, target.get("probes") or {}
    if not isinstance(fixtures, dict) or any(path_problem(k) or not isinstance(v, str) for k, v in fixtures.items()):
        found.append("target.fixtures must be {path: text}")
    if not isinstance(probes, dict) or not all(isinstance(one, dict) for one in probes.values()):
        found.append("target.probes must be {name: {value} or {by, value} or {raise}}")
    return found


def _any(tests: Sequence[Json], kind: str) -> bool:
    return any(isinstance(one, dict) and one.get("kind") == kind for one in tests)


def _test_problems(test: Json) -> Iterator[str]:
    if not isinstance(test, dict):
        yield "is not an object"
        return
    if not isinstance(test.get("name"), str):
        yield "has no name"
    if test.get("kind") not in get_args(Kind):
        yield f"has a kind that is none of {', '.join(get_args(Kind))}"
    if not isinstance(test.get("call"), str) or not _CALL.fullmatch(str(test["call"])):
        yield "has no call of the form module:function"
    if not isinstance(test.get("args", []), list) or not isinstance(test.get("kwargs", {}), dict):
        yield "has args that are no list, or kwargs that are no object"
    expect = test.get("expect")
    if not isinstance(expect, dict) or not expect or not set(expect) <= set(_EXPECT):
        yield f"needs expect with some of {', '.join(_EXPECT)}"


def parse(target: Mapping[str, Json], nonce: str) -> Trials:
    """The tests of a target that has no problems, with the run's own marker in place."""
    filled = _filled({key: target.get(key) for key in ("tests", "fixtures", "probes")}, nonce)
    tests = [
        Trial(
            name=one["name"],
            kind=one["kind"],
            asked=Asked(call=one["call"], args=one.get("args", []), kwargs=one.get("kwargs", {})),
            expect=one["expect"],
        )
        for one in filled["tests"]
    ]
    return Trials(tests=tuple(tests), fixtures=filled["fixtures"] or {}, probes=filled["probes"] or {})


def _filled(value: Any, nonce: str) -> Any:
    if isinstance(value, str):
        return value.replace("{nonce}", nonce)
    if isinstance(value, list):
        return [_filled(one, nonce) for one in value]
    return {_filled(k, nonce): _filled(v, nonce) for k, v in value.items()} if isinstance(value, dict) else value


@dataclass(slots=True, kw_only=True)
class Hearing:
    """Puts the tests to a run. Raises Failed at the first that does not hold."""

    trials: Trials
    run: Run
    _values: dict[str, Json] = field(default_factory=dict)
    _calls: list[tuple[str, Json]] = field(default_factory=list)

    def hold(self) -> None:
        for trial in self.trials.tests:
            self._calls.clear()
            asked = Asked(
                call=trial.asked.call, args=self._known(trial.asked.args), kwargs=self._known(trial.asked.kwargs)
            )
            try:
                outcome = self.run.call(asked, self._probe)
            except Broken as ended:
                raise Failed(trial.kind, f"{trial.name} ({ended})") from None
            self._values[trial.name] = outcome.value if isinstance(outcome, Returned) else None
            if not self._holds(trial, outcome):
                raise Failed(trial.kind, trial.name)

    def _known(self, value: Any) -> Any:
        """A value with the results of earlier tests put in where they are named."""
        if isinstance(value, list | tuple):
            return [self._known(one) for one in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"$result"}:
            return self._values.get(str(value["$result"]))
        return {key: self._known(one) for key, one in value.items()}

    def _probe(self, name: str, args: Json, kwargs: Json) -> Mapping[str, Json]:
        del kwargs
        self._calls.append((name, args))
        rule = self.trials.probes.get(name, {})
        if "raise" in rule:
            return {"raise": rule["raise"]}
        by = rule.get("by")
        first = args[0] if isinstance(args, list) and args else None
        if isinstance(by, dict) and isinstance(first, str) and first in by:
            return {"value": by[first]}
        return {"value": rule.get("value")}

    def _holds(self, trial: Trial, outcome: Returned | Raised) -> bool:
        expect = trial.expect
        if isinstance(outcome, Raised) and not _may_raise(trial, outcome):
            return False
        if isinstance(outcome, Returned) and not self._value_holds(expect, outcome.value):
            return False
        seen = [outcome.value if isinstance(outcome, Returned) else None, [args for _, args in self._calls]]
        return (
            not any(_holds_text(seen, one) for one in _texts(expect.get("lacks")))
            and not any(name in _texts(expect.get("uncalled")) for name, _ in self._calls)
            and all(self._called(name) == args for name, args in _object(expect.get("calls")).items())
            and all(self.run.text(path) == text for path, text in _object(expect.get("files")).items())
        )

    def _value_holds(self, expect: Mapping[str, Json], value: Json) -> bool:
        if "raises" in expect and not {"returns", "differs", "lacks"} & set(expect):
            return False
        return (
            ("returns" not in expect or same(value, self._known(expect["returns"])))
            and ("differs" not in expect or not same(value, self._known(expect["differs"])))
            and all(_holds_text(value, one) for one in _texts(expect.get("contains")))
        )

    def _called(self, name: str) -> Json:
        return [args for called, args in self._calls if called == name]


def _may_raise(trial: Trial, outcome: Raised) -> bool:
    wanted = trial.expect.get("raises")
    if isinstance(wanted, list) and wanted:
        return any(name in wanted for name in outcome.names)
    refusal = not _CRASHES & set(outcome.names)
    return refusal and (
        wanted is not None or (trial.kind == "exploit" and not {"returns", "contains"} & set(trial.expect))
    )


def same(one: Json, other: Json) -> bool:
    """Equal, and of equal types: true is not 1."""
    return _text(one) == _text(other)


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _holds_text(value: Json, text: str) -> bool:
    """Does any text within a value hold this one? Values are never deep."""
    if isinstance(value, list):
        return any(_holds_text(one, text) for one in value)
    if isinstance(value, dict):
        return any(text in key or _holds_text(one, text) for key, one in value.items())
    return text in value if isinstance(value, str) else text == _text(value)


def _texts(value: Json) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list) else [] if value is None else [value])]


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
