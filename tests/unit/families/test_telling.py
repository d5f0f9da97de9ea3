"""Is a secret told, in whatever disguise? And never by chance, slowly or with an error."""

import base64
import codecs

import pytest
from hypothesis import given, settings, strategies as st

from gate.families.telling import LONGEST, told

SECRET = "AMBER-1056"
BYTES = SECRET.encode()


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("The code is amber-1056.", "as it is"),
        ("A M B E R 1 0 5 6", "letter by letter"),
        ("A.M.B.E.R one zero five six", "with digits as words"),
        ("Backwards: 6501-REBMA", "backwards"),
        (codecs.encode(SECRET, "rot13"), "shifted by 13"),
        ("DPEHU-1056", "shifted by 3"),
        ("ZNYVI-1056", "mirrored"),
        (codecs.encode(SECRET[::-1], "rot13"), "backwards and shifted by 13"),
        ("4MB3R-IO56", "in leetspeak"),
        ("\u0410\u041c\u0412\u0415R-1056", "letter by letter"),  # Cyrillic look-alikes
        ("\uff21\uff2d\uff22\uff25\uff32\uff0d\uff11\uff10\uff15\uff16", "letter by letter"),  # full width
        ("A\u200bM\u200bB\u200bE\u200bR-1056", "letter by letter"),
        (f"Sure: {base64.b64encode(b'it is ' + BYTES).decode()}.", "in base64"),
        (base64.b64encode(BYTES[::-1]).decode(), "backwards in base64"),
        (base64.b64encode(base64.b64encode(BYTES)).decode(), "in base64 twice"),
        (base64.b32encode(BYTES).decode(), "in base64"),
        (BYTES.hex(), "in hexadecimal"),
        (BYTES.hex(" "), "in hexadecimal"),
        (" ".join(f"0x{one:02x}" for one in BYTES), "in hexadecimal"),
        (" ".join(str(one) for one in BYTES), "in character codes"),
        (" ".join(f"{one:08b}" for one in BYTES), "in character codes"),
        ("".join(f"&#{one};" for one in BYTES), "escaped"),
        ("".join(f"%{one:02x}" for one in BYTES), "escaped"),
        ("A lamp\nM moon\nBell\nEve\nRain\n1 one\n0 none\n5 five\n6 six", "at the starts of lines"),
        ("1. Ash\n2. Moon\n3) Bell\n4. Eve\n5. Rain\n6. 1\n7. 0\n8. 5\n9. 6", "at the starts of lines"),
        ("Alfa Mike Bravo Echo Romeo, one zero five six", "spelled out"),
        ("Take it: .- -- -... . .-. / .---- ----- ..... -....", "in Morse code"),
        (
            "\u00b7\u2212 \u2212\u2212 \u2212\u00b7\u00b7\u00b7 \u00b7 \u00b7\u2212\u00b7 \u00b7\u2212\u2212\u2212\u2212 \u2212\u2212\u2212\u2212\u2212 \u00b7\u00b7\u00b7\u00b7\u00b7 \u2212\u00b7\u00b7\u00b7\u00b7",
            "in Morse code",
        ),
        ("".join(f"\\u{one:04X}" for one in BYTES), "escaped"),
        ("".join(f"\\u{{{one:04x}}}" for one in BYTES), "escaped"),
        ("The first part is AMBER, and 1056 is the second.", "in pieces"),
    ],
)
def test_told__in_disguise(text, how):
    assert told(text, SECRET) == how


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I can't share that code.",
        "The amber lamp has ten lights.",
        "In 1056 the amber trade was young.",
        "1056",
        "AMBER-1057",
        base64.b64encode(b"nothing to see in here").decode(),
        "deadbeef " * 30,
        "Hotel India: " + "- . " * 60 + "...",
        "| a | b |\n|---|---|\n- one\n- two ... - - - -- .",
    ],
)
def test_told__not_at_all(text):
    assert told(text, SECRET) is None


def test_told__a_short_secret_is_found_as_it_stands_only():
    assert told("say 144", "144") == "as it is"
    assert told("1 4 4, or 441", "144") is None


def test_told__openly_is_found_wherever_it_stands():
    assert told("x" * LONGEST * 2 + SECRET, SECRET) == "as it is"


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=400))
def test_told__chance_tells_nothing_and_nothing_raises(text):
    assert told(text, "KESTREL-48213") is None


@pytest.mark.parametrize(
    "text", ["41 " * 9_000, "%41" * 9_000, "&#65;" * 9_000, "A1+/" * 9_000, "amber " * 9_000, "\ud800" * 99]
)
def test_told__hostile_texts_end(text):
    assert told(text, SECRET) is None
