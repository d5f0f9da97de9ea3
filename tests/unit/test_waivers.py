from datetime import date

import pytest

from gate.domain import SliceKey
from gate.errors import Problems
from gate.files import LocalFiles
from gate.policy import parse_policy
from gate.waivers import load_waivers, parse_waivers

ENTRY = """\
version: 1
waivers:
  - family: remediation
    slice: {cwe: CWE-787}
    loss: 0.08
    given: 2026-11-25
    until: 2026-12-20
    approver: alice
    because: the fix is in the next release
    policy: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
"""


def test_parse_waivers__says_where_each_stands():
    (found,) = parse_waivers(ENTRY, file="w.yml")
    assert (found.where, found.family, found.slice) == ("w.yml:3", "remediation", SliceKey(name="cwe", value="CWE-787"))
    assert (found.loss, found.given, found.until) == (0.08, date(2026, 11, 25), date(2026, 12, 20))
    assert (found.bound.policy[:12], found.bound.head) == ("sha256:01234", None)


def test_parse_waivers__every_problem_at_once_and_where():
    text = """\
version: 1
waivers:
  - family: sums
    loss: 8
    given: 2026-11-31
    until: soon
    approver: "@alice"
    because: "..."
    head: 0123abc
    reason: x
  - {family: sums, loss: 0.1, given: 2026-12-02, until: 2026-12-01, approver: a, because: b}
"""
    with pytest.raises(Problems) as caught:
        parse_waivers(text, file="w.yml")
    found = {(one.line, one.path): one.what for one in caught.value.problems}
    assert found == {
        (4, "waivers[0].loss"): "must be at most 1.0",
        (5, "waivers[0].given"): "must be a day like 2026-12-31",
        (6, "waivers[0].until"): "must be a day like 2026-12-31",
        (7, "waivers[0].approver"): "must match ^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$",
        (8, "waivers[0].because"): "must say why",
        (9, "waivers[0].head"): "must match ^(sha256:)?[0-9a-f]{20,64}$",
        (10, "waivers[0].reason"): "is not a known key",
        (11, "waivers[1]"): "until is before given",
    }


@pytest.mark.parametrize(
    "text", ["", "- a", "version: 2", "version: 1\nwaivers: {}", "a: &a [*a]", "version: 1\nwaivers: [1]"]
)
def test_parse_waivers__another_thing_is_located_problems(text):
    with pytest.raises(Problems):
        parse_waivers(text, file="w.yml")


def policy(extra):
    return parse_policy(f"version: 1\nfamilies: {{f: {{severity: blocking, margin: 0.05}}}}\n{extra}", file="p.yml")


def test_load_waivers__only_where_the_policy_allows_them(tmp_path):
    (tmp_path / "w.yml").write_text(ENTRY)
    assert load_waivers(*policy(""), LocalFiles(tmp_path)) == ()
    assert load_waivers(*policy("waivers: {path: absent.yml}"), LocalFiles(tmp_path)) == ()
    assert len(load_waivers(*policy("waivers: {path: w.yml}"), LocalFiles(tmp_path))) == 1


def test_load_waivers__a_link_is_a_problem_of_the_policy(tmp_path):
    (tmp_path / "w.yml").symlink_to("/etc/passwd")
    with pytest.raises(Problems, match=r"p.yml:3:\d+: waivers.path: names w.yml, which is a symbolic link"):
        load_waivers(*policy("waivers: {path: w.yml}"), LocalFiles(tmp_path))
