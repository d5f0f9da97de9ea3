import dataclasses
import hashlib
import os
import sqlite3
import stat
import threading

import pytest

from gate.domain import ChatRequest, Completion, Message, Usage
from gate.errors import UsageError
from gate.store import Label, Store, content_key
from gate.store_codec import MAX_BYTES, BrokenRow, _checksum, decode, encode
from gate.store_limits import Limits

NOW = 1_800_000_000.0
LABEL = Label(endpoint="here", protocol="openai-chat", host="api.example.com", model="m")
KEY = "ab" * 32
DAY = 86400.0


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def opened(path, told):
    stores = []

    def again():
        stores.append(Store.open(path, now=lambda: NOW, say=told))
        return stores[-1]

    yield again
    for store in stores:
        store.close()


@pytest.fixture
def store(opened):
    return opened()


def put(store, text="yes", *, key=KEY, run="r1", asked_at=NOW, label=LABEL):
    store.put(key, run, Completion(text=text), asked_at=asked_at, label=label)


def texts(found):
    return [(one.run, one.completion.text) for one in found]


def request(**changes):
    asked = {"model": "m", "messages": (Message(role="user", content="hé"),), "parameters": {"temperature": 0, "n": 1}}
    return ChatRequest(**(asked | changes))


def key_of(*, protocol="openai-chat", base_url="https://api.example.com/v1", repeat=0, **changes):
    return content_key(protocol=protocol, base_url=base_url, request=request(**changes), repeat=repeat)


# --- what is asked → its key


def test_content_key__is_fixed_for_ever_so_that_stores_stay_usable():
    asked = (
        rb'{"form":1,"messages":[["user","h\u00e9"]],"model":"m","parameters":{"n":1,"temperature":0},'
        rb'"place":"api.example.com/v1","protocol":"openai-chat","repeat":0}'
    )
    assert key_of() == hashlib.sha256(asked).hexdigest()


@pytest.mark.parametrize(
    "changes",
    [
        {"protocol": "anthropic"},
        {"base_url": "https://api.example.org/v1"},
        {"base_url": "https://api.example.com/v2"},
        {"base_url": "https://api.example.com:8443/v1"},
        {"repeat": 1},
        {"model": "m2"},
        {"parameters": {"temperature": 0.5, "n": 1}},
        {"parameters": {"temperature": 0}},
        {"parameters": {"temperature": 0, "n": True}},
        {"messages": (Message(role="system", content="hé"),)},
        {"messages": (Message(role="user", content="he"),)},
        {"messages": (Message(role="user", content="h"), Message(role="user", content="é"))},
    ],
    ids=str,
)
def test_content_key__whatever_makes_another_answer_makes_another_key(changes):
    assert key_of(**changes) != key_of()


def test_content_key__writing_the_same_thing_otherwise_is_the_same_key():
    assert key_of(parameters={"n": 1, "temperature": 0}) == key_of()
    assert key_of(base_url="https://API.example.com/v1/") == key_of()


# --- a completion → bytes → the same completion


def filled(kind):
    """An object of a domain type in which no field has its default."""
    values = {str: "é\ud83d\x00", "str | None": "x", "Usage": None, int: 7, float: 0.25}
    made = {}
    for one in dataclasses.fields(kind):
        annotation = str(one.type)
        made[one.name] = (
            filled(Usage)
            if annotation == "Usage"
            else "length"
            if annotation == "FinishReason"
            else "batch"
            if annotation == "Route"
            else ("a", "b")
            if annotation.startswith("tuple")
            else {"int": 7, "float": 0.25, "bool": True}.get(annotation, values[str])
        )
    return kind(**made)


@pytest.mark.parametrize("completion", [Completion(text=""), Completion(text="long " * 5000), filled(Completion)])
def test_codec__gives_back_every_field_also_lone_surrogates(completion):
    assert decode(b"k", "r", encode(b"k", "r", completion)) == completion


def test_codec__an_answer_kept_before_there_were_batches_came_live():
    body = b'{"text":"x"}'
    assert decode(b"k", "r", forged(body)) == Completion(text="x", route="live")
    assert encode(b"k", "r", Completion(text="x")) == forged(body)


def test_codec__every_flipped_bit_is_seen():
    row = encode(b"k", "r", Completion(text="yes"))
    for place in range(len(row)):
        with pytest.raises(BrokenRow):
            decode(b"k", "r", row[:place] + bytes([row[place] ^ 4]) + row[place + 1 :])


def test_codec__a_row_under_another_key_or_run_is_broken():
    row = encode(b"k", "r", Completion(text="yes"))
    for key, run in ((b"l", "r"), (b"k", "s")):
        with pytest.raises(BrokenRow):
            decode(key, run, row)


def forged(body):
    return _checksum(b"k", "r", body) + body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"text":1}',
        b'{"text":null}',
        b'{"text":"x","finish_reason":"done"}',
        b'{"text":"x","seconds":-1}',
        b'{"text":"x","seconds":NaN}',
        b'{"text":"x","seconds":1e999}',
        b'{"text":"x","usage":{"input_tokens":-5}}',
        b'{"text":"x","usage":{"input_tokens":true}}',
        b'{"text":"x","usage":{"input_tokens":1.5}}',
        b'{"text":"x","usage":[]}',
        b'{"text":"x","served_model":{}}',
        b'{"text":"x","__class__":"os.system"}',
        b"\xff\xfe",
        b'{"text":' + b"[" * 100_000,
    ],
)
def test_codec__a_forged_row_is_broken_whatever_it_holds(body):
    with pytest.raises(BrokenRow):
        decode(b"k", "r", forged(body))


def test_codec__a_row_larger_than_an_answer_may_be_is_broken():
    for data in (forged(b'{"text":"' + b"a" * MAX_BYTES + b'"}'), "text", None, 5):
        with pytest.raises(BrokenRow):
            decode(b"k", "r", data)


# --- keeping and finding


def test_find__gives_back_what_was_put_also_after_reopening(store, opened):
    put(store, "first")
    store.close()
    found = opened().find(KEY, "r1")
    assert (found.completion, found.asked_at, found.run) == (Completion(text="first"), NOW, "r1")


def test_put__the_first_answer_of_a_run_stays(store):
    put(store, "first")
    put(store, "second", asked_at=NOW + 1)
    assert texts(store.runs_of(KEY)) == [("r1", "first")]


def test_find__never_gives_another_runs_answer(store):
    put(store, run="r0")
    assert store.find(KEY, "r1") is None
    assert store.find(KEY, "r0").run == "r0"


def test_runs_of__every_run_the_newest_first(store):
    for run, age in (("old", 30), ("new", 10), ("middle", 20)):
        put(store, run, run=run, asked_at=NOW - age)
    assert [one.run for one in store.runs_of(KEY)] == ["new", "middle", "old"]
    assert store.runs_of("cd" * 32) == ()


def test_store__many_threads_lose_nothing(store):
    def work(number):
        for one in range(50):
            put(store, f"{number}-{one}", key=f"{number * 50 + one:064x}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [store.find(f"{number:064x}", "r1") for number in range(800)]
    assert [one.completion.text for one in found] == [f"{n // 50}-{n % 50}" for n in range(800)]
    assert store.troubles == ()


# --- the file


def test_store__only_its_owner_can_read_the_file(store, path):
    put(store)
    assert {stat.S_IMODE(path.with_name(path.name + suffix).stat().st_mode) for suffix in ("", "-wal", "-shm")} == {
        0o600
    }


def test_store__makes_its_folder_and_leaves_one_file(tmp_path, told):
    path = tmp_path / "a" / "b" / "it's 100 %?#.db"
    store = Store.open(path, now=lambda: NOW, say=told)
    put(store)
    store.close()
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    store.close()
    put(store)
    assert (store.find(KEY, "r1"), told) == (None, [])


def test_closing__while_it_folds_nothing_is_kept_any_more_and_all_its_troubles_are_known(path, told):
    store = Store.open(path, now=lambda: NOW, say=told, limits=Limits(max_bytes=1.0))
    put(store)
    with store.closing():
        (trouble,) = store.troubles
        put(store, "late", key="cd" * 32)
        assert store.find(KEY, "r1") is None
    assert "over max_size_mb" in trouble
    assert [one.name for one in path.parent.glob("store.db*")] == [path.name]
    again = Store.open(path, now=lambda: NOW, say=told)
    assert again.find(KEY, "r1").completion.text == "yes"
    again.close()


def test_closing__what_is_raised_meanwhile_is_raised_and_the_journal_is_folded(store, path):
    put(store)
    with pytest.raises(ZeroDivisionError), store.closing():
        1 / 0  # noqa: B018
    assert not path.with_name("store.db-wal").exists()


def make_directory(path):
    path.mkdir()


def make_link(path):
    path.symlink_to(path.with_name("elsewhere"))


def make_journal_link(path):
    path.with_name(path.name + "-wal").symlink_to("/etc/passwd")


def make_pipe(path):
    os.mkfifo(path)


def make_foreign(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE bookmarks(url)")


def make_trigger(path):
    Store.open(path, now=lambda: NOW, say=print).close()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TRIGGER t AFTER INSERT ON answer BEGIN DELETE FROM answer; END")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (make_directory, "is a directory; name the store's file in it"),
        (make_link, "is a symbolic link"),
        (make_journal_link, "store.db-wal: is a symbolic link"),
        (make_pipe, "is not a regular file"),
        (make_foreign, "is a database, but not a store of driftgate"),
        (make_trigger, "is a database, but not a store of driftgate"),
    ],
)
def test_open__refuses_in_one_line_and_leaves_it_alone(path, told, make, says):
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(UsageError) as caught:
        Store.open(path, now=lambda: NOW, say=told)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_open__a_newer_driftgates_store_is_left_alone_and_the_run_goes_on_without(path, opened, told):
    opened().close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    store = opened()
    put(store)
    assert (store.find(KEY, "r1"), store.keeps, path.read_bytes()) == (None, False, before)
    assert told == [
        f"{path}: the store cannot be used: it was made by a newer driftgate (its form is 99, this one knows 1); "
        "update driftgate, or name another file"
    ]
    assert store.troubles == (*told, f"{path}: 1 answers were not kept: the store cannot be written")


# --- damage, full disks, locks: the run goes on


def damage(path, how):
    data = bytearray(path.read_bytes())
    {
        "garbage": lambda: data.__setitem__(slice(None), b"garbage " * 2000),
        "header": lambda: data.__setitem__(slice(0, 100), bytes(100)),
        "cut": lambda: data.__delitem__(slice(len(data) // 2, None)),
        "pages": lambda: data.__setitem__(slice(4096, None), b"\xa5" * (len(data) - 4096)),
        "cut in the first page": lambda: data.__delitem__(slice(700, None)),
    }[how]()
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["garbage", "header", "cut", "pages", "cut in the first page"])
def test_store__a_damaged_file_is_moved_aside_and_a_new_one_begun(opened, path, told, how):
    store = opened()
    for number in range(200):
        put(store, "x" * 200, key=f"{number:064x}")
    store.close()
    damage(path, how)
    damaged = path.read_bytes()
    store = opened()
    lost = [number for number in range(200) if store.find(f"{number:064x}", "r1") is None]
    put(store, "again", run="r2")
    assert store.find(KEY, "r2").completion.text == "again"
    assert lost
    assert told == [f"{path}: was damaged; it is now store.db.corrupt-1, and a new store was begun"]
    assert store.troubles == tuple(told)
    assert path.with_name("store.db.corrupt-1").read_bytes() == damaged


def test_store__damage_during_a_run_is_survived_and_later_ones_get_a_number_of_their_own(opened, path, told):
    for number in (1, 2):
        store = opened()
        for one in range(300):
            put(store, "x" * 200, key=f"{one:064x}")
        store.close()
        store = opened()
        damage(path, "pages")
        put(store, "after")
        assert store.find(KEY, "r1").completion.text == "after"
        assert told[-1].endswith(f"it is now store.db.corrupt-{number}, and a new store was begun")
        store.close()


def test_store__an_empty_file_is_a_new_store(opened, path, told):
    path.touch()
    put(opened())
    assert (len(opened().runs_of(KEY)), told) == (1, [])


def test_find__a_damaged_row_is_as_if_absent_and_counted_and_makes_room_for_a_new_one(store, path):
    put(store)
    put(store, run="r2", asked_at=NOW - 5)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE answer SET completion = x'6a00' WHERE run = 'r1'")
    assert store.find(KEY, "r1") is None
    assert store.find(KEY, "r2").run == "r2"
    assert store.troubles == (f"{path}: damaged answers were not used: 1",)
    put(store, "again")
    assert store.find(KEY, "r1").completion.text == "again"


def test_put__on_a_full_disk_is_told_once_and_counted_and_the_store_still_answers(store, path, told):
    put(store, key="00" * 32)
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(1, 6):
        put(store, os.urandom(30_000).hex(), key=f"{number:064x}")
    assert told == [f"{path}: answers are not kept: the disk is full; a resumed run asks them again"]
    assert store.troubles == (f"{path}: 5 answers were not kept: the disk is full",)
    assert store.find("00" * 32, "r1") is not None
    store._db.execute("PRAGMA max_page_count = 1000000")
    put(store, key="ff" * 32)
    assert store.find("ff" * 32, "r1") is not None


def test_put__an_answer_that_is_too_large_is_not_kept_and_told(store, path):
    put(store, "x" * (MAX_BYTES + 1))
    assert store.runs_of(KEY) == ()
    assert store.troubles == (f"{path}: 1 answers were not kept: an answer is too large",)


def test_put__while_another_process_holds_the_lock_waits_then_goes_on_and_recovers(store, path, told):
    put(store, key="00" * 32)
    store._db.execute("PRAGMA busy_timeout = 1")  # instead of ten seconds
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    put(store)
    assert store._db.execute("PRAGMA busy_timeout").fetchone()[0] == 5  # impatient from now on
    assert store.find("00" * 32, "r1") is not None  # reading goes on
    put(store)
    other.execute("COMMIT")
    put(store)
    assert (len(store.runs_of(KEY)), store._db.execute("PRAGMA busy_timeout").fetchone()[0]) == (1, 10_000)
    assert told == [f"{path}: answers are not kept: another process holds it locked; a resumed run asks them again"]
    assert store.troubles == (f"{path}: 2 answers were not kept: another process holds it locked",)
    other.close()
