"""What the page shows, in the order that it is read in."""

from dataclasses import replace

import pytest

from gate.domain import SliceKey
from gate.html_blocks import config_blocks, costs, family_costs
from gate.report import ArmsPerCall, FamilyCost, Latency, PerCall, UsageReport
from tests.fakes.comparisons import comparison
from tests.fakes.reports import BASE


def unit(family, outcome="unchanged", delta=0.0, value=None, **parts):
    return comparison(outcome, delta, family=family, slice=value and SliceKey(name="cwe", value=value), **parts)


def test_config_blocks__what_stops_a_release_comes_first_and_the_rest_as_in_the_policy():
    units = [
        unit("calm"),
        unit("also-calm", "improved", 0.1),
        unit("open", "inconclusive"),
        unit("advised", "regressed", -0.3, severity="advisory"),
        unit("worse", "regressed", -0.1),
        unit("rare"),
        unit("rare", "regressed", -0.4, "CWE-1"),
    ]
    (only,) = config_blocks(units)
    assert [one.name for one in only.blocks] == ["rare", "worse", "advised", "open", "calm", "also-calm"]


def test_config_blocks__by_config():
    units = [unit("f", config="a.yml"), unit("f", config="b.yml"), unit("g", config="a.yml")]
    found = config_blocks(units)
    assert [(one.config, [block.name for block in one.blocks]) for one in found] == [
        ("a.yml", ["f", "g"]),
        ("b.yml", ["f"]),
    ]


def slices(*deltas):
    return [unit("f", value=f"CWE-{number}", delta=delta) for number, delta in enumerate(deltas)]


@pytest.mark.parametrize(
    ("deltas", "shown", "folded"),
    [
        ((0.0, -0.02, 0.1, 0.2), [-0.02], [0.0, 0.1, 0.2]),
        ((0.0, -0.02, 0.1), [-0.02, 0.0, 0.1], []),  # two are not worth folding
        ((), [], []),
    ],
)
def test_config_blocks__the_worst_slice_is_shown(deltas, shown, folded):
    ((block,),) = (one.blocks for one in config_blocks([unit("f"), *slices(*deltas)]))
    assert [one.delta for one in block.shown] == shown
    assert [one.delta for one in block.folded] == folded


def test_config_blocks__each_slice_that_regressed_is_shown():
    bad = [unit("f", "regressed", -0.1, "x"), unit("f", "regressed", -0.2, "y")]
    ((block,),) = (one.blocks for one in config_blocks([unit("f"), *slices(-0.3, 0, 0, 0), *bad]))
    assert [one.slice.value for one in block.shown] == ["y", "x"]


def arms(baseline, candidate):
    return replace(BASE, usage=UsageReport(per_call=ArmsPerCall(baseline=baseline, candidate=candidate)))


def test_costs__of_both_arms_and_the_change():
    baseline = PerCall(
        answers=9, input_tokens=1200.0, output_tokens=100.0, usd=0.001, latency=Latency(calls=9, p50=1.0, p95=2.0)
    )
    candidate = replace(baseline, output_tokens=138.0, usd=0.0009, latency=Latency(calls=9, p50=1.0, p95=3.0))
    assert [(one.what, one.baseline, one.candidate, one.change) for one in costs(arms(baseline, candidate))] == [
        ("input tokens a call", "1,200", "1,200", "no change"),
        ("output tokens a call", "100", "138", "+38 %"),
        ("cost of 1,000 calls", "$1.00", "$0.90", "−10 %"),
        ("latency, median", "1.00 s", "1.00 s", "no change"),
        ("latency, p95", "2.00 s", "3.00 s", "+50 %"),
    ]


def test_costs__what_is_not_known_is_left_out_or_a_dash_never_0():
    found = costs(arms(PerCall(answers=1, input_tokens=5.0), PerCall(answers=1)))
    assert [(one.what, one.baseline, one.candidate, one.change) for one in found] == [
        ("input tokens a call", "5", "–", "")
    ]
    assert costs(BASE) == ()


def test_costs__times_of_earlier_runs_are_compared_only_with_their_like():
    live, reused = Latency(calls=9, p50=1.0, p95=2.0), Latency(calls=9, p50=3.0, p95=4.0)
    both = costs(arms(PerCall(answers=9, reused_latency=reused), PerCall(answers=9, reused_latency=reused)))
    assert [(one.baseline, one.candidate) for one in both] == [("3.00 s", "3.00 s"), ("4.00 s", "4.00 s")]
    mixed = costs(arms(PerCall(answers=9, reused_latency=reused), PerCall(answers=9, latency=live)))
    assert [(one.baseline, one.candidate, one.change) for one in mixed] == [("–", "1.00 s", ""), ("–", "2.00 s", "")]


def test_family_costs__by_what_they_are():
    family = FamilyCost(
        config="a.yml",
        family="f",
        baseline=PerCall(answers=1, output_tokens=50.0),
        candidate=PerCall(answers=1, output_tokens=60.0),
    )
    ((found, by_what),) = family_costs(replace(BASE, usage=UsageReport(families=(family,))))
    assert found is family
    assert {what: one.change for what, one in by_what.items()} == {"output tokens a call": "+20 %"}
