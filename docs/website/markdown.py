"""Pieces of Markdown that the generated pages are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

HEAD = "<!-- generated: python -m docs.website.reference -->\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; nothing at all without a row. A column that is empty in every row is left out."""
    body = [[_cell(text) for text in row] for row in rows]
    if not body:
        return ""
    kept = [index for index in range(len(head)) if any(row[index] for row in body)]
    lines = [[row[index] for index in kept] for row in (head, ["---"] * len(head), *body)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: object) -> str:
    """`text` as code, with as many backticks as it needs; a pipe in it is kept by the table."""
    plain = str(text)
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def either(words: Iterable[object]) -> str:
    return " · ".join(code(word) for word in words)
