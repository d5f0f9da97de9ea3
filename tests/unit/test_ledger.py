"""The ledger: what was done to it is found, and where."""

import fcntl
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings, strategies as st

from gate.cli import main
from gate.domain import PerArm
from gate.errors import Problems, UsageError
from gate.ledger import Ledger, append, canonical, check, hash_of, next_line, read
from gate.ledger_line import json_schema
from gate.report import Calls, from_json, to_json
from tests.fakes.reports import REPORTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/ledger.md").read_text()
VERSION_1 = ROOT / "tests/reference/ledger_version_1.jsonl"
NAMES = ("pass", "blocked", "waived", "neutral")


def chain(names=NAMES, previous=()):
    lines = []
    for name in names:
        found = Ledger(entries=(), hashes=(*previous, *map(hash_of, lines)))
        lines.append(next_line(found, REPORTS[name], tag=name))
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
    assert [one.verdict for one in found.entries] == list(NAMES)
    assert found.entries[2].waivers == REPORTS["waived"].waivers
    assert found.entries[1].comparisons[1].delta == -0.08
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


def test_append__a_line_that_could_not_be_read_again_is_not_written(tmp_path):
    path = tmp_path / "l"
    path.write_bytes(text(LINES))
    odd = replace(REPORTS["pass"].comparisons[0], p_value=float("nan"))
    for report in (replace(REPORTS["pass"], notices=("\ud800",)), replace(REPORTS["pass"], comparisons=(odd,))):
        with pytest.raises(UsageError, match="is none that a ledger can hold"):
            append(path, report, tag=None, say=str)
    assert path.read_bytes() == text(LINES)


def test_append__follows_no_link_and_takes_no_pipe(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(UsageError, match=name):
            append(tmp_path / name, REPORTS["pass"], tag=None, say=str)
    assert not (tmp_path / "elsewhere").exists()


def test_append__the_line_and_a_new_files_folder_are_on_the_disk_before_it_returns(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    for _ in range(2):
        append(tmp_path / "l", REPORTS["pass"], tag=None, say=str)
    assert synced == [str(tmp_path / "l"), str(tmp_path), str(tmp_path / "l")]


def test_append__a_file_that_is_replaced_meanwhile_gets_no_line_that_nobody_would_find(tmp_path, monkeypatch):
    path, lock = tmp_path / "l", fcntl.flock

    def slow(file, how):
        path.rename(tmp_path / "old")
        path.touch()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    with pytest.raises(UsageError, match="was replaced"):
        append(path, REPORTS["pass"], tag=None, say=str)
    assert (path.stat().st_size, (tmp_path / "old").stat().st_size) == (0, 0)


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
        (text(LINES[:2] + chain(("waived",), [hash_of(LINES[0])])), {}, 3, "a fork"),
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
    assert [main(line.split()[1:]) for line in block.splitlines()] == [0, 0, 0, 0]
    out = capsys.readouterr().out
    assert "line 1 added: blocked" in out
    assert "sound, 1 decision" in out
    assert re.search(r"1 +2026-11-24\S+ +v1.4 +blocked +advisory-summary", out)


def test_verify__damage_is_told_with_its_line_and_exit_code(tmp_path, capsys):
    (tmp_path / "l").write_bytes(text(LINES[1:]))
    assert main(["ledger", "verify", str(tmp_path / "l")]) == 2
    assert f"{tmp_path}/l:1:1: is not the first" in capsys.readouterr().err
    assert main(["ledger", "show", str(tmp_path / "none")]) == 2


def test_verify__a_head_that_is_no_hash_is_a_usage_error(tmp_path, capsys):
    (tmp_path / "l").write_bytes(text(LINES))
    assert main(["ledger", "verify", str(tmp_path / "l"), "--head", HEAD.removeprefix("sha256:")]) == 2
    assert "--head: must be a hash" in capsys.readouterr().err
    assert main(["ledger", "verify", str(tmp_path / "l"), "--head", HEAD]) == 0


def test_show__prints_nothing_raw(tmp_path, capsys):
    append(tmp_path / "l", REPORTS["pass"], tag="a\x1b[31m", say=str)
    assert main(["ledger", "show", str(tmp_path / "l")]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_read__an_append_under_way_is_waited_for(tmp_path, monkeypatch):
    path, lock = tmp_path / "l", fcntl.flock
    path.write_bytes(text(LINES[:1]) + LINES[1][:40])

    def ended(file, how):
        path.write_bytes(text(LINES[:2]))
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", ended)
    assert read(path).head == hash_of(LINES[1])


def test_read__keeps_what_notes_and_auditors_ask_for(tmp_path):
    report = REPORTS["blocked"]
    append(tmp_path / "l", report, tag="v1", say=str)
    (one,) = read(tmp_path / "l").entries
    assert (one.schema_version, one.tag, one.previous) == (2, "v1", None)
    assert (one.patterns, one.changes, one.calls) == (
        report.patterns,
        report.changes,
        Calls(baseline=800, candidate=800, failed=3),
    )
    assert (one.usage.tokens, one.usage.usd) == (120_000, 0.31)
    kept, whole = one.comparisons[1], report.comparisons[1]
    names = (
        "baseline",
        "candidate",
        "margin",
        "level",
        "p_value",
        "gating",
        "reason",
        "method",
        "interval",
        "n_dropped",
    )
    assert [getattr(kept, name) for name in names] == [getattr(whole, name) for name in names]
    assert [(row.family, row.visible, row.gating) for row in one.plan] == [
        (row.family, row.visible, row.gating) for row in report.plan
    ]


def test_read__lines_of_version_1_still_stand_and_are_gone_on_from(tmp_path):
    (tmp_path / "l").write_bytes(VERSION_1.read_bytes())
    number, head = append(tmp_path / "l", REPORTS["pass"], tag=None, say=str)
    found = read(tmp_path / "l", head=head)
    assert [one.schema_version for one in found.entries] == [1, 1, 2]
    assert number == 3
    first = found.entries[0].comparisons[1]
    assert (first.delta, first.outcome, first.margin, first.n_dropped) == (-0.08, "regressed", None, None)
    assert found.entries[0].usage is None
    assert found.entries[2].comparisons[0].n_dropped == PerArm(baseline=0, candidate=3)


def test_check__a_whole_line_that_is_no_decision_is_said(tmp_path):
    line = json.loads(LINES[0]) | {"verdict": "\x1b[31m"}
    ((number, what),) = problems(canonical(line).encode() + b"\n")
    assert number == 1
    assert "no decision that this Driftgate can read: verdict" in what
    assert "\x1b" not in what


def test_check__prints_no_key_that_the_data_chose():
    line = json.loads(LINES[0]) | {"config_digests": {"\x1b[31m": {"baseline": 3}}}
    ((_, what),) = problems(canonical(line).encode() + b"\n")
    assert "config_digests.….baseline" in what
    text = to_json(REPORTS["pass"]).replace('"config_digests": {}', '"config_digests": {"\\u001b[31m": 3}')
    with pytest.raises(UsageError, match=r"config_digests\.…: "):
        from_json(text, file="r")


def test_schema__every_line_is_valid_by_it():
    judge = jsonschema.Draft202012Validator(json_schema())
    for report in REPORTS.values():
        line = next_line(Ledger(entries=(), hashes=()), report, tag=None)
        assert canonical(json.loads(line)).encode() == line
        judge.validate(json.loads(line))
    for line in VERSION_1.read_text().splitlines():
        judge.validate(json.loads(line))
    assert not judge.is_valid(json.loads(LINES[0]) | {"verdict": "fine"})
