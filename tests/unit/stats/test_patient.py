"""Families that look for a loss once, at their end, as those with a judge do."""

import numpy as np

from gate.stats.engine import FamilySpec, plan_looks
from tests.fakes.paired_run import Arms, drive, noisy_arms


def design(*, patient=True, n=200, margin=0.1):
    spec = FamilySpec(key="f", n=n, margin=margin, severity="blocking", patient=patient)
    return plan_looks([spec], alpha=0.05, power=0.8, seed=1)


def lost(n, share):
    baseline, candidate = np.ones((n, 6)), np.ones((n, 6))
    candidate[: round(share * n)] = 0
    return Arms(baseline=baseline, candidate=candidate)


def test_patient__all_alpha_of_a_loss_is_on_the_last_look_and_nothing_is_asked_again():
    (plan,) = design().families
    assert len(plan.looks) > 1
    assert plan.spend[:-1] == (0.0,) * (len(plan.looks) - 1)
    assert plan.spend[-1] == plan.alpha
    assert (plan.later, plan.parts) == ((), ())


def test_patient__a_plain_loss_is_shown_only_when_everything_was_asked():
    arms, hasty = lost(200, 0.3), lost(200, 0.3)
    result, early = drive(design(), {"f": arms})["f"], drive(design(patient=False), {"f": hasty})["f"]
    assert (result.outcome, arms.calls, len(result.looks)) == ("regressed", 400, len(design().families[0].looks))
    assert (early.outcome, hasty.calls < 400) == ("regressed", True)


def test_patient__what_loses_nothing_still_stops_early():
    arms = lost(200, 0.0)
    result = drive(design(), {"f": arms})["f"]
    assert (result.outcome, arms.calls < 400) == ("unchanged", True)


def test_patient__nothing_changed_is_blocked_within_alpha():
    random, blocked = np.random.default_rng(3), 0
    for _ in range(300):
        arms = noisy_arms(random, 200, noise=0.15)
        blocked += drive(design(margin=0.02), {"f": arms})["f"].outcome == "regressed"
        assert arms.calls <= 400
    assert blocked <= 300 * 0.05 + 2 * (300 * 0.05 * 0.95) ** 0.5
    assert blocked > 0, "its alpha is used"


def test_patient__graded_scores_too():
    random = np.random.default_rng(5)
    baseline = random.choice([0.0, 0.5, 1.0], (120, 6))
    arms = Arms(baseline=baseline, candidate=np.maximum(baseline - 0.5, 0.0))
    result = drive(design(n=120), {"f": arms})["f"]
    assert (result.outcome, arms.calls, result.stage) == ("regressed", 240, "looks")
