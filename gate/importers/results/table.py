"""L2: plain CSV: ``family,sample_id,score`` and, where there are, ``repeat,error,input,target,slices.NAME``."""

from __future__ import annotations

import csv
import io

from gate.csv_table import read_csv
from gate.domain import Json
from gate.importers.finding import object_at, text_at
from gate.importers.results.row import OVERALL, Log, Row, Told, digest_of, texts
from gate.jsonl import BadLine

_KEYS = {"family", "sample_id", "score", "repeat", "error", "input", "target", "slices"}


def is_table(log: Log) -> bool:
    """A header that names the three columns that each row needs."""
    header = next(csv.reader(io.StringIO(log.text[:10_000], newline="")), []) if not log.items else []
    return {"family", "sample_id", "score"} <= set(header)


def from_table(log: Log) -> Told:
    return Told(rows=tuple(row for _, row in read_csv(log.text, file=log.name, read=_row)))


def _row(item: dict[str, Json]) -> Row:
    if set(item) - _KEYS:
        raise BadLine(f"has an unknown column | known here: {', '.join(sorted(_KEYS))}")
    asked = [item.get("input"), item.get("target")]
    return Row(
        task=text_at(item, "family"),
        id=text_at(item, "sample_id"),
        repeat=_repeat(text_at(item, "repeat")),
        input=digest_of(*asked) if any(asked) else "",
        scores={OVERALL: _score(text_at(item, "score"))},
        error=bool(item.get("error")),
        slices=dict(texts(object_at(item, "slices"))),
    )


def _repeat(text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit() and len(text) < 7):
        raise BadLine("has a repeat that is not a whole number from 0")
    return int(text) if text else None


def _score(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise BadLine("has a score that is no number | leave the cell empty when there is none") from None
