"""L2: JUnit XML: a test that passed is 1, one that failed 0; errors and skipped tests are no score."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from gate.importers.results.row import OVERALL, BadLog, Log, Row, Told

_OUTCOMES = ("failure", "error", "skipped")


@dataclass(slots=True)
class _Reading:
    """`suites`: of those around, each under its own name or, where it has none, that of the next one outwards."""

    suites: list[str] = field(default_factory=list)
    case: dict[str, str] | None = None
    outcomes: set[str] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "testsuite":
            around = self.suites[-1] if self.suites else "junit"
            self.suites.append(attributes.get("name", "").strip() or around)
        elif tag == "testcase":
            self.case, self.outcomes = attributes, set()
        elif tag in _OUTCOMES and self.case is not None:
            self.outcomes.add(tag)

    def end(self, tag: str) -> None:
        if tag == "testsuite" and self.suites:
            self.suites.pop()
        elif tag == "testcase" and self.case is not None:
            self.rows.append(self._row(self.case))
            self.case = None

    def _row(self, case: dict[str, str]) -> Row:
        name = ".".join(part for key in ("classname", "name") if (part := case.get(key, "").strip()))
        skipped = "skipped" in self.outcomes
        return Row(
            task=self.suites[-1] if self.suites else "junit",
            id=name,
            scores={OVERALL: None if skipped else float("failure" not in self.outcomes)},
            error="error" in self.outcomes,
            reason="the test was skipped",
        )


def is_junit(log: Log) -> bool:
    return log.text.lstrip()[:1] == "<"


def from_junit(log: Log) -> Told:
    """A document type is refused, and with it every entity: expansion and files of the machine alike."""
    reading = _Reading()
    parser = expat.ParserCreate("utf-8")  # whatever the declaration says: the text is decoded already
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    try:
        parser.Parse(log.text.encode("utf-8", "replace"), True)  # noqa: FBT003 - expat takes no keywords
    except expat.ExpatError as error:
        raise BadLog(f"is not valid XML (line {error.lineno})") from None
    return Told(rows=tuple(reading.rows))


def _no_doctype(*_: object) -> None:
    raise BadLog("is XML with a document type | JUnit reports have none")
