"""What the container runs: everything comes from the runner's environment."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gate.cli import entry

entry(["action"])
