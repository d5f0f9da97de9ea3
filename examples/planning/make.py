"""Write the repository that docs/planning.md plans for: `python examples/planning/make.py DIR`.

The recorded runs are simulated: no model was asked. A sample's chance of a pass is its own, drawn once; each of the
three runs draws its answers from it.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

POLICY = """\
version: 1
models: [models/*.yml]
endpoints:
  openai: {protocol: openai-chat, base_url: "https://api.openai.com/v1", api_key_env: OPENAI_API_KEY,
           price: {input: 0.40, output: 1.60}}
risk: {alpha: 0.05, power: 0.8}
budget: {calls: 2000}
families:
  triage:
    {kind: custom, match: {mode: exact}, dataset: evals/triage.jsonl, severity: blocking, margin: 0.05,
     slices: {rarity: {severity: blocking, margin: 0.25}}}
  extraction:
    {kind: custom, match: {mode: exact}, dataset: evals/extraction.jsonl, severity: blocking, margin: 0.05}
"""
CONFIG = "endpoint: openai\nmodel: {model}\nparameters: {{temperature: 0.2, max_tokens: 100}}\n"
SIZES = {"triage": 400, "extraction": 120}
MEAN, STRENGTH = 0.8, 1 / 3  # two runs disagree on one sample in twelve: 2 * 0.8 * 0.2 * s / (s + 1)
RUNS = 3


def main(folder: Path) -> None:
    luck = random.Random(1)
    texts = {".github/driftgate.yml": POLICY}
    for model in ("current", "new"):
        texts[f"models/{model}.yml"] = CONFIG.format(model=f"gpt-example-{model}")
    runs: list[list[str]] = [[] for _ in range(RUNS)]
    for family, size in SIZES.items():
        lines = []
        for number in range(size):
            labels = {"rarity": "rare" if number % 10 == 0 else "common"}
            name, chance = f"{family}-{number}", luck.betavariate(MEAN * STRENGTH, (1 - MEAN) * STRENGTH)
            prompt = f"Report {number}: is it a finding? Answer yes or no." + " Details follow." * 20
            lines.append({"id": name, "input": {"prompt": prompt}, "target": "yes", "slices": labels})
            for run in runs:
                score = int(luck.random() < chance)
                run.append(json.dumps({"family": family, "sample_id": name, "score": score, "slices": labels}))
        texts[f"evals/{family}.jsonl"] = "".join(json.dumps(line) + "\n" for line in lines)
    for number, run in enumerate(runs, start=1):
        texts[f"run-{number}.jsonl"] = "\n".join(run) + "\n"
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
