"""Files that must agree: layers, exit codes, help, schemas."""

import ast
import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gate import cli, verdict
from gate.domain import Verdict

ROOT = Path(__file__).parents[2]
LAYERS = [
    {"__init__", "domain", "errors", "tools"},
    {"positions", "schema", "files", "jsonl", "csv_table", "reach", "redact"},
    {"endpoint_rule", "judge_rule", "policy", "model_config"},
    {"families.cwe"},
    {"codeowners", "gate_jobs"},
    {"waiver_terms"},
    {"github_answers"},
    {"readable", "cage", "confined"},
    {"waivers", "waiver_command"},
    {"datasets", "dataset_quality", "recorded", "pairing", "loosened", "importers.finding"},
    {"importers.sarif", "importers.scanners", "importers.grouped", "importers.owasp_benchmark"},
    {"importers", "importers.results.row"},
    {
        "importers.results.inspect_logs",
        "importers.results.json_logs",
        "importers.results.junit",
        "importers.results.promptfoo",
        "importers.results.table",
    },
    {"importers.results"},
    {"budget"},
    {
        "endpoints",
        "endpoints.anthropic",
        "endpoints.batch_anthropic",
        "endpoints.batch_openai",
        "endpoints.batch_wire",
        "endpoints.batches",
        "endpoints.bedrock",
        "endpoints.breaker",
        "endpoints.checks",
        "endpoints.channel",
        "endpoints.connection",
        "endpoints.gemini",
        "endpoints.limits",
        "endpoints.openai_chat",
        "endpoints.openai_responses",
        "endpoints.retry",
        "endpoints.transport",
        "endpoints.trust",
        "endpoints.turnstile",
        "endpoints.wire",
        "simulated",
    },
    {"store_codec", "store_file", "store_limits"},
    {"batch_book"},
    {"tally", "store"},
    {"store_tools"},
    {"pools"},
    {"runner"},
    {
        "families.refusal",
        "families.telling",
        "families.refusal_declining",
        "families.refusal_helping",
        "families.refusal_lecturing",
        "families.refusal_signs",
        "families.refusal_weights",
        "families.refusal_words",
    },
    {"sandbox"},
    {"families.patches", "families.trials", "families.weakening"},
    {"families.answers", "families.clusters"},
    {"families.code_places"},
    {"families.advisory_severity", "families.advisory_versions"},
    {"families.advisory_text", "families.advisory_spans", "families.advisory_ranges", "families.advisory_packages"},
    {"families.advisory_target"},
    {"families.advisory_facts", "families.advisory_osv"},
    {
        "families.custom",
        "families.judged",
        "families.exploit_hypothesis",
        "families.remediation",
        "families.advisory_summary",
        "families.finding_correlation",
        "families.adversarial_resistance",
    },
    {"families"},
    {"judges"},
    {"evaluation", "identity", "sharding"},
    {"selfcheck"},
    {"stats", "stats.multiplicity", "stats.agreement", "stats.proportion", "stats.sight"},
    {"stats.paired"},
    {"stats.power", "stats.spending", "stats.sequential", "stats.flips"},
    {"stats.decision", "stats.design", "stats.worlds"},
    {"stats.missing"},
    {"stats.walk", "stats.late", "stats.stored"},
    {"stats.slices"},
    {"stats.results"},
    {"stats.engine"},
    {"comparing", "verdict", "waiving"},
    {"askings", "course"},
    {"watching", "sequential_course"},
    {"rehearsal"},
    {"planning"},
    {"patterns"},
    {"report"},
    {"evidence"},
    {"ledger_line"},
    {"costs"},
    {"bars", "wording", "markdown", "junit", "ledger", "sarif", "slack", "terminal", "scaffold", "reporting"},
    {"html_plots", "html_blocks", "statement"},
    {"html_page"},
    {"ledger_export", "ledger_keep"},
    {"release_rules", "releases", "notes", "notes_text", "history"},
    {"progress", "actions", "github", "events", "changed", "own_comment", "batch_plan", "batch_harvest"},
    {"ledger_branch", "protection"},
    {"waiver_github"},
    {"batching"},
    {"flips"},
    {"remembered", "licences"},
    {"kept_texts"},
    {"live"},
    {"ahead"},
    {"selftest"},
    {"plan_text", "selftest_text", "selfcheck_text"},
    {"planning_commands"},
    {"selftest_commands"},
    {"outputs"},
    {"app", "store_commands"},
    {"action_scope"},
    {"action_ledger", "action_stopped"},
    {"action_tell"},
    {"action_run", "compare_command", "dataset_commands", "ledger_commands", "notes_commands", "validation"},
    {"demo", "local_model"},
    {"doctor_call"},
    {"doctor"},
    {"cli_commands"},
    {"cli"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def modules():
    for path in sorted((ROOT / "gate").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT / "gate").with_suffix("").parts)
        yield name.removesuffix(".__init__") if name != "__init__" else name, path


@pytest.mark.parametrize(("name", "path"), [pytest.param(*found, id=found[0]) for found in modules()])
def test_layers__a_module_imports_only_from_its_own_or_a_lower_layer(name, path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gate" and node.module != "gate":
            assert LEVEL[node.module.removeprefix("gate.")] <= LEVEL[name], node.module


SCRIPTS = [path for folder in ("bench", "datasets", "docs") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_scripts__name_only_what_the_gate_has(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gate":
            module = importlib.import_module(node.module)
            for name in (one.name for one in node.names):
                assert hasattr(module, name) or importlib.util.find_spec(f"{node.module}.{name}"), name


def test_exit_codes__every_verdict_has_one_and_help_says_it():
    assert set(verdict.EXIT_CODES) == set(Verdict.__args__)
    assert "0 pass, waived or neutral; 1 blocked; 2 usage" in cli._EPILOG


@pytest.mark.parametrize("name", ["policy", "model-config", "waivers", "report", "flips", "ledger"])
def test_schema__prints_a_json_schema(name):
    done = subprocess.run([sys.executable, "-m", "gate", "schema", name], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["type"] == "object"


@pytest.mark.parametrize("page", sorted((ROOT / "docs/families").glob("*.md")), ids=lambda page: page.stem)
def test_readme__leads_to_the_page_of_each_family(page):
    assert f"](docs/families/{page.name})" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_help__imports_nothing_heavy():
    code = (
        "import sys, gate.cli; print([m for m in ('numpy','pydantic','requests','yaml','jinja2') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(("name", "path"), [pytest.param(*found, id=found[0]) for found in modules()])
def test_modules__fit_in_a_head(name, path):
    """The aim is 350 lines. Past 400 a module does two things: split it."""
    assert len(path.read_text().splitlines()) <= 400, name
