import random

import pytest
from hypothesis import given, strategies as st

from gate.dataset_quality import guesses, lopsided, near_duplicates, nearest, repeated_inputs, shingles, similarity
from gate.domain import Sample

WORDS = [
    "amber",
    "basalt",
    "cobalt",
    "dahlia",
    "ember",
    "fjord",
    "garnet",
    "harbor",
    "indigo",
    "juniper",
    "krypton",
    "lagoon",
]


def sample(text, target="x", *, number=0, cluster=None):
    return Sample(id=f"s{number}", input={"prompt": text}, target=target, cluster=cluster)


def texts(number, *, length=30, seed=1, template=""):
    generator = random.Random(seed)
    return [f"{template} {' '.join(generator.choices(WORDS, k=length))}" for _ in range(number)]


def test_near_duplicates__numbers_case_and_spaces_make_no_difference():
    samples = [
        sample("The order 17 of user 4 is open  now"),
        sample("the ORDER 9 of user 1200 is open now"),
        sample("Something else entirely here"),
    ]
    (found,) = near_duplicates(shingles(samples))
    assert (found.first, found.second, found.similarity) == (0, 1, 1.0)


def test_near_duplicates__what_most_samples_share_says_nothing():
    template = (
        " ".join(one + two for one in WORDS for two in WORDS)
        + " "
        + " ".join(f"{one}s {two}" for one in WORDS for two in WORDS)
    )
    samples = [sample(text) for text in texts(30, length=6, template=template)]
    assert near_duplicates(shingles(samples)) == []
    assert len(near_duplicates(shingles(samples[:5]))) == 10  # too few to know a template


@given(
    st.lists(st.frozensets(st.integers(0, 14).map(lambda one: (str(one),)), max_size=12), max_size=12),
    st.sampled_from([0.5, 0.7, 0.9]),
)
def test_laws__near_duplicates_are_exactly_the_pairs_at_least_as_similar(sets, least):
    brute = [
        (one, two)
        for one in range(len(sets))
        for two in range(one + 1, len(sets))
        if similarity(sets[one], sets[two]) >= least
    ]
    found = near_duplicates(sets, least=least)
    assert [(one.first, one.second) for one in found] == brute
    assert nearest(sets) >= max((one.similarity for one in found), default=0)


def test_near_duplicates__a_set_full_of_them_is_not_compared_to_the_end():
    same = [frozenset({(str(index),), *((word,) for word in WORDS * 2)}) for index in range(400)]
    assert 300 <= len(near_duplicates(same, least=0.8, most=300)) < 800


def test_repeated_inputs__whatever_the_order_of_keys():
    one = Sample(id="a", input={"x": 1, "y": [2]}, target=0)
    two = Sample(id="b", input={"y": [2], "x": 1}, target=1)
    assert list(repeated_inputs([one, sample("z"), two])) == [(0, 2)]


def test_guesses__a_keyword_gives_the_label_away_and_noise_does_not():
    generator = random.Random(3)
    labels = [generator.choice(["yes", "no"]) for _ in range(200)]
    plain = [
        sample(text, label, number=index) for index, (text, label) in enumerate(zip(texts(200), labels, strict=True))
    ]
    told = [
        sample(f"{one.input['prompt']} {'safe' if one.target == 'yes' else 'raw'}", one.target, number=index)
        for index, one in enumerate(plain)
    ]
    (noise,), (given_away,) = guesses(plain), guesses(told)
    assert noise.words < 0.6
    assert given_away.words == 1
    assert 0.4 < given_away.majority < 0.6


def test_guesses__learn_from_other_clusters_only():
    # Each cluster has a word of its own and one label: nothing of it is known to those who have not seen it.
    labels = ["yes", "no"] * 20
    samples = [
        sample(
            f"word{chr(97 + index // 26)}{chr(97 + index % 26)}", label, number=10 * index + number, cluster=f"c{index}"
        )
        for index, label in enumerate(labels)
        for number in range(5)
    ]
    (found,) = guesses(samples)
    assert found.words <= 0.6


@pytest.mark.parametrize(
    ("targets", "fields"),
    [
        (["a", "b"] * 10, ["target"]),
        ([{"vulnerable": True, "line": 3}, {"vulnerable": False, "line": 4}] * 10, ["target.vulnerable"]),
        ([f"value {index}" for index in range(20)], []),
        ([{"k": "a"}, {}] * 10, []),
        ([3, 4] * 10, []),
    ],
)
def test_guesses__of_labels_only(targets, fields):
    samples = [
        sample(text, target, number=index) for index, (text, target) in enumerate(zip(texts(20), targets, strict=True))
    ]
    assert [one.field for one in guesses(samples)] == fields


def test_guesses__what_the_input_states_is_there_to_be_read():
    stated = [sample(f"severity is {label}", label, number=index) for index, label in enumerate(["high", "low"] * 10)]
    choice = [
        sample(f"A: {word} B: {word}s", label, number=index)
        for index, (word, label) in enumerate(zip(WORDS, "AB" * 6, strict=True))
    ]
    assert guesses(stated) == []
    assert [one.field for one in guesses(choice)] == ["target"]


def test_lopsided__a_value_that_nearly_all_have():
    samples = [sample("x", {"ok": index != 0, "kind": str(index % 2)}, number=index) for index in range(20)]
    assert list(lopsided(samples)) == [("target.ok", "True", 0.95)]
