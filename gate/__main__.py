"""``python -m gate`` is ``driftgate``."""

from gate.cli import entry

entry()
