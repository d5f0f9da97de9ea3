"""L1: pydantic at the edge. A parsed file → a strict frozen model, or every problem located and worded.

The messages are ours: pydantic's own echo the input, and what a pull request wrote is not printed.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import itertools
import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from gate.errors import Problem, Problems
from gate.files import path_problem
from gate.positions import Document, Path


class Strict(BaseModel):
    """Unknown keys, wrong types, NaN and infinities are errors; values cannot be changed later."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


Model = TypeVar("Model", bound=Strict)


def _inside(path: str) -> str:
    if problem := path_problem(path):
        raise ValueError(problem)
    return path


RepositoryPath = Annotated[str, AfterValidator(_inside)]
"""A file of the repository, never one outside it."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./:@+-]{0,199}$")]


def json_schema(model: type[Strict]) -> dict[str, Any]:
    """The model's JSON Schema, with what stands below its fields in the source as their descriptions.

    Pydantic can do the same, but would read its own source for it whenever the models are imported.
    """
    schema = model.model_json_schema()
    models = {one.__name__: one for one in _derived(Strict)}
    for name, part in {model.__name__: schema, **schema.get("$defs", {})}.items():
        for field, text in _texts(models[name]).items() if name in models else ():
            known = models[name].model_fields.get(field)
            if known and (described := part["properties"].get(known.alias or field)):
                described.setdefault("description", text)
    return schema


def _derived(base: type[Strict]) -> Iterator[type[Strict]]:
    for one in base.__subclasses__():
        yield one
        yield from _derived(one)


def _texts(model: type[Strict]) -> dict[str, str]:
    """Field → the text below it, those of base classes too."""
    found = {}
    for one in reversed(model.__mro__[: model.__mro__.index(Strict)]):
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        for field, text in itertools.pairwise(tree.body if isinstance(tree, ast.ClassDef) else ()):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                found[ast.unparse(field.target)] = inspect.cleandoc(str(text.value.value))
    return found


_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "list_type": "a list",
    "tuple_type": "a list",
    "finite_number": "a finite number",
}
_BOUNDS = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "missing": "is required",
}


def parse(model: type[Model], document: Document) -> Model:
    """Validate a document against a model.

    Raises
    ------
    Problems
        All of them, each at its line and column.
    """
    try:
        return model.model_validate_json(json.dumps(document.tree))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise Problems(_problem(model, document, detail) for detail in details) from None


def _problem(model: type[Strict], document: Document, detail: ErrorDetails) -> Problem:
    path = _in_tree(detail["loc"], document)
    what, hint = _words(detail)
    if detail["type"] == "extra_forbidden":
        known = known_keys(model.model_json_schema(), path[:-1])
        what, hint = "is not a known key", suggestion(str(path[-1]), known)
    return document.problem(path, what, hint)


def _in_tree(loc: Path, document: Document) -> Path:
    """`loc` without what pydantic adds of its own (``[key]``, names of union members)."""
    path: Path = ()
    for part in loc:
        longer = (*path, part)
        if longer in document.positions or part == loc[-1]:
            path = longer
    return path[:-1] if path and path[-1] == "[key]" else path


def _words(detail: ErrorDetails) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}", ""
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**context), ""
    if kind == "literal_error":
        return f"must be {context['expected']}".replace("'", ""), ""
    if kind == "value_error":
        what, _, hint = str(context["error"]).partition(" | ")
        return what, hint
    if kind == "string_pattern_mismatch":
        return f"must match {context['pattern']}", ""
    return detail["msg"][:1].lower() + detail["msg"][1:], ""


def suggestion(wrong: str, known: list[str]) -> str:
    """A hint that names the nearest right word, or all of them."""
    near = difflib.get_close_matches(wrong, known, n=1)
    every = f"known here: {', '.join(known)}" if known else ""
    return f"did you mean {near[0]}? {every}".strip() if near else every


def known_keys(schema: Mapping[str, Any], path: Path) -> list[str]:
    """The keys a JSON Schema allows at `path`."""
    node: Mapping[str, Any] = schema
    for part in path:
        node = _resolve(schema, node)
        node = _below(_resolve(schema, node), part)
    return list(_resolve(schema, node).get("properties", {}))


def _below(node: Mapping[str, Any], part: str | int) -> Mapping[str, Any]:
    if isinstance(part, int):
        return node.get("items") or {}
    by_pattern = list(node.get("patternProperties", {}).values())
    return node.get("properties", {}).get(part) or next(
        (found for found in [*by_pattern, node.get("additionalProperties")] if found), {}
    )


def _resolve(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
    node = options[0] if options else node
    if "$ref" in node:
        found: Mapping[str, Any] = schema["$defs"][node["$ref"].rpartition("/")[2]]
        return found
    return node
