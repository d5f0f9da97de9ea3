"""L4: summarise an advisory. Facts that must be there are counted; invented ones cost twice as much."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gate.domain import Completion, Message, Sample, Score

_FACTS = ("id", "package", "affected", "fixed", "severity", "weakness")
_IDS = re.compile(r"\b(?:CVE-\d{4}-\d{4,7}|GHSA(?:-[a-z0-9]{4}){3}|CWE-\d{1,5})\b", re.IGNORECASE)
_VERSIONS = re.compile(r"(?<![\w.])\d{1,5}\.\d{1,5}(?:\.\d{1,5})?(?![\w.]*\d)")
_LONGEST = 900
_ASK = """Summarise this security advisory for a release manager in at most three sentences. Name its identifier, the
package, the affected and the fixed version, the severity and the CWE. Add nothing that is not in it.

{advisory}"""


@dataclass(frozen=True, slots=True)
class AdvisorySummary:
    """Share of the target's facts that the summary names, less a third for each invented identifier or version."""

    metric: str = "facts kept"

    def check(self, sample: Sample) -> Sequence[str]:
        problems = [] if isinstance(sample.input.get("advisory"), str) else ["input.advisory must be text"]
        if not isinstance(sample.target, dict) or not all(isinstance(sample.target.get(key), str) for key in _FACTS):
            problems.append(f"target must name as text: {', '.join(_FACTS)}")
        return problems

    def prompt(self, sample: Sample) -> tuple[Message, ...]:
        return (Message(role="user", content=_ASK.format(advisory=sample.input["advisory"])),)

    def score(self, sample: Sample, completion: Completion) -> Score:
        text = completion.text
        if len(text) > _LONGEST:
            return Score(value=0.0, reason="the summary is too long")
        target = sample.target if isinstance(sample.target, dict) else {}
        missing = [name for name in _FACTS if not _names(text, str(target[name]))]
        invented = _claims(text) - _claims(str(sample.input["advisory"]))
        value = max(0.0, 1 - len(missing) / len(_FACTS) - len(invented) / 3)
        reason = f"missing: {', '.join(missing) or 'nothing'}; invented identifiers or versions: {len(invented)}"
        return Score(value=round(value, 6), reason=reason)

    def reference(self, sample: Sample) -> str:
        fact = sample.target if isinstance(sample.target, dict) else {}
        return (
            f"{fact['id']} ({fact['severity']}, {fact['weakness']}) affects {fact['package']} "
            f"from {fact['affected']} on; upgrade to {fact['fixed']}."
        )


def _names(text: str, fact: str) -> bool:
    """The fact as a word of its own: 1.2 is not named by 1.2.3."""
    return re.search(rf"(?<![\w.-]){re.escape(fact)}(?![\w-]|\.\d)", text, re.IGNORECASE) is not None


def _claims(text: str) -> set[str]:
    return {found.upper() for found in [*_IDS.findall(text), *_VERSIONS.findall(text)]}
