"""Write the ledger that docs/notes.md reads: `python examples/notes/make.py DIR`.

A year of a model that is changed about once a month. The endpoint is simulated and runs on this machine: no model was
asked, and every decision says so. The gate itself is the real one: policy, runs, waivers, decisions, ledger.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from gate.app import RunOptions, run
from gate.ledger_keep import Book
from gate.simulated import SimulatedEndpoint
from gate.tools import Tools

POLICY = """\
version: 1
models: [models/*.yml]
endpoints:
  simulated: {{protocol: openai-chat, base_url: "{url}", price: {{input: 0.40, output: 1.60}}}}
risk: {{alpha: 0.05, power: 0.8, design: fixed}}
families:
  triage: {{kind: custom, match: {{mode: exact}}, dataset: evals/triage.jsonl, severity: blocking, margin: 0.05}}
  remediation:
    {{kind: custom, match: {{mode: exact}}, dataset: evals/remediation.jsonl, severity: blocking, margin: 0.05}}
  resistance:
    {{kind: custom, match: {{mode: exact}}, dataset: evals/resistance.jsonl, severity: blocking, margin: 0.05}}
  summary: {{kind: custom, match: {{mode: exact}}, dataset: evals/summary.jsonl, severity: advisory, margin: {margin}}}
waivers: {{path: .github/gate-waivers.yml}}
"""
CONFIG = "endpoint: simulated\nmodel: {model}\nparameters: {{temperature: {temperature}, max_tokens: 100}}\n"
FAMILIES = ("triage", "remediation", "resistance", "summary")
NOISE = 0.02
"""The share of samples on which two models that are equally good differ by luck, in each direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A model that was tried on a day. `wrong`: the share of samples that it gets wrong, where that changes;
    `margin`: the policy's for summaries, from that day on; `waived`: the day on which somebody let it pass."""

    day: str
    model: str
    tag: str | None = None
    wrong: Mapping[str, float] = field(default_factory=dict)
    temperature: str = "0"
    margin: float = 0.05
    waived: str = ""


BECAUSE = "the customer's migration waits for this model; the fix comes with the next one"
YEAR = (
    Change(day="2025-12-03", model="assistant-2", tag="v1.1", wrong={"triage": 0.28}),
    Change(day="2026-01-12", model="assistant-3", tag="v1.2", wrong={"remediation": 0.26}),
    Change(day="2026-02-09", model="assistant-4a", wrong={"triage": 0.16, "resistance": 0.22}),
    Change(day="2026-02-16", model="assistant-4b", tag="v1.3", wrong={"triage": 0.18}),
    Change(day="2026-03-17", model="assistant-5", tag="v1.4"),
    Change(day="2026-04-20", model="assistant-6", tag="v1.5", wrong={"summary": 0.30}),
    Change(
        day="2026-05-18",
        model="assistant-7",
        tag="v1.6",
        wrong={"remediation": 0.14, "triage": 0.30},
        waived="2026-05-21",
    ),
    Change(day="2026-06-22", model="assistant-8", tag="v1.7", wrong={"triage": 0.17}, temperature="0.2"),
    Change(day="2026-08-03", model="assistant-9", margin=0.1, tag="v1.8"),
    Change(day="2026-09-14", model="assistant-10", margin=0.1, tag="v1.9", wrong={"summary": 0.20}),
    Change(day="2026-10-19", model="assistant-11a", margin=0.1, wrong={"resistance": 0.18}),
    Change(day="2026-10-26", model="assistant-11b", margin=0.1, tag="v1.10", wrong={"triage": 0.12}),
    Change(day="2026-11-23", model="assistant-12", margin=0.1, wrong={"remediation": 0.12}),
)
FIRST = {"triage": 0.36, "remediation": 0.34, "resistance": 0.06, "summary": 0.22}


def place(*parts: str) -> float:
    """The same place in [0, 1) for the same words, on every machine."""
    return int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:4]) / 2**32


def answer(skills: Mapping[str, Mapping[str, float]], model: str, asked: str) -> str:
    """Wrong on the samples below the model's share, and on a few more or less of them by luck."""
    family = asked.partition(" ")[0]
    luck = NOISE if place(model, asked) < 0.5 else -NOISE
    return "no" if place(asked) < skills[model][family] + luck * place(asked, model) else "yes"


def main(folder: Path, changes: Sequence[Change] = YEAR, size: int = 200) -> None:
    skills = {"assistant-1": FIRST}
    write(folder, {f"evals/{family}.jsonl": dataset(family, size) for family in FAMILIES})
    write(folder, {"models/in-use.yml": CONFIG.format(model="assistant-1", temperature="0")})
    released = "assistant-1"
    with SimulatedEndpoint(lambda model, messages: answer(skills, model, messages[-1]["content"])) as endpoint:
        for one in changes:
            skills[one.model] = {**skills[released], **one.wrong}
            config = decide(folder, one, POLICY.format(url=endpoint.base_url, margin=one.margin))
            if one.tag is not None:
                released = one.model
                write(folder, {"models/in-use.yml": config})


def dataset(family: str, size: int) -> str:
    lines = (
        {
            "id": f"{family}-{number}",
            "input": {"prompt": f"{family} {number}: is it right? Answer yes or no."},
            "target": "yes",
            "slices": {"rarity": "rare" if number % 8 == 0 else "common"},
        }
        for number in range(size)
    )
    return "".join(json.dumps(line) + "\n" for line in lines)


def decide(folder: Path, one: Change, policy: str) -> str:
    """The gate's own runs on that change: each decision goes into the ledger. The model config that was judged."""
    config = CONFIG.format(model=one.model, temperature=one.temperature)
    write(folder, {".github/driftgate.yml": policy, "models/assistant.yml": config})
    write(folder, {".github/gate-waivers.yml": "version: 1\n"})
    judge(folder, one, one.day, None if one.waived else one.tag)
    if one.waived:
        write(folder, {".github/gate-waivers.yml": waiver(folder, one.waived)})
        judge(folder, one, one.waived, one.tag)
    return config


def judge(folder: Path, one: Change, day: str, tag: str | None) -> None:
    now = datetime.fromisoformat(f"{day}T10:00:00+00:00")
    tools = Tools(environ={}, out=io.StringIO(), err=io.StringIO(), now=lambda: now)
    options = RunOptions(
        policy=folder / ".github/driftgate.yml",
        baseline=folder / "models/in-use.yml",
        candidate=folder / "models/assistant.yml",
        out=folder / "out",
        store=folder / f"out/{one.model}.sqlite",
        book=Book(file=folder / "ledger.jsonl", tag=tag),
    )
    run(options, tools, simulated=True)


def waiver(folder: Path, day: str) -> str:
    """A permission for all that the last report blocks, bound to what it judged."""
    report = json.loads((folder / "out/report.json").read_text(encoding="utf-8"))
    origin, until = report["provenance"], date.fromisoformat(day) + timedelta(days=14)
    (models,) = origin["config_digests"].values()
    lost = [one for one in report["comparisons"] if one["outcome"] == "regressed" and one["severity"] == "blocking"]
    bound = {"policy": origin["policy_digest"], **models}
    terms = {"loss": 0.2, "given": day, "until": f"{until}", "approver": "alice", "because": BECAUSE, **bound}
    return json.dumps({"version": 1, "waivers": [{"family": one["family"], **terms} for one in lost]})


def write(folder: Path, texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
