"""L9: one tiny call to each endpoint of a policy: is its key set, is it reached, does it know the model?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gate.domain import CallFailure, ChatRequest, Json, Message
from gate.endpoints.checks import credentials, load_authorities, parameter_problems, trusted
from gate.endpoints.transport import HttpEndpoint, Waits
from gate.endpoints.trust import Trust
from gate.endpoints.wire import Credentials
from gate.errors import FileProblem, Problems
from gate.files import Files
from gate.model_config import LoadedConfig, load_config
from gate.policy import Policy
from gate.positions import Document
from gate.protection import Finding, State
from gate.tools import Tools

_MOST_CONFIGS = 50
_TOKENS = 16  # the least that every protocol takes
_SECONDS = 60.0


def call_findings(
    policy: Policy, document: Document, files: Files, models: Sequence[str], tools: Tools
) -> Iterator[Finding]:
    """Ask each endpoint once, as a model config of the branch asks it."""
    try:
        authorities = load_authorities(policy, document, files)
    except Problems as found:
        yield Finding(subject="endpoints", state="missing", what=str(found))
        return
    configs = _configs(policy, files, models)
    for alias, rule in policy.endpoints.items():
        secrets = credentials(alias, rule, tools.environ, document)
        trust = trusted(alias, rule, tools.environ, document, authorities)
        if isinstance(secrets, Credentials) and isinstance(trust, Trust):
            quick = rule.model_copy(update={"retries": 0, "timeout_seconds": min(rule.timeout_seconds, _SECONDS)})
            waits = Waits(clock=tools.clock, now=tools.now)
            endpoint = HttpEndpoint(alias=alias, rule=quick, credentials=secrets, trust=trust, waits=waits)
            yield _called(endpoint, configs.get(alias))
            continue
        for problem in [one for found in (secrets, trust) if isinstance(found, tuple) for one in found]:
            yield Finding(subject=f"endpoint {alias}", state="missing", what=problem.what, do=problem.hint)


def _called(endpoint: HttpEndpoint, config: LoadedConfig | None) -> Finding:
    subject = f"endpoint {endpoint.alias}"
    if config is None:
        what = "no model config of the branch names it: nothing to ask for"
        return Finding(subject=subject, state="unseen", what=what)
    hello = Message(role="user", content="Reply with OK.")
    request = ChatRequest(model=config.model, messages=(hello,), parameters=_tiny(config.parameters))
    answer = endpoint.ask(request)
    if isinstance(answer, CallFailure):
        state: State = "missing" if answer.fatal else "unseen"
        return Finding(subject=subject, state=state, what=f"{answer.detail} (asked as {config.path} asks)")
    return Finding(subject=subject, what=f"answered {config.path} in {answer.seconds:.1f} s")


def _tiny(parameters: Mapping[str, Json]) -> dict[str, Json]:
    """Few tokens, unless the model thinks first: then it needs what its config gives it."""
    thinks = parameters.keys() & {"reasoning_effort", "thinking_budget"}
    return {**parameters} if thinks else {**parameters, "max_tokens": _TOKENS}


def _configs(policy: Policy, files: Files, models: Sequence[str]) -> dict[str, LoadedConfig]:
    """A usable model config for each endpoint that has one."""
    found: dict[str, LoadedConfig] = {}
    for path in sorted(models)[:_MOST_CONFIGS]:
        if found.keys() >= policy.endpoints.keys():
            break
        try:
            config = load_config(files, path, endpoints=policy.endpoints, check=parameter_problems)
        except (Problems, FileProblem):
            continue
        found.setdefault(config.endpoint, config)
    return found
