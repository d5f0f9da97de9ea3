"""Who owns a path, by the rules that GitHub documents for CODEOWNERS."""

import pytest
from hypothesis import given, strategies

from gate.codeowners import owners_of, read_codeowners


@pytest.mark.parametrize(
    ("text", "path", "owners"),
    [
        ("* @all", "a/b.yml", ("@all",)),
        ("* @all\n/evals/ @team @other", "evals/x/y.jsonl", ("@team", "@other")),
        ("/evals/ @team\n* @all", "evals/x.jsonl", ("@all",)),
        ("/evals/ @team\n/evals/open.jsonl", "evals/open.jsonl", ()),
        ("docs/* @team", "docs/a.md", ("@team",)),
        ("docs/* @team", "docs/deep/a.md", ()),
        ("*.yml @team # not @mallory", ".github/driftgate.yml", ("@team",)),
        ("# * @all\n\n", "a", ()),
        ("/with\\ space @team", "with space", ("@team",)),
        ("!evals @team", "evals", ()),
        ("/evals/[ab].jsonl @team", "evals/a.jsonl", ()),
        ("**/gate.yml mail@example.org", "a/b/gate.yml", ("mail@example.org",)),
    ],
)
def test_owners_of__the_last_pattern_that_matches_decides(text, path, owners):
    assert owners_of(path, read_codeowners(text)) == owners


@given(strategies.text(alphabet="/*@#\\[!a. \n\t\x00", max_size=60))
def test_owners_of__any_text_is_read(text):
    assert isinstance(owners_of("a/a.a", read_codeowners(text)), tuple)
