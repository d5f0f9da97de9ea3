"""Twelve shapes of advisories. Each tells the same facts in another order, other words and another layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from datasets.advisory_stories import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an advisory tells. `branches` are (first affected, fixed or None); `opener`, `finder`, `closer` are talk."""

    story: Story
    number: int
    cve: str
    others: tuple[str, ...]
    package: str
    ecosystem: str
    branches: tuple[tuple[str, str | None], ...]
    level: str
    vector: str | None
    says_word: bool
    workaround: bool
    sibling: str
    sibling_cve: str
    sibling_fix: str
    newer: str
    runtime: str
    opener: str
    finder: str
    closer: str

    @property
    def ids(self) -> tuple[str, ...]:
        return (self.cve, *self.others)

    @property
    def fixes(self) -> list[str]:
        return [fix for _, fix in self.branches if fix]

    @property
    def project(self) -> str:
        return self.story.project.format(n=self.package)

    @property
    def rating(self) -> str:
        """The severity as this advisory tells it: a word, a vector or both."""
        parts = [self.level] if self.says_word else []
        return ", ".join([*parts, *([self.vector] if self.vector else [])])

    @property
    def around(self) -> str:
        return self.story.workaround[1] if self.workaround else "We know of no workaround."

    @property
    def other_matter(self) -> str:
        return f"{self.sibling_cve} in {self.sibling} is another matter, closed there by {self.sibling_fix}."

    @property
    def never(self) -> str:
        low = self.branches[0][0]
        return f"Releases older than {low} never had this code." if low != "0" else "The code is as old as the project."


def said(low: str, fix: str | None, *, style: str) -> str:
    """One range in the words of a style."""
    if fix is None:
        return (
            {"signs": f">= {low}", "interval": f"[{low},)"}.get(style, f"{low} and later")
            if low != "0"
            else "all versions"
        )
    last = _last(fix)
    first = low == "0"
    styles = {
        "signs": f"< {fix}" if first else f">= {low}, < {fix}",
        "prose": f"everything before {fix}" if first else f"from {low} up to, but not including, {fix}",
        "before": f"before {fix}" if first else f"{low} before {fix}",
        "through": f"through {last}" if first else f"{low} through {last}",
        "interval": f"(,{fix})" if first else f"[{low},{fix})",
        "earlier": f"{last} and earlier" if first else f"{low} to {last}",
        "starting": f"prior to {fix}" if first else f"starting with {low} and prior to {fix}",
    }
    return styles[style]


def ranges(facts: Facts, style: str, joint: str = ", ") -> str:
    return joint.join(said(low, fix, style=style) for low, fix in facts.branches)


def _last(fix: str) -> str:
    head, _, last = fix.rpartition(".")
    return f"{head}.{int(last) - 1}"


def _list(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _remedy(facts: Facts, when: str, otherwise: str) -> str:
    return when.format(_list(facts.fixes)) if facts.fixes else otherwise


def record(f: Facts) -> str:
    return (
        f"{f.opener} {f.project}\n\n{f.story.flaw} {f.story.impact} {f.finder}\n\n"
        f"Advisory-Id: {f.cve}\nAlso-Known-As: {', '.join(f.others) or 'none'}\nEcosystem: {f.ecosystem}\nPackage: {f.package}\n"
        f"Affected: {ranges(f, 'signs', '; ')}\n{_remedy(f, 'Fixed: {}', 'Fixed: no fix is available')}\nSeverity: {f.rating}\n"
        f"Weakness: {f.story.cwe}\nSee-Also: {f.sibling_cve} ({f.sibling}, a different flaw)\n\n{f.around} {f.closer}\n"
    )


def newsroom(f: Facts) -> str:
    return (
        f"{f.opener}\n\n{f.project} Last week its maintainers were told of a case of {f.story.name}. {f.finder} {f.story.flaw}\n\n"
        f"{f.story.impact} The team rates this as {f.rating} severity and tracks it as {_list(list(f.ids))}. "
        f"The {f.ecosystem} package {f.package} is affected {_when(f)}. "
        + _remedy(f, "Those who upgrade to {} are safe. ", "There is no fix so far. ")
        + f"{f.never} {f.around}\n\n{f.closer} {f.other_matter}"
    )


def _when(f: Facts) -> str:
    return f"in versions {ranges(f, 'prose', ', and ')}" if f.fixes else f"in {ranges(f, 'prose', ', and ')}"


def platform(f: Facts) -> str:
    return (
        f"# {f.story.name[0].upper()}{f.story.name[1:]} in {f.package}\n\n_{f.opener}_\n\n### Impact\n\n{f.story.flaw} {f.story.impact}\n\n"
        "### Patches\n\n"
        + _remedy(f, "The problem has been patched in {}. ", "No patched version exists. ")
        + f"Vulnerable: {ranges(f, 'signs', '; ')}. {f.never}\n\n### Workarounds\n\n{f.around}\n\n### Details\n\n{f.finder} {f.closer} "
        f"Not to be confused with {f.sibling_cve}.\n\n| | |\n|---|---|\n| Registry | {f.ecosystem} |\n| Ids | {', '.join(f.ids)} |\n"
        f"| Rating | {f.rating} severity |\n| CWE | {f.story.cwe} |\n"
    )


def post(f: Facts) -> str:
    return (
        f"From: security team\nTo: announce list\nSubject: [{f.cve}] {f.package} ({f.ecosystem})\n\nHi all,\n\n{f.opener} {f.finder}\n\n"
        f"> {f.project}\n\n{f.story.flaw}\n\nAffected versions:\n\n- "
        + "\n- ".join(f"{f.package} {said(low, fix, style='through')}" for low, fix in f.branches)
        + f"\n\n{f.story.impact} {f.never}\n\n"
        + _remedy(
            f,
            "Users should upgrade to {}, which fix the issue.",
            "There is no fix for this issue, and the project looks for a new maintainer.",
        )
        + f" {f.around}\n\nThis is {f.story.cwe} ({f.story.name}); severity: {f.rating}. {_known_as(f)}{f.other_matter}\n\n{f.closer}\n\nRegards"
    )


def _known_as(f: Facts) -> str:
    return f"Other databases list it as {_list(list(f.others))}. " if f.others else ""


def table(f: Facts) -> str:
    rows = "\n".join(
        f"| {said(low, fix, style='earlier')} | {fix or 'none, no fix is planned'} |" for low, fix in f.branches
    )
    return (
        f"Security bulletin for {f.ecosystem} users of {f.package}\n\n{f.opener} {f.closer}\n\n1. Summary\n\n{f.project} {f.story.flaw}\n\n"
        f"2. Versions\n\n| affected | fixed in |\n|---|---|\n{rows}\n\n{f.never} Version {f.newer}, out since last night, has nothing to do with it.\n\n"
        f"3. Assessment\n\n{f.story.impact} Severity: {f.rating}. Class: {f.story.name}.\n\n4. Identifiers\n\n{', '.join(f.ids)}\n\n"
        f"5. What to do\n\n{_remedy(f, 'Install {}.', 'There is no fix to install.')} {f.around}\n\n6. Thanks\n\n{f.finder} {f.other_matter}\n"
    )


def changelog(f: Facts) -> str:
    head = f"## {f.newer}\n\n- New translations.\n- {f.runtime} is now the oldest that is supported.\n\n"
    return (
        f"# Release notes of {f.package} ({f.ecosystem})\n\n{head}## Security\n\n- {f.opener}\n- {f.project}\n- {f.story.flaw}\n"
        f"- {f.finder}\n- {f.story.impact} Its severity is {f.rating}.\n- Tracked as {' and '.join(f.ids)}, a case of {f.story.cwe}.\n"
        f"- Introduced and present in: {ranges(f, 'before', '; ')}.\n"
        + _remedy(f, "- Fixed in {}.\n", "- No version has the fix yet.\n")
        + f"- {f.around}\n- {f.other_matter}\n- {f.closer}\n"
    )


def questions(f: Facts) -> str:
    return (
        f"Questions and answers about the {f.package} problem\n\n*What is it?* {f.project} {f.story.flaw}\n\n*How was it found?* {f.finder}\n\n"
        f"*Is it the same as {f.sibling_cve}?* No, that is a different problem, of {f.sibling}.\n\n*How bad is it?* {f.story.impact} "
        f"Its severity is {f.rating}, and its class is {f.story.cwe}.\n\n*Am I affected?* Yes, if your {f.ecosystem} lock file has {f.package} in a version "
        f"{ranges(f, 'starting', ', or one ')}. {f.never}\n\n*Where is it fixed?* "
        + _remedy(f, "The fix is in {}.", "Nowhere: there is no fix.")
        + f"\n\n*Can I wait?* {f.around} {f.closer}\n\n*Which numbers does it have?* {_list(list(f.ids))}. {f.opener}\n"
    )


def database(f: Facts) -> str:
    events = [{"introduced": low, **({"fixed": fix} if fix else {})} for low, fix in f.branches]
    body = {
        "id": f.ids[-1],
        "aliases": list(f.ids[:-1]),
        "related": [f.sibling_cve],
        "summary": f"{f.story.name} in {f.package}",
        "details": f"{f.opener} {f.project} {f.story.flaw} {f.story.impact} {f.finder} {f.around} {f.closer}",
        "affected": [{"package": {"ecosystem": f.ecosystem, "name": f.package}, "ranges": events}],
        "severity": f.rating,
        "database_specific": {"cwe_ids": [f.story.cwe], "fix": "known" if f.fixes else "no fix is available"},
    }
    return json.dumps(body, indent=1)


def correction(f: Facts) -> str:
    wrong = f.fixes[-1] if f.fixes else None
    first = (
        f"We first wrote that {_last(wrong)} has the correction. That was a mistake: a part of it was left out of that build."
        if wrong
        else f.opener
    )
    return (
        f"UPDATE to our note on {f.package}\n\n{first} {f.finder}\n\n{f.project} {f.story.flaw} {f.story.impact}\n\n"
        f"Corrected facts. Affected ({f.ecosystem}): {ranges(f, 'before', '; ')}. "
        + _remedy(f, "Fixed in {}. ", "There is no fix. ")
        + f"Severity stays {f.rating}. The weakness is {f.story.name} ({f.story.cwe}). {_list(list(f.ids))} will be amended.\n\n{f.around} {f.closer} {f.other_matter}"
    )


def interval(f: Facts) -> str:
    return (
        f"{f.package} | {f.ecosystem} | vulnerability report\n\n{f.project} {f.finder}\n\nDescription. {f.story.flaw} {f.story.impact}\n\n"
        f"Vulnerable ranges: {ranges(f, 'interval', ', ')}\n{_remedy(f, 'Patched versions: {}', 'Patched versions: none, there is no fix')}\n"
        f"Severity: {f.rating}\nCWE: {f.story.cwe} {f.story.name}\nReferences: {', '.join(f.ids)}\n\nNotes. {f.opener} {f.never} "
        f"{f.package} runs on {f.runtime} and newer. {f.around} {f.closer} {f.other_matter}"
    )


def diary(f: Facts) -> str:
    return (
        f"Timeline of the {f.story.name} problem in our {f.ecosystem} package {f.package}\n\n2031-02-03: {f.finder}\n2031-02-04: reproduced. {f.story.flaw}\n"
        f"2031-02-06: {f.cve} assigned{', later also ' + _list(list(f.others)) if f.others else ''}.\n2031-02-11: rated; severity: {f.rating}.\n"
        f"2031-02-12: affected releases determined: {ranges(f, 'signs', '; ')}.\n2031-02-13: {f.other_matter}\n"
        + _remedy(f, "2031-03-02: fixed in {}.\n", "2031-03-02: decided that there will be no fix.\n")
        + f"2031-03-03: this text. {f.opener}\n\n{f.project} {f.story.impact}\n\n{f.around} {f.closer} {f.never}"
    )


def digest(f: Facts) -> str:
    return (
        f"Weekly digest, entry {f.number}: {f.sibling} and {f.package}\n\nFirst, {f.sibling}: {f.sibling_cve}, a separate flaw, is resolved in {f.sibling_fix}. Enough of that.\n\n"
        f"Now to {f.package} from {f.ecosystem}. {f.project} {f.opener} {f.story.flaw} {f.finder}\n\n{f.story.impact} "
        f"We file it under {f.story.cwe}. Look for {_list(list(f.ids))} in your scanner; severity: {f.rating}. "
        f"{f.package} {ranges(f, 'prose', ', and ')} is vulnerable. "
        + _remedy(f, "Update to {}. ", "No fix is available. ")
        + f"{f.around} {f.never}\n\n{f.closer} {f.package} {f.newer} is only about translations."
    )


SHAPES: dict[str, Callable[[Facts], str]] = {
    "record": record,
    "newsroom": newsroom,
    "platform": platform,
    "post": post,
    "table": table,
    "changelog": changelog,
    "questions": questions,
    "database": database,
    "correction": correction,
    "interval": interval,
    "diary": diary,
    "digest": digest,
}
