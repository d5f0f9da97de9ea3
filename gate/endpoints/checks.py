"""L3: what is checked before an endpoint is asked: its secrets, what must be installed, what a config wants of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from gate.endpoints import PROTOCOLS
from gate.endpoints.wire import Credentials
from gate.errors import Problem
from gate.model_config import ModelConfig, parameters_of
from gate.policy import SECRET_KEYS, EndpointRule
from gate.positions import Document


def credentials(
    alias: str, rule: EndpointRule, environ: Mapping[str, str], document: Document
) -> Credentials | tuple[Problem, ...]:
    """The endpoint's secrets; or a problem at its line of the policy for each that is not set, or not usable."""
    path = ("endpoints", alias)
    names = {key: name for key in SECRET_KEYS if (name := getattr(rule, key))}
    problems = [
        document.problem((*path, key), f"{name} is not set in the environment", "set the secret")
        for key, name in names.items()
        if not environ.get(name)
    ]
    if rule.secret_key_env and find_spec("botocore") is None:
        what = "signed requests need a package that is not installed"
        problems.append(document.problem((*path, "secret_key_env"), what, "pip install 'driftgate[bedrock]'"))
    if problems:
        return tuple(problems)
    values = {key: environ[name] for key, name in names.items()}
    return Credentials(
        key=values.get("api_key_env", ""),
        secret=values.get("secret_key_env", ""),
        session=values.get("session_token_env", ""),
    )


def parameter_problems(config: ModelConfig, document: Document, rule: EndpointRule) -> Sequence[Problem]:
    """Each parameter of a model config that its endpoint's protocol cannot send: none is ever dropped in silence."""
    found = PROTOCOLS[rule.protocol].inexpressible(rule, parameters_of(config))
    return [
        document.problem(("parameters", name), f"{what} (endpoint {config.endpoint}: {rule.protocol})")
        for name, what in found.items()
    ]
