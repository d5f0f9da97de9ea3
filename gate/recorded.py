"""L2: recorded results, the input of `compare`, one JSON object a line::

    {"family": "remediation", "sample_id": "a1", "repeat": 0, "score": 1, "slices": {"cwe": "CWE-89"},
     "cluster": null, "error": null, "reason": "the tests pass"}

`score: null` is unscored; with `error`, the call had failed; `reason` says why it scored so. A `run` writes the same
files, so that its decision can be made again without calling an endpoint.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable

from gate.datasets import label, labels
from gate.domain import CallFailure, Json, Observation, Score, Unscored
from gate.errors import Problem, Problems
from gate.jsonl import BadLine, read_jsonl

_KEYS = {"family", "sample_id", "repeat", "score", "slices", "cluster", "error", "reason"}


def parse_results(text: str, *, file: str) -> tuple[Observation, ...]:
    """The observations in a result file's text. Raises Problems."""
    numbered = read_jsonl(text, file=file, read=_observation)
    if not numbered:
        raise Problems([Problem(file=file, what="holds no results")])
    if twice := _repeated(numbered, file):
        raise Problems(twice)
    return tuple(observation for _, observation in numbered)


def mean_scores(observations: Iterable[Observation]) -> dict[tuple[str, str], float]:
    """(family, sample id) → mean score over the repeats that have one."""
    found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for one in observations:
        if isinstance(one.result, Score):
            found[one.family, one.sample_id].append(one.result.value)
    return {key: math.fsum(scores) / len(scores) for key, scores in found.items()}


def write_results(observations: Iterable[Observation]) -> str:
    """The text of a result file."""
    encode = json.JSONEncoder(ensure_ascii=False).encode  # made once: `json.dumps` makes one a line
    return "".join(f"{encode(_line(one))}\n" for one in observations)


def _repeated(numbered: list[tuple[int, Observation]], file: str) -> list[Problem]:
    first: dict[tuple[str, str, int], int] = {}
    problems = []
    for line, one in numbered:
        before = first.setdefault((one.family, one.sample_id, one.repeat), line)
        if before != line:
            what = f"is the same family, sample and repeat as line {before}"
            problems.append(Problem(file=file, line=line, column=1, what=what))
    return problems[:50]


def _observation(item: dict[str, Json]) -> Observation:
    if set(item) - _KEYS:
        raise BadLine(f"has an unknown key | known here: {', '.join(sorted(_KEYS))}")
    repeat = item.get("repeat", 0)
    if not isinstance(repeat, int) or isinstance(repeat, bool) or repeat < 0:
        raise BadLine("has a repeat that is not a whole number from 0")
    slices, cluster = labels(item)
    return Observation(
        family=label(item.get("family"), "family"),
        sample_id=label(item.get("sample_id"), "sample_id"),
        repeat=repeat,
        result=_result(item),
        slices=slices,
        cluster=cluster,
    )


def _result(item: dict[str, Json]) -> Score | Unscored | CallFailure:
    if "score" not in item:
        raise BadLine("has no score | write null when there is none")
    score, error = item["score"], item.get("error")
    if error is not None:
        if score is not None:
            raise BadLine("has a score and an error | an asking that failed has score null")
        return CallFailure(kind="unknown", detail="recorded as an error")
    if score is None:
        return Unscored(reason=_reason(item) or "recorded without a score")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise BadLine("has a score outside 0 to 1")
    return Score(value=float(score), reason=_reason(item))


def _reason(item: dict[str, Json]) -> str:
    reason = item.get("reason")
    if not isinstance(reason, str | None):
        raise BadLine("has a reason that is no text")
    return reason or ""


def _line(one: Observation) -> dict[str, Json]:
    result = one.result
    return {
        "family": one.family,
        "sample_id": one.sample_id,
        "repeat": one.repeat,
        "score": result.value if isinstance(result, Score) else None,
        "slices": dict(one.slices),
        "cluster": one.cluster,
        "error": f"{result.kind}: {result.detail}" if isinstance(result, CallFailure) else None,
        "reason": None if isinstance(result, CallFailure) else result.reason,
    }
