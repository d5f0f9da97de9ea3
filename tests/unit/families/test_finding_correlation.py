"""The scorer of cross-finding correlation, and its starter set."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from datasets.groupings import BASELINES, f1
from gate.datasets import load_builtin
from gate.domain import Completion, Sample
from gate.families import FAMILIES
from gate.families.clusters import agreement

PAGE = (Path(__file__).parents[3] / "docs/families/finding-correlation.md").read_text(encoding="utf-8")
FAMILY = FAMILIES["finding-correlation"]()
SAMPLES = load_builtin("finding-correlation").samples


def sample(*groups):
    ids = [one for group in groups for one in group]
    return Sample(id="s", input={"findings": [{"id": one} for one in ids]}, target={"groups": [*map(list, groups)]})


def told(truth, answer):
    return FAMILY.score(sample(*truth), Completion(text=json.dumps({"groups": [*map(list, answer)]})))


@st.composite
def groupings(draw, ids="abcdefgh"):
    labels = draw(st.lists(st.integers(0, 4), min_size=len(ids), max_size=len(ids)))
    return ["".join(one for one, mine in zip(ids, labels, strict=True) if mine == label) for label in set(labels)]


@pytest.mark.parametrize(
    ("answer", "value", "reason"),
    [
        (["ab", "cd"], 1.0, "B-cubed precision 1.00, recall 1.00; pairs: 2 of 2 given are right, 2 of 2 true are found"),
        (["abcd"], 0.666667, "B-cubed precision 0.50, recall 1.00; pairs: 2 of 6 given are right, 2 of 2 true are found"),
        (["a", "b", "cd"], 0.857143, "B-cubed precision 1.00, recall 0.75; pairs: 1 of 1 given are right, 1 of 2 true are found"),
        (["ab", "c"], 0.769231, "B-cubed precision 1.00, recall 0.62; pairs: 1 of 1 given are right, 1 of 2 true are found; 1 id missing"),
        (["abx", "cd"], 0.8, "B-cubed precision 0.67, recall 1.00; pairs: 2 of 2 given are right, 2 of 2 true are found; 1 id invented"),
        (["ab", "bcd"], 0.807453, "B-cubed precision 0.68, recall 1.00; pairs: 2 of 4 given are right, 2 of 2 true are found; 1 id in several groups"),
        ([], 0.0, "B-cubed precision 0.00, recall 0.00; pairs: 0 of 0 given are right, 0 of 2 true are found; 4 ids missing"),
        (["xyz"], 0.0, "B-cubed precision 0.00, recall 0.00; pairs: 0 of 0 given are right, 0 of 2 true are found; 4 ids missing; 3 ids invented"),
    ],
)  # fmt: skip
def test_score__right_partly_right_and_odd_answers(answer, value, reason):
    found = told(["ab", "cd"], answer)
    assert (found.value, found.reason) == (value, reason)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I'm sorry, but I can't help with that.",
        "[]",
        '{"groups": {}}',
        '{"groups": [1, null, "a"]}',
        '{"group": []}',
    ],
)
def test_score__nothing_usable_is_zero(text):
    assert FAMILY.score(sample("ab", "cd"), Completion(text=text)).value == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('I put {a, b} together.\n{"groups": [["a", "b"], ["c", "d"]]}', 1),
        ('{"note": 1}\n{"groups": [["a", "b"], ["c", "d"]]}', 1),
        ('First {"groups": [["a"]]}, better: {"groups": [["a", "b"], ["c", "d"]]}', 1),
        ('{"groups": [["a", "b"], ["c", "d"]]} {"groups": null}', 1),
        ('{"groups": [["a", "b"], ["c", "d"]]} or {"groups": []}', 0),
        ('{"groups": [["a", "b"]], "groups": [["a", "b"], ["c", "d"]]}', 0),
    ],
)
def test_score__the_last_object_with_groups_counts(text, value):
    assert FAMILY.score(sample("ab", "cd"), Completion(text=text)).value == value


def test_score__entries_that_are_no_ids_are_invented_and_numbers_are_text():
    text = '```json\n{"groups": [["1", 2, {"id": "3"}, 4.5, true, null, []], [" 3 "]]}\n```'
    found = FAMILY.score(sample(["1", "2"], ["3"]), Completion(text=text))
    assert "1 id invented" in found.reason
    assert "missing" not in found.reason


@given(groupings(), groupings(), st.randoms(use_true_random=False))
def test_laws__no_order_matters_and_one_only_for_the_truth(truth, answer, random):
    shuffled = [random.sample(group, len(group)) for group in random.sample(answer, len(answer))]
    turned = sample(*random.sample(truth, len(truth)))
    found = told(truth, answer)
    assert FAMILY.score(turned, Completion(text=json.dumps({"groups": shuffled}))) == found
    assert 0 < found.value <= 1
    assert (found.value == 1) == (set(map(frozenset, truth)) == set(map(frozenset, answer)))
    there, back = agreement(truth, answer), agreement(answer, truth)
    assert (back.precision, back.recall) == (pytest.approx(there.recall), pytest.approx(there.precision))


@given(groupings(), st.lists(st.text("abcdefghxyz", max_size=5), max_size=6))
def test_laws__repeating_inventing_and_leaving_out_never_pay(truth, noise):
    perfect = told(truth, truth).value
    assert told(truth, [*truth, *noise]).value <= perfect == 1
    invented = ["xyz", *truth]
    assert told(truth, invented).value < 1
    assert told(truth, [group.replace("a", "") for group in truth]).value < 1


def test_score__a_group_given_twice_counts_once():
    assert told(["ab", "cd"], ["ab", "ba", "cd", "aab"]).value == 1


def test_score__a_long_hostile_answer_is_scored_at_once():
    ids = [f"f{index}" for index in range(200)]
    answer = [[*ids, f"x{index}"] for index in range(100)]
    found = told([ids[:100], ids[100:]], answer)
    assert 0 < found.value < 0.1
    assert "200 ids in several groups; 100 ids invented" in found.reason


@pytest.mark.parametrize(
    ("given_", "target", "says"),
    [
        ({"findings": "x"}, {"groups": []}, "input.findings must be a list"),
        ({"findings": [{"id": "a"}, {"id": "a"}]}, {"groups": [["a"]]}, "an id of its own"),
        ({"findings": [{"id": " a"}, {"id": "b"}]}, {"groups": [[" a", "b"]]}, "an id of its own"),
        ({"findings": [{"id": "a"}, {}]}, {"groups": [["a"]]}, "an id of its own"),
        ({"findings": [{"id": "a"}]}, {"groups": [["a"]]}, "two findings or more"),
        ({"findings": [{"id": "a"}, {"id": "b"}]}, {"groups": [["a"]]}, "exactly once"),
        ({"findings": [{"id": "a"}, {"id": "b"}]}, {"groups": [["a", "b"], ["b"]]}, "exactly once"),
        ({"findings": [{"id": "a"}, {"id": "b"}]}, {"groups": [["a", "b"], []]}, "exactly once"),
        ({"findings": [{"id": "a"}, {"id": "b"}]}, {"groups": ["ab"]}, "exactly once"),
        ({"findings": [{"id": "a"}, {"id": "b"}]}, {"groups": [["a", "b"], "c"]}, "exactly once"),
        ({"findings": [{"id": "a"}, {"id": "b"}]}, {"groups": [["a", "b "]]}, "exactly once"),
        ({"findings": [{"id": "a"}, {"id": "b"}]}, {"groups": [["a", "b"]], "note": 1}, "exactly once"),
    ],
)
def test_check__names_what_is_wrong(given_, target, says):
    (problem,) = FAMILY.check(Sample(id="s", input=given_, target=target))
    assert says in problem


def test_starter__has_the_slices_and_clusters_it_says():
    count = {name: [one.slices[name] for one in SAMPLES] for name in ("kind", "rarity", "size", "difficulty")}
    assert {kind: count["kind"].count(kind) for kind in ("sast", "dast", "sca")} == {"sast": 48, "dast": 48, "sca": 48}
    assert count["rarity"].count("rare") == 36
    assert set(count["size"]) == {"few", "many"}
    assert set(count["difficulty"]) == {"easy", "medium", "hard"}
    clusters = [one.cluster for one in SAMPLES]
    assert {clusters.count(one) for one in clusters} == {3}


@pytest.mark.parametrize("name", BASELINES)
def test_starter__no_surface_rule_solves_it_and_the_page_says_so(name):
    found = [f1(one.target["groups"], BASELINES[name](one.input["findings"])) for one in SAMPLES]
    mean = sum(found) / len(found)
    assert mean <= (0.60 if name in ("all alone", "same rule", "same file, route or package") else 0.70), (name, mean)
    assert f"| {name} | {mean:.3f} |" in PAGE


@settings(max_examples=20)
@given(st.sampled_from(SAMPLES))
def test_starter__findings_of_one_flaw_look_different_and_of_two_flaws_alike(one):
    findings = {each["id"]: each for each in one.input["findings"]}
    pairs = [pair for group in one.target["groups"] for pair in itertools.combinations(group, 2)]
    assert all(findings[a]["message"] != findings[b]["message"] or "taint" in findings[a]["rule"] for a, b in pairs)
