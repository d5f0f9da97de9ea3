"""Advisories in three shapes, and their facts."""

from __future__ import annotations

import random

from datasets.common import STEMS, row

WEAKNESSES = [
    ("CWE-79", "cross-site scripting", "common"),
    ("CWE-89", "SQL injection", "common"),
    ("CWE-400", "uncontrolled resource consumption", "common"),
    ("CWE-22", "path traversal", "common"),
    ("CWE-1321", "prototype pollution", "rare"),
    ("CWE-444", "request smuggling", "rare"),
]
ENDINGS = ["-http", "-parse", "kit", "-auth", "io", "-queue"]


def build(random_: random.Random) -> list[dict]:
    rows = []
    for number in range(60):
        cwe, words, rarity = WEAKNESSES[number % len(WEAKNESSES)]
        package = STEMS[number % 10] + ENDINGS[number // 10]
        major, minor = random_.randint(1, 9), random_.randint(0, 20)
        fact = {
            "id": f"CVE-2031-{10_000 + 137 * number}",
            "package": package,
            "affected": f"{major}.{minor}.0",
            "fixed": f"{major}.{minor + random_.randint(1, 4)}.{random_.randint(1, 9)}",
            "severity": random_.choice(["Low", "Moderate", "High", "Critical"]),
            "weakness": cwe,
        }
        shapes = [
            "{id}\nPackage: {package}\nSeverity: {severity}\n\nA flaw of type {weakness} ("
            + words
            + ") was found. Releases starting with {affected} are affected; {fixed} has the fix. There is no workaround.",
            "The maintainers of {package} were told of "
            + words
            + " ({weakness}) by a user. It came in with {affected} and is gone in {fixed}. It is tracked as {id} and rated {severity}. Version 0.9.1 never had it.",
            "# {package}: "
            + words
            + "\n\n- affected: >= {affected}, < {fixed}\n- identifier: {id}\n- rating: {severity}\n- weakness: {weakness}\n\nAn attacker must reach the service. Related, but another matter: CVE-2030-1001.",
        ]
        rows.append(
            row(
                number,
                {"advisory": shapes[number % 3].format(**fact)},
                fact,
                {"weakness": cwe, "rarity": rarity, "shape": ["record", "prose", "list"][number % 3]},
            )
        )
    return rows
