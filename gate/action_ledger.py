"""L8: a run of the action keeps its decision: in a file of the workspace, or on a branch of the repository.

What is kept on the branch: every decision, but those on a pull request of a fork's or of Dependabot's that started
the run itself. Under `pull_request` their token may not write, and under `pull_request_target` anybody could fill the
ledger.
A run that evaluated nothing (nothing watched was changed; its policy is wrong; it was interrupted) decided nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from gate.actions import give_to_owner
from gate.events import PullRequest

if TYPE_CHECKING:  # imported where a ledger is kept
    from gate.action_scope import Run
    from gate.ledger_keep import Kept
    from gate.report import Report

_OUTSIDE = "the decision is not kept in the ledger: this run was started by a pull request of a fork or of Dependabot"


def keep_decision(run: Run, report: Report) -> Kept | None:
    """None where the workflow asks for no ledger, or nothing was decided."""
    if not run.inputs.ledger or report.provenance.policy_digest is None:
        return None
    from gate.ledger_keep import Kept

    if not run.inputs.ledger_branch:
        return _in_workspace(run, report)
    if run.change.keyless and isinstance(run.event, PullRequest):
        return Kept(report=replace(report, notices=(*report.notices, _OUTSIDE)))
    return _on_branch(run, report)


def _in_workspace(run: Run, report: Report) -> Kept:
    from gate.ledger_keep import Book, keep

    path = run.workspace / run.inputs.ledger
    kept = keep(report, Book(file=path, tag=run.inputs.ledger_tag or None), run.tools.err.write)
    if kept.head is not None:
        give_to_owner(path, run.workspace)
    return kept


def _on_branch(run: Run, report: Report) -> Kept:
    from gate.ledger_branch import LedgerBranch
    from gate.ledger_keep import settled

    place = LedgerBranch(
        github=run.github,
        branch=run.inputs.ledger_branch,
        path=run.inputs.ledger,
        chance=secrets.SystemRandom().random,
        say=lambda text: run.commands.annotate("warning", text, file="", line=0),
    )
    return settled(report, lambda: place.append(report, tag=run.inputs.ledger_tag or None))
