"""Moved samples and their observations → evidence, with texts from memory."""

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from gate.comparing import Moved
from gate.domain import CallFailure, Completion, Observation, Score, SliceKey, Unscored
from gate.evidence import from_json, to_json
from gate.flips import BARE_LIMIT, LIMIT, MOST_ANSWERS, TEXT_LIMIT, Showing, evidence_of
from gate.policy import parse_policy
from tests.fakes.comparisons import comparison

POLICY = """\
version: 1
families:
  adversarial-resistance: {severity: blocking, margin: 0.05}
  remediation: {severity: blocking, margin: 0.05}
  advisory-summary: {severity: advisory, margin: 0.05}
"""


def moved(sample_id, baseline=1.0, candidate=0.0, *, family="remediation", **given):
    parts = {"config": "m.yml", "slices": {"cwe": "CWE-79"}, "cluster": None}
    return Moved(family=family, sample_id=sample_id, baseline=baseline, candidate=candidate, **(parts | given))


class Said:
    """Texts by a function; `asked` counts what was read."""

    def __init__(self, text=lambda arm, one: f"{arm} of {one.sample_id}", question=("the prompt", "the target")):
        self.text, self.asked, self._question = text, 0, question

    def question(self, family, sample_id):
        return self._question

    def completion(self, config, arm, one):
        self.asked += 1
        text = self.text(arm, one)
        return text if text is None or isinstance(text, Completion) else Completion(text=text)


def asked(found, repeats=1, result=None):
    """An observation of each sample on both arms."""
    for arm in ("baseline", "candidate"):
        scores = [(one, result or Score(value=getattr(one, arm), reason=f"{arm} reason")) for one in found]
        yield (
            "m.yml",
            arm,
            [
                Observation(family=one.family, sample_id=one.sample_id, repeat=repeat, result=score)
                for one, score in scores
                for repeat in range(repeats)
            ],
        )


def shown(found, *, texts=None, policy=POLICY, outcomes=(), secrets=(), **askings):
    policy, _ = parse_policy(policy, file="p.yml")
    rows = [
        comparison(
            dict(outcomes).get(name, "unchanged"), config="m.yml", family=name, severity=policy.families[name].severity
        )
        for name in policy.families
    ]
    return evidence_of(
        found,
        asked(found, **askings),
        Showing(policy=policy, comparisons=rows, texts=texts, secrets=secrets),
    )


def test_evidence_of__tells_prompt_target_answers_scores_and_reasons():
    found = shown([moved("a"), moved("b", 0.0, 1.0)], texts=Said())
    lost, gained = found.flips
    assert (lost.direction, gained.direction, lost.sample_id) == ("lost", "gained", "a")
    assert (lost.prompt, lost.target, lost.slices) == ("the prompt", "the target", {"cwe": "CWE-79"})
    (answer,) = lost.candidate.answers
    assert (answer.text, answer.score, answer.reason, answer.finish) == (
        "candidate of a",
        0.0,
        "candidate reason",
        "stop",
    )
    assert (lost.baseline.score, lost.baseline.answers[0].text) == (1.0, "baseline of a")
    assert (found.left_out, found.without_texts) == (0, 0)


def test_evidence_of__losses_first_and_regressed_blocking_families_before_others():
    units = ("advisory-summary", "remediation", "adversarial-resistance")
    found = shown(
        [moved(f"{side}-{unit}", *side_scores, family=unit) for side, side_scores in SIDES.items() for unit in units],
        outcomes={"remediation": "regressed", "advisory-summary": "regressed"},
    )
    assert [one.sample_id for one in found.flips] == [
        f"{side}-{unit}" for side in ("lost", "gained") for unit in ("remediation", "adversarial-resistance", units[0])
    ]


SIDES = {"gained": (0.0, 1.0), "lost": (1.0, 0.0)}


def test_evidence_of__the_larger_difference_comes_first():
    found = shown([moved("a", 0.5, 0.4), moved("b", 1.0, 0.2), moved("c", 0.3, 0.2)])
    assert [one.sample_id for one in found.flips] == ["b", "a", "c"]


def test_evidence_of__attacks_are_harmful_whatever_the_family_is_called():
    rules = POLICY + "  my-attacks: {kind: adversarial-resistance, severity: advisory, margin: 0.05}\n"
    found = shown(
        [moved("a", family="my-attacks"), moved("b"), moved("c", family="adversarial-resistance")], policy=rules
    )
    assert {one.family: one.harmful for one in found.flips} == {
        "my-attacks": True,
        "remediation": False,
        "adversarial-resistance": True,
    }


@pytest.mark.parametrize(
    ("whole", "own", "told"),
    [
        ("evidence: scores\n", "", set()),
        ("evidence: full\n", "", {"remediation", "advisory-summary"}),
        ("evidence: scores\n", "evidence: full, ", {"remediation"}),
        ("", "evidence: scores, ", {"advisory-summary"}),
    ],
)
def test_evidence_of__a_policy_may_keep_texts_out(whole, own, told):
    policy, texts = POLICY.replace("remediation: {", f"remediation: {{{own}") + whole, Said()
    found = shown([moved("a"), moved("b", family="advisory-summary")], texts=texts, policy=policy)
    assert {one.family for one in found.flips if one.prompt and one.candidate.answers[0].text} == told
    hidden = [one for one in found.flips if one.family not in told]
    assert all(one.prompt is one.target is one.baseline.answers[0].text is None for one in hidden)
    assert all(one.baseline.answers[0].reason == "baseline reason" for one in hidden)
    assert (texts.asked, found.without_texts) == (2 * len(told), 0)


def test_evidence_of__recorded_scores_have_no_texts_and_miss_none():
    found = shown([moved("a")], texts=None)
    (flip,) = found.flips
    assert (flip.prompt, flip.baseline.answers[0].text, flip.baseline.answers[0].cut) == (None, None, False)
    assert (found.left_out, found.without_texts) == (0, 0)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (CallFailure(kind="timeout", detail="gave no answer"), (None, "gave no answer", "timeout")),
        (Unscored(reason="the scorer failed"), (None, "the scorer failed", "")),
        (Score(value=0.25, reason="half"), (0.25, "half", "")),
    ],
)
def test_evidence_of__an_asking_without_an_answer_says_why(result, expected):
    found = shown([moved("a")], texts=Said(lambda arm, one: None), result=result)
    (answer,) = found.flips[0].baseline.answers
    assert (answer.score, answer.reason, answer.finish) == expected
    assert (answer.text, answer.cut) == (None, False)


def test_evidence_of__of_many_askings_the_first_are_shown_and_all_are_counted():
    found = shown([moved("a")], texts=Said(), repeats=MOST_ANSWERS + 3)
    assert len(found.flips[0].candidate.answers) == MOST_ANSWERS
    assert found.flips[0].candidate.asked == MOST_ANSWERS + 3


def test_evidence_of__long_texts_are_cut_and_say_so():
    long = "x" * (TEXT_LIMIT + 1)
    texts = Said(lambda arm, one: long if arm == "candidate" else long[1:], question=(long, long[1:]))
    (flip,) = shown([moved("a")], texts=texts).flips
    assert [(len(one.answers[0].text), one.answers[0].cut) for one in (flip.baseline, flip.candidate)] == [
        (TEXT_LIMIT, False),
        (TEXT_LIMIT, True),
    ]
    assert (flip.prompt, flip.target) == (long[1:] + "…", long[1:])


def test_evidence_of__a_marked_refusal_is_shown_by_its_reason():
    refused = Completion(text="", refusal="I will not.", finish_reason="refusal")
    (flip,) = shown([moved("a")], texts=Said(lambda arm, one: refused)).flips
    assert (flip.candidate.answers[0].text, flip.candidate.answers[0].finish) == ("I will not.", "refusal")


def test_evidence_of__secrets_are_taken_out_before_texts_are_cut():
    secret = "sk-very-secret-value"
    edge = "y" * (TEXT_LIMIT - 5) + secret
    huge = (secret * 2_000)[: TEXT_LIMIT * 4 + 7]
    texts = Said(lambda arm, one: edge if arm == "candidate" else huge, question=(f"say {secret}", secret))
    text = to_json(shown([moved("a")], texts=texts, secrets=[secret]))
    assert "sk-" not in text
    assert "secret" not in text
    assert "say ***" in text


@pytest.mark.parametrize("text", ["<&>" * 2_000, "é" * 4_000, '\x00\\"' * 2_000, "🦉" * 4_000, "plain " * 700])
def test_evidence_of__the_file_is_bounded_whatever_is_answered(text):
    many = [moved(f"s{number}", family=name) for number in range(150) for name in ("remediation", "advisory-summary")]
    texts = Said(lambda arm, one: text, question=(text, text))
    found = shown(many, texts=texts)
    assert LIMIT * 0.9 < _in_a_page(found) <= LIMIT
    told = [one for one in found.flips if one.prompt]
    assert len(told) == len(many) - found.without_texts < len(many)
    blocking = [one for one in told if one.family == "remediation"]
    assert len(blocking) == min(150, len(told)), "the blocking family first"
    cut = [one for one in found.flips if not one.prompt]
    assert all(one.baseline.answers[0].cut and one.baseline.answers[0].text is None for one in cut)
    assert texts.asked < 2 * (len(told) + 2), "what does not fit is not read"


def _in_a_page(found):
    text = to_json(found)
    return len(text.encode()) + 5 * sum(text.count(one) for one in "<>&")


def test_evidence_of__families_of_one_rank_share_the_room():
    many = [
        moved(f"s{number}", family=name) for name in ("remediation", "adversarial-resistance") for number in range(200)
    ]
    found = shown(many, texts=Said(question=("p" * 4_000, "t" * 4_000), text=lambda arm, one: "a" * 4_000))
    told = [one.family for one in found.flips if one.prompt]
    assert abs(told.count("remediation") - told.count("adversarial-resistance")) <= 1


def test_evidence_of__more_flips_than_fit_are_counted():
    many = [moved(f"sample-{number}", slices={"cwe": "x" * 200}) for number in range(6_000)]
    found = shown(many, texts=Said())
    assert len(found.flips) + found.left_out == len(many)
    assert 0 < found.left_out < 4_000
    assert BARE_LIMIT * 0.9 < len(to_json(replace(found, flips=found.flips)).encode()) <= LIMIT


def test_evidence_of__a_regressed_slice_brings_its_family_to_the_front():
    policy, _ = parse_policy(POLICY, file="p.yml")
    rows = [comparison("unchanged", config="m.yml", family=name) for name in policy.families]
    rows.append(comparison("regressed", config="m.yml", family="remediation", slice=SliceKey(name="a", value="b")))
    found = [moved("a", family="adversarial-resistance"), moved("b", slice_only=True)]
    told = evidence_of(found, asked(found), Showing(policy=policy, comparisons=rows, texts=None))
    assert [(one.family, one.slice_only) for one in told.flips] == [
        ("remediation", True),
        ("adversarial-resistance", False),
    ]


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(), max_size=50), prompt=st.text(st.characters(), max_size=50))
def test_evidence_of__any_text_comes_back_as_it_was_written(text, prompt):
    found = shown([moved("a")], texts=Said(lambda arm, one: text, question=(prompt, prompt)))
    (flip,) = from_json(to_json(found).encode().decode(), file="f").flips
    surrogates = any("\ud800" <= one <= "\udfff" for one in text)
    assert surrogates or flip.candidate.answers[0].text == text


def test_evidence_of__a_call_that_failed_lost_no_text_where_texts_do_not_fit():
    failed = CallFailure(kind="timeout", detail="gave no answer")
    texts = Said(lambda arm, one: None, question=("x" * TEXT_LIMIT, ""))
    found = shown([moved(str(number)) for number in range(1_100)], texts=texts, result=failed)
    assert found.without_texts > 0
    assert {(one.finish, one.cut) for flip in found.flips for one in flip.baseline.answers} == {("timeout", False)}
