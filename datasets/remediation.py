"""Small files with a flaw, and the patch that removes it."""

from __future__ import annotations

import difflib
import random

from datasets.common import FLAWS, NAMES, TOPICS, VERBS, row


def build(random_: random.Random) -> list[dict]:
    rows = []
    for cwe, rarity, language, finding, unsafe, safe, _ in FLAWS:
        for topic in TOPICS[:6]:
            words = {"t": topic, "v": random_.choice(NAMES), "f": f"{random_.choice(VERBS)}_{topic}"}
            path = f"src/{topic}.{'py' if language == 'python' else language[:2]}"
            before, after = (code.format(**words) + "\n" for code in (unsafe, safe))
            lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{path}", f"b/{path}", lineterm="")
            files = {path: before, f"tests/test_{topic}.txt": f"covers {words['f']}\n"}
            rows.append(
                row(
                    len(rows),
                    {"finding": f"{cwe}: {finding}", "files": files, "allowed": [path]},
                    {"patch": "\n".join(lines) + "\n"},
                    {"cwe": cwe, "language": language, "rarity": rarity},
                )
            )
    return rows
