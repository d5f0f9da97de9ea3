"""L2: the OWASP Benchmark → a dataset of exploit hypotheses: Java servlets, each with a published verdict.

Its table of expected results has one test a line (``BenchmarkTest00008,sqli,true,89``); a test's code is the file of
that name. Only tests whose code is given become samples. The licence's comment above the package is left out.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping

from gate.domain import Json
from gate.errors import Problem, Problems
from gate.jsonl import MAX_PROBLEMS

_ROW = re.compile(r"(?P<name>\w{1,100}),(?P<category>\w{1,40}),(?P<vulnerable>true|false),(?P<cwe>[1-9]\d{0,4})")
_HOME = "src/main/java/org/owasp/benchmark/testcode"
_FINDINGS = {
    "cmdi": "A value may become part of a command that the system runs.",
    "crypto": "A cipher is chosen that may be weak.",
    "hash": "A hash function is chosen that may be weak.",
    "ldapi": "A value may become part of a directory filter.",
    "pathtraver": "A value may become part of a file's path.",
    "securecookie": "A cookie may be sent over a connection that is not encrypted.",
    "sqli": "A value may become part of an SQL statement.",
    "trustbound": "A value may enter the session unchecked.",
    "weakrand": "Random numbers may be predictable.",
    "xpathi": "A value may become part of an XPath expression.",
    "xss": "A value may become part of a page.",
}


def samples_from_owasp_benchmark(expected: str, code: Mapping[str, str], *, file: str) -> list[dict[str, Json]]:
    """Rows of a dataset file, in the table's order; `code` is by test name. Raises Problems that name its lines.

    Verdict and weakness are the published ones; the table tells no places. Tests of one category are one cluster: they
    are made from few templates.
    """
    rows, problems = [], []
    for number, line in enumerate(csv.reader(expected.splitlines()), start=1):
        if not line or line[0].startswith("#"):
            continue
        match = _ROW.fullmatch(",".join(cell.strip() for cell in line[:4]))
        if match is None:
            what = "is not: test name, category, true or false, CWE number"
            problems.append(Problem(file=file, line=number, column=1, what=what))
        elif match["name"] in code:
            rows.append(_row(match, code[match["name"]]))
    if problems:
        raise Problems(problems[:MAX_PROBLEMS])
    return rows


def _row(match: re.Match[str], code: str) -> dict[str, Json]:
    name, category, cwe = match["name"], match["category"], f"CWE-{match['cwe']}"
    vulnerable = match["vulnerable"] == "true"
    given: dict[str, Json] = {
        "finding": _FINDINGS.get(category, f"The scanner's rule is {category}."),
        "path": f"{_HOME}/{name}.java",
        "language": "java",
        "code": code[max(0, code.find("package ")) :],
    }
    target: dict[str, Json] = {"vulnerable": True, "cwe": cwe} if vulnerable else {"vulnerable": False}
    slices: dict[str, Json] = {"cwe": cwe, "language": "java", "truth": "flaw" if vulnerable else "benign"}
    return {"id": name, "input": given, "target": target, "slices": slices, "cluster": category}
