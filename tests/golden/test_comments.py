"""The comment, to the letter. `make golden` writes the files anew; read the difference before you commit it."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from gate.domain import Look, SliceKey
from gate.markdown import COMMENT_LIMIT, comment
from tests.fakes.reports import BASE, REPORTS, row

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", REPORTS)
def test_comment(name):
    path, text = HERE / f"{name}.md", comment(REPORTS[name])
    if os.environ.get("DRIFTGATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_comment__stays_within_the_limit_and_drops_passing_rows_first():
    slices = [SliceKey(name="cwe", value=f"CWE-{number}") for number in range(3000)]
    rows = [row("remediation", 0.0, "unchanged", slice_=one) for one in slices]
    text = comment(replace(REPORTS["blocked"], comparisons=(*rows, *REPORTS["blocked"].comparisons)))
    assert len(text.encode()) <= COMMENT_LIMIT
    assert "advisory-summary" in text
    assert "left out to fit" in text


def test_comment__an_open_family_is_not_called_decided_and_shows_its_last_looks():
    looks = [Look(samples=n, asked=2 * n, delta=-n / 1000, outcome="inconclusive") for n in range(10, 70, 10)]
    text = comment(
        replace(
            BASE, comparisons=(replace(row("remediation", 0.0, "inconclusive"), stage="looks", looks=tuple(looks)),)
        )
    )
    assert (
        "`remediation`: inconclusive at planned looks: …, −3.0 after 60 calls, −4.0 after 80 calls, −5.0 after 100 calls, −6.0 after 120 calls"
        in text
    )


@pytest.mark.parametrize("name", REPORTS)
def test_comment__scores_are_folded_only_where_all_is_well(name):
    before_the_table = comment(REPORTS[name]).partition("| family")[0]
    folded = "<summary>Scores of" in before_the_table
    fine = REPORTS[name].verdict == "pass" and all(one.outcome != "regressed" for one in REPORTS[name].comparisons)
    assert folded == fine


@pytest.mark.parametrize("name", REPORTS)
def test_comment__its_first_line_says_it_all_and_fits_a_notice_on_a_phone(name):
    first = comment(REPORTS[name]).splitlines()[0]
    words = {
        "pass": "Pass",
        "waived": "Waived",
        "blocked": "Blocked",
        "inconclusive": "Inconclusive",
        "error": "Could not evaluate",
        "neutral": "Nothing to evaluate",
    }
    assert re.match(rf"### \S+ {words[REPORTS[name].verdict]}: \S", first)
    assert len(first.removeprefix("### ")) <= 120
    for one in REPORTS[name].comparisons:
        if one.outcome == "regressed":
            assert one.family in first


def test_comment__of_several_configs_counts_each_family_once_and_names_whose_loss_it_is():
    both = (*BASE.comparisons, *(replace(one, config="models/b.yml") for one in BASE.comparisons))
    first = comment(replace(BASE, comparisons=both)).splitlines()[0]
    assert first == "### 🟢 Pass: no blocking regression in 2 families; exploit-hypothesis improved"
    first = comment(REPORTS["blocked-in-several-configs"]).splitlines()[0]
    assert "advisory-summary of models/b.yml lost 20.0 points and advisory-summary of models/a.yml lost 8.0" in first


def test_comment__its_first_line_names_fewer_losses_or_is_cut_and_the_reason_is_then_told_in_full():
    many = [
        replace(row("advisory-summary", -0.08, "regressed"), family=f"a-family-with-a-long-name-{n}") for n in range(5)
    ]
    text = comment(replace(BASE, verdict="blocked", comparisons=tuple(many)))
    first = text.splitlines()[0].removeprefix("### ")
    assert len(first) <= 120
    assert first.endswith(" lost 8.0 points, a-family-with-a-long-name-1 lost 8.0 points and 3 more")
    why = "the endpoint said no, " * 20 + "truly"
    first, _, rest = comment(replace(BASE, verdict="error", comparisons=(), reasons=(why,))).partition("\n")
    assert (len(first.removeprefix("### ")), first[-1], why in rest) == (120, "…", True)
