"""A self-test tells a gate that keeps its alpha from one that does not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gate.domain import Sample
from gate.errors import CannotEvaluate
from gate.policy import parse_policy
from gate.rehearsal import SequentialRehearsal, rehearsal_of, subject
from gate.selftest import self_test
from gate.selftest_commands import need_two
from gate.selftest_text import headline, text, to_json

POLICY = """\
version: 1
families:
  a: {severity: blocking, margin: 0.1, slices: {cwe: {severity: blocking, margin: 0.4}}}
  b: {severity: blocking, margin: 0.1}
"""
RULES = parse_policy(POLICY, file="p.yml")[0]
FIXED = parse_policy(POLICY + "risk: {design: fixed}\n", file="p.yml")[0]


def stored(n=150, askings=2, mean=0.8, noise=0.08, seed=1):
    """Simulated answers of a baseline."""
    random = np.random.default_rng(seed)
    strength = (noise / (2 * mean * (1 - mean))) / (1 - noise / (2 * mean * (1 - mean)))
    chances = random.beta(mean * strength, (1 - mean) * strength, size=(n, 1))
    return 1.0 * (random.random((n, askings)) < chances)


def subjects(n=150, **more):
    samples = [Sample(id=f"s{i}", input={}, target=None, slices={"cwe": f"c{i % 3}"}) for i in range(n)]
    return [
        subject(None, name, rule, samples, known=stored(n, seed=seed, **more))
        for seed, (name, rule) in enumerate(RULES.families.items())
    ]


class Careless(SequentialRehearsal):
    """Calls every drop a regression, as a gate without statistics does."""

    def decide(self, followed):
        played = super().decide(followed)
        worse = [one.world.candidate[:, 0].mean() < one.world.baseline[:, 0].mean() for one in followed]
        names = [one.named[0].family for one in self.subjects]
        bad = {name for name, is_worse in zip(names, worse, strict=True) if is_worse}
        return replace(
            played,
            comparisons=tuple(
                replace(one, outcome="regressed" if one.family in bad else "unchanged") for one in played.comparisons
            ),
        )


def test_self_test__a_gate_that_ignores_alpha_does_not_hold():
    found = subjects()
    result = self_test(found, RULES, Careless(tuple(found), RULES), simulations=20)
    assert not result.holds
    assert result.blocked.low > RULES.risk.alpha
    assert headline(result).endswith("policy allows 5 %: this gate blocks too often")


@pytest.mark.parametrize("rules", [RULES, FIXED], ids=["sequential", "fixed"])
def test_self_test__the_gate_holds_and_catches_what_is_large(rules):
    found = subjects()
    result = self_test(found, rules, rehearsal_of(found, rules), simulations=40)
    assert result.holds
    assert result.blocked.found + result.passed.found <= 40
    family, *parts = result.units[:4]
    assert [one.slice.value for one in parts] == ["c0", "c1", "c2"]
    assert family.catches[-1].caught.found >= 15  # 15 points of 150 samples, planted 20 times
    assert all(one.catches[0].caught.found <= one.catches[-1].caught.found for one in result.units)
    assert (family.samples, family.asked_twice, parts[0].samples) == (150, 150, 50)


def test_self_test__same_input_same_output_and_json_says_it_all():
    found = subjects(n=60)
    first, second = (self_test(found, RULES, rehearsal_of(found, RULES), simulations=3) for _ in range(2))
    assert to_json(first) == to_json(second)
    content = json.loads(to_json(first))
    assert content["headline"] == text(first).splitlines()[0]
    assert {"holds", "alpha", "simulations", "blocked", "passed", "mean_calls", "units", "seed"} <= set(content)


def test_self_test__a_drop_below_zero_cannot_be_planted():
    found = subjects(n=60, mean=0.08, noise=0.02)
    result = self_test(found, RULES, rehearsal_of(found, RULES), simulations=2)
    assert result.units[0].mean < 0.15
    assert result.units[0].catches[-1].caught is None
    assert "–" in text(result)


def test_self_test__tells_how_far_it_is():
    found, told = subjects(n=60), []
    self_test(found, RULES, rehearsal_of(found, RULES), simulations=3, tell=told.append)
    assert told == [1, 2, 3]


def test_need_two__says_what_to_run():
    with pytest.raises(CannotEvaluate, match="a: 0 of 60 samples have two stored answers") as raised:
        need_two(subjects(n=60, askings=1), "run it again")
    assert raised.value.exit_code == 3
    assert "hint: run it again" in str(raised.value)
    need_two(subjects(n=60), "")
