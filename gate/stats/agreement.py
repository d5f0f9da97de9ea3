"""L5: how far a judge agrees with people, and what its errors leave open of a difference between two arms. Pure.

A judge passes a good answer with chance *se* (sensitivity) and fails a bad one with chance *sp* (specificity). Where it
errs alike on both arms, the judged difference is the true one times se + sp − 1 (Youden's J): errors hide losses. So
what is ruled out is divided by J, and by the lower limit of J, as the labels are few. Where it errs unlike on the arms,
errors alone can make a difference. Labels cannot rule that out better than they measure se and sp, so a loss (or gain)
counts only beyond what two label sets of this size and with these errors would differ by (`Agreement.doubt`).

References
----------
Cohen J. (1960). A coefficient of agreement for nominal scales. Educ. Psychol. Meas. 20, 37-46.
Youden W. J. (1950). Index for rating diagnostic tests. Cancer 3, 32-35.
Rogan W. J., Gladen B. (1978). Estimating prevalence from the results of a screening test. Am. J. Epidemiol. 107, 71-76.
Newcombe R. G. (1998). Interval estimation for the difference between independent proportions: comparison of eleven
methods. Statist. Med. 17, 873-890 (method 10: square and add, of Wilson's limits).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

LEVEL = 0.05
"""One-sided, of each limit here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share with its two limits."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One answer: what people said of it, and the judge's score in [0, 1]; None: it gave no verdict."""

    good: bool
    judged: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Of a judge with people, on `n` answers of which people called `good` good. No verdict counts as an error."""

    n: int
    good: int
    kappa: Rate
    sensitivity: Rate
    specificity: Rate

    @property
    def youden(self) -> Rate:
        """Sensitivity + specificity − 1; its limits by square and add."""
        se, sp = self.sensitivity, self.specificity
        value = se.value + sp.value - 1
        return Rate(
            value=value,
            low=value - math.hypot(se.value - se.low, sp.value - sp.low),
            high=value + math.hypot(se.high - se.value, sp.high - sp.value),
        )

    def true_share(self, judged: float) -> float:
        """The share of good answers behind a judged one (Rogan & Gladen), within [0, 1]."""
        youden = self.youden.value
        return min(1.0, max(0.0, (judged + self.specificity.value - 1) / youden)) if youden > 0 else judged

    def doubt(self, judged: float) -> float:
        """The largest difference between arms that the judge's errors alone could make, as far as the labels tell.

        `judged`: the mean score of the arm compared with. Newcombe's limit of the difference between two shares, each
        seen as often and with as many errors as here, for the good and the bad answers, in proportion to the arm's.
        """
        good = self.true_share(judged)
        return math.hypot(good * _apart(self.sensitivity), (1 - good) * _apart(self.specificity))


def agreement(labelled: Sequence[Labelled]) -> Agreement:
    """Kappa, sensitivity and specificity.

    Assumes answers that are independent of each other. Kappa is over the judge's verdicts as they are: a tie, or no
    verdict, agrees with nobody. Its limits are Wilson's limits of the agreement, with the agreement by chance as it was
    seen (as Cohen's own standard error has it); they are shown, and decide nothing. With no answers of one kind, or
    none at all, the share of that kind is 0 to 1, and kappa is 0.
    """
    n, good = len(labelled), sum(one.good for one in labelled)
    hits = sum(one.judged == float(one.good) for one in labelled)
    passed, failed = (sum(one.judged == value for one in labelled) for value in (1.0, 0.0))
    chance = (good * passed + (n - good) * failed) / n**2 if n else 0.0
    right = [one.judged or 0.0 for one in labelled if one.good]
    wrong = [1.0 if one.judged is None else one.judged for one in labelled if not one.good]
    return Agreement(
        n=n,
        good=good,
        kappa=_kappa(wilson(hits, n), chance),
        sensitivity=wilson(math.fsum(right), len(right)),
        specificity=wilson(len(wrong) - math.fsum(wrong), len(wrong)),
    )


def _kappa(agreed: Rate, chance: float) -> Rate:
    if chance >= 1:  # one kind of answer and one verdict: nothing was told apart
        return Rate(value=0.0, low=-1.0, high=1.0)
    value, low, high = ((share - chance) / (1 - chance) for share in (agreed.value, agreed.low, agreed.high))
    return Rate(value=value, low=max(-1.0, low), high=high)


def wilson(found: float, of: int, *, level: float = LEVEL) -> Rate:
    """Wilson's score limits of a share, each at the one-sided `level`.

    `found` may be a sum of scores in [0, 1]: they vary less than 0 and 1 with the same mean, so the limits hold.
    """
    if not of:
        return Rate(value=0.0, low=0.0, high=1.0)
    z, share = NormalDist().inv_cdf(1 - level), found / of
    middle = share + z * z / (2 * of)
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low, high = ((middle + side * spread) / (1 + z * z / of) for side in (-1, 1))
    return Rate(value=share, low=max(0.0, min(low, share)), high=min(1.0, max(high, share)))


def _apart(rate: Rate) -> float:
    return math.hypot(rate.value - rate.low, rate.high - rate.value)


def widened(interval: tuple[float, float], *, doubt: float, youden: float) -> tuple[float, float]:
    """The interval of the true difference, from that of the judged one. Never narrower.

    An end that claims a loss (below 0) or a gain (above 0) is moved towards 0 by all of `doubt`: so the claim holds for
    every difference of the judge's errors up to it, not on average over them. Where it reaches 0 it stays there, and
    claims nothing. An end that leaves a loss or gain open is divided by `youden`, in (0, 1].
    """
    low, high = interval
    if high < 0:
        high = min(0.0, high + doubt)
    if low > 0:
        low = max(0.0, low - doubt)
    return max(-1.0, low / youden if low < 0 else low), min(1.0, high / youden if high > 0 else high)
