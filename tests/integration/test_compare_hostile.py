"""Result files that are made to hurt: one clear line and exit code 2, and no more memory than a log needs."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gate.errors import Problems
from gate.importers import results
from gate.importers.results import inspect_logs, read_recorded, row

ROOT = Path(__file__).parents[2]
POLICY = "version: 1\nfamilies:\n  t: {severity: blocking, margin: 0.05}\n"
HEADER = {"status": "success", "eval": {"task": "t"}}
ENTITIES = (
    '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><testsuite name="t"><testcase name="&b;"/></testsuite>'
)
PROMPTFOO_HEAD = "input,[openai:chat:m] q,Status,Score,Named Scores\n"
MOST_MEMORY = 3 * 1024**3
"""Of addresses, most of which numpy's threads reserve and never touch."""


def eval_log(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"header": json.dumps(HEADER), **members}.items():
            archive.writestr(name.replace("__", "/") + ".json", content)
    return buffer.getvalue()


def sample(number, value="C"):
    return {"id": number, "epoch": 1, "input": "q", "target": "a", "scores": {"match": {"value": value}}}


HOSTILE = {
    "deep JSON": (lambda: b"[" * 200_000, "is nested too deeply"),
    "deep JSON in a zip": (lambda: eval_log(samples__1_epoch_1=b"[" * 200_000), "is a zip that holds unusable JSON"),
    "a zip bomb": (
        lambda: eval_log(samples__1_epoch_1=b" " * 64 * 1024**2),
        "is a zip that unpacks to more than 512 MiB, or 32 MiB a sample",
    ),
    "many values": (lambda: b'{"a": [' + b"{},[]," * 9_000_000 + b"0]}", "holds more than 32,000,000 values"),
    "entities": (lambda: ENTITIES.encode(), "is XML with a document type"),
    "a huge cell": (
        lambda: f"{PROMPTFOO_HEAD}q,a,PASS,1,{'x' * 200_000}\n".encode(),
        "is not valid CSV: field larger than",
    ),
    "a huge cell of plain CSV": (
        lambda: f"family,sample_id,score\nt,{'x' * 200_000},1\n".encode(),
        "is not valid CSV: field",
    ),
    "half a character": (
        lambda: b'{"family": "t", "sample_id": "\\ud800", "score": 1}\n',
        "has an unusable sample_id",
    ),
    "infinity": (lambda: b"family,sample_id,score\nt,a,inf\n", "exit 3"),
    "one id, two inputs": (
        lambda: b"family,sample_id,score,input\nt,a,1,q\nt,a,1,r\n",
        "stands for two inputs in this file",
    ),
    "one id, one repeat, twice": (
        lambda: b"family,sample_id,score,repeat\nt,a,1,0\nt,a,1,0\n",
        "is there twice as repeat 0",
    ),
    "no text": (lambda: b"\xff\xfe{}", "is not UTF-8 text"),
}


@pytest.fixture
def compare(tmp_path):
    """The command as a process whose memory is bounded, on one file as both arms."""

    def run(prepare):
        (tmp_path / "policy.yml").write_text(POLICY)
        prepare(tmp_path / "log")
        limit = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({MOST_MEMORY}, {MOST_MEMORY}))"
        code = f"{limit}; from gate.cli import entry; entry()"
        line = ["compare", "--policy", "policy.yml", "--baseline", "log", "--candidate", "log"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, "-c", code, *line],
            check=False,
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.mark.parametrize("name", HOSTILE)
def test_compare__a_hostile_file_is_one_line(compare, name):
    content, told = HOSTILE[name]
    done = compare(lambda path: path.write_bytes(content()))
    if told == "exit 3":  # no score at all is no number, and no data is no pass
        assert (done.returncode, "inconclusive" in done.stdout.lower()) == (3, True), done
        return
    first, *more = done.stderr.splitlines()
    assert (done.returncode, told in first) == (2, True), done.stderr[-800:]
    assert first.startswith("driftgate: log:")
    assert all(line.startswith("    hint: ") for line in more)


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda path: path.symlink_to("log"), "cannot be read: Too many levels of symbolic links"),
        (lambda path: path.symlink_to("absent"), "cannot be read: No such file or directory"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: path.symlink_to("/dev/zero"), "is larger than 512 MiB"),
    ],
)
def test_compare__what_is_no_file_is_one_line(compare, prepare, told):
    done = compare(prepare)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr[-800:]
    assert told in done.stderr


def problem(path, data):
    path.write_bytes(data)
    with pytest.raises(Problems) as caught:
        read_recorded(path, {})
    return str(caught.value)


def test_read_recorded__a_metric_of_each_sample_is_refused_before_all_are_crossed(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "_MOST_SCORES", 99)
    rows = [{"testIdx": i, "promptIdx": 0, "score": 1, "namedScores": {f"m{i}": 1}} for i in range(10)]
    told = problem(tmp_path / "log", json.dumps(rows).encode())
    assert "holds 11 metrics of a task with 10 results: too many to take all of them" in told
    assert "families.NAME.results" in told


def test_read_recorded__metrics_that_the_policy_names_are_taken_however_many_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "_MOST_SCORES", 99)
    rows = [{"testIdx": i, "promptIdx": 0, "score": 1, "namedScores": {f"m{i}": 1}} for i in range(10)]
    (tmp_path / "log").write_text(json.dumps(rows))
    assert len(read_recorded(tmp_path / "log", {"t": ("promptfoo",)}).observations) == 10


def test_unzipped__a_directory_of_too_many_entries_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(inspect_logs, "_MEMBERS", 2)
    assert "is a zip of more than 2 files" in problem(tmp_path / "log", b"PK\x03\x04" + b"PK\x01\x02" * 3)


def test_unzipped__values_are_bounded_in_each_member(tmp_path, monkeypatch):
    monkeypatch.setattr(row, "_MOST_VALUES", 50)
    data = eval_log(samples__1_epoch_1=json.dumps({**sample(1), "input": list(range(99))}))
    assert "holds more than 50 values" in problem(tmp_path / "log", data)


def test_from_junit__a_test_has_the_name_of_the_innermost_suite_that_has_one(tmp_path):
    text = '<testsuite name="outer"><testsuite><testsuite name=" "><testcase name="a"/></testsuite></testsuite></testsuite>'
    (tmp_path / "log").write_text(text)
    assert [one.family for one in read_recorded(tmp_path / "log", {}).observations] == ["outer"]


def test_from_junit__the_declared_encoding_is_not_believed(tmp_path):
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><testsuite name="t"><testcase name="größe"/></testsuite>'
    (tmp_path / "log").write_text(text, encoding="utf-8")
    assert [one.sample_id for one in read_recorded(tmp_path / "log", {}).observations] == ["größe"]
