"""L3: what is checked before an endpoint is asked: its secrets, what must be installed, what a config wants of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from gate.endpoint_rule import SECRET_KEYS, EndpointRule
from gate.endpoints import PROTOCOLS
from gate.endpoints.trust import Trust, tls_context
from gate.endpoints.wire import Credentials
from gate.errors import FileProblem, Problem, Problems
from gate.files import Files, read_text
from gate.model_config import ModelConfig, parameters_of
from gate.policy import Policy
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
    problems += [
        document.problem((*path, key), f"{name} holds what no header can carry (a line break?)", "set the secret anew")
        for key, name in names.items()
        if (value := environ.get(name)) and not (value.isascii() and value.isprintable())
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


def load_authorities(policy: Policy, document: Document, files: Files) -> Mapping[str, str]:
    """The PEM text of each endpoint's `ca_file`, by alias. Raises Problems, each at its line of the policy."""
    found: dict[str, str] = {}
    problems = []
    for alias, rule in policy.endpoints.items():
        if rule.ca_file is None:
            continue
        try:
            found[alias] = read_text(files, rule.ca_file)
            tls_context(found[alias])
        except (FileProblem, ValueError) as error:
            path = ("endpoints", alias, "ca_file")
            problems.append(document.problem(path, f"names {rule.ca_file}, which {error}", "a PEM file"))
    if problems:
        raise Problems(problems)
    return found


def trusted(
    alias: str, rule: EndpointRule, environ: Mapping[str, str], document: Document, authorities: Mapping[str, str]
) -> Trust | tuple[Problem, ...]:
    """What the endpoint's connections may reach; or a problem where the environment's proxy cannot be used."""
    try:
        return Trust.of(rule, environ=environ, authority=authorities.get(alias, ""))
    except ValueError as error:
        return (document.problem(("endpoints", alias, "proxy"), str(error)),)


def parameter_problems(config: ModelConfig, document: Document, rule: EndpointRule) -> Sequence[Problem]:
    """Each parameter of a model config that its endpoint's protocol cannot send: none is ever dropped in silence."""
    found = PROTOCOLS[rule.protocol].inexpressible(rule, parameters_of(config))
    return [
        document.problem(("parameters", name), f"{what} (endpoint {config.endpoint}: {rule.protocol})")
        for name, what in found.items()
    ]
