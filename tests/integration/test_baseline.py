"""`driftgate baseline`: the models in use are asked ahead of time, and a pull request pays for its candidate only."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from gate.app import RunOptions, baseline, run
from gate.errors import UsageError
from gate.store_tools import stats
from gate.tools import Tools
from tests.fakes.models import FakeModels, Reply

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
AGE = "baseline_max_age: 2d\n"


@pytest.fixture
def at(gate):
    """`at(hour, what)` does it at that hour after noon; what was said, and the models that were asked."""
    asked = []

    def respond(request):
        asked.append(request.model)
        return Reply(text=gate.respond(request.model, [{"content": request.prompt}]))

    with FakeModels(respond) as server:
        policy, store = gate.folder / ".github/driftgate.yml", gate.folder / "answers.sqlite"

        def do(hour, what, *models, rest=AGE, budget=""):
            policy.write_text(gate.policy.format(url=server.base_url("openai-chat"), budget=budget) + rest)
            asked.clear()
            out = StringIO()
            tools = Tools(environ={"THE_KEY": "k"}, out=out, err=out, now=lambda: NOON + timedelta(hours=hour))
            configs = [gate.folder / f"models/{model}.yml" for model in models]
            if what == "refresh":
                code = baseline(policy, configs, store, tools)
            else:
                options = RunOptions(
                    policy=policy, baseline=configs[0], candidate=configs[1], out=gate.folder / "out", store=store
                )
                code = run(options, tools)
            return code, out.getvalue().replace(str(store), "STORE"), sorted(set(asked)), len(asked)

        do.store = store
        yield do


def test_baseline__is_asked_once_and_serves_every_pull_request_after_it(gate, at):
    assert at(0, "refresh", "good") == (
        *(0, "baseline: 150 of 150 questions asked and kept in STORE, 0 had answers that are young enough\n"),
        *(["good"], 150),
    )
    for candidate, code in (("worse", 1), ("better", 0)):
        found, _, models, calls = at(47, "run", "good", candidate)
        assert (found, models, calls) == (code, [candidate], 150)
        assert gate.report("out")["reused"]["baseline"] == 150
        assert gate.report("out")["reused"]["oldest"].startswith("2026-11-24T12:00:00")
    (gate.folder / "models/other.yml").write_text("endpoint: here\nmodel: other\nsystem_prompt: Add.\n")
    assert at(49, "run", "good", "other")[3] == 300, "too old by now"


def test_baseline__is_asked_anew_when_half_of_the_age_is_over(at):
    at(0, "refresh", "good")
    code, said, _, calls = at(23, "refresh", "good", "better")
    assert (code, calls) == (0, 150)
    assert said.endswith("150 of 300 questions asked and kept in STORE, 150 had answers that are young enough\n")
    assert at(25, "refresh", "good")[3] == 150
    assert stats(at.store).answers == 450


def test_baseline__that_was_interrupted_goes_on_where_it_was(at):
    code, said, _, calls = at(0, "refresh", "good", budget="calls: 40")
    assert (code, calls) == (0, 40)
    assert "the budget of 40 calls" in said
    assert at(1, "refresh", "good")[3] == 110


def test_baseline__without_an_age_is_refused_before_any_call(at):
    with pytest.raises(UsageError, match="sets no baseline_max_age"):
        at(0, "refresh", "good", rest="")
