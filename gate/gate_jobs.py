"""L1: the jobs of a repository's workflows that run the gate: what they are called, may do, and hand on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_ACTION = re.compile(r"(?:^|/)driftgate(?:@|:|$)", re.IGNORECASE)
_PULLS = ("pull_request", "pull_request_target")
_READS, _WRITES = ("read", "write"), ("write",)
NEEDED = {"contents": _READS, "pull-requests": _WRITES}
"""The token's permissions that the action needs, and the levels that give them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateJob:
    """`permissions` is None where neither job nor workflow says any: then the repository's own default holds."""

    file: str
    check: str  # the name of its check, which a ruleset requires
    events: Mapping[str, Any]
    permissions: Mapping[str, str] | str | None
    environment: str
    passed: frozenset[str]  # environment variables

    @property
    def judges_pulls(self) -> bool:
        return any(name in self.events for name in _PULLS)

    @property
    def lacking(self) -> list[str]:
        """Needed permissions that the token does not have."""
        given = self.permissions
        if isinstance(given, str):
            given = dict.fromkeys(NEEDED, given.removesuffix("-all"))
        return [f"{name}: {levels[0]}" for name, levels in NEEDED.items() if (given or {}).get(name) not in levels]

    @property
    def filtered(self) -> bool:
        """Whether a pull request can leave the workflow unstarted, and so the required check pending for ever."""
        event = _mapping(self.events.get("pull_request") or self.events.get("pull_request_target"))
        return bool(event.keys() & {"paths", "paths-ignore"})

    @property
    def rejudges(self) -> bool:
        """Whether it runs again when a pull request is given another base branch, which is another judge."""
        starts = [_mapping(self.events[name]) for name in _PULLS if name in self.events]
        return all("edited" in _listed(event.get("types")) for event in starts)


def read_jobs(text: str, *, file: str) -> list[GateJob]:
    """The jobs of one workflow that run the gate; none where the file is no workflow.

    Nothing is converted (`on` stays a word), and nothing but mappings, lists and texts can come out of it.
    """
    try:
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and mappings alone
    except (yaml.YAMLError, RecursionError):
        return []
    workflow = _mapping(found)
    jobs = _mapping(workflow.get("jobs")).items()
    return [_job(name, _mapping(job), workflow, file) for name, job in jobs if _gate(job)]


def _job(name: str, job: Mapping[str, Any], workflow: Mapping[str, Any], file: str) -> GateJob:
    events = workflow.get("on")
    environment = job.get("environment")
    permissions = job.get("permissions", workflow.get("permissions"))
    variables = [_mapping(one.get("env")) for one in (workflow, job, *_gate(job))]
    return GateJob(
        file=file,
        check=str(job.get("name") or name),
        events=events if isinstance(events, dict) else dict.fromkeys(map(str, _listed(events))),
        permissions=permissions if isinstance(permissions, str) and permissions else _permissions(permissions),
        environment=str(_mapping(environment).get("name", "") if isinstance(environment, dict) else environment or ""),
        passed=frozenset(name for one in variables for name, value in one.items() if value),
    )


def _permissions(found: object) -> Mapping[str, str] | None:
    return None if found is None else {str(name): str(level) for name, level in _mapping(found).items()}


def _gate(job: object) -> list[Mapping[str, Any]]:
    """The steps that use the action."""
    return [step for step in _steps(job) if _ACTION.search(str(step.get("uses", "")))]


def _steps(job: object) -> Iterator[Mapping[str, Any]]:
    steps = _mapping(job).get("steps")
    return (_mapping(step) for step in (steps if isinstance(steps, list) else []))


def _listed(found: object) -> list[object]:
    return found if isinstance(found, list) else [found]


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}
