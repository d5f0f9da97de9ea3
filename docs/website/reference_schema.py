"""The pages of policy, model config, waivers and report: JSON Schemas, with an example from examples/ for each key."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docs.website.markdown import HEAD, anchor, code, either, table
from gate import report
from gate.positions import read_yaml
from gate.schema import Strict, json_schema

ROOT = Path(__file__).parents[2]
Schema = Mapping[str, Any]
_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "null",
}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def schema_page(title: str, model: type[Strict], examples: Sequence[str]) -> str:
    """A page with a part for the file and one for each mapping in it."""
    schema = json_schema(model)
    trees = [read_yaml((ROOT / path).read_text(encoding="utf-8"), file=path).tree for path in examples]
    parts = [_part(path, node, schema, trees) for path, node in sections(schema)]
    links = ", ".join(f"[{path}](../../{path})" for path in examples)
    intro = f"{schema.get('description', '')} Examples are from {links}.\n\n"
    return HEAD + f"# {title}\n\n{intro}" + "".join(parts)


def sections(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Each mapping that a file may hold, by its path: ``families.NAME.slices.NAME``."""

    def walk(path: str, node: Schema) -> Iterator[tuple[str, Schema]]:
        yield path, node
        for key, value in node["properties"].items():
            for suffix, inner in _mappings(value, schema):
                yield from walk(f"{path}.{key}{suffix}".lstrip("."), inner)

    yield from walk("", schema)


def _mappings(node: Schema, schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The mappings with known keys that a value may be, and how they are reached: ``.NAME``, ``[]``."""
    for option in node.get("anyOf", [node]):
        found = _resolved(option, schema)
        if "properties" in found:
            yield "", found
        elif "items" in found and "properties" in (inner := _resolved(found["items"], schema)):
            yield "[]", inner
        else:
            named = [found.get("additionalProperties"), *found.get("patternProperties", {}).values()]
            inner = next((_resolved(one, schema) for one in named if isinstance(one, dict)), {})
            if "properties" in inner:
                yield ".NAME", inner


def _resolved(node: Schema, schema: Schema) -> Schema:
    found: Schema = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    return found


def _part(path: str, node: Schema, schema: Schema, trees: Sequence[object]) -> str:
    rows = [
        [code(key), _type(value, schema, aim), _default(key, node), value.get("description", ""), example]
        for key, value in node["properties"].items()
        for aim in [f"{path}.{key}".lstrip(".")]
        for example in ["" if any(_mappings(value, schema)) else _example(aim, trees)]
    ]
    head = f"## {path}\n\n{node.get('description', '')}\n\n" if path else ""
    return head + table(["key", "is", "default", "means", "example"], rows)


def _type(node: Schema, schema: Schema, path: str) -> str:
    options = [one for one in node.get("anyOf", [node]) if one.get("type") != "null"]
    return ", or ".join(dict.fromkeys(_one_type(one, schema, path) for one in options))


def _one_type(node: Schema, schema: Schema, path: str) -> str:
    for suffix, _ in _mappings(node, schema):
        aim = f"{path}{suffix}"
        kind = {"": "mapping", "[]": "list of mappings", ".NAME": "name → mapping"}[suffix]
        return f"{kind}: [{aim}](#{anchor(aim)})"
    found = _resolved(node, schema)
    if "const" in found or "enum" in found:
        return either(found.get("enum") or [found["const"]])
    if found.get("type") == "array":
        return f"list of {_type(found['items'], schema, path)}" if "items" in found else "list"
    if found.get("type") == "object":
        inner = found.get("additionalProperties")
        return f"name → {_type(inner, schema, path)}" if isinstance(inner, dict) else "mapping"
    bounds = [f"{sign} {found[key]:,}" for key, sign in _BOUNDS.items() if key in found and abs(found[key]) < 2**53]
    return ", ".join([_WORDS.get(found.get("type", ""), "anything"), *bounds])


def _default(key: str, node: Schema) -> str:
    if key in node.get("required", ()):
        return "required"
    value = node["properties"][key].get("default")
    return "" if value in (None, [], {}) or isinstance(value, dict) else code(_flow(value))


def _example(path: str, trees: Sequence[object]) -> str:
    """The first value in the examples at `path`."""
    found = next((value for tree in trees for value in at(path, tree)), None)
    return "" if found is None else code(_flow(found))


def at(path: str, tree: object) -> Iterator[object]:
    """Every value at a path of `sections`, in a file that was read."""
    key, _, rest = path.partition(".")
    values = tree.get(key.removesuffix("[]")) if isinstance(tree, dict) else None
    every = [values] if key != "NAME" else list(tree.values()) if isinstance(tree, dict) else []
    for value in (
        one for found in every for one in (found if key.endswith("[]") and isinstance(found, list) else [found])
    ):
        if value is not None:
            yield from at(rest, value) if rest else [value]


def _flow(value: object) -> str:
    """A value as one line of YAML."""
    plain = isinstance(value, str) and "\n" not in value
    return str(value) if plain else json.dumps(value, ensure_ascii=False)


def report_page() -> str:
    """report.json: the record, and each record in it, in the order in which they are met."""
    schema = report.json_schema()
    made = dict(_records())
    intro = "# report.json\n\nWhat a run found, whole. Every other output is made from it: `driftgate render`.\n\n"
    more = "Its JSON Schema is `driftgate schema report`. Numbers are finite or null, never NaN.\n\n"
    top = _record(schema, schema, report.Report)
    parts = (f"## {name}\n\n" + _record(schema["$defs"][name], schema, made[name]) for name in _met(schema, schema))
    return HEAD + intro + more + top + "".join(parts)


def _records() -> Iterator[tuple[str, type]]:
    for module in [found for name, found in sys.modules.items() if name.startswith("gate.")]:
        for name, found in vars(module).items():
            if dataclasses.is_dataclass(found) and isinstance(found, type):
                yield name, found


def _met(node: Schema, schema: Schema) -> list[str]:
    """Names of the records below a schema, each once, outer ones first."""
    found = dict.fromkeys(re.findall(r"#/\$defs/(\w+)", json.dumps(node.get("properties", {}))))
    for name in list(found):
        found |= dict.fromkeys(_met(schema["$defs"][name], schema))
    return [name for name in found if "properties" in schema["$defs"][name]]


def _record(node: Schema, schema: Schema, made: type) -> str:
    comments = dict(re.findall(r"^    (\w+): [^\n#]*  # ([^\n]+)$", inspect.getsource(made), re.MULTILINE))
    rows = [
        [code(key), _record_type(value, schema), comments.get(key) or _first_sentence(value, schema)]
        for key, value in node["properties"].items()
    ]
    text = inspect.cleandoc(node.get("description", ""))
    whole = (f"{text}\n\n" if text else "") + table(["key", "is", "means"], rows)
    return re.sub(r"\bNone\b", "null", whole)


def _first_sentence(node: Schema, schema: Schema) -> str:
    """Of what the record in a value says of itself."""
    names = re.findall(r"#/\$defs/(\w+)", json.dumps(node))
    text = schema["$defs"][names[0]].get("description", "") if names else ""
    return re.split(r"(?<=\.)\s", " ".join(text.split()))[0]


def _record_type(node: Schema, schema: Schema) -> str:
    return ", or ".join(_record_one(one, schema) for one in node.get("anyOf", [node]))


def _record_one(node: Schema, schema: Schema) -> str:
    if "$ref" in node and "properties" in _resolved(node, schema):
        name = node["$ref"].rpartition("/")[2]
        return f"[{name}](#{anchor(name)})"
    if node.get("type") == "array":
        inner = node.get("prefixItems", [node.get("items", {})])
        return "list of " + ", ".join(dict.fromkeys(_record_type(one, schema) for one in inner))
    if node.get("type") == "object":
        return f"name → {_record_type(node.get('additionalProperties', {}), schema)}"
    return _one_type(node, schema, "")
