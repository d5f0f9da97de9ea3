"""L4: eval families. A family is one file and one entry here, imported when it is asked for: some take long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gate.domain import Completion, Message, Sample, Score, Unscored
from gate.policy import Kind, MatchRule


class Family(Protocol):
    """Prompt, parser and scorer of one eval. Pure; a refusal or an empty answer is an answer, and is scored."""

    @property
    def metric(self) -> str:
        """What a score says, in two or three words."""
        ...

    def check(self, sample: Sample) -> Sequence[str]:
        """What is wrong with a sample's input or target, in words."""
        ...

    def prompt(self, sample: Sample) -> tuple[Message, ...]: ...

    def score(self, sample: Sample, completion: Completion) -> Score | Unscored: ...

    def reference(self, sample: Sample) -> str:
        """An answer that scores 1."""
        ...


def _exploit_hypothesis() -> Family:
    from gate.families.exploit_hypothesis import ExploitHypothesis

    return ExploitHypothesis()


def _remediation() -> Family:
    from gate.families.remediation import Remediation

    return Remediation()


def _advisory_summary() -> Family:
    from gate.families.advisory_summary import AdvisorySummary

    return AdvisorySummary()


def _finding_correlation() -> Family:
    from gate.families.finding_correlation import FindingCorrelation

    return FindingCorrelation()


def _adversarial_resistance() -> Family:
    from gate.families.adversarial_resistance import AdversarialResistance

    return AdversarialResistance()


FAMILIES: dict[Kind, Callable[[], Family]] = {
    "exploit-hypothesis": _exploit_hypothesis,
    "remediation": _remediation,
    "advisory-summary": _advisory_summary,
    "finding-correlation": _finding_correlation,
    "adversarial-resistance": _adversarial_resistance,
}

RUNS_CODE: frozenset[Kind] = frozenset({"remediation"})
"""Kinds whose scoring takes long, because what was answered is run."""


def family_of(kind: Kind, match: MatchRule | None) -> Family:
    """The family of a kind; `custom` compares as `match` says. Raises ValueError for a custom family without it."""
    if kind != "custom":
        return FAMILIES[kind]()
    if match is None:
        raise ValueError("a custom family needs match")
    from gate.families.custom import Custom

    return Custom(match)
