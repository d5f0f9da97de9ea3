"""L7: the report as one self-contained HTML page: no network, light and dark, keyboard, printable.

Two ways lead from data into the page. What is in the report goes through the template engine, which escapes it. The
samples lost and gained, which hold what models and attackers wrote, go in as JSON that no parser of HTML can leave, and
the script makes text nodes of them, never markup. The page allows one style and one script, by their digests, and
nothing else: were markup to come in all the same, it could neither run nor call home.
"""

from __future__ import annotations

import base64
import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any

from gate import wording
from gate.evidence import ArmEvidence, Evidence, Flip, encoded
from gate.html_blocks import config_blocks, costs, facts, family_costs
from gate.html_plots import bar, course, forest_axis, tick
from gate.report import Report

FLIPS_LIMIT = 4_500_000
"""Bytes of the page that samples may take, so that with 5,000 of them it stays under 5 MB."""

_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
"""What ends a script element or a line of script, and halves of characters, which cannot be written as UTF-8."""


def page(report: Report, evidence: Evidence | None = None) -> str:
    """The whole page. Without `evidence` it has no samples."""
    from markupsafe import Markup

    style, script = asset("report.css"), asset("report.js")
    return str(
        template().render(
            report=report,
            say=wording,
            groups=config_blocks(report.comparisons),
            axis=forest_axis(report.comparisons),
            bar=bar,
            tick=tick,
            courses=[(one, drawn) for one in report.comparisons if (drawn := course(one))],
            costs=costs(report),
            family_costs=family_costs(report),
            facts=facts(report),
            flips=None if evidence is None else Markup(embedded(evidence)),  # noqa: S704 - it holds no <, > or &
            number=0 if evidence is None else len(evidence.flips),
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
            digests={"style": digest(style), "script": digest(script)},
        )
    )


@cache
def environment() -> Any:
    """The templates of all pages, compiled when they are asked for."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("gate", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )


TEMPLATES = ("plots.html.j2", "deltas.html.j2", "report.html.j2")
"""The report's parts, and the report."""


@cache
def template(name: str = TEMPLATES[-1]) -> Any:
    """Compiled."""
    return environment().get_template(name)


def _plain(value: object) -> object:
    """Names from data, without characters that hide or reorder what is read."""
    return wording.printable(value) if type(value) is str else value


@cache
def asset(name: str) -> str:
    return (files("gate") / "templates" / name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """As a content security policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def embedded(evidence: Evidence, *, limit: int = FLIPS_LIMIT) -> str:
    """The samples as JSON for a script element, at most `limit` bytes: where there is more, the texts of the last ones
    are left out, then the last samples; how many is said."""
    whole = [_encoded(flip) for flip in evidence.flips]
    kept = whole if sum(map(_size, whole)) <= limit else list(_fitting(evidence, whole, limit))
    without = evidence.without_texts + sum(one is not other for one, other in zip(kept, whole, strict=False))
    left_out = evidence.left_out + len(whole) - len(kept)
    return f'{{"left_out":{left_out},"without_texts":{without},"flips":[{",".join(kept)}]}}'


def _fitting(evidence: Evidence, whole: Sequence[str], limit: int) -> Iterator[str]:
    bare = [_encoded(_without_texts(flip)) for flip in evidence.flips]
    sizes = list(accumulate(map(_size, bare)))
    number = bisect_right(sizes, limit)
    room = limit - (sizes[number - 1] if number else 0)
    for full, short in zip(whole[:number], bare, strict=False):
        extra = _size(full) - _size(short)
        fits = extra <= room
        room -= extra if fits else 0
        yield full if fits else short


def _size(text: str) -> int:
    return len(text.encode()) + 1  # and a comma


def _encoded(flip: Flip) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded(flip))


def _without_texts(flip: Flip) -> Flip:
    return replace(flip, prompt=None, target=None, baseline=_unsaid(flip.baseline), candidate=_unsaid(flip.candidate))


def _unsaid(arm: ArmEvidence) -> ArmEvidence:
    return replace(
        arm, answers=tuple(replace(one, text=None, cut=one.cut or one.text is not None) for one in arm.answers)
    )
