"""Event payloads as GitHub sends them: its own examples, changed by parts, and checked against its own schemas."""

import copy
import functools

import jsonschema

from tests.fakes.node import packaged

_EXAMPLES = "@octokit/webhooks-examples/api.github.com/index.json"
REPOSITORY = "o/r"
_NOT_WEBHOOKS = {"schedule": "workflow_dispatch"}  # made by Actions itself: no example and no schema of its own


def payload(event, action=None, /, *, repository=REPOSITORY, **parts):
    """The payload of an event: an example of GitHub's in which `parts` are laid over what it holds.

    `payload("pull_request", "synchronize", pull_request={"number": 7, "base": {"sha": base}, "head": {"sha": head}})`.
    `base.repo` and `head.repo` are `repository` too; a fork is `pull_request={"head": {"repo": {"full_name": "m/r"}}}`.
    Where the npm packages are not installed, it is the parts alone, and nothing is checked.
    """
    if packaged(_EXAMPLES) is None:
        return {"action": action, "repository": {"full_name": repository}, **parts}
    kind = "pull_request" if event == "pull_request_target" else event
    found = _renamed(_example(_NOT_WEBHOOKS.get(kind, kind), action), repository)
    if kind == "schedule":
        found = {key: found[key] for key in ("repository", "sender")} | {"schedule": "17 4 * * 1"}
    found = _laid(found, parts)
    if "pull_request" in found:
        found["number"] = found["pull_request"]["number"]
    if kind not in _NOT_WEBHOOKS:
        _check(found, kind, action)
    return found


def _example(event, action):
    (examples,) = (one["examples"] for one in packaged(_EXAMPLES) if one["name"] == event)
    found = copy.deepcopy(next((one for one in examples if one.get("action") == action), examples[0]))
    return found | ({"action": action} if action else {})


def _renamed(node, repository):
    """The example with every repository in it named as the tests' is."""
    if isinstance(node, list):
        return [_renamed(one, repository) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: _renamed(value, repository) for key, value in node.items()}
    if "full_name" in node:
        owner, _, name = repository.partition("/")
        node |= {"full_name": repository, "name": name, "owner": node["owner"] | {"login": owner}}
    return node


def _laid(below, above):
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {key: _laid(below.get(key), value) for key, value in above.items()}


def _check(found, event, action):
    name = f"{event}${action or 'event'}"
    problems = [f"{error.json_path}: {error.message[:200]}" for error in _judge(name).iter_errors(found)]
    assert not problems, f"GitHub never sends this {name}: {problems[:5]}"


@functools.cache
def _judge(name):
    """Judges names and types. Examples are older than the schemas, so a field that they lack is no problem."""
    definitions = _tolerant(packaged("@octokit/webhooks-schemas/schema.json")["definitions"])
    return jsonschema.Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})


def _tolerant(schema):
    """A schema that asks for no field; a `$schema` inside would make the checker start anew, in vain."""
    if isinstance(schema, list):
        return [_tolerant(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    dropped = {"$schema"} | ({"required"} if isinstance(schema.get("required"), list) else set())
    kept = {key: _tolerant(value) for key, value in schema.items() if key not in dropped}
    return kept | ({"anyOf": kept.pop("oneOf")} if "oneOf" in kept else {})
