"""The OWASP Benchmark → samples, on a small table of its form and on the real one's rows."""

from pathlib import Path

import pytest

from gate.errors import Problems
from gate.importers.owasp_benchmark import samples_from_owasp_benchmark

TRUTH = Path(__file__).parents[3] / "shared/data/owasp_benchmark_tools.csv"
TABLE = "# test name, category, real vulnerability, cwe, Benchmark version: 1.2\nT1,sqli,true,89\nT2, other, false, 79\nT3,xss,true,79\n\n"
CODE = {"T1": "/** a licence */\npackage a;\nclass T1 {}\n", "T2": "class T2 {}\n", "T9": "class T9 {}\n"}


def test_samples__are_of_the_tests_whose_code_is_given():
    one, two = samples_from_owasp_benchmark(TABLE, CODE, file="expected.csv")
    assert one["target"] == {"vulnerable": True, "cwe": "CWE-89"}
    assert one["input"]["code"] == "package a;\nclass T1 {}\n"
    assert (one["id"], one["cluster"], one["slices"]) == (
        "T1",
        "sqli",
        {"cwe": "CWE-89", "language": "java", "truth": "flaw"},
    )
    assert (two["target"], two["slices"]["truth"]) == ({"vulnerable": False}, "benign")
    assert two["input"]["finding"] == "The scanner's rule is other."
    assert two["input"]["code"] == CODE["T2"]


def test_samples__a_bad_line_is_named():
    with pytest.raises(Problems) as caught:
        samples_from_owasp_benchmark("T1,sqli,maybe,89\nT2,xss\n", CODE, file="expected.csv")
    assert [str(one) for one in caught.value.problems] == [
        f"expected.csv:{line}:1: is not: test name, category, true or false, CWE number" for line in (1, 2)
    ]


def test_samples__every_category_of_the_real_table_has_words_of_its_own():
    if not TRUTH.is_file():
        pytest.skip("../shared/data/owasp_benchmark_tools.csv is not on this machine")
    lines = [line.split(",")[:4] for line in TRUTH.read_text().splitlines()[1:]]
    table = "\n".join(f"{name},{kind},{'true' if flaw == '1' else 'false'},{cwe}" for name, kind, cwe, flaw in lines)
    rows = samples_from_owasp_benchmark(table, {line[0]: "class A {}" for line in lines}, file="expected.csv")
    assert len(rows) == len(lines) == 1370
    assert not any("rule is" in row["input"]["finding"] for row in rows)
