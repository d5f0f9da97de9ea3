"""L3: one kept connection to an endpoint, at judged addresses only: one attempt after the other, in bounded time."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from gate.endpoints.channel import Channel, Response, Sink, head_of
from gate.endpoints.trust import RefusedError, Trust


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


@dataclass(slots=True, kw_only=True)
class Connection:
    """For one thread. It stays open between calls."""

    trust: Trust
    timer: Timer
    _open: Channel | None = field(default=None, init=False, repr=False)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

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
        TimeoutError, OSError
            Nothing usable came back in time.
        ValueError
            A header holds what no header can carry.
        """
        head = head_of(method, path, {"Host": _host(self.trust), "Accept-Encoding": "identity", **headers}, body)
        self.timer.start()
        kept = False
        try:
            channel = self._channel()
            channel.send(head, body)
            found = channel.receive(into)
            kept = channel.reusable
        except ssl.SSLCertVerificationError as error:
            why = error.verify_message.rstrip(".")
            raise RefusedError(f"has a certificate that is not trusted ({why}): see ca_file") from None
        finally:
            if not kept:
                self.close()
        return found

    def _channel(self) -> Channel:
        """Connected, and not to an end that has gone away since."""
        if self._open is not None and self._open.disturbed():
            self.close()
        if self._open is None:
            self._open = _connected(self.trust, self.timer)
        return self._open


def _host(trust: Trust) -> str:
    """For the header. A full name's final dot is in no certificate, and few servers expect it."""
    host, usual = _bracketed(trust.host.rstrip(".")), 80 if trust.tls is None else 443
    return host if trust.port == usual else f"{host}:{trust.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _connected(trust: Trust, timer: Timer) -> Channel:
    """A way to a judged address, through the proxy where there is one. All of it has what `connect` gives."""
    ends = timer.clock() + timer.connect

    def left() -> float:
        return timer.left(max(ends - timer.clock(), 0.001))

    sock = _socket(trust, left)
    try:
        if trust.proxy is not None:
            Channel(sock, left).tunnel(f"{_bracketed(trust.host)}:{trust.port}", trust.proxy.headers)
        if trust.tls is not None:
            sock.settimeout(left())
            sock = trust.tls.wrap_socket(sock, server_hostname=trust.host.rstrip("."))
        return Channel(sock, lambda: timer.left(timer.silence))
    except BaseException:
        sock.close()
        raise


def _socket(trust: Trust, left: Callable[[], float]) -> socket.socket:
    """To the first of the judged addresses that can be connected to."""
    failed: OSError = OSError("no address")
    for family, address in trust.addresses():
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(left())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
        except OSError as error:
            sock.close()
            failed = error
        else:
            return sock
    raise failed
