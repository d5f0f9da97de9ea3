"""The bench's questions, asked and scored by promptfoo. DRIFTGATE_BENCH_PROMPTFOO is its command, as JSON."""

import json
import os
import sys
from pathlib import Path


def ask(prompts: str, base_url: str, concurrency: str, out: str) -> None:
    settings = {"apiBaseUrl": base_url, "apiKey": "none", "temperature": 0, "max_tokens": 64}
    with Path(prompts).open(encoding="utf-8") as file:
        tests = [
            {"vars": {"prompt": one["prompt"]}, "assert": [{"type": "equals", "value": one["target"]}]}
            for one in map(json.loads, file)
        ]
    config = {"prompts": ["{{prompt}}"], "providers": [{"id": "openai:chat:m", "config": settings}], "tests": tests}
    place = Path(out, "promptfooconfig.json")
    place.write_text(json.dumps(config), encoding="utf-8")
    node, entry = json.loads(os.environ["DRIFTGATE_BENCH_PROMPTFOO"])
    command = ["eval", "--no-cache", "--no-write", "--no-table", "--no-progress-bar", "--no-share"]
    os.execv(  # noqa: S606 - no shell; so that what is measured is promptfoo
        node,
        [node, entry, *command, "-j", concurrency, "-c", str(place), "-o", str(Path(out, "results.json"))],
    )


def count(out: str) -> dict[str, int]:
    results = json.loads(Path(out, "results.json").read_text(encoding="utf-8"))["results"]["results"]
    return {"scored": len(results), "right": sum(one["success"] for one in results)}


if __name__ == "__main__":
    Path(sys.argv[-1]).mkdir(parents=True, exist_ok=True)
    if sys.argv[1] == "ask":
        ask(*sys.argv[2:6])
    else:
        print(json.dumps(count(sys.argv[2])))
