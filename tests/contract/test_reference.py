"""docs/reference is made from the code, lacks nothing, and its examples are valid."""

from pathlib import Path

import pytest

from docs.website import reference
from docs.website.reference_schema import at, sections
from gate.endpoints.checks import parameter_problems
from gate.model_config import ModelConfig
from gate.policy import Policy, parse_policy_for_run
from gate.positions import read_yaml
from gate.schema import json_schema, parse
from gate.waivers import WaiverFile, parse_waivers

ROOT = Path(__file__).parents[2]
POLICY = ROOT / "examples/policy.yml"
FILES = {
    Policy: ["examples/policy.yml"],
    ModelConfig: reference.MODELS,
    WaiverFile: ["examples/waivers.yml"],
}


@pytest.mark.parametrize("name", reference.PAGES)
def test_pages__are_what_the_code_says_now(name):
    found = (reference.FOLDER / name).read_text(encoding="utf-8")
    assert found == reference.PAGES[name]().rstrip("\n") + "\n", "run: python -m docs.website.reference"


def test_pages__are_all_there_and_no_other():
    assert {path.name for path in reference.FOLDER.iterdir()} == set(reference.PAGES)


@pytest.mark.parametrize("model", FILES, ids=lambda model: model.__name__)
def test_keys__each_has_a_meaning_and_an_example(model):
    trees = [read_yaml((ROOT / path).read_text(), file=path).tree for path in FILES[model]]
    for path, node in sections(json_schema(model)):
        for key, value in node["properties"].items():
            whole = f"{path}.{key}".lstrip(".")
            assert value.get("description"), f"{whole}: say below the field what it means"
            assert any(list(at(whole, tree)) for tree in trees), f"{whole}: use it in {FILES[model][0]}"


def test_examples__are_valid():
    policy, _ = parse_policy_for_run(POLICY.read_text(), file="policy.yml")
    for path in reference.MODELS:
        document = read_yaml((ROOT / path).read_text(), file=path)
        config = parse(ModelConfig, document)
        assert parameter_problems(config, document, policy.endpoints[config.endpoint]) == [], path
    (waiver,) = parse_waivers((ROOT / "examples/waivers.yml").read_text(), file="waivers.yml")
    assert waiver.family in policy.families


def test_cli__a_command_of_a_command_has_a_part_with_its_own_arguments():
    page = reference.PAGES["cli.md"]()
    part = page.partition("\n## store prune\n")[2].partition("\n## ")[0]
    assert "driftgate store prune FILE [--max-age DAYS] [--max-size MB]" in part
    assert "| `--max-age DAYS` | delete answers older than this |" in part.replace(" |  |", " |")


def test_policy__types_and_limits_are_words():
    page = reference.PAGES["policy.md"]()
    assert "| `margin` | number, > 0, < 1 | required | Largest acceptable loss" in page
    assert "| `slices` | name → mapping: [families.NAME.slices.NAME](#familiesnameslicesname) |" in page
    assert "mapping: [identity](#identity), or `void` · `warn`" in page
