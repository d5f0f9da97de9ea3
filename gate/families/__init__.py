"""L4: eval families. A family is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gate.domain import Completion, Message, Sample, Score, Unscored
from gate.families.adversarial_resistance import AdversarialResistance
from gate.families.advisory_summary import AdvisorySummary
from gate.families.custom import Custom
from gate.families.exploit_hypothesis import ExploitHypothesis
from gate.families.finding_correlation import FindingCorrelation
from gate.families.remediation import Remediation
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


FAMILIES: dict[Kind, Callable[[], Family]] = {
    "exploit-hypothesis": ExploitHypothesis,
    "remediation": Remediation,
    "advisory-summary": AdvisorySummary,
    "finding-correlation": FindingCorrelation,
    "adversarial-resistance": AdversarialResistance,
}


def family_of(kind: Kind, match: MatchRule | None) -> Family:
    """The family of a kind; `custom` compares as `match` says. Raises ValueError for a custom family without it."""
    if kind != "custom":
        return FAMILIES[kind]()
    if match is None:
        raise ValueError("a custom family needs match")
    return Custom(match)
