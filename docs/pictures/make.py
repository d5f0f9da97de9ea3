"""`make pictures`: measure (about a minute), keep the figures, draw them.

python docs/pictures/make.py           all
python docs/pictures/make.py --draw    only draw what was measured
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from draw import pictures
from measure import measured

FOLDER = Path(__file__).parent
FIGURES = FOLDER / "figures.json"
RUNS = 4_000


def main() -> None:
    if "--draw" not in sys.argv:
        FIGURES.write_text(json.dumps(measured(RUNS), indent=1) + "\n", encoding="utf-8")
    for name, text in pictures(json.loads(FIGURES.read_text(encoding="utf-8"))).items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
