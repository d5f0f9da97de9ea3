"""`driftgate baseline`: the models in use are asked ahead of time, and a change that loses nothing pays for itself only."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from gate.app import RunOptions, baseline, run
from gate.errors import UsageError
from gate.evidence import from_json
from gate.store_tools import stats
from gate.tools import Tools
from tests.fakes.models import FakeModels, Reply

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a half of two days begins at midnight
AGE = "baseline_max_age: 2d\n"


@pytest.fixture
def at(gate):
    """`at(hour, what)` does it at that hour after noon; what was said, and the models that were asked."""
    asked = []

    def respond(request):
        asked.append(request.model)
        slipped = request.model == "slip" and request.prompt == "7+7"
        return Reply(text="7" if slipped else gate.respond(request.model, [{"content": request.prompt}]))

    with FakeModels(respond) as server:
        policy, store = gate.folder / ".github/driftgate.yml", gate.folder / "answers.sqlite"

        def do(hour, what, *models, rest=AGE, budget="", runs=5):
            policy.write_text(gate.policy.format(url=server.base_url("openai-chat"), budget=budget) + rest)
            asked.clear()
            out = StringIO()
            tools = Tools(environ={"THE_KEY": "k"}, out=out, err=out, now=lambda: NOON + timedelta(hours=hour))
            configs = [gate.folder / f"models/{model}.yml" for model in models]
            if what == "refresh":
                code = baseline(policy, configs, store, runs, tools)
            else:
                options = RunOptions(
                    policy=policy, baseline=configs[0], candidate=configs[1], out=gate.folder / "out", store=store
                )
                code = run(options, tools)
            return code, out.getvalue().replace(str(store), "STORE"), sorted(set(asked)), len(asked)

        do.store = store
        yield do


def test_baseline__is_asked_ahead_and_an_equal_candidate_pays_for_itself_only(gate, at):
    assert at(0, "refresh", "good") == (
        *(0, "baseline: 750 of 750 answers kept in STORE, 5 runs of 150 questions\n"),
        *(["good"], 750),
    )
    code, said, models, calls = at(30, "run", "good", "better")
    assert (code, models, calls) == (0, ["better"], 150)
    report = gate.report("out")
    assert report["comparisons"][0]["stage"] == "stored"
    assert (report["reused"]["baseline"], report["calls"]["cached"]) == (750, 750)
    assert report["reused"]["oldest"].startswith("2026-11-24T12:00:00")
    assert "750 answers of earlier runs reused (30 h old)" in said


def test_baseline__a_sample_lost_against_stored_runs_shows_the_answers_of_each_of_them(gate, at):
    (gate.folder / "models/slip.yml").write_text("endpoint: here\nmodel: slip\nsystem_prompt: Add.\n")
    at(0, "refresh", "good")
    at(30, "run", "good", "slip")
    assert gate.report("out")["comparisons"][0]["stage"] == "stored"
    (flip,) = from_json((gate.folder / "out/flips.json").read_text(), file="flips.json").flips
    assert (flip.sample_id, [one.text for one in flip.candidate.answers]) == ("s7", ["7"])
    assert [one.text for one in flip.baseline.answers] == ["14"] * 5 == ["14"] * flip.baseline.asked


def test_baseline__a_block_rests_on_fresh_answers_of_both_arms(gate, at):
    at(0, "refresh", "good")
    code, _, models, calls = at(1, "run", "good", "worse")
    assert (code, models) == (1, ["good", "worse"])
    assert calls > 150 + 50
    assert gate.report("out")["comparisons"][0]["stage"] != "stored"


def test_baseline__is_not_used_when_it_is_too_old_or_the_policy_sets_no_age(gate, at):
    at(0, "refresh", "good")
    for hour, rest in ((49, AGE), (1, "")):
        at(hour, "run", "good", "better", rest=rest)
        assert gate.report("out")["reused"] is None


def test_baseline__is_asked_anew_in_each_half_of_its_age(at):
    at(0, "refresh", "good", runs=2)
    assert at(11, "refresh", "good", "better", runs=2)[3] == 300, "the same half: only the new model is asked"
    assert at(13, "refresh", "good", runs=2)[3] == 300
    assert stats(at.store).answers == 900


def test_baseline__that_was_interrupted_goes_on_where_it_was(at):
    code, said, _, calls = at(0, "refresh", "good", budget="calls: 40")
    assert (code, calls) == (0, 40)
    assert "the budget of 40 calls" in said
    assert at(1, "refresh", "good")[3] == 710


def test_baseline__a_run_that_was_cut_is_no_run_to_compare_with(gate, at):
    at(0, "refresh", "good", budget="calls: 40")
    at(1, "run", "good", "better")
    assert gate.report("out")["reused"] is None


def test_baseline__without_an_age_is_refused_before_any_call(at):
    with pytest.raises(UsageError, match="sets no baseline_max_age"):
        at(0, "refresh", "good", rest="")


@pytest.mark.parametrize("runs", [0, 9])
def test_baseline__a_number_of_runs_that_is_never_used_is_refused(at, runs):
    with pytest.raises(UsageError, match="--runs: must be 1 to 8"):
        at(0, "refresh", "good", runs=runs)
