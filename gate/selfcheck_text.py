"""L8: the check of datasets and scorers on a terminal: the table, then what is worth a look."""

from __future__ import annotations

from collections.abc import Sequence

from gate.selfcheck import PROBES, Checked, Mean
from gate.wording import points, printable

_HEADERS = ("family", "samples", "clusters", *PROBES, "guess: commonest", "guess: words")


def text(found: Sequence[Checked]) -> str:
    """Plain text; nothing in it can steer a terminal."""
    from tabulate import tabulate

    table = tabulate(
        [_row(one) for one in found],
        headers=_HEADERS,
        tablefmt="simple",
        colalign=("left", *("right",) * (len(_HEADERS) - 1)),
        disable_numparse=True,
    )
    notes = [f"- {one.family}: {line}" for one in found for line in (*one.undecided, *one.notes)]
    legend = (
        "mean scores in points of 100; guess: the label that is easiest to guess, in % right, learned on other clusters"
    )
    return "\n".join(printable(line) for line in (*table.split("\n"), "", legend, *notes))


def _row(one: Checked) -> tuple[str, ...]:
    easiest = max(one.guesses, key=lambda guess: guess.words - guess.majority, default=None)
    guessed = (points(easiest.majority), points(easiest.words)) if easiest else ("–", "–")
    scores = (_score(one.means[probe]) for probe in PROBES)
    return printable(one.family)[:48], f"{one.samples:,}", f"{one.clusters:,}", *scores, *guessed


def _score(mean: Mean) -> str:
    return f"{points(mean.value)} ({mean.unscored} unscored)" if mean.unscored else points(mean.value)
