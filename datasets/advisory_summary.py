"""Advisories in twelve shapes about twelve flaws, and the facts that a summary must keep."""

from __future__ import annotations

import random

from datasets.advisory_shapes import SHAPES, Facts
from datasets.advisory_stories import CLOSERS, FINDERS, OPENERS, STORIES, TALK, Story
from datasets.common import CANARY
from gate.families.advisory_severity import measured

ECOSYSTEMS = ("PyPI", "npm", "Maven", "Go", "RubyGems", "crates.io", "NuGet", "Packagist")
RUNTIMES = {
    "PyPI": "Python 3.9",
    "npm": "Node.js 18.2",
    "Maven": "Java 17.0",
    "Go": "Go 1.21",
    "RubyGems": "Ruby 3.1",
    "crates.io": "rustc 1.70",
    "NuGet": ".NET 8.0",
    "Packagist": "PHP 8.1",
}
OWN_IDS = {"PyPI": "PYSEC-2031-{}", "crates.io": "RUSTSEC-2031-{:04d}", "Go": "GO-2031-{}"}
KINDS = ("one", "one", "first", "two", "two", "three", "none", "open")
_GHSA = "23456789cfghjmpqrvwx"


def build(random_: random.Random) -> list[dict]:
    rows = []
    for story_number, story in enumerate(STORIES):
        for shape_number, shape in enumerate(SHAPES):
            number = len(rows)
            facts, kind = _facts(random_, story, number, (story_number, shape_number))
            text = SHAPES[shape](facts)
            rows.append(
                {
                    "id": f"{CANARY}-{number:03d}",
                    "input": {"advisory": text},
                    "target": _target(facts),
                    "slices": {
                        "weakness": story.cwe,
                        "ecosystem": facts.ecosystem,
                        "rarity": story.rarity,
                        "difficulty": _difficulty(shape, kind, facts),
                        "shape": shape,
                    },
                    "cluster": f"{shape}-{story_number // 3}",
                }
            )
    return rows


def _facts(random_: random.Random, story: Story, number: int, place: tuple[int, int]) -> tuple[Facts, str]:
    story_number, shape_number = place
    ecosystem = ECOSYSTEMS[(story_number + shape_number) % len(ECOSYSTEMS)]
    kind = KINDS[(story_number * 5 + shape_number * 3) % len(KINDS)]
    stem = story.stems[shape_number]
    branches = _branches(random_, kind)
    vector = story.vectors[number % len(story.vectors)]
    told = (number // 3) % 3
    talk = random_.sample(TALK, 10)
    top = max(int(part.split(".")[0]) for pair in branches for part in pair if part)
    facts = Facts(
        story=story,
        number=random_.randint(3, 90),
        cve=f"CVE-2031-{20_000 + 173 * number + random_.randint(0, 160)}",
        others=_others(random_, ecosystem, number),
        package=_name(stem, ecosystem),
        ecosystem=ecosystem,
        branches=branches,
        level={"medium": "moderate"}.get(measured(vector)[2], measured(vector)[2]),
        vector=None if told == 0 else vector,
        says_word=told != 1,
        workaround=kind in ("none", "open") or number % 2 == 0,
        sibling=f"{random_.choice(['lodgepole', 'periwinkle', 'saltmarsh', 'thornapple', 'windrush'])}-{random_.choice(['core', 'cli', 'auth'])}",
        sibling_cve=f"CVE-2030-{random_.randint(10_000, 59_999)}",
        sibling_fix=f"{top + 2}.{random_.randint(0, 9)}.{random_.randint(1, 9)}",
        newer=f"{top + 1}.{random_.randint(0, 4)}.0",
        runtime=RUNTIMES[ecosystem],
        opener=" ".join([OPENERS[(number * 5 + story_number) % len(OPENERS)], *talk[:3]]),
        finder=" ".join([FINDERS[(number * 7 + story_number) % len(FINDERS)], *talk[3:6]]),
        closer=" ".join([CLOSERS[(number * 11 + story_number) % len(CLOSERS)], *talk[6:]]),
    )
    return facts, kind


def _branches(random_: random.Random, kind: str) -> tuple[tuple[str, str | None], ...]:
    """First affected and fixed version of each branch. `none`: no fix, from a version on; `open`: no fix at all."""
    major, minor = random_.randint(1, 7), random_.randint(1, 12)
    fix = f"{major}.{minor + random_.randint(1, 3)}.{random_.randint(1, 9)}"
    low = f"{major}.{minor}.0"
    second = (f"{major + 1}.0.0", f"{major + 1}.{random_.randint(1, 6)}.{random_.randint(1, 9)}")
    third = (f"{major + 2}.0.0", f"{major + 2}.{random_.randint(0, 3)}.{random_.randint(2, 9)}")
    kinds: dict[str, tuple[tuple[str, str | None], ...]] = {
        "one": ((low, fix),),
        "first": (("0", fix),),
        "two": ((low, fix), second),
        "three": (("0", fix), second, third),
        "none": ((low, None),),
        "open": (("0", None),),
    }
    return kinds[kind]


def _others(random_: random.Random, ecosystem: str, number: int) -> tuple[str, ...]:
    parts = ["".join(random_.choice(_GHSA) for _ in range(4)) for _ in range(3)]
    own = OWN_IDS.get(ecosystem)
    ids = [f"GHSA-{'-'.join(parts)}"] if number % 7 != 3 else []
    return (*ids, *([own.format(1000 + number * 7 + random_.randint(0, 6))] if own else []))


def _name(stem: str, ecosystem: str) -> str:
    return {
        "PyPI": f"{stem}-py",
        "npm": f"@{stem}/core",
        "Maven": f"org.{stem}:{stem}-server",
        "Go": f"code.example/{stem}/engine",
        "RubyGems": f"{stem}_rb",
        "crates.io": f"{stem}-rs",
        "NuGet": f"{stem.capitalize()}.Core",
        "Packagist": f"{stem}/bundle",
    }[ecosystem]


def _target(facts: Facts) -> dict:
    ranges = [{"introduced": low, **({"fixed": fix} if fix else {})} for low, fix in facts.branches]
    target: dict = {
        "ids": list(facts.ids),
        "affected": [{"package": facts.package, "ecosystem": facts.ecosystem, "ranges": ranges}],
        "severity": facts.level,
        "cwe": [facts.story.cwe],
    }
    target |= {"cvss": [facts.vector]} if facts.vector else {}
    return target | ({"workaround": [facts.story.workaround[0]]} if facts.workaround else {})


def _difficulty(shape: str, kind: str, facts: Facts) -> str:
    """Points for what misleads: several branches, a rating to work out, facts that are corrected or scattered."""
    points = (
        (kind in ("two", "three")) + (not facts.says_word) + (shape in ("correction", "digest", "table", "changelog"))
    )
    return ("easy", "medium", "hard", "hard")[points]
