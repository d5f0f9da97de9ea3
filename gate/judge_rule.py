"""L1: a family's judge, as the policy names it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gate.schema import ModelName, Name, RepositoryPath, Strict


class JudgeRule(Strict):
    """A model that scores answers by a rubric, in place of the family's own scorer. It is asked at temperature 0."""

    endpoint: Name
    """An alias of `endpoints`: only this file says where its key may go."""
    model: ModelName
    """The judge's name at its endpoint."""
    rubric: RepositoryPath
    """A text file of the repository that says what passes."""
    mode: Literal["single", "pairwise"] = "single"
    """`single`: pass or fail. `pairwise`: against the sample's reference answer, in both orders; 1 better, 0 worse, 0.5
    where the orders disagree or say tie."""
    calibration: RepositoryPath | None = None
    """A JSONL file of the repository: answers that people have labelled. Without it the family is advisory."""
    min_kappa: Annotated[float, Field(ge=0, le=1)] = 0.6
    """The least agreement with those labels (Cohen's kappa) with which the judge may decide a blocking family."""
    max_tokens: Annotated[int, Field(ge=16, le=100_000)] = 300
    """Of one verdict. A model that thinks first needs more."""
    structured: bool = False
    """Ask for the verdict by a JSON schema, where endpoint and model can."""
