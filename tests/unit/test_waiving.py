from dataclasses import replace
from datetime import date

import pytest

from gate.domain import SliceKey
from gate.policy import WaiverRule
from gate.verdict import decide
from gate.waiver_command import read_commands
from gate.waiver_terms import Bound, Waiver
from gate.waiving import Judged, approvers, waive
from tests.fakes.comparisons import comparison

TODAY = date(2026, 11, 25)
HEAD, POLICY, BASE, NEXT = "a" * 40, f"sha256:{'b' * 64}", f"sha256:{'c' * 64}", f"sha256:{'d' * 64}"
JUDGED = Judged(rule=WaiverRule(), today=TODAY, policy=POLICY, head=HEAD, models={"models/a.yml": (BASE, NEXT)})
CWE = SliceKey(name="cwe", value="CWE-787")


def row(family="sums", delta=-0.08, outcome="regressed", **parts):
    parts = {"config": "models/a.yml", "interval": (delta - 0.02345, delta + 0.02345)} | parts
    return comparison(outcome, delta, family=family, **parts)


WAIVER = Waiver(
    source="file",
    where="w.yml:3",
    family="sums",
    slice=None,
    config=None,
    loss=0.1,
    given=TODAY,
    until=date(2026, 12, 20),
    approver="Alice",
    because="it must go out",
    bound=Bound(head=HEAD, policy=POLICY, baseline=BASE, candidate=NEXT),
)


def used(waiver=WAIVER, rows=None, judged=JUDGED, **more):
    found = waive(rows or [row()], [waiver], judged, refusals=more.pop("refusals", None), **more)
    (use,) = found.uses
    assert (use.state == "in force") == (decide(found.comparisons).verdict == "waived")
    return use


def test_waive__in_force_marks_its_unit_and_no_other():
    rows = [row(), row("other"), row(slice=CWE)]
    found = waive(rows, [WAIVER], JUDGED, refusals=None)
    assert [one.waiver for one in found.comparisons] == ["Alice, until 2026-12-20", None, None]
    assert decide(found.comparisons).because == (rows[1], rows[2])
    assert found.uses[0].reason == "a loss of 0.0800, of 0.1000 allowed"
    assert found.notices == ()


def test_waive__of_a_slice():
    rows = [row(outcome="unchanged", delta=0.0), row(slice=CWE), row(slice=replace(CWE, value="CWE-79"))]
    found = waive(rows, [replace(WAIVER, slice=CWE)], JUDGED, refusals=None)
    assert [one.waiver is not None for one in found.comparisons] == [False, True, False]


@pytest.mark.parametrize(
    ("waiver", "rows", "state", "says"),
    [
        ({"until": TODAY}, None, "in force", ""),
        ({"given": date(2026, 10, 1), "until": date(2026, 10, 24)}, None, "expired", "its last day was 2026-10-24"),
        ({"given": date(2026, 11, 26)}, None, "refused", "dated 2026-11-26, which is yet to come"),
        ({"until": date(2026, 12, 26)}, None, "refused", "runs for 31 days; the policy allows 30 at most"),
        ({"void": "its comment was edited"}, None, "refused", "its comment was edited"),
        ({"config": "models/b.yml"}, None, "unused", "does not judge models/b.yml"),
        ({"family": "other"}, None, "unused", "no such family or slice"),
        ({"slice": CWE}, None, "unused", "no such family or slice"),
        ({}, [row(severity="advisory")], "unused", "it is advisory"),
        ({}, [row(outcome="unchanged", delta=0.0)], "unused", "it did not regress (unchanged)"),
        ({}, [row(outcome="inconclusive")], "unused", "it did not regress (inconclusive)"),
        ({}, [replace(row(outcome="inconclusive"), delta=None)], "unused", "it did not regress (inconclusive)"),
        ({"loss": 0.08}, None, "in force", ""),
        ({"loss": 0.0799}, None, "lapsed", "the loss grew to 0.0800; it allows 0.0799 at most"),
        ({"loss": None}, None, "in force", "of 0.1035 allowed"),
    ],
)
def test_waive__state_and_reason(waiver, rows, state, says):
    use = used(replace(WAIVER, **waiver), rows)
    assert (use.state, says in use.reason) == (state, True), use


@pytest.mark.parametrize("name", ["head", "policy", "baseline", "candidate"])
@pytest.mark.parametrize(
    ("stated", "state"),
    [
        (lambda digits: digits, "in force"),
        (lambda digits: digits.removeprefix("sha256:")[:20], "in force"),
        (lambda digits: digits.removeprefix("sha256:")[:19], "lapsed"),
        (lambda digits: "sha256:", "lapsed"),
        (lambda digits: "e" * 40, "lapsed"),
        (lambda digits: f"{digits}0", "lapsed"),
        (lambda digits: None, "refused"),
    ],
)
def test_waive__is_bound_to_each(name, stated, state):
    actual = {"head": HEAD, "policy": POLICY, "baseline": BASE, "candidate": NEXT}[name]
    use = used(replace(WAIVER, bound=replace(WAIVER.bound, **{name: stated(actual)})))
    assert use.state == state
    assert (name in use.reason) == (state != "in force")


def test_waive__the_policy_may_limit_the_loss():
    judged = replace(JUDGED, rule=WaiverRule(max_loss=0.09))
    assert used(judged=judged).reason == "it allows a loss of 0.1; the policy allows 0.09 at most"
    assert used(replace(WAIVER, loss=None), judged=judged).loss == 0.09
    assert used(replace(WAIVER, loss=None), [row(delta=-0.2)], judged).state == "lapsed"


def test_waive__several_configs_need_a_name():
    judged = replace(JUDGED, models={**JUDGED.models, "models/b.yml": (BASE, POLICY)})
    rows = [row(config="models/b.yml"), row()]
    found = waive(rows, [WAIVER], judged, refusals=None)
    assert (found.uses[0].state, "config PATH" in found.uses[0].reason) == ("refused", True)
    found = waive(rows, [replace(WAIVER, config="models/a.yml")], judged, refusals=None)
    assert [one.waiver is not None for one in found.comparisons] == [False, True]


def test_waive__the_approver_may_be_refused_and_is_asked_only_when_it_matters():
    assert approvers([row()], [WAIVER, WAIVER], JUDGED) == ["alice"]
    assert approvers([row(outcome="unchanged")], [WAIVER], JUDGED) == []
    use = used(refusals={"alice": "its approver has permission read"})
    assert (use.state, use.reason) == ("refused", "its approver has permission read")
    assert used(refusals={"alice": ""}).state == "in force"
    assert used(refusals={"bob": ""}).reason == "its approver was not checked"


def test_waive__the_first_that_holds_covers_and_the_next_is_unused():
    found = waive([row()], [WAIVER, replace(WAIVER, approver="Bob")], JUDGED, refusals={"alice": "no", "bob": ""})
    assert [one.state for one in found.uses] == ["refused", "in force"]
    found = waive([row()], [WAIVER, replace(WAIVER, approver="Bob")], JUDGED, refusals=None)
    assert [(one.state, one.reason) for one in found.uses][1] == ("unused", "another waiver covers it")


def test_waive__what_this_run_cannot_check_is_said():
    judged = replace(JUDGED, head=None, models={})
    found = waive([row(config=None)], [WAIVER], judged, refusals=None, unchecked=("the approver's permission",))
    assert found.uses[0].unchecked == ("the head commit", "the baseline", "the candidate", "the approver's permission")
    assert found.notices == (
        "waiver of sums by Alice (w.yml:3): not checked here: the head commit, the baseline, the candidate, "
        "the approver's permission",
    )
    assert found.offers == ()


@pytest.mark.parametrize(
    ("until", "says"), [(25, "expires today"), (26, "expires in 1 day,"), (30, "expires in 5 days"), (2, "")]
)
def test_notices__near_the_end(until, says):
    day = date(2026, 11, until) if until > 2 else date(2026, 12, 3)
    found = waive([row()], [replace(WAIVER, until=day)], JUDGED, refusals=None)
    assert [says in line for line in found.notices] == ([True] if says else [])


def test_notices__are_at_most_ten_and_those_in_force_come_first():
    unused = [replace(WAIVER, family=f"f{number}") for number in range(30)]
    found = waive([row()], [*unused, replace(WAIVER, until=TODAY)], JUDGED, refusals=None)
    assert len(found.notices) == 11
    assert found.notices[0].startswith("waiver of sums")
    assert found.notices[-1] == "and 21 more waivers, which report.json names"
    assert len(found.uses) == 31


def test_offers__are_read_back_and_release():
    hostile = SliceKey(name="cwe", value="a `b`\n<!-- @all")
    rows = [
        row(delta=-0.07),
        row(slice=hostile),
        row("other", outcome="inconclusive"),
        row("soft", severity="advisory"),
    ]
    offers = waive(rows, [], JUDGED, refusals=None).offers
    assert len(offers) == 2
    assert offers[0] == (
        "/driftgate waive sums until 2026-12-09 loss 0.0935 head aaaaaaaaaaaaaaaaaaaa policy bbbbbbbbbbbbbbbbbbbb "
        "baseline cccccccccccccccccccc candidate dddddddddddddddddddd because …"
    )
    said = [one for line in offers for one in read_commands(line.replace("…", "it must go out"))]
    waivers = [
        replace(WAIVER, family=one.family, slice=one.slice, loss=one.loss, until=one.until, bound=one.bound)
        for one in said
    ]
    assert decide(waive(rows[:2], waivers, JUDGED, refusals=None).comparisons).verdict == "waived"
