"""L2: logs of Inspect: `.json`, and `.eval` (a zip with one file a sample)."""

from __future__ import annotations

import io
import json
import lzma
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gate.domain import Json
from gate.importers.finding import at, object_at, objects_at, text_at
from gate.importers.results.row import BadLog, Log, Row, Told, digest_of, refuse_crowded, whole

if TYPE_CHECKING:
    from backports.zstd import zipfile

_GRADES: dict[str, float] = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""As Inspect's own `value_to_float` has them: N is the model's "no answer", which Inspect counts as wrong."""
_LARGEST_MEMBER, _LARGEST = 32 * 1024 * 1024, 512 * 1024 * 1024
_MEMBERS = 200_000


def is_inspect(log: Log) -> bool:
    return isinstance(at(log.first, "eval", "task"), str) and isinstance(at(log.first, "status"), str)


def from_inspect(log: Log) -> Told:
    whole_log = log.first
    task = text_at(whole_log, "eval", "task")
    samples = objects_at(whole_log, "samples")
    if not samples:
        raise BadLog("holds an Inspect log without samples | let Inspect log its samples (log_samples)")
    rows = [_row(task, sample) for sample in samples]
    status = text_at(whole_log, "status")
    notices = () if status == "success" else (f"the Inspect run of {task} has the status {status[:40]!r}",)
    return Told(rows=(*rows, *_absent(whole_log, rows)), notices=notices)


def _row(task: str, sample: dict[str, Json]) -> Row:
    scores = dict(_scores(sample))
    epoch = whole(sample.get("epoch"))
    return Row(
        task=task,
        id=text_at(sample, "id"),
        repeat=max(0, epoch - 1) if epoch is not None else None,
        input=digest_of(_asked(sample.get("input")), sample.get("target")),
        scores=scores,
        error=bool(sample.get("error")),
    )


def _asked(given: Json) -> Json:
    """The words of an input. Messages have ids that differ from run to run."""
    if not isinstance(given, list):
        return given
    return [[at(one, "role"), at(one, "content")] for one in given]


def _scores(sample: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    """Older logs have one `score`; a scorer's value may be an object, whose keys are metrics then."""
    named = object_at(sample, "scores") or ({"score": sample["score"]} if sample.get("score") else {})
    for scorer, score in named.items():
        value = at(score, "value")
        if isinstance(value, dict):
            yield from ((f"{scorer}/{key}", _number(one)) for key, one in value.items())
        else:
            yield scorer, _number(value)


def _number(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        return _GRADES[value] if value in _GRADES else float(value[:40])
    except ValueError:
        return _GRADES.get(value.lower(), value)


def _absent(log: Json, rows: list[Row]) -> Iterator[Row]:
    """Samples that the run was to ask and the log lacks: unscored, on every metric."""
    there = {row.id for row in rows}
    ids = at(log, "eval", "dataset", "sample_ids")
    for one in ids if isinstance(ids, list) else []:
        if (name := text_at(one)) and name not in there:
            yield Row(task=rows[0].task, id=name, reason="the log lacks this sample")


def unzipped(data: bytes) -> dict[str, Json]:
    """An `.eval` file as the `.json` log would be. Raises BadLog; never unpacks more than 512 MiB."""
    from backports.zstd import ZstdError, zipfile

    if data.count(b"PK\x01\x02") > _MEMBERS:  # entries of the directory, which opening the zip would read all
        raise BadLog(f"is a zip of more than {_MEMBERS:,} files")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _put_together(archive)
    except BadLog:
        raise
    except (ValueError, RecursionError):  # before RuntimeError, which a RecursionError is too
        raise BadLog("is a zip that holds unusable JSON") from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, ZstdError, EOFError, OSError, RuntimeError) as error:
        hint = "inspect log convert --to json makes a log that every version can read"
        raise BadLog(f"is a zip that cannot be read ({type(error).__name__}) | {hint}") from None


def _put_together(archive: zipfile.ZipFile) -> dict[str, Json]:
    names = archive.namelist()
    head = "header.json" if "header.json" in names else "_journal/start.json"
    if head not in names:
        raise BadLog("is a zip, and no Inspect log")
    wanted = sorted({name for name in names if name.startswith("samples/") and name.endswith(".json")})
    texts = _bounded(archive, [head, *wanted])
    header = json.loads(next(texts))
    samples = [_slim(json.loads(text)) for text in texts]
    found = header if isinstance(header, dict) else {}
    return {"status": "started", **found, "samples": samples}


def _bounded(archive: zipfile.ZipFile, names: list[str]) -> Iterator[str]:
    """What the names hold, by the bytes that come out and not by the sizes that the zip claims."""
    left = _LARGEST
    for name in names:
        most = min(left, _LARGEST_MEMBER)
        with archive.open(name) as member:
            data = member.read(most + 1)
        if len(data) > most:
            raise BadLog("is a zip that unpacks to more than 512 MiB, or 32 MiB a sample")
        left -= len(data)
        text = data.decode()
        refuse_crowded(text)
        yield text


def _slim(sample: Json) -> Json:
    """Without messages and events, which are most of a log."""
    kept = ("id", "epoch", "input", "target", "scores", "score", "error")
    return {key: sample[key] for key in kept if key in sample} if isinstance(sample, dict) else None
