"""L4: reading a model's answer. Answers are hostile text: nothing here raises, recurses deeply or executes."""

from __future__ import annotations

import json

from gate.domain import Json

_LONGEST = 200_000
_MOST_TRIES = 1_000
_DEEP_COSTS = 200  # a try that gives up on nesting takes longer than any other


def objects_with(text: str, key: str) -> list[dict[str, Json]]:
    """The JSON objects of an answer that have `key`, fenced or with prose around them, in order; none inside another.

    An object with a key twice says two things, and is none. Line breaks inside strings are let pass.
    """
    text, found, start = text[:_LONGEST], [], text.find("{")
    left = _MOST_TRIES
    while start >= 0 and left > 0:
        end, left = start + 1, left - 1
        try:
            value, after = _STRICT_KEYS.raw_decode(text, start)
        except ValueError:
            value = {}
        except RecursionError:
            value, left = {}, left - _DEEP_COSTS
        if key in value:
            found.append(value)
            end = after
        start = text.find("{", end)
    return found


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


_STRICT_KEYS = json.JSONDecoder(object_pairs_hook=_once, strict=False)
