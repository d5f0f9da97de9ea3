"""L2: dataset files → samples. Ids are unique, targets present, and the digest covers the file's bytes.

One JSON object a line::

    {"id": "sql-017", "input": {…}, "target": …, "slices": {"cwe": "CWE-89"}, "cluster": "repo-a"}

`slices` and `cluster` may be left out. What `input` and `target` hold is the family's own business.

A file named ``….csv`` holds the same as a table; an empty cell is left out::

    id,input.prompt,target,slices.cwe,cluster
    sql-017,"Which weakness is this? …",CWE-89,CWE-89,repo-a

``input.files:json`` or ``target:json`` is a column of JSON (see `gate.csv_table`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib import resources

from gate.csv_table import read_csv
from gate.domain import Dataset, Json, Sample
from gate.errors import FileProblem, Problem, Problems
from gate.files import DATASET_LIMIT, Files
from gate.jsonl import BadLine, read_jsonl

_KEYS = {"id", "input", "target", "slices", "cluster"}
_LABEL = re.compile(r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff]{1,200}")


def load_dataset(files: Files, path: str) -> Dataset:
    """A dataset of the repository.

    Raises
    ------
    Problems
        Everything wrong with it, located by line.
    """
    try:
        data = files.read(path, limit=DATASET_LIMIT)
    except FileProblem as problem:
        raise Problems([Problem(file=path, what=problem.what)]) from None
    return parse_dataset(data, source=path)


def load_builtin(kind: str) -> Dataset:
    """The starter dataset that comes with Driftgate."""
    data = resources.files("gate").joinpath("starter", f"{kind}.jsonl").read_bytes()
    return parse_dataset(data, source=f"builtin:starter/{kind}")


def parse_dataset(data: bytes, *, source: str) -> Dataset:
    """Bytes of a JSONL file (of a CSV file where `source` says so) → Dataset. Raises Problems."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text (byte {error.start})"
        raise Problems([Problem(file=source, what=what)]) from None
    read = read_csv if source.lower().endswith(".csv") else read_jsonl
    numbered = read(text, file=source, read=_sample)
    if not numbered:
        raise Problems([Problem(file=source, what="holds no samples")])
    if twice := _repeated(numbered, source):
        raise Problems(twice)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    lines, samples = zip(*numbered, strict=True)
    return Dataset(source=source, digest=digest, samples=samples, lines=lines)


def sample_problem(dataset: Dataset, index: int, what: str, hint: str = "") -> Problem:
    """Something wrong with one sample, at its line."""
    line = dataset.lines[index] if dataset.lines else 0
    path = f"sample {dataset.samples[index].id}"
    return Problem(file=dataset.source, line=line, column=min(line, 1), path=path, what=what, hint=hint)


def _repeated(numbered: list[tuple[int, Sample]], source: str) -> list[Problem]:
    first: dict[str, int] = {}
    problems = []
    for line, sample in numbered:
        before = first.setdefault(sample.id, line)
        if before != line:
            what = f"has the id of line {before}"
            problems.append(Problem(file=source, line=line, column=1, path="id", what=what))
    return problems[:50]


def _sample(item: dict[str, Json]) -> Sample:
    if unknown := sorted(set(item) - _KEYS):
        raise BadLine(f"has an unknown key | known here: {', '.join(sorted(_KEYS))}" if unknown else "")
    if "target" not in item or item["target"] is None:
        raise BadLine("has no target | give the expected answer")
    given = item.get("input")
    if not isinstance(given, dict):
        raise BadLine("has no input | give an object, as the family's page says")
    slices, cluster = labels(item)
    return Sample(
        id=label(item.get("id"), "id"),
        input=given,
        target=item["target"],
        slices=slices,
        cluster=cluster,
    )


def label(value: Json, name: str) -> str:
    """A short printable text; raises BadLine naming `name`."""
    if not isinstance(value, str) or not value.strip():
        raise BadLine(f"has no {name} | give a text that is not empty")
    if not _LABEL.fullmatch(value):
        raise BadLine(f"has an unusable {name} | at most 200 printable characters")
    return value


def labels(item: Mapping[str, Json]) -> tuple[dict[str, str], str | None]:
    """`slices` and `cluster` of a line; raises BadLine."""
    slices = item.get("slices") or {}
    if not isinstance(slices, dict):
        raise BadLine("has slices that are not an object of texts")
    named = {label(name, "slice name"): label(value, "slice value") for name, value in slices.items()}
    cluster = item.get("cluster")
    return named, None if cluster is None else label(cluster, "cluster")
