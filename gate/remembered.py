"""L7: stored runs of the baseline, as the engine can use them: whole, young enough, each a run of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gate.course import MOST_STORED
from gate.domain import Answer, Observation, Question, Unscored
from gate.evaluation import ScoredInterview, Suite
from gate.model_config import ModelPair
from gate.runner import Runner, stored_verdicts
from gate.sequential_course import Stored

_Run = Mapping[str, Answer]
"""By sample id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What other runs kept. `max_age` is in seconds."""

    runner: Runner
    interview: ScoredInterview
    max_age: float

    def stored(self, pairs: Sequence[ModelPair], suites: Sequence[Suite]) -> Stored:
        """Every baseline's stored runs; what is used is counted in the runner's tally."""
        found = {(pair.path, suite.name): self._runs(pair, suite) for pair in pairs for suite in suites}
        return {name: runs for name, runs in found.items() if runs}

    def _runs(self, pair: ModelPair, suite: Suite) -> list[list[Observation]]:
        """Whole runs, the newest first. One that was stopped early asked only a part, and is no run to compare with."""
        enough = (1 - suite.rule.max_missing) * len(suite.dataset.samples)
        whole = [found for found in self._kept(pair, suite) if len(found[1]) >= enough]
        newest = sorted(whole, key=lambda found: -max(one.asked_at for one in found[1].values()))[:MOST_STORED]
        for _, run in newest:
            for answer in run.values():
                self.runner.tally.add(answer)
        return [list(self._observations(name, run, suite)) for name, run in newest]

    def _kept(self, pair: ModelPair, suite: Suite) -> list[tuple[str, _Run]]:
        """Every other run's askings of the first pass, with the run's name: a re-asking is of samples chosen for what
        they gave."""
        runs: defaultdict[tuple[str, int], dict[str, Answer]] = defaultdict(dict)
        for repeat in range(suite.rule.repeats):
            for sample in suite.dataset.samples:
                asked = Question(
                    config=pair.path, family=suite.name, sample_id=sample.id, arm="baseline", repeat=repeat
                )
                found = self.runner.earlier(asked, self.interview.call(asked), max_age=self.max_age)
                for run, answer in found.items():
                    runs[run, repeat][sample.id] = answer
        return [(key[0], runs[key]) for key in sorted(runs)]

    def _observations(self, name: str, run: _Run, suite: Suite) -> Iterator[Observation]:
        for sample in suite.dataset.samples:
            if sample.id in run:
                yield replace(self._observed(run[sample.id]), run=name)
            else:
                result = Unscored(reason="not in the stored run")
                yield Observation(
                    family=suite.name,
                    sample_id=sample.id,
                    repeat=0,
                    result=result,
                    slices=sample.slices,
                    cluster=sample.cluster,
                )

    def _observed(self, answer: Answer) -> Observation:
        """Scored; by a judge, only where some run has asked it about this very answer."""
        rules = {alias: line.rule for alias, line in self.runner.lines.items()}
        verdicts = stored_verdicts(self.runner.kept.store, rules, self.interview.judging(answer))
        return self.interview.use(answer, verdicts)
