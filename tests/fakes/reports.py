"""Reports to render: one for each situation that a reader meets."""

from dataclasses import replace

from gate.domain import Look, Pattern, PerArm, PlanRow, SliceKey
from gate.report import (
    ArmsPerCall,
    Calls,
    Change,
    JudgeRecord,
    Latency,
    PerCall,
    Provenance,
    Report,
    Reused,
    UsageReport,
    Verdicts,
)
from gate.waiver_terms import WaiverUse
from tests.fakes.comparisons import comparison

ORIGIN = Provenance(
    version="0.1.0",
    seed=1,
    started="2026-11-24T10:00:00+00:00",
    finished="2026-11-24T10:01:05+00:00",
    seconds=65.0,
    head_sha="0123456789abcdef0123456789abcdef01234567",
    run_url="https://github.example/o/r/actions/runs/42",
)


def row(family, delta, outcome, *, slice_=None, **parts):
    return comparison(
        outcome,
        delta,
        config="models/a.yml",
        family=family,
        slice=slice_,
        n_pairs=400 if slice_ is None else 30,
        n_dropped=PerArm(baseline=0, candidate=3),
        reason="a reason in words",
        **parts,
    )


def planned(family, visible, gating, needed=None, *, slice_=None):
    return PlanRow(
        config="models/a.yml",
        family=family,
        slice=slice_,
        severity="blocking",
        samples=400 if slice_ is None else 30,
        repeats=1,
        margin=0.05,
        alpha=0.01,
        baseline=0.8,
        baseline_samples=0,
        noise=0.08,
        noise_samples=0,
        visible=visible,
        gating=gating,
        samples_needed=needed,
        most_calls=1866 if slice_ is None else None,
    )


def per_call(answers=800, output_tokens=210.0, usd=0.0011, p95=2.1, **given):
    return PerCall(
        **{
            "answers": answers,
            "input_tokens": 900.0,
            "output_tokens": output_tokens,
            "usd": usd,
            "latency": Latency(calls=answers, p50=0.9, p95=p95),
            **given,
        }
    )


DEARER = ArmsPerCall(baseline=per_call(), candidate=per_call(output_tokens=290.0, usd=0.00123, p95=3.4))
RARE = SliceKey(name="cwe", value="CWE-787 | `x` @all")
GOOD = row("exploit-hypothesis", 0.1, "improved")
BASE = Report(
    verdict="pass",
    blocked=False,
    comparisons=(
        GOOD,
        row("remediation", 0.0, "unchanged"),
        row("remediation", 0.0, "unchanged", slice_=RARE, gating=False),
    ),
    changes=(
        Change(config="models/a.yml", what="model", before="m-1", after="m-2", line=2),
        Change(config="models/a.yml", what="temperature", before="0", after="0.2", line=3),
    ),
    calls=Calls(baseline=800, candidate=800, failed=3),
    usage=UsageReport(tokens=120_000, usd=0.31),
    plan=(
        planned("exploit-hypothesis", 0.05, True),
        planned("remediation", 0.05, True),
        planned("remediation", 0.514, False, 612, slice_=RARE),
    ),
    provenance=ORIGIN,
)
BAD = row("advisory-summary", -0.08, "regressed")
WAIVER = WaiverUse(
    source="comment",
    where="https://github.example/o/r/pull/7#issuecomment-1",
    config="models/a.yml",
    family="advisory-summary",
    slice=None,
    approver="alice",
    because="@bob's customer needs <b>it</b> | see [this](https://evil.example) `now`",
    given="2026-11-24",
    until="2026-11-28",
    loss=0.1,
    measured=0.08,
    state="in force",
    reason="a loss of 0.0800, of 0.1000 allowed",
)
MANY = tuple(
    row("exploit-hypothesis", 0.2 if number == 7 else 0.0, "improved" if number == 7 else "unchanged", slice_=one)
    for number, one in enumerate(SliceKey(name="cwe", value=f"CWE-{number}") for number in range(12))
)
JUDGE = JudgeRecord(
    family="advisory-summary",
    endpoint="judge",
    model="judge-1 <b>",
    mode="single",
    rubric_digest="sha256:00",
    calibration_digest="sha256:11",
    labels=120,
    kappa=0.92,
    kappa_interval=(0.84, 0.97),
    min_kappa=0.6,
    sensitivity=0.95,
    specificity=0.98,
    licensed=True,
    reason="",
)
REPORTS = {
    "pass": BASE,
    "blocked": replace(
        BASE,
        verdict="blocked",
        blocked=True,
        comparisons=(GOOD, BAD, row("advisory-summary", -0.4, "regressed", slice_=RARE)),
        patterns=(
            Pattern(
                kind="neighbour-regressed",
                config="models/a.yml",
                families=("exploit-hypothesis", "advisory-summary"),
                text="exploit-hypothesis +10.0 while advisory-summary −8.0; net effect +1.0 over the mean of 2 families",
            ),
        ),
    ),
    "pass-with-many-slices": replace(BASE, comparisons=(GOOD, *MANY), plan=()),
    "pass-with-an-advisory-loss": replace(BASE, comparisons=(GOOD, replace(BAD, severity="advisory")), plan=()),
    "blocked-in-several-configs": replace(
        BASE,
        verdict="blocked",
        blocked=True,
        comparisons=(
            GOOD,
            BAD,
            replace(GOOD, config="models/b.yml"),
            replace(row("advisory-summary", -0.2, "regressed"), config="models/b.yml"),
        ),
        changes=(*BASE.changes, Change(config="models/b.yml", what="model", before="n-1", after="n-2", line=2)),
        plan=(),
    ),
    "judged": replace(
        BASE,
        comparisons=(GOOD, row("advisory-summary", 0.0, "unchanged")),
        verdicts=Verdicts(asked=1600, cached=40, failed=2),
        plan=(),
        provenance=replace(ORIGIN, judges=(JUDGE,)),
    ),
    "waived": replace(
        BASE,
        verdict="waived",
        notices=("waiver of advisory-summary by alice (…): expires in 4 days, on 2026-11-28",),
        comparisons=(GOOD, replace(BAD, waiver="alice, until 2026-11-28")),
        waivers=(
            WAIVER,
            replace(WAIVER, family="remediation", state="unused", reason="it did not regress (unchanged)"),
        ),
    ),
    "offered": replace(
        BASE,
        verdict="blocked",
        blocked=True,
        comparisons=(BAD,),
        plan=(),
        changes=(),
        offers=(
            "/driftgate waive advisory-summary until 2026-12-08 loss 0.1000 head 0123456789abcdef0123 "
            "policy 0123456789abcdef0123 baseline 0123456789abcdef0123 candidate 0123456789abcdef0123 because …",
        ),
    ),
    "sequential": replace(
        BASE,
        comparisons=(
            replace(
                row("remediation", 0.01, "unchanged"),
                stage="re-asked",
                looks=(
                    Look(samples=100, asked=200, delta=-0.02, outcome="inconclusive"),
                    Look(samples=400, asked=800, delta=-0.01, outcome="inconclusive"),
                    Look(samples=400, asked=930, delta=0.01, outcome="unchanged"),
                ),
                bounds=(-0.002, 0.0175),
            ),
            replace(
                row("advisory-summary", 0.0, "unchanged"),
                stage="stored",
                looks=(Look(samples=400, asked=400, delta=0.0, outcome="unchanged"),),
            ),
        ),
        reused=Reused(
            baseline=2000, candidate=0, oldest="2026-11-21T10:00:00+00:00", newest="2026-11-24T04:00:00+00:00"
        ),
    ),
    "inconclusive": replace(
        BASE,
        verdict="inconclusive",
        reasons=("remediation: too few samples",),
        comparisons=(GOOD, row("remediation", -0.02, "inconclusive")),
    ),
    "error": replace(
        BASE, verdict="error", reasons=("endpoint e (x.example) refused the key",), comparisons=(), plan=()
    ),
    "neutral": replace(
        BASE, verdict="neutral", reasons=("no watched model config changed",), comparisons=(), changes=(), plan=()
    ),
    "dearer": replace(BASE, usage=replace(BASE.usage, per_call=DEARER)),
    "simulated": replace(BASE, simulated=True, notices=("this pull request edits @policy <b>",)),
}
