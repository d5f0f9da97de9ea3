"""L7: the report as JUnit XML, for CI servers that show test results.

A suite for each model config, a test for each unit. What blocks is a failure; what was waived, could not be decided or
is too small to gate is skipped, with the reason. Elements and attributes are those that both the schema of Ant's JUnit
task (windyroad/JUnit-Schema) and the one of Jenkins (xunit-plugin, junit-10.xsd) allow: so numbers are properties of
the suite, since a test may have none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gate.domain import Comparison
from gate.report import Report
from gate.wording import headline, interval, points, printable, signed, unit, waiver_of

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (§2.2, Char) has no way to hold, not even as a reference."""


def junit(report: Report) -> str:
    """One XML 1.0 document."""
    root = Element("testsuites", name="Driftgate")
    suites = [_suite(report, config or "recorded results", list(rows)) for config, rows in _by_config(report)]
    for number, suite in enumerate([*suites, *_run_itself(report)]):
        suite.set("id", str(number))
        root.append(suite)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _by_config(report: Report) -> groupby[str | None, Comparison]:
    return groupby(sorted(report.comparisons, key=lambda one: one.config or ""), key=lambda one: one.config)


def _suite(report: Report, name: str, rows: Sequence[Comparison]) -> Element:
    """Counts are set last, from what the tests turned out to be."""
    suite, facts = _empty_suite(report, name)
    for one in rows:
        if one.delta is not None:
            _property(facts, f"{unit(one)}: delta", f"{one.delta:.6g}")
            _property(facts, f"{unit(one)}: interval", " ".join(f"{bound:.6g}" for bound in one.interval))
    for one in rows:
        _judge(_test(suite, one.family, unit(one)), one, report)
    return _counted(suite)


def _run_itself(report: Report) -> list[Element]:
    """A test for the run, where no unit would tell that it decided nothing."""
    if report.verdict not in ("inconclusive", "error", "neutral"):
        return []
    suite, _ = _empty_suite(report, "the run")
    test = _test(suite, "driftgate", "verdict")
    _told(test, "skipped" if report.verdict == "neutral" else "error", headline(report), report.reasons)
    return [_counted(suite)]


def _empty_suite(report: Report, name: str) -> tuple[Element, Element]:
    """A suite and its properties."""
    origin = report.provenance
    suite = Element("testsuite", name=_text(name), package="driftgate", hostname="localhost")
    suite.set("timestamp", origin.started[:19])
    suite.set("time", f"{max(0.0, origin.seconds):.3f}")
    facts = SubElement(suite, "properties")
    _property(facts, "verdict", report.verdict)
    _property(facts, "driftgate", origin.version)
    if report.simulated:
        _property(facts, "simulated", "true")
    return suite, facts


def _test(suite: Element, family: str, name: str) -> Element:
    return SubElement(suite, "testcase", classname=_text(family), name=_text(name), time="0")


def _judge(test: Element, one: Comparison, report: Report) -> None:
    if one.severity == "blocking" and one.outcome == "regressed":
        if one.waiver is None:
            _told(test, "failure", one.reason or "a blocking regression", _numbers(one))
        else:
            _told(test, "skipped", f"waived: {waiver_of(one, report)}", ())
    elif one.outcome == "regressed":
        _told(test, "skipped", f"advisory: {one.reason}", ())
    elif one.outcome == "inconclusive":
        _told(test, "skipped", f"inconclusive: {one.reason}", ())
    elif not one.gating:
        _told(test, "skipped", "too small to gate: it could not see a loss as large as its margin", ())


def _numbers(one: Comparison) -> list[str]:
    return [
        f"{one.n_pairs:,} pairs, margin {points(one.margin)} points",
        f"baseline {points(one.baseline)}, candidate {points(one.candidate)}",
        f"delta {signed(one.delta)} {interval(one.interval)}, {one.method}",
    ]


def _told(test: Element, tag: str, message: str, lines: Sequence[str]) -> None:
    found = SubElement(test, tag, type=tag, message=_text(message))
    if lines:
        found.text = "\n".join(_text(line) for line in lines)


def _counted(suite: Element) -> Element:
    tests = suite.findall("testcase")
    suite.set("tests", str(len(tests)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(test.find(tag) is not None for test in tests)))
    SubElement(suite, "system-out")
    SubElement(suite, "system-err")
    return suite


def _property(facts: Element, name: str, value: str) -> None:
    SubElement(facts, "property", name=_text(name), value=_text(value))


def _text(text: str) -> str:
    """On one line, in the characters of XML, and never empty: names must have one."""
    return _NO_XML.sub(" ", printable(text)).strip() or "–"
