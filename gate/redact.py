"""L1: secrets out of everything that is written, in every form they could take."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

T = TypeVar("T")

_SHORTEST = 4
_ROOM = 4
_ENTITIES: tuple[dict[str, str], ...] = ({}, {'"': "&quot;"}, {'"': "&#34;", "'": "&#39;"})
"""As XML text, XML attributes and the HTML templates write quotes."""


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret replaced: plain, by line, base64, URL-encoded, JSON-escaped and in XML."""
    return _without(text, _all_forms(secrets))


def cleared(value: T, secrets: Iterable[str]) -> T:
    """A report, or a part of one, with each secret replaced in each of its texts. Done before it is rendered: an
    escaped secret would no longer be found."""
    found: T = _cleared(value, _all_forms(secrets))
    return found


class Cutter:
    """Takes secrets out of texts, and their ends off. A secret that the cut divides is found before it is made."""

    def __init__(self, secrets: Iterable[str], *, most: int) -> None:
        self._forms, self._most = _all_forms(secrets), most
        self._longest = max(map(len, self._forms), default=0)

    def __call__(self, text: str) -> tuple[str, bool]:
        """At most `most` characters of the text; is there more?"""
        room = _ROOM * self._most
        clean = _without(text[:room], self._forms)
        if len(text) > room:  # what this first cut divided stands at the very end
            clean = clean[: max(0, len(clean) - self._longest)]
        return clean[: self._most], len(text) > room or len(clean) > self._most


def _cleared(value: Any, forms: Sequence[str]) -> Any:
    if isinstance(value, str):
        return _without(value, forms)
    if isinstance(value, tuple | list):
        return type(value)(_cleared(one, forms) for one in value)
    if isinstance(value, dict):
        return {_cleared(key, forms): _cleared(one, forms) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _cleared(getattr(value, one.name), forms) for one in fields(value)})
    return value


def _without(text: str, forms: Sequence[str]) -> str:
    for form in forms:
        text = text.replace(form, "***")
    return text


def _all_forms(secrets: Iterable[str]) -> list[str]:
    """The longest first, so that no part of one is left."""
    forms = {form for secret in secrets for form in _forms(secret) if len(form) >= _SHORTEST}
    return sorted(forms, key=len, reverse=True)


def _forms(secret: str) -> Iterable[str]:
    for value in {secret, *secret.splitlines()}:
        if len(value) < _SHORTEST:
            continue
        yield from (value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1])
        yield from (escape(value, entities) for entities in _ENTITIES)
        for shift in range(3):  # base64 looks different at each alignment; the bytes at the edges are left out
            coded = base64.b64encode(b"\0" * shift + value.encode()).decode()
            yield coded.rstrip("=")[(0, 2, 3)[shift] : -1]
