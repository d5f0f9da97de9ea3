"""How long the image takes from start to its first log line. Build it first: `make bench-image` does both.

    python bench/image.py

Prints each run and the slowest. The time counts from starting buildah, which here stands for the engine. "Ready" is
when all is imported and the event has been read: it is one that the gate must refuse, so nothing is asked of anyone.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.image import engine

RUNS, BAR_S = 5, 1.0


def main() -> int:
    """Measure; 1 where the bar is not met."""
    engine.buildah("from", "--pull-never", "--name", "driftgate-bench", engine.tag())
    try:
        command = engine.inspect(engine.tag())["Entrypoint"]
        bare = [_lines_s(["sh", "-c", "echo started"])[0] for _ in range(RUNS)]
        times = [_lines_s(command) for _ in range(RUNS)]
    finally:
        engine.buildah("rm", "driftgate-bench")
    _say("the engine alone", bare)
    first = [lines[0] for lines in times]
    _say("to the first log line", first)
    _say("ready", [lines[-1] for lines in times])
    return int(max(first) > BAR_S)


def _say(what: str, times: Sequence[float]) -> None:
    print(f"{what}: {', '.join(f'{one:.2f}' for one in times)} s; slowest {max(times):.2f} s")


def _lines_s(command: Sequence[str]) -> list[float]:
    """Seconds to each line on standard output or error."""
    environ = {"INPUT_GITHUB-TOKEN": "a-token", "GITHUB_EVENT_NAME": "watch", "GITHUB_REPOSITORY": "o/r"}
    given = [f"--env={name}={value}" for name, value in environ.items()]
    begun = time.perf_counter()
    with subprocess.Popen(
        ["buildah", "run", *given, "driftgate-bench", "--", *command],
        env=engine.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        return [
            time.perf_counter() - begun
            for line in process.stdout or ()
            if line.startswith(("Drift", "drift", "started"))
        ]


if __name__ == "__main__":
    sys.exit(main())
