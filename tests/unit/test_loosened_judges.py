"""What a pull request's policy would change about judges."""

from gate.loosened import loosened
from gate.policy import parse_policy

WITHOUT = "version: 1\nfamilies:\n  f:\n    severity: blocking\n    margin: 0.1\n"
JUDGE = "    judge: {endpoint: e, model: m, rubric: r.md, calibration: c.jsonl, min_kappa: 0.7}\n"


def said(before, after):
    policy, _ = parse_policy(before, file="p.yml")
    return [line.split(": ", 1)[1] for line in loosened(policy, after, file="p.yml")]


def test_loosened__a_judge_that_comes_goes_or_needs_less():
    assert said(WITHOUT + JUDGE, WITHOUT + JUDGE) == []
    assert said(WITHOUT + JUDGE, WITHOUT + JUDGE.replace("0.7", "0.8")) == []
    assert said(WITHOUT + JUDGE, WITHOUT + JUDGE.replace("0.7", "0.5")) == [
        "families.f.judge.min_kappa: 0.7 → 0.5: a judge that agrees less could decide"
    ]
    (other,) = said(WITHOUT + JUDGE, WITHOUT + JUDGE.replace("model: m", "model: m2"))
    assert other == "families.f.judge.model: m → m2: answers would be judged in another way"
    for before, after in ((WITHOUT, WITHOUT + JUDGE), (WITHOUT + JUDGE, WITHOUT)):
        (line,) = said(before, after)
        assert line.startswith("families.f.judge: ")
        assert line.endswith("answers would be scored in another way")
