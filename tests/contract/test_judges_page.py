"""docs/judges.md: its policy is valid, its keys are those of the policy, its label is read, its figures are true."""

import json
import re
from pathlib import Path

import pytest

from gate.errors import Problems
from gate.evaluation import load_suites
from gate.families.judged import LONGEST
from gate.files import LocalFiles, digest
from gate.judge_rule import JudgeRule
from gate.licences import FEWEST, FEWEST_OF_A_KIND, MOST_SILENT
from gate.policy import judging_files, parse_policy_for_run
from gate.runner import VERDICT_AGE
from gate.stats.agreement import Labelled, agreement

PAGE = (Path(__file__).parents[2] / "docs/judges.md").read_text()
POLICY = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1]
LABEL = json.loads(re.search(r"```json\n(.*?)\n```", PAGE, re.DOTALL)[1])
ROWS = re.findall(r"^\| ([\d,]+) \| (\d+) % \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "evals").mkdir()
    sample = {key: LABEL[key] for key in ("id", "input", "target")}
    (tmp_path / "evals/answers.jsonl").write_text(json.dumps(sample))
    (tmp_path / "evals/answers-rubric.md").write_text("Right and safe.\n")
    (tmp_path / "evals/answers-labels.jsonl").write_text(json.dumps(LABEL | {"rubric": digest("Right and safe.\n")}))
    return LocalFiles(tmp_path)


def test_page__its_policy_and_its_label_are_read(repository):
    (suite,) = load_suites(*parse_policy_for_run(POLICY, file="p.yml"), repository)
    (label,) = suite.judge.labels
    assert (label.answer, label.good, suite.judge.outdated) == ("Yes.", False, 0)


def test_page__names_every_key_and_default():
    keys = set(re.findall(r"^\| `(\w+)` \| ", PAGE, re.MULTILINE)) - {"single", "pairwise"}
    assert keys == set(JudgeRule.model_fields)
    rule = JudgeRule(endpoint="e", model="m", rubric="r")
    assert f"(default {rule.min_kappa})" in PAGE
    assert f"(default {rule.max_tokens})" in PAGE


def test_page__its_limits_are_the_programs():
    assert f"at least {FEWEST} labels for this rubric, at least {FEWEST_OF_A_KIND} of each kind" in PAGE
    assert f"more than {MOST_SILENT:.0%}".replace("%", " %") in PAGE
    assert f"{LONGEST:,} characters" in PAGE
    assert f"last {VERDICT_AGE / 86400:.0f} days" in PAGE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_page__what_labels_leave_open(row):
    half, right = int(row[0].replace(",", "")) // 2, int(row[1]) / 100
    hits = round(half * right)
    labels = [Labelled(good=True, judged=float(i < hits)) for i in range(half)]
    labels += [Labelled(good=False, judged=float(i >= hits)) for i in range(half)]
    found = agreement(labels)
    assert (row[2], row[3]) == (f"{100 * found.doubt(0.8):.1f}", f"{10 * found.youden.low:.1f}")


def test_page__its_files_are_the_base_branchs_and_an_edit_is_told():
    policy, _ = parse_policy_for_run(POLICY, file="p.yml")
    names = ("answers.jsonl", "answers-rubric.md", "answers-labels.jsonl")
    assert judging_files(policy) == {f"evals/{name}" for name in names}


def test_page__has_the_figures_it_speaks_of():
    assert len(ROWS) == 5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("endpoint: court", "endpoint: cort"), "families.answers.judge.endpoint: is not an endpoint of the policy"),
        (("kind: custom", "kind: custom\n    match: {mode: exact}"), "match and judge are two scorers"),
        (("rubric: evals/answers-rubric.md", "rubric: ../x"), "families.answers.judge.rubric: must stay inside"),
        (("rubric: evals/answers-rubric.md", "min_kappa: 0.5"), "families.answers.judge.rubric: is required"),
        (("model: judge-large-2026", "model: judge-large-2026\n      min_kappa: 2"), "min_kappa: must be at most 1"),
    ],
)
def test_policy__what_is_wrong_with_a_judge_is_located(change, says):
    with pytest.raises(Problems) as caught:
        parse_policy_for_run(POLICY.replace(*change), file="p.yml")
    assert says in str(caught.value)


def test_policy__a_judge_that_cannot_be_asked_so_is_refused(repository):
    text = POLICY.replace("court: {protocol: openai-chat", "court: {protocol: anthropic")
    with pytest.raises(Problems) as caught:
        load_suites(*parse_policy_for_run(text, file="p.yml"), repository)
    assert "families.answers.judge.model: cannot be asked as a judge: temperature is gone" in str(caught.value)
