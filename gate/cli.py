"""L9: the command line: what it takes (cli_commands.py: what it does); errors → one line a problem and an exit code.

Heavy packages are imported by the command that needs them, so that ``driftgate --help`` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from gate import __version__, cli_commands as do
from gate.errors import EXIT_INTERRUPTED, EXIT_UNDECIDED, GateError, Interrupted

if TYPE_CHECKING:
    from gate.tools import Tools

Command = Callable[[argparse.Namespace, "Tools"], int]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name

_OUTPUTS = ("markdown", "slack", "html", "junit", "sarif", "json", "statement", "predicate", "release-notes")
_FORMS = ("osv", "owasp-benchmark", "reports")
_EPILOG = """\
exit codes: 0 pass, waived or neutral; 1 blocked; 2 usage, policy, config or dataset error;
            3 inconclusive or could not evaluate; 130 interrupted
"""


def entry(argv: Sequence[str] | None = None) -> NoReturn:
    """`main` as a whole process. It ends without taking the interpreter apart, which after a run takes as long as half
    of its imports: by then all files are closed and nothing is left to clean up."""
    code = main(argv)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    gc.disable()  # imports leave no garbage, and looking for it takes a tenth of them; a run turns it on again
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # none is wanted: neither searched for nor let in
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's others would spin, unused, on the cores of the asking
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _stop)
    try:
        from gate.tools import Tools

        command: Command = arguments.command
        return command(arguments, Tools(environ=os.environ))
    except GateError as error:
        sys.stderr.write(f"driftgate: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("driftgate: interrupted\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # whoever read it has gone; what was decided was not told, so it is no pass
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_UNDECIDED
    except Exception as error:
        if os.environ.get("DRIFTGATE_DEBUG"):
            raise
        sys.stderr.write(f"driftgate: {_bug(error)}\n")
        return EXIT_UNDECIDED


def _stop(signum: int, frame: object) -> NoReturn:
    del signum, frame
    raise Interrupted


def _bug(error: Exception) -> str:
    """One line that a maintainer can use: no message of the error, which may quote data."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place else "?"
    return (
        f"internal error ({type(error).__name__} at {where}). This is a bug in Driftgate; "
        "set DRIFTGATE_DEBUG=1 for the details. Nothing was decided."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="driftgate",
        description="The release gate for model changes: candidate and baseline answer the same questions.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"driftgate {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_run(commands)
    _add_verdict(commands)
    _add_baseline(commands)
    _add_watch(commands)
    _add_plan(commands)
    _add_selftest(commands)
    _add_compare(commands)
    _add_validate(commands)
    _add_datasets(commands)
    _add_render(commands)
    _add_store(commands)
    _add_ledger(commands)
    _add_notes(commands)
    _add_history(commands)
    _add_init(commands)
    _add_doctor(commands)
    _add_demo(commands)
    _add_schema(commands)
    action = commands.add_parser("action", description="Run as a GitHub Action, from the environment.")
    action.set_defaults(command=do.action)
    return parser


def _command(commands: Commands, name: str, text: str, command: Command) -> argparse.ArgumentParser:
    end = "" if text.endswith("?") else "."
    parser = commands.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}{end}")
    parser.set_defaults(command=command)
    return parser


def _add_run(commands: Commands) -> None:
    parser = _command(commands, "run", "ask both models, compare, decide", do.run)
    _live(parser)
    _waivers(parser)
    _ledger(parser)
    parser.add_argument("--shard", metavar="I/N", help="ask only this part, and decide nothing: `verdict` does")
    parser.add_argument(
        "--batch", action="store_true", help="ask by the providers' batch APIs first, at half the price"
    )
    text = f"how long to wait for batches before exit 3; run again to go on (default: {do.BATCH_WAIT:g})"
    parser.add_argument("--batch-wait", type=float, metavar="MINUTES", help=text)


def _add_verdict(commands: Commands) -> None:
    parser = _command(commands, "verdict", "merge the stores of all shards and decide", do.verdict)
    _live(parser)
    _waivers(parser)
    _ledger(parser)
    parser.add_argument("--stores", type=Path, nargs="+", required=True, metavar="FILE", help="one of each shard")


def _add_baseline(commands: Commands) -> None:
    parser = _command(commands, "baseline", "ask the models in use, for later runs to compare with", do.baseline)
    _policy(parser)
    parser.add_argument("configs", type=Path, nargs="+", metavar="CONFIG", help="model configs in use")
    parser.add_argument("--store", type=Path, required=True, metavar="FILE", help="where the answers are kept")
    parser.add_argument("--runs", type=int, default=5, metavar="K", help="how often each is asked (default: 5)")


def _add_watch(commands: Commands) -> None:
    parser = _command(commands, "watch", "ask the models in use again: do they still answer as they did?", do.watch)
    _policy(parser)
    parser.add_argument("configs", type=Path, nargs="+", metavar="CONFIG", help="model configs in use")
    parser.add_argument("--store", type=Path, required=True, metavar="FILE", help="where `baseline` keeps its answers")
    _out(parser)


def _add_plan(commands: Commands) -> None:
    parser = _command(commands, "plan", "say what a run would ask, before any call", do.plan)
    _live(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the plan as JSON, too")
    parser.add_argument("--matrix", type=int, metavar="N", help="print a GitHub Actions matrix of N parts instead")


def _add_selftest(commands: Commands) -> None:
    text = "show, by simulation around stored answers, how often this gate blocks wrongly and what it catches"
    parser = _command(commands, "selftest", text, do.selftest)
    _policy(parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--baseline", type=Path, metavar="FILE", help="model config; its answers are in the store")
    source.add_argument(
        "--runs", type=Path, nargs="+", metavar="FILE", help="recorded results of the baseline, of any harness"
    )
    parser.add_argument("--store", type=Path, metavar="FILE", help="kept answers (default: answers.sqlite in --out)")
    parser.add_argument("--simulations", type=int, default=400, metavar="N", help="unchanged releases (default: 400)")
    _out(parser)


def _live(parser: argparse.ArgumentParser) -> None:
    _policy(parser)
    parser.add_argument("--candidate", type=Path, required=True, metavar="FILE", help="model config to release")
    parser.add_argument("--baseline", type=Path, required=True, metavar="FILE", help="model config in use")
    parser.add_argument("--store", type=Path, metavar="FILE", help="kept answers (default: answers.sqlite in --out)")
    _out(parser)


def _add_compare(commands: Commands) -> None:
    parser = _command(commands, "compare", "decide from two recorded result files; calls no endpoint", do.compare)
    _policy(parser)
    text = "results of the {}: JSON lines, or the log of another harness (docs/harnesses.md)"
    parser.add_argument("--baseline", type=Path, required=True, metavar="FILE", help=text.format("baseline"))
    parser.add_argument("--candidate", type=Path, required=True, metavar="FILE", help=text.format("candidate"))
    _waivers(parser)
    _ledger(parser)
    _out(parser)


def _add_validate(commands: Commands) -> None:
    parser = _command(commands, "validate", "check policy, datasets and model configs; calls no endpoint", do.validate)
    parser.add_argument("--policy", type=Path, metavar="FILE", help=f"default: {do.POLICY}")
    parser.add_argument("configs", type=Path, nargs="*", metavar="CONFIG", help="model configs to check besides")
    parser.add_argument("--root", type=Path, metavar="DIR", help="repository root that paths are relative to")
    text = "run reference, empty, refused and random answers through the scorers, too (without a policy: starter sets)"
    parser.add_argument("--datasets", action="store_true", help=text)


def _add_datasets(commands: Commands) -> None:
    parser = commands.add_parser("datasets", help="make datasets of what you have")
    tools: Commands = parser.add_subparsers(metavar="COMMAND", required=True)
    one = _command(tools, "findings", "number the findings of reports, for an answer file", do.datasets_findings)
    one.add_argument("files", type=Path, nargs="+", metavar="REPORT", help="SARIF, or the JSON of a common scanner")
    one = _command(tools, "convert", "write a dataset as JSON lines", do.datasets_convert)
    one.add_argument("--from", dest="form", choices=_FORMS, required=True, help="what the files are")
    one.add_argument("files", type=Path, nargs="+", metavar="FILE")
    one.add_argument(
        "--answers", type=Path, metavar="FILE", help="which findings are one flaw; or the expected results"
    )
    one.add_argument("--out", type=Path, metavar="JSONL", help="default: standard output")


def _add_render(commands: Commands) -> None:
    parser = _command(commands, "render", "make an output again from report.json", do.render)
    parser.add_argument("report", type=Path, metavar="REPORT_JSON")
    parser.add_argument("--format", choices=_OUTPUTS, default="markdown")
    parser.add_argument("--flips", type=Path, metavar="FILE", help="samples for the page (default: flips.json beside)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")


def _add_store(commands: Commands) -> None:
    parser = commands.add_parser("store", help="look into, shrink, export or merge kept answers")
    tools: Commands = parser.add_subparsers(metavar="COMMAND", required=True)
    one = _command(tools, "stats", "how many answers of which models and runs", do.store_stats)
    one.add_argument("file", type=Path, metavar="FILE")
    one = _command(tools, "prune", "delete old answers, then whole runs, oldest first", do.store_prune)
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--max-age", type=float, metavar="DAYS", help="delete answers older than this")
    one.add_argument("--max-size", type=float, metavar="MB", help="delete runs until the file is this small")
    one = _command(tools, "export", "write the answers as JSON lines", do.store_export)
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--out", type=Path, metavar="JSONL", help="a new file (default: standard output)")
    one = _command(tools, "merge", "copy the answers of several stores into one", do.store_merge)
    one.add_argument("into", type=Path, metavar="OUT")
    one.add_argument("files", type=Path, nargs="+", metavar="IN")


def _add_ledger(commands: Commands) -> None:
    parser = commands.add_parser("ledger", help="keep decisions in a file that shows when it was changed")
    tools: Commands = parser.add_subparsers(metavar="COMMAND", required=True)
    one = _command(tools, "append", "add the decision of a report.json", do.ledger_append)
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("report", type=Path, metavar="REPORT_JSON")
    one.add_argument("--tag", metavar="TAG", help="the release that was decided on")
    one = _command(tools, "verify", "say whether lines were changed, moved or taken out", do.ledger_verify)
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--head", metavar="HASH", help="a head that `append` printed: must be one of the lines")
    one.add_argument("--length", type=int, metavar="N", help="the least number of lines")
    one = _command(tools, "show", "list the decisions", do.ledger_show)
    one.add_argument("file", type=Path, metavar="FILE")
    one = _command(tools, "export", "write the decisions for other programs", do.ledger_export)
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--format", choices=("json", "csv"), default="json", help="csv has a row for each comparison")
    one.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")


def _add_notes(commands: Commands) -> None:
    text = "say what each release changed, what it lost and who let it through, from the ledger"
    parser = _command(commands, "notes", text, do.notes)
    parser.add_argument("ledger", type=Path, metavar="LEDGER")
    span = parser.add_mutually_exclusive_group()
    span.add_argument("--since", metavar="TAG|DAY", help="a tag: what came after it; a day (2026-01-31): from it on")
    span.add_argument("--year", action="store_true", help="the last 365 days (default: everything)")
    parser.add_argument("--format", choices=("markdown", "json"), default="markdown")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")


def _add_history(commands: Commands) -> None:
    parser = _command(commands, "history", "draw each family over the releases, from the ledger", do.history)
    parser.add_argument("ledger", type=Path, metavar="LEDGER")
    page = Path("history.html")
    parser.add_argument("--out", type=Path, default=page, metavar="HTML", help=f"default: {page}")


def _add_init(commands: Commands) -> None:
    parser = _command(commands, "init", "write a policy, a model config and a workflow to start from", do.init)
    parser.add_argument("directory", type=Path, nargs="?", default=Path(), help="repository root (default: here)")


def _add_doctor(commands: Commands) -> None:
    text = "say what a release branch on GitHub lacks to be guarded by the gate; GITHUB_TOKEN reads it"
    parser = _command(commands, "doctor", text, do.doctor)
    parser.add_argument("--repository", metavar="OWNER/NAME", help="default: GITHUB_REPOSITORY")
    parser.add_argument("--branch", default="", metavar="NAME", help="default: the repository's default branch")
    parser.add_argument("--check", default="", metavar="NAME", help="the required check (default: the workflow's)")
    parser.add_argument("--call", action="store_true", help="ask each endpoint of that policy one tiny question")
    _policy(parser)


def _add_demo(commands: Commands) -> None:
    parser = _command(commands, "demo", "see a regression blocked, on this machine, with no key", do.demo)
    _out(parser)
    parser.add_argument("--model", choices=("simulated", "local"), default="simulated", help="who answers")


def _add_schema(commands: Commands) -> None:
    parser = _command(commands, "schema", "print a JSON Schema", do.schema)
    parser.add_argument("name", choices=("policy", "model-config", "waivers", "report", "flips", "ledger"))


def _policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", type=Path, default=do.POLICY, metavar="FILE", help=f"default: {do.POLICY}")


def _waivers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--waivers", type=Path, metavar="FILE", help="waiver file (default: the policy's waivers.path)")


def _ledger(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="add the decision to this ledger")
    parser.add_argument("--tag", metavar="TAG", help="the release that is decided on, for the ledger")


def _out(parser: argparse.ArgumentParser) -> None:
    default = Path("driftgate-out")
    parser.add_argument("--out", type=Path, default=default, metavar="DIR", help=f"report folder (default: {default})")
