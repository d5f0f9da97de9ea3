"""One command as a whole process: wall time, CPU and peak memory of it and its children, as the kernel counts them."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """`begun` is of the clock of the machine. `exit_code` is negative for a signal (−9: the time was up)."""

    begun: float
    wall_s: float
    cpu_s: float
    """User and system time, waited-for children included."""
    peak_mb: float
    """The largest resident set of the process or of one of its children; MiB."""
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a command runs: its folder, its environment, and the file that takes what it prints."""

    cwd: Path
    environ: Mapping[str, str]
    log: Path


def run(command: Sequence[str], place: Place, *, limit_s: float) -> Ran:
    """Run to the end, or to the limit; the whole process group is gone afterwards, also on Ctrl-C.

    The kernel counts the peak memory of the starting process as the child's, so the caller must itself stay small.
    """
    begun, clock = time.time(), time.perf_counter()
    with place.log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=place.cwd,
            env=dict(place.environ),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    watchdog = threading.Timer(limit_s, _end_group, (process.pid,))
    watchdog.daemon = True
    watchdog.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - clock
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        watchdog.cancel()
        _end_group(process.pid)
    return Ran(
        begun=begun,
        wall_s=wall,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / 1024,
        exit_code=process.returncode,
    )


def _end_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
