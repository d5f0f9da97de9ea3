"""Stored runs of the baseline: a change that loses nothing pays for the candidate only."""

import pytest

from gate.simulated import SimulatedEndpoint


@pytest.fixture
def nightly(gate):
    """Asks the baseline anew, as a scheduled job on the base branch would; two runs of it a night."""

    def ask(url, *nights):
        for night in nights:
            done = gate(url, "models/good.yml", "--shard", "1/1", "--run-name", night, "--store", "kept.sqlite")
            assert done.returncode == 0, done.stderr

    return ask


def change(gate, url, candidate, **options):
    policy = gate.policy.replace("version: 1", "version: 1\nbaseline_max_age: 7d")
    return gate(url, candidate, "--store", "kept.sqlite", policy=policy, **options)


def test_run_name__another_name_asks_the_same_configs_again(gate, nightly):
    with SimulatedEndpoint(gate.respond) as endpoint:
        nightly(endpoint.base_url, "mon", "tue", "tue")
        assert endpoint.served == 2 * 300, "the second tue found all of its answers"


def test_stored_baseline__an_equal_candidate_pays_for_itself_only(gate, nightly):
    with SimulatedEndpoint(gate.respond) as endpoint:
        nightly(endpoint.base_url, "mon", "tue", "wed")
        before = endpoint.served
        done = change(gate, endpoint.base_url, "models/better.yml")
        assert endpoint.served - before == 150
    report = gate.report()
    assert (done.returncode, report["verdict"]) == (0, "pass")
    assert report["comparisons"][0]["stage"] == "stored"
    assert report["reused"]["baseline"] == 6 * 150
    assert report["calls"]["cached"] == 6 * 150
    assert "900 answers of earlier runs reused" in done.stdout


def test_stored_baseline__a_block_rests_on_fresh_calls_on_both_arms(gate, nightly):
    with SimulatedEndpoint(gate.respond) as endpoint:
        nightly(endpoint.base_url, "mon", "tue", "wed")
        before = endpoint.served
        done = change(gate, endpoint.base_url, "models/worse.yml")
        assert endpoint.served - before > 150 + 50
    assert (done.returncode, gate.report()["comparisons"][0]["outcome"]) == (1, "regressed")
    assert gate.report()["comparisons"][0]["stage"] != "stored"


def test_stored_baseline__is_not_used_without_baseline_max_age(gate, nightly):
    with SimulatedEndpoint(gate.respond) as endpoint:
        nightly(endpoint.base_url, "mon", "tue")
        gate(endpoint.base_url, "models/better.yml", "--store", "kept.sqlite")
    assert gate.report()["reused"] is None


def test_stored_baseline__a_run_that_was_cut_is_no_run_to_compare_with(gate):
    with SimulatedEndpoint(gate.respond) as endpoint:
        for night in ("mon", "tue"):
            gate(endpoint.base_url, "models/good.yml", "--shard", "1/2", "--run-name", night, "--store", "kept.sqlite")
        change(gate, endpoint.base_url, "models/better.yml")
    assert gate.report()["reused"] is None
