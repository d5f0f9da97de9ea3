"""L7: an in-toto Statement of a run: test-result v0.1, about the report, the model configs and the commit judged.

https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md

=========== ============================================================================================
result      where
=========== ============================================================================================
``PASSED``  the verdict is pass, and no unit is among the warned
``WARNED``  pass or waived with units among the warned; neutral: nothing was tested, so nothing was shown
``FAILED``  blocked, inconclusive, error; and every simulated run, which shows nothing of a model
=========== ============================================================================================

A unit is among the *failed* where it regressed and blocks, or where it would have to be shown unharmed and was not;
among the *warned* where it regressed but is waived or advisory, or where nothing was shown and nothing hangs on it;
else among the *passed*. A verifier that asks for `passedTests` to name the families it needs is not misled by a run
that tested less.
"""

from __future__ import annotations

import json
from typing import Literal, TypeAlias, get_args

from gate.domain import Comparison, Json
from gate.report import Report
from gate.wording import headline, unit

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
CONFIG_DIGEST = "driftgateModelConfig"
"""The digest of a model config is over all that decides its answers (parameters and the text of its prompt), not over
its file's bytes, so it goes by a name of its own."""

Result = Literal["PASSED", "WARNED", "FAILED"]
Place = Literal["passedTests", "warnedTests", "failedTests"]
Object: TypeAlias = "dict[str, Json]"


def statement(report: Report, digest: str) -> str:
    """The whole statement, unsigned. `digest` is ``sha256:…`` over the bytes of report.json."""
    return _text(
        {
            "_type": STATEMENT_TYPE,
            "subject": _subjects(report, digest),
            "predicateType": PREDICATE_TYPE,
            "predicate": _predicate(report),
        }
    )


def predicate(report: Report) -> str:
    """The predicate alone, for signers that name the subject themselves (`actions/attest`)."""
    return _text(_predicate(report))


def _text(value: Object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _subjects(report: Report, digest: str) -> list[Json]:
    origin = report.provenance
    whole: Object = {
        **_described("report.json", digest, "sha256"),
        "annotations": {"verdict": report.verdict, "headline": headline(report), "reasons": list(report.reasons)},
    }
    configs = [_described(path, both.candidate, CONFIG_DIGEST) for path, both in sorted(origin.config_digests.items())]
    commit: Object = {"name": "commit", "digest": {"gitCommit": origin.head_sha}}
    return [whole, *configs, *([commit] if origin.head_sha else [])]


def _predicate(report: Report) -> Object:
    origin = report.provenance
    names: dict[str, list[Json]] = {place: [] for place in get_args(Place)}
    for one in report.comparisons:
        names[_place(one)].append(_name(one))
    configuration: list[Json] = [_described("policy", origin.policy_digest, "sha256")] if origin.policy_digest else []
    for family, digest in sorted(origin.dataset_digests.items()):
        configuration.append(_described(f"dataset of {family}", digest, "sha256"))
    for path, both in sorted(origin.config_digests.items()):
        configuration.append(_described(f"baseline of {path}", both.baseline, CONFIG_DIGEST))
    return {
        "result": _result(report, warned=bool(names["warnedTests"])),
        "configuration": configuration,
        **({"url": origin.run_url} if origin.run_url else {}),
        **names,
    }


def _described(name: str, digest: str, algorithm: str) -> Object:
    """An in-toto ResourceDescriptor."""
    return {"name": name, "digest": {algorithm: digest.removeprefix("sha256:")}}


def _result(report: Report, *, warned: bool) -> Result:
    if report.simulated or report.verdict in ("blocked", "inconclusive", "error"):
        return "FAILED"
    return "WARNED" if warned or report.verdict != "pass" else "PASSED"


def _place(one: Comparison) -> Place:
    if one.outcome in ("improved", "unchanged"):
        return "passedTests"
    decides = one.severity == "blocking" and (one.gating or one.outcome == "regressed")
    return "failedTests" if decides and one.waiver is None else "warnedTests"


def _name(one: Comparison) -> str:
    """``models/a.yml: family / slice=value``; without the config where results were recorded elsewhere."""
    return f"{one.config}: {unit(one)}" if one.config else unit(one)
