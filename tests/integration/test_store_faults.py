"""Whatever happens to the store, the run goes on and ends right, says so in one line, and its report has a notice."""

import os
import random
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from gate.app import RunOptions, run
from gate.store import Store
from gate.tools import Tools
from tests.fakes.models import FakeModels, Reply

THREADS, CALLS, PAGE = 32, 300, 4096
STORE = "keep/answers.sqlite"
WAITS_SHORTLY = (
    *(sys.executable, "-c"),
    "import gate.store; from gate.cli import main; gate.store.BUSY_SECONDS = 0.1; raise SystemExit(main())",
)
LIMITED_TO = (
    *(sys.executable, "-c"),
    "import resource, sys; from gate.cli import main; size = int(sys.argv.pop(1)); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)); raise SystemExit(main())",
)


class Server(FakeModels):
    """Counts calls by key; `when` is done as soon as that call of that key has come in."""

    def __init__(self, respond):
        super().__init__(self._reply)
        self.asked = {}
        self.when = {}
        self._text = respond

    def _reply(self, asked):
        key = asked.headers["Authorization"].removeprefix("Bearer ")
        with self._lock:
            self.asked[key] = number = self.asked.get(key, 0) + 1
        self.when.get((key, number), lambda: None)()
        self.when.get(key, lambda _: None)(number)
        return Reply(text=self._text(asked.model, [{"content": asked.prompt}]))


@pytest.fixture(autouse=True)
def everything_is_asked(gate):
    gate.policy = gate.fixed


@pytest.fixture
def server(gate):
    with Server(gate.respond) as running:
        yield running


def start(gate, server, key, *more, candidate="models/worse.yml", **options):
    url = server.base_url("openai-chat")
    return gate.start(url, candidate, "--store", STORE, "--out", key, *more, key=key, **options)


def ask(gate, server, key="first", *more, **options):
    return gate.finished(start(gate, server, key, *more, **options))


def right(gate, done, key="first"):
    """Is the run's result what it is without any fault? Its notices about the store."""
    report = gate.report(key)
    assert (done.returncode, report["verdict"], report["comparisons"][0]["delta"]) == (1, "blocked", -0.2), done.stderr
    assert report["calls"] == {"baseline": 150, "candidate": 150, "cached": 0, "failed": 0}
    return [line.removeprefix(f"{STORE}: ") for line in report["notices"] if line.startswith(STORE)]


def said(done):
    return [line.removeprefix(f"{STORE}: ") for line in done.stderr.splitlines()]


# --- a full disk, a disk that cannot be written


def mounted(mount):
    """The gate where `mount` was done before, in a mount namespace of its own. Modes would not hinder root's writes."""
    unshare = ["unshare", "-m" if os.geteuid() == 0 else "-rm"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounting needs root or user namespaces")
    return (*unshare, "sh", "-ec", f'{mount} && exec "$@"', "sh", sys.executable, "-m", "gate")


READ_ONLY = "mount --bind keep keep && mount -o remount,ro,bind keep keep"


def test_disk__that_fills_up_while_asking(gate, server):
    (gate.folder / "keep").mkdir()
    done = ask(gate, server, through=mounted("mount -t tmpfs -o size=300k none keep"))
    assert said(done) == ["answers are not kept: the disk is full; a resumed run asks them again"]
    (notice,) = right(gate, done)
    assert notice.endswith(" answers were not kept: the disk is full")
    assert 0 < int(notice.split()[0]) < CALLS


@pytest.mark.parametrize(("size", "why"), [("60k", "is full"), ("16k", "refuses to read or write")])
def test_disk__that_has_no_room_for_a_store(gate, server, size, why):
    (gate.folder / "keep").mkdir()
    done = ask(gate, server, through=mounted(f"mount -t tmpfs -o size={size} none keep"))
    assert said(done) == [f"the store cannot be used: the disk {why}"]
    assert right(gate, done) == [*said(done), "300 answers were not kept: the store cannot be written"]


def test_disk__that_refuses_to_write_on(gate, server):
    done = ask(gate, server, through=(*LIMITED_TO, "100000"))
    assert said(done) == ["answers are not kept: the disk refuses to read or write; a resumed run asks them again"]
    (notice,) = right(gate, done)
    lost = int(notice.split()[0])
    assert 0 < lost < CALLS
    assert right(gate, ask(gate, server, "second"), "second") == []
    assert server.asked == {"first": CALLS, "second": lost}


def test_read_only__store_serves_what_it_has(gate, server):
    ask(gate, server)
    done = ask(gate, server, "second", through=mounted(READ_ONLY))
    assert (said(done), right(gate, done, "second")) == ([], [])
    assert server.asked == {"first": CALLS}


def test_read_only__folder_without_a_store(gate, server):
    (gate.folder / "keep").mkdir()
    done = ask(gate, server, through=mounted(READ_ONLY))
    assert said(done) == ["the store cannot be used: it is not there, and its folder cannot be written"]
    assert right(gate, done) == [*said(done), "300 answers were not kept: the store cannot be written"]


def test_read_only__store_to_which_nothing_can_be_added(gate, server):
    ask(gate, server, candidate="models/better.yml")
    done = ask(gate, server, "second", through=mounted(READ_ONLY))
    assert said(done) == ["answers are not kept: the store cannot be written; a resumed run asks them again"]
    assert right(gate, done, "second") == ["300 answers were not kept: the store cannot be written"]


def test_shard__refuses_a_store_that_keeps_nothing_before_it_pays(gate, server):
    (gate.folder / "keep").mkdir()
    done = ask(gate, server, "first", "--shard", "1/2", through=mounted(READ_ONLY))
    assert (done.returncode, server.asked) == (2, {})
    assert f"driftgate: {STORE}: cannot be written, and these answers are of use" in done.stderr


# --- a damaged file


def spoil(data, how):
    random_, middle = random.Random(6), len(data) // PAGE // 2 * PAGE
    return {
        "header": lambda: bytes(100) + data[100:],
        "first page": lambda: random_.randbytes(PAGE) + data[PAGE:],
        "page in the middle": lambda: data[:middle] + random_.randbytes(PAGE) + data[middle + PAGE :],
        "zeros": lambda: bytes(len(data)),
        "cut": lambda: data[: len(data) // 2 + 100],
        "another kind of file": lambda: b"PK\x03\x04" + random_.randbytes(len(data)),
    }[how]()


@pytest.mark.parametrize("how", ["header", "first page", "page in the middle", "zeros", "cut", "another kind of file"])
def test_damaged__file_is_moved_aside_and_a_new_one_begun(gate, server, how):
    ask(gate, server)
    path = gate.folder / STORE
    path.write_bytes(damaged := spoil(path.read_bytes(), how))
    done = ask(gate, server, "second")
    assert said(done) == ["was damaged; it is now answers.sqlite.corrupt-1, and a new store was begun"]
    assert right(gate, done, "second") == said(done)
    assert path.with_name("answers.sqlite.corrupt-1").read_bytes() == damaged
    known = CALLS - server.asked["second"]
    done = ask(gate, server, "third")
    assert (said(done), right(gate, done, "third")) == ([], [])
    assert server.asked.get("third", 0) == known, "what was read before the damage was met is not in the new store"


def test_damaged__single_answers_are_asked_again_once(gate, server):
    ask(gate, server)
    with closing(sqlite3.connect(gate.folder / STORE, isolation_level=None)) as db:
        db.execute("UPDATE answer SET completion = CAST(completion || 'x' AS BLOB) WHERE rowid % 10 = 0")
    assert right(gate, ask(gate, server, "second"), "second") == ["damaged answers were not used: 30"]
    assert right(gate, ask(gate, server, "third"), "third") == []
    assert server.asked == {"first": CALLS, "second": 30}


def test_damaged__to_nothing_is_a_new_store(gate, server):
    ask(gate, server)
    os.truncate(gate.folder / STORE, 0)
    done = ask(gate, server, "second")
    assert (said(done), right(gate, done, "second")) == ([], [])
    assert server.asked == {"first": CALLS, "second": CALLS}


def test_newer__store_is_left_alone(gate, server):
    ask(gate, server)
    path = gate.folder / STORE
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    done = ask(gate, server, "second")
    (line,) = said(done)
    assert "was made by a newer driftgate (its form is 99, this one knows 1); update driftgate" in line
    assert right(gate, done, "second") == [line, "300 answers were not kept: the store cannot be written"]
    assert path.read_bytes() == before


# --- other processes


def test_locked__by_another_process_for_a_while(gate, server):
    (gate.folder / "keep").mkdir()
    Store.open(gate.folder / STORE, now=lambda: 0.0, say=print).close()
    other = sqlite3.connect(gate.folder / STORE, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    server.when["first", 150] = lambda: other.execute("COMMIT")
    done = ask(gate, server, through=WAITS_SHORTLY)
    other.close()
    assert said(done) == ["answers are not kept: another process holds it locked; a resumed run asks them again"]
    (notice,) = right(gate, done)
    lost = int(notice.split()[0])
    assert 0 < lost < CALLS
    assert right(gate, ask(gate, server, "second"), "second") == []
    assert server.asked == {"first": CALLS, "second": lost}


def test_two_processes__of_one_run_do_not_ask_what_the_other_has_kept(gate, server):
    held, go = threading.Semaphore(0), threading.Event()

    def hold(number):
        if number > 100:
            held.release()
            go.wait(60)

    server.when["first"] = hold
    one = start(gate, server, "first")
    for _ in range(THREADS):  # all its threads wait, so all that was answered is kept
        assert held.acquire(timeout=60)
    other = ask(gate, server, "second")
    go.set()
    assert right(gate, other, "second") == right(gate, gate.finished(one)) == []
    assert server.asked == {"first": 100 + THREADS, "second": CALLS - 100}


def test_two_processes__of_two_runs_end_right_side_by_side(gate, server):
    one = start(gate, server, "first")
    other = start(gate, server, "second", candidate="models/better.yml")
    assert right(gate, gate.finished(one)) == []
    assert (gate.finished(other).returncode, gate.report("second")["notices"]) == (0, [])
    ask(gate, server, "third")
    ask(gate, server, "fourth", candidate="models/better.yml")
    assert server.asked == {"first": CALLS, "second": CALLS}


def test_stopped__by_sigterm_and_resumed(gate, server):
    one = start(gate, server, "first")
    server.when["first", 100] = one.terminate
    done = gate.finished(one)
    assert (done.returncode, done.stderr) == (130, "driftgate: interrupted\n")
    assert right(gate, ask(gate, server, "second"), "second") == []
    assert CALLS <= sum(server.asked.values()) <= CALLS + THREADS


# --- the clock


class Clock:
    """A wall clock that can be set, and one that only goes forward."""

    def __init__(self):
        self.wall, self.seconds = datetime(2026, 11, 24, 12, tzinfo=UTC), 0.0

    def now(self):
        return self.wall

    def clock(self):
        self.seconds += 0.001
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


def in_process(gate, server, clock, key, candidate="worse"):
    """The same command with clocks of the test's own. The report."""
    policy = gate.policy.format(url=server.base_url("openai-chat"), budget="")
    (gate.folder / ".github/driftgate.yml").write_text(policy)
    options = RunOptions(
        policy=gate.folder / ".github/driftgate.yml",
        baseline=gate.folder / "models/good.yml",
        candidate=gate.folder / f"models/{candidate}.yml",
        out=gate.folder / key,
        store=gate.folder / STORE,
    )
    run(options, Tools(environ={"THE_KEY": key}, out=StringIO(), err=StringIO(), now=clock.now, clock=clock.clock))
    return gate.report(key)


def test_clock__set_back_during_a_run_loses_nothing_and_is_noticed(gate, server, clock):
    def set_back():
        clock.wall -= timedelta(days=2)

    server.when["first", 100] = set_back
    report = in_process(gate, server, clock, "first")
    assert report["notices"] == ["the clock was set back during the run: times and ages in this report may be wrong"]
    assert report["provenance"]["seconds"] > 0
    in_process(gate, server, clock, "second")
    assert server.asked == {"first": CALLS}
