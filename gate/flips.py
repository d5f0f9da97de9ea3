"""L7: the samples that moved, and their observations → Evidence. Of at most four million bytes, whatever was answered.

First all flips without texts, as many as fit; then texts, until the file is full: losses before gains, regressed
blocking families before others, and families of one rank in turn, so that each has some of its flips told in full.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from gate.comparing import Moved
from gate.domain import ARMS, Arm, CallFailure, Comparison, Completion, Observation, Score
from gate.evidence import AnswerShown, ArmEvidence, Evidence, Flip, encoded
from gate.policy import FamilyRule, Policy, kind_of
from gate.redact import Cutter

LIMIT = 4_000_000
"""Bytes of a flips.json: so much that a page with it stays under 5 MB."""
BARE_LIMIT = 3_000_000
"""Bytes that flips without texts may take of it."""
TEXT_LIMIT = 4_000
"""Characters of a prompt, a target or an answer."""
MOST_ANSWERS = 5
"""Askings of a sample that are shown of each arm."""
_MOST_FLIPS = 10_000  # no more fit, however short they are
_REASON_LIMIT = 500

Observed: TypeAlias = Iterable[tuple[str | None, Arm, Sequence[Observation]]]
"""By config and arm: all askings."""
_Unit = tuple[str | None, str]  # config and family
_Askings = Mapping[tuple[str | None, Arm, str, str], Sequence[Observation]]


class Texts(Protocol):
    """What was asked and answered, read when it is wanted."""

    def question(self, family: str, sample_id: str) -> tuple[str, str]:
        """Prompt and target."""
        ...

    def completion(self, config: str | None, arm: Arm, one: Observation) -> Completion | None:
        """None where it is not kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """How samples are shown. `texts` is None where only scores are known; `secrets` are taken out of all texts."""

    policy: Policy
    comparisons: Sequence[Comparison]
    texts: Texts | None
    secrets: Sequence[str] = ()


def evidence_of(moved: Sequence[Moved], observed: Observed, showing: Showing) -> Evidence:
    """The evidence, but for the digest of the report that it belongs to."""
    ranks = _ranks(showing)
    ordered = sorted(moved, key=lambda one: _order(one, ranks))[:_MOST_FLIPS]
    teller = _Teller(showing, _askings(ordered, observed))
    kept, sizes = _bare(ordered, teller)
    without = _tell(kept, sizes, ordered, ranks, teller)
    return Evidence(left_out=len(moved) - len(kept), without_texts=without, flips=tuple(kept))


def _ranks(showing: Showing) -> dict[_Unit, tuple[int, int]]:
    """Blocking families that regressed, or a blocking slice of which did, come first; then as they were compared."""
    severe: dict[_Unit, int] = {}
    for one in showing.comparisons:
        regressed, blocking = one.outcome == "regressed", one.severity == "blocking"
        rank = (0 if regressed else 1) if blocking else (2 if regressed else 3)
        unit = (one.config, one.family)
        severe[unit] = min(rank, severe.get(unit, rank))
    return {unit: (rank, place) for place, (unit, rank) in enumerate(severe.items())}


def _gained(one: Moved) -> bool:
    return one.candidate > one.baseline


def _order(one: Moved, ranks: Mapping[_Unit, tuple[int, int]]) -> tuple[bool, tuple[int, int], float, str]:
    """The largest difference first."""
    size = round(abs(one.candidate - one.baseline), 12)
    return _gained(one), ranks[one.config, one.family], -size, one.sample_id


def _askings(wanted: Sequence[Moved], observed: Observed) -> _Askings:
    """The observations of the samples wanted, in the order they were asked."""
    ids: dict[str | None, set[tuple[str, str]]] = defaultdict(set)
    for one in wanted:
        ids[one.config].add((one.family, one.sample_id))
    found: defaultdict[tuple[str | None, Arm, str, str], list[Observation]] = defaultdict(list)
    for config, arm, observations in observed:
        mine = ids.get(config)
        for asking in observations if mine else ():
            if mine and (asking.family, asking.sample_id) in mine:
                found[config, arm, asking.family, asking.sample_id].append(asking)
    return found


def _bare(ordered: Sequence[Moved], teller: _Teller) -> tuple[list[Flip], list[int]]:
    """As many flips without texts as there is room for, and the bytes of each."""
    kept, sizes, room = list[Flip](), list[int](), BARE_LIMIT
    for one in ordered:
        flip = teller.bare(one)
        size = _bytes(flip)
        room -= size
        if room < 0:
            break
        kept.append(flip)
        sizes.append(size)
    return kept, sizes


def _tell(
    kept: list[Flip],
    sizes: Sequence[int],
    moved: Sequence[Moved],
    ranks: Mapping[_Unit, tuple[int, int]],
    teller: _Teller,
) -> int:
    """Put texts into the flips while there is room; how many went without for lack of it."""
    without, room = 0, LIMIT - sum(sizes)
    for place in _turns(moved[: len(kept)], ranks):
        one, flip = moved[place], kept[place]
        if not teller.shows(one):
            continue
        told = flip if without else teller.told(one, flip)
        more = 0 if without else _bytes(told) - sizes[place]
        if without or more > room:
            kept[place], without = _cut(flip), without + 1
        else:
            kept[place], room = told, room - more
    return without


def _turns(moved: Sequence[Moved], ranks: Mapping[_Unit, tuple[int, int]]) -> list[int]:
    """The places in `moved` in the order in which texts are given."""
    seen: defaultdict[tuple[bool, _Unit], int] = defaultdict(int)
    turns = []
    for place, one in enumerate(moved):
        unit = (one.config, one.family)
        rank, order = ranks[unit]
        turns.append((_gained(one), rank, seen[_gained(one), unit], order, place))
        seen[_gained(one), unit] += 1
    return [place for *_, place in sorted(turns)]


def _bytes(flip: Flip) -> int:
    """As JSON, in a page: there an angle bracket and an ampersand take six bytes."""
    text = encoded(flip)
    return len(text.encode()) + 5 * sum(text.count(one) for one in "<>&") + 2


def _cut(flip: Flip) -> Flip:
    """A flip whose texts are left out, and that says so. A call that failed had none."""
    return replace(flip, baseline=_arm_cut(flip.baseline), candidate=_arm_cut(flip.candidate))


def _arm_cut(arm: ArmEvidence) -> ArmEvidence:
    return replace(arm, answers=tuple(replace(one, cut=not one.finish) for one in arm.answers))


class _Teller:
    """Makes flips of samples that moved."""

    def __init__(self, showing: Showing, askings: _Askings) -> None:
        self._policy, self._texts, self._askings = showing.policy, showing.texts, askings
        self._text = Cutter(showing.secrets, most=TEXT_LIMIT)
        self._reason = Cutter(showing.secrets, most=_REASON_LIMIT)

    def shows(self, one: Moved) -> bool:
        """Are there texts that may be shown?"""
        return self._texts is not None and (self._rule(one).evidence or self._policy.evidence) == "full"

    def bare(self, one: Moved) -> Flip:
        return Flip(
            config=one.config,
            family=one.family,
            sample_id=one.sample_id,
            slices=dict(one.slices),
            cluster=one.cluster,
            direction="gained" if _gained(one) else "lost",
            harmful=kind_of(one.family, self._rule(one)) == "adversarial-resistance",
            prompt=None,
            target=None,
            baseline=self._arm(one, "baseline"),
            candidate=self._arm(one, "candidate"),
            slice_only=one.slice_only,
        )

    def told(self, one: Moved, flip: Flip) -> Flip:
        """The same with its texts."""
        if self._texts is None:
            return flip
        prompt, target = (self._ended(text) for text in self._texts.question(one.family, one.sample_id))
        baseline, candidate = (self._with_texts(one, arm, getattr(flip, arm), self._texts) for arm in ARMS)
        return replace(flip, prompt=prompt, target=target, baseline=baseline, candidate=candidate)

    def _ended(self, text: str) -> str:
        kept, cut = self._text(_whole(text))
        return f"{kept}…" if cut else kept

    def _rule(self, one: Moved) -> FamilyRule:
        return self._policy.families[one.family]

    def _asked(self, one: Moved, arm: Arm) -> Sequence[Observation]:
        return self._askings.get((one.config, arm, one.family, one.sample_id), ())

    def _arm(self, one: Moved, arm: Arm) -> ArmEvidence:
        asked = self._asked(one, arm)
        answers = tuple(self._answer(asking) for asking in asked[:MOST_ANSWERS])
        return ArmEvidence(score=getattr(one, arm), answers=answers, asked=len(asked))

    def _answer(self, asking: Observation) -> AnswerShown:
        result = asking.result
        if isinstance(result, CallFailure):
            return AnswerShown(text=None, score=None, reason=self._reason(result.detail)[0], finish=result.kind)
        score = result.value if isinstance(result, Score) else None
        return AnswerShown(text=None, score=score, reason=self._reason(_whole(result.reason))[0], finish="")

    def _with_texts(self, one: Moved, arm: Arm, bare: ArmEvidence, texts: Texts) -> ArmEvidence:
        found = zip(bare.answers, self._asked(one, arm), strict=False)
        return replace(bare, answers=tuple(self._read(one, arm, *both, texts=texts) for both in found))

    def _read(self, one: Moved, arm: Arm, shown: AnswerShown, asking: Observation, *, texts: Texts) -> AnswerShown:
        completion = texts.completion(one.config, arm, asking)
        if completion is None:
            return shown
        text, cut = self._text(_whole(completion.text or completion.refusal or ""))
        return replace(shown, text=text, cut=cut, finish=completion.finish_reason)


def _whole(text: str) -> str:
    """Without halves of characters, as an answer has that was cut inside one: they are no UTF-8."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
