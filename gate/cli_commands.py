"""L9: what each sub-command does: parsed arguments → one call of the module that does it, imported by then only."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gate import __version__
from gate.errors import EXIT_PASS, UsageError

if TYPE_CHECKING:
    from gate.app import RunOptions
    from gate.ledger_keep import Book
    from gate.tools import Tools

BATCH_WAIT = 60.0  # minutes
POLICY = Path(".github/driftgate.yml")


def run(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.app import run, run_shard

    options = replace(_deciding(arguments), batch=_batch(arguments))
    if arguments.shard is not None and options.book is not None:
        raise UsageError("--ledger: does not go with --shard, which decides nothing; give it to `verdict`")
    return run(options, tools) if arguments.shard is None else run_shard(options, arguments.shard, tools)


def _batch(arguments: argparse.Namespace) -> float | None:
    """Minutes to wait for batches; None without them."""
    wait: float | None = arguments.batch_wait
    if not arguments.batch:
        if wait is not None:
            raise UsageError("--batch-wait: goes with --batch")
        return None
    if arguments.shard is not None:
        raise UsageError("--batch: does not go with --shard; one machine is enough to wait for batches")
    if wait is not None and not 0 <= wait < 1e6:
        raise UsageError("--batch-wait: must be minutes, 0 or more")
    return BATCH_WAIT if wait is None else wait


def verdict(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.app import verdict

    return verdict(_deciding(arguments), arguments.stores, tools)


def baseline(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.app import baseline

    return baseline(arguments.policy, arguments.configs, arguments.store, arguments.runs, tools)


def watch(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.app import watch

    return watch(arguments.policy, arguments.configs, arguments.store, arguments.out, tools)


def plan(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.app import plan, plan_matrix

    options = _run_options(arguments)
    if arguments.matrix is not None:
        return plan_matrix(options, arguments.matrix, tools)
    return plan(options, arguments.json, tools)


def selftest(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.app import SelfTestOptions, selftest

    options = SelfTestOptions(
        policy=arguments.policy,
        baseline=arguments.baseline,
        runs=tuple(arguments.runs or ()),
        store=arguments.store or arguments.out / "answers.sqlite",
        out=arguments.out,
        simulations=arguments.simulations,
    )
    return selftest(options, tools)


def _deciding(arguments: argparse.Namespace) -> RunOptions:
    return replace(_run_options(arguments), waivers=arguments.waivers, book=_book(arguments))


def _book(arguments: argparse.Namespace) -> Book | None:
    if arguments.ledger is None and arguments.tag is None:
        return None
    from gate.ledger_keep import book

    return book(arguments.ledger, arguments.tag)


def _run_options(arguments: argparse.Namespace) -> RunOptions:
    from gate.app import RunOptions

    return RunOptions(
        policy=arguments.policy,
        candidate=arguments.candidate,
        baseline=arguments.baseline,
        out=arguments.out,
        store=arguments.store,
    )


def compare(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.compare_command import CompareOptions, compare

    options = CompareOptions(
        policy=arguments.policy,
        candidate=arguments.candidate,
        baseline=arguments.baseline,
        out=arguments.out,
        waivers=arguments.waivers,
        book=_book(arguments),
    )
    return compare(options, tools)


def validate(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.validation import valid_suites, validate

    policy = arguments.policy or POLICY
    if not arguments.datasets:
        return validate(policy, arguments.configs, arguments.root, tools)
    from gate.dataset_commands import show_selfcheck
    from gate.evaluation import starter_suites

    mine = arguments.policy is not None or policy.exists() or arguments.configs
    suites = valid_suites(policy, arguments.configs, arguments.root) if mine else starter_suites()
    return show_selfcheck(suites, tools)


def datasets_findings(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.dataset_commands import show_findings

    return show_findings(arguments.files, tools)


def datasets_convert(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.dataset_commands import convert

    return convert(arguments.form, arguments.files, arguments.answers, arguments.out, tools)


def render(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.app import render

    return render(arguments.report, arguments.format, arguments.out, tools, arguments.flips)


def store_stats(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.store_commands import store_stats

    return store_stats(arguments.file, tools)


def store_prune(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.store_commands import store_prune

    return store_prune(arguments.file, days=arguments.max_age, megabytes=arguments.max_size, tools=tools)


def store_export(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.store_commands import store_export

    return store_export(arguments.file, arguments.out, tools)


def store_merge(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.store_commands import store_merge

    return store_merge(arguments.into, arguments.files, tools)


def ledger_append(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.ledger_commands import ledger_append

    return ledger_append(arguments.file, arguments.report, arguments.tag, tools)


def ledger_verify(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.ledger_commands import ledger_verify

    return ledger_verify(arguments.file, arguments.head, arguments.length, tools)


def ledger_show(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.ledger_commands import ledger_show

    return ledger_show(arguments.file, tools)


def ledger_export(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.ledger_commands import ledger_export

    return ledger_export(arguments.file, arguments.format, arguments.out, tools)


def notes(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.notes_commands import NotesOptions, show_notes

    options = NotesOptions(
        ledger=arguments.ledger,
        since=arguments.since,
        year=arguments.year,
        form=arguments.format,
        out=arguments.out,
    )
    return show_notes(options, tools)


def history(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.notes_commands import show_history

    return show_history(arguments.ledger, arguments.out, tools)


def init(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.scaffold import init

    return init(arguments.directory, tools.out)


def doctor(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.doctor import DoctorOptions, doctor

    own = tools.environ.get("GITHUB_REPOSITORY", "")
    repository = arguments.repository or own
    options = DoctorOptions(
        repository=repository,
        branch=arguments.branch,
        check=arguments.check,
        policy=arguments.policy.as_posix(),
        call=arguments.call or (repository == own and tools.environ.get("GITHUB_ACTIONS") == "true"),
    )
    return doctor(options, tools)


def demo(arguments: argparse.Namespace, tools: Tools) -> int:
    if arguments.model == "local":
        from gate.local_model import demo_local_model

        return demo_local_model(arguments.out, tools)
    from gate.demo import demo

    return demo(arguments.out, tools)


def schema(arguments: argparse.Namespace, tools: Tools) -> int:
    from gate.scaffold import schema_text

    tools.out.write(schema_text(arguments.name))
    return EXIT_PASS


def action(arguments: argparse.Namespace, tools: Tools) -> int:
    tools.out.write(f"Driftgate {__version__}\n")  # at once: what follows takes its time to import
    tools.out.flush()
    from gate.action_run import run_action

    del arguments
    return run_action(tools)
