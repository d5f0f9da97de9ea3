import pytest

from gate.errors import Problems
from gate.positions import read_yaml


def problems(text):
    with pytest.raises(Problems) as caught:
        read_yaml(text, file="p.yml")
    return caught.value.problems


def test_read_yaml__gives_plain_values_and_their_places():
    document = read_yaml("a: 1\nb:\n  - x\n  - 1e-3\nc: {d: true, e: null}\n", file="p.yml")
    assert document.tree == {"a": 1, "b": ["x", 0.001], "c": {"d": True, "e": None}}
    assert document.positions[("b", 1)] == (4, 5)
    assert document.positions[("c", "e")] == (5, 17)


@pytest.mark.parametrize("value", ["yes", "no", "on", "Off", "010", "0x1f", "1_000", "12:30", ".nan", "-.inf", "True"])
def test_read_yaml__refuses_a_scalar_that_readers_understand_differently(value):
    (problem,) = problems(f"key: {value}\n")
    assert (problem.line, problem.column, problem.path) == (1, 6, "key")


@pytest.mark.parametrize("value", ["yes", "010", "12:30"])
def test_read_yaml__takes_the_same_in_quotes(value):
    assert read_yaml(f'key: "{value}"\n', file="p.yml").tree == {"key": value}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: 1\na: 2\n", "is given twice"),
        ("a: &x [1]\nb: *x\n", "anchors"),
        ("a: !!python/object/apply:os.system [x]\n", "tags"),
        ("[" * 5000, "nested deeper"),
        ("a: [\n", "not valid YAML"),
        ("a: 1\n---\nb: 2\n", "more than one"),
        ("", "is empty"),
        ("no: 1\n", "understand differently"),
        ("a: " + "x" * 300_000, "larger than"),
    ],
)
def test_read_yaml__refuses(text, what):
    assert any(what in problem.what for problem in problems(text))


def test_read_yaml__reports_every_duplicate_and_surprise_at_once():
    assert [problem.line for problem in problems("a: yes\nb: 010\nb: 1\n")] == [1, 2, 3]
