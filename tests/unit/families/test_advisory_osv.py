import json
import re
from pathlib import Path

import pytest

from gate.datasets import parse_dataset
from gate.families.advisory_osv import MOST_PACKAGES, samples_from_osv
from gate.families.advisory_summary import AdvisorySummary

PAGE = (Path(__file__).parents[3] / "docs/families/advisory-summary.md").read_text()
RECORD = {
    "id": "GHSA-2345-6789-cfgh",
    "aliases": ["CVE-2031-7001"],
    "related": ["CVE-2031-6999"],
    "summary": "Path traversal in amberpage",
    "details": "Entry names are joined before dots are resolved.",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:H/A:H"}],
    "affected": [
        {
            "package": {"name": "amberpage", "ecosystem": "PyPI", "purl": "pkg:pypi/amberpage"},
            "ranges": [
                {"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "390611e0d45c5793c7066110af37c8514e6a6c54"}]},
                {
                    "type": "ECOSYSTEM",
                    "events": [
                        {"introduced": "0"},
                        {"fixed": "1.4.3"},
                        {"introduced": "2.0.0"},
                        {"last_affected": "2.1.0"},
                    ],
                },
            ],
            "versions": ["1.4.1", "1.4.2"],
        },
        {
            "package": {"name": "amberpage", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "3.0.0"}]}],
        },
    ],
    "references": [{"type": "WEB", "url": "https://amber.example/7001"}],
    "database_specific": {"severity": "HIGH", "cwe_ids": ["CWE-22"]},
}


def test_samples_from_osv__a_record_becomes_a_row():
    found = samples_from_osv([RECORD])
    (row,) = found.rows
    assert found.left_out == ()
    assert row["target"] == {
        "ids": ["GHSA-2345-6789-cfgh", "CVE-2031-7001"],
        "affected": [
            {
                "package": "amberpage",
                "ecosystem": "PyPI",
                "ranges": [
                    {"introduced": "0", "fixed": "1.4.3"},
                    {"introduced": "2.0.0", "last_affected": "2.1.0"},
                    {"introduced": "3.0.0"},
                ],
                "releases": ["1.4.1", "1.4.2"],
            }
        ],
        "severity": "high",
        "cvss": ["CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:H/A:H"],
        "cwe": ["CWE-22"],
    }
    assert row["slices"] == {"ecosystem": "PyPI", "ranges": "several", "weakness": "CWE-22"}
    assert row["cluster"] == "PyPI/amberpage"
    for text in (
        "CVE-2031-7001",
        "CVE-2031-6999",
        "introduced 0, fixed 1.4.3",
        "https://amber.example/7001",
        RECORD["details"],
    ):
        assert text in row["input"]["advisory"]


def test_samples_from_osv__the_rows_are_a_dataset_whose_references_score_one():
    text = "\n".join(json.dumps(row) for row in samples_from_osv([RECORD]).rows)
    family = AdvisorySummary()
    for sample in parse_dataset(text.encode(), source="a.jsonl").samples:
        assert not family.check(sample)
        assert family.score(sample, _completion(family.reference(sample))).value == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"id": 7}, "is no OSV record"),
        ({"withdrawn": "2031-01-01T00:00:00Z"}, "is withdrawn"),
        ({"affected": []}, "has no ranges"),
        ({"affected": "all"}, "has no ranges"),
        ({"details": "", "summary": ""}, "or no text"),
        ({"affected": [{"package": {"name": f"a{n}", "ecosystem": "npm"}, "ranges": [{"events": [{"introduced": "0"}]}]} for n in range(MOST_PACKAGES + 1)]}, "too many"),
        ({"affected": [{"package": {"name": "a", "ecosystem": "PyPI"}, "ranges": [{"events": [{"introduced": "one"}]}]}]}, "is none of PyPI"),
    ],
)  # fmt: skip
def test_samples_from_osv__what_makes_no_row_is_told(change, why):
    found = samples_from_osv([RECORD, RECORD | change])
    assert len(found.rows) == 1
    assert len(found.left_out) == 1
    assert why in found.left_out[0]
    assert found.left_out[0].startswith("record 2: ")


@pytest.mark.parametrize(
    "record",
    [None, 1, "x", [], {}, {"id": "A"}, {"id": "A", "details": "x", "affected": [1, {"package": 1, "ranges": 2}]}],
)
def test_samples_from_osv__strange_records_and_repeated_ids(record):
    found = samples_from_osv([RECORD, record, RECORD])
    assert len(found.rows) == 1
    assert "earlier" in found.left_out[-1]


def test_page__the_example_of_an_own_dataset_is_valid():
    line = re.search(r"<!-- own -->\n```json\n(.*?)\n```", PAGE, re.DOTALL)[1]
    (sample,) = parse_dataset(line.encode(), source="a.jsonl").samples
    assert not AdvisorySummary().check(sample)


def _completion(text):
    from gate.domain import Completion

    return Completion(text=text)
