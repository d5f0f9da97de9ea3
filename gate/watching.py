"""L7: do the models in use still answer as they did? Provider drift: nothing was changed here, and the answers are.

Each model is asked everything once more and is paired with the oldest whole run of it that is kept and not older than
`baseline_max_age`: a model that slides a little every week slides past a comparison with last week. Both arms were
asked equally often, so the fixed decision holds. What a watch is answered is kept under its own name and is never a
baseline, or slow drift would move what it is measured by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gate.course import Ended, Record, ended_at_once
from gate.domain import Observation, Question
from gate.errors import CannotEvaluate
from gate.evaluation import Suite
from gate.model_config import ModelPair
from gate.policy import Policy

Stored = Mapping[tuple[str, str], Sequence[Sequence[Observation]]]
"""By config and family: whole runs of the baseline, the newest first."""


@dataclass(slots=True, kw_only=True)
class WatchCourse:
    """Each family of each model once, against its oldest kept run. A family without one is not measured."""

    pairs: Sequence[ModelPair]
    suites: Sequence[Suite]
    policy: Policy
    stored: Stored
    _record: Record = field(default_factory=Record)
    _asked: bool = False

    def __post_init__(self) -> None:
        """Raises CannotEvaluate where nothing at all is kept: a watch that sees nothing must not look like a pass."""
        if not self.stored:
            raise CannotEvaluate(
                "no whole run of a model in use is kept, or none is young enough for baseline_max_age; "
                "keep one with driftgate baseline, and the next watch has something to compare with"
            )

    def wanted(self) -> list[Question]:
        return [] if self._asked else [one for pair in self.pairs for one in self._questions(pair)]

    def _questions(self, pair: ModelPair) -> list[Question]:
        return [
            Question(config=pair.path, family=suite.name, sample_id=sample.id, arm="candidate", repeat=0)
            for suite in self.suites
            if (pair.path, suite.name) in self.stored
            for sample in suite.dataset.samples
        ]

    def add(self, asked: Sequence[Question], observed: Sequence[Observation]) -> None:
        for (config, _), runs in self.stored.items():
            self._record.observed.setdefault((config, "baseline"), []).extend(runs[-1])
        self._record.add(asked, observed)
        self._asked = True

    def open(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(family for _, family in self.stored))

    def ended(self) -> Ended:
        return ended_at_once(self._record, self._record.measured(self.pairs, self.suites), self.policy)
