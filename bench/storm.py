"""A storm of 429s: how much of the allowed rate the transport uses when it would send far more than is allowed.

    python bench/storm.py [--out DIR]

The endpoint is simulated, in a process of its own: it answers what a strict token bucket allows, after a fixed time,
and refuses the rest with 429 at once. The client is the product's `HttpEndpoint`, asked from as many threads as
`max_concurrency` says, and is told the limit (`requests_per_minute`) or is not. The server counts. Judged is what it
answered from the first request to the end of the run, over rate · seconds, the client's learning included.
"""

import argparse
import asyncio
import contextlib
import json
import math
import multiprocessing
import os
import platform
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gate.domain import ChatRequest, Completion, Message  # noqa: E402
from gate.endpoint_rule import EndpointRule  # noqa: E402
from gate.endpoints.transport import HttpEndpoint  # noqa: E402
from gate.endpoints.wire import Credentials  # noqa: E402
from gate.simulated import completion  # noqa: E402

RESULTS = ROOT / "bench" / "results"
BAR = 0.9
REQUEST = ChatRequest(model="m", messages=(Message(role="user", content="What is the answer? " * 10),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`allowed` calls a second, `burst` of them at once after a rest. `says`: what a 429 tells."""

    allowed: int
    burst: int
    latency_s: float
    says: str  # "nothing", "seconds" (Retry-After, whole), "milliseconds" (retry-after-ms)
    told: bool
    threads: int = 64
    seconds: float = 40.0

    @property
    def unhindered(self) -> float:
        """Calls a second that the threads would make."""
        return self.threads / self.latency_s

    def headers(self, wait: float) -> bytes:
        if self.says == "seconds":
            return b"Retry-After: %d\r\n" % max(1, math.ceil(wait))
        return b"retry-after-ms: %d\r\n" % math.ceil(wait * 1000) if self.says == "milliseconds" else b""


FAST, SLOW = {"allowed": 100, "latency_s": 0.05}, {"allowed": 10, "latency_s": 1.0}
CASES = (
    *(Case(**FAST, burst=100, says=says, told=False) for says in ("nothing", "seconds", "milliseconds")),
    *(Case(**FAST, burst=10, says=says, told=False, seconds=120) for says in ("nothing", "seconds")),
    *(Case(**FAST, burst=burst, says="seconds", told=True) for burst in (100, 10)),
    *(Case(**SLOW, burst=10, says=says, told=False) for says in ("nothing", "seconds")),
    Case(**SLOW, burst=10, says="seconds", told=True),
)


@dataclass(slots=True, kw_only=True)
class Bucket:
    """The simulated endpoint's strict limit."""

    case: Case
    tokens: float = field(init=False)
    filled: float = 0.0
    answered: list[float] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self) -> None:
        self.tokens = float(self.case.burst)

    def admits(self, now: float) -> float:
        """0 where a call is answered, else the seconds until one would be."""
        self.tokens = min(float(self.case.burst), self.tokens + (now - self.filled) * self.case.allowed)
        self.filled = now
        if self.tokens >= 1:
            self.tokens -= 1
            self.answered.append(now)
            return 0.0
        self.refused += 1
        return (1 - self.tokens) / self.case.allowed


def serve(case: Case, pipe: Connection) -> None:
    """The server's process: sends its port, and, when anything comes back, what it counted."""
    asyncio.run(_serve(case, pipe))


async def _serve(case: Case, pipe: Connection) -> None:
    bucket, body = Bucket(case=case, filled=time.monotonic()), json.dumps(completion("m", [], "42")).encode()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
                if wait := bucket.admits(time.monotonic()):
                    writer.write(b"HTTP/1.1 429 No\r\n" + case.headers(wait) + b"Content-Length: 0\r\n\r\n")
                    continue
                await asyncio.sleep(case.latency_s)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=512)
    pipe.send(server.sockets[0].getsockname()[1])
    await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
    pipe.send((bucket.answered, bucket.refused))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`used`: answered over allowed. `lost`: calls without an answer. `tenth`: `used` in the run's worst tenth."""

    case: Case
    answered: int
    refused: int
    lost: int
    used: float
    tenth: float


def measure(case: Case) -> Measured:
    seconds = case.seconds
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(case, theirs), daemon=True)
    server.start()
    rule = EndpointRule(
        protocol="openai-chat",
        base_url=f"http://127.0.0.1:{ours.recv()}/v1",
        max_concurrency=case.threads,
        requests_per_minute=case.allowed * 60 if case.told else None,
    )
    lost = _ask(HttpEndpoint(alias="storm", rule=rule, credentials=Credentials()), case.threads, seconds)
    ours.send("count")
    answered, refused = ours.recv()
    server.terminate()
    begun = answered[0]
    within = [at - begun for at in answered if at - begun <= seconds]
    tenths = [sum(1 for at in within if at * 10 // seconds == number) for number in range(10)]
    return Measured(
        case=case,
        answered=len(within),
        refused=refused,
        lost=lost,
        used=len(within) / (case.allowed * seconds),
        tenth=min(tenths) / (case.allowed * seconds / 10),
    )


def _ask(endpoint: HttpEndpoint, threads: int, seconds: float) -> int:
    """Ask from all threads until the time is over; how many calls got no answer."""
    ends, lost = time.monotonic() + seconds, []

    def work() -> None:
        while time.monotonic() < ends:
            if not isinstance(endpoint.ask(REQUEST), Completion):
                lost.append(1)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    return len(lost)


def main() -> int:
    parser = argparse.ArgumentParser(description="How much of an allowed rate is used in a storm of 429s.")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where storm.json and storm.md go")
    arguments = parser.parse_args()
    begun, found = datetime.now(UTC), []
    for case in CASES:
        found.append(measure(case))
        print(_row(found[-1]), flush=True)
    facts = {
        "begun": f"{begun:%Y-%m-%d %H:%M} UTC",
        "cores": os.cpu_count(),
        "Linux": platform.release(),
        "Python": platform.python_version(),
    }
    write(found, facts, arguments.out)
    return 0 if all(one.used >= BAR and not one.lost for one in found) else 1


def write(found: Sequence[Measured], facts: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    record = {**facts, "bar": BAR, "cases": [{**asdict(one), "met": one.used >= BAR} for one in found]}
    (folder / "storm.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (folder / "storm.md").write_text(markdown(found, facts), encoding="utf-8")


_HEAD = (
    "| allowed | burst | would send | a 429 says | client told | seconds | answered | refused | lost "
    "| of the allowed | worst tenth | ≥ 90 % |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
)


def markdown(found: Sequence[Measured], facts: dict[str, Any]) -> str:
    lines = [
        "# The storm bench",
        "",
        "Written by `make bench-storm`; the endpoint is simulated, and bench/storm.py says how it is measured.",
        "",
        ", ".join(f"{name} {value}" for name, value in facts.items()) + ".",
        "",
        *_HEAD,
        *(_row(one) for one in found),
    ]
    return "\n".join(lines) + "\n"


def _row(one: Measured) -> str:
    case = one.case
    cells = [
        f"{case.allowed}/s",
        f"{case.burst}",
        f"{case.unhindered:,.0f}/s",
        {"nothing": "nothing", "seconds": "Retry-After, whole seconds", "milliseconds": "retry-after-ms"}[case.says],
        "yes" if case.told else "no",
        f"{case.seconds:g}",
        f"{one.answered:,}",
        f"{one.refused:,}",
        f"{one.lost}",
        f"{one.used:.1%}",
        f"{one.tenth:.0%}",
        "yes" if one.used >= BAR else "**no**",
    ]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
