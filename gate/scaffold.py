"""L7: JSON Schemas, for editors and for other programs."""

from __future__ import annotations

import json

SCHEMA_NAMES = ("policy", "model-config", "report")


def schema_text(name: str) -> str:
    """The JSON Schema called `name`, as indented JSON."""
    return json.dumps(_schema(name), indent=2) + "\n"


def _schema(name: str) -> dict[str, object]:
    if name == "report":
        from gate.report import json_schema

        return json_schema()
    from gate.model_config import ModelConfig
    from gate.policy import Policy

    return (Policy if name == "policy" else ModelConfig).model_json_schema()
