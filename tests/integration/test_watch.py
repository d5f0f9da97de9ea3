"""The drift watch: nothing is changed, and a provider's model answers otherwise than it did."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from gate.app import baseline, watch
from gate.errors import CannotEvaluate, UsageError
from gate.evidence import from_json
from gate.simulated import SimulatedEndpoint
from gate.tools import Tools
from tests.fakes.events import payload
from tests.fakes.github import FakeGitHub
from tests.fakes.models import FakeModels, Reply
from tests.integration.test_entrypoint import CONFIG, POLICY, act, respond, tree  # noqa: F401 - `act` is a fixture

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
AGE = "baseline_max_age: 7d\n"


@pytest.fixture
def at(gate):
    """`at(hour, command, drifted)`: baseline or watch of one model, so many hours after noon; code, report, calls."""
    asked, drift = [], [False]

    def reply(request):
        asked.append(request.model)
        name = "worse" if drift[0] else request.model
        return Reply(text=gate.respond(name, [{"content": request.prompt}]))

    with FakeModels(reply) as server:
        policy, store, out = (gate.folder / name for name in (".github/driftgate.yml", "answers.sqlite", "out"))

        def do(hour, command, *, drifted=False, rest=AGE):
            policy.write_text(gate.policy.format(url=server.base_url("openai-chat"), budget="") + rest)
            asked.clear()
            drift[0] = drifted
            said = StringIO()
            tools = Tools(environ={"THE_KEY": "k"}, out=said, err=said, now=lambda: NOON + timedelta(hours=hour))
            models = [gate.folder / "models/good.yml"]
            if command == "baseline":
                return baseline(policy, models, store, 1, tools), None, len(asked)
            code = watch(policy, models, store, out, tools)
            return code, gate.report("out"), len(asked)

        yield do


def test_watch__a_model_that_answers_as_it_did_passes_and_is_asked_once(at):
    at(0, "baseline")
    code, report, calls = at(30, "watch")
    assert (code, report["verdict"], calls) == (0, "pass", 150)
    assert "a drift watch: the models in use were asked again" in report["notices"][0]
    assert report["calls"] == {"baseline": 150, "candidate": 150, "cached": 150, "failed": 0}


def test_watch__silent_drift_is_blocked_and_shows_what_was_answered_then_and_now(gate, at):
    at(0, "baseline")
    code, report, calls = at(30, "watch", drifted=True)
    assert (code, report["verdict"], calls) == (1, "blocked", 150)
    assert report["comparisons"][0]["delta"] == pytest.approx(-0.2)
    found = from_json((gate.folder / "out/flips.json").read_text(), file="flips.json").flips
    assert len(found) == report["comparisons"][0]["lost"] == 30
    then_and_now = {tuple(arm.answers[0].text for arm in (one.baseline, one.candidate)) for one in found}
    assert then_and_now == {(str(2 * number), str(2 * number + 1)) for number in range(0, 150, 5)}


def test_watch__is_taken_up_again_on_its_day_and_asks_anew_on_the_next(at):
    at(0, "baseline")
    assert at(30, "watch")[2] == 150
    assert at(31, "watch", drifted=True)[::2] == (0, 0)
    assert at(60, "watch", drifted=True)[::2] == (1, 150)


def test_watch__compares_with_the_oldest_kept_run_so_that_slow_drift_shows(at):
    at(0, "baseline")
    at(100, "baseline", drifted=True)  # the drift has reached the baseline too
    assert at(110, "watch", drifted=True)[1]["verdict"] == "blocked"


def test_watch__with_nothing_kept_is_no_pass(at):
    with pytest.raises(CannotEvaluate, match="keep one with driftgate baseline"):
        at(0, "watch")
    at(0, "baseline")
    with pytest.raises(CannotEvaluate, match="none is young enough"):
        at(24 * 8, "watch")


def test_watch__needs_an_age(at):
    with pytest.raises(UsageError, match="sets no baseline_max_age"):
        at(0, "watch", rest="")


def test_schedule__asks_the_default_branchs_models(act):  # noqa: F811
    with SimulatedEndpoint(respond) as endpoint:
        policy = {".github/driftgate.yml": POLICY.format(url=endpoint.base_url, budget="") + AGE}
        base = tree(endpoint.base_url, **policy, **{"models/b.yml": CONFIG.format("other")})
        work = act.folder / "work"
        for path, text in base.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        models = [work / "models" / name for name in ("a.yml", "b.yml")]
        tools = Tools(environ={"THE_KEY": "k"}, out=StringIO(), err=StringIO())
        assert baseline(work / ".github/driftgate.yml", models, work / "kept.sqlite", 1, tools) == 0
        with FakeGitHub(base, {**base, "models/a.yml": "no default branch has this"}) as github:
            (act.folder / "this.json").write_text(json.dumps(payload("schedule")))
            event = {"GITHUB_EVENT_NAME": "schedule", "GITHUB_EVENT_PATH": str(act.folder / "this.json")}
            done = act(github, INPUT_STORE="kept.sqlite", **event)
    assert done.returncode == 0, done.stderr + done.stdout
    report = act.report()
    assert report["verdict"] == "pass"
    assert {one["config"] for one in report["comparisons"]} == {"models/a.yml", "models/b.yml"}
    assert report["provenance"]["head_sha"] == github.base_sha
    assert github.comments == []
