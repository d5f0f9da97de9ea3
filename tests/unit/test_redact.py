import base64
import html
import json
from urllib.parse import quote

import pytest

from gate.redact import redact

SECRET = 'sk-"very"/secret+value&<'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps(SECRET),
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        html.escape(SECRET).replace("&quot;", "&#34;"),
        *(base64.b64encode(b"x" * shift + SECRET.encode() + b"tail").decode() for shift in range(3)),
    ],
)
def test_redact__every_form(form):
    cleaned = redact(f"a {form} b", [SECRET])
    assert "***" in cleaned
    assert SECRET[4:14] not in cleaned


def test_redact__short_values_are_left():
    assert redact("a cat sat", ["a"]) == "a cat sat"
