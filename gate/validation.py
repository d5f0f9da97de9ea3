"""L9: `driftgate validate`: everything a run would need, checked without a call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from gate.app import read_local
from gate.endpoints.checks import load_authorities, parameter_problems
from gate.errors import EXIT_PASS, FileProblem, Problem, Problems
from gate.evaluation import Suite, load_anchor, load_suites
from gate.files import LocalFiles, repository_root
from gate.model_config import load_config
from gate.policy import Policy, parse_policy_for_run
from gate.tools import Tools
from gate.waivers import load_waivers
from gate.wording import count


def validate(policy_path: Path, configs: Sequence[Path], root: Path | None, tools: Tools) -> int:
    """Check a policy, the datasets it names, and model configs; every problem at once."""
    suites = valid_suites(policy_path, configs, root)
    families, models = count(len(suites), "family", "families"), count(len(configs), "model config")
    tools.out.write(f"valid: {policy_path} ({families}), {models}\n")
    return EXIT_PASS


def valid_suites(policy_path: Path, configs: Sequence[Path], root: Path | None) -> tuple[Suite, ...]:
    """The families of a policy that is in order, as are its datasets and the model configs. Raises Problems."""
    policy, document = parse_policy_for_run(read_local(policy_path), file=str(policy_path))
    files = LocalFiles(root or repository_root(policy_path))
    suites: tuple[Suite, ...] = ()
    problems = [problem for config in configs for problem in _config_problems(config, policy, root)]
    try:
        suites = load_suites(policy, document, files)
    except Problems as found:
        problems += found.problems
    for load in (load_anchor, load_authorities, load_waivers):
        try:
            load(policy, document, files)
        except Problems as found:
            problems += found.problems
    if problems:
        raise Problems(problems)
    return suites


def _config_problems(config: Path, policy: Policy, root: Path | None) -> Iterator[Problem]:
    home = root or repository_root(config)
    try:
        inside = str(config.resolve().relative_to(home.resolve()))
        load_config(LocalFiles(home), inside, endpoints=policy.endpoints, check=parameter_problems, label=str(config))
    except Problems as found:
        yield from found.problems
    except (FileProblem, ValueError) as error:
        what = error.what if isinstance(error, FileProblem) else f"is outside {home}"
        yield Problem(file=str(config), what=what)
