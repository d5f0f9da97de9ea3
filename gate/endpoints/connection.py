"""L3: one kept connection to an endpoint: a POST goes out, an answer of bounded size comes back in bounded time.

Time is held at the socket: before each read it is given what is left, so neither silence nor a slow drip (of the body,
the headers or the handshake) lasts longer than the attempt may.
"""

from __future__ import annotations

import socket
import ssl
import weakref
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

from gate.endpoints.trust import RefusedError, Trust

BODY_LIMIT = 8 * 1024 * 1024
_ERROR_LIMIT = 64 * 1024
_PIECE = 64 * 1024


class TooLargeError(Exception):
    """An answer beyond the limit, as sent or once unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back. Neither `headers` nor `body` may ever be shown."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A file that takes an answer too large for memory, and the most bytes it takes."""

    file: BinaryIO
    most: int


@dataclass(slots=True, kw_only=True)
class Timer:
    """The time an attempt has. In seconds; `clock` does not jump."""

    clock: Callable[[], float]
    connect: float
    silence: float
    total: float
    _ends: float = 0.0

    def start(self) -> None:
        self._ends = self.clock() + self.total

    def left(self, most: float) -> float:
        """How long to wait for the next thing, `most` at most. Raises TimeoutError when the time is up."""
        left = self._ends - self.clock()
        if left <= 0:
            raise TimeoutError
        return min(left, most)


class _Timed(socket.socket):
    """A socket whose reads end with the attempt's time."""

    timer: Timer | None = None

    def recv_into(self, *args: Any) -> int:
        if self.timer is not None:
            self.settimeout(self.timer.left(self.timer.silence))
        return super().recv_into(*args)


class _TimedTls(ssl.SSLSocket):
    """The same under TLS."""

    timer: Timer | None = None

    def recv_into(self, *args: Any) -> int:
        if self.timer is not None:
            self.settimeout(self.timer.left(self.timer.silence))
        return super().recv_into(*args)


class _Trusted(HTTPConnection):
    """Connects to judged addresses only, through the proxy where there is one."""

    trust: Trust
    timer: Timer

    def _new_conn(self) -> socket.socket:
        """What urllib3 calls for a socket. TLS and CONNECT, which follow, have what is left of `connect`."""
        timer, ends = self.timer, self.timer.clock() + self.timer.connect
        failed: OSError = OSError("no address")
        for family, address in self.trust.addresses():
            sock = _Timed(family, socket.SOCK_STREAM)
            sock.timer = timer
            try:
                sock.settimeout(timer.left(max(ends - timer.clock(), 0.001)))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(address)
                sock.settimeout(timer.left(max(ends - timer.clock(), 0.001)))
            except OSError as error:
                sock.close()
                failed = error
            else:
                return sock
        raise failed

    def ready(self) -> None:
        """Connected, and not to an end that has gone away since."""
        if self.sock is not None and not self.is_connected:
            self.close()
        if self.sock is None:
            if self.trust.proxy is not None:
                self.set_tunnel(self.trust.host, self.trust.port, headers=dict(self.trust.proxy.headers))
            self.connect()
            cast("_TimedTls", self.sock).timer = self.timer
        self.timeout = self.timer.left(self.timer.silence)


class _TrustedTls(_Trusted, HTTPSConnection):
    pass


@dataclass(slots=True, weakref_slot=True, kw_only=True)
class Connection:
    """For one thread. It stays open between calls."""

    trust: Trust
    timer: Timer
    _inner: _Trusted = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._inner = _connection(self.trust)
        self._inner.trust, self._inner.timer = self.trust, self.timer
        weakref.finalize(self, self._inner.close).atexit = False

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Send, and read the answer of at most 8 MiB. Raises as `send` does."""
        return self.send("POST", path, headers, body)

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | BinaryIO | None = None,
        *,
        into: Sink | None = None,
    ) -> Response:
        """Send a body, or a file (whose `Content-Length` is then among `headers`), and read the answer.

        `into` takes the body of a 2xx answer, unpacked, instead of the `Response`.

        Raises
        ------
        RefusedError
            The policy does not permit the address, or the certificate is not trusted.
        TooLargeError
            Over 8 MiB (or the sink's limit), packed or unpacked.
        TimeoutError, OSError, http.client.HTTPException, urllib3.exceptions.HTTPError
            Nothing usable came back in time.
        ValueError
            A header holds what no header can carry.
        """
        finished = False
        self.timer.start()
        try:
            self._inner.ready()
            self._inner.request(method, path, body=body, headers=headers, preload_content=False, decode_content=False)
            response = self._inner.getresponse()
            content = _poured(response, into) if into and 200 <= response.status < 300 else _content(response)
            finished = content is not None
        except ssl.SSLCertVerificationError as error:
            why = error.verify_message.rstrip(".")
            raise RefusedError(f"has a certificate that is not trusted ({why}): see ca_file") from None
        finally:
            if not finished:
                self._inner.close()
        if content is None and response.status < 300:
            raise TooLargeError
        return Response(status=response.status, headers=response.headers, body=content or b"")


def _connection(trust: Trust) -> _Trusted:
    host, port = (trust.host, trust.port) if trust.proxy is None else (trust.proxy.host, trust.proxy.port)
    if trust.tls is None:
        return _Trusted(host, port)
    trust.tls.sslsocket_class = _TimedTls
    return _TrustedTls(host, port, ssl_context=trust.tls)


def _content(response: HTTPResponse) -> bytes | None:
    """The body, in bounded pieces; None for one over the limit, as sent or unpacked.

    It is asked for unpacked; a server that packs it all the same is understood.
    """
    content, limit = bytearray(), BODY_LIMIT if response.status < 300 else _ERROR_LIMIT
    while piece := response.read(_PIECE):
        content += piece
        if len(content) > limit:
            return None
    packed = response.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip", "deflate")
    return _unpacked(bytes(content), limit) if packed else bytes(content)


def _unpacked(content: bytes, limit: int) -> bytes | None:
    try:
        unpacked = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(content, limit + 1)
    except zlib.error:
        return b""
    return unpacked if len(unpacked) <= limit else None


def _poured(response: HTTPResponse, into: Sink) -> bytes | None:
    """The body, piece by piece into the sink; None for one over its limit."""
    size = 0
    while piece := response.read(_PIECE, decode_content=True):
        size += len(piece)
        if size > into.most:
            return None
        into.file.write(piece)
    return b""
