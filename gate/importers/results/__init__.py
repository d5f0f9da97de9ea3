"""L2: results of other harnesses → observations. A form is told by a file's content: one line here and one reader.

What a result is called: the task, or ``task/metric`` where a task has metrics with names. A family takes the results
under its own name, or under those of its key `results`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from gate.datasets import label
from gate.domain import Json, Observation
from gate.errors import Problem, Problems, UsageError
from gate.importers.finding import at, object_at
from gate.importers.results.inspect_logs import from_inspect, is_inspect, unzipped
from gate.importers.results.json_logs import (
    from_deepeval,
    from_lm_eval,
    from_nemo,
    from_openai_evals,
    is_deepeval,
    is_lm_eval,
    is_nemo,
    is_openai_evals,
)
from gate.importers.results.junit import from_junit, is_junit
from gate.importers.results.promptfoo import from_promptfoo, from_promptfoo_table, is_promptfoo, is_promptfoo_table
from gate.importers.results.row import OVERALL, BadLog, Format, Log, Row, Told, refuse_crowded, result_of
from gate.importers.results.table import from_table, is_table
from gate.jsonl import BadLine, problem_of
from gate.recorded import parse_results

FORMATS: Mapping[str, Format] = {
    "Inspect": Format(matches=is_inspect, read=from_inspect),
    "lm-evaluation-harness": Format(matches=is_lm_eval, read=from_lm_eval),
    "promptfoo": Format(matches=is_promptfoo, read=from_promptfoo),
    "promptfoo CSV": Format(matches=is_promptfoo_table, read=from_promptfoo_table),
    "NeMo Evaluator": Format(matches=is_nemo, read=from_nemo),
    "DeepEval": Format(matches=is_deepeval, read=from_deepeval),
    "OpenAI evals": Format(matches=is_openai_evals, read=from_openai_evals),
    "JUnit XML": Format(matches=is_junit, read=from_junit),
    "CSV": Format(matches=is_table, read=from_table),
}
_OWN = "Driftgate"
_LARGEST = 512 * 1024 * 1024
_MOST_PROBLEMS, _MOST_SCORES = 50, 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What one file holds. `inputs`: (family, sample id) → digest of what was asked, where the log says it."""

    form: str
    observations: tuple[Observation, ...]
    inputs: Mapping[tuple[str, str], str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def read_recorded(path: Path, names: Mapping[str, tuple[str, ...]]) -> Recorded:
    """A result file of Driftgate or of another harness. `names`: family → what its results are called.

    Raises Problems or UsageError.
    """
    try:
        data = _read(path)
    except BadLog as error:
        raise Problems([problem_of(str(path), 0, error)]) from None
    return recorded_in(data, names, file=str(path))


def recorded_in(data: bytes, names: Mapping[str, tuple[str, ...]], *, file: str) -> Recorded:
    """The same of a file's bytes. Raises Problems."""
    try:
        log = _log(PurePath(file).name, data)
        found = next((name for name, form in FORMATS.items() if form.matches(log)), None) if log else None
        if log is None or found is None:
            _refuse_others(log)
            return Recorded(form=_OWN, observations=parse_results(_text(data), file=file))
        return _recorded(found, FORMATS[found].read(log), names, file)
    except BadLog as error:
        raise Problems([problem_of(file, 0, error)]) from None
    except RecursionError:
        raise Problems([Problem(file=file, what="is nested too deeply")]) from None


def refuse_unlike(first: Recorded, second: Recorded, *, file: str, of: str = "the baseline") -> None:
    """Raises Problems where two files cannot be compared: other forms, or other inputs under one sample's id.

    `file` is the second's name, `of` says what the first one is.
    """
    if first.form != second.form:
        what = f"is of the form {second.form}, and the file of {of} of {first.form}"
        raise Problems([Problem(file=file, what=what, hint="compare two files of one harness")])
    differing = [
        Problem(
            file=file,
            path=f"{family} {sample}",
            what=f"asks or expects something else than the sample of this id of {of}",
            hint="use one version of the dataset for both",
        )
        for (family, sample), digest in second.inputs.items()
        if first.inputs.get((family, sample), digest) != digest
    ]
    if differing:
        raise Problems(differing[:_MOST_PROBLEMS])


def _read(path: Path) -> bytes:
    """By the bytes that come, not by the size that is told: a pipe or a device has none."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise BadLog(f"is larger than {_LARGEST // 1024**2} MiB")
    return data


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadLog(f"is not UTF-8 text (byte {error.start})") from None


def _log(name: str, data: bytes) -> Log | None:
    """None: lines of our own form."""
    if data[:4] == b"PK\x03\x04":
        return Log(name=name, items=[unzipped(data)])
    text = _text(data)
    if text.lstrip()[:1] not in ("{", "["):
        return Log(name=name, items=[], text=text)
    refuse_crowded(text)
    first = _json(next(line for line in text.split("\n") if line.strip()))
    if isinstance(first, dict) and "family" in first and "sample_id" in first:
        return None
    items = _lines(text) if isinstance(first, dict) else [_json(text)]
    return None if None in items else Log(name=name, items=items)


def _lines(text: str) -> list[Json]:
    # Not splitlines(): U+2028 and friends may stand inside a JSON string.
    return [_json(line) for line in text.split("\n") if line.strip()]


def _json(text: str) -> Json:
    """As harnesses write it, with NaN; None where it is no JSON."""
    try:
        value: Json = json.loads(text)
    except ValueError:
        return None
    return value


def _refuse_others(log: Log | None) -> None:
    """Aggregates, in which nothing can be paired, and JSON that has nothing of a result in it."""
    first = log.first if log else None
    if isinstance(at(first, "results"), dict) and isinstance(at(first, "configs"), dict):
        raise BadLog("holds the aggregates of lm-evaluation-harness | give samples_*.jsonl (--log_samples)")
    if object_at(first, "benchmark", "scores"):
        raise BadLog("holds the aggregates of NeMo Evaluator | give results.jsonl")
    if isinstance(first, dict) and not {"family", "sample_id", "score"} & set(first):
        raise BadLog(f"is no result file of a form that is known here | known: {_OWN}, {', '.join(FORMATS)}")


def _recorded(form: str, told: Told, names: Mapping[str, tuple[str, ...]], file: str) -> Recorded:
    if not told.rows:
        raise Problems([Problem(file=file, what=f"holds no results ({form})")])
    families = {name: family for family, called in names.items() for name in called}
    joined = {family for family, called in names.items() if len(called) > 1}
    gathered = _Gathered()
    problems: list[Problem] = []
    wanted = list(_wanted(told.rows, families))
    for row, name, metric in wanted:
        family = families.get(name, name)
        try:
            one = _observation(row, metric, family, name if family in joined else "")
            gathered.add(one, row)
        except ValueError as error:
            what, _, hint = str(error).partition(" | ")
            problems.append(Problem(file=file, path=_place(name, row), what=what, hint=hint))
            if len(problems) >= _MOST_PROBLEMS:
                break
    if problems:
        raise Problems(problems)
    return Recorded(
        form=form,
        observations=tuple(gathered.seen.values()),
        inputs=gathered.inputs,
        notices=(*told.notices, *_left_out(told.rows, wanted)),
    )


def _wanted(rows: Iterable[Row], families: Mapping[str, str]) -> Iterator[tuple[Row, str, str]]:
    """Every row once for each metric of its task that a family takes; where none takes any, for each metric there is.

    So a row that lacks a metric which others have is unscored on it.
    """
    tasks: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        tasks[row.task].append(row)
    for task, found in tasks.items():
        named = {name: metric for row in found for metric in row.scores for name in [_name(task, metric)]}
        if len(named) <= 1:
            metric = next(iter(named.values()), OVERALL)
            called = next((name for name in named if name in families), task)
            taken = {called: metric}
        else:
            taken = {name: metric for name, metric in named.items() if name in families} or named
            if len(taken) * len(found) > _MOST_SCORES:
                what = (
                    f"holds {len(taken):,} metrics of a task with {len(found):,} results: too many to take all of them"
                )
                raise BadLog(f"{what} | name those to be compared in the policy (families.NAME.results)")
        yield from ((row, name, metric) for row in found for name, metric in taken.items())


def _left_out(rows: Iterable[Row], wanted: Iterable[tuple[Row, str, str]]) -> list[str]:
    """Says which metrics nobody compares, the first ten."""
    every = {(row.task, metric) for row in rows for metric in row.scores}
    left = sorted(every - {(row.task, metric) for row, _, metric in wanted})
    names = ", ".join(_printable(_name(*one)) for one in left[:10])
    return [f"not compared, as no family takes them: {names}{' …' if left[10:] else ''}"] if left else []


def _name(task: str, metric: str) -> str:
    return f"{task}/{metric}" if metric != OVERALL else task


def _place(name: str, row: Row) -> str:
    """A sample for a message: what came from the log, printable and short."""
    return f"{_printable(name)} {_printable(row.id)}"


def _printable(text: str) -> str:
    try:
        return label(text, "name")
    except BadLine:
        return "?"


def _observation(row: Row, metric: str, family: str, within: str) -> Observation:
    """`within`: the result's name, where a family joins several that may use one id."""
    return Observation(
        family=label(family, "task name"),
        sample_id=label(f"{within}/{row.id}" if within and row.id else row.id, "sample id"),
        repeat=row.repeat or 0,
        result=result_of(row, metric),
        slices={label(name, "slice name"): label(value, "slice value") for name, value in row.slices.items()},
    )


@dataclass(slots=True)
class _Gathered:
    """The observations of one file, each under a repeat of its own."""

    seen: dict[tuple[str, str, int], Observation] = field(default_factory=dict)
    inputs: dict[tuple[str, str], str] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, one: Observation, row: Row) -> None:
        """Under the next number, where the harness gave none. Raises BadLine."""
        sample = (one.family, one.sample_id)
        if row.input and self.inputs.setdefault(sample, row.input) != row.input:
            raise BadLine("stands for two inputs in this file")
        repeat = self.counts[sample] if row.repeat is None else row.repeat
        if (*sample, repeat) in self.seen:
            raise BadLine(f"is there twice as repeat {repeat}")
        self.counts[sample] += 1
        self.seen[*sample, repeat] = replace(one, repeat=repeat)


def read_both(baseline: Path, candidate: Path, names: Mapping[str, tuple[str, ...]]) -> tuple[Recorded, Recorded]:
    """The files of both arms, of one form, with one input under each sample's id. Raises Problems or UsageError."""
    arms = read_recorded(baseline, names), read_recorded(candidate, names)
    refuse_unlike(*arms, file=str(candidate))
    return arms


def told(baseline: Recorded, candidate: Recorded) -> list[str]:
    """What a reader of the report should know of the two files."""
    return [f"{arm}: {one}" for arm, log in (("baseline", baseline), ("candidate", candidate)) for one in log.notices]


def read_runs(files: Sequence[Path], names: Mapping[str, tuple[str, ...]]) -> list[Observation]:
    """Recorded runs of one model, of one form, with one input under each sample's id. Raises Problems or UsageError."""
    runs = [read_recorded(file, names) for file in files]
    for file, one in zip(files, runs, strict=True):
        refuse_unlike(runs[0], one, file=str(file), of="the first run")
    return [observation for one in runs for observation in one.observations]
