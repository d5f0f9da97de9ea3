from collections import Counter

import pytest

from gate.domain import Completion
from gate.endpoint_rule import EndpointRule
from gate.identity import IdentityFinding, identity, same_model
from gate.policy import IdentityRule
from gate.tally import Served, served

WARN, VOID = IdentityRule(), IdentityRule(model="void", fingerprint="void")
MODELS_ONLY = IdentityRule(model="void", fingerprint="warn")


def arm(*answers, asked="gpt-x"):
    """(number, model, fingerprint) → counted answers."""
    return Counter({Served(asked=asked, model=model, fingerprint=mark): number for number, model, mark in answers})


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("gpt-4o-mini", "gpt-4o-mini"),
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        ("gpt-4", "gpt-4-0613"),
        ("GPT-4o", "gpt-4o"),
        ("openai/gpt-4o", "gpt-4o-2024-11-20"),
        ("gpt-4o", "openai/gpt-4o"),
        ("meta-llama/Llama-3.1-8B-Instruct:together", "meta-llama/Llama-3.1-8B-Instruct"),
        ("openai/gpt-4o:nitro", "openai/gpt-4o"),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
        ("mistral-large-latest", "mistral-large-2411"),
        ("models/gemini-2.0-flash", "gemini-2.0-flash-001"),
        ("publishers/google/models/gemini-2.0-flash", "gemini-2.0-flash"),
        ("accounts/fireworks/models/llama-v3p1-8b", "llama-v3p1-8b"),
        ("eu.anthropic.claude-haiku-4-5-v1:0", "anthropic.claude-haiku-4-5"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5-20251001"),
        ("anthropic.claude-x", "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-x"),
        ("llama3.1:8b", "llama3.1:8b"),
        ("ft:gpt-4o-mini-2024-07-18:org::id", "ft:gpt-4o-mini-2024-07-18:org::id"),
    ],
)
def test_same_model__a_snapshot_or_another_spelling_is_the_asked_model(asked, name):
    assert same_model(asked, name)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4o", "gpt-4o-mini-2024-07-18"),
        ("gpt-4", "gpt-4o"),
        ("gpt-4", "gpt-4-32k-0613"),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20"),
        ("claude-opus-4", "claude-opus-4-1"),
        ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
        ("meta-llama/llama-3.1-8b", "unsloth/llama-3.1-8b"),
        ("llama3.1:8b", "llama3.1:70b"),
        ("hf.co/org/model:q4_k_m", "hf.co/org/model:q8_0"),
        ("a.gguf", "b.gguf"),
        ("ft:gpt-4o-mini:org::id", "gpt-4o-mini"),
        ("ft:gpt-4o-mini:org::id", "ft:gpt-4o-mini:org::other"),
        ("gpt-4o", "ft:gpt-4o:org::id"),
        ("anthropic.claude-a-v1:0", "anthropic.claude-b-v1:0"),
    ],
)
def test_same_model__another_model_is_another_model(asked, name):
    assert not same_model(asked, name)


@pytest.mark.parametrize("rule", [WARN, VOID])
def test_identity__one_model_that_was_asked_needs_no_word(rule):
    found = {"baseline": arm((500, "gpt-x-2026-01-01", "fp_1")), "candidate": arm((500, "gpt-x-2026-01-01", "fp_1"))}
    assert identity(found, rule) == IdentityFinding()


def test_identity__a_provider_fallback_is_told_with_its_share_and_voids_only_by_policy():
    found = {"baseline": arm((500, "gpt-x", None)), "candidate": arm((488, "gpt-x", None), (12, "gpt-x-mini", None))}
    told = identity(found, WARN)
    assert not told.void
    assert told.notices[0].startswith(
        "candidate: gpt-x was asked, and of 500 answers these came from others: gpt-x-mini (12)"
    )
    assert identity(found, VOID).void
    assert identity(found, MODELS_ONLY).void


def test_identity__two_snapshots_on_one_arm_are_mixed():
    found = {"candidate": arm((1, "gpt-x-2026-01-01", None), (1, "gpt-x-2026-06-01", None))}
    assert identity(found, WARN).notices == (
        "candidate: gpt-x was answered by several models: gpt-x-2026-01-01 (1), gpt-x-2026-06-01 (1)",
    )
    assert identity(found, VOID).void


def test_identity__an_alias_that_moved_between_the_arms_is_told():
    found = {"baseline": arm((9, "gpt-x-2026-01-01", None)), "candidate": arm((9, "gpt-x-2026-06-01", None))}
    told = identity(found, VOID)
    assert told.void
    assert told.notices == (
        "both arms ask for gpt-x, and different models answered: baseline gpt-x-2026-01-01, candidate gpt-x-2026-06-01",
    )


def test_identity__arms_that_ask_for_different_models_may_be_answered_differently():
    found = {"baseline": arm((9, "a", "fp_1"), asked="a"), "candidate": arm((9, "b", "fp_2"), asked="b")}
    assert identity(found, VOID) == IdentityFinding()


def test_identity__fingerprints_are_judged_by_their_own_word_of_the_policy():
    mixed = arm((400, "gpt-x", "fp_1"), (100, "gpt-x", "fp_2"))
    found = {"baseline": mixed, "candidate": mixed}
    assert identity(found, WARN).notices == (
        "baseline: gpt-x answered with several fingerprints: fp_1 (400), fp_2 (100)",
        "candidate: gpt-x answered with several fingerprints: fp_1 (400), fp_2 (100)",
    )
    assert identity(found, VOID).void
    assert not identity(found, MODELS_ONLY).void


def test_identity__arms_that_share_no_fingerprint_were_answered_by_different_backends():
    found = {"baseline": arm((9, "gpt-x", "fp_1")), "candidate": arm((9, "gpt-x", "fp_2"))}
    assert "different fingerprints answered: baseline fp_1, candidate fp_2" in identity(found, WARN).notices[0]
    assert identity(found, VOID).void


def test_identity__an_endpoint_that_does_not_say_is_named_where_the_policy_is_strict():
    found = {"baseline": arm((9, None, None)), "candidate": arm((9, None, None))}
    assert identity(found, WARN) == IdentityFinding()
    told = identity(found, VOID)
    assert (told.void, told.notices[0]) == (False, "baseline: 9 of 9 answers do not say which model gave them")


def test_identity__many_names_are_cut():
    found = {"baseline": arm(*((1, f"m{i}", None) for i in range(50)), asked="m0")}
    assert all(len(one) < 200 for one in identity(found, WARN).notices)


def test_identity__nothing_asked_is_nothing_found():
    assert identity({}, VOID) == IdentityFinding()


def test_served__an_azure_deployment_stands_for_the_model_the_policy_names():
    rule = EndpointRule(protocol="openai-chat", base_url="https://x.openai.azure.com/openai", api_version="2024-10-21", served_as={"my-deployment": "gpt-4o"})  # fmt: skip
    one = served(rule, "my-deployment", Completion(text="", served_model="gpt-4o-2024-08-06"))
    assert one == Served(asked="gpt-4o", model="gpt-4o-2024-08-06", fingerprint=None)
    assert identity({"baseline": Counter([one])}, VOID) == IdentityFinding()
    other = served(rule, "unnamed", Completion(text="", served_model="gpt-4o-2024-08-06"))
    assert "served_as" in identity({"baseline": Counter([other])}, VOID).notices[0]
