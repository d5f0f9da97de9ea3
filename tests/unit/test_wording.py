"""Words: what hides or reorders text is taken out of it."""

import pytest

from gate.wording import printable


@pytest.mark.parametrize("hidden", ["\u00ad", "\u061c", "\u202e", "\u2069", "\u200b", "\U000e0041", "\x1b", "\n"])
def test_printable__nothing_hides_or_reorders_text(hidden):
    assert printable(f"a{hidden}b") == "a b"
