"""The same input gives the same report.json, byte for byte but for the times, whatever the process."""

import json
import os
import random
import re
import subprocess
import sys

POLICY = """\
version: 1
families:
  graded: {severity: blocking, margin: 0.05, slices: {cwe: {severity: blocking, margin: 0.15}}}
  counted: {severity: blocking, margin: 0.05, slices: {cwe: {severity: advisory}}}
"""
TIMES = re.compile(rb'"(started|finished)": "[^"]*"|"seconds": [0-9.e-]+')


def lines(seed, order):
    random_ = random.Random(seed)
    found = []
    for number in range(120):
        more = {"sample_id": f"s{number}", "slices": {"cwe": f"CWE-{number % 3}"}, "cluster": f"c{number // 4}"}
        found.append({"family": "graded", "score": round(random_.random(), 2), **more})
        found.append({"family": "counted", "score": random_.choice([0, 1, 1, 1, None]), **more, "cluster": None})
    random.Random(order).shuffle(found)
    return "".join(json.dumps(one) + "\n" for one in found)


def report(folder, name, order):
    (folder / "p.yml").write_text(POLICY)
    (folder / "b.jsonl").write_text(lines(1, order))
    (folder / "c.jsonl").write_text(lines(2, order + 1))
    command = [sys.executable, "-m", "gate", "compare", "--policy", "p.yml", "--baseline", "b.jsonl"]
    environ = {**os.environ, "PYTHONHASHSEED": str(order)}
    command += ["--candidate", "c.jsonl", "--out", name]
    subprocess.run(command, cwd=folder, env=environ, capture_output=True, timeout=60, check=False)
    text, cut = TIMES.subn(b"", (folder / name / "report.json").read_bytes())
    assert cut == 3
    return text


def test_compare__report_is_byte_identical_but_for_times_whatever_the_order_of_lines(tmp_path):
    first = report(tmp_path, "one", 1)
    assert len(json.loads((tmp_path / "one/report.json").read_text())["comparisons"]) == 8
    assert report(tmp_path, "two", 2) == first
