"""L7: the report as one self-contained HTML page: no script, no network, light and dark, printable."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from gate import wording
from gate.domain import Comparison
from gate.report import Report

_WIDTH = 220  # of a forest plot row, in SVG units
_REACH = 0.3  # the largest delta drawn to scale; wider intervals end in an arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row of the forest plot: x positions in [0, 220] of zero, margin, interval and delta."""

    zero: float
    margin: float
    low: float
    high: float
    delta: float


def page(report: Report) -> str:
    """The whole page. Everything from data is escaped by the template engine."""
    return str(template().render(report=report, say=wording, bar=bar, facts=_facts(report)))


@cache
def template() -> Any:
    """The page's template, compiled."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("gate", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def bar(one: Comparison) -> Bar:
    low, high = one.interval
    return Bar(
        zero=_x(0),
        margin=_x(-one.margin),
        low=_x(low),
        high=_x(high),
        delta=_x(one.delta or 0.0),
    )


def _x(value: float) -> float:
    clipped = min(max(value, -_REACH), _REACH)
    return round((clipped + _REACH) / (2 * _REACH) * _WIDTH, 1)


def _facts(report: Report) -> list[tuple[str, str]]:
    """Provenance as a two-column table."""
    origin, calls = report.provenance, report.calls
    rows = [
        ("calls", f"{calls.baseline:,} baseline, {calls.candidate:,} candidate"),
        ("from the store / failed", f"{calls.cached:,} / {calls.failed:,}"),
        ("reused", wording.reused(report)),
        ("tokens, cost", f"{report.usage.tokens:,}, {wording.usd(report.usage.usd)}"),
        ("started, took", f"{origin.started}, {wording.duration(origin.seconds)}"),
        ("policy", origin.policy_digest or "–"),
        *((f"dataset {name}", digest) for name, digest in origin.dataset_digests.items()),
        *(
            (f"config {path}", f"{digests.baseline} → {digests.candidate}")
            for path, digests in origin.config_digests.items()
        ),
        ("answered by (baseline)", ", ".join(origin.served_models.baseline) or "–"),
        ("answered by (candidate)", ", ".join(origin.served_models.candidate) or "–"),
        *((f"judge of {one.family}", f"{one.model}: {wording.judged(one)}") for one in origin.judges),
        *((f"rubric of {one.family}", one.rubric_digest) for one in origin.judges),
        ("verdicts", wording.verdicts(report)),
        ("base, head", f"{origin.base_sha or '–'}, {origin.head_sha or '–'}"),
        ("Driftgate, seed", f"{origin.version}, {origin.seed}"),
    ]
    return [(name, value) for name, value in rows if value]
