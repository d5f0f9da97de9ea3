"""junit.xml is what CI servers take: by schema, and whatever stands in names and reasons."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given, strategies as st

from gate.domain import SliceKey
from gate.junit import junit
from tests.fakes.reports import BAD, BASE, REPORTS, row

SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[1] / "reference/junit.xsd")


def cases_of(report):
    return {one.get("name"): one for one in ET.fromstring(junit(report)).iter("testcase")}


def told(report, name):
    (found,) = cases_of(report)[name]
    return found.tag, found.get("message")


@pytest.mark.parametrize("name", REPORTS)
def test_junit__is_valid_in_each_situation_and_its_counts_are_right(name):
    root = ET.fromstring(junit(REPORTS[name]))
    SCHEMA.validate(junit(REPORTS[name]))
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        assert int(root.get(attribute)) == len(list(root.iter(tag))), attribute


@pytest.mark.parametrize("name", REPORTS)
def test_junit__is_green_only_where_the_gate_is(name):
    root = ET.fromstring(junit(REPORTS[name]))
    red = int(root.get("failures")) + int(root.get("errors")) > 0
    assert red == (REPORTS[name].verdict in ("blocked", "inconclusive", "error"))


def test_junit__a_blocking_loss_is_a_failure_with_reason_and_figures():
    tag, message = told(REPORTS["blocked"], "advisory-summary")
    assert (tag, message) == ("failure", "a reason in words")
    assert "delta −8.0 [−10.0, −6.0]" in cases_of(REPORTS["blocked"])["advisory-summary"][0].text


def test_junit__a_waived_loss_is_skipped_and_says_who_and_why():
    tag, message = told(REPORTS["waived"], "advisory-summary")
    assert tag == "skipped"
    assert message.startswith("waived: lost 8.0 points of 10.0 allowed, by alice until 2026-11-28: @bob's customer")


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (replace(BAD, severity="advisory"), "advisory: a reason in words"),
        (row("f", -0.02, "inconclusive"), "inconclusive: a reason in words"),
        (row("f", 0.0, "unchanged", gating=False), "too small to gate: it could not see a loss as large as its margin"),
    ],
)
def test_junit__what_decides_nothing_is_skipped_with_the_reason(one, says):
    assert told(replace(BASE, comparisons=(one,)), one.family) == ("skipped", says)


def test_junit__has_a_suite_for_each_config_and_figures_as_properties():
    both = (BAD, replace(BAD, config="models/b.yml"), replace(BAD, config=None, delta=None))
    root = ET.fromstring(junit(replace(BASE, comparisons=both)))
    assert [one.get("name") for one in root] == ["recorded results", "models/a.yml", "models/b.yml"]
    facts = {one.get("name"): one.get("value") for one in root[1].iter("property")}
    assert facts["advisory-summary: delta"] == "-0.08"
    assert facts["advisory-summary: interval"] == "-0.1 -0.06"
    assert "advisory-summary: delta" not in {one.get("name") for one in root[0].iter("property")}


@given(text=st.text(alphabet=st.characters(), max_size=40))
def test_junit__any_text_stays_text_in_valid_xml(text):
    one = replace(BAD, config=text, family=text, slice=SliceKey(name=text, value=text), reason=text)
    waived = replace(one, waiver=text)
    xml = junit(replace(BASE, comparisons=(one, waived), reasons=(text,), verdict="error"))
    SCHEMA.validate(xml)
    assert len(list(ET.fromstring(xml).iter("testcase"))) == 3
