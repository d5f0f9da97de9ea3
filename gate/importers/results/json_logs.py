"""L2: logs that are JSON: lm-evaluation-harness, OpenAI evals, NeMo Evaluator, DeepEval."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from gate.domain import Json
from gate.importers.finding import at, object_at, objects_at, text_at
from gate.importers.results.row import OVERALL, BadLog, Log, Row, Told, digest_of, texts, whole

Object = dict[str, Json]

_LM_EVAL_NAME = re.compile(r"samples_(.{1,200}?)(?:_[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9.:-]{1,20})?\.jsonl?$")


def is_lm_eval(log: Log) -> bool:
    return isinstance(at(log.first, "doc_id"), int) and isinstance(at(log.first, "filtered_resps"), list)


def from_lm_eval(log: Log) -> Told:
    """One row a document: its filters are metrics of their own. The task stands in the file's name alone."""
    match = _LM_EVAL_NAME.search(log.name)
    task = match[1] if match else "lm-eval"
    rows: dict[str, Row] = {}
    for item in log.objects:
        one = _document(task, item)
        before = rows.get(one.id)
        if before is not None and (before.input != one.input or set(before.scores) & set(one.scores)):
            raise BadLog(f"holds document {one.id} twice | give one run's samples_*.jsonl")
        rows[one.id] = one if before is None else _joined(before, one)
    return Told(rows=tuple(rows.values()))


def _document(task: str, item: Object) -> Row:
    way = text_at(item, "filter")
    suffix = f",{way}" if way not in ("", "none") else ""
    named = at(item, "metrics")
    metrics = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    return Row(
        task=task,
        id=text_at(item, "doc_id"),
        input=digest_of(item.get("doc"), item.get("target")),
        scores={f"{one}{suffix}": item.get(one) for one in metrics},
    )


def _joined(before: Row, one: Row) -> Row:
    return Row(task=one.task, id=one.id, input=one.input, scores={**before.scores, **one.scores})


def is_openai_evals(log: Log) -> bool:
    return "eval_name" in object_at(log.first, "spec")


def from_openai_evals(log: Log) -> Told:
    """Events of one sample make one row. A sample that was asked and never judged is unscored."""
    task = text_at(log.first, "spec", "base_eval") or text_at(log.first, "spec", "eval_name")
    events: defaultdict[str, list[Object]] = defaultdict(list)
    for item in log.objects:
        if name := text_at(item, "sample_id"):
            events[name].append(item)
    final = any("final_report" in item for item in log.objects)
    notices = () if final else (f"the run of {task} has no final report: it did not end",)
    return Told(rows=tuple(_sample(task, name, found) for name, found in events.items()), notices=notices)


def _sample(task: str, name: str, events: list[Object]) -> Row:
    asked = next((one for one in events if one.get("type") == "sampling"), {})
    judged = [one for one in events if one.get("type") in ("match", "metrics")]
    scores: dict[str, Json] = {}
    for event in judged:
        scores |= _event_scores(event)
    expected = next((at(one, "data", "expected") for one in judged), None)
    failed = any(one.get("type") == "error" for one in events)
    return Row(
        task=task,
        id=name,
        input=digest_of(at(asked, "data", "prompt"), expected) if judged and asked else "",
        scores=scores,
        error=failed and not judged,
    )


def _event_scores(event: Object) -> dict[str, Json]:
    data = object_at(event, "data")
    if event.get("type") == "match":
        return {"match": data.get("correct")}
    return {key: value for key, value in data.items() if isinstance(value, int | float)}


def is_nemo(log: Log) -> bool:
    first = next(iter(log.objects), {})
    return "reward" in first and ("problem_idx" in first or "idx" in first)


def from_nemo(log: Log) -> Told:
    """A reward of 0 whose row tells of an error is no answer that was wrong: it is an error here."""
    return Told(rows=tuple(_problem(item) for item in log.objects))


def _problem(item: Object) -> Row:
    said = object_at(item, "metadata")
    return Row(
        task=text_at(said, "benchmark") or "nemo-evaluator",
        id=text_at(item, "problem_idx") or text_at(item, "idx"),
        repeat=whole(item.get("repeat")),
        input=digest_of(item.get("prompt"), item.get("expected_answer")),
        scores={OVERALL: item.get("reward")},
        error=any(at(item, *path) for path in (("error",), ("model_error",), ("scoring_details", "error"))),
        slices=dict(texts({"category": said.get("category")})),
    )


def is_deepeval(log: Log) -> bool:
    return isinstance(at(_test_run(log), "testCases"), list)


def from_deepeval(log: Log) -> Told:
    """A metric is a score in 0 to 1 where more is better; one whose verdicts contradict that is refused."""
    run = _test_run(log)
    task = text_at(run, "identifier") or "deepeval"
    cases = [*objects_at(run, "testCases"), *objects_at(run, "conversationalTestCases")]
    return Told(rows=tuple(_case(task, case) for case in cases))


def _test_run(log: Log) -> Json:
    """As in the results folder, or wrapped as in `.deepeval/.latest_test_run.json`."""
    return at(log.first, "testRunData") or log.first


def _case(task: str, case: Object) -> Row:
    metrics = objects_at(case, "metricsData")
    return Row(
        task=task,
        id=text_at(case, "name"),
        input=digest_of(case.get("input"), case.get("expectedOutput"), case.get("context")),
        scores=dict(_metrics(metrics)),
        error=bool(metrics) and all(one.get("error") for one in metrics),
    )


def _metrics(metrics: list[Object]) -> Iterator[tuple[str, Json]]:
    for one in metrics:
        name, score, bound = text_at(one, "name"), one.get("score"), one.get("threshold")
        if one.get("error"):
            yield name, None
            continue
        if _less_is_better(score, bound, one.get("success")):
            raise BadLog(f"holds a metric where less is better ({name[:60]!r}) | leave it out, or report 1 - score")
        yield name, score


def _less_is_better(score: Json, bound: Json, success: Json) -> bool:
    """DeepEval's own verdict on a score, read backwards: it passed below its threshold, or failed above it."""
    if not (isinstance(score, int | float) and isinstance(bound, int | float) and isinstance(success, bool)):
        return False
    return score != bound and success != (score > bound)
