"""Judges and their labels as they are read; what a judge cannot be asked about."""

import json

import pytest

from gate.domain import Answer, CallFailure, Completion, Dataset, Message, Question, Sample, Unscored
from gate.errors import Problems
from gate.evaluation import ScoredInterview, Suite
from gate.files import LocalFiles, digest
from gate.judges import Bench, Judge, load_judge
from gate.model_config import LoadedConfig, ModelPair
from gate.policy import parse_policy_for_run

RUBRIC = "Right.\n"
POLICY = """\
version: 1
endpoints: {e: {protocol: openai-chat, base_url: "https://api.example.com/v1"}}
families:
  f:
    kind: custom
    dataset: d.jsonl
    severity: blocking
    margin: 0.1
    judge: {endpoint: e, model: m, rubric: r.md, calibration: c.jsonl}
"""


class Odd:
    """A family whose check lets a target through that gives no reference."""

    metric = "odd"

    def check(self, sample):
        return []

    def prompt(self, sample):
        return (Message(role="user", content="?"),)

    def reference(self, sample):
        return sample.target["answer"]


def load(folder, *labels, family=None):
    (folder / "r.md").write_text(RUBRIC)
    (folder / "c.jsonl").write_text("".join(json.dumps(one) + "\n" for one in labels))
    policy, document = parse_policy_for_run(POLICY, file="p.yml")
    bench = Bench(policy=policy, document=document, files=LocalFiles(folder))
    return load_judge("f", policy.families["f"].judge, family or Odd(), bench)


def label(name="a", rubric=RUBRIC, **more):
    one = {"id": name, "input": {}, "target": {"answer": "2"}, "answer": "2", "label": "pass", "rubric": digest(rubric)}
    return {**one, **more}


def test_load__labels_of_another_rubric_are_counted_and_left_out(tmp_path):
    judge = load(tmp_path, label(), label("b", label="fail"), label("c", "Wrong.\n"))
    assert ([(one.sample.id, one.good) for one in judge.labels], judge.outdated) == ([("a", True), ("b", False)], 1)
    assert judge.rubric_digest == digest(RUBRIC)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ((label(), label()), "c.jsonl:2:1: has the id of line 1"),
        ((label(target={"text": "2"}),), "c.jsonl:1:1: has a target that gives no reference answer"),
        ((label(why="?"),), "has an unknown key"),
        ((label(label=True),), "has no label"),
        ((label(label="better"),), "write pass or fail"),
        ((label(answer=None),), "has no input, target or answer"),
        ((label(rubric=RUBRIC, id="\u202e"),), "has an unusable id"),
        ((), "must hold 1 to 5,000 labels"),
    ],
)
def test_load__a_bad_label_is_located(tmp_path, labels, says):
    with pytest.raises(Problems) as caught:
        load(tmp_path, *labels)
    assert says in str(caught.value)


def test_load__all_that_is_wrong_with_a_judge_at_once(tmp_path):
    (tmp_path / "r.md").write_bytes(b"\xff")
    policy, document = parse_policy_for_run(POLICY.replace("openai-chat", "anthropic"), file="p.yml")
    bench = Bench(policy=policy, document=document, files=LocalFiles(tmp_path))
    with pytest.raises(Problems) as caught:
        load_judge("f", policy.families["f"].judge, Odd(), bench)
    assert [one.path for one in caught.value.problems] == ["families.f.judge.model", "families.f.judge.rubric"]


def test_interview__a_target_without_a_reference_is_unscored_and_ends_no_run(tmp_path):
    judge = load(tmp_path, label())
    assert isinstance(judge, Judge)
    policy, _ = parse_policy_for_run(POLICY, file="p.yml")
    samples = (Sample(id="s", input={}, target={"text": "2"}), Sample(id="t", input={}, target={"answer": "2"}))
    dataset = Dataset(source="d", digest="sha256:d", samples=samples)
    suite = Suite(name="f", rule=policy.families["f"], family=judge.scorer, dataset=dataset, judge=judge)
    config = LoadedConfig(
        path="m.yml", endpoint="e", model="m", parameters={}, system_prompt="", digest="sha256:m", lines={}
    )
    interview = ScoredInterview([ModelPair(path="m.yml", baseline=config, candidate=config)], [suite], policy)

    def answered(sample, outcome):
        asked = Question(config="m.yml", family="f", sample_id=sample, arm="baseline", repeat=0)
        return Answer(question=asked, call=interview.call(asked), outcome=outcome, asked_at=0.0)

    odd, fine = answered("s", Completion(text="2")), answered("t", Completion(text="2"))
    assert interview.judging(odd) == ()
    assert interview.use(odd, ()).result == Unscored(reason="the scorer failed (KeyError)")
    (call,) = interview.judging(fine)
    assert (call.alias, call.judging, call.repeat) == ("e", True, 0)
    down = CallFailure(kind="timeout", detail="gave no answer")
    assert interview.judging(answered("t", down)) == ()
    assert interview.use(answered("t", down), ()).result == down
