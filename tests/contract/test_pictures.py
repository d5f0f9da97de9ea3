"""docs/pictures and the page that shows them: drawn from the figures in git, which are what the engine finds."""

import importlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/pictures"
FIGURES = json.loads((FOLDER / "figures.json").read_text())
PAGE = " ".join((ROOT / "docs/guide/statistics.md").read_text().split())
BENCH = (ROOT / "bench/results/statistics.md").read_text()


@pytest.fixture(scope="module")
def scripts():
    """The modules of `make pictures`, which import one another by their bare names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module("draw"), importlib.import_module("measure")


def test_pictures__are_drawn_from_the_figures(scripts):
    for name, text in scripts[0].pictures(FIGURES).items():
        assert (FOLDER / name).read_text() == text, "run make pictures"
        assert f"](../pictures/{name})" in PAGE


def test_figures__are_what_the_engine_finds(scripts):
    found = json.loads(json.dumps(scripts[1].measured(400)))
    for exact in ("outcomes", "many", "sight", "pairs"):
        assert found[exact] == FIGURES[exact]
    assert [row["path"] for row in found["ways"]] == [row["path"] for row in FIGURES["ways"]]
    assert found["twice"]["two_lower"] == pytest.approx(FIGURES["twice"]["two_lower"], abs=0.05)
    assert found["peeking"]["any"] == pytest.approx(FIGURES["peeking"]["any"], abs=0.05)
    assert found["peeking"]["planned"] <= 0.06


def bench(rule, column):
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in BENCH.splitlines() if line.startswith("|")]
    (head,) = (row for row in rows if row[0] == "rule" and "hard 5" in row)
    return next(row for row in rows if row[0] == rule)[head.index(column)]


def test_page__says_what_was_measured():
    twice, pairs, peeking = FIGURES["twice"], FIGURES["pairs"], FIGURES["peeking"]
    assert f"lower {twice['lower']:.0%} of the time".replace("%", " %") in PAGE
    assert f"two points or more {twice['two_lower']:.0%}".replace("%", " %") in PAGE
    assert f"the candidate lost {pairs['lost']} and won {pairs['gained']}" in PAGE
    assert f"p = {pairs['p_value']:.4f}" in PAGE
    assert 650 < 1 / pairs["p_value"] < 750
    same, ten, _ = FIGURES["ways"]
    assert f"at most {ten['calls']:.0f} of the 800 calls" in PAGE
    assert f"passed after at most {same['calls']:.0f}" in PAGE
    assert (
        f"in {peeking['any'][3]:.0%} of runs after four looks and in {peeking['any'][-1]:.0%}".replace("%", " %")
        in PAGE
    )
    assert f"find one in {100 * peeking['planned']:.1f} %" in PAGE
    assert f"looks alone catch a drop of five points in {bench('group-sequential only, 4 looks', 'hard 5')}" in PAGE
    assert f"second runs together in {bench('engine as shipped', 'hard 5')}" in PAGE
    assert re.search(r"no change, clusters of 5 \| exact McNemar \+ Holm \| 2,000 \| 31\.\d %", BENCH)
    assert "| no change, clusters of 5 | engine as shipped | 2,000 | 4.4 %" in BENCH
    assert 0.4 < float(bench("drop > 5 points fails", "hard 5").removesuffix(" %")) / 100 < 0.55


def test_page__its_table_is_the_picture():
    rows = re.findall(r"^\| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", (ROOT / "docs/guide/statistics.md").read_text(), re.MULTILINE)  # fmt: skip
    for size, *drops in rows:
        place = FIGURES["sight"][0]["sizes"].index(int(size.replace(",", "")))
        assert drops == [f"{100 * row['drops'][place]:.1f}" for row in FIGURES["sight"]]
    assert len(rows) == 4
