"""L2: what can be wrong with a dataset whose samples are each in order: twins, lopsided or guessable targets.

Pure and deterministic. Meant for up to 5,000 samples: near-duplicates by prefix filtering, not by comparing all pairs.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gate.domain import Json, Sample

NEAR = 0.9
"""Jaccard similarity from which two samples are near-duplicates."""
MOST_NEAR = 1_000
"""Near-duplicate pairs after which a dataset is known to be full of them, and comparing on would take for ever."""
LOPSIDED = 0.9
"""Share of one target value from which always answering it is a good guess."""
_SHINGLE = 3
_WORD = re.compile(r"[^\W_]+|[^\w\s]")
_DIGITS = re.compile(r"\d+")
_TEMPLATE_FROM = 20
_FOLDS = 5
_MOST_LABELS = 20
_TOLD = 0.9
_ROUNDING = 1e-9

Shingles = frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Two samples by their place in the dataset, and how similar they are; 1: equal but for numbers."""

    first: int
    second: int
    similarity: float


def shingles(samples: Sequence[Sample]) -> list[Shingles]:
    """Runs of three words of each sample's input; every number is one word.

    Among 20 samples or more, a run that over half of them have is their common template and says nothing.
    """
    runs = [_runs(_words(sample.input)) for sample in samples]
    if len(runs) < _TEMPLATE_FROM:
        return runs
    held = Counter(run for each in runs for run in each)
    template = {run for run, number in held.items() if number > len(runs) / 2}
    return [each - template for each in runs]


def near_duplicates(sets: Sequence[Shingles], *, least: float = NEAR, most: int = MOST_NEAR) -> list[Near]:
    """All pairs with a Jaccard similarity of at least `least`, in order of the first; no more are sought after `most`.

    Exact. Of two such sets, ordered alike by rarity, the first ``|a| − ⌈least·|a|⌉ + 1`` members of each share one
    (Bayardo, Ma, Srikant 2007, Scaling up all pairs similarity search), so only those are looked up.
    """
    held = Counter(run for each in sets for run in each)
    waiting: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    found = []
    for index, each in sorted(enumerate(sets), key=lambda one: (len(one[1]), one[0])):
        ordered = sorted(each, key=lambda run: (held[run], run))
        prefix = ordered[: len(ordered) - math.ceil(least * len(ordered) - _ROUNDING) + 1]
        others = {one for run in prefix for one in waiting[run] if len(sets[one]) >= least * len(each) - _ROUNDING}
        alike = ((other, similarity(each, sets[other])) for other in others)
        found += [
            Near(first=min(index, other), second=max(index, other), similarity=value)
            for other, value in alike
            if value >= least
        ]
        if len(found) >= most:
            break
        for run in prefix:
            waiting[run].append(index)
    return sorted(found, key=lambda one: (one.first, one.second))


def similarity(one: Shingles, other: Shingles) -> float:
    """Jaccard: shared of all; 0 for two empty sets (nothing is known of them)."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def nearest(sets: Sequence[Shingles]) -> float:
    """The largest similarity of any two: all pairs, for small sets."""
    return max((similarity(one, two) for index, one in enumerate(sets) for two in sets[:index]), default=0.0)


def repeated_inputs(samples: Sequence[Sample]) -> Iterator[tuple[int, int]]:
    """Pairs of samples with the very same input: a sample and the first that has it."""
    first: dict[str, int] = {}
    for index, sample in enumerate(samples):
        before = first.setdefault(_canonical(sample.input), index)
        if before != index:
            yield before, index


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What can be guessed of one label: by always giving the commonest value, and from the words of the input.

    Shares of samples guessed right when the guesser has learned from other clusters only (five folds).
    """

    field: str
    values: int
    majority: float
    words: float


def guesses(samples: Sequence[Sample]) -> list[Guess]:
    """One for the target where it is a label, or for each of its fields that is. None where nothing is a label."""
    folds = _folds(samples)
    words = [frozenset(_words(sample.input)) for sample in samples]
    return [_guess(field, labels, words, folds) for field, labels in _labels(samples).items()]


def _labels(samples: Sequence[Sample]) -> dict[str, list[str]]:
    """Fields with a value in every sample, of at least two and at most twenty kinds, each seen twice or more.

    Left out are those that nearly every input states: they are there to be read, not to be judged.
    """
    told = [_scalars(sample.target) for sample in samples]
    columns = {field: [one.get(field, "") for one in told] for field in (told[0] if told else {})}
    texts = [_canonical(sample.input).lower() for sample in samples]
    return {
        field: values
        for field, values in columns.items()
        if "" not in values and _are_labels(values) and not _stated(values, texts)
    }


def _stated(values: Sequence[str], texts: Sequence[str]) -> bool:
    """Nearly all inputs hold their own value as a word, and not as many hold another sample's."""
    patterns = {value: re.compile(rf"(?<!\w){re.escape(value.lower())}(?!\w)") for value in values}
    own = sum(bool(patterns[value].search(text)) for value, text in zip(values, texts, strict=True))
    others = [(value, text) for mine, text in zip(values, texts, strict=True) for value in patterns if value != mine]
    foreign = sum(bool(patterns[value].search(text)) for value, text in others)
    return own >= _TOLD * len(texts) and foreign < len(others) / 2


def _are_labels(values: Sequence[str]) -> bool:
    counts = Counter(values)
    return 2 <= len(counts) <= _MOST_LABELS and min(counts.values()) >= 2


def _scalars(target: Json) -> dict[str, str]:
    fields = {f"target.{key}": value for key, value in target.items()} if isinstance(target, dict) else {}
    found = {key: str(value) for key, value in fields.items() if isinstance(value, bool | str)}
    return found | ({"target": str(target)} if isinstance(target, bool | str) else {})


def lopsided(samples: Sequence[Sample]) -> Iterator[tuple[str, str, float]]:
    """Fields of the target, with the value that nearly every sample has and its share."""
    told = [_scalars(sample.target) for sample in samples]
    for field in sorted({field for one in told for field in one}):
        value, number = Counter(one.get(field, "") for one in told).most_common(1)[0]
        if value and number / len(samples) >= LOPSIDED:
            yield field, value, number / len(samples)


def _folds(samples: Sequence[Sample]) -> list[int]:
    """Clusters, in the order they come, dealt out in turn; a sample without one is a cluster of its own."""
    dealt: dict[str, int] = {}
    return [
        dealt.setdefault(f"c {one.cluster}" if one.cluster else f"s {one.id}", len(dealt) % _FOLDS) for one in samples
    ]


def _guess(field: str, labels: Sequence[str], words: Sequence[frozenset[str]], folds: Sequence[int]) -> Guess:
    majority = by_words = 0
    for fold in sorted(set(folds)):
        learn = [index for index, one in enumerate(folds) if one != fold]
        counts = Counter(labels[index] for index in learn)
        model = _learn([(labels[index], words[index]) for index in learn])
        for index in (index for index, one in enumerate(folds) if one == fold):
            majority += bool(counts) and labels[index] == min(counts, key=lambda label: (-counts[label], label))
            by_words += bool(counts) and labels[index] == _classify(words[index], counts, model)
    number = len(labels)
    return Guess(field=field, values=len(set(labels)), majority=majority / number, words=by_words / number)


def _learn(examples: Iterable[tuple[str, frozenset[str]]]) -> Mapping[str, Counter[str]]:
    model: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for label, words in examples:
        model[label].update(words)
    return model


def _classify(words: frozenset[str], counts: Counter[str], model: Mapping[str, Counter[str]]) -> str:
    """Naive Bayes over the presence of words, with one added to each count; ties go to the first label."""

    def score(label: str) -> tuple[float, str]:
        total, seen = counts[label], model[label]
        return -math.fsum([math.log(total), *(math.log((seen[word] + 1) / (total + 2)) for word in words)]), label

    return min(map(score, counts))[1]


def _words(value: Json | Mapping[str, Json]) -> list[str]:
    return [_DIGITS.sub("0", word) for text in _texts(value) for word in _WORD.findall(text.lower())]


def _texts(value: Json | Mapping[str, Json]) -> Iterator[str]:
    """All texts and numbers in it, keys left out, in a fixed order."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _texts(value[key])
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif value is not None:
        yield str(value)


def _runs(words: Sequence[str]) -> Shingles:
    """A text shorter than a run is one run."""
    last = max(1, len(words) - _SHINGLE + 1)
    return frozenset(tuple(words[start : start + _SHINGLE]) for start in range(last)) if words else frozenset()


def _canonical(value: Json | Mapping[str, Json]) -> str:
    import json

    return json.dumps(value, sort_keys=True, ensure_ascii=False)
