"""Words: what hides or reorders text is taken out of it."""

import pytest

from gate.wording import printable, unlinked


@pytest.mark.parametrize("hidden", ["\u00ad", "\u061c", "\u202e", "\u2069", "\u200b", "\U000e0041", "\x1b", "\n"])
def test_printable__nothing_hides_or_reorders_text(hidden):
    assert printable(f"a{hidden}b") == "a b"


@pytest.mark.parametrize("link", ["@dev", "o/r#7", "GH-7", "https://x.example", "www.x.example", "mailto:a@x.example"])
def test_unlinked__github_makes_no_link_of_it(link):
    joined = unlinked(f"see {link} now")
    assert link not in joined
    assert joined.replace("\u2060", "") == f"see {link} now"


def test_unlinked__leaves_words_alone():
    assert unlinked("a high-5 of 7") == "a high-5 of 7"
