"""Laws of the decision: swapping the arms mirrors it, order never matters, identical arms never block."""

import numpy as np
from hypothesis import given, settings, strategies as st

from gate.domain import Observation, Score
from gate.pairing import pair_families
from gate.stats.decision import Unit, decide
from gate.stats.paired import PairedScores

score = st.sampled_from([0.0, 0.25, 0.5, 1.0])
arms = st.lists(st.tuples(score, score), max_size=60)


def result(rows, *, binary=False):
    array = np.array(rows, dtype=float).reshape(-1, 2)
    scores = PairedScores(baseline=array[:, 0], candidate=array[:, 1], clusters=None, binary=binary)
    unit = Unit(key="u", scores=scores, margin=0.05, severity="blocking")
    return decide([unit], alpha=0.05, power=0.8, seed=1)[0]


@settings(deadline=None, max_examples=60)
@given(arms)
def test_swapping_the_arms_mirrors_delta_and_never_keeps_a_regression(rows):
    forth, back = result(rows), result([(b, a) for a, b in rows])
    assert (forth.delta or 0.0) == -(back.delta or 0.0)
    assert not (forth.outcome == back.outcome == "regressed")


@settings(deadline=None, max_examples=60)
@given(arms, st.randoms(use_true_random=False))
def test_order_of_samples_changes_nothing(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert result(rows) == result(shuffled)


@settings(deadline=None, max_examples=40)
@given(st.lists(score, max_size=80))
def test_identical_arms_never_regress(scores):
    assert result([(value, value) for value in scores]).outcome in ("unchanged", "inconclusive")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), score), max_size=30, unique_by=lambda item: item[0]))
def test_pairing_drops_what_one_arm_lacks(items):
    left = [Observation(family="f", sample_id=str(i), repeat=0, result=Score(value=v)) for i, v in items]
    right = left[: len(left) // 2]
    found = pair_families(left, right)
    if left:
        assert len(found["f"].pairs) == len(right)
        assert found["f"].n_dropped.candidate == len(left) - len(right)
