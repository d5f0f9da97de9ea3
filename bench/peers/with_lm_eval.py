"""The bench's questions, asked and scored by lm-evaluation-harness. Run by an interpreter that has it."""

import json
import sys
from pathlib import Path

from lm_eval.__main__ import cli_evaluate

_TASK = """\
task: bench
dataset_path: json
dataset_kwargs: {{data_files: {{test: {prompts}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{target}}}}"
generation_kwargs: {{until: [], max_gen_toks: 64, temperature: 0, do_sample: false}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""


def ask(prompts: str, base_url: str, concurrency: str, out: str) -> None:
    Path(out, "bench.yaml").write_text(_TASK.format(prompts=json.dumps(prompts)), encoding="utf-8")
    model = f"model=m,base_url={base_url}/chat/completions,num_concurrent={concurrency},max_retries=3"
    command = "run --model local-chat-completions --tasks bench --batch_size 1 --apply_chat_template --log_samples"
    sys.argv = ["lm_eval", *command.split(), "--model_args", model, "--include_path", out, "--output_path", out]
    cli_evaluate()


def count(out: str) -> dict[str, int]:
    lines = [
        json.loads(line) for file in Path(out).rglob("samples_*.jsonl") for line in file.read_text("utf-8").splitlines()
    ]
    return {"scored": len(lines), "right": sum(line["exact_match"] == 1.0 for line in lines)}


if __name__ == "__main__":
    Path(sys.argv[-1]).mkdir(parents=True, exist_ok=True)
    if sys.argv[1] == "ask":
        ask(*sys.argv[2:6])
    else:
        print(json.dumps(count(sys.argv[2])))
