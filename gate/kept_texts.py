"""L7: what was asked and answered, out of the datasets and the store, one sample at a time."""

from __future__ import annotations

from dataclasses import dataclass

from gate.domain import Arm, Completion, Observation, Question
from gate.evaluation import Interview
from gate.runner import Runner


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTexts:
    """Of a run whose store is still open."""

    runner: Runner
    interview: Interview

    def question(self, family: str, sample_id: str) -> tuple[str, str]:
        return self.interview.shown(family, sample_id)

    def completion(self, config: str | None, arm: Arm, one: Observation) -> Completion | None:
        """Of the run that the observation is from; nothing is asked."""
        asked = Question(config=config or "", family=one.family, sample_id=one.sample_id, arm=arm, repeat=one.repeat)
        return self.runner.kept_answer(asked, self.interview.call(asked), one.run)
