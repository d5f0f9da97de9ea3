"""Small modules with one flaw among honest functions, the patch that removes it, and three that do not do."""

from __future__ import annotations

import base64
import difflib
import random
import re
from collections.abc import Iterator

from datasets import remediation_forms, remediation_inputs, remediation_logic
from datasets.common import row
from datasets.remediation_parts import BYSTANDERS, Bystander, Change, Flaw

FLAWS = [*remediation_inputs.FLAWS, *remediation_logic.FLAWS, *remediation_forms.FLAWS]
_CLOSE = {"(": ")", "[": "]", "{": "}"}


def build(random_: random.Random) -> list[dict]:
    kinds = [(flaw, words) for flaw in FLAWS for words in flaw.words]
    random_.shuffle(kinds)  # the first looks of a run see all of them
    beside = _decks(random_)
    return [
        _row(number, flaw, words, [next(beside) for _ in range(4)], random_)
        for number, (flaw, words) in enumerate(kinds)
    ]


def _decks(random_: random.Random) -> Iterator[Bystander]:
    """Bystanders, each as often as the others, and none twice within a file."""
    while True:
        deck = list(BYSTANDERS)
        random_.shuffle(deck)
        yield from deck[: len(deck) // 4 * 4]


def _row(number: int, flaw: Flaw, words: tuple, beside: list[Bystander], random_: random.Random) -> dict:
    fill = dict(zip("abc", words, strict=False))
    fill["d"] = _CLOSE.get(fill.get("b", ""), "")
    module = f"{fill['a']}s"
    code, first, inside, last = flaw.code, beside[0], beside[1], beside[2]
    order = [first.code, code, inside.code, last.code]
    if random_.random() < 0.5:
        order = [first.code, inside.code, code, last.code]
    imports = sorted(
        {line for line in flaw.imports.split("\n") if line}, key=lambda line: (line.startswith("from"), line)
    )
    head = f'"""What the service knows of {module}."""\n\n' + "".join(f"{line}\n" for line in imports)
    before = _filled(head + "\n\n" + "\n\n".join(order), fill)
    path, other = f"service/{module}.py", f"service/{random_.choice(['tools', 'texts', 'common', 'helpers'])}.py"
    files = {path: before, other: f'"""Helpers."""\n\n\n{beside[3].code}'}
    tests = [test for one in [first, inside, last] for test in one.tests] + flaw.tests
    files[f"tests/test_{module}.py"] = _visible(
        module, [one for each in (first, inside, last) for one in each.tests], fill
    )
    fixed = _changed(before, code, flaw.fix, fill)
    careless = random_.choice([first, inside, last])
    patches = {
        "exploitable": _changed(before, code, flaw.open_, fill),
        "broken": _changed(before, code, flaw.broken, fill),
        "weakened": _changed(fixed, careless.code, [(careless.guard, "")], fill),
    }
    target = {
        "patch": _diff(path, before, fixed),
        "wrong": [{"why": why, "patch": _diff(path, before, after)} for why, after in patches.items()],
        "tests": [_test(one, f"service.{module}", fill) for one in tests],
        "fixtures": {_filled(name, fill): _filled(text, fill) for name, text in flaw.fixtures.items()},
        "probes": _filled_all(flaw.probes, fill),
    }
    line = next(n for n, text in enumerate(before.split("\n"), 1) if _filled(flaw.at, fill) in text)
    given = {"finding": f"{flaw.cwe} at {path}:{line}: {flaw.says}", "files": files, "allowed": [path]}
    slices = {"cwe": flaw.cwe, "rarity": flaw.rarity, "difficulty": flaw.difficulty}
    return {**row(number, given, target, slices), "cluster": flaw.name}


def _filled(text: str, fill: dict[str, str]) -> str:
    return re.sub(r"@([abcd])@", lambda match: fill[match[1]], text)


def _filled_all(value: object, fill: dict[str, str]) -> object:
    if isinstance(value, str):
        return _filled(value, fill)
    if isinstance(value, list):
        return [_filled_all(one, fill) for one in value]
    if isinstance(value, dict):
        if set(value) == {"$pickle"}:
            return {"$bytes": base64.b64encode(_filled(value["$pickle"], fill).encode()).decode()}
        return {_filled(key, fill): _filled_all(one, fill) for key, one in value.items()}
    return value


def _changed(before: str, code: str, change: Change, fill: dict[str, str]) -> str:
    """The module with one of its pieces changed."""
    piece = filled = _filled(code, fill)
    for old, new in change:
        old_, new_ = _filled(old, fill), _filled(new, fill)
        if piece.count(old_) != 1:
            raise ValueError(f"stands {piece.count(old_)} times: {old_}")
        piece = piece.replace(old_, new_)
    return before.replace(filled, piece)


def _diff(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{path}", f"b/{path}", lineterm="")
    return "\n".join(lines) + "\n"


def _test(test: dict, module: str, fill: dict[str, str]) -> dict:
    filled = _filled_all(test, fill)
    return filled if ":" in filled["call"] else {**filled, "call": f"{module}:{filled['call']}"}


def _visible(module: str, tests: list[dict], fill: dict[str, str]) -> str:
    """The tests that a repository would hold: those of the honest functions."""
    lines = [f'"""Tests of {module}."""', "", "import pytest", "", f"from service import {module}", ""]
    for test in tests:
        call = f"{module}.{test['call']}({', '.join(repr(one) for one in test['args'])})"
        body = (
            f"    assert {call} == {test['expect']['returns']!r}"
            if "returns" in test["expect"]
            else f"    with pytest.raises(ValueError):\n        {call}"
        )
        lines += ["", f"def test_{re.sub('[^a-z0-9]+', '_', test['name'].lower()).strip('_')}():", body, ""]
    return _filled("\n".join(lines), fill)
