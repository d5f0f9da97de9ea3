"""A run in parts on several machines is the same run."""

import json

import pytest

from gate.simulated import SimulatedEndpoint

PARTS = ("1/3", "2/3", "3/3")


def ask(gate, url, shard, **options):
    return gate(url, "models/worse.yml", "--shard", shard, "--store", f"part-{shard[0]}.sqlite", **options)


def decide(gate, url, *parts, **options):
    stores = [f"part-{part[0]}.sqlite" for part in parts]
    return gate(url, "models/worse.yml", "--out", "merged", "--stores", *stores, command="verdict", **options)


def test_shards__same_verdict_and_same_report_as_one_run_and_no_call_twice(gate):
    with SimulatedEndpoint(gate.respond) as endpoint:
        whole = gate(endpoint.base_url, "models/worse.yml")
        assert whole.returncode == 1
        before = endpoint.served
        for shard in PARTS:
            done = ask(gate, endpoint.base_url, shard)
            assert done.returncode == 0, done.stderr
            assert done.stdout.startswith(f"shard {shard}: ")
        assert endpoint.served == before + 300, "every part asks all of its first pass"
        merged = decide(gate, endpoint.base_url, *PARTS, key="")
        assert endpoint.served == before + 300, "the deciding job asks nothing and needs no key"
    assert merged.returncode == 1, merged.stderr
    assert gate.timeless(gate.report("merged")) == gate.timeless(gate.report())


def test_shards__a_part_that_is_lost_is_asked_by_the_deciding_job(gate):
    with SimulatedEndpoint(gate.respond) as endpoint:
        for shard in PARTS[:2]:
            ask(gate, endpoint.base_url, shard)
        before = endpoint.served
        assert decide(gate, endpoint.base_url, *PARTS[:2]).returncode == 1
        assert before < endpoint.served < 300, "only what the looks still wanted"
    assert gate.report("merged")["calls"]["failed"] == 0


def test_shards__a_part_that_is_lost_is_never_a_pass_without_a_key(gate):
    with SimulatedEndpoint(gate.respond) as endpoint:
        ask(gate, endpoint.base_url, "1/3")
        done = decide(gate, endpoint.base_url, "1/3", key="")
    assert (done.returncode, gate.report("merged")["verdict"]) == (3, "error")
    assert "THE_KEY is not set" in done.stdout


def test_shards__an_endpoint_that_is_down_fails_the_part(gate):
    policy = gate.policy.replace("max_concurrency: 32", "max_concurrency: 32, retries: 0, give_up_seconds: 1")
    done = ask(gate, "http://127.0.0.1:9/v1", "1/3", policy=policy)
    assert done.returncode == 3
    assert "0 of" in done.stdout
    assert "could not be reached" in done.stdout


@pytest.mark.parametrize(("shard", "says"), [("4/3", "must be I/N"), ("x", "must be I/N")])
def test_shards__a_wrong_part_is_one_clear_line(gate, shard, says):
    done = ask(gate, "http://127.0.0.1:9/v1", shard)
    assert (done.returncode, says in done.stderr) == (2, True)


def test_plan__prints_the_matrix_and_nothing_else(gate):
    done = gate("http://127.0.0.1:9/v1", "models/worse.yml", "--matrix", "3", command="plan", key="")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"shard": list(PARTS)})


def test_plan__a_broken_policy_stops_the_workflow_before_any_part(gate):
    done = gate("http://127.0.0.1:9/v1", "models/absent.yml", "--matrix", "3", command="plan", key="")
    assert (done.returncode, done.stdout) == (2, "")
