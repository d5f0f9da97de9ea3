"""L4: a patch for a finding, scored by running what it makes of the code.

0 unless the answer holds one unified diff that applies, touches only allowed files, still parses, swallows no errors
and takes nothing away, and after it every test holds: the exploit fails, what worked works, other checks still check.
Then 1, less 0.1 where the diff had to be put right to apply, less 0.01 for each changed line beyond twice the
reference's and six, 0.3 at most. Where code cannot be run apart from this machine, every answer is unscored, a refusal
as well: what is missing must not depend on what was answered. The samples' format is in docs/families/remediation.md.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gate.confined import NoSandbox
from gate.domain import Completion, Json, Message, Sample, Score, Unscored
from gate.families.patches import Applied, BadPatch, apply_patch
from gate.families.trials import Failed, Hearing, parse, problems
from gate.families.weakening import weakening
from gate.files import path_problem
from gate.sandbox import Sandbox, isolation

_ASK = """Fix this security finding: {finding}

You may change only: {allowed}. Keep what the code does for its honest users: names, results, other checks.
Tests call the functions as they are called now, with Python's standard library alone and no network.
Change no more than the fix needs.

{files}

Answer with one unified diff (--- a/path, +++ b/path, @@ line numbers) and nothing else."""
_REMEMBERED = 2_000
"""Scores kept, so that an answer which comes again (on the other arm, from a stored run) is not run again."""
_FREE_LINES, _A_LINE, _MOST_FOR_SIZE, _FOR_LOOSE = 6, 0.01, 0.3, 0.1


class _Rejected(Exception):
    """Why a patch scores 0, in words of ours."""


@dataclass(slots=True)
class _Memory:
    """The last scores, by sample and answer. Used from many threads."""

    kept: OrderedDict[tuple[str, str], Score] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, key: tuple[str, str]) -> Score | None:
        with self.lock:
            return self.kept.get(key)

    def keep(self, key: tuple[str, str], score: Score) -> None:
        with self.lock:
            self.kept[key] = score
            while len(self.kept) > _REMEMBERED:
                self.kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Remediation:
    metric: str = "fixed, nothing broken"
    isolated: Callable[[], Sandbox | str] = isolation
    nonce: Callable[[], str] = lambda: secrets.token_hex(8)
    _memory: _Memory = field(default_factory=_Memory)

    def check(self, sample: Sample) -> Sequence[str]:
        if found := _input_problems(sample.input):
            return found
        target = sample.target
        if not isinstance(target, dict) or not isinstance(target.get("patch"), str):
            return ["target needs patch, the reference diff, and tests"]
        found = problems(target)
        try:
            _accepted(sample, str(target["patch"]))
        except _Rejected as reason:
            found.append(f"target.patch {reason}")
        return found

    def prompt(self, sample: Sample) -> tuple[Message, ...]:
        files = "\n\n".join(f"=== {path}\n{text}" for path, text in _files(sample).items())
        text = _ASK.format(finding=sample.input.get("finding"), allowed=", ".join(_allowed(sample)), files=files)
        return (Message(role="user", content=text),)

    def score(self, sample: Sample, completion: Completion) -> Score | Unscored:
        sandbox = self.isolated()
        if isinstance(sandbox, str):
            return Unscored(reason=f"patches cannot be run apart from this machine: {sandbox}")
        key = sample.id, hashlib.sha256(completion.text.encode(errors="replace")).hexdigest()
        if (known := self._memory.find(key)) is not None:
            return known
        try:
            score = self._scored(sample, completion.text, sandbox)
        except NoSandbox as why:
            return Unscored(reason=str(why))
        self._memory.keep(key, score)
        return score

    def reference(self, sample: Sample) -> str:
        return str(sample.target["patch"]) if isinstance(sample.target, dict) else ""

    def _scored(self, sample: Sample, answer: str, sandbox: Sandbox) -> Score:
        try:
            applied = _accepted(sample, answer)
            self.try_out(sample, applied.files, sandbox)
        except (_Rejected, Failed) as reason:
            return Score(value=0.0, reason=str(reason))
        return _graded(sample, applied)

    def try_out(self, sample: Sample, changed: Mapping[str, str], sandbox: Sandbox) -> None:
        """Put a sample's tests to its files with `changed` among them. Raises Failed, or NoSandbox."""
        tests = parse(sample.target if isinstance(sample.target, dict) else {}, self.nonce())
        with sandbox.run({**_files(sample), **changed}, tests.fixtures) as run:
            Hearing(trials=tests, run=run).hold()


def _accepted(sample: Sample, answer: str) -> Applied:
    """The patch of an answer, if it may be run at all. Raises _Rejected."""
    files = _files(sample)
    try:
        applied = apply_patch(files, answer)
    except BadPatch as reason:
        raise _Rejected(str(reason)) from None
    if not set(applied.files) <= set(_allowed(sample)):
        raise _Rejected("touches a file that is not allowed")
    for path, text in applied.files.items():
        if path.endswith(".py") and (found := weakening(files[path], text)):
            raise _Rejected(found)
    return applied


def _graded(sample: Sample, applied: Applied) -> Score:
    """What is taken off a patch that passed."""
    target = sample.target if isinstance(sample.target, dict) else {}
    free = 2 * apply_patch(_files(sample), str(target["patch"])).lines + _FREE_LINES
    size = min(_MOST_FOR_SIZE, _A_LINE * max(0, applied.lines - free))
    notes = ["fixed, and nothing broken"]
    notes += ["its hunks did not stand where it said"] if applied.loose else []
    notes += [f"changes {applied.lines} lines where {free} are plenty"] if size else []
    return Score(value=round(1 - size - _FOR_LOOSE * applied.loose, 2), reason="; ".join(notes))


def _input_problems(given: Mapping[str, Json]) -> list[str]:
    files, allowed = given.get("files"), given.get("allowed")
    if not isinstance(files, dict) or not files or not all(isinstance(text, str) for text in files.values()):
        return ["input needs files {path: text}"]
    found = [f"input.files: a path {what}" for path in files if (what := path_problem(path))]
    if not isinstance(allowed, list) or not allowed or not all(path in files for path in allowed):
        found.append("input needs allowed [path], each one of files")
    if not isinstance(given.get("finding"), str):
        found.append("input needs finding, a text")
    return found


def _files(sample: Sample) -> dict[str, str]:
    found: Json = sample.input.get("files")
    return {path: text for path, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def _allowed(sample: Sample) -> list[str]:
    found = sample.input.get("allowed")
    return [path for path in found if isinstance(path, str)] if isinstance(found, list) else []
