"""L2: a finding as every scanner's report can be told in, and how to walk JSON that nobody has checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from gate.domain import Json
from gate.families.cwe import parse_cwes

_LONGEST = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one scanner says of one flaw. `place`: a path, a route, a function or an image, as the scanner names it."""

    tool: str
    rule: str
    message: str
    id: str = ""
    severity: str = ""
    cwe: tuple[str, ...] = ()
    place: str = ""
    line: int | None = None
    package: str = ""
    version: str = ""
    aliases: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """As it stands in `input.findings`: what the scanner did not say is left out."""
        told: dict[str, Json] = {
            "id": self.id,
            "tool": self.tool,
            "rule": self.rule,
            "severity": self.severity,
            "cwe": list(self.cwe),
            "path": self.place,
            "line": self.line,
            "package": self.package,
            "version": self.version,
            "aliases": list(self.aliases),
            "message": self.message,
        }
        return {key: value for key, value in told.items() if value not in ("", [], None)}


def numbered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """With ids: ``semgrep-1``, ``semgrep-2`` … in each tool's own order, so that they stay when a report is added."""
    counts: dict[str, int] = {}
    named = []
    for one in findings:
        tool = re.sub(r"[^a-z0-9]+", "-", one.tool.lower()[:60]).strip("-") or "tool"
        counts[tool] = counts.get(tool, 0) + 1
        named.append(replace(one, id=f"{tool}-{counts[tool]}"))
    return tuple(named)


def cwes(*values: Json) -> tuple[str, ...]:
    """The weaknesses that values (texts, numbers, or lists of these) name, once each, in order."""
    return tuple(dict.fromkeys(one for value in values for one in parse_cwes(value)))


def object_at(value: Json, *path: str | int) -> dict[str, Json]:
    """The object at a path of keys and indexes; empty where there is none."""
    found = at(value, *path)
    return found if isinstance(found, dict) else {}


def objects_at(value: Json, *path: str | int) -> list[dict[str, Json]]:
    """The objects of the list at a path; empty where there is none."""
    found = at(value, *path)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def text_at(value: Json, *path: str | int) -> str:
    """The text (or number) at a path on one line, cut when very long; empty where there is none."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    text = " ".join(str(found)[: 4 * _LONGEST].split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def line_at(value: Json, *path: str | int) -> int | None:
    """A line number, also written as text or as a range (``12-14`` → 12)."""
    found = at(value, *path)
    if isinstance(found, str) and (match := re.match(r"[0-9]{1,9}", found)):
        found = int(match[0])
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def texts_at(value: Json, *path: str | int) -> tuple[str, ...]:
    """The texts of the list at a path."""
    found = at(value, *path)
    return tuple(text for one in found if (text := text_at(one))) if isinstance(found, list) else ()


def at(value: Json, *path: str | int) -> Json:
    for key in path:
        if isinstance(value, Mapping) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
            value = value[key]
        else:
            return None
    return value


def plain_path(uri: str) -> str:
    """A file's path from a URI: ``file:///src/a%20b.py`` → ``/src/a b.py``."""
    return unquote(uri.removeprefix("file://")) if uri.startswith("file:") or "%" in uri else uri
