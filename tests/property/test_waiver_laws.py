"""Whatever a comment says, and whatever a waiver says: an answer, never an exception, and never a pass by accident."""

import string
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings, strategies as st

from gate.domain import SliceKey
from gate.policy import WaiverRule
from gate.verdict import decide
from gate.waiver_command import Command, Misread, read_commands, word
from gate.waiver_github import waive_on_github
from gate.waiver_terms import Bound, Waiver
from gate.waiving import Judged, waive
from tests.fakes.comparisons import comparison
from tests.fakes.pull_request import HEAD, FakeGitHub, case

TODAY = date(2026, 11, 25)
DIGITS = {"head": HEAD, "policy": "b" * 64, "baseline": "c" * 64, "candidate": "d" * 64}
JUDGED = Judged(
    rule=WaiverRule(),
    today=TODAY,
    policy=DIGITS["policy"],
    head=DIGITS["head"],
    models={"models/a.yml": (DIGITS["baseline"], DIGITS["candidate"])},
)
PIECES = st.sampled_from(
    [
        "/driftgate",
        "waive",
        "sums",
        "sums/cwe=a",
        'sums/cwe="a b"',
        '"',
        '\\"',
        "until",
        "2026-12-01",
        "loss",
        "0.5",
        "1e9",
        "config",
        "models/a.yml",
        "../../etc",
        "head",
        "a" * 20,
        "because",
        "it must go out",
        "\n",
        "\r\n",
        "\n\n",
        "> ",
        "```",
        "~~~",
        "    ",
        "<!--",
        "-->",
        "\u202e",
        "\x00",
        "\u2028",
        "::error::",
    ]
)
BODIES = st.lists(PIECES | st.text(max_size=8), max_size=40).flatmap(
    lambda parts: st.sampled_from([" ", ""]).map(lambda between: between.join(parts))
)
LOSSES = st.floats(min_value=0.0, max_value=1.0, allow_nan=False)


CASE = case()


def commented(author, body):
    """The verdict on a loss of 20 points, with a comment."""
    return decide(waive_on_github(CASE, FakeGitHub(author, body), [row(0.2)], TODAY).comparisons).verdict


def row(loss, outcome="regressed"):
    interval = (-min(1.0, loss + 0.1), min(1.0, 0.1 - loss))
    return comparison(outcome, -loss, config="models/a.yml", family="sums", interval=interval)


def waived(waivers, loss, refusals=None, judged=JUDGED):
    return decide(waive([row(loss)], waivers, judged, refusals=refusals).comparisons).verdict


@given(BODIES)
@settings(max_examples=400)
def test_comments__give_commands_or_our_own_words(body):
    for one in read_commands(body):
        assert isinstance(one, Command | Misread)
        if isinstance(one, Misread):
            assert one.what.isprintable()
            assert "\u202e" not in one.what


@given(BODIES)
@settings(max_examples=400)
def test_comments__hidden_in_code_or_quotes_are_no_commands(body):
    flat = body.replace("\r", "")
    quoted = "\n".join(f"> {line}" for line in flat.split("\n"))
    assert read_commands(quoted) == []
    coded = "\n".join(f"    {line}" for line in flat.split("\n"))
    assert read_commands(coded) == []


@given(BODIES)
@settings(max_examples=300)
def test_comments__of_those_who_may_not_release_nothing(body):
    line = "/driftgate waive sums until 2026-12-01 because it must go out"
    assert commented("alice", line) == "waived"
    for author in ("mallory", "dev"):
        assert commented(author, line) == "blocked"
        assert commented(author, body) == "blocked"
    wanted = [one for one in read_commands(body) if isinstance(one, Command) and one.family == "sums"]
    assert commented("alice", body) == "blocked" or wanted


@given(st.text(alphabet=string.printable + "äλ😀\u202e\u2028", min_size=1, max_size=60))
def test_commands__any_value_of_a_slice_is_written_and_read_back(value):
    (found,) = read_commands(f"/driftgate waive sums/cwe={word(value)} until 2026-12-01 because it must go out")
    assert found.slice == SliceKey(name="cwe", value=value)


MAYBE = st.sampled_from([None, *DIGITS.values(), "e" * 40, "a" * 19, "sha256:" + "b" * 64])
BOUNDS = st.just(Bound(**DIGITS)) | st.builds(Bound, head=MAYBE, policy=MAYBE, baseline=MAYBE, candidate=MAYBE)
WAIVERS = st.builds(
    Waiver,
    source=st.sampled_from(["file", "comment"]),
    where=st.just("w.yml:3"),
    family=st.sampled_from(["sums", "sums", "sums", "other"]),
    slice=st.sampled_from([None, None, None, SliceKey(name="cwe", value="a")]),
    config=st.sampled_from([None, "models/a.yml", "models/b.yml"]),
    loss=st.none() | LOSSES,
    given=st.integers(-40, 3).map(lambda days: TODAY + timedelta(days=days)),
    until=st.integers(-3, 40).map(lambda days: TODAY + timedelta(days=days)),
    approver=st.sampled_from(["alice", "mallory"]),
    because=st.just("it must go out"),
    bound=BOUNDS,
    void=st.sampled_from(["", "", "its comment was edited"]),
)


def should_hold(one, loss):
    """The rules once more, as one condition."""
    return (
        (one.family, one.slice, one.void, one.approver) == ("sums", None, "", "alice")
        and one.config in (None, "models/a.yml")
        and one.given <= TODAY <= one.until <= one.given + timedelta(days=30)
        and all((getattr(one.bound, name) or "").removeprefix("sha256:") == digits for name, digits in DIGITS.items())
        and (one.loss is None or loss <= one.loss + 1e-9)
    )


@given(st.lists(WAIVERS, max_size=4), LOSSES)
@settings(max_examples=600)
def test_waivers__release_exactly_when_one_holds(waivers, loss):
    holds = any(should_hold(one, loss) for one in waivers)
    assert waived(waivers, loss, {"mallory": "no", "alice": ""}) == ("waived" if holds else "blocked")


@given(WAIVERS.map(lambda one: replace(one, bound=Bound(**DIGITS), void="")), LOSSES, LOSSES)
@settings(max_examples=400)
def test_waivers__a_larger_loss_never_unblocks(waiver, one, other):
    if waiver.loss is None:
        return
    small, large = sorted((one, other))
    assert (waived([waiver], small), waived([waiver], large)) != ("blocked", "waived")


@given(WAIVERS, LOSSES, st.sampled_from(["unchanged", "improved", "inconclusive"]))
def test_waivers__turn_nothing_but_a_regression(waiver, loss, outcome):
    before = decide([row(loss, outcome)]).verdict
    assert decide(waive([row(loss, outcome)], [waiver], JUDGED, refusals=None).comparisons).verdict == before
