"""L7: may a judge decide? Its licence: agreement with people on this rubric, asked for before anything else.

A licence is granted by labels that the repository holds for the very rubric, and refused with the reason; the family is
then advisory in this run. It is unknown where the judge could not be asked: nothing is decided then, for "not shown to
be bad" is no licence. What the judge's errors leave open widens the interval of each comparison, and the outcome
respects it (`gate.stats.agreement`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gate.domain import (
    Answer,
    Call,
    CallFailure,
    Comparison,
    Outcome,
    PlanRow,
    Question,
    Score,
    SliceKey,
)
from gate.evaluation import Suite, Verdict
from gate.judges import Judge, Label
from gate.policy import FamilyRule, Policy, slice_rules
from gate.report import JudgeRecord
from gate.runner import Runner
from gate.sharding import Shard
from gate.stats.agreement import Agreement, Labelled, agreement, widened
from gate.stats.decision import reason as worded
from gate.wording import count

FEWEST, FEWEST_OF_A_KIND = 30, 10
"""Labels in all, and of each kind, below which kappa says too little to license anything."""
MOST_SILENT = 0.02
"""The largest share of labelled answers on which the judge may not have been reached."""

State = Literal["granted", "refused", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What one family's judge may do. `rule` is the family's as the policy has it; `reason` says why not, or ""."""

    family: str
    rule: FamilyRule
    judge: Judge
    state: State
    reason: str = ""
    agreement: Agreement | None = None

    @property
    def youden(self) -> float | None:
        """What a judged difference is at least of the true one; None where that is not known to be anything."""
        low = None if self.agreement is None else self.agreement.youden.low
        return low if low is not None and low > 0 else None

    def margin(self, key: SliceKey | None) -> float:
        """As the policy states it, for the family or a slice of it."""
        own = None if key is None else slice_rules(self.family, self.rule)[key.name].margin
        return self.rule.margin if own is None else own


@dataclass(frozen=True, slots=True, kw_only=True)
class Licences:
    """Of all judged families, by name."""

    of: Mapping[str, Licence]

    def ruled(self, suites: Sequence[Suite]) -> tuple[Suite, ...]:
        """The suites as they are to be asked and judged."""
        return tuple(replace(one, rule=_ruled(self.of[one.name])) if one.name in self.of else one for one in suites)

    def weighed(self, comparisons: Iterable[Comparison]) -> tuple[Comparison, ...]:
        """The comparisons with what the judges' errors leave open, and outcomes that respect it."""
        return tuple(_weighed(one, self.of[one.family]) if one.family in self.of else one for one in comparisons)

    def seen(self, rows: Iterable[PlanRow]) -> tuple[PlanRow, ...]:
        """A plan of judged scores, in true ones."""
        return tuple(_seen(row, self.of[row.family]) if row.family in self.of else row for row in rows)

    @property
    def notices(self) -> tuple[str, ...]:
        return tuple(text for one in self.of.values() for text in _notices(one))

    @property
    def records(self) -> tuple[JudgeRecord, ...]:
        return tuple(_record(one) for one in self.of.values())


# --- asking


class Examination:
    """How a judge is asked about labelled answers. The repeat of a question is the order, for a pairwise judge."""

    def __init__(self, suites: Sequence[Suite], config: str) -> None:
        self.judges = {suite.name: suite.judge for suite in suites if suite.judge is not None}
        self._config = config
        self._judge = {_title(name): judge for name, judge in self.judges.items()}
        self._labels = {
            _title(name): {one.sample.id: one for one in judge.labels} for name, judge in self.judges.items()
        }

    def questions(self, family: str) -> list[Question]:
        """None where the licence is refused without asking."""
        judge, title = self.judges[family], _title(family)
        if too_few(judge):
            return []
        return [
            Question(config=self._config, family=title, sample_id=one.sample.id, arm="baseline", repeat=order)
            for one in judge.labels
            for order in range(len(judge.scorer.requests(one.sample, one.completion)))
        ]

    def all(self) -> list[tuple[str, Question]]:
        """Each with the family whose judge is asked."""
        return [(family, one) for family in self.judges for one in self.questions(family)]

    def alias(self, question: Question) -> str:
        return self._judge[question.family].rule.endpoint

    def call(self, question: Question) -> Call:
        one = self._labels[question.family][question.sample_id]
        return self._judge[question.family].calls(one.sample, one.completion)[question.repeat]

    def judging(self, answer: Answer) -> Sequence[Call]:
        del answer
        return ()

    def use(self, answer: Answer, verdicts: Sequence[Verdict]) -> Verdict:
        del verdicts
        return answer.outcome


def _title(family: str) -> str:
    return f"judge of {family}"


def examine(suites: Sequence[Suite], runner: Runner, config: str) -> Licences:
    """Ask each judge about its labels; what an earlier run has asked is not asked again. `config` names the run."""
    work = Examination(suites, config)
    asked = work.all()
    outcomes = runner.ask_all([one for _, one in asked], work)
    found: dict[str, dict[str, list[Verdict]]] = {family: {} for family in work.judges}
    for (family, question), outcome in zip(asked, outcomes, strict=True):
        found[family].setdefault(question.sample_id, []).append(outcome)
    return Licences(of={one.name: licence(one, one.judge, found[one.name]) for one in suites if one.judge is not None})


def examine_part(suites: Sequence[Suite], runner: Runner, config: str, shard: Shard) -> None:
    """Ask a shard's part of it, for the job that decides to find."""
    work = Examination(suites, config)
    runner.ask_all([question for _, question in work.all() if shard.holds(question)], work)


# --- deciding


def licence(suite: Suite, judge: Judge, verdicts: Mapping[str, Sequence[Verdict]]) -> Licence:
    """`verdicts`: the judge's replies by the id of the label."""
    known = Licence(family=suite.name, rule=suite.rule, judge=judge, state="refused", reason=too_few(judge))
    if known.reason:
        return known
    silent = [one for one in judge.labels if any(_unreached(found) for found in verdicts.get(one.sample.id, ()))]
    if len(silent) > MOST_SILENT * len(judge.labels):
        what = f"of {count(len(judge.labels), 'labelled answer')} it could not be asked about {len(silent):,}"
        return replace(known, state="unknown", reason=what)
    told = [one for one in judge.labels if one not in silent]
    found = agreement([_labelled(one, judge, verdicts.get(one.sample.id, ())) for one in told])
    why = _too_little(found, judge.rule.min_kappa)
    return replace(known, agreement=found, reason=why, state="refused" if why else "granted")


def too_few(judge: Judge) -> str:
    """Why the labels there are cannot license it, whatever it says of them; "" where they can."""
    if judge.rule.calibration is None:
        return "the policy names no calibration set for it"
    n, good = len(judge.labels), sum(one.good for one in judge.labels)
    others = f" ({count(judge.outdated, 'label')} for another rubric do not count)" if judge.outdated else ""
    if n < FEWEST:
        return f"{count(n, 'label')} for this rubric{others}, and at least {FEWEST} are needed"
    if min(good, n - good) < FEWEST_OF_A_KIND:
        return f"{good:,} good and {n - good:,} bad labels{others}, and at least {FEWEST_OF_A_KIND} of each are needed"
    return ""


def _unreached(verdict: Verdict) -> bool:
    return isinstance(verdict, CallFailure)


def _labelled(one: Label, judge: Judge, verdicts: Sequence[Verdict]) -> Labelled:
    result = judge.scorer.judged(one.sample, one.completion, verdicts)
    return Labelled(good=one.good, judged=result.value if isinstance(result, Score) else None)


def _too_little(found: Agreement, bar: float) -> str:
    kappa = found.kappa
    if kappa.value < bar:
        limits = f"{kappa.low:.2f} to {kappa.high:.2f}"
        return (
            f"its kappa is {kappa.value:.2f} ({limits}) on {count(found.n, 'label')}, and the policy asks for {bar:g}"
        )
    if found.youden.low <= 0:
        return f"on {count(found.n, 'label')} it cannot be told from a judge that guesses"
    return ""


# --- what follows from it


def _ruled(one: Licence) -> FamilyRule:
    """Margins in judged scores, which differ less than true ones; without a licence nothing blocks."""
    shrink, rule = one.youden or 1.0, one.rule
    slices = {
        name: part.model_copy(update={"margin": None if part.margin is None else part.margin * shrink})
        for name, part in rule.slices.items()
    }
    if one.state == "refused":
        slices = {name: part.model_copy(update={"severity": "advisory"}) for name, part in slices.items()}
    severity = "advisory" if one.state == "refused" else rule.severity
    return rule.model_copy(update={"margin": rule.margin * shrink, "slices": slices, "severity": severity})


def _weighed(one: Comparison, by: Licence) -> Comparison:
    margin = by.margin(one.slice)
    if by.state == "unknown":
        why = f"whether its judge may decide is not known: {by.reason}"
        return replace(one, margin=margin, outcome="inconclusive", reason=why, more_samples=None)
    youden, found = by.youden, by.agreement
    if youden is None or found is None or one.delta is None:
        return replace(one, margin=margin)
    doubt = found.doubt(one.baseline or 0.0)
    interval = widened(one.interval, doubt=doubt, youden=youden)
    outcome = _outcome(one.outcome, interval)
    more = one.more_samples if outcome == one.outcome else None
    detectable = None if one.detectable is None else min(1.0, (one.detectable + doubt) / youden)
    return replace(
        one,
        margin=margin,
        interval=interval,
        outcome=outcome,
        detectable=detectable,
        more_samples=more,
        method=f"{one.method}; judge's errors allowed for",
        reason=_reason(one, outcome, interval, margin) if outcome == one.outcome else _doubted(one, by, found, doubt),
    )


def without_licence(comparisons: Iterable[Comparison], policy: Policy) -> tuple[Comparison, ...]:
    """Recorded scores of judged families, where no judge can be asked: they decide nothing."""
    why = "its judge's licence is shown by a run only: give recorded scores a policy without the judge to compare them"
    return tuple(
        one if policy.families[one.family].judge is None else replace(one, outcome="inconclusive", reason=why)
        for one in comparisons
    )


def _outcome(judged: Outcome, interval: tuple[float, float]) -> Outcome:
    """A loss that the judge's errors alone could make blocks nothing, and passes nothing."""
    if judged == "regressed" and interval[1] >= 0:
        return "inconclusive"
    return "unchanged" if judged == "improved" and interval[0] <= 0 else judged


def _reason(one: Comparison, outcome: Outcome, interval: tuple[float, float], margin: float) -> str:
    """The same words with the wider interval; what keeps a unit from being decided stays as it was said."""
    if one.reason != worded(one.outcome, one.interval, margin=one.margin, stuck=None, more=one.more_samples):
        return one.reason
    text = worded(outcome, interval, margin=margin, stuck=None, more=one.more_samples)
    return f"{text}, if the judge errs alike on both arms" if outcome == "unchanged" else text


def _doubted(one: Comparison, by: Licence, found: Agreement, doubt: float) -> str:
    """Why a loss or gain that was judged is none, and how many labels would show that it is one."""
    delta = one.delta or 0.0
    what = "loss" if delta < 0 else "gain"
    open_ = f"its {count(found.n, 'label')} leave {100 * doubt:.1f} points open"
    room = -one.interval[1] if delta < 0 else one.interval[0]  # what is claimed, and would be left of no doubt
    labels = math.ceil(found.n * (doubt / room) ** 2) if room > 0.001 else 0
    hint = f"; about {labels:,} labels could settle it" if labels > found.n else ""
    passed = "" if delta < 0 else f"; any loss is smaller than {100 * by.margin(one.slice):.1f} points"
    errors = "the judge's errors alone could make it"
    return f"a {what} of {abs(100 * delta):.1f} points was judged, and {errors}: {open_}{hint}{passed}"


def _seen(row: PlanRow, by: Licence) -> PlanRow:
    youden = by.youden or 1.0
    visible = None if row.visible is None else min(1.0, row.visible / youden)
    return replace(row, margin=by.margin(row.slice), visible=visible)


def _notices(one: Licence) -> Iterator[str]:
    severities = {one.rule.severity, *(rule.severity for rule in one.rule.slices.values())}
    if one.state == "refused" and "blocking" in severities:
        yield f"{one.family}: advisory in this run, for its judge has no licence: {one.reason}"


def _record(one: Licence) -> JudgeRecord:
    rule, found = one.judge.rule, one.agreement
    return JudgeRecord(
        family=one.family,
        endpoint=rule.endpoint,
        model=rule.model,
        mode=rule.mode,
        rubric_digest=one.judge.rubric_digest,
        calibration_digest=one.judge.calibration_digest,
        labels=len(one.judge.labels),
        kappa=None if found is None else found.kappa.value,
        kappa_interval=None if found is None else (found.kappa.low, found.kappa.high),
        min_kappa=rule.min_kappa,
        sensitivity=None if found is None else found.sensitivity.value,
        specificity=None if found is None else found.specificity.value,
        licensed={"granted": True, "refused": False, "unknown": None}[one.state],
        reason=one.reason,
    )
