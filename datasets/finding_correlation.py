"""Findings of three invented scanners, grouped by flaw."""

from __future__ import annotations

import random

from datasets.common import FLAWS, TOPICS, row


def build(random_: random.Random) -> list[dict]:
    rows = []
    for number in range(60):
        findings, groups = [], []
        for flaw in range(random_.randint(2, 4)):
            cwe = random_.choice(FLAWS)[0]
            path, line = f"src/{random_.choice(TOPICS)}{flaw}.py", random_.randint(5, 200)
            group = []
            for tool in random_.sample(["alpha-scan", "beta-lint", "gamma-dast"], random_.randint(1, 3)):
                ident = f"f{number}-{random_.randint(1000, 9999)}{len(findings)}"
                wording = {
                    "alpha-scan": f"{cwe} in {path}",
                    "beta-lint": f"tainted value reaches sink near line {line}",
                    "gamma-dast": "unsafe handling of a request parameter",
                }[tool]
                findings.append(
                    {
                        "id": ident,
                        "tool": tool,
                        "rule": cwe if tool == "alpha-scan" else f"{tool[:4]}-{cwe[4:]}",
                        "path": path,
                        "line": line + random_.randint(-1, 1),
                        "message": wording,
                    }
                )
                group.append(ident)
            groups.append(group)
        random_.shuffle(findings)
        size = "many" if len(findings) > 7 else "few"
        rows.append(row(number, {"findings": findings}, {"groups": groups}, {"size": size, "flaws": str(len(groups))}))
    return rows
