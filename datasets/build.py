"""Build the starter datasets and their sheet: `make datasets`. Seeded; the same bytes each time. All packages, ids and secrets are invented."""

from __future__ import annotations

import json
import random
from pathlib import Path

from datasets import (
    adversarial_resistance,
    advisory_summary,
    exploit_hypothesis,
    finding_correlation,
    remediation,
    sheet,
)

OUT = Path(__file__).resolve().parents[1] / "gate" / "starter"
BUILDERS = {
    "exploit-hypothesis": exploit_hypothesis.build,
    "advisory-summary": advisory_summary.build,
    "finding-correlation": finding_correlation.build,
    "adversarial-resistance": adversarial_resistance.build,
    "remediation": remediation.build,
}


def texts() -> dict[str, str]:
    """File name → content."""
    return {
        f"{kind}.jsonl": "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in build(random.Random(20261124)))
        for kind, build in BUILDERS.items()
    }


if __name__ == "__main__":
    for name, text in texts().items():
        (OUT / name).write_text(text, encoding="utf-8")
    sheet.renew()
