"""Does the remediation set hold what it says? `make verify-remediation` runs all of it: a minute on two processors.

Of each sample: the files as they are, the reference patch, and the patches that leave it exploitable, break what worked,
or drop another check. Prints what is not as it should be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from gate.datasets import load_builtin
from gate.domain import Completion, Sample, Unscored
from gate.families.remediation import Remediation
from gate.families.trials import Failed

SAYS = {"exploitable": "leaves it exploitable", "broken": "breaks what worked", "weakened": "weakens a check"}


def problems(sample: Sample) -> list[str]:
    family = Remediation()
    sandbox = family.isolated()
    if isinstance(sandbox, str):
        return [f"{sample.id}: cannot be run here: {sandbox}"]
    found = [f"{sample.id} ({sample.cluster}): {one}" for one in _problems(family, sample)]
    try:
        family.try_out(sample, {}, sandbox)
        found.append(f"{sample.id}: without a patch, no exploit works")
    except Failed as failed:
        if failed.kind != "exploit":
            found.append(f"{sample.id}: without a patch: {failed}")
    return found


def _problems(family: Remediation, sample: Sample) -> Iterator[str]:
    yield from family.check(sample)
    reference = family.score(sample, Completion(text=family.reference(sample)))
    if isinstance(reference, Unscored) or reference.value != 1:
        yield f"its reference: {reference.reason}"
    wrong = sample.target["wrong"] if isinstance(sample.target, dict) else []
    if {one["why"] for one in wrong} != set(SAYS):
        yield "lacks a kind of wrong patch"
    for one in wrong:
        score = family.score(sample, Completion(text=one["patch"]))
        if isinstance(score, Unscored) or score.value != 0 or SAYS[one["why"]] not in score.reason:
            yield f"its {one['why']} patch: {score.reason}"


if __name__ == "__main__":
    samples = load_builtin("remediation").samples
    with ThreadPoolExecutor(max_workers=4) as pool:
        told = [line for lines in pool.map(problems, samples) for line in lines]
    sys.stdout.write("\n".join([*told, f"{len(samples)} samples, {5 * len(samples)} runs, {len(told)} problems\n"]))
    sys.exit(1 if told else 0)
