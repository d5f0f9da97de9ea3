"""L3: runs code that nobody trusts, and asks it for plain values. It never decides anything by what the code claims.

A run is one process of one uid that is its own, with an empty environment, no network, no other file than Python's
libraries, the code and one folder to write to, and limits on CPU, memory, processes, file sizes, disk and time
(gate/cage.py takes all this away before the code is loaded). This end sends one call at a time and gets one value back;
what is expected of it never leaves this process. When a run ends, its whole process group is killed.

`isolation()` tries all this out once. Where it cannot be had there is no sandbox, and nothing is run.
See docs/design/sandbox.md.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gate.confined import Asked, Broken, NoSandbox, Raised, Returned, Run
from gate.readable import Interpreter, interpreter

LIMITS: Mapping[str, int] = {
    "AS": 256 << 20,  # bytes of address space, a process
    "CPU": 3,  # seconds, a process
    "NPROC": 8,  # processes and threads of the run's uid
    "FSIZE": 1 << 20,  # bytes, a file
    "NOFILE": 32,
    "CORE": 0,
    "MEMLOCK": 0,
    "MSGQUEUE": 0,
}
_START_SECONDS = 30.0  # on a machine that is very busy; nothing untrusted runs in it
_CAGE = Path(__file__).with_name("cage.py")


class Uids:
    """Numbers for runs: none twice at a time, none that is a user's. Processes are counted by uid, over containers."""

    def __init__(self, mapped: int) -> None:
        self._span = (1_000_000_000, 2_000_000_000) if mapped > 2_000_000_000 else (61_000, 65_000)
        self._taken: set[int] = set()
        self._lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[int]:
        with self._lock:
            uid = self._span[0] + secrets.randbelow(self._span[1] - self._span[0])
            while uid in self._taken:
                uid += 1
            self._taken.add(uid)
        try:
            yield uid
        finally:
            with self._lock:
                self._taken.discard(uid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Runs several at once, as many as there are processors; the others wait."""

    interpreter: Interpreter
    uids: Uids
    gate: threading.BoundedSemaphore

    @contextmanager
    def run(self, code: Mapping[str, str], fixtures: Mapping[str, str]) -> Iterator[Run]:
        """A process that can import `code` and starts in a folder that holds `fixtures`. Raises NoSandbox."""
        with self.gate, self.uids.one() as uid, _folder() as base:
            try:
                _write(base / "code", code, owner=0)
                _write(base / "work", fixtures, owner=uid)
                run = self._start(base, uid)
            except OSError as error:
                raise NoSandbox(f"the sandbox did not start ({os.strerror(error.errno or 0)})") from None
            try:
                run.ready()
                yield run
            finally:
                run.end()

    def _start(self, base: Path, uid: int) -> Run:
        plan = {
            "limits": dict(LIMITS),
            "readable": [*self.interpreter.readable, str(base / "code")],
            "work": str(base / "work"),
            "code": str(base / "code"),
        }
        process = subprocess.Popen(  # noqa: S603 - the interpreter that was found, and our own text
            [self.interpreter.path, "-I", "-S", "-B", "-X", "utf8", "-c", _cage_text(), json.dumps(plan)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=base / "work",
            env={},
            user=uid,
            group=uid,
            extra_groups=[],
            umask=0o077,
            start_new_session=True,
        )
        return Run(process=process, work=base / "work", deadline=time.monotonic() + _START_SECONDS)


@cache
def _cage_text() -> str:
    return _CAGE.read_text(encoding="utf-8")


def _write(folder: Path, files: Mapping[str, str], *, owner: int) -> None:
    folder.mkdir(mode=0o755)
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        target.write_text(text, encoding="utf-8")
    for path_ in (folder, *folder.rglob("*")):
        path_.chmod(0o755 if path_.is_dir() else 0o644)
        os.chown(path_, owner, owner)


@contextmanager
def _folder() -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(prefix="driftgate-"))
    try:
        base.chmod(0o755)
        yield base
    finally:
        _clear(base)


def _clear(base: Path) -> None:
    """Remove a folder however deep code has made it: what lies within is moved up first. Nothing of it runs now."""
    numbers = 0
    while inner := [one for one in os.scandir(base) if one.is_dir(follow_symlinks=False)]:
        for folder in inner:
            for one in list(os.scandir(folder.path)):
                if one.is_dir(follow_symlinks=False):
                    numbers += 1
                    Path(one.path).rename(base / f".{numbers}")
                else:
                    Path(one.path).unlink()
            Path(folder.path).rmdir()
    shutil.rmtree(base, ignore_errors=True)


@cache
def isolation() -> Sandbox | str:
    """The sandbox of this machine, tried out; or why there is none."""
    if os.name != "posix" or os.uname().sysname != "Linux":
        return "needs Linux"
    if os.geteuid() != 0:
        return "needs root, as the action's container has it, to give each run a uid of its own"
    found = interpreter()
    if isinstance(found, str):
        return found
    sandbox = Sandbox(interpreter=found, uids=Uids(_mapped()), gate=threading.BoundedSemaphore(os.cpu_count() or 1))
    reason = _tried(sandbox)
    return reason or sandbox


def _mapped() -> int:
    """How many uids there are in this user namespace."""
    try:
        rows = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return max((int(row.split()[0]) + int(row.split()[2]) for row in rows), default=0)


_TRIAL = """
import os
def read(path):
    return len(open(path).read())
def write(path):
    return open(path, "w").write("x")
def connect():
    import _socket
    return _socket.socket()
"""


def _tried(sandbox: Sandbox) -> str:
    """Why the sandbox is none: a file outside is read or written, or a socket made; or it cannot start."""
    outside = str(Path(tempfile.gettempdir()) / f"driftgate-{secrets.token_hex(8)}")
    try:
        with sandbox.run({"trial.py": _TRIAL}, {"own": "x"}) as run:
            own = run.call(Asked(call="trial:read", args=["own"])), run.call(Asked(call="trial:write", args=["new"]))
            if own != (Returned(value=1), Returned(value=1)):
                return "its own folder cannot be used"
            for call, path in (("read", "/etc/passwd"), ("read", "/proc/self/environ"), ("write", outside)):
                if run.call(Asked(call=f"trial:{call}", args=[path])) != _DENIED:
                    return "files outside are not closed off"
            run.call(Asked(call="trial:connect"))
    except NoSandbox as error:
        return str(error)
    except Broken as ended:
        return "" if str(ended) == "ended before it had answered" else str(ended)
    return "sockets are not closed off"


_DENIED = Raised(names=("PermissionError", "OSError", "Exception", "BaseException", "object"))
