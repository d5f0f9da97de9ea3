"""The Slack message: short, the answer first, and no mention or link of anybody's but the run's."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from gate.domain import SliceKey
from gate.slack import slack
from gate.wording import VERDICT_ICONS
from tests.fakes.reports import BAD, BASE, REPORTS, row


@pytest.mark.parametrize("name", REPORTS)
def test_slack__says_the_verdict_first_and_where_to_read_more_last(name):
    first, *_, last = slack(REPORTS[name]).splitlines()
    assert first.startswith(f"{VERDICT_ICONS[REPORTS[name].verdict]} *")
    assert last == "head 0123456789ab · <https://github.example/o/r/actions/runs/42|run> · Driftgate 0.1.0"


def test_slack__to_the_letter():
    assert slack(replace(REPORTS["blocked"], simulated=True)).splitlines()[1:-1] == [
        "_The endpoints were simulated: these are not a real model's figures._",
        "• A neighbour regressed: exploit-hypothesis +10.0 while advisory-summary −8.0; net effect +1.0 over the mean of 2 families",
        "• 🔴 advisory-summary: −8.0 [−10.0, −6.0]",
        "• 🔴 advisory-summary / cwe=CWE-787 | \u2060`\u2060x\u2060`\u2060 @\u2060all: −40.0 [−42.0, −38.0]",
    ]
    assert slack(REPORTS["pass"]).splitlines()[1:-1] == ["• 🟢 exploit-hypothesis: +10.0 [+8.0, +12.0]"]


def test_slack__of_many_regressions_says_how_many_more():
    many = [row(f"family-{number}", -0.1, "regressed") for number in range(30)]
    text = slack(replace(REPORTS["blocked"], comparisons=tuple(many), patterns=()))
    assert "• 22 more lines in the report" in text
    assert len(text) < 3000


@given(
    text=st.text(max_size=400) | st.sampled_from(["<!channel>", "<@U1>", "@here", "<http://e|x>", "*b* _i_ `c` ~s~"])
)
def test_slack__no_text_is_a_mention_a_link_or_markup(text):
    one = replace(BAD, family=text, slice=SliceKey(name=text, value=text))
    said = slack(replace(REPORTS["blocked"], comparisons=(one,), patterns=(), reasons=(text,)))
    body = "\n".join(said.splitlines()[:-1])
    assert not re.search(r"[<>]|@\w|://\w", body)
    assert len(said) < 3000
    assert not re.search(r"[*_~`](?!\u2060)", body.removeprefix("🔴 *")[:-1].replace("*\n", "\n"))


def test_slack__without_a_run_has_no_link():
    origin = replace(BASE.provenance, run_url="https://evil.example/<|>", head_sha=None)
    assert slack(replace(BASE, provenance=origin)).splitlines()[-1] == "Driftgate 0.1.0"
