"""L4: which findings of several scanners are one flaw? Groups of ids, scored by B-cubed F1.

Bagga A., Baldwin B. (1998). Algorithms for scoring coreference chains. A finding that the answer leaves out stands
alone; one named twice belongs to the first group that names it; an invented id lowers precision as a wrong member
would.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gate.domain import Completion, Json, Message, Sample, Score
from gate.families.answers import first_object

_ASK = """These findings come from several scanners. Group those that have one root cause; a finding of its own
is a group of one. Answer with one JSON object and nothing else: {{"groups": [["id", …], …]}}

{findings}"""


@dataclass(frozen=True, slots=True)
class FindingCorrelation:
    metric: str = "B-cubed F1"

    def check(self, sample: Sample) -> Sequence[str]:
        findings, groups = sample.input.get("findings"), _groups(sample.target)
        if not isinstance(findings, list) or not all(isinstance(one, dict) and "id" in one for one in findings):
            return ["input.findings must be a list of objects with an id"]
        ids = sorted(str(one["id"]) for one in findings if isinstance(one, dict))
        if sorted(one for group in groups for one in group) != ids:
            return ["target.groups must hold every id of input.findings exactly once"]
        return []

    def prompt(self, sample: Sample) -> tuple[Message, ...]:
        findings = sample.input["findings"]
        lines = [json.dumps(one) for one in findings] if isinstance(findings, list) else []
        return (Message(role="user", content=_ASK.format(findings="\n".join(lines))),)

    def score(self, sample: Sample, completion: Completion) -> Score:
        answer = first_object(completion.text)
        if answer is None or not isinstance(answer.get("groups"), list):
            return Score(value=0.0, reason="no usable answer")
        truth, given = _membership(_groups(sample.target)), _membership(_groups(answer))
        precision, recall = b_cubed(truth, given)
        value = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return Score(value=round(value, 6), reason=f"precision {precision:.2f}, recall {recall:.2f}")

    def reference(self, sample: Sample) -> str:
        return json.dumps(sample.target)


def b_cubed(truth: Mapping[str, int], given: Mapping[str, int]) -> tuple[float, float]:
    """Precision and recall of a grouping, each the mean over the true ids; (0, 0) for no ids."""
    if not truth:
        return 0.0, 0.0
    alone = {one: given.get(one, -index) for index, one in enumerate(truth, start=1)}
    precision = recall = 0.0
    for one in truth:
        mine = {other for other in truth if alone[other] == alone[one]}
        foreign = sum(group == alone[one] for other, group in given.items() if other not in truth)
        right = {other for other in truth if truth[other] == truth[one]}
        precision += len(mine & right) / (len(mine) + foreign)
        recall += len(mine & right) / len(right)
    return precision / len(truth), recall / len(truth)


def _groups(value: Json) -> list[list[str]]:
    found = value.get("groups") if isinstance(value, dict) else None
    lists = [group for group in found if isinstance(group, list)] if isinstance(found, list) else []
    return [[one for one in group if isinstance(one, str)] for group in lists[:1000]]


def _membership(groups: Sequence[Sequence[str]]) -> dict[str, int]:
    numbered: dict[str, int] = {}
    for index, group in enumerate(groups):
        for one in group[:1000]:
            numbered.setdefault(one, index)
    return numbered
