"""L5: policy and datasets → suites → questions; answers → observations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from gate.datasets import load_builtin, load_dataset, sample_problem
from gate.domain import (
    ARMS,
    Answer,
    Call,
    CallFailure,
    ChatRequest,
    Completion,
    Dataset,
    Json,
    Observation,
    Question,
    Sample,
    Score,
    Unscored,
)
from gate.errors import FileProblem, Problem, Problems
from gate.families import FAMILIES, RUNS_CODE, Family, family_of
from gate.files import DATASET_LIMIT, Files
from gate.model_config import LoadedConfig, ModelPair
from gate.policy import BUILTIN, FamilyRule, MatchRule, Policy, kind_of, result_names
from gate.positions import Document
from gate.recorded import mean_scores

if TYPE_CHECKING:  # what only a policy with a judge, or with an anchor, needs
    from gate.importers.results import Recorded
    from gate.judges import Judge


Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A family as the policy wants it run: its rule, its scorer, its samples; `judge` where a model is the scorer."""

    name: str
    rule: FamilyRule
    family: Family
    dataset: Dataset
    judge: Judge | None = None


def load_suites(policy: Policy, document: Document, files: Files) -> tuple[Suite, ...]:
    """Every family with its dataset.

    Raises
    ------
    Problems
        Of all datasets at once. A dataset that cannot be read is a problem of the policy's line.
    """
    suites, problems = [], []
    for name, rule in policy.families.items():
        try:
            suite = _suite(name, rule, files)
            suites.append(suite if rule.judge is None else _with_judge(suite, policy, document, files))
        except Problems as found:
            problems += [_at_policy(document, name, one) for one in found.problems]
    if problems:
        raise Problems(problems)
    return tuple(suites)


def starter_suites() -> tuple[Suite, ...]:
    """Every family with the dataset that comes with Driftgate."""
    rule = FamilyRule(dataset=BUILTIN, severity="advisory", margin=0.05)
    return tuple(
        Suite(name=kind, rule=rule, family=make(), dataset=load_builtin(kind)) for kind, make in FAMILIES.items()
    )


Anchor = Mapping[tuple[str, str], float]
"""(family, sample id) → mean score in the anchor's recorded results."""


def load_anchor(policy: Policy, document: Document, files: Files, *, beside: Recorded | None = None) -> Anchor:
    """The scores of an earlier release, of any harness; none where the policy names no anchor. Raises Problems.

    `beside`: the results to be paired with it. Where both are of one form, they must have asked the same.
    """
    if policy.anchor is None:
        return {}
    from gate.importers.results import recorded_in, refuse_unlike

    try:
        data = files.read(policy.anchor, limit=DATASET_LIMIT)
    except FileProblem as problem:
        raise Problems([document.problem(("anchor",), f"names {policy.anchor}, which {problem.what}")]) from None
    found = recorded_in(data, result_names(policy.families), file=policy.anchor)
    if beside is not None and beside.form == found.form:
        refuse_unlike(beside, found, file=policy.anchor, of="the candidate")
    if not {one.family for one in found.observations} & set(policy.families):
        what = f"names {policy.anchor}, which holds results of none of the families: no drift would ever be named"
        raise Problems([document.problem(("anchor",), what, "say what they are called there: families.NAME.results")])
    return mean_scores(found.observations)


def _at_policy(document: Document, name: str, problem: Problem) -> Problem:
    """A problem of a dataset as a whole belongs to the line of the policy that names it."""
    if problem.line:
        return problem
    return document.problem(("families", name, "dataset"), f"names {problem.file}, which {problem.what}")


def _suite(name: str, rule: FamilyRule, files: Files) -> Suite:
    kind = kind_of(name, rule)
    if kind is None or rule.dataset is None:
        raise Problems([Problem(file=name, what="has no kind or no dataset")])
    judged = MatchRule(mode="exact") if rule.judge is not None else None  # for a custom family's prompt, not its score
    family = family_of(kind, rule.match or judged)
    dataset = load_builtin(kind) if rule.dataset == BUILTIN else load_dataset(files, rule.dataset)
    if kind == "adversarial-resistance":
        dataset = replace(dataset, samples=tuple(_with_its_half(one) for one in dataset.samples))
    problems = [
        sample_problem(dataset, index, what)
        for index, sample in enumerate(dataset.samples)
        for what in family.check(sample)
    ]
    if problems:
        raise Problems(problems[:50])
    return Suite(name=name, rule=rule, family=family, dataset=dataset)


def _with_judge(suite: Suite, policy: Policy, document: Document, files: Files) -> Suite:
    from gate.judges import Bench, load_judge

    if suite.rule.judge is None:
        return suite
    bench = Bench(policy=policy, document=document, files=files)
    judge = load_judge(suite.name, suite.rule.judge, suite.family, bench)
    return replace(suite, family=judge.scorer, judge=judge)


def _with_its_half(sample: Sample) -> Sample:
    """Labelled by what its target expects, so that resisting and helping are compared apart, whatever the dataset's
    own labels."""
    expect = sample.target.get("expect") if isinstance(sample.target, dict) else None
    return replace(sample, slices={**sample.slices, "expect": expect}) if isinstance(expect, str) else sample


def questions(pair: ModelPair, suites: Sequence[Suite]) -> Iterator[Question]:
    """All askings of a pair: both arms of a sample next to each other, taking turns to go first.

    A bad quarter of an hour of an endpoint so hits both arms alike.
    """
    for suite in suites:
        for index, sample in enumerate(suite.dataset.samples):
            for repeat in range(suite.rule.repeats):
                arms = ARMS if (index + repeat) % 2 == 0 else ARMS[::-1]
                for arm in arms:
                    yield Question(config=pair.path, family=suite.name, sample_id=sample.id, arm=arm, repeat=repeat)


Verdict = Completion | CallFailure
"""A judge's reply, or why there is none."""


class Interview:
    """How the questions of a run become calls. Any thread may use it."""

    def __init__(self, pairs: Sequence[ModelPair], suites: Sequence[Suite], policy: Policy) -> None:
        self._pairs = {pair.path: pair for pair in pairs}
        self._suites = {suite.name: suite for suite in suites}
        self._samples = {suite.name: {one.id: one for one in suite.dataset.samples} for suite in suites}
        self._twins = {pair.path for pair in pairs if _asks_the_same(pair, policy)}

    def alias(self, question: Question) -> str:
        return self._pairs[question.config].arm(question.arm).endpoint

    def call(self, question: Question) -> Call:
        config = self._pairs[question.config].arm(question.arm)
        sample, suite = self._samples[question.family][question.sample_id], self._suites[question.family]
        request = ChatRequest(
            model=config.model,
            messages=config.asking(suite.family.prompt(sample)),
            parameters=config.parameters,
        )
        # Arms that ask the very same question are two askings of it, or noise would look like none.
        twin = question.arm == "candidate" and question.config in self._twins
        repeat = question.repeat + (TWIN if twin else 0)
        slow = kind_of(suite.name, suite.rule) in RUNS_CODE
        return Call(alias=config.endpoint, request=request, repeat=repeat, slow=slow)

    def judging(self, answer: Answer) -> tuple[Call, ...]:
        """What is asked of a judge about an answer; nothing where the family has its own scorer, or nothing came."""
        judge = self._suites[answer.question.family].judge
        if judge is None or isinstance(answer.outcome, CallFailure):
            return ()
        try:
            return judge.calls(self._sample(answer), answer.outcome)
        except Exception:  # noqa: BLE001 - a target that `check` let through; the score says so
            return ()

    def shown(self, family: str, sample_id: str) -> tuple[str, str]:
        """A sample's prompt and target, as people read them."""
        sample, suite = self._samples[family][sample_id], self._suites[family]
        messages, target = suite.family.prompt(sample), sample.target
        roles = len(messages) > 1
        prompt = "\n\n".join(f"{one.role}: {one.content}" if roles else one.content for one in messages)
        return prompt, target if isinstance(target, str) else json.dumps(target, ensure_ascii=False, indent=2)

    def _sample(self, answer: Answer) -> Sample:
        return self._samples[answer.question.family][answer.question.sample_id]


class ScoredInterview(Interview):
    """… and their answers become observations."""

    def use(self, answer: Answer, verdicts: Sequence[Verdict] = ()) -> Observation:
        question, sample = answer.question, self._sample(answer)
        return Observation(
            family=question.family,
            sample_id=sample.id,
            repeat=question.repeat,
            result=_result(answer, self._suites[question.family], sample, verdicts),
            slices=sample.slices,
            cluster=sample.cluster,
        )


TWIN = 1_000
"""Added to the candidate's repeat where both arms ask the very same. Repeats of one sample stay far below."""


def _asks_the_same(pair: ModelPair, policy: Policy) -> bool:
    return _identity(pair.baseline, policy) == _identity(pair.candidate, policy)


def run_identity(pair: ModelPair, policy: Policy) -> str:
    """What a stored answer was paid for: these two model configs at these endpoints, whatever the policy asks of them.

    So a resumed run, a shard, or a run after the margin was changed pays only for what was never asked; and running
    the gate again on an unchanged pair cannot roll the dice again.
    """
    text = json.dumps([_identity(pair.baseline, policy), _identity(pair.candidate, policy)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _identity(config: LoadedConfig, policy: Policy) -> list[Json]:
    rule = policy.endpoints[config.endpoint]
    return [rule.protocol, rule.base_url, config.model, config.parameters, config.system_prompt]


def _result(
    answer: Answer, suite: Suite, sample: Sample, verdicts: Sequence[Verdict]
) -> Score | Unscored | CallFailure:
    if isinstance(answer.outcome, CallFailure):
        return answer.outcome
    completion, judge = answer.outcome, suite.judge
    if judge is None:
        return scored(suite.family, sample, completion)
    return _unless_it_fails(lambda: judge.scorer.judged(sample, completion, verdicts))


def scored(family: Family, sample: Sample, completion: Completion) -> Score | Unscored:
    """Never raises."""
    return _unless_it_fails(lambda: family.score(sample, completion))


def _unless_it_fails(score: Callable[[], Result]) -> Result | Unscored:
    try:
        return score()
    except Exception as error:  # noqa: BLE001 - one bad answer must not end a run that was paid for
        return Unscored(reason=f"the scorer failed ({type(error).__name__})")


def dataset_digests(suites: Iterable[Suite]) -> Mapping[str, str]:
    return {suite.name: suite.dataset.digest for suite in suites}
