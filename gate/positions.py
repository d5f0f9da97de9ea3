"""L1: YAML text → a plain tree, and the line and column of every path in it.

Stricter than YAML 1.1 on purpose: what two readers could understand differently is refused, with what to
write instead. Mappings have unique string keys; scalars are those of JSON; no tags, anchors or aliases
(so a "billion laughs" file cannot be written), and nesting and size are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from gate.domain import Json
from gate.errors import Problem, Problems

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32

Path = tuple[str | int, ...]

_INT = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?")
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_SURPRISING = re.compile(
    r"(?i:yes|no|on|off|y|n|true|false|null)"
    r"|[-+]?\.(?i:inf)|\.(?i:nan)"  # not a number to compare with
    r"|[-+]?0[0-9_]+|[-+]?0[xob][0-9a-fA-F_]+"  # 010 is 8 to some readers
    r"|[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?"  # 1_000
    r"|[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"  # 12:30 is 750 to some readers
    r"|\+[0-9.]+|-?\.[0-9]+|-?[0-9]+\.|-?[0-9]{19,}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed file: its tree, and for each path where it stands (line, column; both from 1)."""

    file: str
    tree: Json
    positions: dict[Path, tuple[int, int]] = field(repr=False)

    def problem(self, path: Path, what: str, hint: str = "") -> Problem:
        """A problem at `path`, or at the nearest parent that is in the file."""
        where = path
        while where not in self.positions and where:
            where = where[:-1]
        line, column = self.positions.get(where, (1, 1))
        return Problem(file=self.file, line=line, column=column, path=dotted(path), what=what, hint=hint)


def dotted(path: Path) -> str:
    """``("families", "exploit", 0)`` → ``families.exploit[0]``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def read_yaml(text: str, *, file: str) -> Document:
    """Parse one YAML document.

    Raises
    ------
    Problems
        Every duplicate key, surprising scalar, tag, anchor and alias at once; or the syntax error.
    """
    if len(text.encode()) > MAX_BYTES:
        raise Problems([Problem(file=file, what=f"is larger than {MAX_BYTES // 1024} KiB")])
    try:
        problems = list(_structural_problems(text, file))
        node = None if problems else yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise Problems([_syntax_problem(error, file)]) from None
    if problems:
        raise Problems(problems)
    if node is None:
        raise Problems([Problem(file=file, what="is empty")])
    reader = _Reader(file=file)
    tree = reader.value(node, ())
    if reader.problems:
        raise Problems(reader.problems)
    return Document(file=file, tree=tree, positions=reader.positions)


def _syntax_problem(error: yaml.YAMLError, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return Problem(file=file, line=line, column=column, what=f"is not valid YAML: {what}")


def _structural_problems(text: str, file: str) -> Iterator[Problem]:
    """What must be refused before a tree is built: depth, anchors, tags, several documents."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        what = ""
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            what = "holds more than one YAML document" if documents == 2 else ""
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            what = "anchors (&) and aliases (*) are not supported: write the value out"
        elif getattr(event, "tag", None):
            what = "tags (!) are not supported: write a plain value"
        line, column = _mark(event.start_mark)
        if what:
            yield Problem(file=file, line=line, column=column, what=what)
        if depth > MAX_DEPTH:
            yield Problem(file=file, line=line, column=column, what=f"is nested deeper than {MAX_DEPTH} levels")
            return


@dataclass(slots=True, kw_only=True)
class _Reader:
    file: str
    positions: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def value(self, node: yaml.Node, path: Path) -> Json:
        self.positions.setdefault(path, _place(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path) if isinstance(node, yaml.ScalarNode) else None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Json:
        tree: dict[str, Json] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in tree:
                self._complain(key_node, (*path, key), "is given twice", "keep one of them")
                continue
            if not isinstance(value_node, yaml.ScalarNode):
                self.positions[(*path, key)] = _place(key_node)
            tree[key] = self.value(value_node, (*path, key))
        return tree

    def _key(self, node: yaml.Node, path: Path) -> str | None:
        key = self._scalar(node, path) if isinstance(node, yaml.ScalarNode) else None
        if isinstance(key, str) and key != "<<":
            return key
        if not self.problems or self.problems[-1].line != _place(node)[0]:
            self._complain(node, path, "has a key that is not plain text", "put the key in quotes")
        return None

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Json:
        text: str = node.value
        if node.style is not None:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text) and not _SURPRISING.fullmatch(text):
            return float(text)
        if _SURPRISING.fullmatch(text):
            hint = 'write true, false, null or a plain decimal number; put text in "quotes"'
            self._complain(node, path, "is a value that YAML readers understand differently", hint)
        return text

    def _complain(self, node: yaml.Node, path: Path, what: str, hint: str) -> None:
        line, column = _place(node)
        self.problems.append(Problem(file=self.file, line=line, column=column, path=dotted(path), what=what, hint=hint))


def _place(node: yaml.Node) -> tuple[int, int]:
    return _mark(node.start_mark)


def _mark(mark: Any) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1
