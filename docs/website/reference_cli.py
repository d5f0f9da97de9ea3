"""The page of the command line: what argparse knows of each command."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from docs.website.markdown import HEAD, anchor, code, either, table
from gate.cli import _EPILOG, _parser

_INTRO = """\
# Command line

`driftgate COMMAND --help` says the same. `python -m gate` is the same program.

"""
_EXITS = """\
## Exit codes

The codes of `selftest` and `doctor` have a meaning of their own:
[planning](../planning.md#does-the-gate-keep-its-promise), [release branch](../release-branch.md#what-doctor-looks-at).

"""


def cli_page() -> str:
    commands = list(_commands(_parser(), ()))
    index = table(["command", "does"], ([f"[{name}](#{anchor(name)})", _sentence(one)] for name, one in commands))
    return HEAD + _INTRO + index + "".join(_section(name, one) for name, one in commands) + _EXITS + _exits()


def _commands(parser: argparse.ArgumentParser, path: tuple[str, ...]) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, one in action.choices.items():
                inner = list(_commands(one, (*path, name)))
                yield from inner or [(" ".join((*path, name)), one)]


def _sentence(parser: argparse.ArgumentParser) -> str:
    return parser.description or ""


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    actions = [one for one in parser._actions if one.dest != "help"]
    usage = " ".join(["driftgate", name, *map(_usage, sorted(actions, key=lambda one: not one.required))])
    rows = [[code(_spelled(one)), _value(one), one.help or ""] for one in actions]
    head = f"## {name}\n\n{_sentence(parser)}\n\n```text\n{usage}\n```\n\n"
    return head + table(["argument", "value", "means"], rows)


def _spelled(action: argparse.Action) -> str:
    """`--out DIR`, or the name of what stands alone."""
    shown = action.metavar if isinstance(action.metavar, str) else action.dest
    if not action.option_strings:
        return shown
    takes = action.nargs != 0
    return f"{action.option_strings[-1]} {shown}" if takes and action.choices is None else action.option_strings[-1]


def _usage(action: argparse.Action) -> str:
    text = _spelled(action) + (" …" if action.nargs in ("+", "*") else "")
    if action.choices is not None:
        text = f"{text} {{{','.join(map(str, action.choices))}}}" if action.option_strings else text
    return text if action.required else f"[{text}]"


def _value(action: argparse.Action) -> str:
    """Required, or what it is when left out; which words it takes."""
    words = [either(action.choices)] if action.choices is not None else []
    told = "default" in (action.help or "")
    if action.required:
        words.append("required")
    elif action.default not in (None, False, "") and not told:
        words.append(f"default {code(action.default)}")
    return "; ".join(words)


def _exits() -> str:
    """The codes as `--help` has them."""
    text = " ".join(_EPILOG.partition(":")[2].split())
    return table(["code", "means"], (one.strip().split(" ", 1) for one in text.split(";")))
