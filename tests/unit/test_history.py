"""The history page: each family over the releases, on shared scales; nothing of data is markup."""

import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gate.cli import main
from gate.domain import SliceKey
from gate.history import DELTAS, SCORES, Scale, days, history, panels, scale_of
from gate.html_plots import axis_of
from gate.ledger import read
from gate.ledger_line import line_of
from gate.notes import notes, to_json
from gate.notes_text import notes_text
from tests.fakes.ledgers import YEAR, ledger, line
from tests.fakes.reports import BAD, GOOD

ROOT = Path(__file__).parents[2]
LINES = [line_of(one, tag=tag, previous=None) for one, tag in YEAR]
SCALE = Scale(floor=0.0, top=1.0, axis=axis_of([0.1]))
HOSTILE = "</title></style><script>x</script><img src=x onerror=y>\"'{{ 7*7 }}\u202e\x00"


class Elements(HTMLParser):
    """Every element of a page, with its attributes; an id twice, or a text that is no text, would show here."""

    def __init__(self, page):
        super().__init__()
        self.found, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def of(self, tag, **wanted):
        return [attrs for name, attrs in self.found if name == tag and wanted.items() <= attrs.items()]


def drawn(*lines):
    return {one.family: one for one in panels(notes(lines, None), SCALE)}


def test_panels__a_mark_for_each_step_that_was_let_through_and_a_sign_for_each_regression():
    found = drawn(*LINES)
    summary, target = found["advisory-summary"], found["exploit-hypothesis"]
    assert [one.number for one in target.marks] == [1, 2, 3, 5]
    assert [(one.number, one.outcome) for one in summary.marks] == [
        (1, "unchanged"),
        (2, "regressed"),
        (3, "regressed"),
    ]
    assert [(one.number, one.fate) for one in summary.signs] == [(2, "stopped"), (2, "waived"), (3, "advisory")]
    assert "v1.1, waived: advisory-summary −8.0 by alice until 2026-11-28: @bob's" in summary.signs[1].says
    assert (target.score, target.since) == ("90.0", "+10.0")


def test_panels__stand_where_the_numbers_are():
    (mark,) = drawn(line("pass", replace(GOOD, delta=-0.05, interval=(-0.1, 0.0)), tag="v1"))[
        "exploit-hypothesis"
    ].marks
    axis = SCALE.axis
    assert mark.x == 50
    assert (mark.baseline, mark.candidate) == pytest.approx((0.2 * SCORES, 0.1 * SCORES), abs=0.1)
    assert mark.high == DELTAS / 2
    assert mark.delta == pytest.approx(DELTAS * (100 - axis.at(-0.05)) / 100, abs=0.1)
    assert mark.high < mark.delta < mark.low <= DELTAS
    assert mark.margin == mark.delta  # of five points, too
    assert not mark.under
    (far,) = drawn(line("pass", replace(GOOD, interval=(-0.9, 0.9)), tag="v1"))["exploit-hypothesis"].marks
    assert (far.under, far.over, far.low, far.high) == (True, True, DELTAS, 0)


def test_panels__two_steps_of_a_release_share_its_place():
    steps = [line("pass", GOOD, step="ab"), line("pass", GOOD, step="bc", tag="v1"), line("pass", GOOD, tag="v2")]
    found = drawn(*steps)["exploit-hypothesis"].marks
    assert [(one.x, one.number) for one in found] == [(12.5, 1), (37.5, 1), (75, 2)]


def test_panels__what_was_not_measured_has_no_mark():
    (mark,) = drawn(line("pass", replace(GOOD, delta=None, baseline=None, candidate=None, margin=None)))[
        "exploit-hypothesis"
    ].marks
    assert (mark.delta, mark.baseline, mark.candidate, mark.margin) == (None, None, None, None)
    assert (
        Elements(history([line("pass", replace(GOOD, delta=None, baseline=None, candidate=None, margin=None))])).of(
            "circle"
        )
        == []
    )


def test_scale__holds_all_scores_and_deltas_and_is_not_made_flat_by_one_wide_interval():
    many = [line("pass", GOOD, tag=f"v{number}") for number in range(20)]
    wide = line("pass", replace(GOOD, interval=(-0.9, 0.9)), tag="w")
    found = scale_of(notes([*many, wide], None).releases)
    assert (found.floor, found.top) == (0.8, 1.0)
    assert 0.1 <= found.axis.reach <= 0.2
    assert scale_of(()).floor < scale_of(()).top


@pytest.mark.parametrize("number", [0, 1, 2, 4, 5, 60])
def test_days__at_both_ends_and_between_where_there_is_room(number):
    found = days(notes([line("pass", GOOD, tag=f"v{one}") for one in range(number)], None).releases)
    assert len(found) == min(number, 2) + (number > 4)
    assert all(0 < one.x < 100 for one in found)


@pytest.mark.parametrize("number", [0, 1, 60])
def test_page__is_whole_for_any_number_of_releases(number):
    page = Elements(history([line("pass", GOOD, tag=f"v{one}", step=chr(97 + one) + "!") for one in range(number)]))
    rows = {attrs["id"] for attrs in page.of("tr") if "id" in attrs}
    linked = {attrs["href"].removeprefix("#") for attrs in page.of("a") if re.fullmatch("#r[0-9]+", attrs["href"])}
    assert rows == linked == {f"r{one + 1}" for one in range(number)}
    assert len(page.of("figure")) == min(number, 1)
    assert page.of("script") == []


def test_page__says_the_answer_first_and_tells_of_waivers_simulation_and_changed_rules():
    text = " ".join(" ".join(Elements(history(LINES)).texts).split())
    assert "4 releases: 1 shipped with a waived regression, 1 with an advisory one, 2 without a known one" in text
    for said in (
        "by alice until 2026-11-28",
        "simulated",
        "The gate was changed: advisory-summary was blocking and is advisory",
    ):
        assert said in text


def test_page__what_was_not_measured_is_told_by_name():
    blind = replace(GOOD, outcome="inconclusive", reason="too few samples")
    one = [line("pass", blind, replace(blind, slice=SliceKey(name="cwe", value="79")), tag="v1")]
    text = " ".join(" ".join(Elements(history(one)).texts).split())
    assert "exploit-hypothesis: not enough evidence: too few samples" in text
    assert "exploit-hypothesis / cwe=79: not enough evidence" in text


def test_page__nothing_of_data_is_markup():
    one = line("blocked", replace(BAD, config=HOSTILE, family=HOSTILE, reason=HOSTILE, waiver=HOSTILE), tag=HOSTILE)
    changes = tuple(replace(change, config=HOSTILE, what=HOSTILE, before=HOSTILE) for change in one.changes)
    page = history([replace(one, changes=changes, reasons=(HOSTILE,), time=HOSTILE, policy_digest=HOSTILE)])
    found = Elements(page)
    assert found.of("script") == found.of("img") == []
    assert len(found.of("style")) == 1
    assert "{{ 7*7 }}" in page
    assert "\u202e" not in page
    assert "\x00" not in page


@pytest.mark.parametrize("value", [1e308, -1e308, 5e-324])
def test_page__numbers_that_no_run_writes_break_nothing(value):
    odd = replace(BAD, delta=value, baseline=value, candidate=value, margin=value, interval=(value, value))
    one = [line("pass", odd, step=step, tag="v1") for step in ("ab", "bc")]
    assert Elements(history(one)).of("figure")
    assert json.loads(to_json(notes(one, None)))["courses"][0]["family"] == odd.family
    assert "let through" in notes_text(notes(one, None))


def test_page__allows_its_own_style_and_nothing_else():
    (policy,) = Elements(history(LINES)).of("meta", **{"http-equiv": "Content-Security-Policy"})
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
        policy["content"],
    )
    assert " style=" not in history(LINES)


def test_history__writes_the_page_and_refuses_a_ledger_that_is_not_sound(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("l").write_bytes(ledger(*YEAR))
    assert main(["history", "l"]) == 0
    assert capsys.readouterr().out == "history: history.html\n"
    assert Path("history.html").read_text() == history(read(Path("l")).entries)
    Path("l").write_bytes(Path("l").read_bytes()[:-2])
    assert main(["history", "l", "--out", "again.html"]) == 2
    assert not Path("again.html").exists()


def test_example__its_decisions_are_the_gates_own_and_called_simulated(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples/notes"))
    make = __import__("make")
    monkeypatch.delitem(sys.modules, "make")
    (change,) = [one for one in make.YEAR if one.waived]
    make.main(tmp_path, [replace(change, wrong={"triage": 0.52})], size=50)
    found = read(tmp_path / "ledger.jsonl").entries
    assert [(one.tag, one.simulated) for one in found] == [(None, True), ("v1.6", True)]
    assert found[0].verdict == "blocked"
    assert [(one.family, one.state) for one in found[1].waivers] == [("triage", "in force")]
    assert {one.family for one in found[0].comparisons} == set(make.FAMILIES)
