"""Writes agreement_values.json: what statsmodels says of the cases that test_agreement_values.py asks gate.stats.

    python tests/reference/make_agreement_values.py

Nothing of gate is used here. `published` holds values as printed in the sources named.
"""

import json
from pathlib import Path

import statsmodels
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

HERE = Path(__file__).parent
TABLES = [
    (20, 5, 10, 15),
    (45, 15, 25, 15),
    (25, 35, 5, 35),
    (50, 0, 0, 50),
    (57, 3, 6, 54),
    (30, 0, 30, 0),
    (9, 1, 0, 20),
]
SHARES = [(0, 10), (1, 10), (57, 60), (54, 60), (60, 60), (190, 200), (15, 148)]


def kappa_rows():
    """Tables of people (rows: good, bad) by judge (columns: pass, fail)."""
    for table in TABLES:
        found = cohens_kappa([list(table[:2]), list(table[2:])])
        yield {"table": table, "kappa": None if found.kappa != found.kappa else found.kappa}


def wilson_rows():
    for found, of in SHARES:
        low, high = proportion_confint(found, of, alpha=0.1, method="wilson")
        yield {"found": found, "of": of, "low": low, "high": high}


def apart_rows():
    """Newcombe's interval for the difference of two shares that were seen alike."""
    for found, of in SHARES:
        low, high = confint_proportions_2indep(found, of, found, of, method="newcomb", compare="diff", alpha=0.1)
        yield {"found": found, "of": of, "half": (high - low) / 2}


if __name__ == "__main__":
    values = {
        "made by": {"statsmodels": statsmodels.__version__},
        "kappa": list(kappa_rows()),
        "wilson": list(wilson_rows()),
        "apart": list(apart_rows()),
        "published": [
            {
                "source": "Newcombe 1998 (two-sided paper), Statist. Med. 17, 857-872, table I, method 3: 15 of 148",
                "found": 15,
                "of": 148,
                "level": 0.025,
                "low": 0.0624,
                "high": 0.1605,
            }
        ],
    }
    (HERE / "agreement_values.json").write_text(json.dumps(values, indent=1) + "\n")
