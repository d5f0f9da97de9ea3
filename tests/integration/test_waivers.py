"""Waivers through the container's process: a blocked change is released by a comment or by the base branch's file, or
it is not, and the reason is told."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from gate.files import digest
from gate.simulated import SimulatedEndpoint
from tests.fakes.github import BOT, FakeGitHub, ago, made_by
from tests.integration.test_entrypoint import CONFIG, MARKER, POLICY, act, respond, tree  # noqa: F401 - `act` is a fixture

RULE = "risk: {design: fixed}\nwaivers: {approver_permission: maintain, max_days: 30}\n"
WHY = "because the customer needs it"


def day(number):
    return (datetime.now(UTC) + timedelta(days=number)).date().isoformat()


UNTIL = day(20)
PLAIN = f"/driftgate waive sums until {UNTIL} {WHY}"


@pytest.fixture
def gated(act):  # noqa: F811
    """`gated(comment, …)` judges a change that loses 25 points, with a comment there, and gives process, report, GitHub."""

    def run(*comments, rule=RULE, prepare=lambda github: None, model="worse", base=None, head=None):
        with SimulatedEndpoint(respond) as endpoint:
            policy = {".github/driftgate.yml": POLICY.format(url=endpoint.base_url, budget="") + rule}
            base_tree = tree(endpoint.base_url, **policy, **(base or {}))
            head_tree = {**base_tree, **tree(endpoint.base_url, model, **policy), **(head or {})}
            with FakeGitHub(base_tree, head_tree) as github:
                github.roles = {"alice": "maintain", "wendy": "write", "dev": "admin", "root": "admin"}
                prepare(github)
                for one in comments:
                    github.say("alice", one) if isinstance(one, str) else one(github)
                done = act(github)
        assert "Traceback" not in done.stdout + done.stderr
        return done, act.report(), github

    return run


def verdict(found):
    done, report, _ = found
    return done.returncode, report["verdict"]


def reasons(found):
    return [one["reason"] for one in found[1]["waivers"]]


def test_comment__of_a_maintainer_releases_loudly(gated):
    found = gated(f"Agreed in the release meeting.\n\n{PLAIN}")
    done, report, github = found
    assert verdict(found) == (0, "waived")
    (use,) = report["waivers"]
    assert (use["state"], use["source"], use["approver"], use["until"]) == ("in force", "comment", "alice", UNTIL)
    assert (use["because"], use["where"]) == (WHY.removeprefix("because "), "https://x/1")
    assert use["measured"] == pytest.approx(0.25)
    (row,) = (one for one in report["comparisons"] if one["slice"] is None)
    assert row["waiver"] == f"alice, until {UNTIL}"
    assert use["loss"] == -row["interval"][0] > 0.25
    for text in (github.comments[-1]["body"], done.stdout):
        assert re.search(r"🟠 Waived: sums lost 25\.0 points, released by waiver", text)
        assert "the customer needs it" in text
    assert "::warning file=models/a.yml" in done.stdout
    assert "::error" not in done.stdout


def test_offer__of_the_comment_releases_when_it_is_posted_with_a_reason(gated):
    first = gated()
    assert verdict(first) == (1, "blocked")
    (offer,) = first[1]["offers"]
    assert offer in first[2].comments[0]["body"]
    assert reasons(gated(offer)) == [], "the dots are no reason"
    found = gated(offer.replace("…", "the customer needs it"))
    assert verdict(found)[1] != "waived", "another run's endpoint is another policy, and so another commit"
    assert "the head commit changed" in reasons(found)[0]


def role(name):
    return lambda github: github.roles.update(alice=name)


def edited(github):
    github.say("alice", PLAIN)["updated_at"] = ago(0)


def hidden(github):
    github.say("alice", PLAIN)["minimized"] = {"reason": "outdated"}


def by(login, text=PLAIN, hours=1):
    return lambda github: github.say(login, text, at=ago(hours))


def commit(*made, **more):
    return lambda github: github.commits.update({github.head_sha: made_by(*made, **more)})


def pusher(login):
    return lambda github: github.push("topic", github.head_sha, login, ago(40))


def unseen(github):
    github.pushes.clear()


def base_was(**files):
    """The base branch held other files when the comment was written."""

    def prepare(github):
        now = github.base_sha
        old = github._commit(files)
        github.pushes["main"] = []
        github.push("main", old, "lead", ago(72))
        github.push("main", now, "lead", ago(0))

    return prepare


@pytest.mark.parametrize(
    ("prepare", "comment", "state", "reason"),
    [
        (role("write"), PLAIN, "refused", "has permission write; the policy asks for maintain"),
        (role("triage"), PLAIN, "refused", "has permission triage"),
        (None, by("mallory"), "refused", "has permission none"),
        (None, by("dev"), "refused", "is the author of the pull request"),
        (commit("alice"), PLAIN, "refused", "is the author of the head commit"),
        (commit("dev", "Alice"), PLAIN, "refused", "is the committer of the head commit"),
        (
            commit("dev", message="x\n\nCo-authored-by: A <12+alice@users.noreply.github.com>"),
            PLAIN,
            "refused",
            "is a co-author of the head commit",
        ),
        (pusher("alice"), PLAIN, "refused", "pushed the head commit"),
        (None, edited, "refused", "its comment was edited"),
        (None, hidden, "refused", "its comment was hidden"),
        (None, PLAIN.replace(UNTIL, day(-1)), "expired", "its last day was"),
        (None, PLAIN.replace(UNTIL, day(31)), "refused", "the policy allows 30 at most"),
        (None, by("alice", hours=47), "in force", "allowed"),
        (
            None,
            by("alice", hours=60),
            "refused",
            "GitHub does not show what was judged when it was written; add head",
        ),
        (unseen, PLAIN, "refused", "GitHub does not show what was judged when it was written; add head"),
        (None, PLAIN.replace("because", "head 0123456789abcdef0123 because"), "lapsed", "the head commit changed"),
        (None, PLAIN.replace("because", "policy 0123456789abcdef0123 because"), "lapsed", "the policy changed"),
        (None, PLAIN.replace("because", "baseline 0123456789abcdef0123 because"), "lapsed", "the baseline changed"),
        (None, PLAIN.replace("because", "candidate 0123456789abcdef0123 because"), "lapsed", "the candidate changed"),
        (None, PLAIN.replace("because", "loss 0.2 because"), "lapsed", "the loss grew to 0.2500; it allows 0.2000"),
        (None, PLAIN.replace("sums", "sums/kind=other"), "unused", "no such family or slice"),
        (None, PLAIN.replace("because", "config models/b.yml because"), "unused", "does not judge models/b.yml"),
        (base_was(a="b"), PLAIN, "refused", "GitHub does not show what was judged when it was written; add policy"),
        (
            base_was(**{".github/driftgate.yml": "version: 1\n"}),
            PLAIN,
            "lapsed",
            "the policy changed",
        ),
    ],
)
def test_comment__releases_only_what_it_was_given_for(gated, prepare, comment, state, reason):
    found = gated(comment, prepare=prepare or (lambda github: None))
    (use,) = found[1]["waivers"]
    assert (use["state"], reason in use["reason"]) == (state, True), use
    assert verdict(found) == ((0, "waived") if state == "in force" else (1, "blocked"))
    if state != "in force":
        (notice,) = (one for one in found[1]["notices"] if "waiver of sums" in one)
        assert use["reason"] in notice
        assert state in found[2].comments[-1]["body"]


def test_comment__a_new_head_commit_needs_a_new_one(gated):
    def prepare(github):
        github.pushes["topic"] = []
        github.push("topic", "0" * 40, "dev", ago(48))
        github.push("topic", github.head_sha, "dev", ago(0.5))

    found = gated(PLAIN, prepare=prepare)
    assert verdict(found) == (1, "blocked")
    assert reasons(found)[0].startswith("the head commit changed: given for 00000000000000000000")


@pytest.mark.parametrize(
    "comment",
    [
        by(BOT),
        by("some-app[bot]"),
        f"> {PLAIN}",
        f"```\n{PLAIN}\n```",
        f"    {PLAIN}",
        f"<!--\n{PLAIN}\n-->",
        by(BOT, f"{PLAIN}\n{MARKER}"),
    ],
)
def test_comment__that_is_no_command_is_ignored(gated, comment):
    found = gated(comment)
    assert verdict(found) == (1, "blocked")
    assert found[1]["waivers"] == []


def test_comment__a_policy_without_waivers_allows_none_and_says_so(gated):
    found = gated(PLAIN, rule="")
    assert verdict(found) == (1, "blocked")
    assert "the policy has no waivers section: it allows none" in found[2].comments[-1]["body"]
    assert found[1]["offers"] == []


def test_comment__misread_is_told_in_our_words(gated):
    found = gated("/driftgate waive sums <b>@all</b> until tomorrow because I say so")
    assert verdict(found) == (1, "blocked")
    (notice,) = found[1]["notices"]
    assert notice.startswith("not a waiver: a comment of alice (https://x/1) has a word where one of until, loss")
    assert "all" not in notice


def test_comment__unused_and_near_its_end_is_told(gated):
    found = gated(PLAIN.replace(UNTIL, day(3)), model="fine")
    assert verdict(found) == (0, "pass")
    (notice,) = found[1]["notices"]
    assert "unused: it did not regress (unchanged)" in notice
    assert f"expires in 3 days, on {day(3)}" in notice


def test_github__that_does_not_answer_leaves_the_block(gated):
    def prepare(github):
        github.down.add(f"/commits/{github.head_sha}")

    found = gated(PLAIN, prepare=prepare)
    assert found[0].returncode == 1
    assert "waivers could not be checked, so none is applied" in found[0].stdout


FILE = ".github/gate-waivers.yml"


def entry(found, **changes):
    """A waiver for what an earlier run judged."""
    _, report, github = found
    digests = report["provenance"]["config_digests"]["models/a.yml"]
    values = {
        "family": "sums",
        "loss": 0.4,
        "given": day(-1),
        "until": UNTIL,
        "approver": "alice",
        "because": "the customer needs it",
        "head": github.head_sha,
        "policy": report["provenance"]["policy_digest"],
        **digests,
    }
    lines = "".join(f"    {key}: {json.dumps(value)}\n" for key, value in (values | changes).items())
    return f"version: 1\nwaivers:\n  -\n{lines}"


@pytest.fixture
def filed(act):  # noqa: F811
    """`filed(**changes)` judges a change twice: the second time with a waiver for the first in the base branch's file."""

    def run(**changes):
        with SimulatedEndpoint(respond) as endpoint:
            base = tree(
                endpoint.base_url, **{".github/driftgate.yml": POLICY.format(url=endpoint.base_url, budget="") + RULE}
            )
            with FakeGitHub(base, {**base, "models/a.yml": CONFIG.format("worse")}) as github:
                github.roles = {"alice": "maintain", "wendy": "write"}
                act(github)
                text = entry((None, act.report(), github), **changes)
                github.base_sha = github._commit({**base, FILE: text})
                done = act(github)
        return done, act.report(), github

    return run


def test_file__of_the_base_branch_releases(filed):
    found = filed()
    assert verdict(found) == (0, "waived"), found[1]["waivers"]
    (use,) = found[1]["waivers"]
    assert (use["source"], use["where"], use["loss"]) == ("file", f"{FILE}:4", 0.4)


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({"approver": "wendy"}, "refused", "has permission write"),
        ({"approver": "Dev"}, "refused", "is the author of the pull request"),
        ({"loss": 0.2}, "lapsed", "the loss grew"),
        ({"head": hashlib.sha1(b"another").hexdigest()}, "lapsed", "the head commit changed"),
        ({"policy": digest("another")}, "lapsed", "the policy changed"),
        ({"baseline": digest("another")}, "lapsed", "the baseline changed"),
        ({"candidate": digest("another")}, "lapsed", "the candidate changed"),
        ({"given": day(1)}, "refused", "is yet to come"),
        ({"until": day(40)}, "refused", "the policy allows 30 at most"),
        ({"given": day(-9), "until": day(-2)}, "expired", "its last day was"),
    ],
)
def test_file__releases_only_what_it_was_given_for(filed, changes, state, reason):
    found = filed(**changes)
    assert verdict(found) == (1, "blocked")
    (use,) = found[1]["waivers"]
    assert (use["state"], reason in use["reason"]) == (state, True), use


def test_file__of_the_pull_request_releases_nothing_and_is_told(gated):
    found = gated(head={FILE: entry(gated())})
    assert verdict(found) == (1, "blocked")
    assert found[1]["waivers"] == []
    assert f"this change edits {FILE}" in found[2].comments[-1]["body"]


def test_file__that_is_wrong_costs_no_call(gated):
    done, report, _ = gated(base={FILE: "version: 1\nwaivers:\n  - {family: sums, until: soon, lost: 0.1}\n"})
    assert (done.returncode, report["verdict"]) == (2, "error")
    for says in ("waivers[0].until: must be a day like 2026-12-31", "waivers[0].lost: is not a known key", "because"):
        assert says in done.stdout
    assert report["calls"]["candidate"] == 0
