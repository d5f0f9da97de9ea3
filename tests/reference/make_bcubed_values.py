"""Writes bcubed_values.json: what the package `bcubed` says of the groupings that test_bcubed_values.py asks gate.

    pip install bcubed && python tests/reference/make_bcubed_values.py

`bcubed` (Hromic, 1.5) is the extended B-cubed of Amigó et al. (2009). It has no word for ids on one side only: an
invented id is given an empty set of true labels (precision 0 by its own formula); recall is taken over the true ids, a
missing one with an empty set of groups. Nothing of gate is used here.
"""

import json
import random
from pathlib import Path

import bcubed
import numpy as np

HERE = Path(__file__).parent


def case(random_, *, shape):
    number = random_.randint(2, 14)
    ids = [f"f{index}" for index in range(number)]
    truth = {one: {random_.randint(0, max(1, number // 3))} for one in ids}
    given = {one: {random_.randint(0, max(1, number // 3))} for one in ids}
    if shape == "repeated":
        for one in random_.sample(ids, max(1, number // 3)):
            given[one] |= {random_.randint(0, number // 2), 90}
    if shape == "odd":
        for one in random_.sample(ids, max(1, number // 4)):
            given.pop(one)
        for index in range(random_.randint(1, 4)):
            given[f"x{index}"] = {random_.randint(0, max(1, number // 3) + 1)}
    return truth, given


def groups(assigned):
    names = sorted({one for found in assigned.values() for one in found})
    return [sorted(one for one in assigned if name in assigned[one]) for name in names]


def values(truth, given):
    labelled = {one: truth.get(one, set()) for one in given}
    placed = {one: given.get(one, set()) for one in truth}
    return float(bcubed.precision(given, labelled)), float(bcubed.recall(placed, truth))


def main():
    random_ = random.Random(20261125)
    rows = []
    for shape in ("plain", "repeated", "odd"):
        while sum(row["shape"] == shape for row in rows) < 12:
            truth, given = case(random_, shape=shape)
            if len(set(map(tuple, groups(given)))) != len(groups(given)):
                continue  # a group given twice counts once in gate, twice in bcubed
            precision, recall = values(truth, given)
            rows.append(
                {
                    "shape": shape,
                    "truth": groups(truth),
                    "given": groups(given),
                    "precision": precision,
                    "recall": recall,
                }
            )
    made_by = {"bcubed": "1.5", "numpy": np.__version__}
    text = json.dumps({"made_by": made_by, "rows": rows}, indent=None, separators=(",", ":"))
    (HERE / "bcubed_values.json").write_text(text.replace('{"shape"', '\n{"shape"') + "\n")


if __name__ == "__main__":
    main()
