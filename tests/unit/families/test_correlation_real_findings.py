"""The scorer and the prompt on real findings, whose answer was made elsewhere. The page states these figures."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from datasets.groupings import BASELINES
from gate.domain import Completion, Sample
from gate.families import FAMILIES

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"
FILES = {name: DATA / f"{name}_findings.jsonl" for name in ("owasp", "sca")}
PAGE = (ROOT / "docs/families/finding-correlation.md").read_text(encoding="utf-8")
FAMILY = FAMILIES["finding-correlation"]()

pytestmark = pytest.mark.skipif(
    not all(one.is_file() for one in FILES.values()), reason="the findings are not in ../shared/data"
)


def rows(name):
    return [json.loads(line) for line in FILES[name].read_text().splitlines()]


def samples(findings, truth, *, groups_each):
    """Samples of so many root causes; `truth` is a finding's root cause, and no key of it is shown."""
    causes = defaultdict(list)
    for one in findings:
        causes[truth(one)].append(one)
    ordered = [causes[key] for key in sorted(causes)]
    for start in range(0, len(ordered), groups_each):
        chosen = ordered[start : start + groups_each]
        shown = [one for cause in chosen for one in cause]
        shown.sort(key=lambda one: one["id"])
        hidden = ("issue", "confirmed", "test", "cve")
        given = [{key: value for key, value in one.items() if key not in hidden} for one in shown]
        groups = [[one["id"] for one in cause] for cause in chosen]
        yield Sample(id=f"real-{start}", input={"findings": given}, target={"groups": groups})


def by(key):
    def group(findings):
        found = defaultdict(list)
        for one in findings:
            found[key(one)].append(one["id"])
        return list(found.values())

    return group


def web_samples():
    """Of the three tools on one code base: the tests in which several findings are known to be flaws."""
    findings, tests = [one for one in rows("owasp") if one["issue"]], defaultdict(list)
    for one in findings:
        tests[one["test"]].append(one)
    chosen = [one for one in findings if len(tests[one["test"]]) > 1]
    return list(samples(chosen, lambda one: one["issue"], groups_each=12))


def cause(one):
    """The same CVE in the same package and version is one root cause."""
    return one["cve"][0], one["package"].lower(), one["version"]


def package_samples():
    """Of the eight scanners: the CVEs that several findings name for one package in one version, and whatever else
    has those CVEs."""
    chosen = [one for one in rows("sca") if len(one["cve"]) == 1]
    causes = Counter(map(cause, chosen))
    wanted = {found[0] for found, number in causes.items() if number > 1}
    return list(samples([one for one in chosen if one["cve"][0] in wanted], cause, groups_each=24))


def kind_of(one):
    """The weakness as a reader of rule and message would name it."""
    words = f"{one['rule']} {one['message']}".lower()
    kinds = {"sql": "sql", "xss|cross site scripting": "xss", "command|shell|os cmd": "command", "cookie": "cookie"}
    return next((kind for pattern, kind in kinds.items() if re.search(pattern, words)), one["rule"])


def stem(one):
    return one["path"].rpartition("/")[2].removesuffix(".java")


WEB = {
    "same test and weakness, read from rule and message": by(lambda one: (stem(one), kind_of(one))),
    "same test and CWE, as the tools give it": by(lambda one: (stem(one), one["cwe"])),
    "same test": by(stem),
    "same rule": by(lambda one: one["rule"]),
    "all alone": BASELINES["all alone"],
    "all together": BASELINES["all together"],
}
PACKAGES = {
    "same CVE (among the aliases), package and version": by(
        lambda one: (*[x for x in one["aliases"] if x.startswith("CVE-")][:1], one["package"].lower(), one["version"])
    ),
    "same CVE (among the aliases)": by(lambda one: next(x for x in one["aliases"] if x.startswith("CVE-"))),
    "same id, package and version": by(lambda one: (one["finding_id"], one["package"].lower(), one["version"])),
    "same package and version": by(lambda one: (one["package"].lower(), one["version"])),
    "all alone": BASELINES["all alone"],
    "all together": BASELINES["all together"],
}


def mean_score(given, grouping):
    answers = [json.dumps({"groups": grouping(one.input["findings"])}) for one in given]
    scores = [FAMILY.score(one, Completion(text=text)).value for one, text in zip(given, answers, strict=True)]
    return sum(scores) / len(scores)


def test_samples__are_valid_and_hide_the_answer():
    for one in (*web_samples(), *package_samples()):
        assert FAMILY.check(one) == []
        assert FAMILY.score(one, Completion(text=FAMILY.reference(one))).value == 1
        (prompt,) = FAMILY.prompt(one)
        assert '"issue"' not in prompt.content
        assert '"confirmed"' not in prompt.content
        assert all(f'"{each["id"]}"' in prompt.content for each in one.input["findings"])


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in WEB])
def test_web_findings__score_what_the_page_says(name):
    given = web_samples()
    assert f"| {name} | {mean_score(given, WEB[name]):.3f} |" in PAGE


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in PACKAGES])
def test_package_findings__score_what_the_page_says(name):
    given = package_samples()
    assert f"| {name} | {mean_score(given, PACKAGES[name]):.3f} |" in PAGE


def test_sensible_groupings_beat_the_trivial_ones():
    for given, groupings in ((web_samples(), WEB), (package_samples(), PACKAGES)):
        sensible = mean_score(given, next(iter(groupings.values())))
        assert sensible >= 0.95
        assert all(mean_score(given, BASELINES[name]) < sensible - 0.1 for name in ("all alone", "all together"))
