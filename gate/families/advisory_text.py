"""L4: a text about a flaw as identifiers, addresses, and sentences of words, versions and cues.

Advisories and answers are read by the same rules, so that what an answer says can be held against what it was given.
Texts are hostile: patterns are linear, lengths bounded, and nothing here raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gate.families.advisory_severity import without_scores

LONGEST = 60_000
"""Characters of a text that are read."""
Cue = Literal[
    "from", "begun", "after", "before", "through", "to", "on", "down", "between", "excl", "incl",
    "fixed", "affected", "safe", "none",
]  # fmt: skip
"""What leads to or follows a version. Ends of ranges: from 1.2; begun in 1.2; after 1.1; before 1.4; through 1.3;
1.2 to 1.3; 1.2 and on; 1.3 and down; between; 1.4 exclusive or inclusive. Roles: fixed, affected, safe (not affected),
none (there is no fix)."""
_WORDS: dict[Cue, str] = {
    "none": r"no (?:[a-z-]{2,14} ){0,3}"
    r"(?:fix(?:es)?|patch(?:es)?|(?:fixed|patched|corrected|safe) (?:version|release)s?)"
    r"(?! (?:is |are )?(?:needed|required|necessary))|(?:not|never) (?:yet |been |be |currently ){0,3}(?:fixed|patched)"
    r"|unpatched|unfixed|without (?:a |any )?(?:fix|patch)|awaits? a (?:fix|patch)"
    r"|(?:fix|patch|(?:patched|fixed) version) is (?:not|un)[ -]?(?:yet )?available"
    r"|no (?:version|release) (?:yet )?(?:has|with|contains) (?:the |a )?(?:fix|patch)",
    "safe": r"(?:not|never) (?:be |been |known to be )?(?:affected|affect|affects|vulnerable|impacted|exposed)"
    r"|unaffected|never had (?:it|the (?:flaw|bug|problem|code))|(?:do|does|did) not (?:have|contain|carry|include)"
    r"|(?:are|is) (?:clean|safe)",
    "fixed": r"fix(?:es|ed)?|patch(?:es|ed)?|resolv(?:e|es|ed)|address(?:es|ed)|correct(?:s|ed)|remediat(?:e|es|ed)"
    r"|repair(?:s|ed)|upgrad(?:e|es|ed|ing)|updat(?:e|es|ed|ing)|(?:cherry-?pick|backport)(?:ed|s)?"
    r"|(?:is|are|was) gone|clos(?:es|ed)|first (?:safe|good|clean|unaffected) (?:version|release)|solved"
    r"|mov(?:e|ing) to",
    "affected": r"affect(?:s|ed|ing)?|vulnerable|vulnerabilit(?:y|ies)|impact(?:s|ed|ing)|exposed|susceptible",
    "excl": r"exclusive|excluded|not included|excluding|not inclusive",
    "before": r"(?:up )?to,? ?\(?(?:but |and )?(?:not including|excluding|exclusive of|exclusive)\)?,?"
    r"|before,? but (?:not including|excluding)|prior to"
    r"|(?:earlier|older|lower|less) than|before|below|preceding|until|till|ahead of",
    "through": r"up to,? and including|up to|through|thru|at most|no later than|not newer than|ending (?:with|at|in)"
    r"|last affected",
    "from": r"start(?:ing|s)? (?:with|from|at|in|as of)|begin(?:ning|s)? (?:with|from|at|in)|since|from"
    r"|at least|as of",
    "begun": r"introduced(?: (?:in|by|with|at))?|(?:came|come|crept|got) in(?:to it)?(?: (?:with|in|at|by))?"
    r"|(?:first )?(?:appeared|seen|shipped) (?:in|with)",
    "between": r"between",
    "after": r"after|(?:later|newer|greater|higher) than",
    "on": r"(?:and|or) (?:all |any |every )?(?:later|newer|above|up|upwards?|higher|greater|onwards?|on|beyond)"
    r"(?! than| (?:version )?v?\d)|onwards?",
    "down": r"(?:and|or) (?:all |any |every )?(?:earlier|older|below|prior|lower|previous|before|under|less)"
    r"(?! than| to| (?:version )?v?\d)",
    "incl": r"inclusive|included|including",
    "to": r"to",
}
_SIGNS: tuple[tuple[str, Cue], ...] = (
    ("<=", "through"),
    ("=<", "through"),
    ("≤", "through"),
    (">=", "from"),
    ("=>", "from"),
    ("≥", "from"),
    ("<", "before"),
    (">", "after"),
)
_CUE = re.compile(
    r"(?<![\w-])(?:" + "|".join(f"(?P<{cue}>{pattern})" for cue, pattern in _WORDS.items()) + r")(?![\w-])",
    re.IGNORECASE,
)
_DASH = re.compile(r"(?<=[\dx])\s?[-–—…]{1,3}\s(?=v?\d)|(?<=[\dx])\s?[–—…]\s?(?=v?\d)|(?<=\d)\s-(?=\d)")
_JOINED = re.compile(r"(?<![\w.+~:-])(\d{1,9}(?:\.\d{1,9}){1,5})-(?=\d{1,9}(?:\.\d{1,9}){1,5}(?![\w.+~-]*\w))")
_ID = re.compile(
    r"\b(?:CVE-\d{4}-\d{4,12}|GHSA(?:-[a-z0-9]{4}){3}|SNYK(?:-[A-Z0-9]{1,60}){2,6}"
    r"|(?:PYSEC|RUSTSEC|GO|GSD|RHSA|DSA|DLA|USN|OSV|MAL|HSEC|RLSA|ALSA|ZDI|TALOS|EUVD|BDU|CNVD)"
    r"-\d{2,4}(?:[-:]\d{1,12}){0,3})\b",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:\b(?:https?|ftp|git|ssh)://|\bwww\.)[^\s<>\"'`)\]}|\\]{1,2000}", re.IGNORECASE)
_HIDDEN = re.compile(
    r"\bCWE[- :]?\d{1,5}\b|\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d[\d:.Z+]{0,16})?"
    r"|(?<![\w.-])(?=[0-9]{0,60}[a-f])[0-9a-f]{7,64}\b|\b(?:127\.0|0\.0|192\.168|169\.254|10\.0)\.\d{1,3}\.\d{1,3}\b",
    re.IGNORECASE,
)
_TAIL = (
    r"(?:[-._+~]?(?:alpha|beta|preview|pre|rc|dev|post|final|release|ga|snapshot|incubating|lts|canary|next|patch|sp|cr"
    r"|build|jre|android|a|b|c|m|p|r)\d{0,8}(?![A-Za-z])|[-+~](?=[A-Za-z.]{0,12}\d)[0-9A-Za-z]{1,24}|\.\d{1,14}){0,6}"
)
_VERSION = (
    r"(?<![\w.\-/+~:])[vV]?(?:\d{1,2}:(?=\d{1,9}\.))?\d{1,14}(?:\.\d{1,14}){0,7}(?:\.[xX*](?!\w)|"
    + _TAIL
    + r")(?![\w@%]|\.\d)"
)
_TOKEN = re.compile(
    rf"⟨(?P<cue>[a-z]{{2,8}})⟩|(?P<span>[\[(]\s?(?:v?\d[\w.+-]{{0,40}})?\s?,\s?(?:v?\d[\w.+-]{{0,40}})?\s?[\])])"
    rf"|(?P<version>{_VERSION})|(?P<word>@?[A-Za-z_][\w@/.-]{{0,120}}(?<![.:,-]))|(?P<mark>[,;:()|+=&/.])"
)
_KEY = re.compile(r"\"([A-Za-z][A-Za-z_ ]{1,40})\"\s?:\s?")
_LISTED = re.compile(r"[\[\]](?=\s{0,20}\")|(?<=\")\s{0,20}\]")
"""Of JSON: keys, which are read as labels, and the brackets of lists of texts, which are no ranges."""
_SENTENCE = re.compile(
    r"(?<=[.!?])(?<![ (]e\.g\.)(?<![ (]i\.e\.)(?<![ (]vs\.)(?<![ (][vV]\.)(?<![ (][nN]o\.)[\"')\]]{0,2}\s+(?=\S)|\n+|•"
)
_LABEL = re.compile(r"\s*(?:[-*#>|]\s*)?[\w* /]{2,40}:[\s*]*")
_ITEM = re.compile(r"\s*[-*•|>0-9(\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """`kind` is cue, span (a range in brackets), version, number (without a dot), word or mark."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A text without addresses, identifiers and scores: what stood there is now ¤."""

    text: str
    ids: frozenset[str]
    urls: frozenset[str]


@lru_cache(maxsize=256)
def plain(text: str) -> Plain:
    text = _LISTED.sub(" ", text[:LONGEST].replace("⟨", "(").replace("⟩", ")"))
    text = _KEY.sub(lambda found: f"\n{found[1].replace('_', ' ')}: ", text)
    urls = frozenset(_address(found) for found in _URL.findall(text))
    rest = without_scores(_URL.sub(" ¤ ", text))
    ids = frozenset(found.upper() for found in _ID.findall(rest))
    rest = _HIDDEN.sub(" ¤ ", _ID.sub(" ¤ ", rest))
    return Plain(text=re.sub(r"[`*\"“”_]{1,3}(?=[^\w]|\w)", _quote, rest), ids=ids, urls=urls)


def sentences(text: str) -> list[str]:
    """Sentences and lines; the items of a list stand with the label above them."""
    found: list[str] = []
    label = False
    for one in _SENTENCE.split(text):
        if not one or not one.strip():
            continue
        if label and _ITEM.match(one):
            found[-1] += "; " + one.strip(" -*•|>")
            continue
        found.append(one)
        label = _LABEL.fullmatch(one) is not None
    return found


def tokens(sentence: str) -> list[Token]:
    """The words, versions and cues of one sentence."""
    marked = _JOINED.sub(r"\1 ⟨to⟩ ", sentence)
    for sign, cue in _SIGNS:
        marked = marked.replace(sign, f" ⟨{cue}⟩ ")
    marked = _CUE.sub(lambda found: f" ⟨{found.lastgroup}⟩ ", _DASH.sub(" ⟨to⟩ ", marked))
    return [_token(found) for found in _TOKEN.finditer(marked)]


def _token(found: re.Match[str]) -> Token:
    kind, text = str(found.lastgroup), found[0]
    if kind == "cue":
        return Token(kind="cue", text=found["cue"])
    if kind == "version" and text.isdecimal():
        kind = "number"
    return Token(kind=kind, text=text)


def _quote(found: re.Match[str]) -> str:
    """Marks of emphasis and quotes are dropped; an underscore within a name is none."""
    return "_" if found[0] == "_" else ""


def _address(url: str) -> str:
    bare = re.sub(r"^(?:[a-z]+://)?(?:www\.)?", "", url.casefold(), count=1)
    return bare.rstrip(".,;:!?*_/#")
