"""Files of the npm packages in tests/node, installed by `make` into a cache outside the repository."""

import functools
import json
import os
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "driftgate"
PACKAGES = CACHE / "node/node_modules"
ABSENT = "the npm packages of tests/node are not installed; `make node` installs them"


@functools.cache
def packaged(path):
    """A JSON file of a package, None where the packages are not installed."""
    file = PACKAGES / path
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
