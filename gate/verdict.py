"""L6: comparisons → verdict. Pure. The file auditors read.

In this order:

1. ``blocked``       some blocking unit regressed, and no waiver covers it;
2. ``inconclusive``  the budget ended the run before everything was asked;
3. ``error``         a blocking family could not be measured at all (no pair scored on both arms), or is open because
                     an endpoint was given up;
4. ``inconclusive``  some blocking unit that could see its margin shows neither a loss nor the absence of one;
5. ``waived``        what regressed is covered by waivers;
6. ``pass``          every blocking unit is unchanged or improved.

Nothing to compare is ``neutral`` only where there was nothing to evaluate; a run that gave no comparison
is an ``error``. A slice too small to see its margin can block, but a pass does not wait for it: it passes
with its family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gate.domain import Comparison, Cut, Verdict
from gate.errors import EXIT_BLOCKED, EXIT_PASS, EXIT_UNDECIDED

EXIT_CODES: dict[Verdict, int] = {
    "pass": EXIT_PASS,
    "waived": EXIT_PASS,
    "neutral": EXIT_PASS,
    "blocked": EXIT_BLOCKED,
    "inconclusive": EXIT_UNDECIDED,
    "error": EXIT_UNDECIDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict, and the comparisons that made it."""

    verdict: Verdict
    because: tuple[Comparison, ...] = ()

    @property
    def blocked(self) -> bool:
        return self.verdict == "blocked"


def decide(comparisons: Sequence[Comparison], *, cut: Cut = "") -> Decision:
    """The verdict of a run that evaluated something."""
    blocking = [one for one in comparisons if one.severity == "blocking"]
    regressed = [one for one in blocking if one.outcome == "regressed"]
    if unwaived := [one for one in regressed if one.waiver is None]:
        return Decision(verdict="blocked", because=tuple(unwaived))
    open_ = [one for one in blocking if one.gating and one.outcome == "inconclusive"]
    if cut == "budget":
        return Decision(verdict="inconclusive", because=tuple(open_))
    unmeasured = [one for one in blocking if one.slice is None and one.n_pairs == 0]
    if unmeasured or not comparisons:
        return Decision(verdict="error", because=tuple(unmeasured))
    if open_:
        return Decision(verdict="error" if cut else "inconclusive", because=tuple(open_))
    if regressed:
        return Decision(verdict="waived", because=tuple(regressed))
    return Decision(verdict="pass")
