"""What follows from a licence: severities, margins, wider intervals, and words."""

from dataclasses import replace

import pytest

from gate.domain import Comparison, Dataset, PerArm, PlanRow, SliceKey
from gate.evaluation import Suite
from gate.families.custom import Custom
from gate.families.judged import Judged
from gate.judge_rule import JudgeRule
from gate.judges import Judge
from gate.licences import Licence, Licences
from gate.policy import FamilyRule, MatchRule, SliceRule
from gate.stats.agreement import Labelled, agreement
from gate.stats.decision import reason

CUSTOM = Custom(MatchRule(mode="exact"))
JUDGE = JudgeRule(endpoint="e", model="m", rubric="r.md", calibration="c.jsonl")
RULE = FamilyRule(
    kind="custom",
    severity="blocking",
    margin=0.1,
    judge=JUDGE,
    slices={"own": SliceRule(severity="blocking", margin=0.2), "same": SliceRule(severity="blocking")},
)
FOUND = agreement(
    [Labelled(good=True, judged=float(i >= 5)) for i in range(100)]
    + [Labelled(good=False, judged=float(i < 5)) for i in range(100)]
)
LOW = FOUND.youden.low


def licences(state="granted", found=FOUND, why=""):
    judge = Judge(
        scorer=Judged(inner=CUSTOM, rule=JUDGE, rubric="r"), rubric_digest="sha256:r", calibration_digest="sha256:c"
    )
    return Licences(of={"f": Licence(family="f", rule=RULE, judge=judge, state=state, agreement=found, reason=why)})


def compared(outcome, interval, delta, **more):
    """As the engine gives it: in judged scores."""
    margin = 0.1 * LOW
    return Comparison(
        config="c",
        family="f",
        slice=None,
        metric="judged to pass",
        severity="blocking",
        n_pairs=300,
        n_dropped=PerArm(baseline=0, candidate=0),
        baseline=0.8,
        candidate=0.8 + delta,
        delta=delta,
        interval=interval,
        level=0.9,
        p_value=0.01,
        margin=margin,
        outcome=outcome,
        method="exact",
        lost=1,
        gained=1,
        detectable=0.05,
        more_samples=40 if outcome == "inconclusive" else None,
        gating=True,
        reason=reason(outcome, interval, margin=margin, stuck=None, more=40 if outcome == "inconclusive" else None),
        **more,
    )


def weighed(one, **more):
    (found,) = licences(**more).weighed([one])
    return found


def ruled(**more):
    dataset = Dataset(source="d", digest="sha256:d", samples=())
    (suite,) = licences(**more).ruled([Suite(name="f", rule=RULE, family=CUSTOM, dataset=dataset)])
    return suite.rule


def test_ruled__margins_are_in_judged_scores():
    rule = ruled()
    assert (rule.severity, rule.margin) == ("blocking", pytest.approx(0.1 * LOW))
    assert (rule.slices["own"].margin, rule.slices["same"].margin) == (pytest.approx(0.2 * LOW), None)


def test_ruled__without_a_licence_no_slice_blocks_either():
    rule = ruled(state="refused", found=None)
    assert (rule.severity, rule.margin) == ("advisory", 0.1)
    assert {one.severity for one in rule.slices.values()} == {"advisory"}


def test_ruled__other_families_are_left_alone():
    dataset = Dataset(source="d", digest="sha256:d", samples=())
    other = Suite(name="other", rule=RULE, family=CUSTOM, dataset=dataset)
    assert licences().ruled([other]) == (other,)


def test_weighed__a_large_loss_stays_one_with_a_wider_interval_and_the_policys_margin():
    found = weighed(compared("regressed", (-0.3, -0.1), -0.2))
    assert (found.outcome, found.margin, found.delta) == ("regressed", 0.1, -0.2)
    assert found.interval[0] == pytest.approx(-0.3 / LOW)
    assert -0.1 < found.interval[1] < 0
    assert found.reason == f"a loss is shown: at least {-100 * found.interval[1]:.1f} points"
    assert found.method == "exact; judge's errors allowed for"
    assert found.detectable > 0.05


def test_weighed__a_loss_within_the_doubt_decides_nothing_and_says_what_would():
    found = weighed(compared("regressed", (-0.12, -0.02), -0.05))
    assert (found.outcome, found.interval[1]) == ("inconclusive", 0.0)
    assert found.reason == (
        "a loss of 5.0 points was judged, and the judge's errors alone could make it: "
        "its 200 labels leave 4.7 points open; about 1,107 labels could settle it"
    )


def test_weighed__a_gain_within_the_doubt_is_no_loss():
    found = weighed(compared("improved", (0.001, 0.12), 0.05))
    assert (found.outcome, found.interval[0]) == ("unchanged", 0.0)
    assert "a gain of 5.0 points was judged" in found.reason
    assert found.reason.endswith("any loss is smaller than 10.0 points")
    assert weighed(compared("improved", (0.2, 0.4), 0.3)).outcome == "improved"


def test_weighed__unchanged_stays_within_the_true_margin():
    found = weighed(compared("unchanged", (-0.09 * LOW, 0.02), 0.0))
    assert (found.outcome, found.interval[0]) == ("unchanged", pytest.approx(-0.09))
    assert found.reason == ("any loss is smaller than 10.0 points (at most 9.0), if the judge errs alike on both arms")


def test_weighed__what_was_open_stays_open_in_true_points():
    found = weighed(compared("inconclusive", (-0.1 * LOW, 0.02), -0.01))
    assert (found.outcome, found.more_samples) == ("inconclusive", 40)
    assert "a loss of 10.0 points is possible; about 40 more samples" in found.reason
    stuck = replace(compared("inconclusive", (-1.0, 1.0), 0.0), reason="too many are missing")
    assert weighed(stuck).reason == "too many are missing"


def test_weighed__a_slice_has_its_own_margin():
    own = replace(compared("unchanged", (-0.01, 0.02), 0.0), slice=SliceKey(name="own", value="x"))
    same = replace(own, slice=SliceKey(name="same", value="x"))
    assert [one.margin for one in licences().weighed([own, same])] == [0.2, 0.1]


def test_weighed__nothing_is_decided_on_an_unknown_licence():
    for outcome in ("regressed", "improved", "unchanged"):
        found = weighed(compared(outcome, (-0.1, 0.1), 0.0), state="unknown", found=None, why="it was down")
        assert (found.outcome, found.reason) == (
            "inconclusive",
            "whether its judge may decide is not known: it was down",
        )


def test_weighed__without_error_rates_the_interval_is_as_it_was():
    one = compared("regressed", (-0.3, -0.1), -0.2)
    found = weighed(one, state="refused", found=None, why="no labels")
    assert (found.interval, found.outcome, found.margin) == (one.interval, "regressed", 0.1)


def test_seen__a_plan_is_in_true_points():
    row = PlanRow(
        config="c",
        family="f",
        slice=None,
        severity="blocking",
        samples=300,
        repeats=1,
        margin=0.1 * LOW,
        alpha=0.05,
        baseline=0.8,
        baseline_samples=0,
        noise=0.08,
        noise_samples=0,
        visible=0.1 * LOW,
        gating=True,
        samples_needed=None,
    )
    (found,) = licences().seen([row])
    assert (found.margin, found.visible) == (0.1, pytest.approx(0.1))


def test_notices__only_where_a_refusal_changes_what_the_policy_says():
    assert licences().notices == ()
    assert licences(state="refused", why="none").notices == (
        "f: advisory in this run, for its judge has no licence: none",
    )


@pytest.mark.parametrize(("slices", "told"), [(RULE.slices, 1), ({}, 0)])
def test_notices__of_an_advisory_family_only_where_a_slice_would_block(slices, told):
    (one,) = licences(state="refused", why="none").of.values()
    rule = RULE.model_copy(update={"severity": "advisory", "slices": slices})
    assert len(Licences(of={"f": replace(one, rule=rule)}).notices) == told
