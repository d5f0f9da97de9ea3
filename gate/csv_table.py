"""L1: CSV as strictly as JSON lines: a header with unique names, as many cells in each row, every bad row located.

RFC 4180: commas, double quotes, quotes doubled inside quotes; a quoted cell may hold line breaks. An empty cell is an
absent value. A dot in a column's name goes one level deeper; a name that ends in ``:json`` holds JSON in its cells.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence

from gate.domain import Json
from gate.errors import Problem, Problems
from gate.jsonl import BadLine, Item, decode, problem_of, read_each

_DEEPEST = 8


def read_csv(text: str, *, file: str, read: Callable[[dict[str, Json]], Item]) -> list[tuple[int, Item]]:
    """Each row through `read` (see `gate.jsonl.read_jsonl`), with the number of the line that it starts on.

    Raises
    ------
    Problems
        A header that cannot be used, or the first 50 bad rows.
    """
    rows = _rows(text, file)
    line, header = next(rows, (1, []))
    if wrong := _header_problem(header):
        raise Problems([problem_of(file, line, BadLine(wrong))])
    return read_each(rows, file=file, read=lambda cells: read(_nested(header, cells)))


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            what = f"is not valid CSV: {error}"
            raise Problems([Problem(file=file, line=start, column=1, what=what)]) from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield start, cells


def _header_problem(header: Sequence[str]) -> str:
    names = [name.removesuffix(":json") for name in header]
    if not names:
        return "holds no header | name the columns in the first line, such as id,input.prompt,target"
    for index, name in enumerate(names):
        parts = name.split(".")
        if not all(part and part == part.strip() for part in parts) or len(parts) > _DEEPEST:
            return f"has no usable name for column {index + 1}"
        if name in names[:index]:
            return f"has the columns {names.index(name) + 1} and {index + 1} under one name"
        if any(other.startswith(f"{name}.") for other in names):
            return f"has column {index + 1} also as a level of other columns"
    return ""


def _nested(header: Sequence[str], cells: Sequence[str]) -> dict[str, Json]:
    if len(cells) != len(header):
        raise BadLine(f"has {len(cells)} cells where the header has {len(header)} | quote cells that hold commas")
    found: dict[str, Json] = {}
    for name, cell in zip(header, cells, strict=True):
        if cell.strip():
            _put(found, name.removesuffix(":json"), _value(name, cell))
    return found


def _value(name: str, cell: str) -> Json:
    if not name.endswith(":json"):
        return cell
    try:
        return decode(cell)
    except json.JSONDecodeError as error:
        column = name.removesuffix(":json")
        raise BadLine(f"has no valid JSON in column {column!r} (character {error.pos + 1})") from None


def _put(found: dict[str, Json], name: str, value: Json) -> None:
    *levels, last = name.split(".")
    for level in levels:
        deeper = found.setdefault(level, {})
        found = deeper if isinstance(deeper, dict) else {}
    found[last] = value
