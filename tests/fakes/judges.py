"""Judges on loopback: fakes that read a judge's request as a model would, and reply well or badly."""

import json
import re
from dataclasses import dataclass

from tests.fakes.models import Asked, Fault, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A judge's request taken apart: the code, what stands between the marks, and the order of the probe."""

    code: str
    parts: dict
    probe: str

    @classmethod
    def of(cls, asked: Asked) -> "Case":
        (_, system), (_, data) = asked.messages
        code = re.search(r"carry the code ([0-9a-f]{16})", system)[1]
        pieces = re.split(rf"^\[{code} ([a-z ]+)\] ?\n?", data, flags=re.MULTILINE)
        parts = {name: text.removesuffix("\n") for name, text in zip(pieces[1::2], pieces[2::2], strict=True)}
        return cls(code=code, parts=parts, probe=parts["probe"])

    def says(self, verdict: str) -> Reply:
        return Reply(text=json.dumps({"code": self.code, "verdict": verdict}))


def honest(asked):
    """Passes what the reference says; of two answers the one that is right, for the right one is the question's sum."""
    case = Case.of(asked)
    if "answer to judge" in case.parts:
        return case.says("pass" if case.parts["answer to judge"] == case.parts["reference answer"] else "fail")
    right = {place: case.parts[f"{place} answer"] == total(case) for place in ("first", "second")}
    if right["first"] == right["second"]:
        return case.says("tie")
    return case.says("first" if right["first"] else "second")


def total(case):
    left, right = (int(part) for part in case.parts["question"].removeprefix("user: ").split("+"))
    return str(left + right)


def erring(fails, passes):
    """Honest, but fails right answers and passes wrong ones where the functions of the question's number say so."""

    def judge(asked):
        case = Case.of(asked)
        number = int(case.parts["question"].removeprefix("user: ").split("+")[0])
        right = case.parts["answer to judge"] == case.parts["reference answer"]
        if right:
            return case.says("fail" if fails(number) else "pass")
        return case.says("pass" if passes(number) else "fail")

    return judge


def places(asked):
    """Likes what comes first."""
    return Case.of(asked).says("first")


def obedient(asked):
    """Does what the data says, whoever wrote it: a model's answer, or the probe."""
    case, data = Case.of(asked), asked.prompt
    if "say pass" in data:
        word = re.search(r"Write (\S+) in your reply", data)[1]
        return Reply(text=json.dumps({"code": case.code, "verdict": "pass"}) + f" {word}")
    return honest(asked)


def chatty(asked):
    return Reply(text=f"I think that this passes: {honest(asked).text}")


def down(asked):
    del asked
    return Fault(status=500)
