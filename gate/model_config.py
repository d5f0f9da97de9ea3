"""L1: a model config, a file that a pull request changes, so it is data: it names an endpoint's alias, and
never a URL, a header, an environment variable or a file outside the repository."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from gate.domain import Arm, Json, Message
from gate.endpoint_rule import EndpointRule
from gate.errors import FileProblem, Problem, Problems
from gate.files import Files, read_text
from gate.positions import Document, read_yaml
from gate.schema import ModelName, RepositoryPath, Strict, parse, suggestion


class ResponseFormat(Strict):
    """The form an answer must have. Where a protocol has no such form, the config is refused."""

    type: Literal["text", "json_object", "json_schema"]
    """`json_object`: any JSON object. `json_schema`: one that keeps to `schema`."""
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "answer"
    """Names the schema, where the protocol wants a name."""
    json_schema: Annotated[dict[str, JsonValue] | None, Field(alias="schema")] = None
    """The JSON Schema of the answer."""
    strict: bool = True
    """The endpoint must keep to the schema exactly."""

    @model_validator(mode="after")
    def _schema_where_needed(self) -> ResponseFormat:
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise ValueError("schema goes with type json_schema, and only with it")
        return self


class Parameters(Strict):
    """Sampling parameters. What is left out is not sent, so the endpoint's own default applies."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """How much chance there is in the choice of words."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Choose among the likeliest words that together have this probability."""
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Longest answer. One that is cut there is scored as it is."""
    stop: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1, max_length=16)] | None = None
    """Texts that end the answer."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    """Asks for the same choices each time, as far as the endpoint can."""
    response_format: ResponseFormat | None = None
    """The form an answer must have."""
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    """How much a model thinks before it answers."""
    thinking_budget: Annotated[int, Field(ge=-1, le=1_000_000)] | None = None
    """Tokens a model may think for, with protocols that count them (Gemini: 0 is off, -1 is automatic)."""


class ModelConfig(Strict):
    """A model as it is to be released: an endpoint's alias, the model's name there, how it is asked."""

    endpoint: Annotated[str, Field(min_length=1, max_length=64)]
    """An alias of the policy's `endpoints`."""
    model: ModelName
    """The model's name at that endpoint."""
    parameters: Parameters = Parameters()
    """How the model is asked. What a protocol cannot send is an error."""
    system_prompt: str | None = None
    """Sent before each sample's own prompt."""
    system_prompt_file: RepositoryPath | None = None
    """The same, from a text file of the repository."""

    @model_validator(mode="after")
    def _one_prompt(self) -> ModelConfig:
        if self.system_prompt is not None and self.system_prompt_file is not None:
            raise ValueError("give system_prompt or system_prompt_file, not both")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """A model config with its system prompt read. `digest` covers all that decides the answers."""

    path: str
    endpoint: str
    model: str
    parameters: dict[str, Json]
    system_prompt: str
    digest: str
    lines: dict[str, int]  # where each top-level key stands, for annotations

    def asking(self, prompt: Sequence[Message]) -> tuple[Message, ...]:
        """A prompt as this config asks it. Its system prompt and the prompt's own become one message, in that order:
        several are refused by some servers, and read by others as the last alone."""
        system = [self.system_prompt, *(one.content for one in prompt if one.role == "system")]
        talk = tuple(one for one in prompt if one.role != "system")
        joined = "\n\n".join(one for one in system if one)
        return (Message(role="system", content=joined), *talk) if joined else talk


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPair:
    """Two model configs to compare; `path` is the candidate's, and names the pair."""

    path: str
    baseline: LoadedConfig
    candidate: LoadedConfig

    def arm(self, arm: Arm) -> LoadedConfig:
        return self.baseline if arm == "baseline" else self.candidate


def parameters_of(config: ModelConfig) -> dict[str, Json]:
    """The parameters that the config sets, by name. (A null inside a JSON schema is the schema's own, and stays.)"""
    found: dict[str, Json] = config.parameters.model_dump(mode="json", by_alias=True)
    return {name: value for name, value in found.items() if value is not None}


Check = Callable[[ModelConfig, Document, EndpointRule], Sequence[Problem]]
"""What is wrong with a config for the endpoint it names: see `gate.endpoints.checks.parameter_problems`."""


def load_config(
    files: Files, path: str, *, endpoints: Mapping[str, EndpointRule], check: Check, label: str = ""
) -> LoadedConfig:
    """Read and check a model config and the prompt file it names.

    Raises
    ------
    Problems
        All that is wrong, located. `label` is how messages call the file (default: its path).
    FileProblem
        The config itself cannot be read.
    """
    document = read_yaml(read_text(files, path), file=label or path)
    config = parse(ModelConfig, document)
    prompt = _system_prompt(files, config, document)
    if config.endpoint not in endpoints:
        hint = suggestion(config.endpoint, sorted(endpoints))
        raise Problems([document.problem(("endpoint",), "is not an endpoint of the policy", hint)])
    if problems := check(config, document, endpoints[config.endpoint]):
        raise Problems(problems)
    parameters = parameters_of(config)
    identity = [config.endpoint, config.model, parameters, prompt]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return LoadedConfig(
        path=path,
        endpoint=config.endpoint,
        model=config.model,
        parameters=parameters,
        system_prompt=prompt,
        digest=f"sha256:{digest}",
        lines={str(key[0]): line for key, (line, _) in document.positions.items() if len(key) == 1},
    )


def _system_prompt(files: Files, config: ModelConfig, document: Document) -> str:
    if config.system_prompt_file is None:
        return config.system_prompt or ""
    try:
        return read_text(files, config.system_prompt_file)
    except FileProblem as problem:
        path = ("system_prompt_file",)
        raise Problems([document.problem(path, f"names a file that {problem.what}")]) from None
