"""L8: the ledger as a file on a branch of the repository, through GitHub's API.

Whoever appends reads the file as it is, checks its chain, and writes it back with its new line. GitHub takes that only
where the file is still the one that was read; where another run was faster, it is read again. The first append makes
the branch, with no history: nothing of the code is on it, and no workflow that a push to it could start.

An answer that was lost leaves open whether the line was written. So every try begins by looking for the lines of the
tries before it, and no decision is kept twice.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from gate.errors import FileProblem, Forbidden, GitHubError
from gate.github import CommitFiles, GitHub, NotFound
from gate.github_answers import Reference, ShaOnly
from gate.ledger import Ledger, check, hash_of, next_line
from gate.report import Report

LARGEST = 50_000_000
"""Bytes. GitHub's API reads and writes files of up to 100 MB, and base64 makes a third more of them on the way."""
_TRIES = 8
_LONGEST_PAUSE = 8.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What is on the branch. `blob` is the file's, None where there is no file yet; `tip` None: no branch."""

    tip: str | None
    blob: str | None
    data: bytes
    ledger: Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerBranch:
    """`chance` gives numbers from 0 to 1: runs that met do not meet again at once. `say` is told of a file that is
    nearly full."""

    github: GitHub
    branch: str
    path: str
    chance: Callable[[], float]
    say: Callable[[str], object]

    def append(self, report: Report, *, tag: str | None) -> tuple[int, str]:
        """Add a decision; its line number and hash.

        Raises
        ------
        Problems
            The ledger is not sound: nothing is added.
        GateError
            It cannot be read or written, or other runs were faster each time.
        """
        tried: list[str] = []
        for attempt in range(_TRIES):
            if attempt:
                self.github.sleep(min(_LONGEST_PAUSE, 0.5 * 2**attempt) * (1 + self.chance()) / 2)
            state = self._read()
            if done := [one for one in state.ledger.hashes if one in tried]:
                return state.ledger.hashes.index(done[0]) + 1, done[0]
            line = next_line(state.ledger, report, tag=tag)
            tried.append(hash_of(line))
            why = self._written(state, line, f"Keep a decision: {report.verdict}")
            if not why:
                self._warn(len(state.data))
                return len(state.ledger.entries) + 1, tried[-1]
        raise GitHubError(
            f"{self}: could not be written in {_TRIES} tries ({why}); "
            "a rule that guards the branch must let the workflow's token push to it"
        )

    def __str__(self) -> str:
        return f"{self.branch}:{self.path}"

    def _read(self) -> _State:
        tip = self._tip()
        if tip is None:
            return _State(tip=None, blob=None, data=b"", ledger=check(b"", file=str(self)))
        files = CommitFiles(github=self.github, sha=tip)
        try:
            data = files.read(self.path, limit=LARGEST)
        except FileProblem as problem:
            if not problem.missing:
                raise FileProblem(f"{self}: {problem.what}; name another file to begin a new ledger") from None
            return _State(tip=tip, blob=None, data=b"", ledger=check(b"", file=str(self)))
        entry = files.entry(self.path)
        return _State(tip=tip, blob=entry.sha if entry else None, data=data, ledger=check(data, file=str(self)))

    def _tip(self) -> str | None:
        try:
            found = self.github.ask("GET", f"/git/ref/heads/{quote(self.branch)}", Reference)
        except NotFound:
            return None
        return str(found["object"]["sha"])

    def _warn(self, size: int) -> None:
        if size > LARGEST * 3 / 4:
            self.say(f"{self}: holds {size / 10**6:.0f} of at most {LARGEST / 10**6:.0f} MB; name another file soon")

    def _written(self, state: _State, line: bytes, title: str) -> str:
        """Why the line is not known to be there, so that it has to be looked for; empty where it is."""
        data = state.data + line + b"\n"
        if len(data) > LARGEST:
            raise FileProblem(f"{self}: would be larger than {LARGEST // 10**6} MB; name another file")
        message = f"{title}\n\nledger head {hash_of(line)}"
        try:
            if state.tip is None:
                self._begin(data, message)
            else:
                self._update(state, data, message)
        except Forbidden as error:
            raise Forbidden(f"{self}: {error}; the ledger needs contents: write") from None
        except GitHubError as error:
            return str(error)
        return ""

    def _update(self, state: _State, data: bytes, message: str) -> None:
        body = {"message": message, "content": base64.b64encode(data).decode(), "branch": self.branch}
        known = {} if state.blob is None else {"sha": state.blob}
        self.github.request("PUT", f"/contents/{quote(self.path)}", body={**body, **known})

    def _begin(self, data: bytes, message: str) -> None:
        file = {"path": self.path, "mode": "100644", "type": "blob", "content": data.decode()}
        tree = self.github.ask("POST", "/git/trees", ShaOnly, body={"tree": [file]})["sha"]
        commit = self.github.ask("POST", "/git/commits", ShaOnly, body={"message": message, "tree": tree})["sha"]
        self.github.request("POST", "/git/refs", body={"ref": f"refs/heads/{self.branch}", "sha": commit})
