"""Every dependency has a reason, and is pinned with a hash."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAMES = [re.match(r"[a-z0-9-]+", line)[0] for line in PROJECT["dependencies"]]


def test_dependencies__have_a_reason_a_pin_and_a_use():
    reasons, lock = (ROOT / "docs/dependencies.md").read_text(), (ROOT / "requirements.lock").read_text()
    source = "".join(path.read_text() for path in (ROOT / "gate").rglob("*.py"))
    for name in NAMES:
        module = {"pyyaml": "yaml", "backports-zstd": r"backports\.zstd"}.get(name, name)
        assert f"| {name} |" in reasons
        assert re.search(rf"^{name}==\S+.*\n    --hash=sha256:", lock, re.MULTILINE)
        assert re.search(rf"^\s*(import|from) {module}\b", source, re.MULTILINE)
