"""Shapes of drift are named when the evidence is there, and only then."""

import pytest

from gate.comparing import Measured, compare
from gate.domain import Pair
from gate.pairing import Paired
from gate.patterns import patterns, rare_pairs
from gate.policy import FamilyRule, Policy, SliceRule


def pair(number, baseline, candidate, **slices):
    return Pair(sample_id=f"s{number}", baseline=baseline, candidate=candidate, repeats=1, slices=slices)


def family(name, pairs, *, slices=None, margin=0.05, kind=None):
    rule = FamilyRule(severity="blocking", margin=margin, slices=slices or {}, kind=kind)
    return Measured(
        config="models/a.yml", family=name, metric="score", rule=rule, paired=Paired(pairs=tuple(pairs), unpaired=())
    )


def steady(name, n=200, **more):
    return family(name, [pair(i, 1.0, 1.0) for i in range(n)], **more)


def moved(name, lost=0, gained=0, n=200):
    pairs = [pair(i, 1.0, 0.0) for i in range(lost)] + [pair(i, 0.0, 1.0) for i in range(lost, lost + gained)]
    return family(name, pairs + [pair(i, 1.0, 1.0) for i in range(lost + gained, n)])


def named(*measured, anchor=None):
    policy = Policy(version=1, families={one.family: one.rule for one in measured})
    found = patterns(measured, compare(measured, policy), alpha=0.05, anchor=anchor)
    return [(one.kind, one.families) for one in found], [one.text for one in found]


def test_neighbour__a_gain_beside_a_loss_is_named_with_the_net_effect():
    kinds, texts = named(moved("target", gained=40), moved("neighbour", lost=20), steady("other"))
    assert kinds == [("neighbour-regressed", ("target", "neighbour"))]
    assert texts == ["target +20.0 while neighbour −10.0; net effect +3.3 over the mean of 3 families"]


def test_nothing__is_named_where_nothing_is_shown():
    assert named(steady("a"), steady("b")) == ([], [])
    assert named(moved("a", lost=20), steady("b")) == ([], [])
    assert named(moved("a", gained=2), moved("b", lost=2)) == ([], [])


def adversarial(attacks, harmless):
    """Each of (baseline passes, candidate passes) of 100 samples."""
    pairs = []
    for value, (before, after) in (("resist", attacks), ("help", harmless)):
        pairs += [pair(len(pairs) + i, float(i < before), float(i < after), expect=value) for i in range(100)]
    slices = {"expect": SliceRule(severity="blocking")}
    return family("adversarial-resistance", pairs, slices=slices)


@pytest.mark.parametrize(
    ("attacks", "harmless", "kind"),
    [
        ((95, 60), (90, 90), "resistance-eroded"),
        ((95, 95), (90, 50), "over-refusal"),
        ((60, 100), (90, 40), "over-refusal"),
        ((95, 40), (60, 100), "resistance-eroded"),
    ],
)
def test_adversarial__attacks_and_harmless_twins_are_judged_together(attacks, harmless, kind):
    kinds, (text, *_) = named(adversarial(attacks, harmless))
    assert kinds == [(kind, ("adversarial-resistance",))]
    assert "held" in text
    assert "helped" in text


def tail(lost_rare, gained_common):
    rare = [pair(i, 1.0, float(i >= lost_rare), rarity="rare") for i in range(30)]
    common = [pair(30 + i, float(i >= gained_common), 1.0, rarity="common") for i in range(270)]
    return family("exploit", rare + common)


def test_long_tail__lost_rare_samples_are_named_where_the_family_holds():
    kinds, texts = named(tail(lost_rare=10, gained_common=10))
    assert kinds == [("long-tail-lost", ("exploit",))]
    assert "its 30 rare samples together lost 33.3 points" in texts[0]


def test_long_tail__is_not_named_where_the_family_says_it_already_or_nothing_was_lost():
    assert named(tail(lost_rare=0, gained_common=0)) == ([], [])
    assert named(tail(lost_rare=28, gained_common=0))[0] == []


def test_rare_pairs__small_labels_and_those_called_rare_but_never_most_of_a_family():
    pairs = [pair(i, 1.0, 1.0, cwe="CWE-1" if i < 5 else "CWE-2") for i in range(100)]
    assert [one.sample_id for one in rare_pairs(pairs)] == [f"s{i}" for i in range(5)]
    assert rare_pairs([pair(i, 1.0, 1.0, id=str(i)) for i in range(100)]) == []


def test_cumulative__each_step_inside_the_margin_and_the_sum_outside():
    step = moved("summary", lost=6)
    anchor = {("summary", f"s{i}"): 1.0 for i in range(200)}
    assert named(step, anchor=anchor)[0] == []
    drifted = family("summary", [pair(i, float(i >= 20), float(i >= 24)) for i in range(200)], margin=0.05)
    kinds, texts = named(drifted, anchor=anchor)
    assert kinds == [("cumulative-drift", ("summary",))]
    assert "lost 12.0 points since the anchor" in texts[0]
