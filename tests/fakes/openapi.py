"""Requests and answers judged by GitHub's own description of its REST API (OpenAPI 3.0).

A request must be one of the described operations, with described parameters and body. An answer of a fake may leave
fields out, but may not have others, nor values of another type. Errors (status 400 and up) are not judged.
"""

import functools
import json
import re
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema

from tests.fakes.node import packaged

_DESCRIPTION = "@octokit/openapi/generated/api.github.com.json"
_MANY_SEGMENTS = ("path", "ref")  # of these a value may hold slashes


def request_problems(method, target, body=None):
    """What GitHub's description has against a request; nothing where the description is not installed."""
    if packaged(_DESCRIPTION) is None:
        return []
    url = urlsplit(target)
    found = _operation(method, url.path)
    if found is None:
        return [f"{method} {url.path}: GitHub has no such operation"]
    operation, values = found
    given = [("path", name, unquote(value)) for name, value in values.items()]
    given += [("query", name, value) for name, value in parse_qsl(url.query, keep_blank_values=True)]
    problems = [*_parameter_problems(operation, given), *_body_problems(operation, body)]
    return [f"{method} {url.path}: {one}" for one in problems]


def answer_problems(method, target, status, payload):
    """What GitHub's description has against a fake's answer."""
    found = _operation(method, urlsplit(target).path) if packaged(_DESCRIPTION) else None
    if found is None or status >= 400 or isinstance(payload, bytes):
        return []
    described = _resolved(found[0]["responses"].get(str(status)))
    if described is None:
        return [f"{method} {target}: GitHub never answers {status}"]
    return [f"{method} {target}: answer{one}" for one in _errors(_schema(described), payload, asked=False)]


def _operation(method, path):
    for template, pattern in _templates():
        match = pattern.fullmatch(path)
        if match and method.lower() in packaged(_DESCRIPTION)["paths"][template]:
            return packaged(_DESCRIPTION)["paths"][template][method.lower()], match.groupdict()
    return None


@functools.cache
def _templates():
    """Every path with its pattern, those with the fewest parameters first."""
    paths = sorted(packaged(_DESCRIPTION)["paths"], key=lambda path: path.count("{"))
    return [(path, re.compile("/".join(map(_segment, path.split("/"))))) for path in paths]


def _segment(text):
    parts = re.split(r"\{(\w+)\}", text)
    names = (f"(?P<{name}>{'.+' if name in _MANY_SEGMENTS else '[^/]+'})" for name in parts[1::2])
    return "".join(re.escape(fixed) + next(names, "") for fixed in parts[::2])


def _parameter_problems(operation, given):
    known = {(one["in"], one["name"]): one for one in map(_resolved, operation.get("parameters", ()))}
    for place, name, value in given:
        if (place, name) not in known:
            yield f"{place} parameter {name}: is unknown"
            continue
        schema = known[place, name]["schema"]
        for one in _errors(schema, _read(schema, value), asked=True):
            yield f"{place} parameter {name}{one}"
    missing = {key for key, one in known.items() if one.get("required")} - {(place, name) for place, name, _ in given}
    yield from (f"{place} parameter {name}: is missing" for place, name in sorted(missing))


def _read(schema, value):
    """A parameter is text; a number or a boolean is read as JSON says it."""
    try:
        return json.loads(value) if schema.get("type") in ("integer", "number", "boolean") else value
    except ValueError:
        return value


def _body_problems(operation, body):
    described = _resolved(operation.get("requestBody"))
    if body is None:
        return ["body: is missing"] if described and described.get("required") else []
    return [f"body{one}" for one in _errors(_schema(described), body, asked=True)] if described else ["body: not asked"]


def _schema(described):
    return described.get("content", {}).get("application/json", {}).get("schema", {})


def _resolved(node):
    while node and "$ref" in node:
        node = _target(node["$ref"])
    return node


def _target(ref):
    node = packaged(_DESCRIPTION)
    for part in ref.removeprefix("#/").split("/"):
        node = node[part]
    return node


def _errors(schema, value, *, asked):
    judge = jsonschema.Draft4Validator(_closure(json.dumps(schema), asked=asked))
    return [f"{error.json_path[1:]}: {error.message[:200]}" for error in judge.iter_errors(value)]


@functools.cache
def _closure(text, *, asked):
    """A schema with all that it refers to, in JSON Schema's words."""
    schema, definitions = json.loads(text), {}
    waiting = [schema]
    while waiting:
        for ref in re.findall(r'"\$ref": "([^"]+)"', json.dumps(waiting.pop())):
            if ref not in definitions:
                definitions[ref] = _target(ref)
                waiting.append(definitions[ref])
    named = {ref.rpartition("/")[2]: _plain(one, asked=asked) for ref, one in definitions.items()}
    return {"allOf": [_plain(schema, asked=asked)], "components": {"schemas": named}}


def _plain(schema, *, asked, part=False):
    """OpenAPI's `nullable` as JSON Schema says it; unknown fields refused; of an answer no field is asked for.

    A part of an `allOf` does not know the fields of the others, so it refuses none.
    """
    if isinstance(schema, list):
        return [_plain(one, asked=asked) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _plain(value, asked=asked) for key, value in schema.items() if key not in ("example", "examples")}
    if isinstance(schema.get("allOf"), list):
        kept["allOf"] = [_plain(_resolved(one), asked=asked, part=True) for one in schema["allOf"]]
    if isinstance(kept.get("properties"), dict) and "additionalProperties" not in kept and not part:
        kept["additionalProperties"] = False
    if not asked and isinstance(kept.get("required"), list):
        del kept["required"]
    if not asked and "oneOf" in kept:
        kept["anyOf"] = kept.pop("oneOf")
    if kept.pop("nullable", False) is True:
        return {"anyOf": [{"type": "null"}, kept]}
    return kept
