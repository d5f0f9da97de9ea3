"""L9: `driftgate validate --datasets` and `driftgate datasets …`. No endpoint is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gate.app import read_local
from gate.domain import Json
from gate.errors import EXIT_PASS, EXIT_UNDECIDED, Problem, Problems, UsageError
from gate.evaluation import Suite
from gate.families.advisory_osv import samples_from_osv
from gate.files import DATASET_LIMIT, write_text
from gate.importers import combined, read_findings
from gate.importers.finding import Finding
from gate.importers.grouped import samples_from_answers
from gate.importers.owasp_benchmark import samples_from_owasp_benchmark
from gate.jsonl import read_json, read_jsonl
from gate.selfcheck import SEED, check_suite
from gate.selfcheck_text import text
from gate.tools import Tools
from gate.wording import count, printable


def show_selfcheck(suites: Sequence[Suite], tools: Tools) -> int:
    """Print the table; raises Problems where a reference answer does not score 1."""
    found = [check_suite(suite, seed=SEED) for suite in suites]
    tools.out.write(f"{text(found)}\n")
    if wrong := [problem for one in found for problem in one.problems]:
        raise Problems(wrong)
    return EXIT_UNDECIDED if any(one.undecided for one in found) else EXIT_PASS


def show_findings(reports: Sequence[Path], tools: Tools) -> int:
    """Print the findings of scanners' reports with the ids that an answer file names them by, one a line."""
    tools.out.writelines(_line(one.as_json()) for one in _findings(reports))
    return EXIT_PASS


def convert(form: str, files: Sequence[Path], answers: Path | None, out: Path | None, tools: Tools) -> int:
    """Make a dataset of published records, or of reports and an answer file; say what was left out of it."""
    made = CONVERTERS[form](files, answers)
    tools.err.writelines(f"left out: {printable(reason)}\n" for reason in made.left_out)
    if not made.rows:
        raise UsageError("no sample could be made of these files")
    content = "".join(map(_line, made.rows))
    if out is None:
        tools.out.write(content)
    else:
        write_text(out, content)
        tools.err.write(f"wrote {count(len(made.rows), 'sample')} to {out}\n")
    return EXIT_PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Lines of a dataset, and why some of what was given made none."""

    rows: Sequence[Mapping[str, Json]]
    left_out: Sequence[str] = ()


def _from_reports(files: Sequence[Path], answers: Path | None) -> Made:
    if answers is None:
        raise UsageError("--answers: is required with --from reports | see docs/families/finding-correlation.md")
    text = read_local(answers, limit=DATASET_LIMIT)
    return Made(rows=samples_from_answers(_findings(files), text, file=str(answers)))


def _from_owasp_benchmark(files: Sequence[Path], answers: Path | None) -> Made:
    if answers is None:
        raise UsageError("--answers: is required with --from owasp-benchmark | give its expectedresults-….csv")
    code = {path.stem: read_local(path) for path in files}
    text = read_local(answers, limit=DATASET_LIMIT)
    return Made(rows=samples_from_owasp_benchmark(text, code, file=str(answers)))


def _from_osv(files: Sequence[Path], answers: Path | None) -> Made:
    if answers is not None:
        raise UsageError("--answers: has no use with --from osv | the records are their own answer")
    made = samples_from_osv(record for path in files for record in _records(path))
    return Made(rows=made.rows, left_out=made.left_out)


def _records(path: Path) -> list[Json]:
    """A record, a list of records, or one on each line."""
    text = read_local(path, limit=DATASET_LIMIT)
    if path.suffix == ".jsonl":
        return [record for _, record in read_jsonl(text, file=str(path), read=dict)]
    found = read_json(text, file=str(path))
    return found if isinstance(found, list) else [found]


CONVERTERS: Mapping[str, Callable[[Sequence[Path], Path | None], Made]] = {
    "osv": _from_osv,
    "owasp-benchmark": _from_owasp_benchmark,
    "reports": _from_reports,
}


def _findings(reports: Sequence[Path]) -> tuple[Finding, ...]:
    read: list[list[Finding]] = []
    problems: list[Problem] = []
    for path in reports:
        try:
            read.append(read_findings(read_local(path, limit=DATASET_LIMIT), file=str(path)))
        except Problems as found:
            problems += found.problems
    if problems:
        raise Problems(problems)
    return combined(read)


def _line(row: Mapping[str, Json]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
