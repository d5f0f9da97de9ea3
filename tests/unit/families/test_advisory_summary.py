"""The family: its page's examples, what invented and omitted facts cost, limits, hostile answers."""

import re
import statistics
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from gate.datasets import load_builtin
from gate.domain import Completion, Sample
from gate.families.advisory_facts import WEIGHTS
from gate.families.advisory_ranges import claims
from gate.families.advisory_summary import INVENTED, WORDS, AdvisorySummary
from gate.families.advisory_text import plain

PAGE = (Path(__file__).parents[3] / "docs/families/advisory-summary.md").read_text()
ADVISORY = re.search(r"<!-- advisory -->\n```\n(.*?)```", PAGE, re.DOTALL)[1]
TARGET = {
    "ids": ["CVE-2031-7001", "GHSA-2345-6789-cfgh"],
    "affected": [{"package": "amberpage", "ecosystem": "PyPI", "ranges": [{"introduced": "1.2.0", "fixed": "1.4.3"}]}],
    "severity": "high",
    "cvss": ["CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:H/A:H"],
    "cwe": ["CWE-22"],
    "workaround": ["strict_paths"],
}
FAMILY = AdvisorySummary()
SAMPLE = Sample(id="s", input={"advisory": ADVISORY}, target=TARGET)
RIGHT = FAMILY.reference(SAMPLE)
EXAMPLES = re.findall(
    r"^\| (?:right|partly right|wrong|empty|refused) \|(.*?)\| (\d\.\d\d) \| (.*?) \|$", PAGE, re.MULTILINE
)
STARTER = load_builtin("advisory-summary").samples


def scored(text, sample=SAMPLE):
    return FAMILY.score(sample, Completion(text=text))


def mean(answer):
    return statistics.mean(scored(answer(one), one).value for one in STARTER)


def test_page__has_each_kind_of_example():
    assert len(EXAMPLES) >= 9


@pytest.mark.parametrize(("answer", "value", "reason"), EXAMPLES)
def test_page__examples_score_as_it_says(answer, value, reason):
    found = scored(answer.strip())
    assert (f"{found.value:.2f}", found.reason) == (value, reason)


def test_page__states_the_weights_and_costs():
    for kind, weight in WEIGHTS.items():
        assert f"| {kind} | {weight} |" in PAGE
    assert f"**{INVENTED} for each invented fact**" in PAGE
    assert f"more than {WORDS} words" in PAGE


OMITTED = {
    "identifier": RIGHT.replace("CVE-2031-7001 (GHSA-2345-6789-cfgh)", "It"),
    "package": RIGHT.replace("amberpage", "it"),
    "affected range": RIGHT.replace(">= 1.2.0 and < 1.4.3", ""),
    "fixed version": RIGHT.replace("Fixed in 1.4.3.", ""),
    "severity": RIGHT.replace("Severity: high (CVSS 8.1).", ""),
    "weakness": RIGHT.replace("Weakness: CWE-22.", ""),
    "workaround": RIGHT.replace("Workaround: strict_paths.", ""),
}
INVENTIONS = {
    "identifier": RIGHT.replace("GHSA-2345-6789-cfgh", "GHSA-2345-6789-cfgh, CVE-2031-1234"),
    "package": RIGHT + " It also affects the package birchview.",
    "version": RIGHT + " Version 9.9.9 is out.",
    "URL": RIGHT + " See https://amber.example/9999.",
    "weakness": RIGHT.replace("CWE-22", "CWE-22, CWE-79"),
}


@pytest.mark.parametrize("kind", OMITTED)
def test_score__an_omitted_fact_costs_its_weight_and_is_named(kind):
    found = scored(OMITTED[kind])
    assert found.value == pytest.approx(1 - WEIGHTS[kind] / sum(WEIGHTS.values()))
    assert found.reason == f"missing: {kind}"


@pytest.mark.parametrize("kind", INVENTIONS)
def test_score__any_invented_fact_costs_more_than_any_omitted_one(kind):
    found = scored(INVENTIONS[kind])
    assert found.value == pytest.approx(1 - INVENTED)
    assert found.value < min(scored(text).value for text in OMITTED.values())
    assert found.reason == f"invented: {kind} (1)"


def test_score__inventing_costs_more_than_omitting_also_where_few_facts_are_asked():
    few = {key: TARGET[key] for key in ("ids", "affected")}
    heaviest = max(
        weight
        for kind, weight in WEIGHTS.items()
        if kind in OMITTED and kind not in {"severity", "weakness", "workaround"}
    )
    asked = sum(WEIGHTS[kind] for kind in ("identifier", "package", "affected range", "fixed version"))
    assert heaviest / asked < INVENTED
    sample = Sample(id="s", input={"advisory": "amberpage has a flaw."}, target=few)
    assert scored(FAMILY.reference(sample), sample).value == 1
    assert scored(FAMILY.reference(sample) + " Severity: critical.", sample).reason == "invented: severity (1)"


@pytest.mark.parametrize(
    "said",
    [
        ">= 1.2.0, < 1.4.3",
        "1.2.0 up to 1.4.2",
        "1.2 through 1.4.2",
        "1.2.0 - 1.4.2",
        "from v1.2.0 up to, but not including, v1.4.3",
        "starting with 1.2.0 and prior to 1.4.3",
        "[1.2.0, 1.4.3)",
        "introduced in 1.2.0",
        "1.2.0 and later",
        "1.2.0 to 1.4.3 (exclusive)",
        "between 1.2.0 and 1.4.2 (inclusive)",
    ],
)
def test_score__equal_ranges_in_other_words(said):
    assert scored(RIGHT.replace(">= 1.2.0 and < 1.4.3", said)).reason == "every fact is there"


@pytest.mark.parametrize(
    "said",
    [
        "< 1.4.3",
        ">= 1.2.0, <= 1.4.3",
        ">= 1.2.0, < 1.4.2",
        ">= 1.2.0, < 3.0.1",
        "1.4.2 and earlier",
        "1.4.3 and later",
        "all versions",
    ],
)
def test_score__another_range_is_wrong(said):
    found = scored(RIGHT.replace(">= 1.2.0 and < 1.4.3", said))
    assert found.value < 0.8
    assert "wrong: affected range" in found.reason


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Severity: high.", "every fact is there"),
        ("It is rated High.", "every fact is there"),
        ("CVSS 8.1.", "every fact is there"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:H/A:H", "every fact is there"),
        ("Severity: **High** (8.1).", "every fact is there"),
        ("It is of *high* severity (8.1).", "every fact is there"),
        ("Severity: High (9.8).", "missing: severity; wrong: severity"),
        ("Severity: critical.", "missing: severity; wrong: severity"),
        ("Severity: low (CVSS 2.1).", "missing: severity; wrong: severity"),
        ("Severity: high (CVSS 9.8).", "missing: severity; wrong: severity"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "missing: severity; wrong: severity"),
        ("Severity: high or critical.", "missing: severity; wrong: severity"),
        ("Under high load it is slow.", "missing: severity"),
    ],
)
def test_score__severity_in_words_scores_and_vectors(said, reason):
    assert scored(RIGHT.replace("Severity: high (CVSS 8.1).", said)).reason == reason


@pytest.mark.parametrize(
    ("said", "value"),
    [("CWE-22", 1.0), ("CWE 22", 1.0), ("a path traversal", 1.0), ("CWE-23", 1 - 2 * 0.4 / 15), ("", 1 - 2 / 15)],
)
def test_score__weakness_by_number_name_or_kin(said, value):
    assert scored(RIGHT.replace("CWE-22", said)).value == pytest.approx(value)


def test_score__another_flaws_identifier_may_be_named_as_such_only():
    assert scored(RIGHT + " CVE-2031-6999 is a different flaw.").value == 1
    found = scored(RIGHT.replace("GHSA-2345-6789-cfgh", "GHSA-2345-6789-cfgh, CVE-2031-6999"))
    assert found.reason == "wrong: identifier"


def test_score__falls_in_a_straight_line_beyond_the_limit_of_words():
    words = len(RIGHT.split())
    values = [
        scored(RIGHT + " Yes." * (count - words)).value for count in (WORDS, WORDS * 5 // 4, WORDS * 3 // 2, 2 * WORDS)
    ]
    assert values == [1.0, pytest.approx(1 - 37 / 150), 0.5, 0.0]


def test_score__sentences_that_never_end_cost_a_little():
    endless = RIGHT + " and so on and on" * 20
    assert scored(endless).reason == "a sentence is too long"
    assert 0.8 <= scored(endless).value < 1


def test_starter__what_needs_no_understanding_scores_clearly_below_a_good_answer():
    def sentences(one):
        return re.split(r"(?<=[.!?])\s+|\n+", one.input["advisory"])

    def listed(one):
        text = one.input["advisory"]
        return f"{', '.join(sorted(plain(text).ids))}. {', '.join(sorted(claims(text).named))}."

    figures = {
        "the first three sentences": mean(lambda one: " ".join(sentences(one)[:3])),
        "the first 150 words": mean(lambda one: " ".join(one.input["advisory"].split()[:150])),
        "the last 150 words": mean(lambda one: " ".join(one.input["advisory"].split()[-150:])),
        "the whole advisory": mean(lambda one: one.input["advisory"]),
        "all identifiers and versions": mean(listed),
        "another sample's reference": mean(
            lambda one: FAMILY.reference(STARTER[(STARTER.index(one) + 37) % len(STARTER)])
        ),
    }
    for name, value in figures.items():
        assert f"| {name} | {value:.3f} |" in PAGE
    assert max(figures.values()) < 0.65
    assert mean(FAMILY.reference) == 1


def test_starter__is_varied():
    assert len(STARTER) == 144
    assert len({one.slices["shape"] for one in STARTER}) == 12
    assert len({one.slices["ecosystem"] for one in STARTER}) == 8
    assert sum(one.slices["rarity"] == "rare" for one in STARTER) == 48
    assert {one.slices["difficulty"] for one in STARTER} == {"easy", "medium", "hard"}
    assert len({one.cluster for one in STARTER}) == 48
    ranges = [one.target["affected"][0]["ranges"] for one in STARTER]
    assert sum(not any("fixed" in each for each in one) for one in ranges) == 35
    assert sum(len(one) > 1 for one in ranges) == 54
    assert "35 have no fix, 54 several branches" in PAGE


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ids": []}, "target.ids"),
        ({"affected": []}, "target.affected must be"),
        ({"affected": [{"package": "a", "ecosystem": "PyPI", "ranges": []}]}, "ranges must be"),
        (
            {"affected": [{"package": "a", "ecosystem": "PyPI", "ranges": [{"introduced": "0", "fixed": "one"}]}]},
            "is none of PyPI",
        ),
        (
            {"affected": [{"package": "a", "ecosystem": "Own", "ranges": [{"introduced": "0", "fixed": "soon"}]}]},
            "is none of Own",
        ),
        ({"affected": [{"package": "a", "ecosystem": "PyPI", "ranges": [{"fixed": "1.0"}]}]}, "each has introduced"),
        ({"affected": [{"ecosystem": "PyPI", "ranges": [{"introduced": "0"}]}]}, "must name package"),
        ({"severity": "urgent"}, "target.severity"),
        ({"cvss": ["CVSS:3.1/AV:N"]}, "target.cvss"),
        ({"cwe": ["something bad"]}, "target.cwe"),
        ({"workaround": "strict_paths"}, "target.workaround must be a list"),
        ({"fixed": "1.0"}, "unknown key: fixed"),
    ],
)
def test_check__says_what_is_wrong_with_a_target(change, says):
    found = FAMILY.check(Sample(id="s", input={"advisory": ADVISORY}, target=TARGET | change))
    assert any(says in one for one in found), found


def test_check__a_target_or_input_of_another_form():
    assert FAMILY.check(Sample(id="s", input={}, target="text")) == [
        "input.advisory must be text",
        "target must be an object with ids and affected",
    ]
    assert not FAMILY.check(SAMPLE)


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet=st.sampled_from("1.2 <>=,-–()[]{}vx*CVE-GHSAfixed in to before and\n⟨⟩;:/@`"), max_size=300))
def test_score__any_text_is_scored_and_never_shown(text):
    found = scored(text)
    assert 0 <= found.value <= 1
    assert set(re.findall(r"[a-zA-Z]+", found.reason)) <= KNOWN


WORDING = "missing partly wrong invented every fact is there URL no fix claimed though one words where are the limit a sentence too long"
KNOWN = set(re.findall(r"[a-zA-Z]+", f"{WORDING} {' '.join(WEIGHTS)}"))


@pytest.mark.parametrize(
    "piece",
    [
        "CVE-2031-1 ",
        "1.2, ",
        "before 1.4 and ",
        "(",
        "a-",
        "a b is affected, ",
        "@a/",
        "https://",
        "[1,2) ",
        "AV:N/AC:L/",
    ],
)
def test_score__long_answers_end(piece):
    assert scored(piece * 30_000).value == 0


def test_score__a_version_that_is_called_unaffected_is_called_fixed():
    assert scored(RIGHT.replace("Fixed in 1.4.3.", "1.4.3 and later are not affected.")).value == 1
    assert scored(f"{RIGHT} Versions from 1.4.3 are safe.").value == 1
    assert "wrong: affected range" in scored(f"{RIGHT} 1.4.2 is safe.").reason
    found = scored(RIGHT.replace("Fixed in 1.4.3.", "Fixed in 1.4.3. 1.3.0 and later are not affected."))
    assert "wrong: affected range" in found.reason


def test_score__of_two_packages_one_may_be_affected_without_an_end():
    packages = [("amber", {"introduced": "0", "fixed": "2.2.3"}), ("birch", {"introduced": "0"})]
    affected = [{"package": name, "ecosystem": "npm", "ranges": [one]} for name, one in packages]
    sample = Sample(id="s", input={"advisory": "…"}, target={"ids": ["CVE-2031-7001"], "affected": affected})
    assert scored(FAMILY.reference(sample), sample).reason == "every fact is there"
    assert scored("CVE-2031-7001 affects amber < 2.2.3. Fixed in 2.2.3.", sample).reason == (
        "partly missing: package, affected range"
    )


def test_reference__of_a_flaw_without_a_fix():
    target = TARGET | {"affected": [{"package": "a", "ecosystem": "npm", "ranges": [{"introduced": "0"}]}]}
    sample = Sample(id="s", input={"advisory": "a is bad."}, target=target)
    assert "There is no fix." in FAMILY.reference(sample)
    assert scored(FAMILY.reference(sample), sample).value == 1
    assert "missing: fixed version" in scored(FAMILY.reference(sample).replace("There is no fix.", ""), sample).reason
