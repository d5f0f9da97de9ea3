"""L1: a CODEOWNERS file: who must approve a change of a path. The last pattern that matches decides, as on GitHub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pathspec

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks, first found first."""

_GAP = re.compile(r"(?<!\\)\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRule:
    """A pattern and its owners; without owners, what it matches has none."""

    pattern: str
    owners: tuple[str, ...]

    def matches(self, path: str) -> bool:
        """As git ignores files, but `docs/*` reaches no deeper than it says, and `!` and `[ ]` mean nothing."""
        if self.pattern.startswith("!") or "[" in self.pattern:
            return False
        parts = self.pattern.strip("/").split("/")
        if parts[-1] == "*" and "**" not in parts and len(parts) > 1 and path.count("/") != len(parts) - 1:
            return False
        try:
            return bool(pathspec.PathSpec.from_lines("gitignore", [self.pattern]).match_file(path))
        except ValueError:  # no pattern at all
            return False


def read_codeowners(text: str) -> tuple[OwnerRule, ...]:
    """The rules, in order. A line that GitHub could not read is for GitHub to name."""
    found = []
    for line in text.splitlines():
        words = _GAP.split(line.strip())
        end = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
        if words[0] and end:
            found.append(OwnerRule(pattern=words[0], owners=tuple(words[1:end])))
    return tuple(found)


def owners_of(path: str, rules: Sequence[OwnerRule]) -> tuple[str, ...]:
    """Who owns a path; empty where nobody does."""
    return next((rule.owners for rule in reversed(rules) if rule.matches(path)), ())
