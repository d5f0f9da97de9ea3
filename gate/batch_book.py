"""L3: which batches were handed in, kept in a file beside the store, so that no restart hands one in twice.

An order is written down before the call that creates its batch. One without an id may or may not have been created:
the endpoint's own list of batches has to say. An order leaves the book when its answers are in the store. Requests and
answers are never in the book: keys, ids and what was reserved.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, Self

from gate.budget import Cost
from gate.endpoints.batch_wire import identifier
from gate.errors import UsageError
from gate.store_file import check_path

_FORM = 1
_MOST_BYTES = 512 * 1024 * 1024
_KEY = re.compile(r"[0-9a-f]{64}")
_MARK = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One batch. `keys` are the content keys of its questions, `reserved` what they may cost at most.

    `sure`: the id came back from the call that created it. Else it was found in a list, at an endpoint where nothing of
    ours can be written on a batch; `foreign` are ids found so that turned out to be another's.
    """

    mark: str
    alias: str
    protocol: str
    base_url: str
    model: str
    run: str
    keys: tuple[str, ...] = field(repr=False)
    reserved: Cost
    at: float  # Unix seconds, by our clock, before it was created
    id: str | None = None
    sure: bool = True
    foreign: tuple[str, ...] = ()

    def custom_id(self, key: str) -> str:
        """What a question is called in this batch. No other batch, of ours or of others, has it."""
        return custom_id(self.mark, key)


def custom_id(mark: str, key: str) -> str:
    return hashlib.sha256(f"{mark} {key}".encode()).hexdigest()[:48]


@dataclass(slots=True, kw_only=True)
class Book:
    """The orders that are not done. Every change is in the file, durably, when the method returns."""

    path: Path
    _orders: dict[str, Order] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def of(cls, store: Path) -> Iterator[Self]:
        """The book beside a store, for this process alone.

        Raises
        ------
        UsageError
            It is damaged, or another process has it, or it cannot be written.
        """
        path = store.with_name(f"{store.name}.batches.json")
        with _locked(path):
            yield cls(path=path, _orders={one.mark: one for one in _read(path)})

    @property
    def orders(self) -> tuple[Order, ...]:
        return tuple(self._orders.values())

    def keep(self, order: Order) -> Order:
        """Write an order down, new or changed."""
        self._orders[order.mark] = order
        self._save()
        return order

    def found(self, order: Order, batch: str, *, sure: bool) -> Order:
        """The id of an order's batch is known."""
        return self.keep(replace(order, id=batch, sure=sure))

    def not_ours(self, order: Order) -> Order:
        """What was taken for an order's batch is another's."""
        foreign = (*order.foreign, *([order.id] if order.id else ()))
        return self.keep(replace(order, id=None, sure=True, foreign=foreign))

    def drop(self, order: Order) -> None:
        """Its answers are in the store, or it was never handed in."""
        self._orders.pop(order.mark, None)
        self._save()

    def _save(self) -> None:
        """All of the file or nothing of it, and on the disk: a power cut must not make us pay twice."""
        if not self._orders:
            self.path.unlink(missing_ok=True)
            return
        text = json.dumps({"form": _FORM, "batches": [asdict(one) for one in self._orders.values()]})
        fresh = self.path.with_name(f"{self.path.name}.new")
        try:
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written: {error.strerror}; no batch is handed in") from None


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = path.with_name(f"{path.name}.lock")
    check_path(lock)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UsageError(f"{lock}: cannot be made: {error.strerror}") from None
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(f"{path}: another process is at work with these batches") from None
    finally:
        os.close(number)


def _read(path: Path) -> list[Order]:
    check_path(path)
    if not path.exists():
        return []
    try:
        with path.open("rb") as file:
            return _orders(file.read(_MOST_BYTES))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        what = "is damaged: what was handed in is not known"
        raise UsageError(f"{path}: {what}; look at the provider's list of batches, then delete the file") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    form: Literal[1]
    batches: tuple[Order, ...]


def _orders(data: bytes) -> list[Order]:
    """Raises ValueError for what is not a book as it is written here."""
    from pydantic import TypeAdapter

    orders = TypeAdapter(_Written).validate_json(data, strict=True).batches
    if not all(map(_sound, orders)):
        raise ValueError("has a field of another form")
    return list(orders)


def _sound(order: Order) -> bool:
    numbers = (order.at, order.reserved.tokens, order.reserved.usd)
    ids = (*order.foreign, *(() if order.id is None else (order.id,)))
    return (
        all(math.isfinite(one) and one >= 0 for one in numbers)
        and all(map(_KEY.fullmatch, order.keys))
        and all(map(identifier, ids))
        and _MARK.fullmatch(order.mark) is not None
    )
