"""The measured parts of the datasheet in docs/datasets.md: `make datasets` writes them.

python -m datasets.sheet   print what is measured of the samples
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from gate.dataset_quality import guesses, near_duplicates, nearest, shingles
from gate.datasets import load_builtin
from gate.domain import Dataset, Sample
from gate.evaluation import starter_suites
from gate.families import FAMILIES
from gate.selfcheck import PROBES, SEED, Checked, check_suite
from gate.wording import points

PAGE = Path(__file__).resolve().parents[1] / "docs" / "datasets.md"
ANSWERS, END_ANSWERS = "<!-- table: make datasets -->\n", "<!-- end of the table -->"
START, END = "<!-- measured: python -m datasets.sheet -->\n", "<!-- end of what is measured -->"
_SHOWN = 12


def sheet() -> str:
    """One table a family, as markdown."""
    return "\n".join(_family(kind, load_builtin(kind)) for kind in FAMILIES)


def answers(found: Iterable[Checked]) -> str:
    """What each of the four answers scores, as markdown; as `driftgate validate --datasets` has it."""
    rows = [[one.family, f"{one.samples}", *(points(one.means[probe].value) for probe in PROBES)] for one in found]
    head = ["family", "samples", *PROBES]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def written(page: str) -> str:
    """A page with its measured part made anew."""
    return _between(page, START, sheet(), END)


def _between(page: str, start: str, text: str, end: str) -> str:
    before, _, rest = page.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n{text}\n{end}{after}"


def _family(kind: str, dataset: Dataset) -> str:
    samples = dataset.samples
    sets = shingles(samples)
    facts = {
        "samples": str(len(samples)),
        "clusters": _clusters(samples),
        **{f"slice `{name}`": _slice(samples, name) for name in sorted({key for one in samples for key in one.slices})},
        "near-duplicates": f"{len(near_duplicates(sets))}; the two most alike share {100 * nearest(sets):.0f} %",
        "labels guessed": _guesses(samples),
        "digest": f"`{dataset.digest}`",
    }
    rows = "".join(f"| {name} | {fact} |\n" for name, fact in facts.items())
    return f"### {kind}\n\n[How it is asked and scored](families/{kind}.md).\n\n| | |\n|---|---|\n{rows}"


def _clusters(samples: Sequence[Sample]) -> str:
    counts = Counter(one.cluster or one.id for one in samples)
    return f"{len(counts)}, of {min(counts.values())} to {max(counts.values())} samples"


def _slice(samples: Sequence[Sample], name: str) -> str:
    counts = Counter(one.slices.get(name, "none") for one in samples).most_common()
    shown = [f"{value} {number}" for value, number in sorted(counts, key=lambda one: (-one[1], one[0]))[:_SHOWN]]
    rest = len(counts) - len(shown)
    return ", ".join([*shown, f"{rest} more"] if rest else shown)


def _guesses(samples: Sequence[Sample]) -> str:
    told = [
        f"`{one.field}`: {100 * one.majority:.1f} % by the commonest of {one.values}, {100 * one.words:.1f} % by words"
        for one in guesses(samples)
    ]
    return "; ".join(told) or "the target holds no label"


def renew() -> None:
    """Write all that is measured into the page: a quarter of a minute, since some answers are code that is run."""
    table = answers(check_suite(one, seed=SEED) for one in starter_suites())
    page = _between(PAGE.read_text(encoding="utf-8"), ANSWERS, table, END_ANSWERS)
    PAGE.write_text(written(page), encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write(sheet())
