"""The ledger: what was done to it is found, and where."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from gate.cli import main
from gate.errors import Problems, UsageError
from gate.ledger import append, canonical, check, entry, hash_of
from gate.report import to_json
from tests.fakes.reports import REPORTS

PAGE = (Path(__file__).parents[2] / "docs/ledger.md").read_text()
NAMES = ("pass", "blocked", "waived", "neutral")


def chain(names=NAMES, previous=None):
    lines = []
    for name in names:
        line = canonical({**entry(REPORTS[name], tag=name), "previous": previous}).encode()
        previous = hash_of(line)
        lines.append(line)
    return lines


LINES = chain()
HEAD = hash_of(LINES[-1])


def text(lines):
    return b"".join(line + b"\n" for line in lines)


def problems(data, **known):
    with pytest.raises(Problems) as caught:
        check(data, file="l", **known)
    return [(one.line, one.what) for one in caught.value.problems]


def test_append__keeps_every_decision_and_goes_on_from_the_one_before(tmp_path):
    path, said = tmp_path / "l", StringIO()
    done = [append(path, REPORTS[name], tag=name, say=said.write) for name in NAMES]
    assert path.read_bytes() == text(LINES)
    assert done[-1] == (4, HEAD)
    found = check(path.read_bytes(), file="l", head=HEAD, length=4)
    assert [one["verdict"] for one in found.entries] == list(NAMES)
    assert found.entries[2]["waivers"][0]["approver"] == "alice"
    assert found.entries[1]["comparisons"][1]["delta"] == -0.08
    assert said.getvalue() == ""


def test_append__at_once_from_many_sides_loses_nothing(tmp_path):
    path = tmp_path / "l"
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: append(path, REPORTS["pass"], tag=None, say=str), range(24)))
    assert sorted(number for number, _ in done) == list(range(1, 25))
    assert len(check(path.read_bytes(), file="l").entries) == 24


@pytest.mark.parametrize("cut", [1, 30, len(LINES[3])])
def test_append__an_interrupted_one_is_kept_aside_and_said(tmp_path, cut):
    path, said = tmp_path / "l", StringIO()
    path.write_bytes(text(LINES[:3]) + LINES[3][:cut])
    assert problems(path.read_bytes())[0][0] == 4
    assert append(path, REPORTS["neutral"], tag="neutral", say=said.write) == (4, HEAD)
    assert path.read_bytes() == text(LINES)
    assert (tmp_path / "l.torn").read_bytes() == LINES[3][:cut] + b"\n"
    assert "was interrupted" in said.getvalue()


def test_append__adds_nothing_to_what_is_not_sound(tmp_path):
    path = tmp_path / "l"
    path.write_bytes(text(LINES[1:]))
    with pytest.raises(Problems, match="is not the first that was written"):
        append(path, REPORTS["pass"], tag=None, say=str)
    assert path.read_bytes() == text(LINES[1:])


def test_append__follows_no_link_and_takes_no_pipe(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(UsageError, match=name):
            append(tmp_path / name, REPORTS["pass"], tag=None, say=str)
    assert not (tmp_path / "elsewhere").exists()


@given(st.integers(0, len(text(LINES)) - 1), st.integers(1, 255))
@settings(deadline=None)
def test_check__finds_any_changed_byte(place, change):
    data = bytearray(text(LINES))
    data[place] ^= change
    assert problems(bytes(data), head=HEAD)


@given(st.permutations(range(4)), st.integers(1, 4))
@settings(deadline=None)
def test_check__finds_any_order_and_any_removal(order, kept):
    changed = [LINES[index] for index in order[:kept]]
    if changed != LINES:
        assert problems(text(changed), head=HEAD)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_check__takes_no_other_bytes(data):
    if data:
        assert problems(data)


@pytest.mark.parametrize(
    ("data", "known", "line", "says"),
    [
        (text([LINES[0].replace(b"v1", b"v2").replace(b'"pass"', b'"past"'), *LINES[1:]]), {}, 2, "was changed"),
        (text([LINES[0], LINES[1], LINES[0]]), {}, 3, "an earlier line"),
        (text(LINES[:2] + chain(("waived",), hash_of(LINES[0]))), {}, 3, "a fork"),
        (text([LINES[0], LINES[2], LINES[1], LINES[3]]), {}, 2, "a later line"),
        (text([LINES[0], *LINES[2:]]), {}, 2, "lines are missing"),
        (text(LINES[:3]), {"head": HEAD}, 3, "the end was cut off"),
        (text(LINES[:3]), {"length": 4}, 3, "ends after 3 of 4 lines"),
        (b"", {"length": 1}, 0, "ends after 0 of 1 lines"),
        (text(LINES) + b"\n", {}, 5, "is not as Driftgate writes it"),
    ],
)
def test_check__says_what_was_done_and_where(data, known, line, says):
    found = problems(data, **known)
    assert any(at == line and says in what for at, what in found), found


def test_check__what_was_added_after_a_head_is_right():
    assert check(text(LINES), file="l", head=hash_of(LINES[1]), length=2).head == HEAD


def test_page__its_commands_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("report.json").write_text(to_json(REPORTS["blocked"]))
    (block,) = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert [main(line.split()[1:]) for line in block.splitlines()] == [0, 0, 0]
    out = capsys.readouterr().out
    assert "line 1 added: blocked" in out
    assert "sound, 1 decision" in out
    assert re.search(r"1 +2026-11-24\S+ +v1.4 +blocked +advisory-summary", out)


def test_verify__damage_is_told_with_its_line_and_exit_code(tmp_path, capsys):
    (tmp_path / "l").write_bytes(text(LINES[1:]))
    assert main(["ledger", "verify", str(tmp_path / "l")]) == 2
    assert f"{tmp_path}/l:1:1: is not the first" in capsys.readouterr().err
    assert main(["ledger", "show", str(tmp_path / "none")]) == 2


def test_show__prints_nothing_raw(tmp_path, capsys):
    (tmp_path / "l").write_text(canonical({"previous": None, "verdict": "a\x1b[31m", "comparisons": [3]}) + "\n")
    assert main(["ledger", "show", str(tmp_path / "l")]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_entry__is_finite_json_whatever_the_situation():
    for report in REPORTS.values():
        line = canonical(entry(report, tag=None))
        assert canonical(json.loads(line)) == line
