"""The page as text: its policy, its size, its colours."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from gate.evidence import Evidence
from gate.html_page import embedded, page
from tests.fakes.evidence import EVIDENCE, arm, flip, shown
from tests.fakes.reports import BASE, REPORTS

TEMPLATES = Path(__file__).parents[2] / "gate/templates"


def test_page__allows_its_own_style_and_script_by_digest_and_nothing_else():
    html = page(BASE, EVIDENCE)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)[1]
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    for name, tag in (("style-src", "style"), ("script-src", "script")):
        (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert parts.pop(name) == f"'sha256-{digest}'"
    assert parts == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
    }
    assert not re.search(r'\s(style|on\w+)="', html), "they would be refused"


def test_page__without_evidence_has_no_samples():
    html = page(REPORTS["blocked"])
    assert "flips-data" not in html.partition("<script>")[0]
    assert "Samples lost and gained" not in html


def test_page__names_from_data_lose_what_hides_or_reorders_text():
    html = page(replace(BASE, notices=("a\u202eb\x00\u061c\U000e0041",)))
    assert ">a b   <" in html
    assert not re.search("[\x00\u202e\u061c\U000e0041]", html)


def given(html):
    return json.loads(re.search(r'id="flips-data">(.*?)</script>', html, re.DOTALL)[1])


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "&lt;", "\u2028\u2029", "\ud800", '"\\', "\x00"])
def test_embedded__comes_back_as_it_was_and_ends_no_element(text):
    whole = page(BASE, Evidence(flips=(flip(sample_id=text, prompt=text, baseline=arm(shown(text))),)))
    whole.encode()  # can be written
    (found,) = given(whole)["flips"]
    assert (found["sample_id"], found["prompt"], found["baseline"]["answers"][0]["text"]) == (text, text, text)
    assert not re.search("[<>&\u2028\u2029\ud800]", embedded(Evidence(flips=(flip(prompt=text),))))


def test_embedded__past_its_limit_leaves_out_texts_then_samples_and_says_so():
    long = flip(prompt="x" * 5000, baseline=arm(shown("y" * 5000)))
    bare = flip(
        prompt=None, target=None, baseline=arm(shown(None, cut=True)), candidate=arm(shown(None, 0.0, cut=True))
    )
    room = len(embedded(Evidence(flips=(bare, bare))))
    found = json.loads(embedded(Evidence(left_out=7, flips=(long, flip(), long)), limit=room))
    assert (found["left_out"], found["without_texts"], len(found["flips"])) == (8, 2, 2)
    assert [one["prompt"] for one in found["flips"]] == [None, None]
    assert [found["flips"][0]["baseline"]["answers"][0][name] for name in ("text", "cut")] == [None, True]
    found = json.loads(embedded(Evidence(flips=(long, flip())), limit=room + 200))
    assert [one["prompt"] for one in found["flips"]] == [None, flip().prompt], "what fits is kept"


def test_embedded__past_its_limit_an_answer_without_a_text_lost_none():
    failed = flip(prompt="x" * 5000, baseline=arm(shown(None, finish="timeout")))
    (found,) = json.loads(embedded(Evidence(flips=(failed,)), limit=2000))["flips"]
    assert (found["prompt"], found["baseline"]["answers"][0]["cut"]) == (None, False)


@pytest.mark.parametrize("letter", ["a", "<", "ü", "漢"])
def test_page__of_5000_samples_is_at_most_5_mb(letter):
    text = letter * 250
    one = flip(prompt=text, target=text, baseline=arm(shown(text)), candidate=arm(shown(text, 0.0)))
    html = page(REPORTS["blocked"], Evidence(flips=(one,) * 5000))
    found = given(html)
    assert len(html.encode()) <= 5_000_000
    assert (len(found["flips"]), found["left_out"]) == (5000, 0)
    texts = sum(one["prompt"] is not None for one in found["flips"])
    assert (0 < texts < 5000, found["without_texts"]) == (True, 5000 - texts)


# Contrast, as WCAG 2.2 defines it (1.4.3): text at least 4.5 to 1.

PAIRS = [
    *((ink, ground) for ink in ("ink", "soft") for ground in ("paper", "card", "shade", "calm-wash")),
    *((name, ground) for name in ("bad", "good", "open", "calm", "held") for ground in ("card", f"{name}-wash")),
    ("bad", "shade"),  # words that differ
    ("focus", "card"),
]


def colours(mode):
    style = (TEMPLATES / "report.css").read_text()
    light, dark = style.partition("prefers-color-scheme: dark")[::2]
    paper = style.partition("@media print")[2]
    scope = {"light": light, "dark": dark.partition("}")[0], "print": paper}[mode]
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6}|#[0-9a-f]{3})\b", scope))


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(one * 2 for one in colour[1:])
    shares = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", ["light", "dark", "print"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_style__text_has_enough_contrast(mode, ink, ground):
    found = colours("light") | colours(mode)
    darker, lighter = sorted((luminance(found[ink]), luminance(found[ground])))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
