"""What it costs to run code apart: seconds a run, one after the other and several at once.

    python bench/sandbox.py [RUNS]

A run here is the whole of it: a process, its isolation, one call of a function that does nothing, the end and the
clearing away. As root, on Linux.
"""

import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gate.confined import Asked, Returned
from gate.sandbox import Sandbox, isolation

BAR = 0.5


def one(sandbox: Sandbox) -> float:
    begun = time.perf_counter()
    with sandbox.run({"app.py": "def f(x):\n    return x\n"}, {}) as run:
        if run.call(Asked(call="app:f", args=[1])) != Returned(value=1):
            raise SystemExit("the call did not come back")
    return time.perf_counter() - begun


def main(runs: int) -> None:
    sandbox = isolation()
    if isinstance(sandbox, str):
        raise SystemExit(f"no sandbox here: {sandbox}")
    alone = [one(sandbox) for _ in range(runs)]
    begun = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: one(sandbox), range(runs)))
    together = (time.perf_counter() - begun) / runs
    print(f"one at a time: median {statistics.median(alone):.3f} s, slowest {max(alone):.3f} s of {runs}")
    print(f"8 threads: {together:.3f} s a run")
    print(f"at most {BAR} s: {'met' if max(*alone, together) <= BAR else 'MISSED'}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
