"""L4: OSV records → rows of a dataset for advisory summaries. Format: https://ossf.github.io/osv-schema/."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from gate.domain import Json
from gate.families.advisory_severity import LEVELS, measured
from gate.families.advisory_target import problems
from gate.families.cwe import parse_cwes

MOST_PACKAGES = 4
MOST_RANGES = 10
_MOST_RELEASES = 400
Record = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """`rows` are lines of a JSONL dataset; `left_out` says of each other record why it makes none."""

    rows: tuple[dict[str, Json], ...]
    left_out: tuple[str, ...]


def samples_from_osv(records: Iterable[Json]) -> Converted:
    """One row for each record that a summary can be made of.

    Left out: withdrawn records, those without a package, ranges or text, and those of more packages or ranges than a
    summary can name. Git ranges are not read. Clusters are packages, since their advisories are alike.
    """
    rows: dict[str, dict[str, Json]] = {}
    left_out: list[str] = []
    for number, record in enumerate(records, start=1):
        row, why = _row(record)
        if row is not None and str(row["id"]) not in rows:
            rows[str(row["id"])] = row
        else:
            left_out.append(f"record {number}: {why or 'has the id of an earlier one'}")
    return Converted(rows=tuple(rows.values()), left_out=tuple(left_out))


def _row(record: Json) -> tuple[dict[str, Json] | None, str]:
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        return None, "is no OSV record"
    if record.get("withdrawn"):
        return None, "is withdrawn"
    target = _target(record)
    packages = cast("list[dict[str, list[Json]]]", target["affected"])
    ranges = sum(len(one["ranges"]) for one in packages)
    if not ranges or not (record.get("details") or record.get("summary")):
        return None, "has no ranges of versions, or no text"
    if len(packages) > MOST_PACKAGES or ranges > MOST_RANGES:
        return None, "has too many packages or ranges"
    if wrong := next(problems(target), None):
        return None, wrong
    first = cast("dict[str, str]", packages[0])
    slices: dict[str, Json] = {"ecosystem": first["ecosystem"], "ranges": "one" if ranges == 1 else "several"}
    if cwes := _texts(target.get("cwe")):
        slices["weakness"] = cwes[0]
    row: dict[str, Json] = {"id": record["id"], "input": {"advisory": _advisory(record, target)}, "target": target}
    return {**row, "slices": slices, "cluster": f"{first['ecosystem']}/{first['package']}"}, ""


def _target(record: Record) -> dict[str, Json]:
    ids = [record["id"], *_texts(record.get("aliases"))]
    target: dict[str, Json] = {"ids": list(dict.fromkeys(ids)), "affected": list(_affected(record))}
    more = _object(record.get("database_specific"))
    word = more.get("severity")
    if isinstance(word, str) and word.casefold() in LEVELS:
        target["severity"] = word.casefold()
    if vectors := _vectors(record):
        target["cvss"] = list(vectors)
    if cwes := parse_cwes(more.get("cwe_ids") or more.get("cwes")):
        target["cwe"] = list(cwes)
    return target


def _affected(record: Record) -> Iterator[dict[str, Json]]:
    """Each package once, with the ranges of all its entries."""
    merged: dict[tuple[str, str], dict[str, list[Json]]] = {}
    for one in _objects(record.get("affected")):
        package = _object(one.get("package"))
        key = (str(package.get("name") or ""), str(package.get("ecosystem") or ""))
        held = merged.setdefault(key, {"ranges": [], "releases": []})
        held["ranges"] += [each for each in _ranges(one) if each not in held["ranges"]]
        held["releases"] += [each for each in _texts(one.get("versions")) if each not in held["releases"]]
    for (name, ecosystem), held in merged.items():
        if name and ecosystem and held["ranges"]:
            known = held["releases"] if len(held["releases"]) <= _MOST_RELEASES else []
            yield {"package": name, "ecosystem": ecosystem, **held, "releases": known}


def _ranges(affected: Record) -> Iterator[dict[str, Json]]:
    """The events of a range, in their order: each introduced opens one, fixed or last_affected ends it."""
    for one in _objects(affected.get("ranges")):
        if one.get("type") == "GIT":
            continue
        opened: str | None = None
        for name, version in (pair for event in _objects(one.get("events")) for pair in event.items()):
            if opened is not None and name in ("fixed", "last_affected"):
                yield {"introduced": opened, name: version}
                opened = None
            elif name == "introduced":
                opened = str(version)
        if opened is not None:
            yield {"introduced": opened}


def _vectors(record: Record) -> Sequence[str]:
    given = [record, *_objects(record.get("affected"))]
    scores = [str(each.get("score")) for one in given for each in _objects(one.get("severity"))]
    return [one for one in dict.fromkeys(scores) if measured(one) is not None]


def _advisory(record: Record, target: Record) -> str:
    """The record as a page would show it: fields first, then its text, then references."""
    lines = [f"Advisory {record['id']}"]
    lines += [f"{name}: {', '.join(found)}" for name, found in _named_lists(record, target) if found]
    for one in _objects(target.get("affected")):
        events = [
            ", ".join(f"{key} {version}" for key, version in each.items()) for each in _objects(one.get("ranges"))
        ]
        lines += [f"Package: {one['package']} ({one['ecosystem']})", *(f"- {each}" for each in events)]
    if target.get("severity"):
        lines.append(f"Severity: {target['severity']}")
    texts = [str(text).strip() for text in (record.get("summary"), record.get("details")) if text]
    urls = [str(one["url"]) for one in _objects(record.get("references")) if one.get("url")]
    return "\n\n".join(["\n".join(lines), *texts, *(["References:\n" + "\n".join(urls)] if urls else [])])


def _named_lists(record: Record, target: Record) -> list[tuple[str, list[str]]]:
    return [
        ("Aliases", _texts(record.get("aliases"))),
        ("Related", _texts(record.get("related"))),
        ("CVSS", _texts(target.get("cvss"))),
        ("Weaknesses", _texts(target.get("cwe"))),
    ]


def _object(value: Json) -> Record:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: Json) -> list[str]:
    return [one for one in value if isinstance(one, str) and one] if isinstance(value, list) else []
