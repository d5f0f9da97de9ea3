"""The comment, to the letter. `make golden` writes the files anew; read the difference before you commit it."""

import os
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
