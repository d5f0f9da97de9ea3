"""L8: one run of the action, and all it may touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gate.actions import Commands, Inputs, run_url
from gate.changed import Change
from gate.domain import Origin
from gate.events import Event
from gate.github import GitHub
from gate.live import Keeping
from gate.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    inputs: Inputs
    event: Event
    change: Change
    github: GitHub
    commands: Commands
    tools: Tools
    temporary: Path  # a folder that nobody else writes to
    secrets: list[str] = field(default_factory=list)  # what no output may hold; grows as keys become known

    @property
    def origin(self) -> Origin:
        url = run_url(self.tools.environ)
        return Origin(base_sha=self.change.base_sha, head_sha=self.change.head_sha, run_url=url)

    @property
    def workspace(self) -> Path:
        return Path(self.tools.environ.get("GITHUB_WORKSPACE", "."))

    @property
    def out(self) -> Path:
        return self.workspace / self.inputs.out

    @property
    def keeping(self) -> Keeping:
        store = self.workspace / self.inputs.store if self.inputs.store else self.temporary / "driftgate-answers.sqlite"
        return Keeping(store=store, keyless=bool(self.inputs.stores))
