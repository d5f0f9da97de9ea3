"""The work of the endpoint bench: prompts of about 600 characters, all different, each with the one right answer."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fixed_answer import ANSWER

FAMILY_SIZE = 25_000  # a dataset file may hold 32 MiB
_WORDS = ("server", "request", "header", "buffer", "parser", "token", "session", "cookie", "query", "index", "socket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """`calls` are both arms together: half as many samples."""

    calls: int
    delay_ms: int
    concurrency: int

    @property
    def ideal_s(self) -> float:
        return self.calls * self.delay_ms / 1000 / self.concurrency

    @property
    def name(self) -> str:
        return f"{self.calls:,} calls, {self.delay_ms} ms, {self.concurrency} at once"


WORKLOADS = {
    "small": Workload(calls=2_000, delay_ms=200, concurrency=64),
    "middle": Workload(calls=4_000, delay_ms=200, concurrency=64),
    "wide": Workload(calls=16_000, delay_ms=200, concurrency=256),
    "cached": Workload(calls=10_000, delay_ms=20, concurrency=64),
    "large": Workload(calls=100_000, delay_ms=20, concurrency=256),
}


def prompts(count: int) -> Iterator[str]:
    """Seeded; the number at the front makes each one different."""
    random_ = random.Random(20261124)
    for number in range(count):
        words = " ".join(random_.choices(_WORDS, k=110))
        yield f"Question {number}. {words}"[:580] + " What is the answer?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """A repository with a policy, two model configs and datasets."""

    root: Path
    policy: Path
    baseline: Path
    candidate: Path


def write(root: Path, work: Workload, *, base_url: str) -> Files:
    """The folder that `driftgate run` is pointed at."""
    root.mkdir(parents=True)
    (root / ".github").mkdir()
    families = _write_datasets(root, work.calls // 2)
    files = Files(
        root=root,
        policy=root / ".github" / "driftgate.yml",
        baseline=root / "baseline.yml",
        candidate=root / "candidate.yml",
    )
    files.policy.write_text(_policy(work, base_url, families), encoding="utf-8")
    for config, model in ((files.baseline, "model-in-use"), (files.candidate, "model-to-release")):
        text = f"endpoint: fixed\nmodel: {model}\nparameters: {{temperature: 0, max_tokens: 64}}\n"
        config.write_text(text, encoding="utf-8")
    return files


def _write_datasets(root: Path, samples: int) -> list[str]:
    """Names of the files, each of at most FAMILY_SIZE samples."""
    all_of_them = enumerate(prompts(samples))
    names = []
    for first in range(0, samples, FAMILY_SIZE):
        names.append(f"part{first // FAMILY_SIZE + 1}.jsonl")
        with (root / names[-1]).open("w", encoding="utf-8") as file:
            for number, prompt in all_of_them:
                file.write(json.dumps({"id": f"s{number}", "input": {"prompt": prompt}, "target": ANSWER}) + "\n")
                if number == first + FAMILY_SIZE - 1:
                    break
    return names


def _policy(work: Workload, base_url: str, datasets: list[str]) -> str:
    policy = {
        "version": 1,
        "models": ["*.yml"],
        "risk": {"design": "fixed"},  # every call is made: it is the calls that are measured
        "endpoints": {"fixed": {"protocol": "openai-chat", "base_url": base_url, "max_concurrency": work.concurrency}},
        "families": {
            Path(name).stem: {
                "kind": "custom",
                "match": {"mode": "exact"},
                "dataset": name,
                "severity": "blocking",
                "margin": 0.05,
            }
            for name in datasets
        },
    }
    return json.dumps(policy, indent=1)  # JSON is YAML


def write_for_peers(file: Path, calls: int) -> None:
    """The same prompts once for each arm, as one list: a peer asks one model."""
    with file.open("w", encoding="utf-8") as sink:
        for number, prompt in enumerate([*prompts(calls // 2), *prompts(calls // 2)]):
            sink.write(json.dumps({"id": number, "prompt": prompt, "target": ANSWER}) + "\n")
