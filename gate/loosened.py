"""L2: what a changed policy would let pass that the one in force does not. Pure.

A pull request is judged by the policy of its base, so nothing here decides anything: it is read by the person who
approves the change, because the next pull request will be judged by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gate.endpoint_rule import SECRET_KEYS
from gate.errors import Problems
from gate.policy import Policy, parse_policy
from gate.positions import Document, Path, dotted

_Value = Any
_Looser = Callable[[_Value, _Value], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A key of the policy ("*" is any name), when a new value is looser, and what it lets happen."""

    path: Path
    looser: _Looser
    why: str


def _up(old: _Value, new: _Value) -> bool:
    return _number(new) > _number(old)


def _down(old: _Value, new: _Value) -> bool:
    return _number(new) < _number(old)


def _other(old: _Value, new: _Value) -> bool:
    return bool(old != new)


def _comes_or_goes(old: _Value, new: _Value) -> bool:
    return (old is None) != (new is None)


def _to(word: str) -> _Looser:
    return lambda old, new: new == word and old != word


def _number(value: _Value) -> float:
    """A missing bound is no bound."""
    return float(value) if isinstance(value, int | float) else float("inf")


def _weaker(old: _Value, new: _Value) -> bool:
    order = ("write", "maintain", "admin")
    return old is not None and new is not None and order.index(new) < order.index(old)


_RULES = (
    _Rule(path=("risk", "alpha"), looser=_down, why="a loss must be shown with more certainty before it blocks"),
    _Rule(path=("risk", "power"), looser=_up, why="small families and slices no longer hold up a pass"),
    _Rule(path=("families", "*", "severity"), looser=_to("advisory"), why="it would no longer block"),
    _Rule(path=("families", "*", "margin"), looser=_up, why="a larger loss would pass"),
    _Rule(path=("families", "*", "ignore_below"), looser=_up, why="a larger loss would never block"),
    _Rule(path=("families", "*", "max_missing"), looser=_up, why="more samples may go without a score"),
    _Rule(path=("families", "*", "dataset"), looser=_other, why="other questions would be asked"),
    _Rule(path=("families", "*", "kind"), looser=_other, why="answers would be scored in another way"),
    _Rule(path=("families", "*", "match"), looser=_other, why="answers would be scored in another way"),
    _Rule(path=("families", "*", "results"), looser=_other, why="other results would be compared"),
    _Rule(path=("families", "*", "judge"), looser=_comes_or_goes, why="answers would be scored in another way"),
    *(
        _Rule(path=("families", "*", "judge", key), looser=_other, why="answers would be judged in another way")
        for key in ("endpoint", "model", "rubric", "mode")
    ),
    _Rule(path=("families", "*", "judge", "calibration"), looser=_other, why="its judge would be licensed by others"),
    _Rule(path=("families", "*", "judge", "min_kappa"), looser=_down, why="a judge that agrees less could decide"),
    _Rule(path=("families", "*", "slices", "*", "severity"), looser=_to("advisory"), why="it would no longer block"),
    _Rule(path=("families", "*", "slices", "*", "ignore_below"), looser=_up, why="a larger loss would never block"),
    _Rule(path=("identity", "model"), looser=_to("warn"), why="answers of another model would count"),
    _Rule(path=("identity", "fingerprint"), looser=_to("warn"), why="answers of several fingerprints would count"),
    _Rule(path=("waivers", "approver_permission"), looser=_weaker, why="more people could waive a regression"),
    _Rule(path=("waivers", "max_days"), looser=_up, why="a waiver could run for longer"),
    _Rule(path=("waivers", "max_loss"), looser=_up, why="a waiver could allow a larger loss"),
    _Rule(path=("waivers", "path"), looser=_other, why="waivers would be read from another file"),
    _Rule(path=("endpoints", "*", "base_url"), looser=_other, why="another host would be asked, and be sent the key"),
    *(_Rule(path=("endpoints", "*", key), looser=_other, why="another secret would be sent") for key in SECRET_KEYS),
    _Rule(path=("endpoints", "*", "served_as"), looser=_other, why="answers of another model would count"),
    _Rule(path=("endpoints", "*", "allow_private"), looser=_other, why="other private addresses could be reached"),
    _Rule(path=("families", "*", "evidence"), looser=_to("full"), why="the report would show its prompts and answers"),
    _Rule(path=("baseline_max_age",), looser=_up, why="older answers of the baseline would count (in days)"),
)
_GONE = {
    ("families", "*"): "it would no longer be evaluated",
    ("families", "*", "slices", "*"): "it would no longer be compared",
    ("identity",): "answers of another model would count",
    ("anchor",): "cumulative drift would no longer be named",
    ("new_model_baseline",): "a new model config would no longer be judged",
}
_COME = {
    ("waivers",): "regressions could be waived",
    ("endpoints", "*"): "a host would be asked that is not asked today",
}


def loosened(before: Policy, text: str | None, *, file: str) -> list[str]:
    """What the new text of the policy would let pass, one line each. None: the policy is removed."""
    if text is None:
        return [f"{file}: is removed: nothing would be judged any more"]
    try:
        after, document = parse_policy(text, file=file)
    except Problems as found:
        first = found.problems[0]
        return [f"{file}:{first.line}: is no valid policy any more: every gate would end with an error"]
    old, new = _tree(before), _tree(after)
    lines = [*_models(before, after), *_compared(old, new), *_slice_margins(before, after)]
    return [f"{file}:{_line(document, path)}: {dotted(path)}: {what}" for path, what in lines]


def _tree(policy: Policy) -> dict[str, Any]:
    """The policy with its one age in days, and in each family what the policy says for all."""
    tree: dict[str, Any] = policy.model_dump(mode="json")
    for family in tree["families"].values():
        family["evidence"] = family["evidence"] or policy.evidence
    return {**tree, "baseline_max_age": (policy.baseline_max_age_seconds or 0) / 86400}


def _line(document: Document, path: Path) -> int:
    return document.problem(path, "").line


def _models(before: Policy, after: Policy) -> Iterator[tuple[Path, str]]:
    for pattern in before.models:
        if pattern not in after.models:
            yield ("models",), f"no longer watches {pattern}: a change of it would not be judged"


def _slice_margins(before: Policy, after: Policy) -> Iterator[tuple[Path, str]]:
    """A slice without a margin has its family's; where neither states one, the family's line says it."""
    for name, family in before.families.items():
        for key, rule in family.slices.items():
            now = after.families[name].slices.get(key) if name in after.families else None
            if now is None or rule.margin == now.margin:
                continue
            margins = rule.margin or family.margin, now.margin or after.families[name].margin
            if margins[1] > margins[0]:
                what = f"{margins[0]} → {margins[1]}: a larger loss would pass"
                yield ("families", name, "slices", key, "margin"), what


def _compared(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for pattern, why in _GONE.items():
        yield from ((path, f"is gone: {why}") for path in _set(old, pattern) if _is_gone(new, path))
    for pattern, why in _COME.items():
        yield from ((path, f"is new: {why}") for path in _set(new, pattern) if _at(old, path) is None)
    for rule in _RULES:
        for path in _places(old, rule.path):
            was, now = _at(old, path), _at(new, path)
            if _at(new, path[:-1]) is not None and was != now and rule.looser(was, now):
                yield path, f"{_said(was)} → {_said(now)}: {rule.why}"


def _is_gone(tree: Mapping[str, Any], path: Path) -> bool:
    """Itself, and not with all that it belongs to: that is told instead."""
    return _at(tree, path) is None and _at(tree, path[:-1]) is not None


def _set(tree: Mapping[str, Any], pattern: Path) -> list[Path]:
    return [path for path in _places(tree, pattern) if _at(tree, path) is not None]


def _places(tree: Mapping[str, Any], pattern: Path, at: Path = ()) -> Iterator[Path]:
    """The paths in a tree that a pattern means."""
    if not pattern:
        yield at
        return
    below = _at(tree, at)
    if isinstance(below, Mapping):
        for name in below if pattern[0] == "*" else pattern[:1]:
            yield from _places(tree, pattern[1:], (*at, name))


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree


def _said(value: _Value) -> str:
    """A value of a policy in a few words; what is long is not shown."""
    text = "unset" if value is None else str(value)
    return text if len(text) <= 80 else "another"
