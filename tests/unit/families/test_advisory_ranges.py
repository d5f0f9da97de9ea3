import pytest

from gate.families.advisory_ranges import claims
from gate.families.advisory_versions import Interval


def shown(interval):
    low = ("[" if interval.low_in else "(") + (interval.low or "")
    return ("~" if interval.unstated else "") + f"{low}, {interval.high or ''}" + ("]" if interval.high_in else ")")


def affected(text):
    return [shown(one) for one in claims(text).affected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (">= 1.2, < 1.4.3", ["[1.2, 1.4.3)"]),
        ("Affected versions: >=1.2 <1.4.3", ["[1.2, 1.4.3)"]),
        ("< 1.4.3 and >= 1.2", ["[1.2, 1.4.3)"]),
        ("It affects 1.2 up to 1.4.2.", ["[1.2, 1.4.2]"]),
        ("Versions from 1.2 through 1.4.2 are affected.", ["[1.2, 1.4.2]"]),
        ("Versions 1.2 to 1.4.2 are vulnerable.", ["[1.2, 1.4.2]"]),
        ("affects amber 1.2 – 1.4.2", ["[1.2, 1.4.2]"]),
        ("affects amber 1.2-1.4.2", ["[1.2, 1.4.2]"]),
        ("affected: 1.2 - 1.4.2", ["[1.2, 1.4.2]"]),
        ("Between 1.2 and 1.4.2, requests are not checked.", ["[1.2, 1.4.2]"]),
        ("amber before 1.4.3 allows attackers to read files", ["[, 1.4.3)"]),
        ("In amber prior to version 1.4.3, names are not escaped", ["[, 1.4.3)"]),
        ("All versions of amber earlier than v1.4.3 are affected.", ["[, v1.4.3)"]),
        ("Amber 1.4.2 and earlier is affected.", ["[, 1.4.2]"]),
        ("amber through 1.4.2 mishandles names", ["[, 1.4.2]"]),
        ("up to (excluding) 1.4.3", ["[, 1.4.3)"]),
        ("up to 1.4.3 (exclusive)", ["[, 1.4.3)"]),
        ("from 1.2 (inclusive) to 1.4.3 (exclusive)", ["[1.2, 1.4.3)"]),
        ("Starting with version 1.2 and prior to version 1.4.3, a flaw lets users in", ["[1.2, 1.4.3)"]),
        ("introduced in 1.2 and fixed in 1.4.3", ["[1.2, 1.4.3)"]),
        ("It came in with 1.2 and is gone in 1.4.3.", ["[1.2, 1.4.3)"]),
        ("Releases starting with 1.2 are affected; 1.4.3 has the fix.", ["[1.2, 1.4.3)"]),
        ("introduced: 0, fixed: 1.4.3", ["[, 1.4.3)"]),
        (">= 0, < 1.4.3", ["[, 1.4.3)"]),
        ("[1.2,1.4.3)", ["[1.2, 1.4.3)"]),
        ("affected: (,1.4.3), [2.0,2.1.1]", ["[, 1.4.3)", "[2.0, 2.1.1]"]),
        ("In Amber 2.2 before 2.2.24, 3.x before 3.1.12, and 3.2 before 3.2.4, names", ["[2.2, 2.2.24)", "[3, 3.1.12)", "[3.2, 3.2.4)"]),
        ("before versions 1.15.4, 2.0.3, and 2.1.2, the code", ["~[, 1.15.4)", "~[, 2.0.3)", "~[, 2.1.2)"]),
        (">= 1.2, < 1.4.3; >= 2.0, < 2.1.1", ["[1.2, 1.4.3)", "[2.0, 2.1.1)"]),
        ("< 2.4.4, >= 2.5.0, < 2.5.2, and >= 2.6.0, < 2.6.1", ["[, 2.4.4)", "[2.5.0, 2.5.2)", "[2.6.0, 2.6.1)"]),
        ("affects 1.4.x and 2.0.1", ["[1.4, 1.5)", "[2.0.1, 2.0.1]"]),
        ("through 1.4.x", ["[, 1.5)"]),
        ("1.2 and later are affected.", ["[1.2, )"]),
        ("1.2+ is affected", ["[1.2, )"]),
        ("All versions are affected.", ["[, )"]),
        ("Affected versions:\n- 1.2 up to 1.4.2\n- 2.0 up to 2.1.0", ["[1.2, 1.4.2]", "[2.0, 2.1.0]"]),
        ("upgrade from 1.2 to 1.4.3", []),
        ("The fix will be in 2.8.0. We will also cherrypick it on 2.7.1, 2.6.3, and 2.5.3.", []),
        ("before 30 days have passed, after 3 requests", []),
        ("Before Firefox 112, a page", ["[, 112)"]),
        ("a file from 127.0.0.1 since 2031-04-05, CVSS 9.8, commit 390611e0d45c", []),
        ("Versions before 1.2 are not affected.", []),
        ("1.2 <= version < 1.4.3", ["[1.2, 1.4.3)"]),
        ("0 ≤ v < 1.4.3; 3000 < version <= 3000.2", ["[, 1.4.3)", "(3000, 3000.2]"]),
        ("from 1.2 to before 1.4.3", ["[1.2, 1.4.3)"]),
        ("1.2 up to and excluding 1.4.3", ["[1.2, 1.4.3)"]),
        ("between 1.2 (inclusive) and 1.4.3 (exclusive)", ["[1.2, 1.4.3)"]),
        ("amber 3000 before 3000.2", ["[3000, 3000.2)"]),
        ("< 0.0.0-20200131131040-063a3fb69896", ["[, 0.0.0-20200131131040-063a3fb69896)"]),
        ('{"affected_versions": [">= 1.2, < 1.4.3", "2.0 to 2.1.0"], "fixed": ["1.4.3", "2.1.1"]}', ["[1.2, 1.4.3)", "[2.0, 2.1.0]"]),
    ],
)  # fmt: skip
def test_claims__a_range_in_other_words(text, expected):
    assert affected(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fixed in 1.4.3.", ("1.4.3",)),
        ("fixed in versions 1.4.3 and 2.1.1", ("1.4.3", "2.1.1")),
        ("Upgrade to 1.4.3 or later.", ("1.4.3",)),
        ("Users should update to version 1.4.3, 2.1.1, or newer", ("1.4.3", "2.1.1")),
        ("upgrade from 1.2 to 1.4.3", ("1.4.3",)),
        ("Version 1.4.3 contains a patch for this issue.", ("1.4.3",)),
        ("1.4.3 has the fix", ("1.4.3",)),
        ("Patched: 1.4.3, 2.1.1", ("1.4.3", "2.1.1")),
        ("The fix will be included in Amber 2.8.0. We will also cherrypick this commit on Amber 2.7.1, and Amber 2.5.3.", ("2.8.0", "2.7.1", "2.5.3")),
        ("amber before 1.4.3 is affected, and 1.4.3 fixes it", ("1.4.3",)),
        ("Affected: 1.2 to 1.4.2 (fixed in 1.4.3), 2.0 to 2.1.0 (fixed in 2.1.1)", ("1.4.3", "2.1.1")),
        ("Upgrade to 1.4.3 (for 1.x) or 2.1.1 (for 2.x).", ("1.4.3", "2.1.1")),
        ("It was fixed on the 1.4 branch", ()),
        ("Version 1.4.3 is out.", ()),
        ("update to 1.4.3 from 1.2", ("1.4.3",)),
        ('{"affected": "< 1.4.3", "fixed_versions": ["1.4.3", "2.1.1"]}', ("1.4.3", "2.1.1")),
    ],
)  # fmt: skip
def test_claims__fixed_versions(text, expected):
    assert claims(text).fixed == expected


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("There is no fix.", True),
        ("No patched version is available.", True),
        ("It has not yet been fixed.", True),
        ("no known fix", True),
        ("There are no known workarounds. Fixed in 1.4.3.", False),
        ("No fix is needed on 2.x.", False),
        ("", False),
    ],
)
def test_claims__no_fix(text, denied):
    assert claims(text).denied is denied


def test_claims__not_affected_is_a_claim_of_its_own():
    found = claims("Versions before 1.2 are not affected. 1.4.3 and later are unaffected.")
    assert [shown(one) for one in found.safe] == ["[, 1.2)", "[1.4.3, )"]
    assert found.affected == ()


def test_claims__names_every_version_once_and_no_score_date_or_address():
    text = "See https://a.example/v7.7.7; CVSS 9.8 on 2031-04-05. Amber v1.4.3 (1.2.0-beta.1, before 112) at 127.0.0.1"
    assert claims(text).named == {"v1.4.3", "1.2.0-beta.1", "112"}


@pytest.mark.parametrize(
    "piece", ["1.", "1.1", "before 1.2, ", "a" * 50, "<", "[1,2) ", "\n- 1.2", "no a a a ", "1-1", "v", "⟨from⟩1.2 "]
)
def test_claims__long_and_strange_texts_end(piece):
    assert isinstance(claims(piece * 20_000).affected, tuple)
    assert Interval() not in claims("⟨affected⟩ " * 3).affected
