"""L2: outputs of promptfoo: JSON, JSON lines, CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from gate.domain import Json
from gate.importers.finding import at, object_at, objects_at, text_at
from gate.importers.results.row import OVERALL, BadLog, Log, Row, Told, digest_of

Object = dict[str, Json]

_FAILED_TO_ANSWER = 2
"""promptfoo's `failureReason`: 0 none, 1 an assertion failed, 2 an error."""
_GROUP = ("Status", "Score", "Named Scores")


def is_promptfoo(log: Log) -> bool:
    return bool(_results(log)) and all("testIdx" in one and "promptIdx" in one for one in _results(log))


def _results(log: Log) -> list[Object]:
    return objects_at(log.first, "results", "results") or log.objects


def from_promptfoo(log: Log) -> Told:
    """The answers of one provider: a file with several could be either arm."""
    found = _results(log)
    if len({text_at(one, "provider", "id") + text_at(one, "provider", "label") for one in found}) > 1:
        raise BadLog("holds answers of several providers | write a file for each (promptfoo eval --filter-providers)")
    several = len({text_at(one, "promptIdx") for one in found}) > 1
    return Told(rows=tuple(_row(one, several=several) for one in found))


def _row(one: Object, *, several: bool) -> Row:
    name = text_at(one, "testIdx")
    return Row(
        task=text_at(one, "testCase", "metadata", "family") or "promptfoo",
        id=f"{name}/{text_at(one, 'promptIdx')}" if several else name,
        input=digest_of(one.get("vars") or at(one, "testCase", "vars"), at(one, "prompt", "label")),
        scores={**object_at(one, "namedScores"), OVERALL: one.get("score")},
        error=one.get("failureReason") == _FAILED_TO_ANSWER,
    )


def is_promptfoo_table(log: Log) -> bool:
    """A header where a column that begins with ``[provider]`` is followed by Status, Score and Named Scores."""
    if log.items:
        return False
    return bool(_groups(next(_cells(log.text[:100_000]), [])))


def _cells(text: str) -> Iterator[list[str]]:
    """The rows. Raises BadLog for a cell that csv takes no more of: 131,072 characters."""
    try:
        yield from csv.reader(io.StringIO(text, newline=""))
    except csv.Error as error:
        raise BadLog(f"is not valid CSV: {error} | give promptfoo's JSON output") from None


def _groups(header: list[str]) -> list[int]:
    return [at for at, name in enumerate(header) if name[:1] == "[" and tuple(header[at + 1 : at + 4]) == _GROUP]


def from_promptfoo_table(log: Log) -> Told:
    rows = _cells(log.text)
    header = next(rows)
    groups = _groups(header)
    if len({header[group].split("]")[0] for group in groups}) > 1:
        raise BadLog("holds answers of several providers | write a file for each (promptfoo eval --filter-providers)")
    several = len(groups) > 1
    found = []
    for number, cells in enumerate(rows):
        if len(cells) != len(header):
            raise BadLog(f"has {len(cells)} cells in row {number + 1} where the header has {len(header)}")
        for place, group in enumerate(groups):
            name = f"{number}/{place}" if several else str(number)
            asked = digest_of(list(cells[: groups[0]]), header[group])
            found.append(_table_row(name, asked, cells[group + 1 : group + 4]))
    return Told(rows=tuple(found))


def _table_row(name: str, asked: str, cells: list[str]) -> Row:
    status, score, named = cells
    try:
        scores = json.loads(named) if named.strip() else {}
        overall = float(score[:40]) if score.strip() else None
    except (ValueError, RecursionError):
        scores, overall = {}, None
    more = scores if isinstance(scores, dict) else {}
    return Row(task="promptfoo", id=name, input=asked, scores={**more, OVERALL: overall}, error=status == "ERROR")
