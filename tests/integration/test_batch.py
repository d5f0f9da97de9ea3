"""`run --batch`: the same report as a live run at half the price, and no restart loses or pays anything twice."""

import io
import json
from datetime import UTC, datetime

import pytest

from gate.app import RunOptions, run
from gate.errors import CannotEvaluate
from gate.tools import Tools
from tests.fakes.batches import FakeBatches
from tests.fakes.models import Fault, Reply

PROTOCOLS = ("openai-chat", "openai-responses", "anthropic")
POLICY = """\
version: 1
models: [models/*.yml]
endpoints:
  here: {{protocol: {protocol}, base_url: "{url}", api_key_env: THE_KEY, retries: {retries},
         price: {{input: 100, output: 200}}}}
budget: {{{budget}}}
families:
  sums: {{kind: custom, dataset: evals/sums.jsonl, severity: blocking, margin: 0.1, match: {{mode: exact}}}}
"""
SAMPLES = 60


def respond(asked):
    left, right = (int(part) for part in asked.prompt.split("+"))
    return Reply(text=str(left + right + (asked.model == "worse" and left % 3 == 0)))


class Clock:
    """Sleeping passes the time. `tools` are of a process that begins now."""

    def __init__(self):
        self.seconds = 1_800_000_000.0
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.seconds += seconds

    def tools(self):
        return Tools(
            environ={"THE_KEY": "sk-very-secret"},
            out=io.StringIO(),
            err=io.StringIO(),
            now=lambda: datetime.fromtimestamp(self.seconds, UTC),
            clock=lambda: self.seconds,
            sleep=self.sleep,
        )


class Place:
    """A small repository, and `driftgate run` in it."""

    def __init__(self, folder):
        self.folder, self.clock, self.said = folder, Clock(), ""
        (folder / "evals").mkdir(parents=True)
        (folder / "models").mkdir()
        (folder / ".github").mkdir()
        samples = [{"id": f"s{i}", "input": {"prompt": f"{i}+{i}"}, "target": str(2 * i)} for i in range(SAMPLES)]
        (folder / "evals/sums.jsonl").write_text("".join(json.dumps(one) + "\n" for one in samples))
        for model in ("good", "worse"):
            config = f"endpoint: here\nmodel: {model}\nsystem_prompt: Add.\nparameters: {{max_tokens: 50}}\n"
            (folder / f"models/{model}.yml").write_text(config)

    def run(self, server, protocol, *, batch=60.0, budget="", retries=1):
        text = POLICY.format(protocol=protocol, url=server.base_url(protocol), budget=budget, retries=retries)
        (self.folder / ".github/driftgate.yml").write_text(text)
        options = RunOptions(
            policy=self.folder / ".github/driftgate.yml",
            baseline=self.folder / "models/good.yml",
            candidate=self.folder / "models/worse.yml",
            out=self.folder / "out",
            batch=batch,
        )
        tools = self.clock.tools()
        try:
            return run(options, tools)
        finally:
            self.said += tools.out.getvalue() + tools.err.getvalue()

    def report(self):
        return json.loads((self.folder / "out/report.json").read_text())

    @property
    def book(self):
        return self.folder / "out/answers.sqlite.batches.json"


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "here")


@pytest.fixture
def server(place):
    with FakeBatches(respond, now=lambda: place.clock.seconds) as made:
        yield made


def plain(report):
    """A report without times and costs."""
    provenance = {k: v for k, v in report["provenance"].items() if k not in ("started", "finished", "seconds")}
    provenance.pop("policy_digest")  # the fake's port is in it
    return report | {"provenance": provenance, "usage": None}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_batch__the_same_report_as_a_live_run_at_half_the_price(tmp_path, place, server, protocol):
    live = Place(tmp_path / "live")
    with FakeBatches(respond) as other:
        assert live.run(other, protocol, batch=None) == 1
        assert (len(other.live), len(other.batches)) == (2 * SAMPLES, 0)
    assert place.run(server, protocol) == 1, place.said
    assert server.live == []
    assert [len(one.requests) for one in server.batches] == [SAMPLES, SAMPLES], "one a model"
    assert plain(place.report()) == plain(live.report())
    assert place.report()["usage"]["usd"] == pytest.approx(live.report()["usage"]["usd"] / 2)
    assert place.report()["usage"]["tokens"] == live.report()["usage"]["tokens"]
    assert not place.book.exists()
    assert "sk-very-secret" not in place.said


def test_batch__asks_what_a_live_run_would_ask(tmp_path, place, server):
    live = Place(tmp_path / "live")
    with FakeBatches(respond) as other:
        live.run(other, "anthropic", batch=None)
    place.run(server, "anthropic")
    in_batches = [asked for one in server.batches for _, asked in one.requests]
    assert sorted(json.dumps(one.body) for one in in_batches) == sorted(json.dumps(one.body) for one in other.live)


def test_batch__a_second_run_finds_everything_in_the_store(place, server):
    place.run(server, "openai-chat")
    calls = len(server.calls)
    assert place.run(server, "openai-chat") == 1
    assert len(server.calls) == calls
