"""What the store costs an answer, in CPU microseconds: `python bench/store.py` prints the table of docs/store.md.

Each row is the best of five rounds over 5,000 different questions, one thread, a fresh file in a temporary folder.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from gate.domain import ChatRequest, Completion, Message, Usage
from gate.store import Label, Store, content_key

QUESTIONS, ROUNDS, NOW = 5_000, 5, 1_800_000_000.0
URL = "https://api.example.com/v1"
LABEL = Label(endpoint="here", protocol="openai-chat", host=URL, model="m")
ANSWER = Completion(
    text="an answer of some words " * 8,
    served_model="m-1",
    fingerprint="fp",
    usage=Usage(input_tokens=150, output_tokens=50),
    seconds=0.2,
)
REQUESTS = [
    ChatRequest(
        model="m",
        messages=(Message(role="user", content=f"Question {number}. {'word ' * 110}"),),
        parameters={"temperature": 0, "max_tokens": 64},
    )
    for number in range(QUESTIONS)
]


def best(work: Callable[[int], object]) -> float:
    """CPU microseconds for one question."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for number in range(QUESTIONS):
            work(number)
        rounds.append((time.process_time() - begun) / QUESTIONS * 1e6)
    return min(rounds)


def key(number: int) -> str:
    return content_key(protocol="openai-chat", base_url=URL, request=REQUESTS[number], repeat=0)


def puts(folder: Path, synchronous: str) -> float:
    """`put`, each round into a run of its own, with SQLite's `synchronous` as given."""
    store = Store.open(folder / f"{synchronous}.sqlite", now=lambda: NOW, say=print)
    store._db.execute(f"PRAGMA synchronous = {synchronous}")  # noqa: SLF001 - a setting that nobody else may change
    calls = iter(range(QUESTIONS * ROUNDS))
    cost = best(
        lambda number: store.put(KEYS[number], f"r{next(calls) // QUESTIONS}", ANSWER, asked_at=NOW, label=LABEL)
    )
    store.close()
    return cost


def finds(folder: Path, find: Callable[[Store, str], object]) -> float:
    store = Store.open(folder / "found.sqlite", now=lambda: NOW, say=print)
    for one in KEYS:
        store.put(one, "kept", ANSWER, asked_at=NOW, label=LABEL)
    cost = best(lambda number: find(store, KEYS[number]))
    store.close()
    return cost


KEYS = [key(number) for number in range(QUESTIONS)]

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        there = Path(name)
        rows = {
            "the content key of a question": best(key),
            "`put`, as it is": puts(there, "NORMAL"),
            "`put` with `synchronous = FULL`": puts(there, "FULL"),
            "`find`, the run's own answer": finds(there, lambda store, key: store.find(key, "kept")),
            "`find`, nothing there": finds(there, lambda store, key: store.find(key, "new")),
            "`runs_of`, where one run asked": finds(there, lambda store, key: store.runs_of(key)),
        }
    print("| | µs |\n|---|---|")
    for what, microseconds in rows.items():
        print(f"| {what} | {microseconds:.0f} |")
