"""Release notes: what each release changed, lost and did not measure; the answer first; nothing of data renders."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings, strategies as st
from markdown_it import MarkdownIt
from pydantic import TypeAdapter

from gate.cli import _parser, main
from gate.domain import Pattern, PerArm, SliceKey
from gate.errors import Problems, UsageError
from gate.ledger import read
from gate.ledger_line import line_of
from gate.markdown import comment
from gate.notes import Notes, notes, to_json
from gate.notes_text import notes_text, report_text
from gate.releases import releases
from gate.report import to_json as report_json
from gate.tools import Tools
from tests.fakes.ledgers import ADVISORY, CONFIG, FINE, WAIVED, YEAR, ledger, line
from tests.fakes.reports import BAD, BASE, GOOD, REPORTS, WAIVER, planned, row

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/notes.md").read_text()
LINES = [line_of(one, tag=tag, previous=None) for one, tag in YEAR]
RARE = SliceKey(name="cwe", value="CWE-787")


def told(*lines, since=None):
    return notes_text(notes(lines, since))


def lost(release):
    return [(one.kind, one.stopped, one.source.line) for one in release.regressions]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`run("notes", …)`: exit code and what was printed, on 2026-06-15."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "l").write_bytes(ledger(*YEAR))

    def command(*argv):
        out, arguments = StringIO(), _parser().parse_args(argv)
        tools = Tools(environ={}, out=out, err=out, now=lambda: datetime(2026, 6, 15, tzinfo=UTC))
        return arguments.command(arguments, tools), out.getvalue()

    return command


def test_releases__lines_belong_to_the_next_tag_or_to_none_yet():
    found = releases(LINES)
    assert [(one.tag, [source.line for source in one.decisions]) for one in found] == [
        ("v1.0", [1]),
        ("v1.1", [2, 3]),
        ("v1.2", [4]),
        ("v1.3", [5]),
        (None, [6]),
    ]
    assert [one.verdict for one in found] == ["pass", "waived", "pass", "neutral", None]


def test_releases__a_tag_decided_on_again_is_one_release_and_its_last_decision_counts():
    tries = [line("blocked", BAD, tag="v1"), line("pass", GOOD), line("waived", WAIVED, tag="v1"), line("pass", GOOD)]
    found = releases(tries)
    assert [(one.tag, one.verdict, len(one.decisions)) for one in found] == [("v1", "waived", 3), (None, None, 1)]
    again = releases([*tries, line("pass", GOOD, tag="v2"), line("blocked", BAD, tag="v1")])
    assert [one.tag for one in again] == ["v1", "v2", "v1"]


@pytest.mark.parametrize(
    ("steps", "stand"),
    [
        (("ab", "bc", "cd"), [1, 2, 3]),  # each goes on from the one before
        (("ab", "ab"), [2]),  # another try
        (("ab", "bc", "ac"), [3]),  # the last covers both
        (("ab", "bc", "bd"), [1, 3]),
        (("ab", "ba"), [1, 2]),  # taken back
    ],
)
def test_steps__one_from_the_same_baseline_stands_for_those_since(steps, stand):
    (found,) = releases([line("pass", GOOD, step=step) for step in steps])
    assert [one.source.line for one in found.steps] == stand


def test_steps__recorded_results_of_no_config_stand_for_each_other():
    one = replace(GOOD, config=None)
    (found,) = releases([line("pass", one), line("pass", one)])
    assert [(step.config, step.digests, step.source.line) for step in found.steps] == [(None, None, 2)]


def test_steps__what_was_stopped_is_shown_only_where_nothing_else_of_the_config_is():
    blocked, fine = line("blocked", BAD), line("pass", GOOD)
    assert [one.source.line for one in releases([blocked, blocked])[0].steps] == [2]
    assert [one.source.line for one in releases([fine, blocked])[0].steps] == [1]
    assert [one.source.line for one in releases([fine, replace(blocked, tag="v1")])[0].steps] == [2]


def test_steps__hold_what_changed_in_their_own_config_only():
    other = replace(GOOD, config="models/b.yml")
    (found,) = releases([line("pass", GOOD, other)])
    assert [(one.config, len(one.changes)) for one in found.steps] == [(CONFIG, 2), ("models/b.yml", 0)]


def test_regressions__of_every_decision_stay_even_where_a_later_one_does_not_show_them():
    (found,) = releases([line("pass", ADVISORY, step="ab"), line("pass", GOOD, FINE, step="ab")])
    assert lost(found) == [("advisory", False, 1)]


def test_regressions__the_same_one_is_told_once_by_its_last_decision():
    (found,) = releases([line("blocked", BAD, step="ab"), line("blocked", BAD, step="ab")])
    assert lost(found) == [("blocking", True, 2)]
    (found,) = releases([line("blocked", BAD, step="ab"), line("blocked", BAD, step="ac")])
    assert lost(found) == [("blocking", True, 1), ("blocking", True, 2)]


def test_regressions__of_recorded_results_hide_none_that_another_change_lost():
    lost, more = (replace(WAIVED, config=None, delta=delta) for delta in (-0.08, -0.03))
    (found,) = releases([line("waived", lost), line("waived", more), line("waived", more, tag="v1")])
    assert [(one.compared.delta, one.source.line) for one in found.regressions] == [(-0.08, 1), (-0.03, 3)]


def test_regressions__a_waived_one_says_by_whom_why_until_when_and_how_much():
    found = releases(LINES)[1]
    assert lost(found) == [("blocking", True, 2), ("waived", False, 3)]
    assert found.regressions[1].waiver == WAIVER
    text = told(*LINES, since="v1.0")
    assert "lost 8.0 points of 10.0 allowed, by alice until 2026-11-28: @\u2060bob's customer needs" in text
    assert "🔴 blocking, **stopped**: `advisory-summary` −8.0 [−10.0, −6.0] (line 2, 2026-01-10)" in text


def test_regressions__a_waiver_that_the_line_does_not_hold_is_told_in_its_own_words():
    one = replace(line("waived", WAIVED), waivers=())
    assert "🟠 waived, **let through**: `advisory-summary` −8.0 [−10.0, −6.0]: alice, until 2026-11-28" in told(one)


def test_gaps__each_kind_is_told():
    open_ = row("f-open", -0.02, "inconclusive")
    none = replace(row("f-none", 0.0, "inconclusive"), n_pairs=0, n_dropped=PerArm(baseline=4, candidate=0))
    small = row("f-open", 0.0, "unchanged", slice_=RARE, gating=False)
    plan = (planned("f-open", 0.514, False, slice_=RARE), planned("f-left-out", 0.05, True))
    text = told(line("pass", open_, none, small, plan=plan))
    section = text.partition("### Not measured\n\n")[2].partition("\n\n")[0]
    assert section.splitlines() == [
        "- `f-left-out`: was planned, and not compared",
        "- `f-open`: not enough evidence: a reason in words",
        "- `f-open`: 0 samples on the baseline and 3 on the candidate had no answer or no score",
        "- `f-none`: no sample was scored on both arms: a reason in words",
        "- `f-none`: 4 samples on the baseline and 0 on the candidate had no answer or no score",
        "- `f-open / cwe=CWE-787`: too small to see a loss as large as its margin of 5.0 points: sees losses from 51.4 points",
    ]


def test_gaps__a_decision_that_compared_nothing_or_is_open_says_why():
    assert "- nothing was compared: no config changed" in told(line("neutral", reasons=("no config changed",)))
    assert "- the decision is open: the budget is used up" in told(
        line("inconclusive", GOOD, reasons=("the budget is used up",))
    )
    assert "Not measured" not in told(line("pass", replace(GOOD, n_dropped=PerArm(baseline=0, candidate=0))))


def test_rules__a_gate_that_was_changed_is_told():
    before = replace(line("pass", GOOD, FINE, tag="v1"), policy_digest="sha256:1", dataset_digests={"f": "sha256:1"})
    looser = replace(GOOD, margin=0.2, severity="advisory")
    after = replace(line("pass", looser), policy_digest="sha256:2", dataset_digests={"f": "sha256:2"}, version="0.2.0")
    assert releases([before, after])[1].rules == (
        "no longer evaluated: advisory-summary",
        "exploit-hypothesis was blocking and is advisory",
        "the margin of exploit-hypothesis was 5.0 points and is 20.0",
        "the dataset f was changed: its scores are not those of the same samples as before",
        "the policy was changed (1 to 2)",
        "Driftgate was 0.1.0 and is 0.2.0",
    )
    assert releases([before, replace(before, tag="v2")])[1].rules == ()
    assert releases([before, line("neutral", tag="v2"), replace(before, tag="v3")])[2].rules == ()


def test_drift__against_the_anchor_is_told_once():
    drift = Pattern(kind="cumulative-drift", config=CONFIG, families=("f",), text="f lost 6.0 points since the anchor")
    one = line("pass", GOOD, patterns=(drift, replace(drift, kind="long-tail-lost")), step="ab")
    text = told(one, replace(one, config_digests={}))
    assert text.count("f lost 6.0 points since the anchor") == 1
    assert "### Drift since the anchor" in text


def test_answer__counts_each_release_once_by_the_worst_that_shipped():
    assert notes(LINES, "v1.0").answer == (
        "3 releases since v1.0: 1 shipped with a waived regression, 1 with an advisory one, 1 without a known one; "
        "1 decision blocked a change; the endpoints of 1 decision were simulated; 1 decision not in a release yet"
    )
    assert notes(LINES, "v1.1").answer.startswith(
        "2 releases since v1.1: 1 shipped with an advisory regression, 1 with"
    )
    both = line("waived", WAIVED, ADVISORY, tag="v1")
    assert notes([both], None).answer == "1 release: 1 shipped with a waived regression"
    assert notes([line("blocked", BAD, tag="v1")], None).answer == "1 release: 1 blocked; 1 decision blocked a change"
    assert notes([line("error", tag="v1")], None).answer == "1 release: 1 not decided"
    assert notes([], None).answer == "No release"
    assert notes(LINES[:1], "v1.0").answer == "No release since v1.0"


def test_since__a_day_takes_whole_releases_that_were_decided_on_it_or_later():
    assert [one.tag for one in notes(LINES, "2026-01-20").releases] == [None, "v1.3", "v1.2", "v1.1"]
    assert [one.tag for one in notes(LINES, "2026-01-21").releases] == [None, "v1.3", "v1.2"]
    dated = [replace(LINES[0], tag="2030-01-01"), *LINES[1:]]
    assert len(notes(dated, "2030-01-01").releases) == 4  # a tag that looks like a day is a tag


@pytest.mark.parametrize("since", ["v9", "2026-1-1", "last year", "\x1b[31m"])
def test_since__that_is_no_tag_and_no_day_names_the_tags(since):
    with pytest.raises(UsageError, match=r"its tags are v1\.3, v1\.2, v1\.1 and v1\.0") as caught:
        notes(LINES, since)
    assert "\x1b" not in str(caught.value)
    with pytest.raises(UsageError, match="it has none"):
        notes([], since)


def test_courses__add_up_what_was_let_through_and_say_that_the_sum_is_no_measurement():
    found = {one.family: one for one in notes(LINES, None).courses}
    summary, target = found["advisory-summary"], found["exploit-hypothesis"]
    assert (summary.steps, summary.waived, summary.advisory, summary.stopped) == (3, 1, 1, 1)
    assert summary.total == pytest.approx(0.01 - 0.08 - 0.08)
    assert (target.steps, target.first, target.last) == (4, 0.8, 0.9)
    assert "It is no measurement of the whole" in told(*LINES)


def test_courses__a_family_that_was_only_ever_stopped_has_no_sum():
    (one,) = notes([line("blocked", BAD)], None).courses
    assert (one.steps, one.first, one.total, one.stopped) == (0, None, None, 1)


def test_text__its_first_line_is_the_answer_and_the_next_says_what_besides():
    first, _, second = told(*LINES, since="v1.0").splitlines()[:3]
    assert (
        first
        == "# 3 releases since v1.0: 1 shipped with a waived regression, 1 with an advisory one, 1 without a known one"
    )
    assert second.startswith("1 decision blocked a change; the endpoints of 1 decision were simulated")


def test_text__of_a_ledger_of_version_1_says_what_is_there():
    found = read(ROOT / "tests/reference/ledger_version_1.jsonl").entries
    assert {one.schema_version for one in found} == {1}
    text = told(*found)
    assert "🟠 waived, **let through**: `advisory-summary` −8.0 [−10.0, −6.0]" in text
    assert "| `exploit-hypothesis`              | 400 |          – |           – | +10.0 [+8.0, +12.0]" in text


def test_text__names_configs_only_where_there_are_several():
    other = replace(BAD, config="models/b.yml", severity="advisory")
    assert " of `models/a.yml`" not in told(line("pass", GOOD, ADVISORY))
    assert "`advisory-summary` of `models/b.yml` −8.0" in told(line("pass", GOOD, other))


def test_text__simulated_decisions_are_called_so():
    text = told(line("pass", GOOD, simulated=True), line("pass", GOOD))
    assert "> The endpoints of 1 decision were **simulated**" in text
    every = told(line("pass", GOOD, simulated=True, tag="v1"), line("pass", GOOD, simulated=True))
    assert every.partition("## ")[0].count("> The endpoints of all of these decisions were **simulated**") == 1
    assert every.count("**simulated**") == 1


@pytest.mark.parametrize("name", REPORTS)
def test_report_text__says_what_the_comment_says_first_and_holds_no_number_of_a_line(name):
    text = report_text(REPORTS[name])
    assert text.splitlines()[0] == comment(REPORTS[name]).splitlines()[0].removeprefix("#")
    assert "line 1" not in text


HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "@all",
        "<img src=x onerror=a>",
        "[x](https://evil.example)",
        "](x) `",
        "| a | b |\n# h",
        "</details>",
        "javascript:a",
    ]
)


@given(text=HOSTILE)
@settings(max_examples=60)
def test_text__nothing_of_data_renders(text):
    """Rendered as GitHub does (tables, HTML): besides our own, no tag, link, heading or mention."""
    bad = replace(BAD, family=text, slice=SliceKey(name=text, value=text), waiver=text, reason=text)
    waiver = replace(WAIVER, family=text, slice=bad.slice, approver=text, because=text, until=text, where=text)
    change = replace(BASE.changes[0], what=text, before=text, after=text)
    more = {
        "reasons": (text,),
        "notices": (text,),
        "patterns": (Pattern(kind="cumulative-drift", config=text, families=(), text=text),),
    }
    one = replace(
        line("waived", bad, tag=text, **more),
        waivers=(waiver,),
        changes=(change,),
        time=text,
        run_url=text,
        policy_digest=text,
    )
    said = told(one, replace(one, policy_digest="p", head_sha=text))
    html = MarkdownIt("commonmark").enable("table").render(said)
    assert not re.search(r"<(?:img|script|a) ", html)
    assert not re.search(r"@\w|://\w", re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL))
    headings = re.findall(r"<h[1-6]>(.*?)</h", html)
    ours = r"\d+ release|Regressions|Each family|<code>|Not in|What changed|Not measured|Drift since|The gate itself|Noted|.{0,40} · "
    assert all(re.match(ours, one) for one in headings), headings
    assert html.count("<details>") == html.count("</details>")


def test_json__is_of_its_schema_and_holds_what_the_text_says(run):
    code, text = run("notes", "l", "--since", "v1.0", "--format", "json")
    found = json.loads(text)
    assert TypeAdapter(Notes).validate_json(text) == notes(LINES, "v1.0")
    assert code == 0
    assert [one["tag"] for one in found["releases"]] == [None, "v1.3", "v1.2", "v1.1"]
    assert found["releases"][3]["regressions"][1]["waiver"]["approver"] == "alice"
    assert text == to_json(notes(LINES, "v1.0"))


def test_notes__year_is_the_last_365_days_by_the_clock(run):
    code, text = run("notes", "l", "--year")
    assert (code, text.splitlines()[0][:12]) == (0, "# 3 releases")
    assert "since 2025-06-15" in text


def test_notes__are_written_to_a_file_where_asked(run, tmp_path):
    assert run("notes", "l", "--out", "new/notes.md") == (0, "")
    assert (tmp_path / "new/notes.md").read_text() == told(*LINES)


def test_notes__a_ledger_that_is_not_sound_gives_none(run, tmp_path):
    (tmp_path / "l").write_bytes(ledger(*YEAR).replace(b"alice", b"bob__", 1))
    with pytest.raises(Problems, match="l:4:1: does not go on from the line before"):
        run("notes", "l", "--out", "notes.md")
    assert not (tmp_path / "notes.md").exists()


def test_notes__problems_end_with_exit_code_2(run, capsys):
    assert main(["notes", "l", "--since", "v9"]) == 2
    assert "driftgate: --since v9: is no tag of the ledger" in capsys.readouterr().err
    assert main(["notes", "none"]) == 2


def test_page__its_commands_work(run, tmp_path):
    (tmp_path / "ledger.jsonl").write_bytes(ledger(*YEAR))
    (tmp_path / "report.json").write_text(report_json(REPORTS["waived"]))
    block = re.search(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1].splitlines()
    asked = re.findall(r"^\|.*\| `(driftgate notes .*)` \|$", PAGE, re.MULTILINE)
    assert len(asked) == 3
    for command in (*block, *asked):
        assert run(*command.split()[1:])[0] == 0, command
    assert {path.name for path in tmp_path.glob("*.md")} == {"notes.md", "section.md"}


def test_workflow__its_commands_make_the_files_that_it_publishes(run, tmp_path):
    (tmp_path / "ledger.jsonl").write_bytes(ledger(*YEAR))
    jobs = yaml.safe_load((ROOT / "examples/workflows/release-notes.yml").read_text())["jobs"]
    made = [step["run"] for step in jobs["notes"]["steps"] if "run" in step]
    for command in made:
        argv = command.replace('"$SINCE"', "v1.1").split()
        assert argv[:3] == ["python", "-m", "gate"]
        assert run(*argv[3:])[0] == 0
    (upload,) = [step["with"]["path"] for step in jobs["notes"]["steps"] if "path" in step.get("with", {})]
    assert {path.name for path in tmp_path.iterdir()} - {"l", "ledger.jsonl"} == set(upload.split())
    assert set(upload.split()) <= set(jobs["release"]["steps"][-1]["run"].split())
    assert (tmp_path / "notes.md").read_text().startswith("# 2 releases since v1.1")


def test_page__names_each_part_of_the_notes():
    parts = dict(re.findall(r"^\| ([A-Z][\w ]+) \| (.+) \|$", PAGE, re.MULTILINE))
    ours = re.findall(r'_section\(\s*"([\w ]+)"', (ROOT / "gate/notes_text.py").read_text())
    assert {*ours, "What changed", "Rests on"} == set(parts)


def test_render__release_notes_of_a_report(run, tmp_path):
    (tmp_path / "report.json").write_text(report_json(REPORTS["waived"]))
    assert run("render", "report.json", "--format", "release-notes") == (0, report_text(REPORTS["waived"]))
