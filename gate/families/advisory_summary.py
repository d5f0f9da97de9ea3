"""L4: summarise an advisory. Facts that must be there are counted; invented ones cost more than omitted ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from gate.domain import Completion, Message, Sample, Score
from gate.families.advisory_facts import WEIGHTS, Fact, Reading, compared, reading
from gate.families.advisory_target import Truth, problems, truth_of
from gate.families.advisory_text import plain
from gate.families.advisory_versions import Interval

INVENTED = 0.35
"""What each invented fact costs: more than leaving out any one kind of fact does (at most 3 of 10)."""
WRONG = 0.1
"""What a contradicted fact costs, besides the credit for it."""
WORDS = 150
"""Words that a summary may have; from there to twice as many, its score falls in a straight line to 0."""
SENTENCE = 70
"""Words that the longest sentence may have, versions, identifiers and addresses not counted."""
_READ = 12_000
"""Characters of an answer that are read: far more than twice the words."""
_PER_WORD, _MOST_UNREADABLE = 0.01, 0.2
_ASK = """Summarise this security advisory for a release manager, in plain sentences and at most {words} words.

Name: every identifier of the flaw (CVE, GHSA and others); the package as its registry calls it; all affected versions;
all fixed versions, or that there is no fix; the severity; the weakness (CWE); a workaround, if the advisory has one.
Leave out what it does not say, and what it says of other flaws and packages.

{advisory}"""
_SEVERITY = {"none": "none", "low": "low", "medium": "moderate", "high": "high", "critical": "critical"}


@dataclass(frozen=True, slots=True)
class AdvisorySummary:
    """The weighted share of the target's facts, less what contradicted and invented facts cost, within the limits.

    ``input`` is ``{"advisory": text}``; ``target`` is described in docs/families/advisory-summary.md.
    """

    metric: str = "facts kept"

    def check(self, sample: Sample) -> Sequence[str]:
        found = [] if isinstance(sample.input.get("advisory"), str) else ["input.advisory must be text"]
        return [*found, *problems(sample.target)]

    def prompt(self, sample: Sample) -> tuple[Message, ...]:
        return (Message(role="user", content=_ASK.format(words=WORDS, advisory=sample.input["advisory"])),)

    def score(self, sample: Sample, completion: Completion) -> Score:
        truth, text = truth_of(sample.target), completion.text[:_READ]
        source = _source(str(sample.input.get("advisory", "")))
        facts = compared(truth, source, reading(text))
        value = max(0.0, _kept(facts) - _cost(facts) - _unreadable(text)) * _within_length(text)
        return Score(value=round(min(1.0, value), 6), reason=_reason(facts, text))

    def reference(self, sample: Sample) -> str:
        truth = truth_of(sample.target)
        main, *others = truth.ids
        also = f" ({', '.join(others)})" if others else ""
        said = [f"{main}{also} affects {_packages(truth)}.", _remedy(truth)]
        if truth.levels:
            scores = f" (CVSS {', '.join(map(str, sorted(truth.scores)))})" if truth.scores else ""
            said.append(f"Severity: {' or '.join(_SEVERITY[one] for one in sorted(truth.levels))}{scores}.")
        said += [f"Weakness: {', '.join(truth.cwes)}."] if truth.cwes else []
        said += [f"Workaround: {', '.join(truth.workaround)}."] if truth.workaround else []
        return " ".join(said)


@lru_cache(maxsize=512)
def _source(advisory: str) -> Reading:
    return reading(advisory)


def _kept(facts: Sequence[Fact]) -> float:
    asked = [one for one in facts if one.asked]
    return sum(WEIGHTS[one.kind] * one.share for one in asked) / sum(WEIGHTS[one.kind] for one in asked)


def _cost(facts: Sequence[Fact]) -> float:
    return sum(INVENTED * one.invented + WRONG * one.wrong for one in facts)


def _within_length(text: str) -> float:
    return max(0.0, min(1.0, 2 - _words(text) / WORDS))


def _unreadable(text: str) -> float:
    """Deducted for a sentence that does not end."""
    parts = re.split(r"(?<=[.!?:;])\s+|\n+", plain(text).text)
    longest = max(len(re.findall(r"[A-Za-z][A-Za-z'-]+", one)) for one in parts)
    return min(_MOST_UNREADABLE, max(0.0, (longest - SENTENCE) * _PER_WORD))


def _words(text: str) -> int:
    return len(text.split())


def _reason(facts: Sequence[Fact], text: str) -> str:
    """Kinds of facts in our words; nothing of the answer's text."""
    said = [
        _listed("missing", [one.kind for one in facts if one.asked and one.share == 0]),
        _listed("partly missing", [one.kind for one in facts if one.asked and 0 < one.share < 1]),
        _listed("wrong", [one.note or one.kind for one in facts if one.wrong]),
        _listed("invented", [f"{one.kind} ({one.invented})" for one in facts if one.invented]),
        f"{_words(text)} words where {WORDS} are the limit" if _words(text) > WORDS else "",
        "a sentence is too long" if _unreadable(text) else "",
    ]
    return "; ".join(filter(None, said)) or "every fact is there"


def _listed(what: str, kinds: Sequence[str]) -> str:
    return f"{what}: {', '.join(kinds)}" if kinds else ""


def _packages(truth: Truth) -> str:
    return "; ".join(
        f"{one.package} ({one.ecosystem}), versions {', '.join(_range(each) for each in one.ranges)}"
        for one in truth.affected
    )


def _range(one: Interval) -> str:
    start = f">= {one.low}" if one.low else ""
    end = f"{'<=' if one.high_in else '<'} {one.high}" if one.high else ""
    return " and ".join(filter(None, [start, end])) or ">= 0"


def _remedy(truth: Truth) -> str:
    return f"Fixed in {', '.join(truth.fixed)}." if truth.fixed else "There is no fix."
