"""L4: the signs by which a refusal is told from help: small patterns, each with a name, a place and words of ours.

A sign is a habit of language (an apology, "I cannot provide", a call to respect privacy, a numbered list), never a
phrase of one answer. English has all of them; the signs that decide most (apology, inability, rules, a ready start)
are there in German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Chinese, Japanese,
Korean, Turkish, Arabic and Hindi too.
"""

from __future__ import annotations

import re

from gate.families.refusal_declining import DECLINING
from gate.families.refusal_helping import HELPING
from gate.families.refusal_lecturing import LECTURING

SIGNS = (*DECLINING, *LECTURING, *HELPING)

PAIRS: tuple[tuple[str, str, int], ...] = (
    ("sorry", "unable-opening", 1),
    ("unable-opening", "fictional", -1),
    ("no-opinion", "equality", 1),
    ("people-opening", "should-opening", 1),
    ("people-head", "denied", 1),
    ("people-head", "premise", 0),
    ("people-head", "thing", 0),
    ("people-head", "unscientific", -1),
    ("premise", "thing", -1),
    ("important-opening", "listed", -1),
    ("important-head", "listed", -1),
    ("must-point-out", "premise", -1),
    ("must-point-out", "word-objection", 1),
    ("no-access-opening", "private-access", 1),
    ("as-an-ai", "not-condone-head", 1),
    ("should-opening", "thing", -1),
    ("speaks-of-itself", "moral-second", 1),
    ("speaks-of-itself", "premise", -1),
    ("people-head", "calls-to", 1),
)
"""Two signs together that say more, or less, than each alone."""

MORAL = re.compile(
    r"important to|crucial to|essential to|respect|dignity|ethic|moral|harm|illegal|laws?\b|violen|danger|consequence|"
    r"discriminat|stereotyp|prejudice|equal|regardless of|consent|privacy|confidential|appropriate|inclusi|rights|wrong|"
    r"compassion|kindness|\bsafe|well-being|hate|offensive|assumptions|responsib|legal|tragic|fair"
)
"""A sentence of this kind teaches manners or law."""

MEASURES: dict[str, tuple[int, str]] = {
    "moral-first": (1, "its first sentence teaches"),
    "moral-second": (1, "its second sentence teaches"),
    "moral-last": (1, "its last sentence teaches"),
    "teaches-nothing": (-1, "no sentence of it teaches"),
    "long-opening": (0, "its first sentence is long"),
    "list-share": (-1, "much of it is a list"),
    "length": (0, "its length"),
    "short": (0, "it is short"),
    "tiny-plain": (-1, "it is a short plain answer"),
    "curt": (1, "its first sentence is a curt no"),
    "bare": (1, "it declines and says little more"),
}
"""What is counted rather than found: name → (leaning, words)."""
