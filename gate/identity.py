"""L5: who answered. A verdict on a model means little if another one answered, or several did. Pure.

What counts as the model that was asked: the same name; a dated or numbered snapshot of it (`gpt-4o-mini` →
`gpt-4o-mini-2024-07-18`, `claude-x` → `claude-x-20251001`, `gemini-x` → `gemini-x-001`); the same name with or without
its vendor or a router's variant (`openai/gpt-4o:nitro`, `models/gemini-x`, `eu.anthropic.claude-x-v1:0`). A fine-tuned
model (`ft:…`) is itself only. What is spelled otherwise is named in the endpoint's `served_as`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gate.domain import ARMS, Role
from gate.policy import IdentityRule
from gate.tally import Served

_SHOWN = 4
_PATHS = re.compile(r"^(models/|publishers/[^/]+/models/|accounts/[^/]+/models/)")
_VENDORS = "ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshotai?|nvidia|openai|qwen|writer|zai"
_BEDROCK = re.compile(rf"(?:[a-z-]{{2,6}}\.)?(?:{_VENDORS})\.(.+?)(?:-v\d+)?(?::\d+)?")
_SNAPSHOT = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|00\d|\d{2}-\d{4}|\d{2}-\d{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityFinding:
    """What there is to say, in words; `void`: by the policy, the run must not decide."""

    notices: tuple[str, ...] = ()
    void: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """One thing that is not as it should be, and whether it is about models or fingerprints."""

    about: str
    text: str


def identity(served: Mapping[Role, Mapping[Served, int]], rule: IdentityRule) -> IdentityFinding:
    """Whether each arm was answered by the one model that it asked, and both arms alike where they ask the same.

    `served` counts the answers of each arm, and of judges: a licence is for one model. A fingerprint is compared only
    among answers that carry one.
    """
    found = {role: Counter(dict(counts)) for role, counts in served.items()}
    doubts = [doubt for role, counts in found.items() for doubt in _of_one(role, counts)]
    doubts += _between(found)
    strict = {name for name in ("model", "fingerprint") if getattr(rule, name) == "void"}
    notices = [one.text for one in doubts]
    if "model" in strict:
        notices += _unnamed(found)
    return IdentityFinding(notices=tuple(notices), void=any(one.about in strict for one in doubts))


def _of_one(role: Role, counts: Counter[Served]) -> Iterator[_Doubt]:
    for asked in dict.fromkeys(one.asked for one in counts):
        mine = Counter({one: number for one, number in counts.items() if one.asked == asked})
        models = _by(mine, "model")
        other = Counter({name: number for name, number in models.items() if not same_model(asked, name)})
        if other:
            text = f"{asked} was asked, and of {mine.total():,} answers these came from others: {_listed(other)}"
            yield _Doubt(about="model", text=f"{role}: {text} (served_as in the policy names aliases)")
        elif len({_plain(name) for name in models}) > 1:
            yield _Doubt(about="model", text=f"{role}: {asked} was answered by several models: {_listed(models)}")
        prints = _by(mine, "fingerprint")
        if len(prints) > 1:
            text = f"{role}: {asked} answered with several fingerprints: {_listed(prints)}"
            yield _Doubt(about="fingerprint", text=text)


def _between(found: Mapping[Role, Counter[Served]]) -> Iterator[_Doubt]:
    """Both arms ask the same name, and different models or backends answered: what was compared is also that."""
    baseline, candidate = (found.get(arm, Counter()) for arm in ARMS)
    both = {one.asked for one in candidate}
    for asked in dict.fromkeys(one.asked for one in baseline if one.asked in both):
        for about, what in (("model", "models"), ("fingerprint", "fingerprints")):
            one, other = (_names(counts, asked, about) for counts in (baseline, candidate))
            if one and other and (one != other if about == "model" else not one & other):
                yield _Doubt(
                    about=about,
                    text=f"both arms ask for {asked}, and different {what} answered: "
                    f"baseline {_words(sorted(one))}, candidate {_words(sorted(other))}",
                )


def _names(counts: Counter[Served], asked: str, about: str) -> set[str]:
    mine = Counter({one: number for one, number in counts.items() if one.asked == asked})
    found = _by(mine, about)
    return {_plain(name) for name in found} if about == "model" else set(found)


def _unnamed(found: Mapping[Role, Counter[Served]]) -> list[str]:
    """Where nothing can be checked, because the endpoint does not say who answered."""
    return [
        f"{arm}: {number:,} of {counts.total():,} answers do not say which model gave them"
        for arm, counts in found.items()
        if (number := sum(times for one, times in counts.items() if one.model is None))
    ]


def _by(counts: Counter[Served], about: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for one, number in counts.items():
        if name := getattr(one, about):
            total[name] += number
    return total


def _listed(names: Counter[str]) -> str:
    """`a (412), b (88)`: the commonest first."""
    ordered = sorted(names.items(), key=lambda item: (-item[1], item[0]))
    return _words([f"{name} ({number:,})" for name, number in ordered])


def _words(shown: Sequence[str]) -> str:
    return ", ".join(shown[:_SHOWN]) + (f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else "")


def same_model(asked: str, name: str) -> bool:
    """Whether `name` is the asked model: itself, a snapshot of it, or another spelling of its vendor."""
    wanted, given = _plain(asked), _plain(name)
    if "/" in wanted and ":" not in given:  # a router's variant: `:nitro`, `:free`, the provider's name
        wanted = wanted.partition(":")[0]
    if ("/" in wanted) != ("/" in given):  # only one of them names its vendor
        wanted, given = wanted.rpartition("/")[2], given.rpartition("/")[2]
    if wanted == given:
        return True
    if asked.startswith("ft:") or name.startswith("ft:"):
        return False
    stem = wanted.removesuffix("-latest")
    return given.startswith(stem) and _SNAPSHOT.fullmatch(given[len(stem) :]) is not None


def _plain(name: str) -> str:
    """A name without what only says where it is served: paths, a Bedrock region and vendor, letter case."""
    plain = _PATHS.sub("", name.lower())
    if plain.startswith("arn:"):
        plain = plain.rpartition("/")[2]
    bedrock = _BEDROCK.fullmatch(plain)
    return bedrock.group(1) if bedrock else plain
