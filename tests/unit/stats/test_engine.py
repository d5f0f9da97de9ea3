"""The sequential engine from outside: what it asks, when it stops, what it says."""

import numpy as np
import pytest

from gate.stats.engine import FamilySpec, SliceSpec, decide, plan_looks, wanted
from tests.fakes.paired_run import Arms, drive, noisy_arms


def family(key="f", **settings):
    return FamilySpec(**{"key": key, "n": 400, "margin": 0.05, "severity": "blocking", **settings})


def planned(*specs, **settings):
    return plan_looks(specs, **{"alpha": 0.05, "power": 0.8, "seed": 7, **settings})


def same(n=400, value=1.0, askings=6):
    return Arms(baseline=np.full((n, askings), value), candidate=np.full((n, askings), value))


def lost(share, n=400, seed=0):
    arms = same(n)
    arms.candidate[np.random.default_rng(seed).permutation(n)[: round(share * n)]] = 0.0
    return arms


def test_identical_arms__pass_at_the_first_look_that_can():
    arms = same()
    result = drive(planned(family()), {"f": arms})["f"]
    assert (result.outcome, result.stage) == ("unchanged", "looks")
    assert arms.calls < 0.5 * 800
    assert [look.outcome for look in result.looks[:-1]] == ["inconclusive"] * (len(result.looks) - 1)
    assert result.looks[-1].asked == arms.calls


def test_a_large_loss__stops_early_and_blocks():
    arms = lost(0.3)
    result = drive(planned(family()), {"f": arms})["f"]
    assert (result.outcome, result.stage) == ("regressed", "looks")
    assert arms.calls <= 0.3 * 800
    assert result.interval[1] < 0


def test_a_gain__is_improved_and_mirrors_the_loss():
    arms = lost(0.3)
    swapped = Arms(baseline=arms.candidate, candidate=arms.baseline)
    result = drive(planned(family()), {"f": swapped})["f"]
    assert result.outcome == "improved"
    assert result.interval[0] > 0


def test_a_small_consistent_loss__is_settled_by_re_asking_or_a_second_run():
    random = np.random.default_rng(3)
    results = [drive(planned(family()), {"f": noisy_arms(random, 400, noise=0.08, drop=0.06)})["f"] for _ in range(20)]
    stages = {(one.stage, one.outcome) for one in results}
    assert ("re-asked", "regressed") in stages
    assert sum(one.outcome == "regressed" for one in results) >= 18


def test_a_deterministic_endpoint__is_not_asked_a_second_time_in_full():
    arms = lost(0.0125)
    result = drive(planned(family(margin=0.001)), {"f": arms})["f"]
    assert (result.outcome, result.stage) == ("regressed", "re-asked")  # 5 of 5 lost: p 0.03, and all the alpha is left
    assert arms.calls == 2 * 400 + 2 * 2 * 5


def test_repeats_that_never_differ__skip_every_later_stage():
    arms = lost(0.0125)
    result = drive(planned(family(margin=0.001, repeats=2)), {"f": arms})["f"]
    assert (result.outcome, result.stage) == ("regressed", "looks")
    assert arms.calls == 2 * 2 * 400


def test_families_advance_in_step_and_closed_ones_are_not_asked():
    design = planned(family("a"), family("b"))
    arms = {"a": same(), "b": lost(0.02)}
    first = wanted(design, {})
    assert set(first) == {"a", "b"}
    assert int(first["a"].baseline.sum()) == design.families[0].looks[0]
    drive(design, arms)
    assert arms["a"].calls < arms["b"].calls


@pytest.mark.parametrize("arm", ["baseline", "candidate"])
def test_an_outage_on_one_arm__is_inconclusive_with_bounds(arm):
    arms = same(100)
    getattr(arms, arm)[:15] = np.nan
    result = drive(planned(family(n=100)), {"f": arms})["f"]
    assert result.outcome == "inconclusive"
    assert "15" in result.reason
    low, high = result.bounds
    assert low == pytest.approx(-0.15 if arm == "candidate" else 0.0)
    assert high == pytest.approx(0.0 if arm == "candidate" else 0.15)
    assert result.interval[0] <= low


def test_an_outage__cannot_hide_a_loss_as_a_pass():
    arms = lost(0.1, n=400)
    arms.candidate[arms.candidate[:, 0] == 0] = np.nan
    assert drive(planned(family()), {"f": arms})["f"].outcome == "inconclusive"


def test_few_missing__are_left_out():
    arms = same(400)
    arms.candidate[:4] = np.nan
    result = drive(planned(family()), {"f": arms})["f"]
    assert result.outcome == "unchanged"
    assert result.bounds is None or result.bounds[0] < 0


def test_a_run_that_was_cut__is_inconclusive_and_says_so():
    design = planned(family("a"), family("b"))
    arms = {"a": same(), "b": lost(0.02)}
    results = drive(design, arms, batches=2)
    assert results["b"].outcome == "inconclusive"
    assert "ended" in results["b"].reason
    assert decide(design, {})[0].n == 0
    assert drive(design, arms)["a"].outcome == "unchanged"


def test_answers_that_were_not_asked_for__change_nothing():
    design, random = planned(family()), np.random.default_rng(5)
    for _ in range(10):
        arms = noisy_arms(random, 400, noise=0.08, drop=0.04)
        asked = drive(design, {"f": arms})["f"]
        arms.asked = {name: np.full(400, 6) for name in arms.asked}
        assert decide(design, {"f": arms.scores()})[0] == asked


def test_a_resumed_run__takes_the_same_way():
    design, random = planned(family()), np.random.default_rng(6)
    arms = noisy_arms(random, 400, noise=0.08, drop=0.04)
    for batches in range(1, 30):
        drive(design, {"f": arms}, batches=1)
        whole = Arms(baseline=arms.baseline, candidate=arms.candidate)
        drive(design, {"f": whole}, batches=batches)
        assert whole.calls == arms.calls


@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_hardly_any_samples__never_pass_and_never_loop(n):
    result = drive(planned(family(n=n)), {"f": same(n)})["f"]
    assert result.outcome == "inconclusive"
    assert -1 <= result.interval[0] < result.interval[1] <= 1


def test_one_cluster__is_inconclusive():
    result = drive(planned(family(clusters=np.zeros(400, dtype=np.int64))), {"f": lost(0.5)})["f"]
    assert result.outcome == "inconclusive"


def test_clusters__stay_together_in_the_order():
    clusters = np.repeat(np.arange(80), 5)
    plan = planned(family(clusters=clusters)).families[0]
    ends = set(plan.looks)
    ordered = clusters[plan.order]
    assert all(ordered[end - 1] != ordered[end] for end in ends if end < 400)
    assert (np.diff(ordered) != 0).sum() == 79


def test_graded_scores__are_decided_by_drawn_signs():
    random = np.random.default_rng(8)
    base = random.random((400, 6))
    worse = np.clip(base - 0.1 * (random.random((400, 1)) < 0.9), 0, 1)
    result = drive(planned(family()), {"f": Arms(baseline=base, candidate=worse)})["f"]
    assert result.outcome == "regressed"
    noise = np.clip(base + random.normal(0, 0.02, base.shape), 0, 1)
    assert drive(planned(family()), {"f": Arms(baseline=base, candidate=noise)})["f"].outcome == "unchanged"


def test_advisory_families__get_no_extra_calls_and_cost_the_others_nothing():
    alone = planned(family("a")).families[0]
    both = planned(family("a"), family("b", severity="advisory")).families
    assert both[0].spend == alone.spend
    random = np.random.default_rng(9)
    arms = {key: noisy_arms(random, 400, noise=0.15, drop=0.05) for key in "ab"}
    results = drive(planned(family("a"), family("b", severity="advisory")), arms)
    assert arms["b"].calls <= 800
    assert results["b"].stage == "looks"


def test_fixed__is_one_look_at_everything():
    arms = lost(0.3)
    result = drive(planned(family(), sequential=False), {"f": arms})["f"]
    assert arms.calls == 800
    assert len(result.looks) == 1
    assert result.outcome == "regressed"


def test_ignore_below__a_small_real_loss_does_not_block():
    arms = lost(0.04)
    assert drive(planned(family(ignore_below=0.06, margin=0.1)), {"f": arms})["f"].outcome == "unchanged"


def sliced(members, **settings):
    part = SliceSpec(**{"key": "s", "members": members, "margin": 0.15, "severity": "blocking", **settings})
    return planned(family(slices=(part,)))


def test_a_slice_that_lost_everything__blocks_while_its_family_passes():
    members = np.arange(400) < 20
    arms = same()
    arms.candidate[:12] = 0.0
    results = drive(sliced(members), {"f": arms})
    assert results["s"].outcome == "regressed"
    assert results["s"].interval[1] < 0


def test_a_slice_that_can_see_its_margin__is_asked_until_it_passes():
    members = np.arange(400) < 200
    results = drive(sliced(members, margin=0.06), {"f": same()})
    assert results["s"].can_see_margin
    assert results["s"].outcome == "unchanged"


def test_a_slice_too_small_to_see_its_margin__costs_no_calls():
    with_slice, without = same(), same()
    results = drive(sliced(np.arange(400) < 8), {"f": with_slice})
    drive(planned(family(), sequential=True), {"f": without})
    assert not results["s"].can_see_margin
    assert results["s"].outcome == "inconclusive"
    assert with_slice.calls == without.calls


def test_an_empty_slice__is_inconclusive():
    assert drive(sliced(np.zeros(400, dtype=bool)), {"f": same()})["s"].outcome == "inconclusive"


def stored_family(arms, runs):
    return family(stored=arms.baseline[:, :runs])


def test_stored_runs__pass_an_unchanged_candidate_without_asking_the_baseline():
    arms = noisy_arms(np.random.default_rng(10), 400, noise=0.03, askings=12)
    spec = family(stored=arms.baseline[:, 6:11])
    result = drive(planned(spec), {"f": arms})["f"]
    assert (result.outcome, result.stage) == ("unchanged", "stored")
    assert arms.asked["baseline"].sum() == 0
    assert arms.asked["candidate"].sum() == 400


def test_stored_runs__never_block_without_fresh_answers_of_both_arms():
    arms = noisy_arms(np.random.default_rng(11), 400, noise=0.03, askings=12)
    lucky = np.ones((400, 5))
    result = drive(planned(family(stored=lucky)), {"f": arms})["f"]
    assert result.outcome == "unchanged"
    assert result.stage == "looks"
    assert arms.asked["baseline"].sum() > 0
    worse = noisy_arms(np.random.default_rng(12), 400, noise=0.03, drop=0.2)
    assert drive(planned(family(stored=np.ones((400, 2)))), {"f": worse})["f"].outcome == "regressed"


def test_the_screening_answer__is_not_used_among_the_fresh_ones():
    arms = same(400)
    arms.candidate[:, 0] = 0.0
    result = drive(planned(family(stored=np.ones((400, 3)))), {"f": arms})["f"]
    assert result.outcome == "unchanged"
    assert result.lost == 0
