"""L9: `driftgate compare`: decide from two recorded result files. No endpoint is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gate.app import finish, read_local, release_of
from gate.comparing import Measured, compare as compare_units, moved
from gate.domain import ARMS, Comparison, Observation, Origin
from gate.errors import Problem, Problems
from gate.evaluation import Anchor, load_anchor
from gate.evidence import Evaluated, Evidence
from gate.files import LocalFiles, digest, repository_root
from gate.flips import Showing, evidence_of
from gate.importers.results import read_both, told
from gate.pairing import Paired, pair_families
from gate.patterns import patterns
from gate.policy import Policy, parse_policy, result_names
from gate.positions import Document
from gate.reporting import Clocked, Findings, evaluated
from gate.tools import Tools
from gate.waiving import Release, Waived, released

if TYPE_CHECKING:
    from gate.ledger_keep import Book


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    policy: Path
    baseline: Path
    candidate: Path
    out: Path
    waivers: Path | None = None
    book: Book | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """What is decided by."""

    policy: Policy
    document: Document
    digest: str
    root: Path  # of the repository that the policy is in


@dataclass(frozen=True, slots=True, kw_only=True)
class _Results:
    """What is decided on. `notices`: what the readers of the files say of them."""

    measured: tuple[Measured, ...]
    observed: tuple[tuple[Observation, ...], ...]  # of the baseline, and of the candidate
    notices: tuple[str, ...]
    anchor: Anchor


def compare(options: CompareOptions, tools: Tools) -> int:
    """Decide, write the report, and say the answer; the exit code."""
    started, begun = tools.now(), tools.clock()
    rules = _rules(options)
    results = _results(options, rules)
    release = _release(options, rules)
    comparisons = _compared(results, rules.policy)
    found = _found(results, rules, comparisons, released(release, comparisons, started.date()))
    evidence = _evidence(results, rules, comparisons)
    clocked = Clocked(started=started, finished=tools.now(), seconds=tools.clock() - begun)
    whole = Evaluated(report=evaluated(found, Origin(), clocked), evidence=evidence)
    return finish(whole, options.out, tools, options.book)


def _rules(options: CompareOptions) -> _Rules:
    text = read_local(options.policy)
    policy, document = parse_policy(text, file=str(options.policy))
    return _Rules(policy=policy, document=document, digest=digest(text), root=repository_root(options.policy))


def _results(options: CompareOptions, rules: _Rules) -> _Results:
    """Both files, paired. Raises Problems where they and the policy are not about the same families."""
    families = rules.policy.families
    left, right = read_both(options.baseline, options.candidate, result_names(families))
    paired = pair_families(left.observations, right.observations)
    if problems := list(_strangers(rules, paired)):
        raise Problems(problems)
    measured = (
        Measured(config=None, family=name, metric="score", rule=rule, paired=paired[name])
        for name, rule in families.items()
    )
    return _Results(
        measured=tuple(measured),
        observed=(left.observations, right.observations),
        notices=tuple(told(left, right)),
        anchor=load_anchor(rules.policy, rules.document, LocalFiles(rules.root), beside=right),
    )


def _strangers(rules: _Rules, paired: Mapping[str, Paired]) -> Iterator[Problem]:
    """Families that the results hold and the policy does not, or, where there are none, the other way round."""
    families = rules.policy.families
    if unknown := sorted(set(paired) - set(families)):
        what = f"has no rule for {', '.join(unknown)}, which the results hold"
        hint = "add a rule, or leave the family out of the results"
        yield rules.document.problem(("families",), what, hint)
        return
    for name in (name for name in families if name not in paired):
        what = "has no results in either file"
        yield rules.document.problem(("families", name), what, "a family without data is never a pass")


def _release(options: CompareOptions, rules: _Rules) -> Release | None:
    return release_of(
        rules.policy,
        rules.document,
        root=rules.root,
        given=options.waivers,
        policy_digest=rules.digest,
        models={},
    )


def _found(results: _Results, rules: _Rules, comparisons: Sequence[Comparison], waived: Waived) -> Findings:
    named = patterns(results.measured, comparisons, alpha=rules.policy.risk.alpha, anchor=results.anchor)
    return Findings(
        comparisons=waived.comparisons,
        patterns=named,
        policy_digest=rules.digest,
        notices=(*results.notices, *waived.notices),
        waivers=waived.uses,
    )


def _evidence(results: _Results, rules: _Rules, comparisons: Sequence[Comparison]) -> Evidence:
    observed = [(None, arm, found) for arm, found in zip(ARMS, results.observed, strict=True)]
    showing = Showing(policy=rules.policy, comparisons=comparisons, texts=None)
    return evidence_of(moved(results.measured), observed, showing)


def _compared(results: _Results, policy: Policy) -> tuple[Comparison, ...]:
    """Nobody examined a judge that scored recorded results, so its families block nothing."""
    comparisons = compare_units(results.measured, policy)
    if not any(rule.judge is not None for rule in policy.families.values()):
        return comparisons
    from gate.licences import without_licence

    return without_licence(comparisons, policy)
