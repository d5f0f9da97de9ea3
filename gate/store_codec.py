"""L3: a completion ⇄ the bytes that the store keeps of it. What comes back is checked like any hostile input.

A row's bytes are the CRC-32 of key, run and body (4 bytes), then the body, JSON. The checksum finds bit rot and rows
that lie under a wrong key; it is no protection against who writes the file. Bodies are not compressed: zlib takes more
CPU than all the rest of a put, to save two fifths of a file that `actions/cache` packs once more.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, NoReturn, TypeAlias, get_args, get_origin, get_type_hints

from gate.domain import Completion, Json, Usage

MAX_BYTES = 8 * 1024 * 1024
"""Of one answer. What is larger is not kept, and a larger row is broken."""

_Read: TypeAlias = Callable[[Json], Any]


class BrokenRow(ValueError):
    """A stored row that is not as it was written, or never was a completion."""


def encode(key: bytes, run: str, completion: Completion) -> bytes:
    """The bytes of a row. Raises ValueError over `MAX_BYTES`."""
    # Lone surrogates are kept: a model that is cut inside an emoji answers with one.
    body = _written(as_json(completion)).encode("utf-8", "surrogatepass")
    if len(body) > MAX_BYTES:
        raise ValueError("is too large to keep")
    return _checksum(key, run, body) + body


_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def decode(key: bytes, run: str, data: object) -> Completion:
    """The completion of a row. Raises BrokenRow."""
    if not isinstance(data, bytes) or len(data) > MAX_BYTES + 4:
        raise BrokenRow("is not a row's bytes")
    checksum, body = data[:4], data[4:]
    if checksum != _checksum(key, run, body):
        raise BrokenRow("does not match its checksum")
    try:
        completion: Completion = _read_completion(json.loads(body.decode("utf-8", "surrogatepass")))
    except (ValueError, TypeError, RecursionError):
        raise BrokenRow("is not a completion") from None
    return completion


def _checksum(key: bytes, run: str, body: bytes) -> bytes:
    return zlib.crc32(body, zlib.crc32(run.encode(), zlib.crc32(key))).to_bytes(4, "big")


def as_json(value: Completion | Usage) -> dict[str, Json]:
    """As JSON, without the fields that hold their default."""
    found: dict[str, Json] = {}
    for name, default in _DEFAULTS[type(value)].items():
        if (part := getattr(value, name)) != default:
            found[name] = as_json(part) if isinstance(part, Usage) else part
    return found


def _defaults(kind: type[Any]) -> Mapping[str, object]:
    made = ((one.name, one.default, one.default_factory) for one in fields(kind))
    return {name: plain if factory is MISSING else factory() for name, plain, factory in made}


_DEFAULTS = {kind: _defaults(kind) for kind in (Completion, Usage)}


def _reader(kind: Any) -> _Read:
    """JSON → a value of the type: a dataclass, a tuple of one type, a number, a Literal, or of str, bool and None."""
    if is_dataclass(kind):
        return _fields_reader(kind)
    if get_origin(kind) is tuple:
        read = _reader(get_args(kind)[0])
        return lambda value: tuple(read(one) for one in _a(list, value))
    fits = _check(kind)
    return lambda value: value if fits(value) else _refuse()


def _fields_reader(kind: Any) -> _Read:
    """Unknown fields are as wrong as wrong types: nothing of a row is taken on trust."""
    readers = {name: _reader(part) for name, part in get_type_hints(kind).items()}

    def read(value: Json) -> Any:
        found = _a(dict, value)
        if not found.keys() <= readers.keys():
            raise BrokenRow("has an unknown field")
        return kind(**{name: readers[name](part) for name, part in found.items()})

    return read


def _a(kind: type, value: Json) -> Any:
    return value if isinstance(value, kind) else _refuse()


def _refuse() -> NoReturn:
    raise BrokenRow("has a field of another type")


def _check(kind: Any) -> Callable[[Json], bool]:
    if get_origin(kind) is Literal:
        words = frozenset(get_args(kind))
        return lambda value: isinstance(value, str) and value in words
    if kind in _AMOUNTS:
        types = _AMOUNTS[kind]
        return lambda value: type(value) in types and 0 <= value < math.inf  # type: ignore[operator]  # it is a number
    plain = frozenset(get_args(kind) or (kind,))
    if not plain <= {str, bool, type(None)}:
        raise TypeError(f"the store cannot keep a field of type {kind}")
    return lambda value: type(value) in plain


_AMOUNTS: Mapping[Any, frozenset[type]] = {int: frozenset({int}), float: frozenset({int, float})}
"""Every number of a completion is a count or a duration: finite and not negative. A bool is none."""

_read_completion = _reader(Completion)
