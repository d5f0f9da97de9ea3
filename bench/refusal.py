"""Weigh the signs of refusal on human labels, and measure the reading by cross-validation.

    PYTHONPATH=. python bench/refusal.py --data DIR [--out DIR] [--write]

DIR holds `xstest_refusals.jsonl` and `jailbreak_outcomes.csv`. Every figure is of rows that the weights were not made
from: once each model's answers are left out whole; three times the prompts are dealt into ten folds, each left out with
its answers. The worst of the four counts. `--write` makes gate/families/refusal_weights.py anew, from all rows.

The model is a logistic regression. Each weight is held to the side that its sign leans to, and drawn to 0.8
on that side where the rows say little, so that a sign which one model never shows still counts for the next model.
"""

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from tables import table

from gate.families.refusal import LEANINGS, signs_of

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
WEIGHTS = ROOT / "gate" / "families" / "refusal_weights.py"
NAMES = tuple(LEANINGS)
KINDS = {"1": "none", "2": "full", "3": "partial"}
PENALTY, PRIOR = 0.5, 0.8
PARTLY_PENALTY, PARTLY_PRIOR = 6.0, 1.0
HELP_AFTER = ("listed", "list-share", "code", "you-can", "however-head", "that-said", "helps-opening", "glad")
"""Signs that help goes with a refusal; with "bare" against them."""
FOLDS, DEALS = 10, 3
PUBLISHED = {"string matching (published)": "strmatch_label", "GPT-4 as judge (published)": "gpt4_label"}
BAR = (0.95, 0.90)
"""Least agreement and least kappa."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """`signs`: (rows, signs); `kinds`: none, full, partial; `models` and `prompts` name the groups."""

    signs: np.ndarray
    kinds: np.ndarray
    models: np.ndarray
    prompts: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    start: float
    each: np.ndarray
    partly_start: float
    partly_each: np.ndarray

    def read(self, signs: np.ndarray) -> np.ndarray:
        refused = self.start + signs @ self.each > 0
        partly = self.partly_start + signs @ self.partly_each > 0
        return np.where(refused, np.where(partly, "partial", "full"), "none")


def load(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rows_of(found: Sequence[Mapping[str, Any]]) -> Rows:
    signs = [signs_of(one["completion"]) for one in found]
    return Rows(
        signs=np.array([[one.get(name, 0.0) for name in NAMES] for one in signs]),
        kinds=np.array([KINDS[one["human_label"][0]] for one in found]),
        models=np.array([one["model"] for one in found]),
        prompts=np.array([one["id"] for one in found]),
    )


def weigh(rows: Rows, chosen: np.ndarray) -> Weights:
    """From the chosen rows, rounded as they are shipped."""
    signs, kinds = rows.signs[chosen], rows.kinds[chosen]
    leans = np.array([LEANINGS[name] for name in NAMES])
    start, each = _logistic(signs, kinds != "none", leans, prior=PRIOR, penalty=PENALTY)
    refused = kinds != "none"
    partly_leans = np.array([(name in HELP_AFTER) - (name == "bare") for name in NAMES])
    partly = _logistic(
        signs[refused], kinds[refused] == "partial", partly_leans, prior=PARTLY_PRIOR, penalty=PARTLY_PENALTY
    )
    return Weights(start=start, each=each, partly_start=partly[0], partly_each=partly[1])


def _logistic(
    signs: np.ndarray, is_so: np.ndarray, leans: np.ndarray, *, prior: float, penalty: float
) -> tuple[float, np.ndarray]:
    given = np.column_stack([np.ones(len(signs)), signs])
    drawn_to = np.concatenate([[0.0], prior * leans])
    penalties = np.full(given.shape[1], penalty)
    penalties[0] = 0.001

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        score, off = given @ weights, weights - drawn_to
        odds = 1 / (1 + np.exp(-np.clip(score, -40, 40)))
        value = np.sum(np.logaddexp(0, score) - is_so * score) + 0.5 * np.sum(penalties * off**2)
        return value, given.T @ (odds - is_so) + penalties * off

    bounds = [(None, None), *((0 if one > 0 else None, 0 if one < 0 else None) for one in leans)]
    found = minimize(loss, np.zeros(given.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds)
    weights = np.round(found.x, 2) + 0.0
    return float(weights[0]), weights[1:]


def left_out(rows: Rows, groups: np.ndarray) -> np.ndarray:
    """Each row as weights read it that were made without its group."""
    read = np.empty(len(groups), dtype=rows.kinds.dtype)
    for group in np.unique(groups):
        here = groups == group
        read[here] = weigh(rows, ~here).read(rows.signs[here])
    return read


def dealt(prompts: np.ndarray, seed: int) -> np.ndarray:
    """A fold for each row; all answers to a prompt are in one."""
    names = np.unique(prompts)
    places = np.random.default_rng(seed).permutation(len(names)) % FOLDS
    return np.array([dict(zip(names, places, strict=True))[one] for one in prompts])


def agreement(read: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """(share that agrees, Cohen's kappa)."""
    kinds = np.unique(np.concatenate([read, truth]))
    seen = float(np.mean(read == truth))
    chance = sum(float(np.mean(read == kind) * np.mean(truth == kind)) for kind in kinds)
    return seen, (seen - chance) / (1 - chance)


def either(kinds: np.ndarray) -> np.ndarray:
    """Full and partial refusals as one."""
    return np.where(kinds == "none", "none", "refused")


def measured(rows: Rows) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """How the rows were left out → (as read, as labelled)."""
    ways = {"each model left out": rows.models}
    ways |= {f"prompts in {FOLDS} folds, deal {seed + 1}": dealt(rows.prompts, seed) for seed in range(DEALS)}
    return {name: (left_out(rows, groups), rows.kinds) for name, groups in ways.items()}


def _report(found: Sequence[Mapping[str, Any]], rows: Rows) -> str:
    results = measured(rows)
    lines = [_line(name, read, truth) for name, (read, truth) in results.items()]
    for name, column in PUBLISHED.items():
        read = np.array([KINDS.get(one[column][:1], "unclear") for one in found])
        told = np.where(read == "unclear", read, either(read))
        lines.append([name, *_figures(told, either(rows.kinds)), "", ""])
    worst = min(agreement(either(read), either(truth))[1] for read, truth in results.values())
    by_model = results["each model left out"][0]
    each = [
        [str(model), *_figures(either(by_model)[here], either(rows.kinds)[here])]
        for model in np.unique(rows.models)
        for here in [rows.models == model]
    ]
    head = ["left out", "agreement", "kappa", "agreement, three kinds", "kappa, three kinds"]
    return (
        "# Reading refusals\n\n"
        f"Made by `make bench-refusal` on {len(found)} answers of five models with human labels (XSTest, Röttger et "
        f"al. 2023, CC-BY-4.0), {len(NAMES)} signs. Refusal (full or partial) against compliance; the last two columns "
        f"tell full from partial too. The worst kappa is {worst:.3f}.\n\n"
        + table(head, lines)
        + "\nThe model that was left out:\n\n"
        + table(["model", "agreement", "kappa"], each)
    )


def judges(path: Path) -> str:
    """How far two judges agree on whether an answer to an attack is harmful; rows without an answer are left out."""
    with path.open(encoding="utf-8") as lines:
        rows = [one for one in csv.DictReader(lines) if one["no_response"] == "0"]
    one, other = (np.array([row[name] for row in rows]) for name in ("jailbroken", "jailbroken_llama_guard1"))
    seen, kappa = agreement(one, other)
    apart = int(np.sum(one != other))
    return (
        f"\nTwo judges of harm on {len(rows)} answers to attacks (JailbreakBench, MIT): apart on {apart} "
        f"({1 - seen:.1%}), kappa {kappa:.3f}.\n"
    )


def _line(name: str, read: np.ndarray, truth: np.ndarray) -> list[str]:
    return [name, *_figures(either(read), either(truth)), *_figures(read, truth)]


def _figures(read: np.ndarray, truth: np.ndarray) -> list[str]:
    seen, kappa = agreement(read, truth)
    return [f"{seen:.1%}", f"{kappa:.3f}"]


def module(weights: Weights) -> str:
    """The table as the product has it."""
    pairs = zip(NAMES, weights.each, weights.partly_each, strict=True)
    lines = "".join(f'    "{name}": ({each:g}, {partly:g}),\n' for name, each, partly in pairs)
    return (
        '"""L4: how much each sign speaks for a refusal, and then for a partial one. '
        'Made by bench/refusal.py."""\n\n'
        "from __future__ import annotations\n\n"
        f"START = {weights.start:g}\nPARTLY_START = {weights.partly_start:g}\n"
        f"WEIGHTS: dict[str, tuple[float, float]] = {{\n{lines}}}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--write", action="store_true", help="make the product's table of weights anew")
    options = parser.parse_args()
    found = load(options.data / "xstest_refusals.jsonl")
    rows = rows_of(found)
    if options.write:
        WEIGHTS.write_text(module(weigh(rows, np.ones(len(found), dtype=bool))), encoding="utf-8")
    text = _report(found, rows) + judges(options.data / "jailbreak_outcomes.csv")
    (options.out / "refusal.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
