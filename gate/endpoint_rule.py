"""L1: an endpoint, as the policy names it: where it is, who may ask it how fast, and what it costs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from gate.reach import Reach
from gate.schema import Strict

ProtocolName = Literal["openai-chat", "openai-responses", "anthropic", "gemini", "bedrock"]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,127}$")]


class Price(Strict):
    """USD a million tokens."""

    input: Annotated[float, Field(ge=0)]
    """For input tokens."""
    output: Annotated[float, Field(ge=0)]
    """For output tokens; reasoning tokens are among them."""
    cached_input: Annotated[float, Field(ge=0)] | None = None
    """For input tokens that the provider read from its cache; `input` when left out."""
    batch_discount: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share that is off the price of an answer that came by batch (`run --batch`)."""


SECRET_KEYS = ("api_key_env", "secret_key_env", "session_token_env")
_KEYS_OF: dict[str, tuple[ProtocolName, ...]] = {
    "api_version": ("openai-chat", "anthropic"),
    "max_tokens_field": ("openai-chat",),
    "secret_key_env": ("bedrock",),
    "session_token_env": ("bedrock",),
    "region": ("bedrock",),
}


class EndpointRule(Reach):
    """A hosted endpoint. Model configs name it by alias; only this file says where a key may go."""

    protocol: ProtocolName
    """The wire protocol that the endpoint speaks."""
    api_key_env: EnvironmentName | None = None
    """The environment variable that holds the key (for signed Bedrock requests, the access key id). It is sent to this
    `base_url` and nowhere else."""
    key_header: Literal["bearer", "api-key", "x-api-key", "x-goog-api-key"] | None = None
    """The header the key goes in, where a gateway or Azure wants another than the protocol's own. `bearer` is
    `Authorization: Bearer`."""
    api_version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,31}$")] | None = None
    """openai-chat: the `api-version` of a classic Azure deployment. anthropic: the `anthropic-version`."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """openai-chat: the name that `max_tokens` is sent under. When left out, `max_completion_tokens` to OpenAI and
    Azure, `max_tokens` elsewhere."""
    secret_key_env: EnvironmentName | None = None
    """bedrock: the environment variable that holds the secret access key. With it, requests are signed (SigV4)."""
    session_token_env: EnvironmentName | None = None
    """bedrock: the environment variable that holds the session token of temporary credentials."""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] | None = None
    """bedrock: the AWS region that requests are signed for."""
    served_as: dict[str, str] = Field(default_factory=dict)
    """Where the endpoint answers under another name than it is asked by (an Azure deployment, an alias of a gateway):
    asked name → the model that is meant to answer."""
    max_concurrency: Annotated[int, Field(ge=1, le=512)] = 16
    """Most calls at once, both arms together."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Calls are started evenly, at most this many a minute, both arms together. Left out: the endpoint's own 429s teach
    how many it takes."""
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    """The same for tokens, in and out: a guess is set aside for each call and replaced by what it used."""
    connect_seconds: Annotated[float, Field(gt=0, le=300)] = 10
    """To connect, TLS included."""
    read_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    """Longest silence while an answer is awaited. A model is silent until it has finished, so left out it is
    `timeout_seconds`."""
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 120
    """For one attempt, from connecting and sending to the last byte."""
    retries: Annotated[int, Field(ge=0, le=20)] = 5
    """After 429, 5xx, time-outs, connection errors and answers that are no JSON. Waits honour Retry-After."""
    retry_seconds: Annotated[float, Field(ge=0, le=86400)] = 300
    """The most time one call spends waiting between its attempts."""
    give_up_seconds: Annotated[float, Field(gt=0, le=86400)] = 120
    """An endpoint that does nothing but fail for so long is given up, and the run cannot pass. One that was never
    reached at all is given up after 10 seconds."""
    price: Price | None = None
    """What tokens cost. Without it, `budget.usd` does not count what is asked here."""

    @field_validator("api_key_env", "secret_key_env", "session_token_env")
    @classmethod
    def _not_the_runners_own(cls, name: str | None) -> str | None:
        if name and name.startswith(("GITHUB_", "ACTIONS_", "INPUT_", "RUNNER_")):
            raise ValueError("names a variable of the runner itself | use a secret of its own")
        return name

    @model_validator(mode="after")
    def _keys_of_the_protocol(self) -> EndpointRule:
        for key, protocols in _KEYS_OF.items():
            if getattr(self, key) is not None and self.protocol not in protocols:
                raise ValueError(f"{key} is only for protocol {' or '.join(protocols)}")
        return self

    @model_validator(mode="after")
    def _signed_completely(self) -> EndpointRule:
        signing = {"secret_key_env": self.secret_key_env, "api_key_env": self.api_key_env, "region": self.region}
        absent = [key for key, value in signing.items() if value is None]
        if (self.secret_key_env or self.session_token_env) and absent:
            raise ValueError(f"signed requests need {' and '.join(absent)} | or api_key_env alone: a Bedrock API key")
        if self.secret_key_env and self.key_header:
            raise ValueError("key_header has no use where requests are signed | leave it out")
        return self


def secret_names(rule: EndpointRule) -> tuple[str, ...]:
    """The environment variables that hold this endpoint's secrets: what no output may show."""
    return tuple(name for key in SECRET_KEYS if (name := getattr(rule, key)))
