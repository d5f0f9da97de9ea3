"""Lines of a ledger, and files that hold them: one decision each, made from a report."""

from dataclasses import replace

from gate.ledger import Ledger, hash_of, next_line
from gate.ledger_line import line_of
from gate.report import ArmDigests
from tests.fakes.reports import BAD, BASE, GOOD, WAIVER, row

CONFIG = "models/a.yml"
FINE = row("advisory-summary", 0.01, "unchanged")
ADVISORY = replace(BAD, severity="advisory")
WAIVED = replace(BAD, waiver="alice, until 2026-11-28")


def report(verdict, *compared, day="2026-03-01", step="ab", **parts):
    """`step`: the baseline's digest and the candidate's, a letter each."""
    digests = {CONFIG: ArmDigests(baseline=f"sha256:{step[0]}", candidate=f"sha256:{step[1]}")}
    origin = replace(BASE.provenance, finished=f"{day}T10:00:00+00:00", config_digests=digests if compared else {})
    base = replace(
        BASE, verdict=verdict, blocked=verdict == "blocked", comparisons=compared, plan=(), provenance=origin
    )
    waivers = (WAIVER,) if WAIVED in compared else ()
    return replace(base, waivers=waivers, changes=BASE.changes if compared else (), **parts)


def line(verdict, *compared, tag=None, **parts):
    return line_of(report(verdict, *compared, **parts), tag=tag, previous=None)


def ledger(*decided):
    """The bytes of a sound ledger of (report, tag)."""
    lines = []
    for one, tag in decided:
        found = Ledger(entries=(), hashes=tuple(map(hash_of, lines)))
        lines.append(next_line(found, one, tag=tag))
    return b"".join(one + b"\n" for one in lines)


YEAR = (
    (report("pass", GOOD, FINE, day="2025-06-01"), "v1.0"),
    (report("blocked", GOOD, BAD, day="2026-01-10", step="bc"), None),
    (report("waived", GOOD, WAIVED, day="2026-01-20", step="bc"), "v1.1"),
    (report("pass", GOOD, ADVISORY, day="2026-03-01", step="cd"), "v1.2"),
    (report("neutral", day="2026-04-01", reasons=("no watched model config changed",)), "v1.3"),
    (report("pass", GOOD, day="2026-05-01", step="de", simulated=True), None),
)
