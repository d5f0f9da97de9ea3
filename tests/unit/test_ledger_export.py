"""A ledger for other programs: all of it, and no cell that a spreadsheet would run."""

import csv
import json
from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given, strategies as st

from gate.cli import main
from gate.domain import SliceKey
from gate.ledger import append, check, next_line, read
from gate.ledger_export import export
from tests.fakes.comparisons import comparison
from tests.fakes.reports import REPORTS


def ledger(*reports, tag=None):
    data = b""
    for one in reports:
        data += next_line(check(data, file="l"), one, tag=tag) + b"\n"
    return check(data, file="l")


def rows(found):
    return list(csv.DictReader(StringIO(export(found, "csv"))))


def test_csv__has_a_row_for_each_comparison_and_for_each_decision_without_one():
    found = rows(ledger(REPORTS["blocked"], REPORTS["neutral"]))
    assert [(row["line"], row["verdict"], row["family"]) for row in found] == [
        ("1", "blocked", "exploit-hypothesis"),
        ("1", "blocked", "advisory-summary"),
        ("1", "blocked", "advisory-summary"),
        ("2", "neutral", ""),
    ]
    _, lost, rare, _ = found
    assert (lost["delta"], lost["interval_low"], lost["outcome"]) == ("-0.08", "-0.1", "regressed")
    assert (lost["dropped_baseline"], lost["dropped_candidate"], lost["gating"]) == ("0", "3", "true")
    assert (rare["slice_name"], rare["slice_value"]) == ("cwe", "CWE-787 | `x` @all")
    assert lost["head_sha"] == REPORTS["blocked"].provenance.head_sha
    assert float(lost["margin"]) == 0.05


def test_csv__of_an_empty_ledger_is_its_header():
    assert export(ledger(), "csv").count("\n") == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\uff1d", "\u200b@"])
def test_csv__no_cell_begins_like_a_formula(start):
    text = f"{start}HYPERLINK(1)"
    one = comparison("regressed", -0.1, family=text, slice=SliceKey(name=text, value=text), config=text, waiver=text)
    (row,) = rows(ledger(replace(REPORTS["pass"], comparisons=(one,)), tag=text))
    for name in ("tag", "config", "family", "slice_name", "slice_value", "waiver"):
        assert row[name].startswith("'"), name
        assert "HYPERLINK" in row[name]
    assert row["delta"] == "-0.1"


@given(st.text(max_size=40))
def test_csv__any_text_stays_in_its_cell_and_is_no_formula(text):
    one = comparison("improved", family=text, reason=text)
    (row,) = rows(ledger(replace(REPORTS["pass"], comparisons=(one,)), tag=text))
    assert row["outcome"] == "improved"
    assert None not in row
    for name in ("tag", "family", "reason"):
        assert not row[name].strip().startswith(("=", "+", "-", "@"))


def test_json__is_all_that_the_ledger_holds():
    found = ledger(REPORTS["waived"], REPORTS["blocked"])
    out = json.loads(export(found, "json"))
    assert [(one["line"], one["hash"]) for one in out] == list(enumerate(found.hashes, start=1))
    assert out[0]["waivers"][0]["because"] == REPORTS["waived"].waivers[0].because
    assert out[1]["previous"] == found.hashes[0]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_export__prints_nothing_raw(form):
    assert export(ledger(REPORTS["pass"], tag="a\x1b[31m\x9b\u202e"), form).isascii()


def test_export__writes_a_file_or_prints_and_takes_nothing_that_is_not_sound(tmp_path, capsys):
    path, out = tmp_path / "l", tmp_path / "l.csv"
    append(path, REPORTS["pass"], tag=None, say=str)
    assert main(["ledger", "export", str(path), "--format", "csv", "--out", str(out)]) == 0
    assert main(["ledger", "export", str(path), "--format", "csv"]) == 0
    assert capsys.readouterr().out == out.read_text() == export(read(path), "csv")
    path.write_bytes(path.read_bytes()[1:])
    assert main(["ledger", "export", str(path)]) == 2
    assert "was changed" in capsys.readouterr().err
