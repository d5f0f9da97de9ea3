"""How large the HTML report of 5,000 samples is, and how soon a reader can work in it. See docs/benchmarks.md.

    python bench/report_page.py [--out DIR]

Writes bench/results/report_page.json and report_page.md. Needs Chromium and the development dependencies.
"""

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from tables import commit, machine, table

from gate.evidence import AnswerShown, ArmEvidence, Evidence, Flip
from gate.html_page import page
from gate.report import Provenance, Report

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
SAMPLES, TIMES, SLOW = 5000, 5, 4
WORDS = 18
"""Of a prompt and of each answer: so many that the samples take the 4 MB that flips.json may take."""
STEP = """async (act) => {
    const list = document.querySelector(".list"), search = document.querySelector("input[type=search]");
    const begun = performance.now();
    if (act === "key") { list.focus(); list.dispatchEvent(new KeyboardEvent("keydown", {key: "End", bubbles: true})); }
    else { search.value = act; search.dispatchEvent(new Event("input")); }
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - begun;
}"""
READY = """window.ready = new Promise((done) => document.addEventListener("DOMContentLoaded", () =>
    requestAnimationFrame(() => setTimeout(() => done(performance.now())))));"""
"""The script has run by then, and the first rows are painted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One opening of the page. Milliseconds: from navigation until the rows stand and the page answers, and CPU of the
    page's thread in that time; a step of the keyboard from one end of the list to the other; the first search, which
    reads every text, and the next one."""

    ready_ms: float
    cpu_ms: float
    key_ms: float
    first_search_ms: float
    search_ms: float


def evidence(number: int = SAMPLES, *, seed: int = 1) -> Evidence:
    """Samples of one seeded generator: the same on every machine."""
    random_ = random.Random(seed)
    return Evidence(flips=tuple(_flip(random_, place) for place in range(number)))


def _flip(random_: random.Random, place: int) -> Flip:
    answer = _text(random_)
    lost = random_.random() < 0.7
    arms = [_arm(answer, 1.0), _arm(" ".join([*answer.split()[:-9], *_text(random_).split()[:9]]), 0.0)]
    return Flip(
        config="models/a.yml",
        family=f"family-{place % 5}",
        sample_id=f"sample-{place:05d}",
        slices={"cwe": f"CWE-{place % 60}", "language": random_.choice(["c", "go", "java", "python"])},
        cluster=None,
        direction="lost" if lost else "gained",
        harmful=place % 5 == 0,
        prompt=_text(random_),
        target="CWE-787",
        baseline=arms[0 if lost else 1],
        candidate=arms[1 if lost else 0],
    )


def _arm(text: str, score: float) -> ArmEvidence:
    return ArmEvidence(
        score=score, asked=1, answers=(AnswerShown(text=text, score=score, reason="as it was seeded", finish="stop"),)
    )


def _text(random_: random.Random) -> str:
    return " ".join("".join(random_.choices("abcdefgh", k=random_.randint(2, 8))) for _ in range(WORDS))


def report() -> Report:
    at = "2026-11-24T10:00:00+00:00"
    return Report(
        verdict="pass",
        blocked=False,
        provenance=Provenance(version="0", seed=1, started=at, finished=at, seconds=1.0),
    )


def opening(browser: Browser, file: Path, *, slower: int) -> Opening:
    """A context of its own, so that nothing is cached; the CPU may be slowed down as a phone's is."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    protocol = context.new_cdp_session(tab)
    protocol.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    protocol.send("Performance.enable", {"timeDomain": "threadTicks"})
    tab.add_init_script(READY)
    tab.goto(file.as_uri())
    ready = tab.evaluate("window.ready")
    metrics = {one["name"]: one["value"] for one in protocol.send("Performance.getMetrics")["metrics"]}
    steps = [tab.evaluate(STEP, act) for act in ("key", "abc", "abc de")]
    context.close()
    return Opening(
        ready_ms=ready,
        cpu_ms=1000 * metrics["ThreadTime"],
        key_ms=steps[0],
        first_search_ms=steps[1],
        search_ms=steps[2],
    )


def measure(browser: Browser, file: Path, *, slower: int) -> list[Opening]:
    """One opening goes before and does not count: the browser itself is warm then, the page is not."""
    return [opening(browser, file, slower=slower) for _ in range(TIMES + 1)][1:]


def rows(found: dict[str, Any]) -> list[list[str]]:
    size, wrote = found["bytes"] / 1e6, found["page_s"]
    lines = [
        ["the page of 5,000 samples", f"{size:.2f} MB", "≤ 5 MB", _met(size <= 5)],
        ["to make it (median)", f"{wrote * 1000:.0f} ms", "", ""],
    ]
    for name, openings in found["openings"].items():
        worst = {key: max(one[key] for one in openings) for key in openings[0]}
        bar = "≤ 1000 ms" if name == "this machine" else ""
        met = _met(worst["ready_ms"] <= 1000) if bar else ""
        lines.append([f"ready, {name}", f"{worst['ready_ms']:.0f} ms", bar, met])
        lines.append([f"CPU until then, {name}", f"{worst['cpu_ms']:.0f} ms", "", ""])
        lines.append([f"a key, {name}", f"{worst['key_ms']:.0f} ms", "", ""])
        searches = f"{worst['first_search_ms']:.0f} and {worst['search_ms']:.0f} ms"
        lines.append([f"the first search and the next, {name}", searches, "", ""])
    return lines


def _met(met: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if met else "**no**"


def markdown(record: dict[str, Any]) -> str:
    said = ", ".join(f"{name} {value}" for name, value in record["machine"].items())
    return (
        "# The report page bench\n\nWritten by `make bench-page`; what the words mean is in docs/benchmarks.md.\n\n"
        f"{record['begun']}; {said}; Chromium {record['browser']}; Driftgate {record['driftgate']}.\n\n"
        + table(["what", f"worst of {TIMES}", "bar", "met?"], rows(record))
    )


def made(report_: Report, evidence_: Evidence) -> tuple[str, float]:
    """The page, and the median seconds it took."""
    page(report_, None)
    took = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        html = page(report_, evidence_)
        took.append(time.perf_counter() - begun)
    return html, statistics.median(took)


def main() -> int:
    parser = argparse.ArgumentParser(description="How large and how fast the HTML report of 5,000 samples is.")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where report_page.json and .md go")
    arguments = parser.parse_args()
    record: dict[str, Any] = {"begun": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "machine": machine()}
    record["driftgate"] = commit(ROOT)
    html, record["page_s"] = made(report(), evidence())
    record["bytes"] = len(html.encode())
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder) / "report.html"
        file.write_text(html, encoding="utf-8")
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        record["browser"] = browser.version
        record["openings"] = {
            name: [asdict(one) for one in measure(browser, file, slower=slower)]
            for name, slower in (("this machine", 1), (f"CPU slowed {SLOW} times", SLOW))
        }
        browser.close()
    (arguments.out / "report_page.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (arguments.out / "report_page.md").write_text(markdown(record), encoding="utf-8")
    print(markdown(record))
    return 0 if not any("**no**" in row for row in rows(record)) else 1


if __name__ == "__main__":
    sys.exit(main())
