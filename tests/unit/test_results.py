"""Results of other harnesses: files that the tools themselves made, small ones made here, and any bytes at all."""

import io
import json
from pathlib import Path

import pytest
from backports.zstd import zipfile
from hypothesis import given, settings, strategies as st

from gate.domain import CallFailure, Score, Unscored
from gate.errors import Problems
from gate.importers.results import FORMATS, inspect_logs, read_both, read_recorded, told

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "formats"


@pytest.fixture
def read(tmp_path):
    def run(content, name="log", **names):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_recorded(path, {family: (called,) for family, called in names.items()})

    return run


def scores(found):
    return {
        (one.family, one.sample_id, one.repeat): one.result.value if isinstance(one.result, Score) else None
        for one in found.observations
    }


def problem(call, *arguments, **more):
    with pytest.raises(Problems) as caught:
        call(*arguments, **more)
    return str(caught.value)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared example logs are not on this machine")
@pytest.mark.parametrize(
    ("name", "form", "families", "values"),
    [
        ("inspect_small.json", "Inspect", {"popularity"}, [0]),
        ("inspect_small.eval", "Inspect", {"popularity"}, [0]),
        ("inspect_popularity.eval", "Inspect", {"popularity"}, [None] * 10),
        ("inspect_security_guide.json", "Inspect", {"security_guide"}, [1, 1, 1]),
        ("inspect_cancelled_popularity.json", "Inspect", {"popularity"}, [1, 1, 0]),
        ("lm_eval_samples_xstest_mc.jsonl", "lm-evaluation-harness", {"xstest_mc"}, [1] * 9 + [0] * 15),
        ("lm_eval_samples_xstest_gen.jsonl", "lm-evaluation-harness", {"xstest_gen"}, [0] * 24),
        ("nemo_evaluator_results.jsonl", "NeMo Evaluator", {"nemo-evaluator"}, [1, 1, 0, 0, 0, 1]),
        ("nemo_evaluator_gsm8k_fixture.json", "NeMo Evaluator", {"gsm8k"}, [1, 1, 0, 0]),
        ("openai_evals_log.jsonl", "OpenAI evals", {"demo"}, [1] + [0] * 7),
        (
            "deepeval_test_run.json",
            "DeepEval",
            {"deepeval/Answer Relevancy", "deepeval/Faithfulness"},
            [0.92, 0.45],
        ),
    ],
)
def test_read_recorded__a_log_of_the_tool_itself(name, form, families, values):
    found = read_recorded(SHARED / name, {})
    assert (found.form, {one.family for one in found.observations}) == (form, families)
    assert sorted(scores(found).values(), key=str) == sorted(values, key=str)


@pytest.mark.parametrize(
    "log",
    [
        '[{"testIdx": 0, "promptIdx": 0, "score": 0, "namedScores": {"": 1}}]',
        'q,[openai:chat:m] q,Status,Score,Named Scores\nq,a,FAIL,0,"{"""": 1}"\n',
    ],
)
def test_read_recorded__a_named_score_without_a_name_is_not_the_score(read, log):
    assert set(scores(read(log)).values()) == {0}


@pytest.mark.skipif(not SHARED.exists(), reason="the shared example logs are not on this machine")
@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv"])
def test_read_recorded__promptfoo_tells_the_same_in_each_of_its_outputs(suffix):
    names = {"summary": ("advisory-summarisation", "promptfoo")}
    found = read_recorded(SHARED / f"promptfoo_output.{suffix}", names)
    assert sorted(scores(found).values()) == [0, 0, 0.5, 1]
    assert {one.family for one in found.observations} == {"summary"}
    assert {one.sample_id.rpartition("/")[0][-1] for one in found.observations} == {"0", "1"}


@pytest.mark.skipif(not SHARED.exists(), reason="the shared example logs are not on this machine")
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("inspect_with_nan.txt", "holds an Inspect log without samples"),
        ("lm_eval_results.json", "holds the aggregates of lm-evaluation-harness"),
        ("nemo_evaluator_eval-mmlu_pro.json", "holds the aggregates of NeMo Evaluator"),
    ],
)
def test_read_recorded__aggregates_are_refused(name, what):
    assert f"{name}: {what}" in problem(read_recorded, SHARED / name, {})


def inspect_log(*samples, status="success", **dataset):
    return {"status": status, "eval": {"task": "t", "dataset": dataset}, "samples": list(samples)}


def sample(name, value, **more):
    return {"id": name, "epoch": 1, "input": f"q{name}", "target": "a", "scores": {"match": {"value": value}}} | more


def test_from_inspect__errors_and_nan_and_what_is_absent_are_no_scores(read):
    log = inspect_log(
        sample(1, "C"),
        sample(2, float("nan")),
        sample(3, "C", error={"message": "boom"}),
        sample(4, "maybe"),
        status="cancelled",
        sample_ids=[1, 2, 3, 4, 5],
    )
    found = read(json.dumps(log))
    kinds = {one.sample_id: type(one.result) for one in found.observations}
    assert kinds == {"1": Score, "2": Unscored, "3": CallFailure, "4": Unscored, "5": Unscored}
    assert found.notices == ("the Inspect run of t has the status 'cancelled'",)
    assert told(found, found)[1] == "candidate: the Inspect run of t has the status 'cancelled'"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("C", 1), ("P", 0.5), ("I", 0), ("N", 0), ("yes", 1), ("False", 0), ("0.25", 0.25), (True, 1)],
)
def test_from_inspect__grades_are_numbers_as_inspect_has_them(read, value, expected):
    assert scores(read(json.dumps(inspect_log(sample(1, value))))) == {("t", "1", 0): expected}


def test_from_inspect__epochs_are_repeats_and_a_scorers_values_are_metrics(read):
    log = inspect_log(sample(1, {"a": 1, "b": 0}), sample(1, {"a": 0, "b": 1}) | {"epoch": 2})
    assert scores(read(json.dumps(log), mine="t/match/a")) == {("mine", "1", 0): 1, ("mine", "1", 1): 0}


def test_from_inspect__message_ids_are_no_part_of_the_input(read):
    given, other = ([{"id": name, "role": "user", "content": "hi"}] for name in ("x1", "x2"))
    left = read(json.dumps(inspect_log(sample(1, "C") | {"input": given})))
    right = read(json.dumps(inspect_log(sample(1, "C") | {"input": other})))
    assert left.inputs == right.inputs
    assert left.inputs


def zipped(method=zipfile.ZIP_DEFLATED, **members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/") + ".json", content)
    return buffer.getvalue()


def test_unzipped__reads_zstd_as_newer_versions_of_inspect_write_it(read):
    log = zipped(zipfile.ZIP_ZSTANDARD, header=json.dumps(inspect_log()), samples__1_epoch_1=json.dumps(sample(1, "C")))
    assert scores(read(log)) == {("t", "1", 0): 1}


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_ZSTANDARD])
def test_unzipped__is_bounded_by_what_comes_out(read, method, monkeypatch):
    monkeypatch.setattr(inspect_logs, "_LARGEST_MEMBER", 1000)
    bomb = zipped(method, header=json.dumps(inspect_log()), samples__1=b" " * 100_000)
    assert "is a zip that unpacks to more than" in problem(read, bomb)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (zipped(other="1"), "is a zip, and no Inspect log"),
        (zipped(header="["), "is a zip that holds unusable JSON"),
        (b"PK\x03\x04rest", "is a zip that cannot be read (BadZipFile)"),
    ],
)
def test_unzipped__other_zips_are_one_line(read, data, what):
    assert what in problem(read, data)


def document(number, metric, value, **more):
    row = {"doc_id": number, "doc": {"q": number}, "target": "x", "filtered_resps": ["y"], "metrics": [metric]}
    return row | {metric: value} | more


def lines(*rows):
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def test_from_lm_eval__filters_are_metrics_and_the_task_stands_in_the_name(read):
    text = lines(document(0, "em", 1, filter="strict"), document(0, "em", 0, filter="flexible"))
    found = read(text, name="samples_gsm8k_2026-01-02T03-04-05.678.jsonl")
    assert scores(found) == {("gsm8k/em,strict", "0", 0): 1, ("gsm8k/em,flexible", "0", 0): 0}


def test_from_lm_eval__one_document_twice_is_refused(read):
    row = document(0, "em", 1, filter="none")
    assert "holds document 0 twice" in problem(read, lines(row, row))


def test_from_nemo__an_error_scored_as_zero_is_an_error(read):
    rows = [{"problem_idx": 0, "reward": 0.0, "error": "timeout"}, {"problem_idx": 1, "reward": None}]
    assert [type(one.result) for one in read(lines(*rows)).observations] == [CallFailure, Unscored]


def test_from_openai_evals__a_sample_that_was_never_judged_is_unscored(read):
    spec = {"spec": {"eval_name": "e.test.v1", "base_eval": "e"}}
    asked = {"sample_id": "s1", "type": "sampling", "data": {"prompt": "q"}}
    found = read(lines(spec, asked))
    assert scores(found) == {("e", "s1", 0): None}
    assert found.notices == ("the run of e has no final report: it did not end",)


def case(name, score, *, success, **more):
    metric = {"name": "M", "score": score, "threshold": 0.5, "success": success} | more
    return {"name": name, "input": name, "metricsData": [metric]}


def test_from_deepeval__a_metric_that_failed_is_an_error(read):
    log = {"testCases": [case("a", 0.9, success=True), case("b", None, success=False, error="no judge")]}
    found = read(json.dumps(log))
    assert [type(one.result) for one in found.observations] == [Score, CallFailure]


def test_from_deepeval__a_run_may_be_wrapped(read):
    run = {"identifier": "mine", "testCases": [case("a", 0.9, success=True)]}
    assert scores(read(json.dumps({"testRunData": run}))) == {("mine", "a", 0): 0.9}


@pytest.mark.parametrize(("score", "success"), [(0.1, True), (0.9, False)])
def test_from_deepeval__a_metric_where_less_is_better_is_refused(read, score, success):
    text = json.dumps({"testCases": [case("a", score, success=success)]})
    assert "holds a metric where less is better ('M')" in problem(read, text)


def answer(test, score, **more):
    return {"testIdx": test, "promptIdx": 0, "score": score, "vars": {"q": test}, "provider": {"id": "p"}} | more


def test_from_promptfoo__an_error_is_no_zero_and_a_failed_assertion_is(read):
    found = read(lines(answer(0, 0, failureReason=2), answer(1, 0, failureReason=1)))
    assert [type(one.result) for one in found.observations] == [CallFailure, Score]


def test_from_promptfoo__several_providers_are_refused(read):
    assert "holds answers of several providers" in problem(
        read, lines(answer(0, 1), answer(0, 1, provider={"id": "r"}))
    )


def test_from_junit__errors_and_skips_are_no_scores(read):
    cases = [
        '<testcase classname="c" name="ok"/>',
        '<testcase classname="c" name="bad"><failure/></testcase>',
        '<testcase classname="c" name="broken"><error/></testcase>',
        '<testcase classname="c" name="left"><skipped/></testcase>',
    ]
    found = read(f'<testsuites><testsuite name="s">{"".join(cases)}</testsuite></testsuites>')
    assert scores(found) == {
        ("s", "c.ok", 0): 1,
        ("s", "c.bad", 0): 0,
        ("s", "c.broken", 0): None,
        ("s", "c.left", 0): None,
    }
    assert {one.sample_id: type(one.result) for one in found.observations}["c.broken"] is CallFailure


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><testsuite>&b;</testsuite>', "is XML with a document type"),
        ("<testsuite>", "is not valid XML (line 1)"),
        ("<testsuite/>", "holds no results (JUnit XML)"),
    ],
)
def test_from_junit__other_xml_is_one_line(read, text, what):
    assert what in problem(read, text)


def test_from_table__empty_scores_and_errors_are_kept_apart(read):
    found = read("family,sample_id,score,error,slices.cwe\nf,a,1,,CWE-79\nf,b,,,\nf,c,,timeout,\n")
    assert [type(one.result) for one in found.observations] == [Score, Unscored, CallFailure]
    assert found.observations[0].slices == {"cwe": "CWE-79"}


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("f,a,good,0", "log:2:1: has a score that is no number"),
        ("f,a,1,-1", "log:2:1: has a repeat that is not"),
        ("f,a,2,0", "log: f a: has a score outside 0 to 1"),
        (",a,1,0", "log: ? a: has no task name"),
        ("f,a,1,0\nf,a,1,0", "log: f a: is there twice as repeat 0"),
    ],
)
def test_from_table__a_bad_row_is_named(read, row, what):
    assert what in problem(read, f"family,sample_id,score,repeat\n{row}\n")


def test_read_recorded__a_row_without_a_metric_that_others_have_is_unscored_on_it(read):
    log = inspect_log(sample(1, {"a": 1, "b": 1}), sample(2, {"a": 1}))
    found = read(json.dumps(log), mine="t/match/b")
    assert scores(found) == {("mine", "1", 0): 1, ("mine", "2", 0): None}
    assert found.notices == ("not compared, as no family takes them: t/match/a",)


def test_read_recorded__a_family_of_several_tasks_keeps_their_samples_apart(tmp_path):
    (tmp_path / "log").write_text("family,sample_id,score\na,1,1\nb,1,0\n")
    found = read_recorded(tmp_path / "log", {"both": ("a", "b")})
    assert scores(found) == {("both", "a/1", 0): 1, ("both", "b/1", 0): 0}


@pytest.mark.parametrize(
    ("right", "what"),
    [
        (
            "family,sample_id,score,input\nf,a,1,other\n",
            "f a: asks or expects something else than the sample of this id of the baseline",
        ),
        (
            '{"family": "f", "sample_id": "a", "score": 1}\n',
            "is of the form Driftgate, and the file of the baseline of CSV",
        ),
    ],
)
def test_read_both__files_that_are_not_alike_are_refused(tmp_path, right, what):
    (tmp_path / "b").write_text("family,sample_id,score,input\nf,a,1,asked\n")
    (tmp_path / "c").write_text(right)
    assert what in problem(read_both, tmp_path / "b", tmp_path / "c", {})


def test_read_recorded__an_input_that_changes_within_a_file_is_refused(read):
    text = "family,sample_id,score,input\nf,a,1,x\nf,a,1,y\n"
    assert "f a: stands for two inputs in this file" in problem(read, text)


def test_read_recorded__json_of_no_known_form_names_those_that_are(read):
    assert "known: Driftgate, Inspect, lm-evaluation-harness" in problem(read, '{"some": "thing"}')


def test_read_recorded__deep_json_is_one_line(read):
    assert "is nested too deeply" in problem(read, "[" * 200_000)


SEEDS = [
    json.dumps(inspect_log(sample(1, "C"))),
    lines(document(0, "em", 1)),
    lines(answer(0, 1)),
    lines({"problem_idx": 0, "reward": 1}),
    json.dumps({"testCases": [case("a", 0.9, success=True)]}),
    lines({"spec": {"eval_name": "e"}}, {"sample_id": "s", "type": "match", "data": {"correct": True}}),
    '<testsuite name="s"><testcase name="a"/></testsuite>',
    "family,sample_id,score\nf,a,1\n",
    "q,[p] x,Status,Score,Named Scores\n1,o,PASS,1,{}\n",
]


def test_seeds__every_form_is_among_them(read):
    assert {read(text).form for text in SEEDS} == set(FORMATS)


METHODS = (zipfile.ZIP_DEFLATED, zipfile.ZIP_ZSTANDARD, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2)
RAW = [*map(str.encode, SEEDS), *(zipped(method, header=SEEDS[0], samples__1=SEEDS[0]) for method in METHODS)]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def only_problems(path, data):
    path.write_bytes(data)
    try:
        found = read_recorded(path, {})
    except Problems as error:
        problems, results = error.problems, ()
    else:
        problems, results = (), [one.result for one in found.observations]
    assert problems or results
    assert all(one.what and "\n" not in one.what for one in problems)
    assert all(0 <= one.value <= 1 for one in results if isinstance(one, Score))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_read_recorded__a_log_with_anything_in_it_is_results_or_problems(tmp_path_factory, data):
    def spoil(value):
        if data.draw(st.integers(0, 5)) == 0:
            return data.draw(VALUES)
        if isinstance(value, dict):
            return {key: spoil(one) for key, one in value.items()}
        return [spoil(one) for one in value] if isinstance(value, list) else value

    rows = [json.loads(line) for line in data.draw(st.sampled_from(SEEDS[:6])).splitlines()]
    text = "\n".join(json.dumps(spoil(row)) for row in rows)
    only_problems(tmp_path_factory.getbasetemp() / "spoiled", text.encode())


@settings(max_examples=200, deadline=None)
@given(seed=st.sampled_from(RAW), cut=st.data())
def test_read_recorded__any_bytes_are_results_or_problems(tmp_path_factory, seed, cut):
    at = cut.draw(st.integers(0, len(seed)))
    until = cut.draw(st.integers(at, len(seed)))
    only_problems(tmp_path_factory.getbasetemp() / "bytes", seed[:at] + cut.draw(st.binary(max_size=12)) + seed[until:])
