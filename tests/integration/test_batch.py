"""`run --batch`: the same report as a live run at half the price, and no restart loses or pays anything twice."""

import io
import json
from datetime import UTC, datetime

import pytest

from gate.app import RunOptions, run
from gate.batch_book import Book
from gate.endpoints.transport import HttpEndpoint
from gate.errors import CannotEvaluate, UsageError
from gate.store import Store
from gate.tools import Tools
from tests.fakes.batches import FakeBatches
from tests.fakes.models import FakeModels, Fault, Reply

PROTOCOLS = ("openai-chat", "openai-responses", "anthropic")
POLICY = """\
version: 1
models: [models/*.yml]
endpoints:
  here: {{protocol: {protocol}, base_url: "{url}", api_key_env: THE_KEY, retries: {retries}, max_concurrency: {at_once},
         price: {{input: 100, output: 200}}}}
budget: {{{budget}}}
risk: {{design: {design}}}
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

    def __init__(self, folder, *, samples=SAMPLES):
        self.folder, self.clock, self.out, self.said = folder, Clock(), "", ""
        (folder / "evals").mkdir(parents=True)
        (folder / "models").mkdir()
        (folder / ".github").mkdir()
        samples = [{"id": f"s{i}", "input": {"prompt": f"{i}+{i}"}, "target": str(2 * i)} for i in range(samples)]
        (folder / "evals/sums.jsonl").write_text("".join(json.dumps(one) + "\n" for one in samples))
        for model in ("good", "worse"):
            config = f"endpoint: here\nmodel: {model}\nsystem_prompt: Add.\nparameters: {{max_tokens: 50}}\n"
            (folder / f"models/{model}.yml").write_text(config)

    def run(self, server, protocol, *, batch=60.0, budget="", retries=1, at_once=16, design="fixed"):
        where = {"protocol": protocol, "design": design, "url": server.base_url(protocol)}
        text = POLICY.format(**where, budget=budget, retries=retries, at_once=at_once)
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
            self.out = tools.out.getvalue()
            self.said += self.out + tools.err.getvalue()

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


def test_batch__a_sequential_run_decides_the_same_and_counts_all_that_was_paid(tmp_path, place, server):
    live = Place(tmp_path / "live")
    with FakeBatches(respond) as other:
        assert live.run(other, "anthropic", batch=None, design="sequential") == 1
        assert len(other.live) < 2 * SAMPLES, "it stops early"
    assert place.run(server, "anthropic", design="sequential") == 1
    assert server.live == []
    assert place.report()["comparisons"] == live.report()["comparisons"]
    assert place.report()["calls"] == {"baseline": SAMPLES, "candidate": SAMPLES, "cached": 0, "failed": 0}
    assert place.report()["usage"]["tokens"] == 15 * 2 * SAMPLES


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


# --- stopped and begun again


class Killed(BaseException):
    """The process is gone."""


class Steps:
    """Counts the places where a process can be killed: around every call, every write of book and store."""

    def __init__(self, monkeypatch, at=None):
        self.count, self.at = 0, at
        for kind, name in ((HttpEndpoint, "exchange"), (Book, "_save"), (Store, "put")):
            monkeypatch.setattr(kind, name, self._around(getattr(kind, name)))

    def _around(self, work):
        def step(*given, **named):
            self._here()
            done = work(*given, **named)
            self._here()
            return done

        return step

    def _here(self):
        self.count += 1
        if self.count == self.at:
            raise Killed


@pytest.mark.parametrize("protocol", ["openai-chat", "anthropic"])
def test_batch__killed_between_any_two_steps_nothing_is_handed_in_twice_and_nothing_is_lost(tmp_path, protocol):
    undisturbed = Place(tmp_path / "undisturbed", samples=3)
    with FakeBatches(respond, now=lambda: undisturbed.clock.seconds) as server, pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        undisturbed.run(server, protocol)
    assert steps.count > 30
    for at in range(1, steps.count + 1):
        place = Place(tmp_path / f"killed-{at}", samples=3)
        with FakeBatches(respond, now=lambda clock=place.clock: clock.seconds) as server:
            with pytest.MonkeyPatch.context() as patch:
                Steps(patch, at=at)
                with pytest.raises(Killed):
                    place.run(server, protocol)
            place.run(server, protocol)
            assert len(server.asked()) == len(set(server.asked())) == 6, (at, place.said)
            assert server.live == [], at
        assert plain(place.report()) == plain(undisturbed.report()), at
        assert not place.book.exists()


@pytest.mark.parametrize("every", [14, 19, 23])
@pytest.mark.parametrize("protocol", ["openai-chat", "anthropic"])
def test_batch__killed_again_and_again_it_still_comes_to_its_end(tmp_path, protocol, every):
    place = Place(tmp_path / "here", samples=3)
    with FakeBatches(respond, now=lambda: place.clock.seconds) as server:
        for _ in range(20):
            with pytest.MonkeyPatch.context() as patch:
                Steps(patch, at=every)
                try:
                    code = place.run(server, protocol)
                except Killed:
                    continue
            break
        assert code == 3, "six questions are too few to decide"
        assert len(server.asked()) == len(set(server.asked())) == 6
        assert server.live == []
    assert place.report()["calls"] == {"baseline": 3, "candidate": 3, "cached": 0, "failed": 0}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_batch__when_the_wait_is_over_nothing_is_lost_and_the_same_command_goes_on(place, server, protocol):
    server.ends("completed", looks=1_000_000)
    assert place.run(server, protocol, batch=90.0) == 3
    assert place.out == "2 batches are still under way; run the same command again\n"
    assert sum(place.clock.slept) == 90 * 60
    assert len(place.clock.slept) < 40, "the pauses grow"
    assert "2 batches under way, 0 of 120 questions done" in place.said
    for one in server.batches:
        one.left = 0
    assert place.run(server, protocol) == 1
    assert (len(server.batches), server.live) == (2, [])
    assert {path for method, path in server.calls if method == "POST"} <= {
        "/v1/files",
        "/v1/batches",
        "/v1/messages/batches",
    }


def test_batch__without_any_wait_it_looks_once(place, server):
    server.ends("completed", looks=2)
    assert place.run(server, "anthropic", batch=0.0) == 3
    assert place.clock.slept == []
    assert place.run(server, "anthropic", batch=0.0) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("how", ["no reply", "HTTP 500", "not JSON"])
def test_batch__a_batch_that_was_created_unheard_is_found_and_not_handed_in_again(place, server, protocol, how):
    unheard = {"no reply": Fault(status=0), "HTTP 500": Fault(status=500), "not JSON": Fault(body=b"<html>")}[how]
    server.after = lambda method, path: unheard if method == "POST" and path.endswith("batches") else None
    assert place.run(server, protocol) == 1, place.said
    assert (len(server.batches), server.live) == (2, [])


@pytest.mark.parametrize("protocol", ["openai-chat", "anthropic"])
def test_batch__a_list_that_lags_behind_is_waited_for(place, server, protocol):
    server.lag = 45.0
    server.after = lambda method, path: Fault(status=0) if method == "POST" and path.endswith("batches") else None
    assert place.run(server, protocol) == 1
    assert (len(server.batches), server.live) == (2, [])


def test_batch__a_creation_that_failed_is_tried_again_once_the_list_says_so(place, server):
    failures = iter([Fault(status=503), Fault(status=0)])
    server.before = lambda method, path: next(failures, None) if (method, path) == ("POST", "/v1/batches") else None
    assert place.run(server, "openai-chat", retries=3) == 1
    assert (len(server.batches), server.live) == (2, [])


def test_batch__an_endpoint_that_takes_a_batch_and_shows_none_is_not_asked_live(place, server):
    server.before = lambda method, path: Fault(body=b"{}") if (method, path) == ("POST", "/v1/batches") else None
    with pytest.raises(CannotEvaluate, match="endpoint here: what creates a batch was answered with something else"):
        place.run(server, "openai-chat")
    assert (len(server.batches), server.live) == (0, [])


def test_batch__an_endpoint_that_is_down_is_exit_3_and_asks_nothing(place, server):
    server.before = lambda method, path: Fault(status=503)
    with pytest.raises(CannotEvaluate, match=r"could be handed in: .*HTTP 503; run the same command again"):
        place.run(server, "openai-chat")
    server.before = lambda method, path: None
    assert place.run(server, "openai-chat") == 1
    assert (len(server.batches), server.live) == (2, [])


def test_batch__anothers_batch_of_the_same_size_is_waited_for_but_never_taken_for_ours(place, server):
    """Anthropic has no place for a mark: only the custom ids of the results tell."""
    server.ends("completed", looks=3)
    create = {
        "requests": [
            {
                "custom_id": f"other-{i}",
                "params": {"model": "good", "max_tokens": 9, "messages": [{"role": "user", "content": "1+1"}]},
            }
            for i in range(SAMPLES)
        ]
    }
    server.handle("POST", "/v1/messages/batches", {}, json.dumps(create).encode())
    nothing = iter([Fault(status=0)])
    server.before = lambda method, path: (
        next(nothing, None) if (method, path) == ("POST", "/v1/messages/batches") else None
    )
    assert place.run(server, "anthropic") == 1, place.said
    ours = server.batches[1:]
    assert sorted(asked.model for one in ours for _, asked in one.requests) == ["good"] * SAMPLES + ["worse"] * SAMPLES
    assert server.live == []
    assert place.report()["comparisons"][0]["n_pairs"] == SAMPLES
    assert not place.book.exists()


# --- what batches give


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("ending", ["expired", "cancelled"])
def test_batch__what_expired_or_was_cancelled_is_asked_live(place, server, protocol, ending):
    server.ends(ending)
    assert place.run(server, protocol) == 1
    assert len(server.live) == SAMPLES, "every second one"
    assert place.report()["calls"] == {"baseline": SAMPLES, "candidate": SAMPLES, "cached": 0, "failed": 0}
    assert f"{SAMPLES // 2} of {SAMPLES} answered, {SAMPLES // 2} without an answer" in place.said
    live, batch = SAMPLES * 0.0018, SAMPLES * 0.0018 / 2  # 12 tokens in, 3 out
    assert place.report()["usage"]["usd"] == pytest.approx(live + batch)


def test_batch__one_that_failed_as_a_whole_is_asked_live_with_its_reason(place, server):
    server.ends("failed")
    assert place.run(server, "openai-chat") == 1
    assert len(server.live) == 2 * SAMPLES
    assert "the endpoint took none of it (token_limit_exceeded)" in place.said
    assert "SECRET-IN-BODY" not in place.said


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_batch__requests_that_failed_in_it_are_asked_live(place, server, protocol):
    server.in_batch = lambda asked: Fault(status=500) if asked.prompt == "7+7" else respond(asked)
    assert place.run(server, protocol) == 1
    assert sorted(asked.model for asked in server.live) == ["good", "worse"]
    assert place.report()["calls"]["failed"] == 0


def test_batch__a_prompt_that_a_filter_blocked_is_an_answer(place, server):
    results = {"jailbreak": {"filtered": True}}
    blocked = {"error": {"code": "content_filter", "innererror": {"content_filter_result": results}}}
    fault = Fault(status=400, body=json.dumps(blocked).encode())
    server.in_batch = lambda asked: fault if asked.prompt == "7+7" else respond(asked)
    place.run(server, "openai-chat")
    assert server.live == []
    assert any("filter" in line for line in place.report()["notices"])


HOSTILE = {
    "broken lines": lambda lines: [*lines[:-2], b"{", b'"' + b"x" * 50, b"\xff\xfe", b"[1]", b"[" * 100_000],
    "a line that never ends": lambda lines: [*lines[:-2], b"x" * 9_000_000],
    "foreign ids": lambda lines: [
        *lines[:-2],
        *(line.replace(b'"custom_id": "', b'"custom_id": "0') for line in lines[:5]),
    ],
    "an id that is none": lambda lines: [*lines[:-2], json.dumps(json.loads(lines[0]) | {"custom_id": ["x"]}).encode()],
    "nothing at all": lambda lines: [],
    "blank lines": lambda lines: [b"", *lines[:-2], b"", b"   "],
}


@pytest.mark.parametrize("protocol", ["openai-chat", "anthropic"])
@pytest.mark.parametrize("how", list(HOSTILE))
def test_batch__bad_lines_lose_only_themselves(place, server, protocol, how):
    server.spoil = HOSTILE[how]
    assert place.run(server, protocol) == 1, place.said
    assert len(server.live) == (2 * SAMPLES if how == "nothing at all" else 4)
    assert place.report()["calls"]["failed"] == 0
    assert ("ignored: " in place.said) == (how not in ("nothing at all", "blank lines")), place.said


def test_batch__of_two_answers_to_one_question_the_first_counts(place, server):
    def twice(lines):
        other = [json.loads(line) for line in lines]
        for one in other:
            one["result"]["message"]["content"] = [{"type": "text", "text": "forged"}]
        return [*lines, *(json.dumps(one).encode() for one in other)]

    server.spoil = twice
    assert place.run(server, "anthropic") == 1
    assert place.report()["comparisons"][0]["baseline"] == 1.0
    assert f"ignored: {SAMPLES} repeated ids" in place.said


def test_batch__results_that_the_endpoint_has_deleted_are_asked_live(place, server):
    server.before = lambda method, path: Fault(status=404) if path.endswith("/content") else None
    assert place.run(server, "openai-chat") == 1
    assert len(server.live) == 2 * SAMPLES


def test_batch__results_that_cannot_be_fetched_now_are_fetched_later(place, server):
    failures = iter([Fault(status=503)] * 4)
    server.before = lambda method, path: next(failures, None) if path.endswith("/results") else None
    assert place.run(server, "anthropic") == 1
    assert server.live == []


def test_batch__a_batch_that_the_key_may_not_see_is_not_paid_anew(place, server):
    server.ends("completed", looks=9)
    assert place.run(server, "openai-chat", batch=0.0) == 3
    server.before = lambda method, path: Fault(status=404) if path.startswith("/v1/batches/") else None
    with pytest.raises(CannotEvaluate, match=r"batch batch_0: .*HTTP 404.* or delete .*batches\.json"):
        place.run(server, "openai-chat")
    assert (len(server.batches), server.live) == (2, [])


def test_batch__an_endpoint_without_batches_is_asked_live(place, server):
    server.before = lambda method, path: Fault(status=404) if path == "/v1/files" else None
    assert place.run(server, "openai-chat") == 1
    assert len(server.live) == 2 * SAMPLES
    assert place.said.count("endpoint here has no batches (HTTP 404): its questions are asked live") == 1


def test_batch__a_protocol_without_batches_is_asked_live(place):
    with FakeModels(respond) as models:
        models.base_url = lambda protocol: f"{models.root}/v1"
        assert place.run(models, "gemini") == 1
        assert len(models.seen) == 2 * SAMPLES


@pytest.mark.parametrize("status", [401, 403])
def test_batch__a_refused_key_asks_nothing_live(place, server, status):
    server.before = lambda method, path: Fault(status=status)
    with pytest.raises(CannotEvaluate, match=f"refused .*HTTP {status}"):
        place.run(server, "anthropic")
    assert (len(server.batches), server.live) == (0, [])
    assert not place.book.exists()


def test_batch__a_redirect_is_not_followed(place, server):
    with FakeBatches(respond) as evil:
        there = {"Location": f"{evil.root}/v1/messages/batches"}
        server.before = lambda method, path: Fault(status=307, headers=there) if path.endswith("batches") else None
        place.run(server, "anthropic")
        assert evil.calls == []


def test_batch__the_key_goes_to_the_policys_host_only(place, server):
    """The fake's `results_url` names another host; the results come from the policy's."""
    place.run(server, "anthropic")
    assert ("GET", "/v1/messages/batches/msgbatch_0/results") in server.calls
    assert all("Bearer sk-very-secret" in headers.values() for headers in server.headers)


# --- budget


def test_batch__no_more_is_handed_in_than_the_budget_has_calls(place, server):
    assert place.run(server, "openai-chat", budget="calls: 50", at_once=1) == 3
    assert (len(server.asked()), server.live) == (50, [])
    assert place.report()["verdict"] == "inconclusive"


def test_batch__what_the_estimate_left_room_for_goes_into_a_following_batch(place, server):
    """A question may cost 50 tokens out and some 16 in, at half the price; it costs 15 tokens."""
    most = 40 * (16 * 100 + 50 * 200) / 2 / 1e6
    assert place.run(server, "openai-chat", budget=f"usd: {most}") == 1, place.said
    assert server.live == []
    assert len(server.batches) > 2
    assert len(server.asked()) == len(set(server.asked())) == 2 * SAMPLES


def test_batch__what_is_under_way_is_reserved_over_a_restart(place, server):
    server.ends("completed", looks=3)
    assert place.run(server, "openai-chat", budget="calls: 50", batch=0.0) == 3
    assert place.run(server, "openai-chat", budget="calls: 70", batch=0.0) == 3
    assert len(server.asked()) == 70


# --- the book


def test_batch__a_damaged_book_is_refused_by_name(place, server):
    server.ends("completed", looks=9)
    assert place.run(server, "openai-chat", batch=0.0) == 3
    place.book.write_text(place.book.read_text()[:-9])
    with pytest.raises(UsageError, match=r"batches\.json: is damaged"):
        place.run(server, "openai-chat")
    assert len(server.batches) == 2


def test_batch__two_processes_do_not_hand_in_the_same_questions(place, server):
    place.book.parent.mkdir()
    with Book.of(place.folder / "out/answers.sqlite"):
        with pytest.raises(UsageError, match="another process is at work"):
            place.run(server, "openai-chat")
    assert server.calls == []


def test_batch__a_store_that_cannot_be_written_hands_nothing_in(place, server):
    place.book.parent.mkdir()
    (place.folder / "out/answers.sqlite").symlink_to("elsewhere")
    with pytest.raises(UsageError, match="symbolic link"):
        place.run(server, "openai-chat")
    assert server.calls == []


def test_batch__answers_that_could_not_be_kept_stay_at_the_endpoint(place, server, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Store, "put", lambda self, *given, **named: self._lose("the disk is full"))
        with pytest.raises(CannotEvaluate, match="its answers could not be kept"):
            place.run(server, "openai-chat")
    assert place.run(server, "openai-chat") == 1
    assert (len(server.batches), server.live) == (2, [])
