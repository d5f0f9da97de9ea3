from datetime import date

import pytest

from gate.domain import SliceKey
from gate.waiver_command import Command, Misread, read_commands, word
from gate.waiver_terms import Bound

LINE = "/driftgate waive sums until 2026-12-31 because it must go out"
HEX = "0123456789abcdef0123"


def test_read_commands__the_shortest():
    (found,) = read_commands(LINE)
    assert found == Command(
        family="sums",
        slice=None,
        until=date(2026, 12, 31),
        because="it must go out",
        loss=None,
        config=None,
        bound=Bound(),
    )


def test_read_commands__the_longest():
    (found,) = read_commands(
        f'Hello,\r\n/driftgate waive remediation/cwe="CWE 7\\u0038" until 2026-12-31 loss 0.0825 config "models/a b.yml"'
        f' head {HEX} policy sha256:{"a" * 64} baseline {HEX} candidate {HEX} because of "this, because\r\nBye'
    )
    assert found == Command(
        family="remediation",
        slice=SliceKey(name="cwe", value="CWE 78"),
        until=date(2026, 12, 31),
        because='of "this, because',
        loss=0.0825,
        config="models/a b.yml",
        bound=Bound(head=HEX, policy=f"sha256:{'a' * 64}", baseline=HEX, candidate=HEX),
    )


@pytest.mark.parametrize(
    "body",
    [
        "",
        "a comment",
        f"> {LINE}",
        f" {LINE}",
        f"\t{LINE}",
        f"- {LINE}",
        f"`{LINE}`",
        f"```\n{LINE}",
        f"~~~~ text\n{LINE}\n~~~\n{LINE}\n```\n{LINE}",
        f"````\n```\n{LINE}\n````",
        f"<!--\n{LINE}\n-->",
        f"text <!-- -->  <!-- \n\n{LINE}",
        f"<!--\n```\n-->\n```\n{LINE}\n```",
        f"x\u2028{LINE}",
        f"x\v{LINE}",
        f"x\r{LINE}",
        "/driftgatewaive sums",
        "/drift gate waive",
    ],
)
def test_read_commands__what_is_no_command(body):
    assert read_commands(body) == []


@pytest.mark.parametrize("body", [f"```\n```\n{LINE}", f"<!-- x -->\n{LINE}", f"text\n{LINE}\n> quote", f"{LINE} <!--"])
def test_read_commands__after_what_has_ended(body):
    (found,) = read_commands(body)
    assert isinstance(found, Command)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/driftgate", "the one there is, is /driftgate waive"),
        ("/driftgate merge", "the one there is, is /driftgate waive"),
        ("/driftgate waive", "is not /driftgate waive FAMILY until"),
        ("/driftgate waive because I say so", "is not /driftgate waive FAMILY until"),
        ("/driftgate waive sums until 2026-12-31", "is not /driftgate waive FAMILY until"),
        ("/driftgate waive sums because I say so", "names no last day"),
        ("/driftgate waive * until 2026-12-31 because I say so", "names no family"),
        ("/driftgate waive sums, other until 2026-12-31 because I say so", "names no family"),
        ("/driftgate waive sums/cwe until 2026-12-31 because I say so", "FAMILY/NAME=VALUE"),
        ("/driftgate waive sums/cwe= until 2026-12-31 because I say so", "slice: must be plain text"),
        ('/driftgate waive sums/cwe="a until 2026-12-31 because I say so', "is not /driftgate waive FAMILY until"),
        ("/driftgate waive sums until 2026-12-32 because I say so", "until: must be a day like"),
        ("/driftgate waive sums until 20261231 because I say so", "until: must be a day like"),
        ("/driftgate waive sums until ２０２６-12-31 because I say so", "until: must be a day like"),
        ("/driftgate waive sums until 2026-12-31 because", "because: must say why"),
        ("/driftgate waive sums until 2026-12-31 because …", "because: must say why"),
        (f"{LINE} {'x' * 500}", "because: must have at most 500 characters"),
        (f"{LINE} {'x' * 2000}", "is longer than 2,000 characters"),
        (LINE.replace("because", "loss 8 because"), "loss: must be a share"),
        (LINE.replace("because", "loss 0.0 because"), "loss: must be a share"),
        (LINE.replace("because", "loss -0.1 because"), "loss: must be a share"),
        (LINE.replace("because", "loss nan because"), "loss: must be a share"),
        (LINE.replace("because", "config ../x because"), "config: must stay inside"),
        (LINE.replace("because", "config https://x because"), "config: is a URL"),
        (LINE.replace("because", "head 0123456 because"), "head: must be 20 to 64 hex digits"),
        (LINE.replace("because", "until 2027-12-31 because"), "names something twice"),
        (LINE.replace("because", "and because"), "has a word where one of"),
        (LINE.replace("because", "forever yes because"), "has a word where one of"),
        (LINE.replace("because", "because\u202e"), "characters that cannot be seen"),
        (LINE.replace("because", "because\x07"), "characters that cannot be seen"),
    ],
)
def test_read_commands__what_is_nearly_one(line, says):
    (found,) = read_commands(line)
    assert isinstance(found, Misread)
    assert says in found.what


def test_read_commands__no_more_than_twenty():
    found = read_commands("\n".join([LINE] * 5000))
    assert len(found) == 21
    assert "more than 20 commands" in found[-1].what


@pytest.mark.parametrize("value", ["CWE-79", "a b", 'x"`|<!-- @all\\', "žluťoučký", "😀", "=", "because", "\u202e"])
def test_word__is_read_back_and_holds_no_markup(value):
    text = word(value)
    assert not set(text) & set("`<>@|#&*")
    assert text.isascii()
    (found,) = read_commands(LINE.replace("sums", f"sums/cwe={text}"))
    assert found.slice == SliceKey(name="cwe", value=value)


def test_read_commands__not_below_the_line_where_reading_ends():
    assert len(read_commands("\n" * 1_999 + LINE)) == 1
    assert read_commands("\n" * 2_000 + LINE) == []
    assert read_commands("x" * 65_536 + "\n" + LINE) == []
