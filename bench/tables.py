"""What the benches' results have in common: the facts of the machine, the version measured, a Markdown table."""

import os
import platform
import statistics
import subprocess
import timeit
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, one line a row, with a newline at its end. Raises ValueError where a row does not fit."""
    if any(len(row) != len(head) for row in rows):
        raise ValueError("a row has more or fewer cells than the head")
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.strip() for cell in line) + " |\n" for line in lines)


def machine() -> dict[str, Any]:
    """What decides the figures. The load is that of the minute before. A shared machine's speed changes from hour to
    hour, so it says too how long a turn of an empty loop takes in Python."""
    with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return {
        "CPU": model,
        "cores": os.cpu_count(),
        "memory MiB": memory,
        "Linux": platform.release(),
        "Python": platform.python_version(),
        "load before": round(os.getloadavg()[0], 2),
        "ns a turn": _nanoseconds_a_turn(),
    }


def _nanoseconds_a_turn() -> float:
    """Median of nine measurements."""
    return round(statistics.median(timeit.repeat("pass", number=2_000_000, repeat=9)) / 2_000_000 * 1e9, 1)


def commit(root: Path) -> str:
    """Driftgate by commit, with `-dirty` where a file was changed since."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "?"
