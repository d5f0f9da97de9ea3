"""L3: an open socket to an endpoint: a request goes out, an answer of bounded size comes back.

Time is held at the socket: each wait is given what is left, so neither silence nor a slow drip lasts longer than the
attempt may. What comes is read by llhttp, the parser of Node.js.
"""

from __future__ import annotations

import re
import select
import socket
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import starmap
from typing import BinaryIO

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

BODY_LIMIT = 8 * 1024 * 1024
_ERROR_LIMIT = 64 * 1024
_HEAD_LIMIT = 64 * 1024
_PIECE = 64 * 1024
_LATE = 0.05
"""Seconds. A wait may end so much later than it should: a socket's time is set anew only where more has changed."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_TARGET = re.compile(r"[!-~]+")


class TooLargeError(Exception):
    """An answer beyond the limit, as sent or once unpacked."""


class NoAnswerError(OSError):
    """The other end spoke no HTTP, or not to the end. Its text is ours, and goes on from "endpoint NAME (HOST) "."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back; names of `headers` are in lower case. Neither `headers` nor `body` may ever be shown."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A file that takes an answer too large for memory, and the most bytes it takes."""

    file: BinaryIO
    most: int


def head_of(method: str, path: str, headers: Mapping[str, str], body: bytes | BinaryIO | None) -> bytes:
    """A request up to its body. Raises ValueError for what a line of it cannot carry."""
    if isinstance(body, bytes) or (body is None and method == "POST"):
        headers = {**headers, "Content-Length": str(len(body or b""))}
    if not _TARGET.fullmatch(path):
        raise ValueError("the path holds what none can carry")
    return "\r\n".join((f"{method} {path} HTTP/1.1", *starmap(_line, headers.items()), "", "")).encode("latin-1")


@lru_cache(maxsize=64)  # most are those of the call before
def _line(name: str, value: str) -> str:
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise ValueError("a header holds what none can carry")
    return f"{name}: {value}"


class Channel:
    """An open socket, and the answer that is read from it. `left` says how long the next wait may last."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._socket, self._left, self._allowed = sock, left, 0.0
        self._ended = False
        self._news = select.poll()
        self._news.register(sock, select.POLLIN)
        self._parser = HttpResponseParser(self)
        self._begin()

    def close(self) -> None:
        self._socket.close()

    def disturbed(self) -> bool:
        """Did anything come, be it the end, that nobody asked for?"""
        return bool(self._news.poll(0))

    def send(self, start: bytes, body: bytes | BinaryIO | None) -> None:
        """As few packets, and turns of the interpreter's lock, as there can be."""
        if isinstance(body, bytes):
            start, body = start + body, None
        self._send(start)
        while body is not None and (piece := body.read(_PIECE)):
            self._send(piece)

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._limit()
            rest = rest[self._socket.send(rest) :]

    def receive(self, into: Sink | None) -> Response:
        """The answer to what was sent. Raises TooLargeError, NoAnswerError, TimeoutError and OSError."""
        self._begin()
        body: _Body | None = None
        try:
            while not self._ended:
                self._feed()
                if body is None and self._status >= 200:
                    body = _Body(self._status, self._headers, into)
                if body is not None:
                    body.take(self._pieces)
        except TooLargeError:
            self.reusable = False
            if self._status < 300:
                raise
            body = None  # what an error says at such length is not looked at
        return Response(status=self._status, headers=self._headers, body=body.content() if body else b"")

    def tunnel(self, target: str, headers: Mapping[str, str]) -> None:
        """Have a proxy pass on what follows. Raises OSError where it does not."""
        self._send(head_of("CONNECT", target, {"Host": target, **headers}, None))
        while self._status < 200:
            self._feed()
        if self._status >= 300:
            raise NoAnswerError(f"is behind a proxy that answered CONNECT with HTTP {self._status}")

    def _feed(self) -> None:
        """Read what has come."""
        self._limit()
        data = self._socket.recv(_PIECE)
        if not data:
            self._hung_up()
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self.reusable = False
            if not self._ended:
                raise NoAnswerError("did not answer in HTTP") from None
        if not self._status:
            self._head_size += len(data)
            if self._head_size > _HEAD_LIMIT:
                raise NoAnswerError("sent more than 64 KiB of headers")

    def _hung_up(self) -> None:
        """Which is how an answer without a length ends."""
        self.reusable = False
        chunked = "chunked" in self._headers.get("transfer-encoding", "").lower()
        if self._status < 200 or chunked or "content-length" in self._headers:
            raise NoAnswerError("hung up before its answer was whole")
        self._ended = True

    def _limit(self) -> None:
        left = self._left()
        if abs(left - self._allowed) > min(_LATE, left / 10):
            self._socket.settimeout(left)
            self._allowed = left

    def _begin(self) -> None:
        self._status = self._head_size = 0
        self._ended = self.reusable = False
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Again after an interim answer (1xx). After the answer itself nothing may come: the parser then says so."""
        if self._ended:
            raise NoAnswerError("went on after its answer")
        self._begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Not those that trail a body."""
        if not self._status:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self.reusable = self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        self._ended = self._status >= 200


class _Body:
    """A body as it comes: bounded, and unpacked where the server packs it though it was asked not to."""

    def __init__(self, status: int, headers: Mapping[str, str], into: Sink | None) -> None:
        self._into = into if status < 300 else None
        self._most = BODY_LIMIT if status < 300 else _ERROR_LIMIT
        if self._into is not None:
            self._most = self._into.most
        packed = headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip", "deflate")
        self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None
        self._size = 0
        self._pieces: list[bytes] = []

    def take(self, pieces: list[bytes]) -> None:
        """All of them. Raises TooLargeError over the limit, NoAnswerError for what cannot be unpacked."""
        for piece in pieces:
            self._take(piece if self._unpacker is None else self._unpacked(self._unpacker, piece))
        pieces.clear()

    def _take(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._most:
            raise TooLargeError
        if self._into is None:
            self._pieces.append(piece)
        else:
            self._into.file.write(piece)

    def _unpacked(self, unpacker: zlib._Decompress, piece: bytes) -> bytes:
        """Never more than the limit and one byte, which is enough to tell."""
        try:
            return unpacker.decompress(piece, self._most - self._size + 1)
        except zlib.error:
            raise NoAnswerError("packed its answer in a way that cannot be unpacked") from None

    def content(self) -> bytes:
        return b"".join(self._pieces)
