"""L2: scanners' reports and a person's grouping → a dataset of cross-finding correlation.

An answer file has one sample a line; the ids are those that `driftgate datasets findings` prints for the same reports::

    {"id": "login-1", "groups": [["semgrep-4", "zap-2"], ["semgrep-9"]], "slices": {"kind": "web"}, "cluster": "shop"}

A sample asks about the findings that its groups name, in the reports' order, and about no others.
"""

from __future__ import annotations

from collections.abc import Sequence

from gate.datasets import label, labels
from gate.domain import Json
from gate.importers.finding import Finding
from gate.jsonl import BadLine, read_jsonl

_KEYS = {"id", "groups", "slices", "cluster"}


def samples_from_answers(findings: Sequence[Finding], answers: str, *, file: str) -> list[dict[str, Json]]:
    """Rows of a dataset file. Raises Problems that name the answer file's lines."""
    known = {one.id: one for one in findings}
    return [row for _, row in read_jsonl(answers, file=file, read=lambda line: _row(line, known))]


def _row(line: dict[str, Json], known: dict[str, Finding]) -> dict[str, Json]:
    if set(line) - _KEYS:
        raise BadLine(f"has an unknown key | known here: {', '.join(sorted(_KEYS))}")
    groups = _groups(line.get("groups"))
    named = [one for group in groups for one in group]
    if absent := sorted(set(named) - set(known)):
        raise BadLine(f"names {absent[0][:60]!r}, which no report holds | see driftgate datasets findings")
    if len(set(named)) != len(named):
        raise BadLine("names a finding twice | each finding has one root cause")
    slices, cluster = labels(line)
    findings: list[Json] = [one.as_json() for one in known.values() if one.id in set(named)]
    row: dict[str, Json] = {"id": label(line.get("id"), "id"), "input": {"findings": findings}}
    row |= {"target": {"groups": [list(group) for group in groups]}, "slices": dict(slices)}
    return row if cluster is None else {**row, "cluster": cluster}


def _groups(value: Json) -> list[list[str]]:
    groups = value if isinstance(value, list) else []
    texts = [[one for one in group if isinstance(one, str)] for group in groups if isinstance(group, list)]
    if not texts or not all(texts) or texts != groups:
        raise BadLine("has no groups | give a list of lists of finding ids, none of them empty")
    return texts
