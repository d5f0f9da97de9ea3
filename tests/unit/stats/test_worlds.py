"""Simulated worlds have the mean and the noise of what was stored: checked on data whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from gate.stats.proportion import clopper_pearson
from gate.stats.worlds import draw, hit, mean_of, noise_of, urn_of

NOTHING = np.full((400, 0), np.nan)


def answers(random, askings, *, noise, n=400, mean=0.8):
    strength = (noise / (2 * mean * (1 - mean))) / (1 - noise / (2 * mean * (1 - mean)))
    chances = random.beta(mean * strength, (1 - mean) * strength, size=(n, 1))
    return (random.random((n, askings)) < chances).astype(float)


@pytest.mark.parametrize("askings", [2, 3, 5])
def test_noise_of__is_unbiased_however_often_each_sample_was_asked(askings):
    random = np.random.default_rng(1)
    found = [noise_of(answers(random, askings, noise=0.08)).value for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.08, abs=3 * np.std(found) / 20)


def test_noise_of__counts_only_samples_asked_twice_and_needs_one():
    stored = np.array([[1.0, 0.0, np.nan], [1.0, np.nan, np.nan], [0.5, 0.5, 0.5]])
    assert noise_of(stored).samples == 2
    assert noise_of(stored).value == pytest.approx((1.0 + 0.0) / 2)
    assert noise_of(stored[1:2]) is None
    assert noise_of(NOTHING) is None


@pytest.mark.parametrize("askings", [2, 5])
def test_draw__shows_the_stored_mean_and_all_of_the_noise(askings):
    random = np.random.default_rng(2)
    means, noises, plain = [], [], []
    for _ in range(300):
        stored = answers(random, askings, noise=0.08)
        seen = draw(urn_of(stored, noise=noise_of(stored).value, mean=0.5), 400, 8, random)
        means.append(seen[:, 3].mean() - mean_of(stored))
        noises.append(np.mean((seen[:, 0] - seen[:, 7]) ** 2) - noise_of(stored).value)
        again = random.integers(askings, size=(2, 400))
        plain.append(np.mean(stored[np.arange(400), again[0]] != stored[np.arange(400), again[1]]))
    assert np.mean(means) == pytest.approx(0, abs=3 * np.std(means) / 17)
    assert np.mean(noises) == pytest.approx(0, abs=3 * np.std(noises) / 17)
    assert np.mean(plain) == pytest.approx(0.08 * (askings - 1) / askings, abs=0.005)  # why it is not resampled


def test_draw__graded_scores_keep_their_noise_and_stay_scores():
    random = np.random.default_rng(3)
    stored = np.clip(random.beta(2, 1, (400, 1)) + random.normal(0, 0.1, (400, 3)), 0, 1)
    urn = urn_of(stored, noise=noise_of(stored).value, mean=0.5)
    worlds = [draw(urn, 400, 4, random) for _ in range(200)]
    seen = [np.mean((one[:, 0] - one[:, 3]) ** 2) for one in worlds]
    assert np.mean(seen) == pytest.approx(noise_of(stored).value, abs=3 * np.std(seen) / 14)
    assert set(np.unique(worlds[0])) <= set(np.unique(stored))


def test_draw__nothing_stored_is_the_assumed_mean_and_noise():
    random = np.random.default_rng(4)
    worlds = [draw(urn_of(NOTHING, noise=0.08, mean=0.8), 400, 3, random) for _ in range(300)]
    assert np.mean(worlds) == pytest.approx(0.8, abs=0.004)
    assert np.mean([one[:, 0] != one[:, 2] for one in worlds]) == pytest.approx(0.08, abs=0.003)


def test_draw__without_noise_every_asking_gives_the_stored_answer():
    stored = answers(np.random.default_rng(5), 1, noise=1e-9)
    seen = draw(urn_of(stored, noise=0.0, mean=0.8), 400, 5, np.random.default_rng(6))
    assert np.array_equal(seen, np.repeat(stored, 5, axis=1))


def test_draw__same_seed_same_world():
    urn = urn_of(NOTHING, noise=0.08, mean=0.8)
    first, second = (draw(urn, 400, 3, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first, second)


def test_hit__takes_members_only():
    members = np.arange(400) < 30
    taken = hit(members, 0.5, np.random.default_rng(8))
    assert 5 < taken.sum() < 25
    assert not taken[30:].any()


@pytest.mark.parametrize(("found", "of"), [(0, 1), (0, 400), (12, 400), (400, 400), (3, 7), (150, 3000)])
def test_clopper_pearson__agrees_with_scipy(found, of):
    expected = stats.binomtest(found, of).proportion_ci()
    assert clopper_pearson(found, of) == pytest.approx((expected.low, expected.high), abs=1e-9)
