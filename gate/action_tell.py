"""L8: what a run of the action says: files, log, summary, comment, check run, annotations, outputs.

Nothing in them holds a secret, and nothing that fails here changes the verdict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gate.action_ledger import keep_decision
from gate.action_scope import Run
from gate.actions import Level, give_to_owner, harmless, write_outputs, write_summary
from gate.domain import Comparison, Verdict
from gate.errors import Forbidden, GitHubError
from gate.evidence import Evaluated
from gate.github import CheckRun, Conclusion, Note
from gate.markdown import comment, minimal
from gate.outputs import write_outputs as write_files
from gate.own_comment import CommentSlot, Posted, upsert_comment
from gate.redact import cleared, redact
from gate.report import Report, changed_line
from gate.terminal import text as terminal_text
from gate.wording import headline, unit

_CONCLUSIONS: dict[Verdict, Conclusion] = {"pass": "success", "waived": "success", "neutral": "neutral"}
"""All others are failures: a required check that could not be evaluated must not pass."""
_CHECK_LIMIT = 65_000  # bytes
_MOST_NOTES = 10
_TEXTS = (".json", ".jsonl", ".md", ".html", ".xml", ".sarif")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a run found, as it stands. `ledger_head`: the hash of its line in the ledger; "" where none is kept."""

    report: Report
    ledger_head: str


def settled(run: Run, found: Evaluated) -> Settled:
    """Without secrets, in files, and in the ledger where one is kept: what it does not hold does not pass."""
    hidden = _hidden(run)
    found = cleared(found, hidden)
    _write_files(run, found, hidden)
    kept = keep_decision(run, found.report)
    if kept is not None and kept.report != found.report:
        found = replace(found, report=cleared(kept.report, hidden))
        _write_files(run, found, hidden)
    return Settled(report=found.report, ledger_head=(kept and kept.head) or "")


def _hidden(run: Run) -> list[str]:
    return [run.inputs.token, *run.secrets]


def tell(run: Run, settled: Settled) -> None:
    """Say what is settled. The summary comes first: who stops the run while GitHub is slow finds it."""
    hidden, report = _hidden(run), settled.report
    body = redact(comment(report), hidden)
    write_summary(run.tools.environ, body)
    run.tools.out.write(harmless(redact(terminal_text(report), hidden)) + "\n")
    posted = _comment(run, report, body, redact(minimal(report), hidden))
    notes = [_note(one, report, hidden) for one in report.comparisons if _needs_a_note(one)]
    failed = [posted.why] if posted.action == "failed" else []
    if run.inputs.check_run:
        failed += _check_run(run, report, body, notes, hidden)
    for why in failed:
        run.commands.annotate("warning", why, file="", line=0)
    for note in notes:
        run.commands.annotate(note.level, harmless(note.text), file=note.path, line=note.line)
    if settled.ledger_head:
        run.tools.out.write(f"ledger head {settled.ledger_head}\n")
    write_outputs(run.tools.environ, {**_outputs(run, report, posted), "ledger-head": settled.ledger_head})


def _write_files(run: Run, found: Evaluated, hidden: list[str]) -> None:
    write_files(found, run.out, clean=lambda text: redact(text, hidden))
    for path in (one for one in run.out.iterdir() if one.suffix in _TEXTS):
        path.write_text(redact(path.read_text(encoding="utf-8"), hidden), encoding="utf-8")
    give_to_owner(run.out, run.workspace)


def _comment(run: Run, report: Report, body: str, shorter: str) -> Posted:
    if run.change.number is None:  # a merge group, a push, two refs: no pull request to comment on
        return Posted(action="skipped")
    slot = CommentSlot(number=run.change.number, key=_slug(run.inputs.comment_key), head_sha=run.change.head_sha)
    return upsert_comment(run.github, slot, body, shorter=shorter, create=report.verdict != "neutral")


def _check_run(run: Run, report: Report, body: str, notes: list[Note], hidden: list[str]) -> list[str]:
    """Post a check run of its own; what to say where that failed."""
    check = CheckRun(
        name=run.inputs.check_name,
        head_sha=run.change.head_sha,
        conclusion=_CONCLUSIONS.get(report.verdict, "failure"),
        title=redact(headline(report), hidden)[:250],
        summary=body if len(body.encode()) <= _CHECK_LIMIT else redact(minimal(report), hidden),
        notes=tuple(notes[:_MOST_NOTES]),
    )
    try:
        run.github.post_check(check)
    except Forbidden:
        return ["the check run needs the permission checks: write"]
    except GitHubError as error:
        return [f"the check run could not be posted: {error}"]
    return []


def _slug(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", key)[:80]


def _needs_a_note(one: Comparison) -> bool:
    return one.severity == "blocking" and one.outcome == "regressed" and one.config is not None


def _note(one: Comparison, report: Report, hidden: list[str]) -> Note:
    """On the first line of the model config that was changed."""
    waived = f" (waived by {one.waiver})" if one.waiver else ""
    level: Level = "warning" if one.waiver else "error"
    return Note(
        path=one.config or "",
        line=changed_line(report, one.config),
        level=level,
        text=redact(f"{unit(one)}: {one.reason}{waived}", hidden),
    )


def _outputs(run: Run, report: Report, posted: Posted) -> dict[str, str]:
    regressed = [one for one in report.comparisons if one.outcome == "regressed" and one.severity == "blocking"]
    return {
        "verdict": report.verdict,
        "blocked": str(report.blocked).lower(),
        "regressions": str(len(regressed)),
        "report-path": f"{run.inputs.out}/report.json",
        "comment-url": posted.url or "",
        "candidate-sha": run.change.head_sha,
        "policy-sha": run.change.base_sha,
    }
