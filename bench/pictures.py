"""Pictures of the HTML report for the docs: a blocked, a waived and a passing one, light and dark, and on a phone;
and of the history of a simulated year.

    python bench/pictures.py [--out DIR]

The samples are the starter datasets'; right answers are their references, wrong ones are made of these by a seeded
generator. The real scorers score both, and the real engine decides. Costs and waiver are made up. Needs Chromium.
"""

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from gate.datasets import load_builtin
from gate.domain import Comparison, Completion, Look, Sample, Score
from gate.evidence import AnswerShown, ArmEvidence, Evidence, Flip
from gate.families import FAMILIES, Family
from gate.history import history
from gate.html_page import page
from gate.ledger import read
from gate.report import ArmsPerCall, Calls, Change, Latency, PerCall, Report, UsageReport, from_json
from gate.waiver_terms import WaiverUse

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "pictures"
CONFIG = "models/release.yml"
POLICY: dict[str, Any] = {
    "version": 1,
    "families": {
        "exploit-hypothesis": {
            "severity": "blocking",
            "margin": 0.06,
            "slices": {"language": {"severity": "advisory"}},
        },
        "advisory-summary": {"severity": "blocking", "margin": 0.07, "slices": {"ecosystem": {"severity": "advisory"}}},
        "finding-correlation": {"severity": "advisory", "margin": 0.08},
        "adversarial-resistance": {
            "severity": "blocking",
            "margin": 0.06,
            "slices": {"attack": {"severity": "advisory"}},
        },
    },
}
WRONG = {
    "exploit-hypothesis": 0.22,
    "advisory-summary": 0.08,
    "finding-correlation": 0.2,
    "adversarial-resistance": 0.04,
}
"""The share of its answers that a model has wrong, the baseline and whoever is not named."""
STORIES = {
    "blocked": {"exploit-hypothesis": 0.06, "advisory-summary": 0.36, "adversarial-resistance": 0.03},
    "waived": {"exploit-hypothesis": 0.05, "advisory-summary": 0.3},
    "pass": {"exploit-hypothesis": 0.05, "finding-correlation": 0.12},
}
"""What of that is otherwise in the candidate, by picture."""


AT = "2026-11-24T10:05:00+00:00"
BEFORE = PerCall(
    answers=668, input_tokens=611, output_tokens=72, usd=0.00036, latency=Latency(calls=668, p50=0.84, p95=2.12)
)
AFTER = PerCall(
    answers=668, input_tokens=655, output_tokens=99, usd=0.00042, latency=Latency(calls=668, p50=0.91, p95=3.41)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    family: str
    sample: Sample
    prompt: str
    answer: str
    score: Score


def asked(arm: str, shares: dict[str, float]) -> Iterator[Asked]:
    """One arm's answers. What is hard stays hard: a sample has the same place on both arms, give or take a little."""
    for kind in POLICY["families"]:
        family = FAMILIES[kind]()
        for sample in load_builtin(kind).samples:
            random_ = random.Random(f"{kind}/{sample.id}")
            place = (random_.random() + 0.05 * random.Random(f"{arm}/{kind}/{sample.id}").random()) / 1.05
            yield _asked(kind, family, sample, wrong=place < shares[kind])


def _asked(kind: str, family: Family, sample: Sample, *, wrong: bool) -> Asked:
    answer = _spoiled(kind, sample, family.reference(sample)) if wrong else family.reference(sample)
    score = family.score(sample, Completion(text=answer))
    prompt = "\n\n".join(one.content for one in family.prompt(sample))
    return Asked(family=kind, sample=sample, prompt=prompt, answer=answer, score=score)  # type: ignore[arg-type]


def _spoiled(kind: str, sample: Sample, right: str) -> str:
    """A wrong answer as models give them: nearly right, or obedient to the attack."""
    if kind == "adversarial-resistance":
        target = sample.target if isinstance(sample.target, dict) else {}
        told = target.get("forbidden")
        return (
            f"Of course. It is {told[0]}."
            if isinstance(told, list) and target.get("expect") == "resist"
            else "I'm sorry, but I can't help with that."
        )
    if kind == "advisory-summary":
        return re.sub(r"Fixed in [^ ]+", "There is no fix yet.", right).replace("moderate", "high")
    if kind == "finding-correlation":
        return right.replace('"], ["', '", "', 1)
    return right.replace('"vulnerable": true', '"vulnerable": false').replace("CWE-", "CWE-7")


def story(name: str, folder: Path) -> tuple[Report, Evidence]:
    """What `driftgate compare` says of two result files, and the samples that differ."""
    arms = [list(asked("baseline", WRONG)), list(asked("candidate", WRONG | STORIES[name]))]
    for arm, answers in zip(("baseline", "candidate"), arms, strict=True):
        lines = [json.dumps(_line(one)) for one in answers]
        (folder / f"{arm}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "policy.yml").write_text(json.dumps(POLICY), encoding="utf-8")
    command = ["compare", "--policy", "policy.yml", "--baseline", "baseline.jsonl", "--candidate", "candidate.jsonl"]
    subprocess.run(
        [sys.executable, "-m", "gate", *command, "--out", "out"], cwd=folder, check=False, capture_output=True
    )
    report = from_json((folder / "out/report.json").read_text(encoding="utf-8"), file="report.json")
    flips = [_flip(*both) for both in zip(*arms, strict=True) if both[0].score.value != both[1].score.value]
    order = ["advisory-summary", *POLICY["families"]]
    flips.sort(key=lambda one: (one.direction == "gained", order.index(one.family)))
    return _told(name, report), Evidence(flips=tuple(flips))


def _line(one: Asked) -> dict[str, Any]:
    slices = dict(one.sample.slices)
    return {
        "family": one.family,
        "sample_id": one.sample.id,
        "score": one.score.value,
        "slices": slices,
        "cluster": one.sample.cluster,
    }


def _flip(before: Asked, after: Asked) -> Flip:
    sample = before.sample
    return Flip(
        config=CONFIG,
        family=before.family,
        sample_id=sample.id,
        slices=dict(sample.slices),
        cluster=sample.cluster,
        direction="lost" if after.score.value < before.score.value else "gained",
        harmful=before.family == "adversarial-resistance",
        prompt=before.prompt,
        target=json.dumps(sample.target, indent=1, ensure_ascii=False),
        baseline=_arm(before),
        candidate=_arm(after),
    )


def _arm(one: Asked) -> ArmEvidence:
    shown = AnswerShown(text=one.answer, score=one.score.value, reason=one.score.reason, finish="stop")
    return ArmEvidence(score=one.score.value, asked=1, answers=(shown,))


def _told(name: str, report: Report) -> Report:
    """With what `compare` cannot know: configs, costs, the waiver, and looks as a sequential run takes them."""
    comparisons = tuple(replace(one, config=CONFIG, looks=_looks(one)) for one in report.comparisons)
    calls = 2 * sum(one.n_pairs for one in comparisons if one.slice is None)
    told = replace(
        report,
        simulated=True,
        comparisons=comparisons,
        patterns=tuple(replace(one, config=CONFIG) for one in report.patterns),
        changes=(
            Change(config=CONFIG, what="model", before="ft:base-2026-09", after="ft:triage-2026-11", line=2),
            Change(config=CONFIG, what="max_tokens", before="600", after="800", line=4),
            Change(config=CONFIG, what="system prompt", before="1,204 characters", after="1,377 characters", line=5),
        ),
        calls=Calls(baseline=calls // 2, candidate=calls // 2),
        usage=UsageReport(tokens=912_480, usd=1.31, per_call=ArmsPerCall(baseline=BEFORE, candidate=AFTER)),
        provenance=replace(report.provenance, started=AT, finished=AT, seconds=214.0, head_sha="3f9c2e1b7a40" * 3),
    )
    told = told if name != "waived" else _waived(told)
    if told.verdict != name:
        raise SystemExit(f"the story {name} ended as {told.verdict}")
    return told


def _looks(one: Comparison) -> tuple[Look, ...]:
    """Of a family that moved, a path to its delta."""
    if one.slice is not None or one.outcome not in ("regressed", "improved") or one.delta is None:
        return ()
    shares = ((0.25, 0.4), (0.5, 1.25), (0.75, 0.9), (1.0, 1.0))
    asked_ = [(round(share * one.n_pairs), 2 * round(share * one.n_pairs), one.delta * of) for share, of in shares]
    return tuple(
        Look(samples=n, asked=calls, delta=delta, outcome=one.outcome if n == one.n_pairs else "inconclusive")
        for n, calls, delta in asked_
    )


def _waived(report: Report) -> Report:
    lost = next(one for one in report.comparisons if one.outcome == "regressed" and one.severity == "blocking")
    waiver = WaiverUse(
        source="comment",
        where="https://github.example/acme/models/pull/214#issuecomment-9",
        config=CONFIG,
        family=lost.family,
        slice=None,
        approver="alice",
        because="summaries are read by an engineer until the retrained model of December is out",
        given="2026-11-24",
        until="2026-12-08",
        loss=0.2,
        measured=-(lost.delta or 0.0),
        state="in force",
        reason="within what was allowed",
    )
    kept = tuple(replace(one, waiver="alice, until 2026-12-08") if one is lost else one for one in report.comparisons)
    return replace(report, verdict="waived", blocked=False, comparisons=kept, waivers=(waiver,))


def shoot(browser: Browser, html: Path, out: Path, *, mode: str, width: int) -> None:
    """What a reader sees first, with a sample chosen."""
    phone = width < 500
    context = browser.new_context(
        reduced_motion="reduce",
        viewport={"width": width, "height": 844 if phone else 1280},
        color_scheme=mode,
        device_scale_factor=1,  # type: ignore[arg-type]
    )
    tab = context.new_page()
    tab.goto(html.as_uri())
    tab.screenshot(path=out)
    context.close()


def shoot_samples(browser: Browser, html: Path, out: Path) -> None:
    tab = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme="light")
    tab.goto(html.as_uri())
    tab.locator("#flips").screenshot(path=out)
    tab.close()


def year(folder: Path) -> str:
    """The history of a simulated year."""
    subprocess.run([sys.executable, ROOT / "examples/notes/make.py", folder], check=True)
    return history(read(folder / "ledger.jsonl").entries)


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of the HTML report for the docs.")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where the pictures go")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in STORIES:
            html = Path(folder) / f"{name}.html"
            html.write_text(page(*story(name, Path(folder))), encoding="utf-8")
            for mode in ("light", "dark"):
                shoot(browser, html, out / f"report-{name}-{mode}.png", mode=mode, width=1200)
        blocked = Path(folder) / "blocked.html"
        shoot(browser, blocked, out / "report-blocked-phone.png", mode="light", width=390)
        shoot_samples(browser, blocked, out / "report-samples.png")
        html = Path(folder) / "history.html"
        html.write_text(year(Path(folder) / "year"), encoding="utf-8")
        for mode in ("light", "dark"):
            shoot(browser, html, out / f"history-{mode}.png", mode=mode, width=1200)
        browser.close()


if __name__ == "__main__":
    main()
