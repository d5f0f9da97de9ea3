import pytest
from hypothesis import given, strategies as st

from gate.domain import Completion, Sample
from gate.families.custom import Custom
from gate.policy import MatchRule


def score(mode, target, text, *, field=None, ignore_case=False):
    family = Custom(MatchRule(mode=mode, field=field, ignore_case=ignore_case))
    sample = Sample(id="a", input={"prompt": "?"}, target=target)
    assert family.check(sample) == []
    return family.score(sample, Completion(text=text)).value


@pytest.mark.parametrize(
    ("mode", "target", "text", "expected"),
    [
        ("exact", "yes", " yes\n", 1),
        ("exact", "yes", "Yes", 0),
        ("exact", ["yes", "ja"], "ja", 1),
        ("contains", "CWE-89", "It is CWE-89.", 1),
        ("contains", "CWE-89", "", 0),
        ("regex", r"CWE-8\d", "It is CWE-89.", 1),
        ("regex", r"^CWE", "It is CWE-89.", 0),
    ],
)
def test_score(mode, target, text, expected):
    assert score(mode, target, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": {"b": "x"}}', 1),
        ('Sure:\n```json\n{"a": {"b": "x"}}\n```', 1),
        ('I read {x}. {"c": 1} {"a": {"b": "x"}}', 1),
        ('{"a": {"b": "y"}} no: {"a": {"b": "x"}}', 1),
        ('{"a": {"b": "x"}} no: {"a": {"b": "y"}}', 0),
        ('{"a": {"b": "y"}}', 0),
        ('{"a": "x"}', 0),
        ("x", 0),
        ("{" * 9000, 0),
    ],
)
def test_score__json_field(text, expected):
    assert score("json-field", "x", text, field="a.b") == expected


@pytest.mark.parametrize("rule", [{"mode": "exact"}, {"mode": "contains"}, {"mode": "json-field", "field": "a.b"}])
@given(target=st.text(min_size=1).filter(str.strip), text=st.text())
def test_laws__reference_scores_one_and_any_text_scores_in_range(rule, target, text):
    family = Custom(MatchRule(**rule))
    sample = Sample(id="a", input={"prompt": "?"}, target=target)
    assert family.score(sample, Completion(text=family.reference(sample))).value == 1
    assert family.score(sample, Completion(text=text)).value in (0, 1)


def test_check__names_what_is_wrong():
    family = Custom(MatchRule(mode="regex"))
    assert family.check(Sample(id="a", input={}, target=3)) == [
        "input.prompt must be text",
        "target must be text, or a list of texts",
    ]
    assert family.check(Sample(id="a", input={"prompt": "?"}, target="(")) == ["target is not a valid pattern"]
