import json
import subprocess
import sys
from pathlib import Path

from gate.sandbox import isolation

ROOT = Path(__file__).parents[2]
GUIDE = sorted((ROOT / "docs/guide").glob("*.md"))


def gate(folder, *arguments):
    command = [sys.executable, "-m", "gate", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_demo__tells_the_story_and_says_that_it_is_simulated(tmp_path):
    done = gate(tmp_path, "demo")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Two SIMULATED endpoints")
    report = json.loads((tmp_path / "driftgate-out/report.json").read_text())
    assert (report["verdict"], report["simulated"]) == ("blocked", True)
    outcomes = {
        (one["family"], one["slice"]["value"] if one["slice"] else None): one["outcome"]
        for one in report["comparisons"]
    }
    assert outcomes["exploit-hypothesis", None] == "improved"
    assert outcomes["advisory-summary", None] == "regressed"
    assert outcomes["adversarial-resistance", None] == "regressed"
    assert outcomes["finding-correlation", "rare"] == "regressed"
    assert outcomes["finding-correlation", None] != "regressed"
    comment = (tmp_path / "driftgate-out/comment.md").read_text()
    assert "simulated" in comment
    readme = (ROOT / "README.md").read_text()
    shown, *_ = comment.partition("<details>")  # what is folded is not in the README
    lines = [line for line in shown.splitlines() if line.startswith(("|", "###"))]
    if isinstance(isolation(), str):  # then patches are unscored here
        lines = [line for line in lines if "`remediation`" not in line]
    assert all(f"> {line}" in readme for line in lines)
    quoted = [line for page in GUIDE for line in page.read_text().splitlines() if line.startswith("> ")]
    assert [line for line in quoted if line[2:] not in comment.splitlines()] == []


def test_init__writes_what_validates_and_keeps_what_is_there(tmp_path):
    (tmp_path / "models").mkdir()
    first = gate(tmp_path, "init")
    assert "wrote .github/driftgate.yml" in first.stdout
    valid = gate(tmp_path, "validate", "models/assistant.yml")
    assert valid.returncode == 0, valid.stderr
    (tmp_path / "models/assistant.yml").write_text("mine\n")
    assert "kept  models/assistant.yml" in gate(tmp_path, "init").stdout
    assert (tmp_path / "models/assistant.yml").read_text() == "mine\n"
