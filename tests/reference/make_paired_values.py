"""Writes paired_values.json: what scipy and statsmodels say of the cases that test_paired_values.py asks gate.stats.

    python tests/reference/make_paired_values.py

Nothing of gate is used here. Tango's interval is in neither library: it is derived again from its definition, with the
nuisance parameter found by maximising the multinomial likelihood numerically instead of by Tango's closed form.
"""

import json
import math
from pathlib import Path

import numpy as np
import scipy
import statsmodels
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import binomtest, norm, permutation_test
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

HERE = Path(__file__).parent
COUNTS = [(0, 0), (0, 3), (1, 0), (1, 7), (5, 5), (7, 1), (12, 40), (40, 12), (90, 60), (0, 21), (400, 350)]
TABLES = [(7, 1, 21), (1, 7, 21), (0, 3, 50), (3, 0, 50), (10, 10, 400), (20, 8, 400), (16, 6, 161), (60, 12, 100)]
LEVELS = [0.05, 0.042, 0.01]


def mcnemar_rows():
    for lost, gained in COUNTS:
        total = lost + gained
        one_sided = binomtest(lost, total, alternative="greater").pvalue if total else 1.0
        two_sided = mcnemar([[50, lost], [gained, 50]], exact=True).pvalue if total else 1.0
        yield {"lost": lost, "gained": gained, "p_worse": float(one_sided), "two_sided": float(two_sided)}


def sign_flip_rows():
    random = np.random.default_rng(20261124)
    for n, shape in ((3, "graded"), (6, "tied"), (10, "graded"), (13, "tied"), (14, "graded"), (17, "graded")):
        baseline = random.random(n) if shape == "graded" else random.integers(0, 4, n) / 3
        candidate = random.random(n) * 0.7 if shape == "graded" else random.integers(0, 3, n) / 3
        baseline, candidate = np.round(baseline, 2), np.round(candidate, 2)
        p = {side: flips(baseline, candidate, side) for side in ("less", "greater")}
        arms = {"baseline": baseline.tolist(), "candidate": candidate.tolist()}
        yield {**arms, "p_worse": p["less"], "p_better": p["greater"]}


def flips(baseline, candidate, side):
    def total(x, y, axis):
        return np.round(y - x, 12).sum(axis=axis)

    found = permutation_test(
        (baseline, candidate), total, permutation_type="samples", vectorized=True, n_resamples=np.inf, alternative=side
    )
    return float(found.pvalue)


def tango_rows():
    for lost, gained, n in TABLES:
        for level in LEVELS:
            low, high = tango(lost, gained, n, level)
            yield {"lost": lost, "gained": gained, "n": n, "level": level, "low": low, "high": high}


def tango(lost, gained, n, level):
    """Both one-sided limits at `level`: where the score statistic is the normal quantile."""
    z, delta, edge = norm.ppf(1 - level), (gained - lost) / n, 1 - 1e-9
    low = brentq(lambda at: score(lost, gained, n, at) - z, -edge, delta, xtol=1e-12)
    high = brentq(lambda at: score(lost, gained, n, at) + z, delta, edge, xtol=1e-12)
    return low, high


def score(lost, gained, n, at):
    """The score statistic of "P(gained) − P(lost) = at": P(lost) = q maximises the likelihood under it."""
    least, most = max(0.0, -at), (1 - at) / 2

    def surprise(q):
        cells = ((lost, q), (gained, q + at), (n - lost - gained, 1 - 2 * q - at))
        return -sum(count * math.log(max(p, 1e-300)) for count, p in cells if count)

    q = minimize_scalar(surprise, bounds=(least, most), method="bounded", options={"xatol": 1e-13}).x
    q = min((q, least, most), key=surprise)
    variance = n * (2 * q + at - at * at)
    return (gained - lost - n * at) / math.sqrt(max(variance, 1e-300))


def holm_rows():
    random = np.random.default_rng(20261125)
    for units in (1, 2, 5, 9, 20):
        for scale in (1, 10, 40):
            p = np.round(random.random(units) / scale, 6)
            yield {"p": p.tolist(), "rejected": multipletests(p, alpha=0.05, method="holm")[0].tolist()}


def tarone_rows():
    """Discordant counts of small units, and which of them Tarone's single step rejects."""
    random = np.random.default_rng(20261126)
    for _ in range(20):
        totals = random.choice([1, 2, 3, 4, 5, 6, 8, 12, 20], 8)
        lost = [int(random.binomial(total, random.choice([0.5, 0.95]))) for total in totals]
        pairs = zip(lost, totals.tolist(), strict=True)
        p = np.array([binomtest(a, total, alternative="greater").pvalue for a, total in pairs])
        level = 0.05 / tarone(0.5**totals, 0.05)
        yield {"lost": lost, "total": totals.tolist(), "rejected": (p <= level).tolist()}


def tarone(floors, alpha):
    """Tarone's K: the least k such that at most k tests can have a p-value of alpha / k or less."""
    return next(k for k in range(1, len(floors) + 1) if (floors <= alpha / k).sum() <= k)


def main():
    record = {
        "made_by": f"make_paired_values.py, scipy {scipy.__version__}, statsmodels {statsmodels.__version__}",
        "mcnemar": list(mcnemar_rows()),
        "sign_flip": list(sign_flip_rows()),
        "tango": list(tango_rows()),
        "holm": list(holm_rows()),
        "tarone": list(tarone_rows()),
    }
    lines = [f" {json.dumps(name)}: {_rows(rows)}" for name, rows in record.items()]
    (HERE / "paired_values.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _rows(rows):
    return json.dumps(rows) if isinstance(rows, str) else "[\n  " + ",\n  ".join(map(json.dumps, rows)) + "\n ]"


if __name__ == "__main__":
    main()
