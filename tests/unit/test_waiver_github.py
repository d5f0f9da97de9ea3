from dataclasses import replace
from datetime import date

import pytest

from gate.errors import GitHubError
from gate.waiver_github import _role, waive_on_github
from gate.waiver_terms import Bound, Waiver
from tests.fakes.comparisons import comparison
from tests.fakes.pull_request import HEAD, FakeGitHub, case

TODAY = date(2026, 11, 25)
ROWS = [comparison("regressed", -0.2, config="models/a.yml", family="sums")]
LINE = "/driftgate waive sums until 2026-12-01 because it must go out"


def written(found):
    (pair,) = found.pairs
    digests = {"baseline": pair.baseline.digest, "candidate": pair.candidate.digest}
    return Waiver(
        source="file",
        where="w.yml:3",
        family="sums",
        slice=None,
        config=None,
        loss=0.3,
        given=TODAY,
        until=TODAY,
        approver="alice",
        because="it must go out",
        bound=Bound(head=HEAD, policy=found.policy_digest, **digests),
    )


def test_waive_on_github__without_a_pull_request_the_file_alone_counts_and_nothing_is_offered():
    found = replace(case(number=None), written=(written(case()),))
    waived = waive_on_github(found, FakeGitHub("alice", LINE), ROWS, TODAY)
    (use,) = waived.uses
    assert (use.source, use.state) == ("file", "in force")
    assert use.unchecked == ("who wrote the pull request", "who pushed the head commit")
    assert waive_on_github(case(number=None), FakeGitHub("alice", LINE), ROWS, TODAY).offers == ()
    assert len(waive_on_github(case(), FakeGitHub("alice", "hello"), ROWS, TODAY).offers) == 1


def test_waive_on_github__asks_nobody_where_nobody_asks():
    class Silent(FakeGitHub):
        def pull(self, number):
            raise AssertionError

        permission = commit = pushes = pull

    assert waive_on_github(case(), Silent("alice", "hello"), ROWS, TODAY).uses == ()


def test_waive_on_github__a_crowd_costs_at_most_twenty_questions():
    asked = []

    class Crowd(FakeGitHub):
        def comments(self, number):
            (one,) = list(super().comments(number))[1:]
            yield from (one | {"user": {"login": f"user{index}", "type": "User"}} for index in range(50))

        def permission(self, login):
            asked.append(login)
            return {"permission": "read", "role_name": "read"}

    waived = waive_on_github(case(), Crowd("x", LINE), ROWS, TODAY)
    assert len(asked) == 20
    assert {one.state for one in waived.uses} == {"refused"}
    assert len(waived.notices) == 11


def test_waive_on_github__a_permission_that_cannot_be_read_is_none():
    class Deaf(FakeGitHub):
        def permission(self, login):
            raise GitHubError("GitHub answered HTTP 404")

    (use,) = waive_on_github(case(), Deaf("alice", LINE), ROWS, TODAY).uses
    assert (use.state, use.reason) == (
        "refused",
        "its approver's permission could not be read: GitHub answered HTTP 404",
    )


@pytest.mark.parametrize(
    ("permission", "role", "counts_as"),
    [
        ("admin", "admin", "admin"),
        ("write", "maintain", "maintain"),
        ("write", "write", "write"),
        ("read", "triage", "triage"),
        ("none", "none", "none"),
        ("write", "release-captain", "write"),
        ("admin", "release-captain", "admin"),
        ("read", "admin", "read"),
        ("write", "admin", "write"),
        ("write", None, "write"),
        ("everything", "admin", "none"),
        (None, None, "none"),
    ],
)
def test_role__of_a_custom_role_is_what_the_permission_beside_it_says(permission, role, counts_as):
    assert _role({"permission": permission, "role_name": role}) == counts_as
