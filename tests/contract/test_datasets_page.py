"""docs/datasets.md says what is measured: `make datasets` writes it anew."""

from pathlib import Path

from datasets import sheet
from datasets.common import CANARY

PAGE = (Path(__file__).parents[2] / "docs/datasets.md").read_text(encoding="utf-8")


def test_page__holds_the_sheet_as_it_is_measured_now():
    assert sheet.written(PAGE) == PAGE, "run: make datasets"


def test_page__names_the_canary():
    assert f"`{CANARY}`" in PAGE
