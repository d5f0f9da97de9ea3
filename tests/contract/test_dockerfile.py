"""The image, as far as its recipe tells: where it comes from, what it installs, what it imports."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def image_environment():
    *_, line = re.findall(r"^ENV (.*)$", DOCKERFILE, flags=re.MULTILINE)
    return dict(part.split("=", 1) for part in line.split())


def test_image__a_workspace_cannot_replace_what_the_gate_imports(tmp_path):
    for name in ("gate/__init__.py", "gate/__main__.py", "argparse.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('a file of the workspace was run')\n")
    found = {name: value.replace("/opt/driftgate", str(ROOT)) for name, value in image_environment().items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-m", "gate", "--version"],
        cwd=tmp_path,
        env=kept | found,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout[:9]) == (0, "driftgate"), done.stderr


def test_image__its_base_is_named_by_digest_and_dependencies_by_hash():
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE) == ["${BASE_IMAGE}", "${BASE_IMAGE}"]
    assert re.search(r"^ARG BASE_IMAGE=python:[\w.-]+@sha256:[0-9a-f]{64}$", DOCKERFILE, flags=re.MULTILINE)
    installs = re.findall(r"pip install .*", DOCKERFILE)
    assert installs
    assert all("--require-hashes --only-binary=:all:" in one for one in installs)
