import json
import sqlite3
from contextlib import closing

import pytest

from gate.domain import Completion
from gate.errors import UsageError
from gate.store import Label, Store
from gate.store_limits import CLOCK_SKEW, Limits
from gate.store_tools import export, merge_stores, prune, stats

NOW, DAY = 1_800_000_000.0, 86400.0
LABEL = Label(endpoint="here", protocol="openai-chat", host="https://api.example.com/v1", model="m")


@pytest.fixture
def filled(tmp_path):
    """`filled(name, run, how_many, days_old)` adds answers of 1,000 characters to a store."""

    def fill(name, run, how_many=100, *, days_old=0.0, text="x" * 1000, limits=None):
        path = tmp_path / name
        store = Store.open(path, now=lambda: NOW, say=print, limits=limits or Limits())
        for number in range(how_many):
            store.put(f"{number:064x}", run, Completion(text=text), asked_at=NOW - days_old * DAY, label=LABEL)
        store.close()
        return path

    return fill


def runs(path):
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT run, count(*) FROM answer GROUP BY run ORDER BY run"))


def sql(path, statement):
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement)


# --- limits


def test_prune__deletes_by_age_and_gives_the_room_back(filled):
    filled("a", "old", days_old=10)
    path = filled("a", "new", days_old=2)
    before = path.stat().st_size
    done = prune(path, Limits.of(days=5, megabytes=None), now=NOW)
    assert (done.answers, runs(path)) == (100, {"new": 100})
    assert done.bytes == path.stat().st_size < 0.6 * before


def test_prune__takes_answers_from_the_future_as_too_old(filled):
    filled("a", "future", days_old=-(CLOCK_SKEW + 1) / DAY)
    path = filled("a", "skewed", days_old=-(CLOCK_SKEW - 1) / DAY)
    prune(path, Limits.of(days=5, megabytes=None), now=NOW)
    assert runs(path) == {"skewed": 100}


def test_prune__deletes_whole_runs_oldest_first_until_the_file_is_small(filled):
    for run, days in (("b-oldest", 3), ("c", 2), ("a-newest", 1)):
        path = filled("a", run, days_old=days)
    done = prune(path, Limits(max_bytes=0.75 * path.stat().st_size), now=NOW)
    assert (runs(path), done.fits) == ({"a-newest": 100, "c": 100}, True)
    assert path.stat().st_size <= 0.75 * 500_000


def test_close__applies_the_policys_limits_but_never_to_its_own_run(filled):
    path = filled("a", "old", days_old=10)
    filled("a", "own", days_old=20, limits=Limits.of(days=5, megabytes=0.001))
    assert runs(path) == {"own": 100}


def test_close__says_when_its_own_run_is_over_the_limit(tmp_path, told):
    store = Store.open(tmp_path / "a", now=lambda: NOW, say=told, limits=Limits(max_bytes=1000))
    store.put("00" * 32, "own", Completion(text="x"), asked_at=NOW, label=LABEL)
    store.close()
    assert told == [f"{tmp_path / 'a'}: holds 0.0 MB of this run alone, which is over max_size_mb: nothing was lost"]
    assert store.troubles == tuple(told)


# --- stats, export


def test_stats__counts_and_dates(filled):
    filled("a", "old", 30, days_old=10)
    found = stats(filled("a", "new", 20))
    assert (found.answers, found.runs, found.oldest, found.newest) == (50, 2, NOW - 10 * DAY, NOW)
    (model,) = found.models
    assert (model.endpoint, model.model, model.place, model.answers, model.runs) == (*("here", "m", LABEL.host), 50, 2)


def test_export__escapes_what_a_model_said_and_counts_damage(filled):
    path = filled("a", "r", 3, text="\x1b[2Jé\u202e")
    sql(path, "UPDATE answer SET completion = x'00' WHERE rowid = 2")
    lines = []
    assert export(path, lines.append) == (2, 1)
    assert all(line.isascii() and line.isprintable() for line in (one.rstrip("\n") for one in lines))
    assert json.loads(lines[0])["completion"]["text"] == "\x1b[2Jé\u202e"


@pytest.mark.parametrize("use", [stats, lambda path: export(path, print), lambda path: prune(path, Limits(), now=NOW)])
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "there is no such store"),
        (lambda path: path.write_bytes(b"garbage " * 1000), "is damaged"),
        (lambda path: sql(path, "PRAGMA user_version = 99"), "it was made by a newer driftgate"),
        (lambda path: sql(path, "CREATE TABLE other(x)"), "is a database, but not a store of driftgate"),
    ],
)
def test_tools__refuse_by_name_and_leave_the_file_alone(filled, use, spoil, says):
    path = filled("a", "r")
    spoil(path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(UsageError) as caught:
        use(path)
    assert str(caught.value).startswith(f"{path}: {says}")
    assert (path.read_bytes() if path.exists() else None) == before
    assert [one.name for one in path.parent.iterdir() if ".corrupt" in one.name] == []


# --- merge


def test_merge__joins_and_keeps_the_first_answer_and_says_what_it_left_out(filled, tmp_path, told):
    one, two = filled("one", "r", 60, text="first"), filled("two", "r", 100, text="second")
    sql(two, "UPDATE answer SET completion = x'00' WHERE rowid = 100")
    merge_stores([one, two], tmp_path / "out", say=told)
    store = Store.open(tmp_path / "out", now=lambda: NOW, say=print)
    texts = [store.find(f"{number:064x}", "r") for number in range(100)]
    store.close()
    assert [one.completion.text for one in texts[:99]] == ["first"] * 60 + ["second"] * 39
    assert texts[99] is None
    assert told == [
        f"{two}: another answer of the same run was there before: 60 left out\n",
        f"{two}: damaged answers left out: 1\n",
    ]


def test_merge__the_same_twice_changes_nothing_and_says_nothing(filled, tmp_path, told):
    one = filled("one", "r")
    for _ in range(2):
        merge_stores([one], tmp_path / "out", say=told)
    assert (runs(tmp_path / "out"), told) == ({"r": 100}, [])


def test_merge__names_every_bad_input_and_merges_nothing(filled, tmp_path, told):
    good, bad = filled("good", "r"), tmp_path / "bad"
    bad.write_bytes(b"garbage " * 1000)
    with pytest.raises(UsageError) as caught:
        merge_stores([good, bad, tmp_path / "absent"], tmp_path / "out", say=told)
    assert str(caught.value) == f"{bad}: is damaged\n{tmp_path / 'absent'}: there is no such store"
    assert not (tmp_path / "out").exists()


def test_merge__into_one_of_its_inputs_is_refused(filled, told):
    one = filled("one", "r")
    with pytest.raises(UsageError, match="is what is merged into; name it once"):
        merge_stores([one], one, say=told)
