import pytest

from gate.families.advisory_severity import level_of, measured, rated, without_scores

# Scores and words from the calculators at first.org and nvd.nist.gov.
LOG4SHELL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"


@pytest.mark.parametrize(
    ("vector", "score", "level"),
    [
        (LOG4SHELL, 10.0, "critical"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1, "medium"),
        ("CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:L", 1.8, "low"),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", 7.5, "high"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3, "critical"),
    ],
)
def test_measured__versions_2_3_and_4(vector, score, level):
    assert measured(vector)[1:] == (score, level)


@pytest.mark.parametrize("text", ["", "CVSS:3.1/AV:N", "CVSS:9.9/AV:N/AC:L", "AV:X", "CVSS:3.1/" + "AV:N/" * 40])
def test_measured__what_is_no_vector_is_none(text):
    assert measured(text) is None


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (0.0, "none"),
        (0.1, "low"),
        (3.9, "low"),
        (4.0, "medium"),
        (6.9, "medium"),
        (7.0, "high"),
        (8.9, "high"),
        (9.0, "critical"),
    ],
)
def test_level_of__bounds_of_the_specification(score, level):
    assert level_of(score) == level


@pytest.mark.parametrize(
    ("text", "levels", "scores"),
    [
        ("It is rated High (CVSS 8.1).", {"high"}, {8.1}),
        ("**Severity:** moderate", {"medium"}, set()),
        ("A critical vulnerability in the parser", {"critical"}, set()),
        ("CVE-2031-1 (Low, CWE-79)", {"low"}, set()),
        ("CVSS v3.1 base score of 9.8", set(), {9.8}),
        ("CVSS 3.1: 7.5 (high)", {"high"}, {7.5}),
        ("the score is 4.0", set(), {4.0}),
        ("8.1/10", set(), {8.1}),
        ("Severity: High (8.1)", {"high"}, {8.1}),
        ("Severity: 8.1 (High)", {"high"}, {8.1}),
        ("a high severity (8.1) flaw", {"high"}, {8.1}),
        ("a *high* severity flaw, **Severity**: `High`", {"high"}, set()),
        ("a high-severity flaw in amberpage 8.1", {"high"}, set()),
        ("high load and low memory after 2.5 hours", set(), set()),
        ("", set(), set()),
    ],
)
def test_rated__words_only_where_they_are_about_severity(text, levels, scores):
    found = rated(text)
    assert (found.levels, found.scores) == (levels, scores)


def test_rated__finds_the_vector_and_no_score_in_it():
    found = rated(f"rated {LOG4SHELL} by the vendor")
    assert (found.vectors, found.scores) == ({LOG4SHELL}, set())


def test_without_scores__leaves_versions():
    text = without_scores(f"CVSS 9.8, {LOG4SHELL}, CVSS v4.0, fixed in 9.9")
    assert [one in text for one in ("9.8", "3.1", "4.0", "9.9")] == [False, False, False, True]
