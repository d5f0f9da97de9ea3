"""The bench's questions, asked and scored by inspect_ai. Run by an interpreter that has it."""

import json
import sys
from pathlib import Path

from inspect_ai import Task, eval as evaluate
from inspect_ai.dataset import FieldSpec, json_dataset
from inspect_ai.log import list_eval_logs, read_eval_log
from inspect_ai.scorer import exact
from inspect_ai.solver import generate


def ask(prompts: str, base_url: str, concurrency: str, out: str) -> None:
    dataset = json_dataset(prompts, FieldSpec(input="prompt", target="target", id="id"))
    logs = evaluate(
        Task(dataset=dataset, solver=generate(), scorer=exact(), name="bench"),
        model="openai/m",
        model_base_url=base_url,
        model_args={"responses_api": False},
        max_connections=int(concurrency),
        max_samples=int(concurrency),
        temperature=0,
        max_tokens=64,
        display="none",
        log_dir=out,
    )
    if any(log.status != "success" for log in logs):
        raise SystemExit("the evaluation did not succeed")


def count(out: str) -> dict[str, int]:
    samples = read_eval_log(list_eval_logs(out)[0]).samples or []
    right = sum(one.scores["exact"].value == "C" for one in samples if one.scores)
    return {"scored": sum(bool(one.scores) for one in samples), "right": right}


if __name__ == "__main__":
    Path(sys.argv[-1]).mkdir(parents=True, exist_ok=True)
    if sys.argv[1] == "ask":
        ask(*sys.argv[2:6])
    else:
        print(json.dumps(count(sys.argv[2])))
