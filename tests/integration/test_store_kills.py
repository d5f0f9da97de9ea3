"""A run that is killed at any moment and started again is the run that was never killed: no answer that was kept is
paid for again, none is lost, and the report is the same but for its times.

What is paid twice are calls in flight at a kill, at most one a thread. No report counts them: nobody was told.
"""

import json
import random
import shutil
import signal
import sys
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from gate.domain import Completion
from gate.errors import UsageError
from gate.store import Label, Store
from gate.store_tools import export, stats
from tests.fakes.models import FakeModels, Reply

THREADS = 4
CALLS = 300
DYING = (sys.executable, str(Path(__file__).parents[1] / "fakes/dying_gate.py"))
PUT = "INSERT OR IGNORE INTO answer"
OLD = "an old run"


class KillingServer(FakeModels):
    """Its answers are receipts: for which question, and the how manieth call that was. It kills when it is told to.

    Every life of the run has a key of its own, so a request that is read after its sender died is known as that one's.
    """

    def __init__(self):
        super().__init__(self._reply)
        self.calls = []  # (life, model, prompt); the place of a call is its receipt
        self._counts = Counter()
        self._thread_of = threading.local()
        self._moment, self._client = None, None

    def kill(self, client, life, what, number):
        """When this life has "asked" or was "answered" so many times."""
        self._client, self._moment = client, (life, what, number)

    def _reply(self, asked):
        life = asked.headers["Authorization"].removeprefix("Bearer sk-secret-")
        with self._lock:
            receipt = len(self.calls)
            self.calls.append((life, asked.model, asked.prompt))
        self._thread_of.life = life
        self._count("asked")
        left, right = map(int, asked.prompt.split("+"))
        wrong = asked.model == "worse" and left % 5 == 0
        return Reply(text=json.dumps({"sum": str(left + right + wrong), "of": asked.prompt, "receipt": receipt}))

    def entered(self, by):
        super().entered(by)
        if by < 0:  # the answer was sent
            self._count("answered")

    def _count(self, what):
        life = self._thread_of.life
        with self._lock:
            self._counts[life, what] += 1
            if (life, what, self._counts[life, what]) == self._moment:
                self._client.kill()


class Story:
    """One store through many lives of one run."""

    def __init__(self, gate, server):
        self._gate, self._server = gate, server
        self._policy = gate.fixed.replace("mode: exact", "mode: json-field, field: sum")
        self._policy = self._policy.replace("max_concurrency: 32", f"max_concurrency: {THREADS}")
        self._policy += "store: {{max_age_days: 30}}\n"  # so that closing has work to do
        self._log = gate.folder / "statements"
        self.kept = [{}]  # after each life: question → receipt

    def undisturbed(self):
        """The report of a run with a store of its own."""
        done = self._gate.finished(self._start("whole", "--out", "whole", "--store", "whole.sqlite"))
        assert done.returncode == 1, done.stderr
        return self._gate.timeless(self._gate.report("whole"))

    def life(self, *, killed_when=None, dying_at=None):
        """Start the run, wait for its end. The exit code."""
        more = {"through": (*DYING, dying_at, str(self._log))} if dying_at else {}
        self._log.unlink(missing_ok=True)
        process = self._start(str(len(self.kept)), "--store", "answers.sqlite", **more)
        if killed_when:
            self._server.kill(process, str(len(self.kept)), *killed_when)
        done = self._gate.finished(process)
        self.kept.append(kept(self._gate.folder))
        assert len(self.kept[-1]) - len(self.kept[-2]) >= self.put(), "what was put is there"
        assert done.returncode in (1, -signal.SIGKILL, -signal.SIGXFSZ), done.stderr
        return done.returncode

    def put(self):
        """How many puts of the last life had ended, where it was one that wrote a log of its statements."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return sum(line.startswith(PUT) for line in lines[:-1])

    def _start(self, life, *more, **options):
        url = self._server.base_url("openai-chat")
        return self._gate.start(url, "models/worse.yml", *more, key=f"sk-secret-{life}", policy=self._policy, **options)

    def ends_like(self, whole):
        """The last life is not disturbed. It reports as if nothing had happened; and the server's log says the same."""
        assert self.life() == 1
        assert self._gate.timeless(self._gate.report()) == whole
        assert len(self.kept[-1]) == CALLS
        lives = len(self.kept) - 1
        for number in range(1, lives + 1):
            self._check(self._asked(number), before=self.kept[number - 1], after=self.kept[number])
        paid = sum(len(self._asked(number)) for number in range(1, lives + 1))
        assert CALLS <= paid <= CALLS + THREADS * (lives - 1)

    def _asked(self, life):
        return [(model, prompt) for one, model, prompt in self._server.calls if one == str(life)]

    def _check(self, asked, *, before, after):
        assert not set(asked) & before.keys(), "a call whose answer is kept is never made again"
        assert len(asked) == len(set(asked)), "nor is one made twice in a life"
        assert before.items() <= after.items(), "no kept answer is lost or replaced"
        assert all(self._server.calls[receipt][1:] == question for question, receipt in after.items())
        assert len(set(asked) - after.keys()) <= THREADS, "a thread keeps its answer before it asks again"


def kept(folder):
    """Question → receipt, of all that the store's files hold. They are copied first, as reading may repair them."""
    copy = folder / "copy"
    copy.mkdir(exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        (copy / f"answers.sqlite{suffix}").unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            shutil.copy(folder / f"answers.sqlite{suffix}", copy)
    lines, damaged = [], 0
    with suppress(UsageError):  # killed before there were tables; an answer that was there before would be missed
        _, damaged = export(copy / "answers.sqlite", lines.append)
    assert damaged == 0
    rows = [json.loads(line) for line in lines]
    answers = [(row["model"], json.loads(row["completion"]["text"])) for row in rows if row["run"] != OLD]
    return {(model, answer["of"]): answer["receipt"] for model, answer in answers}


@pytest.fixture
def story(gate):
    with KillingServer() as server:
        yield Story(gate, server)


@pytest.mark.parametrize("seed", [1, 2])
def test_killed__after_so_many_calls(story, seed):
    random_, whole = random.Random(seed), story.undisturbed()
    for _ in range(10):
        moment = random_.choice(["asked", "answered"]), random_.randint(1, 25)
        assert story.life(killed_when=moment) == -signal.SIGKILL
    story.ends_like(whole)


def test_killed__at_every_statement_of_opening_and_at_some_of_asking(story):
    random_, whole = random.Random(4), story.undisturbed()
    for number in [*range(1, 18), *(random_.randint(25, 80) for _ in range(4))]:
        assert story.life(dying_at=f"statement={number}") == -signal.SIGKILL
    story.ends_like(whole)


def test_killed__inside_a_write(story):
    random_, whole, size = random.Random(5), story.undisturbed(), 40_000
    for _ in range(10):
        assert story.life(dying_at=f"bytes={size}") == -signal.SIGXFSZ
        size += random_.randint(4_200, 60_000)
    story.ends_like(whole)


def test_killed__while_closing(story, gate):
    whole, path = story.undisturbed(), gate.folder / "answers.sqlite"
    store = Store.open(path, now=lambda: 0.0, say=print)
    label = Label(endpoint="here", protocol="openai-chat", host="here", model="old")
    for number in range(200):
        store.put(f"{number:064x}", OLD, Completion(text="x" * 500), asked_at=0.0, label=label)
    store.close()
    assert story.life(killed_when=("answered", CALLS)) == -signal.SIGKILL
    for statement in ("BEGIN IMMEDIATE", "DELETE", "COMMIT", "PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint"):
        assert story.life(dying_at=f"statement={statement}") == -signal.SIGKILL
    story.ends_like(whole)
    assert stats(path).answers == CALLS, "what was too old has left"


def test_killed__between_looks_the_sequential_way_is_taken_again(gate):
    """Its looks replay from the kept answers: the same way, the same report."""
    with KillingServer() as server:
        whole = None
        for number, moment in enumerate([None, ("answered", 5), ("answered", 30), ("asked", 20), None]):
            out, store = ("whole", "whole.sqlite") if number == 0 else ("driftgate-out", "answers.sqlite")
            process = gate.start(
                server.base_url("openai-chat"),
                "models/worse.yml",
                *("--out", out, "--store", store),
                key=f"sk-secret-{number}",
                policy=gate.policy.replace("mode: exact", "mode: json-field, field: sum"),
            )
            if moment:
                server.kill(process, str(number), *moment)
            done = gate.finished(process)
            assert done.returncode == (-signal.SIGKILL if moment else 1), done.stderr
            whole = whole or gate.timeless(gate.report("whole"))
    assert whole["calls"]["baseline"] < 150, "it stopped early"
    assert gate.timeless(gate.report()) == whole
