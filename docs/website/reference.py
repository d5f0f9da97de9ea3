"""The pages of docs/reference/, made from the code: `python -m docs.website.reference` writes them.

They are kept in git, so that GitHub shows them and a pull request shows what it changes; a test holds them to the code.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from docs.website.markdown import HEAD, code, table
from docs.website.reference_cli import cli_page
from docs.website.reference_schema import report_page, schema_page
from gate.model_config import ModelConfig
from gate.policy import Policy
from gate.waivers import WaiverFile

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/reference"
MODELS = tuple(f"examples/models/{name}.yml" for name in ("chat", "reasoning", "thinking"))


def action_page() -> str:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    inputs = table(["input", "means"], ([code(name), _means(one)] for name, one in action["inputs"].items()))
    outputs = table(["output", "is"], ([code(name), one["description"]] for name, one in action["outputs"].items()))
    start = "A workflow to start from: [README](../../README.md#in-a-workflow)."
    return f"{HEAD}# Action\n\n{action['description']} {start}\n\n## Inputs\n\n{inputs}## Outputs\n\n{outputs}"


def _means(entry: dict[str, Any]) -> str:
    return f"{entry['description']} Default: {code(entry['default'])}." if "default" in entry else entry["description"]


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "action.md": action_page,
    "policy.md": lambda: schema_page("Policy", Policy, ["examples/policy.yml"]),
    "model-config.md": lambda: schema_page("Model config", ModelConfig, MODELS),
    "waiver-file.md": lambda: schema_page("Waiver file", WaiverFile, ["examples/waivers.yml"]),
    "report.md": report_page,
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page().rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
