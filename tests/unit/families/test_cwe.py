"""Weaknesses as people write them, and how near one is to another."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from datasets import cwe_table
from gate.families import cwe
from gate.families.cwe import STEPS, nearness, parse_cwes

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT.parent / "shared/data/go_cve_cwe.jsonl"


def published():
    if not PUBLISHED.is_file():
        pytest.skip("../shared/data/go_cve_cwe.jsonl is not on this machine")
    return [json.loads(line) for line in PUBLISHED.read_text().splitlines()]


def test_parse_cwes__every_published_text_means_what_its_record_says():
    rows = published()
    assert len(rows) == 120
    assert [list(parse_cwes(row["cwe_text"])) for row in rows] == [row["cwe"] for row in rows]


def test_parse_cwes__a_published_name_alone_is_enough():
    # Without their numbers; two records give CWE-74 the name of CWE-20.
    named = [(re.sub(r"(?i)^cwe.?\d+\W*", "", row["cwe_text"][0]), row["cwe"]) for row in published()]
    found = [list(parse_cwes(name)) == truth for name, truth in named if name]
    assert (len(found), found.count(False)) == (118, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CWE 400", ["CWE-400"]),
        ("cwe_079", ["CWE-79"]),
        ("CWE ID: 22", ["CWE-22"]),
        ("CWE\u2011787: Out-of-bounds Write", ["CWE-787"]),
        ("https://cwe.mitre.org/data/definitions/611.html", ["CWE-611"]),
        ("CWE-79, 89 and CWE-20", ["CWE-79", "CWE-89", "CWE-20"]),
        ("CWE-787: 4 byte write", ["CWE-787"]),
        ("CWE-120, 3 bytes too many", ["CWE-120"]),
        ("CWE-74: Improper input validation", ["CWE-74"]),
        (79, ["CWE-79"]),
        ("79, 89", ["CWE-79", "CWE-89"]),
        (["CWE-79", None, {"id": 1}, "xss; SQL Injection"], ["CWE-79", "CWE-89"]),
        ("IMPROPER INPUT VALIDATION", ["CWE-20"]),
        ("Cross-site Scripting (XSS) and path traversal", ["CWE-79", "CWE-22"]),
        ("Information Exposure", ["CWE-200"]),  # its name until 2020
        ("Uncontrolled Resource Consumption ('Resource Exhaustion')", ["CWE-400"]),
        ("Improper Neutralization of Escape, Meta, or Control Sequences", ["CWE-150"]),
        ("Path Traversal: '../filedir'", ["CWE-24"]),
        ("Cryptographic Issues", ["CWE-310"]),
        ("XML External Entity (XXE)", ["CWE-611"]),  # what people say, and MITRE's list does not
        ("stored XSS", ["CWE-79"]),
        ("Zip Slip", []),  # CWE-23 and CWE-59 both claim it
        ("header injection", []),  # not what CWE-74 "Injection" alone would mean
        ("an injection of some kind", []),
        ("NVD-CWE-noinfo", []),
        ("n/a", []),
        ("CWE-0", []),
        ("CWE-1234567", []),
        (True, []),
        (None, []),
    ],
)
def test_parse_cwes__reads_and_never_guesses(text, expected):
    assert list(parse_cwes(text)) == expected


@settings(deadline=None, max_examples=60)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_parse_cwes__any_value_gives_ids(value):
    found = parse_cwes(value)
    assert all(re.fullmatch(r"CWE-[1-9]\d{0,4}", one) for one in found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("given_", "true", "expected"),
    [
        ("CWE-79", "CWE-79", STEPS[0]),
        ("CWE-9999", "CWE-9999", STEPS[0]),  # newer than the table
        ("CWE-77", "CWE-78", STEPS[1]),
        ("CWE-78", "CWE-77", STEPS[1]),
        ("CWE-74", "CWE-78", STEPS[2]),
        ("CWE-23", "CWE-22", STEPS[1]),
        ("CWE-707", "CWE-74", 0),  # the parent, but a pillar
        ("CWE-74", "CWE-707", STEPS[1]),
        ("CWE-23", "CWE-36", 0),  # cousins
        ("CWE-89", "CWE-79", 0),
        ("CWE-310", "CWE-327", 0),  # a category has no place in the view
        ("CWE-9999", "CWE-79", 0),
    ],
)
def test_nearness__runs_along_one_line_of_the_research_view(given_, true, expected):
    assert nearness(given_, true) == expected


def test_table__is_what_its_generator_makes():
    assert (ROOT / "gate/families/cwe.tsv").read_text() == cwe_table.table(cwe_table.source())


def test_table__is_read_only_when_it_is_needed():
    cwe._table.cache_clear()
    assert parse_cwes("CWE-79: Cross-site Scripting") == ("CWE-79",)
    assert nearness("CWE-79", "CWE-79") == 1
    assert cwe._table.cache_info().misses == 0
    assert parse_cwes("cross-site scripting") == ("CWE-79",)
    assert cwe._table.cache_info().misses == 1
