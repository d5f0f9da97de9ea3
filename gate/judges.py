"""L5: the judges of a policy: rubric and labelled answers, read from the base branch and checked.

A line of a calibration file is a sample, an answer to it, and what people said of that answer::

    {"id": "a1", "input": {…}, "target": …, "answer": "…", "label": "pass", "rubric": "sha256:…"}

`label` is pass or fail; better or worse (than the reference answer) for a pairwise judge. `rubric` is the digest of the
rubric that the label was given for. A label for another rubric does not count: with the rubric the licence lapses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gate.datasets import label as printable_label
from gate.domain import Call, Completion, Json, Sample
from gate.endpoints import PROTOCOLS
from gate.errors import FileProblem, Problem, Problems
from gate.families import Family
from gate.families.judged import Judged, judge_parameters
from gate.files import DATASET_LIMIT, Files, digest, read_text
from gate.jsonl import BadLine, read_jsonl
from gate.judge_rule import JudgeRule
from gate.policy import Policy
from gate.positions import Document, Path

_KEYS = {"id", "input", "target", "answer", "label", "rubric"}
_WORDS = {"single": {"pass": True, "fail": False}, "pairwise": {"better": True, "worse": False}}
MOST_LABELS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """An answer that people have labelled: `good` is pass, or better."""

    sample: Sample
    answer: str
    good: bool
    rubric: str  # digest of the rubric that it was labelled by

    @property
    def completion(self) -> Completion:
        return Completion(text=self.answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A judge with all that its licence rests on. `labels` are those for this rubric, `outdated` counts the others."""

    scorer: Judged
    rubric_digest: str
    calibration_digest: str | None
    labels: tuple[Label, ...] = ()
    outdated: int = 0

    @property
    def rule(self) -> JudgeRule:
        return self.scorer.rule

    def calls(self, sample: Sample, completion: Completion) -> tuple[Call, ...]:
        """What is asked of the judge about one answer."""
        requests = self.scorer.requests(sample, completion)
        return tuple(Call(alias=self.rule.endpoint, request=one, repeat=0, judging=True) for one in requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where judges are read from."""

    policy: Policy
    document: Document
    files: Files


def load_judge(name: str, rule: JudgeRule, family: Family, bench: Bench) -> Judge:
    """The judge of the family called `name`. Raises Problems: all of them, each at its line."""
    path: Path = ("families", name, "judge")
    problems, judge = list[Problem](), None
    try:
        rubric = _rubric(rule, path, bench)
        judge = Judge(
            scorer=Judged(inner=family, rule=rule, rubric=rubric),
            rubric_digest=digest(rubric),
            calibration_digest=None,
        )
        judge = _with_labels(judge, family, path, bench)
    except Problems as found:
        problems += found.problems
    problems += _inexpressible(rule, path, bench)
    if problems or judge is None:
        raise Problems(problems)
    return judge


def _rubric(rule: JudgeRule, path: Path, bench: Bench) -> str:
    text = _text(rule.rubric, (*path, "rubric"), bench)
    if not text.strip():
        raise Problems([bench.document.problem((*path, "rubric"), f"names {rule.rubric}, which is empty")])
    return text


def _text(name: str, path: Path, bench: Bench, *, limit: int = 64 * 1024) -> str:
    try:
        return read_text(bench.files, name, limit=limit)
    except FileProblem as problem:
        raise Problems([bench.document.problem(path, f"names {name}, which {problem.what}")]) from None


def _inexpressible(rule: JudgeRule, path: Path, bench: Bench) -> list[Problem]:
    """What the judge's endpoint cannot be sent; a judge that cannot be asked at temperature 0 is none."""
    endpoint = bench.policy.endpoints[rule.endpoint]
    found = PROTOCOLS[endpoint.protocol].inexpressible(endpoint, judge_parameters(rule, code="c", verdicts=["v"]))
    return [
        bench.document.problem((*path, "model"), f"cannot be asked as a judge: {parameter} {what}")
        for parameter, what in found.items()
    ]


def _with_labels(judge: Judge, family: Family, path: Path, bench: Bench) -> Judge:
    name = judge.rule.calibration
    if name is None:
        return judge
    text = _text(name, (*path, "calibration"), bench, limit=DATASET_LIMIT)
    labels = _labels(text, name, judge, family)
    mine = tuple(one for one in labels if one.rubric == judge.rubric_digest)
    return replace(judge, calibration_digest=digest(text), labels=mine, outdated=len(labels) - len(mine))


def _labels(text: str, file: str, judge: Judge, family: Family) -> list[Label]:
    def read(item: dict[str, Json]) -> Label:
        return _label(item, judge)

    numbered = read_jsonl(text, file=file, read=read)
    if not 0 < len(numbered) <= MOST_LABELS:
        raise Problems([Problem(file=file, what=f"must hold 1 to {MOST_LABELS:,} labels")])
    problems, first = [], dict[str, int]()
    for line, one in numbered:
        before = first.setdefault(one.sample.id, line)
        wrong = [f"has the id of line {before}"] if before != line else []
        wrong += family.check(one.sample) or _unreferenced(one, judge)
        problems += [Problem(file=file, line=line, column=1, what=what) for what in wrong]
    if problems:
        raise Problems(problems[:50])
    return [one for _, one in numbered]


def _unreferenced(one: Label, judge: Judge) -> list[str]:
    try:
        judge.scorer.requests(one.sample, one.completion)
    except Exception:  # noqa: BLE001 - a target that `check` let through
        return ["has a target that gives no reference answer"]
    return []


def _label(item: dict[str, Json], judge: Judge) -> Label:
    if set(item) - _KEYS:
        raise BadLine(f"has an unknown key | known here: {', '.join(sorted(_KEYS))}")
    words = _WORDS[judge.rule.mode]
    given, answer, target, rubric = (item.get(key) for key in ("input", "answer", "target", "rubric"))
    if not isinstance(given, dict) or target is None or not isinstance(answer, str):
        raise BadLine("has no input, target or answer | give the sample and an answer to it, as a text")
    if not isinstance(item.get("label"), str) or item["label"] not in words:
        raise BadLine(f"has no label | write {' or '.join(words)}: what people said of the answer")
    if not isinstance(rubric, str) or not rubric.startswith("sha256:"):
        raise BadLine(f"does not say which rubric it was labelled by | write {judge.rubric_digest} for today's")
    sample = Sample(id=printable_label(item.get("id"), "id"), input=given, target=target)
    return Label(sample=sample, answer=answer, good=words[str(item["label"])], rubric=rubric)
