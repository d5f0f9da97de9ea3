"""`driftgate render --format html` with and without the samples beside the report."""

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest

from gate.app import render
from gate.errors import UsageError
from gate.evidence import Evaluated, to_json
from gate.outputs import write_outputs
from gate.tools import Tools
from tests.fakes.evidence import EVIDENCE
from tests.fakes.reports import REPORTS

FOUND = Evaluated(report=REPORTS["blocked"], evidence=EVIDENCE)


@pytest.fixture
def folder(tmp_path):
    write_outputs(FOUND, tmp_path)
    return tmp_path


def page(folder, flips=None, form="html"):
    out, err = StringIO(), StringIO()
    tools = Tools(environ={}, out=out, err=err, now=lambda: datetime.now(UTC))
    assert render(folder / "report.json", form, None, tools, flips) == 0
    return out.getvalue(), err.getvalue()


def test_render__samples_beside_the_report_are_in_the_page_again(folder):
    text, said = page(folder)
    assert text == (folder / "report.html").read_text()
    assert "another\\nanswer" in text
    assert said == ""


def test_render__samples_may_lie_elsewhere(folder):
    (folder / "flips.json").rename(folder / "elsewhere.json")
    assert "another\\nanswer" not in page(folder)[0]
    assert page(folder, folder / "elsewhere.json") == ((folder / "report.html").read_text(), "")


@pytest.mark.parametrize("named", [True, False])
def test_render__samples_of_another_report_are_left_out_and_it_says_so(folder, named):
    write_outputs(replace(FOUND, report=REPORTS["waived"]), folder / "other")
    (folder / "other/flips.json").rename(folder / "flips.json")
    text, said = page(folder, folder / "flips.json" if named else None)
    assert "another\\nanswer" not in text
    assert said.startswith(f"{folder}/flips.json: belongs to another report than {folder}/report.json")
    assert said.count("\n") == 1


@pytest.mark.parametrize("broken", ["{", to_json(EVIDENCE).replace('"lost"', '"gone"'), "\ufeff", "[" * 100_000])
def test_render__a_broken_file_is_one_line_and_an_error_only_where_it_was_named(folder, broken):
    (folder / "flips.json").write_text(broken)
    text, said = page(folder)
    assert "another\\nanswer" not in text
    assert (said.count("\n"), "is not a Driftgate flips file" in said) == (1, True)
    with pytest.raises(UsageError, match="is not a Driftgate flips file"):
        page(folder, folder / "flips.json")


def test_render__samples_are_for_the_page_only(folder):
    with pytest.raises(UsageError, match="goes with --format html"):
        page(folder, folder / "flips.json", "markdown")
    assert "another" not in page(folder, form="markdown")[0]
