"""L4: a model's unified diff → the files as it changes them. Parsed by unidiff, applied here, and never written out.

Applied exactly: every context and removed line must be in the file as the diff says. Only two slips are forgiven, and
told (`loose`): line counts in a hunk's header that do not add up, and a start line that is off where the hunk's old
lines stand in the rest of the file exactly once. Renames, modes, links, binary parts, new and deleted files are
refused, and so is every path that is not one of the given files, letter by letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported when the first patch is read
    from unidiff.patch import Hunk, PatchedFile, PatchSet

_LONGEST_PATCH, _LONGEST_LINE = 100_000, 4_000
_HUNK = re.compile(r"@@ -(\d{1,7})(?:,\d{1,7})? \+(\d{1,7})(?:,\d{1,7})? @@")
_GIT_ONLY = re.compile(
    r"^(?:(?:rename|copy) (?:from|to) |(?:dis)?similarity index |(?:old|new|deleted file|new file) mode |"
    r"GIT binary patch|Binary files? )"
)

_SIGNS = (" ", "+", "-", "\\")


class BadPatch(ValueError):
    """Why a patch cannot be applied, in words of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The files that a patch changes, as it leaves them. `lines`: how many it adds and removes, together."""

    files: Mapping[str, str]
    lines: int
    loose: bool


def apply_patch(files: Mapping[str, str], answer: str) -> Applied:
    """Existing files as a unified diff in an answer changes them. Raises BadPatch."""
    parsed, loose = _parse(_readable(answer))
    changed: dict[str, str] = {}
    for one in parsed:
        path = _path(one, files)
        if path in changed:
            raise BadPatch("names a file twice")
        text, moved = _patched(files[path], one)
        changed[path], loose = text, loose or moved
    changed = {path: text for path, text in changed.items() if text != files[path]}
    if not changed:
        raise BadPatch("changes nothing" if parsed else "holds no unified diff")
    return Applied(files=changed, lines=sum(one.added + one.removed for one in parsed), loose=loose)


def _readable(answer: str) -> str:
    text = answer.replace("\r\n", "\n")
    if len(text) > _LONGEST_PATCH or any(len(line) > _LONGEST_LINE for line in text.split("\n")):
        raise BadPatch("is longer than any fix needs")
    lines = text.split("\n")
    if any(_GIT_ONLY.match(line) for line in lines):
        raise BadPatch("renames, copies, adds or deletes a file, or changes its mode")
    # Index and git's own header repeat what the --- and +++ lines say; without them there is one form to read.
    return "\n".join(line for line in lines if not line.startswith(("diff --git ", "index "))) + "\n"


def _parse(text: str) -> tuple[PatchSet, bool]:
    """The parsed diff, and whether its counts had to be put right first."""
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    for attempt, loose in ((text, False), (_recounted(text), True)):
        try:
            return PatchSet(attempt), loose
        except (UnidiffParseError, ValueError):
            continue
    raise BadPatch("is no well-formed unified diff")


def _recounted(text: str) -> str:
    """The diff with each hunk's counts as its lines give them: a hunk goes on as long as lines look like its own."""
    lines, result = text.split("\n"), list[str]()
    for index, line in enumerate(lines):
        match = _HUNK.match(line)
        body = list(_body(lines, index + 1)) if match else []
        if match is None:
            result.append(line)
            continue
        old, new = (sum(one[:1] not in (sign, "\\") for one in body) for sign in "+-")
        result.append(f"@@ -{match[1]},{old} +{match[2]},{new} @@")
    return "\n".join(result)


def _body(lines: list[str], start: int) -> Iterator[str]:
    for index in range(start, len(lines)):
        line, following = lines[index], "".join(lines[index + 1 : index + 2])
        header = line.startswith("--- ") and following.startswith("+++ ")
        blank = not line and following[:1] in _SIGNS and not following.startswith("--- ")
        if header or not (blank or (line and line[0] in _SIGNS)):
            return
        yield line or " "


def _path(one: PatchedFile, files: Mapping[str, str]) -> str:
    old, new = (re.sub(r"^[ab]/", "", name) for name in (one.source_file, one.target_file))
    if one.is_binary_file or old != new or old not in files:
        raise BadPatch("names a file that is not there, or renames, adds or deletes one")
    return old


def _patched(text: str, one: PatchedFile) -> tuple[str, bool]:
    source, result, position, loose = text.split("\n"), list[str](), 0, False
    for hunk in one:
        old, new = _sides(hunk)
        start = max(0, hunk.source_start - bool(old))
        if start < position or start + len(old) > len(source) or source[start : start + len(old)] != old:
            start, loose = _only_place(source, old, position), True
        result += source[position:start] + new
        position = start + len(old)
    return "\n".join(result + source[position:]), loose


def _sides(hunk: Hunk) -> tuple[list[str], list[str]]:
    """The lines before and after. A line of type "" is an empty one behind the hunk, which is not of it."""
    lines = [(one.line_type, one.value.removesuffix("\n")) for one in hunk]
    return [text for kind, text in lines if kind in {" ", "-"}], [text for kind, text in lines if kind in {" ", "+"}]


def _only_place(source: list[str], old: list[str], position: int) -> int:
    last = len(source) - len(old)
    found = [at for at in range(position, last + 1) if source[at : at + len(old)] == old] if old else []
    if len(found) != 1:
        raise BadPatch("does not fit the file")
    return found[0]
