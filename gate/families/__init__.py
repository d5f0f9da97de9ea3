"""L4: eval families. A family is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gate.domain import Completion, Message, Sample, Score, Unscored
from gate.families.custom import Custom
from gate.policy import MatchRule


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


FAMILIES: dict[str, Callable[[MatchRule], Family]] = {"custom": Custom}
