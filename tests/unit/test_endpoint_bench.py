"""The endpoint bench judges only what was really measured."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bench():
    """bench/endpoints.py, whose helpers lie next to it."""
    sys.path.insert(0, str(ROOT / "bench"))
    spec = importlib.util.spec_from_file_location("bench_endpoints", ROOT / "bench/endpoints.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(ROOT / "bench"))


@pytest.fixture
def make(bench):
    from fixed_answer import Seen
    from processes import Ran

    def one(case="small", *, wall=6.5, problem=None):
        work = bench.WORKLOADS[case]
        ran = Ran(begun=100.0, wall_s=wall, cpu_s=1.0, peak_mb=60.0, exit_code=0)
        seen = Seen(calls=work.calls, refused=0, first=100.5, last=106.9, median_ms=200.0)
        return bench.Measured(case=case, work=work, ran=ran, seen=seen, problem=problem)

    return one


@pytest.fixture
def results(bench):
    def made(*runs, peers=None):
        return bench.Results(
            begun="2026-11-24 09:00 UTC",
            machine={"cores": 2},
            versions={"driftgate": "abc", "nginx": "1"},
            runs=runs,
            peers=peers,
            minutes=1.0,
        )

    return made


def judged(results):
    return {(bar.what, bar.case): (figure, met) for bar, figure, met in results.judged()}


WALL = ("whole process over the ideal", "small")


def test_bar__is_judged_by_the_median_run(make, results):
    runs = [make(wall=9.0), make(wall=6.5), make(wall=6.25)]
    assert judged(results(*runs))[WALL] == (pytest.approx(1.04), True)


def test_bar__is_missed_by_a_median_above_it(make, results):
    assert judged(results(make(wall=7.0), make(wall=7.0), make(wall=6.3)))[WALL] == (pytest.approx(1.12), False)


def test_bar__one_run_that_went_wrong_makes_it_unmet(make, results):
    assert judged(results(make(), make(problem="ended with 3"), make()))[WALL] == (None, False)


def test_bar__without_a_run_is_unmet(results):
    assert set(judged(results()).values()) == {(None, False)}


def test_run__that_asked_too_little_does_not_count(bench, make, tmp_path):
    one = make()
    (tmp_path / "report.json").write_text(json.dumps({"calls": {"failed": 0}}))
    assert bench._problem(one.ran, one.seen, 2_000, tmp_path) is None
    assert "saw 2000 calls" in bench._problem(one.ran, one.seen, 2_002, tmp_path)


def test_run__with_failed_calls_does_not_count(bench, make, tmp_path):
    one = make()
    (tmp_path / "report.json").write_text(json.dumps({"calls": {"failed": 1}}))
    assert "1 failed" in bench._problem(one.ran, one.seen, 2_000, tmp_path)


def test_times__start_and_asking_are_the_servers_word(make):
    assert make().start_s == pytest.approx(0.5)
    assert make().asking_ratio == pytest.approx(6.4 / 6.25)


def test_peer__that_cannot_be_installed_is_in_the_table_with_the_reason(bench, make, results):
    from endpoints_results import markdown

    absent = bench.PeerResult(name="other", versions={}, problem="not installed: npm is missing")
    line = next(one for one in markdown(results(make(), peers=[absent])).splitlines() if one.startswith("| other"))
    assert line.endswith("| not installed: npm is missing |")


def test_work__prompts_differ_and_are_about_600_characters(bench):
    from workload import prompts

    found = list(prompts(500))
    assert len(set(found)) == 500
    assert {590 <= len(one) <= 610 for one in found} == {True}


def test_work__every_sample_is_written_once_over_all_dataset_files(bench, tmp_path, monkeypatch):
    import workload

    monkeypatch.setattr(workload, "FAMILY_SIZE", 40)
    files = workload.write(
        tmp_path / "w", bench.Workload(calls=200, delay_ms=1, concurrency=2), base_url="http://127.0.0.1:1/v1"
    )
    lines = [json.loads(line) for file in sorted(files.root.glob("*.jsonl")) for line in file.read_text().splitlines()]
    assert [one["id"] for one in lines] == [f"s{number}" for number in range(100)]
    assert len(json.loads(files.policy.read_text())["families"]) == 3


def test_process__that_takes_too_long_is_ended_with_its_children(bench, tmp_path):
    from processes import Place, run

    place = Place(cwd=tmp_path, environ={"PATH": "/usr/bin:/bin"}, log=tmp_path / "log")
    ran = run(["sh", "-c", "sleep 60 & echo $!; wait"], place, limit_s=0.5)
    assert ran.exit_code == -9
    child = Path("/proc", place.log.read_text().strip(), "status")
    assert not child.exists() or "State:\tZ" in child.read_text()


def test_peer__whose_output_is_not_understood_is_a_result_with_a_reason(bench, tmp_path, monkeypatch):
    import endpoints_peers

    monkeypatch.setattr(endpoints_peers.install, "install", lambda *_: None)
    monkeypatch.setattr(endpoints_peers, "_versions", lambda *_: json.loads("not JSON"))
    stage = endpoints_peers.Stage(
        server=None, work=bench.WORKLOADS["small"], times=1, folder=tmp_path, left_s=lambda: 1.0
    )
    found = endpoints_peers.measure(endpoints_peers.PEERS[1], stage, lambda _: None)
    assert (found.runs, found.problem) == ((), "could not be measured (JSONDecodeError)")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("codes", "ends_with", "decided"), [((0, 0), 0, True), ((0, 3), 3, False), ((3, 0), 3, False)])
def test_shards__are_asked_at_once_and_decided_when_all_have_ended_well(
    bench, tmp_path, monkeypatch, codes, ends_with, decided
):
    def command(verb, files, *more):
        words = [str(one) for one in more]
        if verb == "verdict":
            assert words == ["--out", str(tmp_path), "--stores", *(str(tmp_path / f"shard{n}.sqlite") for n in (1, 2))]
            return ["sh", "-c", f"touch {tmp_path}/verdict"]
        number = int(words[1][0])
        assert words == ["--shard", f"{number}/2", "--store", str(tmp_path / f"shard{number}.sqlite")]
        other = tmp_path / f"begun{3 - number}"
        begun = f"touch {tmp_path}/begun{number}; until test -e {other}; do sleep 0.01; done"
        return ["sh", "-c", f"{begun}; exit {codes[number - 1]}"]

    monkeypatch.setattr(bench, "_command", command)
    done = subprocess.run(["sh", "-ec", bench._sharded(2, None, tmp_path)], timeout=20, check=False)
    assert (done.returncode, (tmp_path / "verdict").exists()) == (ends_with, decided)
