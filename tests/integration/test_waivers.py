"""Waivers through the container's process: a blocked change is released by a comment or by the base branch's file, or
it is not, and the reason is told."""

import hashlib
import json
import re
import subprocess
import sys
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

    def run(*comments, rule=RULE, prepare=lambda github: None, model="worse", base=None, head=None, policy=POLICY):
        with SimulatedEndpoint(respond) as endpoint:
            rules = {".github/driftgate.yml": policy.format(url=endpoint.base_url, budget="") + rule}
            base_tree = tree(endpoint.base_url, **rules, **(base or {}))
            head_tree = {**base_tree, "models/a.yml": CONFIG.format(model), **(head or {})}
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


def nobody(github):
    commit(None)(github)
    github.pushes["topic"][0]["actor"] = None


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
        (nobody, PLAIN, "refused", "GitHub does not show who made the head commit"),
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


def test_comment__what_github_does_not_show_of_its_makers_is_said(gated):
    message = "x\n\nCo-authored-by: A <a@example.com>\nco-authored-by: B <bob@users.noreply.github.com>"
    found = gated(PLAIN, prepare=commit(None, "web-flow", message=message))
    assert verdict(found) == (0, "waived")
    assert found[1]["waivers"][0]["unchecked"] == [
        "whose the head commit's e-mail address is",
        "co-authors by e-mail address",
    ]


def test_comment__releases_one_regression_and_not_another(gated):
    rule = RULE + "  # and another family\n"
    both = POLICY.replace(
        "families:\n",
        "families:\n  more: {{kind: custom, dataset: evals/sums.jsonl, severity: blocking, margin: 0.05, match: {{mode: exact}}}}\n",
    )
    assert both != POLICY
    found = gated(PLAIN, rule=rule, policy=both)
    assert verdict(found) == (1, "blocked")
    assert [one["state"] for one in found[1]["waivers"]] == ["in force"]
    assert found[2].comments[-1]["body"].startswith("### 🔴 Blocked: ")
    assert [line.split()[2] for line in found[1]["offers"]] == ["more"]
    assert verdict(gated(PLAIN, PLAIN.replace("sums", "more"), rule=rule, policy=both)) == (0, "waived")


def test_comment__that_is_deleted_releases_no_more(act):  # noqa: F811
    with SimulatedEndpoint(respond) as endpoint:
        rules = {".github/driftgate.yml": POLICY.format(url=endpoint.base_url, budget="") + RULE}
        base = tree(endpoint.base_url, **rules)
        with FakeGitHub(base, {**base, "models/a.yml": CONFIG.format("worse")}) as github:
            github.roles = {"alice": "maintain"}
            comment = github.say("alice", PLAIN)
            assert act(github).returncode == 0
            github.comments.remove(comment)
            assert act(github).returncode == 1
    assert github.comments[0]["body"].startswith("### 🔴 Blocked")


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


WAIVER = """\
version: 1
waivers:
  - {family: sums, loss: 0.9, given: 2026-01-01, until: 2099-01-01, approver: alice, because: it must go out}
"""


@pytest.fixture
def local(gate):
    """`local(waivers, …)` judges a change that loses on this machine, where the policy lets waivers run for a year."""

    with SimulatedEndpoint(gate.respond) as endpoint:

        def run(text, *more, rule="waivers: {{max_days: 365}}\n", **options):
            (gate.folder / "w.yml").write_text(text)
            return gate(endpoint.base_url, "models/worse.yml", *more, policy=gate.policy + rule, **options)

        yield run


def long(text=WAIVER):
    return text.replace("2026-01-01", day(-1)).replace("2099-01-01", day(300))


def bound(gate, text):
    origin = gate.report()["provenance"]
    (digests,) = origin["config_digests"].values()
    more = "".join(f", {key}: {value}" for key, value in {"policy": origin["policy_digest"], **digests}.items())
    return text.replace("because", f"{more[2:]}, because")


def test_run__on_this_machine_takes_the_file_and_says_what_it_cannot_check(local, gate):
    assert local(WAIVER).returncode == 1, "the policy names another file"
    assert gate.report()["waivers"] == []
    text = bound(gate, long())
    done = local(text, "--waivers", "w.yml")
    assert (done.returncode, done.stdout.partition(":")[0]) == (0, "🟠 Waived"), done.stdout
    assert "waiver of sums by alice (w.yml:3): not checked here: the approver's permission" in done.stdout
    assert "it must go out" in (gate.folder / "driftgate-out/report.html").read_text()
    (gate.folder / ".github/gate-waivers.yml").write_text(text)
    assert local(WAIVER).returncode == 0, "the policy's own file"
    merged = local(WAIVER, "--stores", "driftgate-out/answers.sqlite", "--out", "again", command="verdict")
    assert (merged.returncode, gate.report("again")["verdict"]) == (0, "waived")


def test_run__an_unbound_waiver_is_refused_and_says_what_to_add(local, gate):
    done = local(long(), "--waivers", "w.yml")
    assert done.returncode == 1
    digits = gate.report()["provenance"]["policy_digest"][7:27]
    assert f"refused: it does not name the policy; add policy {digits}" in done.stdout


def test_run__waivers_that_the_policy_does_not_allow_are_an_error(local):
    done = local(long(), "--waivers", "w.yml", rule="")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--waivers: the policy has no waivers section, so it allows none" in done.stderr


def test_validate__finds_what_is_wrong_in_the_waivers(local, gate):
    assert local(WAIVER).returncode == 1
    (gate.folder / ".github/gate-waivers.yml").write_text(WAIVER.replace("2099-01-01", "soon"))
    done = subprocess.run(
        [sys.executable, "-m", "gate", "validate"], cwd=gate.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "gate-waivers.yml:3:" in done.stderr
    assert "waivers[0].until: must be a day like 2026-12-31" in done.stderr
