"""L8: a run of the action that ends before it has a report to tell: what stopped it, wherever somebody may look."""

from __future__ import annotations

from gate.actions import Commands, harmless, run_url, write_outputs, write_summary
from gate.domain import Origin
from gate.errors import GateError, Problems
from gate.markdown import comment
from gate.reporting import Clocked, could_not
from gate.tools import Tools

INTERRUPTED = "the run was interrupted"


def tell_stopped(error: GateError | KeyboardInterrupt, commands: Commands, tools: Tools) -> None:
    """Into the log, as annotations, into the job summary and the outputs. There is no change to comment on yet."""
    if isinstance(error, GateError):
        reasons = annotate_error(commands, error)
        tools.err.write(f"driftgate: {harmless(str(error))}\n")
    else:
        reasons = [INTERRUPTED]
    now = tools.now()
    origin = Origin(run_url=run_url(tools.environ))
    report = could_not(reasons, origin, Clocked(started=now, finished=now, seconds=0.0))
    write_summary(tools.environ, comment(report))
    write_outputs(tools.environ, {"verdict": report.verdict, "blocked": "false"})


def annotate_error(commands: Commands, error: GateError) -> list[str]:
    """An annotation for each problem; the same in words."""
    if not isinstance(error, Problems):
        commands.annotate("error", str(error), file="", line=0)
        return [str(error)]
    for problem in error.problems:
        hint = f" ({problem.hint})" if problem.hint else ""
        text = f"{problem.path}: {problem.what}{hint}".removeprefix(": ")
        commands.annotate("error", text, file=problem.file, line=problem.line)
    return [str(one) for one in error.problems]
