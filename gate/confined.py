"""L2: the near end of a run of untrusted code: one call at a time goes out, one plain value comes back.

Nothing that comes back decides anything by itself: it is data, bounded in size, depth and time. A line that is out of
form, or that answers what was not asked, ends the run.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gate.domain import Json

SECONDS = 30.0
"""Wall-clock time of a run, its start left out: much more than its CPU time, for machines that are busy."""
_MOST_ANSWERED, _MOST_DEEP, _MOST_FILES, _MOST_DISK = 1 << 20, 50, 64, 8 << 20
_LOOK_EVERY = 0.05  # seconds between looks at the disk


class Broken(Exception):
    """The code ended its run: it died, took too long, wrote too much or broke the form. In words of ours."""


class NoSandbox(Exception):
    """The run could not be had, for a reason that is not the code's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """The names of the exception's class and of its bases."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call: ``module:function`` and its arguments, in the form of gate/cage.py."""

    call: str
    args: Sequence[Json] = ()
    kwargs: Mapping[str, Json] = field(default_factory=dict)


Probe = Callable[[str, Json, Json], Mapping[str, Json]]
"""(name, args, kwargs) of a call of a stand-in → ``{"value": …}`` or ``{"raise": name}``."""


def no_probes(name: str, args: Json, kwargs: Json) -> Mapping[str, Json]:
    del name, args, kwargs
    return {"value": None}


@dataclass(slots=True, kw_only=True)
class Run:
    """A process under way. `calls` raise Broken from the first time on that the code breaks anything."""

    process: subprocess.Popen[bytes]
    work: Path
    deadline: float
    _buffer: bytearray = field(default_factory=bytearray)
    _read: int = 0
    _looked: float = 0.0

    def call(self, asked: Asked, probe: Probe = no_probes) -> Returned | Raised:
        """What a call comes to. Raises Broken."""
        name = secrets.token_hex(8)
        self._send({"id": name, "call": asked.call, "args": list(asked.args), "kwargs": dict(asked.kwargs)})
        while True:
            answer = self._answer(name)
            if "probe" in answer:
                told = probe(str(answer["probe"]), answer.get("args"), answer.get("kwargs"))
                self._send(dict(told))
            elif "raised" in answer:
                return Raised(names=_names(answer["raised"]))
            elif "value" in answer:
                return Returned(value=answer["value"])
            else:
                raise Broken("answered out of form")

    def ready(self) -> int:
        """The Landlock ABI, once everything is taken away. Raises NoSandbox: no code has run yet."""
        os.set_blocking(_fd(self.process.stdin), False)  # code that does not read must not hold us up
        try:
            found = self._line()
        except Broken as reason:
            raise NoSandbox(f"the sandbox did not start ({reason})") from None
        message = _parsed(found)
        self.deadline = time.monotonic() + SECONDS
        return int(message["abi"])

    def text(self, path: str) -> str | None:
        """A file of the work folder as it is now, None where there is none; links are not followed."""
        fd = os.open(self.work, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in path.split("/"):
                inner = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=fd)
                os.close(fd)
                fd = inner
            return os.read(fd, _MOST_ANSWERED).decode(errors="replace")
        except OSError:
            return None
        finally:
            os.close(fd)

    def end(self) -> None:
        """Kill everything it started: no process can leave the group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        with suppress(ChildProcessError):  # where we are the first process, as in a container, orphans become ours
            while True:
                os.waitpid(-self.process.pid, 0)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _answer(self, name: str) -> dict[str, Any]:
        message = _parsed(self._line())
        if message.get("id") != name:
            raise Broken("answered what was not asked")
        return message

    def _send(self, message: Mapping[str, Json]) -> None:
        data, fd = json.dumps(message).encode() + b"\n", _fd(self.process.stdin)
        while data:
            self._await(fd, select.POLLOUT)
            try:
                data = data[os.write(fd, data) :]
            except OSError:
                raise Broken("ended before it had answered") from None

    def _line(self) -> bytes:
        fd = _fd(self.process.stdout)
        while b"\n" not in self._buffer:
            self._await(fd, select.POLLIN)
            chunk = os.read(fd, 1 << 16)
            self._read += len(chunk)
            if not chunk:
                raise Broken("ended before it had answered")
            if self._read > _MOST_ANSWERED:
                raise Broken("answered too much")
            self._buffer += chunk
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        return line

    def _await(self, fd: int, event: int) -> None:
        poll = select.poll()
        poll.register(fd, event)
        while True:
            now = time.monotonic()
            if now > self.deadline:
                raise Broken("did not end in time")
            if now - self._looked > _LOOK_EVERY:
                self._looked = now
                _look(self.work)
            if poll.poll(1000 * _LOOK_EVERY):
                return


def _fd(pipe: Any) -> int:
    return int(pipe.fileno())


def _names(found: Any) -> tuple[str, ...]:
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise Broken("answered out of form") from None
    if not isinstance(message, dict) or _deep(message):
        raise Broken("answered out of form")
    return message


def _deep(value: Any) -> bool:
    """Is a value nested deeper than our own JSON may be? Nobody's answer may exhaust our stack."""
    level = [value]
    for _ in range(_MOST_DEEP):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)


def _refused(name: str) -> None:
    raise ValueError(name)


def _look(work: Path) -> None:
    """Raise Broken where too much lies in the work folder. Links are neither there nor followed."""
    files = used = 0
    with suppress(OSError):
        for _, folders, names, fd in os.fwalk(work):
            files += len(folders) + len(names)
            if files > _MOST_FILES:
                raise Broken("writes too many files")
            for name in names:
                with suppress(OSError):
                    used += 512 * os.stat(name, dir_fd=fd, follow_symlinks=False).st_blocks
            if used > _MOST_DISK:
                raise Broken("writes too much to disk")
