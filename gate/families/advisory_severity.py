"""L4: severity as advisories tell it: a word, a score, a CVSS vector (versions 2, 3 and 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

LEVELS = {
    "none": "none",
    "low": "low",
    "moderate": "medium",
    "medium": "medium",
    "high": "high",
    "critical": "critical",
}
"""Word → level. GitHub says moderate where CVSS says medium."""
_WORD = r"(?P<{}>low|moderate|medium|high|critical)"
_KINDS = (
    r"(?:vulnerability|flaw|issue|bug|weakness|traversal|injection|scripting|forgery|overflow|pollution|smuggling"
    r"|disclosure|bypass|deseriali[sz]ation|execution|escalation)"
)
_VECTOR = re.compile(
    r"CVSS:[34]\.[01](?:/[A-Z]{1,3}:[A-Z]{1,2}){4,40}|\bAV:[LAN]/AC:[LMH]/Au:[MSN](?:/[A-Z]{1,3}:[A-Z]{1,4}){3,11}",
)
_SCORE = re.compile(
    r"(?:\bCVSS(?:[ -]?v?[234](?:\.[01])?(?=[^\d.]{1,30}\d{1,2}\.\d))?[^\d\n,;.]{0,24}|"
    r"\bscor(?:e|ed|es|ing)[^\d\n,;.]{0,20})"
    r"(?P<score>10(?:\.0)?|\d\.\d)(?![\d.]*\d)|(?<![\d.])(?P<of>10(?:\.0)?|\d\.\d)\s?/\s?10\b"
    rf"|\b{_WORD.format('word')}[*_]{{0,3}}[\s,]{{0,2}}[(\[](?P<in>10\.0|\d\.\d)[)\]]"
    r"|\bseverity\b[\s:*_|=(-]{1,6}(?P<after>10\.0|\d\.\d)(?![\d.]*\d)",
    re.IGNORECASE,
)
"""A score where CVSS, "score", "/ 10", "severity:" or a word before its brackets says so; else it may be a version."""
_SCHEME = re.compile(r"\bCVSS[ -]?v?[234](?:\.[01])?\b", re.IGNORECASE)
_LEVEL = re.compile(
    rf"\b{_WORD.format('a')}[- ]severity\b"
    rf"|\b(?:severity|rated|rates|rating|ranked|scored|classed|classified|considered|urgency|impact)\b"
    rf"[\s:*_`\"'|=-]{{0,6}}(?:(?:is|of|as|at|was|level|to|be)\s){{0,3}}[*_`\"']{{0,3}}{_WORD.format('b')}\b"
    rf"|\b{_WORD.format('c')}\s(?:vulnerability|flaw|issue|bug|weakness|advisory|rating)\b"
    rf"|(?<=[(\[,;|]){_WORD.format('d')}(?=\s?[)\],;|])"
    rf"|(?<=[(\[,;|]\s){_WORD.format('e')}(?=\s?[)\],;|])"
    rf"|\b(?:10(?:\.0)?|\d\.\d)(?:\s?/\s?10)?[\s,(]{{1,3}}{_WORD.format('f')}\b"
    rf"|\b{_WORD.format('g')}[\s,]{{0,2}}[(\[][^()\[\]\n]{{0,12}}(?:10(?:\.0)?|\d\.\d)"
    rf"|\bseverity\b[^.\n]{{0,12}}\b{_WORD.format('h')}\b"
    rf"|\b(?P<i>critical|moderate)\s(?:[a-z-]{{1,20}}\s){{0,3}}{_KINDS}\b",
    re.IGNORECASE,
)

_EMPHASIS = re.compile(r"[*`]{1,3}|(?<!\w)_{1,3}(?=\w)|(?<=\w)_{1,3}(?!\w)")
_PAIR = re.compile(rf"\b{_WORD.format('one')}\s?(?:or|to|and|/|-)\s?{_WORD.format('other')}\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """What a text says of severity."""

    levels: frozenset[str]
    scores: frozenset[float]
    vectors: frozenset[str]


def level_of(score: float) -> str:
    """The word of a score: the qualitative rating scale of the CVSS v3.1 and v4.0 specifications."""
    bounds = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
    return next((word for least, word in bounds if score >= least), "none")


@lru_cache(maxsize=2_048)
def measured(vector: str) -> tuple[str, float, str] | None:
    """A vector in its usual order of metrics, its base score and its word; None where it is no valid vector."""
    import cvss

    kinds = {"CVSS:4": cvss.CVSS4, "CVSS:3": cvss.CVSS3}
    try:
        found = kinds.get(vector[:6], cvss.CVSS2)(vector)
        word = found.severity if isinstance(found, cvss.CVSS4) else found.severities()[0]
    except Exception:  # noqa: BLE001 - the text may be a model's; a library that trips over it must not end the run
        return None
    return found.clean_vector(), float(found.base_score), str(word).casefold()


def rated(text: str) -> Rated:
    """Words are taken where they are about severity: "High severity", "rated high", "(high)", not "high load"."""
    vectors = frozenset(_VECTOR.findall(text))
    plain = _EMPHASIS.sub("", _VECTOR.sub(" ", text))
    scores = frozenset(float(one["score"] or one["of"] or one["in"] or one["after"]) for one in _SCORE.finditer(plain))
    levels = {LEVELS[next(filter(None, one.groups())).casefold()] for one in _LEVEL.finditer(plain)}
    for pair in _PAIR.finditer(plain):
        both = {LEVELS[one.casefold()] for one in pair.groups()}
        levels |= both if both & levels else set()
    return Rated(levels=frozenset(levels), scores=scores, vectors=vectors)


def without_scores(text: str) -> str:
    """The text with vectors, scores and names of CVSS versions blanked, so that none is taken for a version."""
    for pattern in (_VECTOR, _SCORE, _SCHEME):
        text = pattern.sub(" ¤ ", text)
    return text
