import pytest

from gate.bars import WIDTH, bar, reach


@pytest.mark.parametrize(
    ("delta", "low", "high", "margin", "drawn"),
    [
        (0.0, -0.02, 0.02, 0.05, "······┊━●━·······"),
        (-0.08, -0.10, -0.06, 0.05, "····━●┊·│········"),
        (-0.02, -0.08, 0.04, 0.05, "·····━┊●│━━······"),
        (-0.4, -0.42, -0.38, 0.05, "◀·····┊·│········"),
        (0.31, 0.1, 0.5, 0.05, "······┊·│···━━━━▶"),
        (0.2, 0.2, 0.2, None, "········│·······●"),
        (-0.05, -0.2, 0.2, 0.05, "━━━━━━●━│━━━━━━━━"),
    ],
)
def test_bar__shows_where_the_interval_lies(delta, low, high, margin, drawn):
    assert bar(delta, (low, high), margin, most=0.2) == drawn
    assert len(drawn) == WIDTH


def test_bar__of_nothing_is_empty():
    assert bar(None, (-1.0, 1.0), 0.05, most=0.2) == bar(0.0, (0.0, 0.0), None, most=0.0) == ""


def test_reach__is_four_of_the_widest_margin_and_without_margins_what_there_is():
    assert reach([0.05, 0.1, None], [-0.9, 0.9]) == pytest.approx(0.4)
    assert reach([None], [-0.3, 0.1]) == 0.3
    assert reach([], []) == 0.0
