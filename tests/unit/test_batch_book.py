"""The book of batches: whole or not at all, ours alone, and refused when it is not as it was written."""

import json

import pytest

from gate.batch_book import Book, Order, custom_id
from gate.budget import Cost
from gate.errors import UsageError

KEY = "ab" * 32


def order(mark="0" * 32, **changes):
    made = {
        "mark": mark,
        "alias": "here",
        "protocol": "openai-chat",
        "base_url": "https://api.example.com/v1",
        "model": "m",
        "run": "r",
        "keys": (KEY,),
        "reserved": Cost(tokens=5, usd=0.5),
        "at": 1_800_000_000.5,
    }
    return Order(**(made | changes))


def read(store):
    with Book.of(store) as book:
        return book.orders


@pytest.fixture
def store(tmp_path):
    return tmp_path / "answers.sqlite"


@pytest.fixture
def path(store):
    return store.with_name("answers.sqlite.batches.json")


def test_book__what_is_kept_is_read_again_and_an_empty_one_is_no_file(store, path):
    first, second = order(), order("1" * 32, foreign=("batch_9",))
    with Book.of(store) as book:
        book.keep(first)
        book.keep(second)
        found = book.found(first, "batch_1", sure=False)
        unknown = book.not_ours(found)
    assert (found.id, found.sure) == ("batch_1", False)
    assert read(store) == (unknown, second)
    assert (unknown.id, unknown.sure, unknown.foreign) == (None, True, ("batch_1",))
    with Book.of(store) as book:
        book.drop(unknown)
        book.drop(second)
    assert not path.exists()
    assert read(store) == ()


def test_book__is_for_its_owner_alone_and_holds_no_key(store, path):
    with Book.of(store) as book:
        book.keep(order())
    assert path.stat().st_mode & 0o777 == 0o600
    assert not path.with_name(f"{path.name}.new").exists()


def test_book__a_write_that_fails_leaves_the_old_one(store, path, monkeypatch):
    with Book.of(store) as book:
        book.keep(order())
        monkeypatch.setattr("os.fsync", lambda number: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(UsageError, match="cannot be written: No space left on device; no batch is handed in"):
            book.keep(order("1" * 32))
        monkeypatch.undo()
    assert read(store) == (order(),)


def test_book__what_a_killed_write_left_is_no_hindrance(store, path):
    path.with_name(f"{path.name}.new").write_text("half")
    with Book.of(store) as book:
        book.keep(order())
    assert read(store) == (order(),)


def test_book__two_at_once_are_refused_and_the_lock_goes_with_its_holder(store):
    with Book.of(store), pytest.raises(UsageError, match="another process"), Book.of(store):
        pass
    assert read(store) == ()


@pytest.mark.parametrize("name", ["batches.json", "batches.json.lock"])
def test_book__a_link_is_refused(store, name):
    store.with_name(f"{store.name}.{name}").symlink_to("elsewhere")
    with pytest.raises(UsageError, match="symbolic link"):
        read(store)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-3],
        lambda text: "[]",
        lambda text: text.replace('"form": 1', '"form": 2'),
        lambda text: text.replace(KEY, "xy" * 32),
        lambda text: text.replace(f'"{KEY}"', "7"),
        lambda text: text.replace('"id": "batch_1"', '"id": "../../models"'),
        lambda text: text.replace('"id": "batch_1"', '"id": 5'),
        lambda text: text.replace('"foreign": []', '"foreign": ["a/b"]'),
        lambda text: text.replace("0" * 32, "A" * 32),
        lambda text: text.replace('"sure": true', '"sure": "yes"'),
        lambda text: text.replace("1800000000.5", "NaN"),
        lambda text: text.replace("1800000000.5", "-1"),
        lambda text: text.replace('"usd": 0.5', '"usd": Infinity'),
        lambda text: text.replace('"tokens": 5', '"tokens": -5'),
        lambda text: text.replace('"model": "m", ', ""),
        lambda text: "[" * 100_000,
    ],
)
def test_book__one_that_is_not_as_it_was_written_is_refused_by_name(store, path, spoil):
    with Book.of(store) as book:
        book.found(order(), "batch_1", sure=True)
    text = path.read_text()
    assert json.loads(text)["batches"][0]["id"] == "batch_1"
    path.write_text(spoil(text))
    assert path.read_text() != text
    with pytest.raises(UsageError, match=r"batches\.json: is damaged: .* then delete the file"):
        read(store)


def test_custom_id__is_fixed_for_its_batch_and_differs_from_all_others():
    mine = custom_id("0" * 32, KEY)
    assert mine == order().custom_id(KEY) == "214e491d05291980cc42fe3a031218f7cc24190e1ace1e8a"
    assert len({mine, custom_id("1" * 32, KEY), custom_id("0" * 32, "cd" * 32)}) == 3
