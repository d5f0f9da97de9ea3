"""L1: the waiver file, on the base branch: dated, owned, bounded permissions to release despite one named regression.
Strict; its JSON Schema is `driftgate schema waivers`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gate.domain import SliceKey
from gate.errors import FileProblem, Problems
from gate.files import Files, read_text
from gate.policy import Policy
from gate.positions import Document, read_yaml
from gate.schema import Name, RepositoryPath, Strict, parse
from gate.waiver_terms import FEWEST_HEX, Bound, Waiver, read_day, read_reason


def _day(text: str) -> str:
    read_day(text)
    return text


Day = Annotated[str, AfterValidator(_day)]
Hex = Annotated[str, Field(pattern=rf"^(sha256:)?[0-9a-f]{{{FEWEST_HEX},64}}$")]


class WaiverEntry(Strict):
    """One permission. What is given of `head`, `policy`, `baseline` and `candidate` must be what is judged, else the
    waiver counts for nothing; hexadecimal digits may be left out at the end."""

    family: Name
    """The family that may have regressed."""
    slice: Annotated[dict[Name, str], Field(min_length=1, max_length=1)] | None = None
    """`{cwe: CWE-787}`. Left out: the family as a whole, and none of its slices."""
    config: RepositoryPath | None = None
    """The model config. Needed where a change touches several."""
    loss: Annotated[float, Field(gt=0, le=1)]
    """The largest loss allowed, in units of the score (0.08 = eight points)."""
    given: Day
    """The day it was given, UTC."""
    until: Day
    """The last day, UTC."""
    approver: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    """GitHub login of who answers for it: neither the pull request's author nor who made its head commit."""
    because: Annotated[str, AfterValidator(read_reason)]
    """Why, for whoever reads it next year."""
    head: Hex | None = None
    """The commit that may be released."""
    policy: Hex | None = None
    """Digest of the policy, as in the report's provenance."""
    baseline: Hex | None = None
    """Digest of the baseline's model config, as in the report's provenance."""
    candidate: Hex | None = None
    """Digest of the candidate's model config, as in the report's provenance."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> WaiverEntry:
        if self.until < self.given:
            raise ValueError("until is before given")
        return self


class WaiverFile(Strict):
    """Releases despite a regression: who allowed what, how much of it, and until when."""

    version: Literal[1]
    """The version of this format."""
    waivers: Annotated[tuple[WaiverEntry, ...], Field(max_length=200)] = ()
    """The permissions."""


def parse_waivers(text: str, *, file: str) -> tuple[Waiver, ...]:
    """The waivers of a file. Raises Problems, all at once, each located."""
    document = read_yaml(text, file=file)
    found = parse(WaiverFile, document)
    return tuple(_waiver(one, document, index) for index, one in enumerate(found.waivers))


def _waiver(one: WaiverEntry, document: Document, index: int) -> Waiver:
    line, _ = document.positions[("waivers", index)]
    key = next(iter(one.slice.items())) if one.slice else None
    return Waiver(
        source="file",
        where=f"{document.file}:{line}",
        family=one.family,
        slice=SliceKey(name=key[0], value=key[1]) if key else None,
        config=one.config,
        loss=one.loss,
        given=read_day(one.given),
        until=read_day(one.until),
        approver=one.approver,
        because=one.because,
        bound=Bound(head=one.head, policy=one.policy, baseline=one.baseline, candidate=one.candidate),
    )


def load_waivers(policy: Policy, document: Document, files: Files) -> tuple[Waiver, ...]:
    """The waivers in the file that the policy names; none where it allows none, or the file is not there.

    Raises
    ------
    Problems
        What is wrong in the file, or with the file.
    """
    if policy.waivers is None:
        return ()
    try:
        text = read_text(files, policy.waivers.path)
    except FileProblem as problem:
        if problem.missing:
            return ()
        what = f"names {policy.waivers.path}, which {problem.what}"
        raise Problems([document.problem(("waivers", "path"), what)]) from None
    return parse_waivers(text, file=policy.waivers.path)
