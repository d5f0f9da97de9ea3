import base64
import html
import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from gate.domain import Origin
from gate.markdown import comment
from gate.redact import cleared, redact
from gate.reporting import Clocked, could_not

DAY = datetime(2026, 11, 25, tzinfo=UTC)

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


def test_cleared__before_rendering_so_that_escaping_hides_no_secret():
    report = could_not(
        ["the model sk_live@key_1 answered"], Origin(head_sha="a"), Clocked(started=DAY, finished=DAY, seconds=0.0)
    )
    said = comment(cleared(report, ["sk_live@key_1"]))
    assert "the model \\*\\*\\* answered" in said
    assert "live" not in said
