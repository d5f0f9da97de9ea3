"""L1: the gate policy, a file on the base branch. Strict; its JSON Schema is `driftgate schema policy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from gate.domain import Severity
from gate.endpoint_rule import EndpointRule, secret_names
from gate.errors import Problem, Problems
from gate.files import path_problem
from gate.judge_rule import JudgeRule
from gate.positions import Document, read_yaml
from gate.schema import Name, RepositoryPath, Strict, parse, suggestion

BUILTIN = "builtin:starter"

Kind = Literal[
    "exploit-hypothesis",
    "remediation",
    "advisory-summary",
    "finding-correlation",
    "adversarial-resistance",
    "custom",
]


def secret_values(policy: Policy, environ: Mapping[str, str]) -> list[str]:
    """The secrets of all endpoints, as far as they are set."""
    names = (name for rule in policy.endpoints.values() for name in secret_names(rule))
    return [environ[name] for name in names if environ.get(name)]


Strictness = Literal["void", "warn"]
EvidenceShown = Literal["full", "scores"]


class IdentityRule(Strict):
    """What it means when a model answered that is not the one asked, or more than one."""

    model: Strictness = "warn"
    """`void`: the run decides nothing and its verdict is error."""
    fingerprint: Strictness = "warn"
    """The same for an endpoint's fingerprints. OpenAI's may change within minutes, on both arms alike."""

    @model_validator(mode="before")
    @classmethod
    def _one_word(cls, value: Any) -> Any:
        """`identity: void` is for models and fingerprints alike."""
        if isinstance(value, dict | IdentityRule):
            return value
        if value not in get_args(Strictness):
            raise ValueError("must be void or warn | or a mapping: {model: void, fingerprint: warn}")
        return {"model": value, "fingerprint": value}


def _or_one_word(schema: dict[str, Any]) -> None:
    """The JSON Schema of a key that takes a mapping or one word for all of it."""
    schema["anyOf"] = [{"$ref": schema.pop("$ref")}, {"enum": list(get_args(Strictness))}]


class Risk(Strict):
    """How sure a decision must be."""

    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    """Largest chance that a change that changes nothing is blocked, over all families and slices."""
    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.8
    """Chance with which a drop should be seen; used to say what a family can see."""
    design: Literal["sequential", "fixed"] = "sequential"
    """How `run` asks. `sequential`: in planned looks, stops a family when it is decided, asks again what is open.
    `fixed`: every sample as often as `repeats` says, then one decision."""


class Budget(Strict):
    """Reaching any of these ends the run as inconclusive, never as a pass."""

    calls: Annotated[int, Field(ge=1)] | None = None
    """Most calls, those of judges among them."""
    tokens: Annotated[int, Field(ge=1)] | None = None
    """Most tokens, in and out."""
    usd: Annotated[float, Field(gt=0)] | None = None
    """Most USD, at the endpoints' prices."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Longest time from the run's start."""


class SliceRule(Strict):
    """A named subset of a family, by a key that its samples have (`cwe`): each of its values is compared apart."""

    severity: Severity = "advisory"
    """`blocking`: a regression of this slice blocks. `advisory`: it is told."""
    margin: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Largest acceptable loss in this slice; the family's when left out."""
    ignore_below: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """A loss of this slice smaller than this never blocks, however certain it is."""


class MatchRule(Strict):
    """How a `custom` family compares the answer with the target."""

    mode: Literal["exact", "contains", "regex", "json-field"]
    """`exact`: the answer is the target. `contains`: the target is in it. `regex`: the target is a pattern that is in
    it. `json-field`: a key of the answer's JSON object is the target."""
    field: str | None = None
    """For json-field: the key to compare; dots go deeper."""
    ignore_case: bool = False
    """Whether upper and lower case are the same."""

    @model_validator(mode="after")
    def _field_where_needed(self) -> MatchRule:
        if (self.mode == "json-field") != (self.field is not None):
            raise ValueError("field goes with mode json-field, and only with it")
        return self


class FamilyRule(Strict):
    """One eval: its dataset, how its answers are scored, and how much of its score may be lost."""

    kind: Kind | None = None
    """May be left out when the family's name is itself a kind, and for `compare`."""
    dataset: str | None = None
    """A JSONL or CSV file of the repository, or `builtin:starter`."""
    severity: Severity
    """`blocking`: a regression fails the check. `advisory`: it is told."""
    margin: Annotated[float, Field(gt=0, lt=1)]
    """Largest acceptable loss, in units of the score (0.05 = five points)."""
    ignore_below: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """A loss smaller than this never blocks, however certain it is."""
    repeats: Annotated[int, Field(ge=1, le=20)] = 1
    """How often each sample is asked in the first pass."""
    max_missing: Annotated[float, Field(ge=0, lt=1)] = 0.02
    """Largest share of samples that may lack a score on either arm."""
    slices: dict[Name, SliceRule] = Field(default_factory=dict)
    """Subsets that are compared besides the whole, by the name of the samples' slice."""
    match: MatchRule | None = None
    """How a `custom` family scores an answer."""
    judge: JudgeRule | None = None
    """A model that scores the answers in place of the family's own scorer."""
    evidence: EvidenceShown | None = None
    """What flips.json holds of this family's samples; as the policy says when left out."""
    results: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=100)] = ()
    """For `compare`: what this family's results are called in the logs of another harness (`task`, or `task/metric`);
    the family's own name when left out."""

    @field_validator("dataset")
    @classmethod
    def _inside(cls, dataset: str | None) -> str | None:
        if dataset and dataset != BUILTIN and (problem := path_problem(dataset)):
            raise ValueError(problem)
        return dataset

    @model_validator(mode="after")
    def _match_for_custom(self) -> FamilyRule:
        if self.match is not None and self.kind not in (None, "custom"):
            raise ValueError("match is only for kind: custom")
        if self.match is not None and self.judge is not None:
            raise ValueError("match and judge are two scorers | leave one of them out")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """The repository's files that decide what this family's scores are."""
        judge = (self.judge.rubric, self.judge.calibration) if self.judge else ()
        return tuple(name for name in (self.dataset, *judge) if name and name != BUILTIN)


ApproverPermission = Literal["write", "maintain", "admin"]


class WaiverRule(Strict):
    """Releases despite a regression. A policy without this allows none."""

    path: RepositoryPath = ".github/gate-waivers.yml"
    """A file of the base branch with waivers; it need not be there."""
    approver_permission: ApproverPermission = "maintain"
    """What a waiver's approver must at least have in the repository."""
    max_days: Annotated[int, Field(ge=1, le=365)] = 30
    """The longest that a waiver may run, from the day it was given."""
    max_loss: Annotated[float, Field(gt=0, le=1)] | None = None
    """The largest loss that a waiver may allow; left out: none is too large."""


class StoreRule(Strict):
    """What leaves the store when a run closes it. The run's own answers always stay."""

    max_age_days: Annotated[float, Field(gt=0)] | None = None
    """Answers that are older leave."""
    max_size_mb: Annotated[float, Field(gt=0)] | None = None
    """Millions of bytes; whole runs leave, oldest first."""


def result_names(families: Mapping[str, FamilyRule]) -> dict[str, tuple[str, ...]]:
    """What the results of each family are called in the logs of other harnesses."""
    return {name: rule.results or (name,) for name, rule in families.items()}


class Policy(Strict):
    """What is evaluated on each change, and what may not get worse."""

    version: Literal[1]
    """The version of this format."""
    models: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """Patterns of model configs. A pull request that touches none of them is neutral."""
    endpoints: dict[Name, EndpointRule] = Field(default_factory=dict)
    """Where models are asked, by an alias that model configs name. `compare` needs none."""
    risk: Risk = Risk()
    """How sure a decision must be, and how a run asks."""
    budget: Budget = Budget()
    """What a run may use."""
    families: Annotated[dict[Name, FamilyRule], Field(min_length=1, max_length=200)]
    """The evals, by name."""
    waivers: WaiverRule | None = None
    """Who may release despite a regression. Left out: nobody."""
    baseline_max_age: Annotated[float, Field(gt=0)] | Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}[hd]$")] | None = (
        None
    )
    """Stored runs of the baseline are used up to this age (hours, or like 36h or 7d), so that a change which loses
    nothing pays for the candidate only. Left out: none are."""
    anchor: RepositoryPath | None = None
    """Recorded results of an earlier release (a `candidate.jsonl` of one of its runs, or what another harness wrote), a
    file of the repository. Losses since then that no single step showed are named as cumulative drift; they block
    nothing."""
    new_model_baseline: RepositoryPath | None = None
    """The model config that a new one is compared with. Left out: a new one has nothing to be compared with, and is
    not judged."""
    store: StoreRule = StoreRule()
    """What of the kept answers is deleted when a run ends."""
    evidence: EvidenceShown = "full"
    """What flips.json and the page hold of the samples lost and gained. `full`: prompts, targets and answers; `scores`:
    scores and their reasons only, for those whose reports are public."""
    identity: Annotated[IdentityRule, Field(json_schema_extra=_or_one_word)] = IdentityRule()
    """`void`: answers of another model than asked, or of several models or fingerprints on one arm, decide nothing."""

    @model_validator(mode="after")
    def _stored_runs_need_looks(self) -> Policy:
        """A block must rest on fresh answers of both arms, and only the sequential design can ask for them."""
        if self.baseline_max_age is not None and self.risk.design == "fixed":
            raise ValueError("baseline_max_age needs risk: {design: sequential} | or leave it out")
        return self

    @property
    def baseline_max_age_seconds(self) -> float | None:
        age = self.baseline_max_age
        if isinstance(age, str):
            return float(age[:-1]) * {"h": 3600.0, "d": 86400.0}[age[-1]]
        return None if age is None else age * 3600

    @model_validator(mode="after")
    def _results_of_one_family(self) -> Policy:
        every = [called for names in result_names(self.families).values() for called in names]
        if twice := next((called for called in every if every.count(called) > 1), None):
            raise ValueError(f"results has {twice!r} twice | results go to one family")
        return self

    @field_validator("models")
    @classmethod
    def _patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if problem := path_problem(pattern):
                raise ValueError(f"a pattern {problem}")
        return patterns


def judging_files(policy: Policy) -> set[str]:
    """The files of the base branch that a run decides by, besides the policy itself."""
    files = (name for rule in policy.families.values() for name in rule.files)
    authorities = (rule.ca_file for rule in policy.endpoints.values())
    waivers = policy.waivers.path if policy.waivers else None
    return {path for path in (policy.anchor, waivers, *files, *authorities) if path}


def kind_of(name: str, rule: FamilyRule) -> Kind | None:
    """The family's kind: as written, else its own name where that is a kind."""
    if rule.kind is not None:
        return rule.kind
    return next((kind for kind in get_args(Kind) if kind == name), None)


_HALVES = {"expect": SliceRule(severity="blocking")}
"""Resisting attacks and helping with harmless requests: refusing everything makes one of the two look perfect."""


def slice_rules(name: str, rule: FamilyRule) -> dict[str, SliceRule]:
    """The slices that are compared: those declared, and the two halves of an adversarial family."""
    halves = _HALVES if kind_of(name, rule) == "adversarial-resistance" and rule.severity == "blocking" else {}
    return {**halves, **rule.slices}


def parse_policy(text: str, *, file: str) -> tuple[Policy, Document]:
    """A policy that `compare` can use. Raises Problems."""
    document = read_yaml(text, file=file)
    return parse(Policy, document), document


def problems_for_run(policy: Policy, document: Document) -> list[Problem]:
    """What a live run needs beyond what `compare` needs."""
    problems = []
    if not policy.endpoints:
        problems.append(document.problem(("endpoints",), "is required to run", "name an endpoint"))
    for name, rule in policy.families.items():
        path = ("families", name)
        kind = kind_of(name, rule)
        if kind is None:
            hint = f"one of {', '.join(get_args(Kind))}"
            problems.append(document.problem((*path, "kind"), "is required to run", hint))
        if rule.dataset is None:
            hint = f"a JSONL or CSV file of the repository, or {BUILTIN}"
            problems.append(document.problem((*path, "dataset"), "is required to run", hint))
        if kind == "custom" and rule.match is None and rule.judge is None:
            problems.append(document.problem((*path, "match"), "is required for kind: custom", "or name a judge"))
        if rule.judge is not None and rule.judge.endpoint not in policy.endpoints:
            hint = suggestion(rule.judge.endpoint, sorted(policy.endpoints))
            problems.append(document.problem((*path, "judge", "endpoint"), "is not an endpoint of the policy", hint))
        if kind == "custom" and rule.dataset == BUILTIN:
            what = "a custom family has no built-in dataset"
            problems.append(document.problem((*path, "dataset"), what))
    return problems


def parse_policy_for_run(text: str, *, file: str) -> tuple[Policy, Document]:
    """A policy that a live run can use. Raises Problems."""
    policy, document = parse_policy(text, file=file)
    if problems := problems_for_run(policy, document):
        raise Problems(problems)
    return policy, document
