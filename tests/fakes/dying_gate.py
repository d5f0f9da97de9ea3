"""The gate as a process that is killed at a moment that can be named, however fast the machine is.

    python dying_gate.py statement=12 LOG run …       SIGKILL when the store begins its 12th statement
    python dying_gate.py statement=COMMIT LOG run …   … or one that begins with this
    python dying_gate.py bytes=50000 LOG run …        dies inside a write, when a file would grow beyond 50,000 bytes

LOG gets a line for each statement that the store begins; as it runs one at a time, all but the last have ended.
"""

import itertools
import os
import resource
import signal
import sqlite3
import sys

from gate.cli import main


def die_at(wanted: str, log: str) -> None:
    connect, begun = sqlite3.connect, itertools.count(1)
    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def note(statement: str) -> None:
        os.write(file, f"{' '.join(statement.split()[:5])}\n".encode())  # no values
        if wanted == str(next(begun)) or statement.startswith(wanted):
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(*arguments: object, **options: object) -> sqlite3.Connection:
        db = connect(*arguments, **options)
        db.set_trace_callback(note)
        return db

    sqlite3.connect = traced


def die_over(size: int) -> None:
    """Linux writes up to the limit, then sends SIGXFSZ, which ends the process as it stands. Python ignores it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


if __name__ == "__main__":
    (what, _, moment), log = sys.argv[1].partition("="), sys.argv[2]
    if what == "bytes":
        die_over(int(moment))
    else:
        die_at(moment, log)
    sys.exit(main(sys.argv[3:]))
