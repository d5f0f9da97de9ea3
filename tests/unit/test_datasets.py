"""Dataset files, as JSON lines and as CSV: the same samples, the same strictness."""

import csv as library
import io
import json
import re

import pytest
from hypothesis import given, strategies as st

from gate.datasets import load_dataset, parse_dataset
from gate.errors import Problem, Problems
from gate.files import LocalFiles

CSV = """\
id,input.prompt,input.files:json,target.vulnerable:json,target.cwe,slices.cwe,cluster
a,"Which, and ""why""?
Say it.","{""x.py"": ""1""}",true,CWE-89,sql,repo-1

b,Second,,false,,,
"""


def csv(text):
    return parse_dataset(text.encode(), source="d.csv")


def test_csv__nested_columns_json_columns_empty_cells_and_line_breaks():
    first, second = csv(CSV).samples
    assert first.input == {"prompt": 'Which, and "why"?\nSay it.', "files": {"x.py": "1"}}
    assert first.target == {"vulnerable": True, "cwe": "CWE-89"}
    assert (first.slices, first.cluster) == ({"cwe": "sql"}, "repo-1")
    assert (second.input, second.target, second.slices, second.cluster) == (
        {"prompt": "Second"},
        {"vulnerable": False},
        {},
        None,
    )
    assert csv(CSV).lines == (2, 5)


def test_csv__digest_is_over_the_bytes_and_a_byte_order_mark_is_no_column():
    marked = parse_dataset(b"\xef\xbb\xbf" + CSV.encode(), source="d.csv")
    assert marked.samples == csv(CSV).samples
    assert marked.digest != csv(CSV).digest


def test_load_dataset__the_file_name_says_which(tmp_path):
    (tmp_path / "D.CSV").write_text(CSV)
    assert load_dataset(LocalFiles(tmp_path), "D.CSV").samples == csv(CSV).samples
    (tmp_path / "d.jsonl").write_text(CSV)
    with pytest.raises(Problems, match=r"d.jsonl:1:1: is not valid JSON"):
        load_dataset(LocalFiles(tmp_path), "d.jsonl")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "d.csv:1:1: holds no header"),
        ("id,input.p,target\n", "d.csv: holds no samples"),
        ("id,id,target\na,b,c", "d.csv:1:1: has the columns 1 and 2 under one name"),
        ("id,target,target:json\na,b,1", "columns 2 and 3 under one name"),
        ("id,input,input.p\na,b,c", "has column 2 also as a level of other columns"),
        ("id,input..p,target\na,b,c", "has no usable name for column 2"),
        ("id, target\na,b", "has no usable name for column 2"),
        ("id,input.p,target,note\na,b,c,d", "d.csv:2:1: has an unknown key"),
        ("id,input.p,target\na,b,c\nb,c\nc,d,e,f", "d.csv:3:1: has 2 cells where the header has 3\n.*\nd.csv:4:1: has 4 cells"),
        ("id,input.p,target\na,b,", "d.csv:2:1: has no target"),
        ("id,input.p,target\na,,c", "d.csv:2:1: has no input"),
        ("id,input,target\na,b,c", "d.csv:2:1: has no input"),
        ("id,input.p,target\n,b,c", "d.csv:2:1: has no id"),
        ("id,input.p,target\na,b,c\na,b,c", "d.csv:3:1: id: has the id of line 2"),
        ('id,input.p,target\n\na,"x\ny",c\na,b,c', "d.csv:5:1: id: has the id of line 3"),
        ("id,input.p,target:json\na,b,{", "d.csv:2:1: has no valid JSON in column 'target' (character 2)"),
        ('id,input.p,target:json\na,b,"{""x"":1,""x"":2}"', "d.csv:2:1: has a key twice"),
        ("id,input.p,target:json\na,b,NaN", "d.csv:2:1: holds NaN"),
        ('id,input.p,target\na,"b"x,c', "d.csv:2:1: is not valid CSV"),
        ('id,input.p,target\na,b,c\nb,"x', "d.csv:3:1: is not valid CSV"),
        ("id,input.p,target\na," + "x" * 140_000 + ",c", "d.csv:2:1: is not valid CSV: field larger than field limit"),
        ("id,input.p,target,slices.x:json\na,b,c,1", "d.csv:2:1: has no slice value"),
    ],
)  # fmt: skip
def test_csv__what_is_wrong_is_located(text, says):
    with pytest.raises(Problems) as raised:
        csv(text)
    assert re.search(says.replace("(", r"\(").replace(")", r"\)"), str(raised.value), re.DOTALL), str(raised.value)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1).filter(str.strip)


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT)
def test_laws__csv_and_jsonl_of_the_same_samples_are_the_same(prompts, target):
    rows = [{"id": f"s{index}", "input": {"prompt": one}, "target": target} for index, one in enumerate(prompts)]
    out = io.StringIO(newline="")
    table = library.writer(out)
    table.writerow(["id", "input.prompt", "target"])
    table.writerows([one["id"], one["input"]["prompt"], one["target"]] for one in rows)
    lines = "\n".join(map(json.dumps, rows))
    assert csv(out.getvalue()).samples == parse_dataset(lines.encode(), source="d.jsonl").samples


@given(st.text(max_size=80))
def test_laws__any_text_is_samples_or_located_problems(text):
    try:
        found = [Problem(file="d.csv", what="")] * bool(csv("id,input.p,target\n" + text).samples)
    except Problems as error:
        found = error.problems
    assert {one.file for one in found} == {"d.csv"}
