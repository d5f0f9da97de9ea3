"""Where things stand in the plots."""

from dataclasses import replace

import pytest

from gate.domain import Look, SliceKey
from gate.html_plots import bar, course, forest_axis, tick
from tests.fakes.comparisons import comparison


@pytest.mark.parametrize(
    ("deltas", "reach", "ticks"),
    [
        ([0.01], 0.06, ["−6", "−4", "−2", "0", "+2", "+4", "+6"]),
        ([0.01, -0.08], 0.1, ["−10", "−5", "0", "+5", "+10"]),
        ([-0.9], 1.0, ["−100", "−50", "0", "+50", "+100"]),
        ([], 0.06, ["−6", "−4", "−2", "0", "+2", "+4", "+6"]),
    ],
)
def test_forest_axis__is_as_wide_as_the_families_need(deltas, reach, ticks):
    axis = forest_axis([comparison("unchanged", delta) for delta in deltas])
    assert (axis.reach, [tick(one) for one in axis.ticks]) == (reach, ticks)


def test_forest_axis__of_a_slice_its_delta_must_fit_but_its_interval_need_not():
    wide = comparison("inconclusive", -0.04, interval=(-0.7, 0.6), slice=SliceKey(name="cwe", value="CWE-1"))
    axis = forest_axis([comparison("unchanged"), wide])
    drawn = bar(wide, axis)
    assert axis.reach == 0.06
    assert (drawn.under, drawn.over, drawn.low, drawn.high) == (True, True, 0.0, 100.0)


def test_bar__stands_where_its_figures_say():
    axis = forest_axis([comparison("regressed", -0.08)])
    drawn = bar(comparison("regressed", -0.08), axis)
    assert axis.at(0) == 50.0
    assert 0 < drawn.low < drawn.delta < drawn.high < drawn.margin + 1 < 50
    assert (drawn.under, drawn.over) == (False, False)
    assert drawn.delta == pytest.approx(50 - 50 * 0.08 / (0.1 * 1.04), abs=0.01)


def test_bar__without_a_delta_has_no_dot():
    nothing = replace(comparison("inconclusive"), delta=None, interval=(-1.0, 1.0))
    axis = forest_axis([nothing])
    assert axis.reach == 0.06, "an interval of nothing says nothing"
    assert bar(nothing, axis).delta is None


def test_course__goes_from_look_to_look_and_up_is_better():
    looks = (
        Look(samples=100, asked=200, delta=-0.02, outcome="inconclusive"),
        Look(samples=100, asked=300, delta=None, outcome="inconclusive"),
        Look(samples=400, asked=800, delta=0.02, outcome="unchanged"),
    )
    drawn = course(comparison("unchanged", 0.02, looks=looks))
    assert [point.x for point in drawn.points] == [25.0, 100.0]
    assert drawn.points[0].y > 50 > drawn.points[1].y
    assert drawn.high < drawn.points[1].y < drawn.low
    assert [text for _, text in drawn.ticks] == ["+6", "0", "−6"]
    assert drawn.ticks[1][0] == 50
    assert drawn.points[0].says == "−2.0 after 200 calls: inconclusive"


def test_course__of_one_look_is_none():
    assert course(comparison("unchanged", looks=(Look(samples=1, asked=2, delta=0.0, outcome="unchanged"),))) is None


def test_course__of_looks_that_asked_nothing_is_drawn_all_the_same():
    look = Look(samples=0, asked=0, delta=0.0, outcome="inconclusive")
    assert [point.x for point in course(comparison("inconclusive", looks=(look, look))).points] == [0, 0]
