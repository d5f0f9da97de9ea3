"""L4: reading a model's answer. Answers are hostile text: nothing here raises, recurses deeply or executes."""

from __future__ import annotations

import json
import re

from gate.domain import Json

_LONGEST = 200_000
_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|afraid|unable|not able)|i (?:can(?:no|')?t|cannot|won't|will not|must decline)|"
    r"(?:cannot|can't|won't|unable to) (?:help|assist|comply|do that|provide|share|reveal)|not (?:able|allowed) to)\b",
    re.IGNORECASE,
)


def first_object(text: str) -> dict[str, Json] | None:
    """The first JSON object in an answer, fenced or not; None when there is none."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        value = json.JSONDecoder().raw_decode(text[:_LONGEST], start)[0]
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def refuses(text: str) -> bool:
    """Does the answer's beginning decline? By wording alone: deterministic, and easy to explain."""
    return _REFUSAL.search(text[:400].replace("\u2019", "'")) is not None
