"""L4: any dataset, compared by exact text, containment, pattern or JSON field.

``input`` is ``{"prompt": "…"}``; ``target`` is a text, or a list of texts of which one is enough; white space around
either is ignored. A pattern is tried on the first 2,000 characters; patterns come from the base branch's dataset,
never from a pull request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gate.domain import Completion, Json, Message, Sample, Score
from gate.families.answers import objects_with
from gate.policy import MatchRule

_SEARCHED = 2_000


@dataclass(frozen=True, slots=True)
class Custom:
    rule: MatchRule

    @property
    def metric(self) -> str:
        return f"{self.rule.mode} match"

    def check(self, sample: Sample) -> Sequence[str]:
        problems = []
        if not isinstance(sample.input.get("prompt"), str):
            problems.append("input.prompt must be text")
        if not _texts(sample.target):
            problems.append("target must be text, or a list of texts")
        elif self.rule.mode == "regex" and not all(_compiles(text) for text in _texts(sample.target)):
            problems.append("target is not a valid pattern")
        return problems

    def prompt(self, sample: Sample) -> tuple[Message, ...]:
        return (Message(role="user", content=str(sample.input["prompt"])),)

    def score(self, sample: Sample, completion: Completion) -> Score:
        answer = self._answer(completion.text)
        hit = answer is not None and any(self._matches(answer, target) for target in _texts(sample.target))
        return Score(value=float(hit), reason="matches the target" if hit else "does not match the target")

    def reference(self, sample: Sample) -> str:
        target = _texts(sample.target)[0]
        return json.dumps(_nested(self.rule.field, target)) if self.rule.field else target

    def _answer(self, text: str) -> str | None:
        found = _field(text, self.rule.field) if self.rule.field else text
        return None if found is None else found.strip()

    def _matches(self, answer: str, target: str) -> bool:
        flags = re.IGNORECASE if self.rule.ignore_case else 0
        if self.rule.mode == "regex":
            return re.search(target, answer[:_SEARCHED], flags) is not None
        target = target.strip()
        if self.rule.ignore_case:
            answer, target = answer.casefold(), target.casefold()
        return target in answer if self.rule.mode == "contains" else answer == target


def _texts(target: Json) -> list[str]:
    """The accepted answers; empty when the target is not of the right form."""
    found = target if isinstance(target, list) else [target]
    return [text for text in found if isinstance(text, str)] if all(isinstance(one, str) for one in found) else []


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _field(text: str, path: str) -> str | None:
    """The value at a dotted path, as text; of several JSON objects that have its first key, the last one's."""
    first, *rest = path.split(".")
    found = objects_with(text, first)
    value: Json = found[-1][first] if found else None
    for part in rest:
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _nested(path: str, value: str) -> Json:
    first, _, rest = path.partition(".")
    return {first: _nested(rest, value) if rest else value}
