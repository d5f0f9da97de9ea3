"""L0: what can go wrong, as a tree. The exit code is on the class.

::

    GateError                      2   a message for the user; never a traceback
    ├── Problems                   2   one or more located problems in what the user wrote
    ├── UsageError                 2   wrong command, option or event
    ├── FileProblem                2   a file cannot be read as asked (absent, outside, too large, not text)
    ├── GitHubError                3   GitHub could not be read
    │   └── Forbidden              3   … because the token lacks a permission
    └── CannotEvaluate             3   endpoints could not be asked at all
        └── StillUnderWay          3   … yet: batches are not done; the same command goes on with them
    Interrupted (KeyboardInterrupt) 130  Ctrl-C or SIGTERM
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EXIT_PASS, EXIT_BLOCKED, EXIT_USAGE, EXIT_UNDECIDED, EXIT_INTERRUPTED = 0, 1, 2, 3, 130


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing wrong in a file: where, what, and what to do.

    `line` and `column` count from 1; 0 means that the whole file is meant.
    """

    file: str
    line: int = 0
    column: int = 0
    path: str = ""
    what: str
    hint: str = ""

    def __str__(self) -> str:
        """``policy.yml:14:7: families.exploit.margin: must be …`` and a hint on the next line."""
        position = f":{self.line}:{self.column}" if self.line else ""
        path = f" {self.path}:" if self.path else ""
        hint = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{self.file}{position}:{path} {self.what}{hint}"


class GateError(Exception):
    """Base of everything a user may meet."""

    exit_code = EXIT_USAGE


class Problems(GateError):
    """Everything wrong that was found, sorted by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


class UsageError(GateError):
    pass


class FileProblem(GateError):
    """Says what is wrong with a file, for a person. `missing` tells "not there" from "not usable"."""

    def __init__(self, what: str, *, missing: bool = False) -> None:
        self.what = what
        self.missing = missing
        super().__init__(what)


class GitHubError(GateError):
    exit_code = EXIT_UNDECIDED


class Forbidden(GitHubError):
    pass


class CannotEvaluate(GateError):
    exit_code = EXIT_UNDECIDED


class StillUnderWay(CannotEvaluate):
    pass


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM: stop asking, write what there is, exit 130."""
