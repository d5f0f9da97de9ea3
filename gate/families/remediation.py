"""L4: a patch for a finding. Scored 1 when the unified diff applies exactly and touches only allowed files.

The patch is not run in this version; a hunk must match its context at the very line it names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gate.domain import Completion, Json, Message, Sample, Score

_ASK = """Fix this finding: {finding}
You may change only: {allowed}

{files}

Answer with one unified diff (--- a/…, +++ b/…) and nothing else."""
_HUNK = re.compile(r"@@ -(\d{1,7})(?:,(\d{1,7}))? \+(\d{1,7})(?:,(\d{1,7}))? @@")


class BadPatch(ValueError):
    """Why a patch cannot be applied, in words of ours."""


@dataclass(frozen=True, slots=True)
class Remediation:
    metric: str = "applies, allowed files"

    def check(self, sample: Sample) -> Sequence[str]:
        if not _files(sample) or not isinstance(sample.input.get("allowed"), list):
            return ["input needs files {path: text} and allowed [path]"]
        patch = sample.target.get("patch") if isinstance(sample.target, dict) else None
        reason = _judge(sample, patch) if isinstance(patch, str) else "is not text"
        return [f"target.patch {reason}"] if reason else []

    def prompt(self, sample: Sample) -> tuple[Message, ...]:
        files = "\n\n".join(f"=== {path}\n{text}" for path, text in _files(sample).items())
        allowed = ", ".join(_allowed(sample))
        return (
            Message(
                role="user", content=_ASK.format(finding=sample.input.get("finding"), allowed=allowed, files=files)
            ),
        )

    def score(self, sample: Sample, completion: Completion) -> Score:
        reason = _judge(sample, completion.text)
        return Score(value=float(not reason), reason=reason or "applies and touches only allowed files")

    def reference(self, sample: Sample) -> str:
        return str(sample.target["patch"]) if isinstance(sample.target, dict) else ""


def _judge(sample: Sample, text: str) -> str:
    """Why a patch fails; empty when it passes."""
    try:
        changed = apply_patch(_files(sample), text[:200_000])
    except BadPatch as error:
        return str(error)
    if not set(changed) <= set(_allowed(sample)):
        return "touches a file that is not allowed"
    for path, content in changed.items():
        if path.endswith(".py") and not _parses(content):
            return "leaves a file that does not parse"
    return ""


def apply_patch(files: Mapping[str, str], diff: str) -> dict[str, str]:
    """Existing files as a unified diff changes them. Raises BadPatch unless every hunk fits exactly."""
    lines, changed, index = diff.split("\n"), dict[str, str](), 0
    while index < len(lines):
        if not (lines[index].startswith("--- ") and index + 1 < len(lines) and lines[index + 1].startswith("+++ ")):
            index += 1
            continue
        old, path = _path(lines[index]), _path(lines[index + 1])
        if old != path or path not in files or path in changed:
            raise BadPatch("names a file that is not there, or renames, adds, removes or repeats one")
        content, index = _apply_hunks(files[path].split("\n"), lines, index + 2)
        changed[path] = "\n".join(content)
    changed = {path: text for path, text in changed.items() if text != files[path]}
    if not changed:
        raise BadPatch("changes nothing")
    return changed


def _path(header: str) -> str:
    return re.sub(r"^[ab]/", "", header[4:].split("\t", maxsplit=1)[0].strip())


def _apply_hunks(source: list[str], lines: list[str], index: int) -> tuple[list[str], int]:
    result: list[str] = []
    position = 0
    while index < len(lines) and (match := _HUNK.match(lines[index])):
        start, old, new = int(match[1]) - 1, int(match[2] or 1), int(match[4] or 1)
        if start < position or start > len(source):
            raise BadPatch("has hunks out of order")
        result += source[position:start]
        position, index = start, index + 1
        while old or new:
            if index >= len(lines):
                raise BadPatch("ends within a hunk")
            sign, text, index = lines[index][:1] or " ", lines[index][1:], index + 1
            if sign not in " -+" or (sign != "+" and (position >= len(source) or source[position] != text)):
                raise BadPatch("does not fit the file")
            if sign != "-":
                result.append(text)
            position, old, new = position + (sign != "+"), old - (sign != "+"), new - (sign != "-")
    return result + source[position:], index


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _files(sample: Sample) -> dict[str, str]:
    found: Json = sample.input.get("files")
    return {path: text for path, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def _allowed(sample: Sample) -> list[str]:
    found = sample.input.get("allowed")
    return [path for path in found if isinstance(path, str)] if isinstance(found, list) else []
