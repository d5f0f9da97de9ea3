"""What an edited policy would let pass, line by line."""

import json

import pytest

from gate.loosened import loosened
from gate.policy import Policy

BASE = {
    "version": 1,
    "models": ["models/*.yml"],
    "endpoints": {"a": {"protocol": "openai-chat", "base_url": "https://a.example/v1", "api_key_env": "KEY"}},
    "risk": {"alpha": 0.05, "power": 0.8},
    "families": {
        "f": {
            "kind": "custom",
            "match": {"mode": "exact"},
            "dataset": "f.jsonl",
            "severity": "blocking",
            "margin": 0.05,
            "slices": {"cwe": {"severity": "blocking", "margin": 0.1}, "os": {"severity": "blocking"}},
        }
    },
    "identity": {"model": "void", "fingerprint": "void"},
    "waivers": {"approver_permission": "maintain", "max_days": 30, "max_loss": 0.2},
    "baseline_max_age": "7d",
    "anchor": "old.jsonl",
    "new_model_baseline": "models/a.yml",
}
GONE = object()


def changed(path, value):
    def laid(tree, keys):
        tree, key = dict(tree), keys[0]
        if len(keys) > 1:
            tree[key] = laid(tree.get(key, {}), keys[1:])
        elif value is GONE:
            del tree[key]
        else:
            tree[key] = value
        return tree

    return laid(BASE, path.split("."))


def lines(tree, base=None):
    policy = Policy.model_validate_json(json.dumps(base or BASE))
    return loosened(policy, json.dumps(tree, indent=1), file="p.yml")


def test_same_policy__loosens_nothing():
    assert lines(BASE) == []


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("families.f.margin", 0.2, "families.f.margin: 0.05 → 0.2: a larger loss would pass"),
        ("families.f.severity", "advisory", "families.f.severity: blocking → advisory: it would no longer block"),
        ("families.f.ignore_below", 0.04, "families.f.ignore_below: 0.0 → 0.04"),
        ("families.f.max_missing", 0.5, "families.f.max_missing: 0.02 → 0.5"),
        ("families.f.dataset", "g.jsonl", "families.f.dataset: f.jsonl → g.jsonl: other questions"),
        ("families.f.match", {"mode": "contains"}, "families.f.match: "),
        ("families.f.results", ["other"], "families.f.results: [] → ['other']: other results would be compared"),
        ("families.f.slices.cwe.margin", 0.3, "families.f.slices.cwe.margin: 0.1 → 0.3"),
        ("families.f.slices.os.margin", 0.3, "families.f.slices.os.margin: 0.05 → 0.3"),
        ("families.f.slices.cwe.severity", "advisory", "families.f.slices.cwe.severity: blocking → advisory"),
        ("families.f.slices.cwe", GONE, "families.f.slices.cwe: is gone: it would no longer be compared"),
        (
            "families",
            {"g": {"severity": "blocking", "margin": 0.05}},
            "families.f: is gone: it would no longer be evaluated",
        ),
        ("models", ["models/b.yml"], "models: no longer watches models/*.yml"),
        ("risk.alpha", 0.01, "risk.alpha: 0.05 → 0.01"),
        ("risk.power", 0.95, "risk.power: 0.8 → 0.95"),
        ("identity", "warn", "identity.model: void → warn"),
        ("waivers.approver_permission", "write", "waivers.approver_permission: maintain → write: more people"),
        ("waivers.max_days", 365, "waivers.max_days: 30 → 365"),
        ("waivers.max_loss", GONE, "waivers.max_loss: 0.2 → unset: a waiver could allow a larger loss"),
        (
            "endpoints.a.base_url",
            "https://b.example/v1",
            "endpoints.a.base_url: https://a.example/v1 → https://b.example/v1",
        ),
        ("endpoints.a.api_key_env", "OTHER", "endpoints.a.api_key_env: KEY → OTHER"),
        ("endpoints.a.served_as", {"m": "n"}, "answers of another model would count"),
        ("endpoints.b", BASE["endpoints"]["a"], "endpoints.b: is new: a host would be asked"),
        ("baseline_max_age", "30d", "baseline_max_age: 7.0 → 30.0"),
        ("anchor", GONE, "anchor: is gone"),
        ("new_model_baseline", GONE, "new_model_baseline: is gone: a new model config would no longer be judged"),
    ],
)
def test_loosened__is_said_once_with_its_line(path, value, says):
    found = lines(changed(path, value))
    (line,) = [one for one in found if says in one]
    assert line.startswith("p.yml:")
    assert line.split(":")[1].isdigit()
    assert len(found) == (2 if path == "identity" else 1)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("families.f.margin", 0.01),
        ("families.f.slices.os.margin", 0.02),
        ("risk.alpha", 0.1),
        ("waivers.max_days", 3),
        ("waivers", GONE),
        ("families.g", {"severity": "advisory", "margin": 0.05}),
        ("baseline_max_age", GONE),
    ],
)
def test_stricter__is_nothing_to_tell(path, value):
    assert lines(changed(path, value)) == []


def test_waivers__that_come_in_are_told():
    base = {key: value for key, value in BASE.items() if key != "waivers"}
    assert [one.partition(": ")[2] for one in lines(BASE, base)] == ["waivers: is new: regressions could be waived"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "p.yml: is removed: nothing would be judged any more"),
        ("version: 1\nfamilies: 3\n", "p.yml:2: is no valid policy any more"),
        ("a: &a [*a]\n", "is no valid policy any more"),
        ("[" * 5000, "is no valid policy any more"),
    ],
)
def test_unusable__is_told_in_one_line(text, says):
    (line,) = loosened(Policy.model_validate(BASE | {"models": ()}, strict=False), text, file="p.yml")
    assert says in line


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ({"evidence": "scores"}, {}, ["f"]),
        ({"evidence": "scores"}, {"evidence": "scores"}, []),
        ({}, {"evidence": "scores"}, []),
    ],
)
def test_loosened__evidence_that_would_show_texts(before, after, says):
    found = lines(BASE | after, BASE | before)
    assert [line.partition("families.")[2] for line in found] == [
        f"{name}.evidence: scores → full: the report would show its prompts and answers" for name in says
    ]


@pytest.mark.parametrize("key", ["api_key_env", "secret_key_env", "session_token_env"])
def test_loosened__each_secret_of_an_endpoint(key):
    signed = {"secret_key_env": "S", "session_token_env": "T", "region": "us-east-1", "protocol": "bedrock"}
    before = {**BASE["endpoints"]["a"], **signed}
    (line,) = lines({**BASE, "endpoints": {"a": {**before, key: "OTHER"}}}, {**BASE, "endpoints": {"a": before}})
    assert f"endpoints.a.{key}: {before[key]} → OTHER: another secret would be sent" in line


def test_loosened__a_family_that_hid_its_texts_itself():
    hidden = {**BASE, "families": {"f": {**BASE["families"]["f"], "evidence": "scores"}}}
    assert len(lines({**BASE, "evidence": "scores"}, hidden)) == 0
    (line,) = lines(BASE, hidden)
    assert "families.f.evidence: scores → full" in line
