"""L8: what a change does to the files that matter: the model configs to judge, and the judge's own files.

Trees are compared, not lists of changed files: GitHub cuts such a list at 3,000 (or 300) names, behind which a pull
request could hide the one that counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pathspec

from gate.errors import FileProblem, GateError, Problem, Problems
from gate.events import Event, NumberedPull, PullRequest, Range, Refs, of_pull
from gate.files import read_text
from gate.github import CommitFiles, Entry, GitHub
from gate.model_config import ModelConfig
from gate.policy import Policy
from gate.positions import read_yaml
from gate.schema import parse

WORKFLOWS = ".github/workflows"
_GLOB = re.compile(r"[*?\[\\!]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Two states of the repository. `base_sha` holds policy, datasets and baseline, and decides; `number` is the pull
    request's, where it is one; `keyless` says that GitHub gives its runs no secrets."""

    base_sha: str
    head_sha: str
    number: int | None = None
    keyless: bool = False


def resolve(event: Event, github: GitHub) -> Change:
    """The commits that an event means; what its payload does not hold is asked of GitHub. Raises UsageError."""
    if isinstance(event, NumberedPull):
        event = of_pull(github.pull(event.number))
    if isinstance(event, PullRequest):
        return Change(base_sha=event.base_sha, head_sha=event.head_sha, number=event.number, keyless=event.keyless)
    if isinstance(event, Range):
        return Change(base_sha=event.base_sha, head_sha=event.head_sha)
    base = github.resolve((event.base if isinstance(event, Refs) else None) or github.default_branch())
    return Change(base_sha=base, head_sha=github.resolve(event.head) if isinstance(event, Refs) else base)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedConfig:
    """A watched model config that is not as it was. `previous` is its old name, None where it is new."""

    path: str
    previous: str | None
    status: Literal["modified", "added", "removed"]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What was changed from `before` (where the change began) to `head`."""

    github: GitHub
    change: Change
    policy: Policy

    @cached_property
    def head(self) -> CommitFiles:
        return self.github.files_at(self.change.head_sha)

    @cached_property
    def before(self) -> CommitFiles:
        """What the base has changed since a pull request began is no doing of the pull request."""
        change = self.change
        began = change.base_sha if change.number is None else self.github.merge_base(change.base_sha, change.head_sha)
        return self.github.files_at(began)

    def configs(self) -> list[ChangedConfig]:
        """Watched model configs that were changed themselves, or whose system prompt file was. Raises Problems."""
        old, new = self._watched(self.before), self._watched(self.head)
        paths = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
        found = [self._changed(path, old, new) for path in paths]
        renamed = {one.previous for one in found if one.status == "added"}
        by_prompt = [path for path in sorted(new) if old.get(path) == new[path] and self._has_another_prompt(path)]
        return [
            *(one for one in found if one.status != "removed" or one.path not in renamed),
            *(ChangedConfig(path=path, previous=path, status="modified") for path in by_prompt),
        ]

    def in_use(self) -> list[str]:
        """Every watched model config of the head. Raises Problems."""
        return sorted(self._watched(self.head))

    def edited(self, paths: set[str]) -> list[str]:
        """Which of these files, and of the workflows, are not as they were."""
        own = {path for path in paths if self.before.entry(path) != self.head.entry(path)}
        return sorted(own | self._edited_below(WORKFLOWS))

    def _edited_below(self, folder: str) -> set[str]:
        if self.before.entry(folder) == self.head.entry(folder):
            return set()
        old, new = self.before.listing(folder), self.head.listing(folder)
        return {path for path in {*old, *new} if old.get(path) != new.get(path)}

    def _changed(self, path: str, old: Mapping[str, Entry], new: Mapping[str, Entry]) -> ChangedConfig:
        if path in old:
            if path not in new:
                self._refuse_hidden(path)
            return ChangedConfig(path=path, previous=path, status="modified" if path in new else "removed")
        moved = [one for one, entry in old.items() if one not in new and entry.sha == new[path].sha]
        previous = moved[0] if moved else self._renamed.get(path)
        return ChangedConfig(path=path, previous=previous, status="added")

    def _refuse_hidden(self, path: str) -> None:
        """What lies behind a link or a submodule is not removed: who reads it follows the link. Raises Problems."""
        if hidden := self.head.hidden(path):
            hint = "keep model configs in plain folders"
            raise Problems([Problem(file=path, what=hidden, hint=hint)])

    @cached_property
    def _renamed(self) -> Mapping[str, str]:
        return {} if self.change.number is None else self.github.renamed(self.change.number)

    def _watched(self, files: CommitFiles) -> dict[str, Entry]:
        spec = pathspec.PathSpec.from_lines("gitignore", self.policy.models)
        found: dict[str, Entry] = {}
        for start in sorted({_GLOB.split(pattern)[0].rpartition("/")[0] for pattern in self.policy.models}):
            try:
                found |= {path: entry for path, entry in files.listing(start).items() if spec.match_file(path)}
            except FileProblem as problem:
                hint = "name the folder of the model configs in the policy's `models`"
                raise Problems([Problem(file=start or "the repository", what=problem.what, hint=hint)]) from None
        return found

    def _has_another_prompt(self, path: str) -> bool:
        prompt = _prompt_file(self.head, path)
        return prompt is not None and self.before.entry(prompt) != self.head.entry(prompt)


def _prompt_file(head: CommitFiles, path: str) -> str | None:
    """The system prompt file that a config names; None where the config is not usable (it did not change)."""
    try:
        return parse(ModelConfig, read_yaml(read_text(head, path), file=path)).system_prompt_file
    except GateError:
        return None
