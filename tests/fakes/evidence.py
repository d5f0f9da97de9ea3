"""Flips to show: one with texts, one without."""

from gate.evidence import AnswerShown, ArmEvidence, Evidence, Flip


def shown(text="an answer", score=1.0, **given):
    return AnswerShown(**{"text": text, "score": score, "reason": "right", "finish": "stop", **given})


def arm(*answers):
    scores = [one.score for one in answers if one.score is not None]
    return ArmEvidence(score=sum(scores) / len(scores), answers=answers, asked=len(answers))


def flip(**given):
    parts = {
        "config": "models/a.yml",
        "family": "advisory-summary",
        "sample_id": "s-1",
        "slices": {"cwe": "CWE-787"},
        "cluster": None,
        "direction": "lost",
        "harmful": False,
        "prompt": "Summarise <this>.",
        "target": "CVE-2026-1",
        "baseline": arm(shown()),
        "candidate": arm(shown("another\nanswer", 0.0, reason="the wrong id")),
    }
    return Flip(**(parts | given))


EVIDENCE = Evidence(
    report="sha256:00",
    left_out=2,
    without_texts=1,
    flips=(flip(), flip(sample_id="s-2", prompt=None, target=None, candidate=arm(shown(None, 0.5, cut=True)))),
)
