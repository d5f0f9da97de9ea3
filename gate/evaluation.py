"""L5: policy and datasets → suites → questions; answers → observations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gate.datasets import load_builtin, load_dataset
from gate.domain import (
    ARMS,
    Answer,
    Arm,
    CallFailure,
    ChatRequest,
    Dataset,
    Observation,
    Question,
    Sample,
    Score,
    Unscored,
)
from gate.errors import Problem, Problems
from gate.families import Family, family_of
from gate.files import Files
from gate.model_config import ModelPair
from gate.policy import BUILTIN, FamilyRule, Policy, kind_of
from gate.positions import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A family as the policy wants it run: its rule, its scorer, its samples."""

    name: str
    rule: FamilyRule
    family: Family
    dataset: Dataset


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
            suites.append(_suite(name, rule, files))
        except Problems as found:
            problems += [_at_policy(document, name, one) for one in found.problems]
    if problems:
        raise Problems(problems)
    return tuple(suites)


def _at_policy(document: Document, name: str, problem: Problem) -> Problem:
    """A problem of a dataset as a whole belongs to the line of the policy that names it."""
    if problem.line:
        return problem
    return document.problem(("families", name, "dataset"), f"names {problem.file}, which {problem.what}")


def _suite(name: str, rule: FamilyRule, files: Files) -> Suite:
    kind = kind_of(name, rule)
    if kind is None or rule.dataset is None:
        raise Problems([Problem(file=name, what="has no kind or no dataset")])
    family = family_of(kind, rule.match)
    dataset = load_builtin(kind) if rule.dataset == BUILTIN else load_dataset(files, rule.dataset)
    problems = [
        Problem(file=dataset.source, line=0, path=f"sample {sample.id}", what=what)
        for sample in dataset.samples
        for what in family.check(sample)
    ]
    if problems:
        raise Problems(problems[:50])
    return Suite(name=name, rule=rule, family=family, dataset=dataset)


def questions(pair: ModelPair, suites: Sequence[Suite]) -> Iterator[Question]:
    """All askings of a pair: both arms of a sample next to each other, taking turns to go first.

    A bad quarter of an hour of an endpoint so hits both arms alike.
    """
    for suite in suites:
        for index, sample in enumerate(suite.dataset.samples):
            for repeat in range(suite.rule.repeats):
                arms = ARMS if (index + repeat) % 2 == 0 else ARMS[::-1]
                for arm in arms:
                    yield _question(pair, suite, sample, arm, repeat)


def _question(pair: ModelPair, suite: Suite, sample: Sample, arm: Arm, repeat: int) -> Question:
    config = pair.arm(arm)
    request = ChatRequest(
        model=config.model,
        messages=(*config.system_messages(), *suite.family.prompt(sample)),
        parameters=config.parameters,
    )
    return Question(
        config=pair.path,
        family=suite.name,
        sample_id=sample.id,
        arm=arm,
        repeat=repeat,
        request=request,
    )


def observe(answers: Iterable[Answer], suites: Sequence[Suite]) -> dict[Arm, list[Observation]]:
    """Score every answer; observations by arm, in the order of the answers."""
    by_name = {suite.name: suite for suite in suites}
    samples = {suite.name: {sample.id: sample for sample in suite.dataset.samples} for suite in suites}
    found: dict[Arm, list[Observation]] = {arm: [] for arm in ARMS}
    for answer in answers:
        question = answer.question
        sample = samples[question.family][question.sample_id]
        found[question.arm].append(_observation(answer, by_name[question.family].family, sample))
    return found


def _observation(answer: Answer, family: Family, sample: Sample) -> Observation:
    return Observation(
        family=answer.question.family,
        sample_id=sample.id,
        repeat=answer.question.repeat,
        result=_result(answer, family, sample),
        slices=sample.slices,
        cluster=sample.cluster,
    )


def _result(answer: Answer, family: Family, sample: Sample) -> Score | Unscored | CallFailure:
    if isinstance(answer.outcome, CallFailure):
        return answer.outcome
    try:
        return family.score(sample, answer.outcome)
    except Exception as error:  # noqa: BLE001 - one bad answer must not end a run that was paid for
        return Unscored(reason=f"the scorer failed ({type(error).__name__})")


def dataset_digests(suites: Iterable[Suite]) -> Mapping[str, str]:
    return {suite.name: suite.dataset.digest for suite in suites}
