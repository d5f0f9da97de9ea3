"""What comes back: the fakes' answers are accepted by the official SDKs' own types, and understood by us."""

import json

import anthropic.types
import openai.types.chat
import openai.types.responses
import pytest
from google.genai import types as google_types

from gate.domain import CallFailure, Completion, Usage
from gate.endpoints import PROTOCOLS
from tests.fakes.models import Reply, error, render

USED = Usage(input_tokens=120, output_tokens=30, cached_tokens=100, reasoning_tokens=20)
EVERY = tuple(PROTOCOLS)


def sdk_text(protocol, body):
    """The answer's text as the official SDK reads it from `body`, validated strictly against the SDK's types."""
    if protocol == "openai-chat":
        return openai.types.chat.ChatCompletion.model_validate(body).choices[0].message.content
    if protocol == "openai-responses":
        return openai.types.responses.Response.model_validate(body).output_text
    if protocol == "anthropic":
        parts = anthropic.types.Message.model_validate(body).content
        return "".join(part.text for part in parts if part.type == "text")
    if protocol == "gemini":
        return google_types.GenerateContentResponse.model_validate(body).text
    return converse(body)


def converse(body):
    """botocore's parser has no validation of outputs; its input validator has, and works on any shape of the model."""
    import botocore.session
    import botocore.validate

    shape = botocore.session.get_session().get_service_model("bedrock-runtime").operation_model("Converse").output_shape
    report = botocore.validate.ParamValidator().validate(body, shape)
    assert not report.has_errors(), report.generate_report()
    known = shape.members["stopReason"].enum
    assert body["stopReason"] in known
    return "".join(part["text"] for part in body["output"]["message"]["content"] if "text" in part)


def parsed(protocol, reply):
    body = render(protocol, "the-model", reply)
    text = sdk_text(protocol, body)
    outcome = PROTOCOLS[protocol].parse(json.loads(json.dumps(body)))
    assert isinstance(outcome, Completion), outcome
    return outcome, text


@pytest.mark.parametrize("protocol", EVERY)
def test_parse__a_plain_answer_is_read_as_the_sdk_reads_it(protocol):
    outcome, text = parsed(protocol, Reply(text="The answer — ✓"))
    assert (outcome.text, outcome.finish_reason, outcome.refusal, outcome.filtered) == (text, "stop", None, ())
    assert outcome.text == "The answer — ✓"
    assert outcome.served_model == (None if protocol == "bedrock" else "the-model")


@pytest.mark.parametrize("protocol", EVERY)
def test_parse__usage_means_the_same_in_every_protocol(protocol):
    outcome, _ = parsed(protocol, Reply(usage=USED, thoughts="let me see"))
    reasoning = 0 if protocol == "bedrock" else USED.reasoning_tokens  # Converse does not count it apart
    assert outcome.usage == Usage(input_tokens=120, output_tokens=30, cached_tokens=100, reasoning_tokens=reasoning)


@pytest.mark.parametrize("protocol", ["openai-responses", "anthropic", "gemini", "bedrock"])
def test_parse__thoughts_are_no_part_of_the_answer(protocol):
    outcome, text = parsed(protocol, Reply(text="42", thoughts="six times seven", usage=USED))
    assert outcome.text == text == "42"


@pytest.mark.parametrize("protocol", EVERY)
def test_parse__a_cut_answer_says_so(protocol):
    outcome, _ = parsed(protocol, Reply(text="half an ans", finish="length"))
    assert (outcome.text, outcome.finish_reason) == ("half an ans", "length")


@pytest.mark.parametrize("protocol", EVERY)
def test_parse__an_answer_used_up_by_reasoning_is_empty_and_cut(protocol):
    outcome, _ = parsed(protocol, Reply(text="", finish="length", usage=USED))
    assert (outcome.text, outcome.finish_reason) == ("", "length")


@pytest.mark.parametrize("protocol", EVERY)
def test_parse__an_empty_answer_is_an_answer(protocol):
    outcome, _ = parsed(protocol, Reply(text=""))
    assert (outcome.text, outcome.finish_reason) == ("", "stop")


@pytest.mark.parametrize(
    ("protocol", "category", "names"),
    [
        ("openai-chat", "self_harm", ("self-harm",)),
        ("openai-responses", "", ()),
        ("gemini", "dangerous_content", ("safety", "dangerous-content")),
        ("bedrock", "", ("guardrail-intervened",)),
    ],
)
def test_parse__a_filtered_answer_says_so_and_by_what(protocol, category, names):
    outcome, _ = parsed(protocol, Reply(text="", finish="filter", filtered=(category,) if category else ()))
    assert (outcome.text, outcome.finish_reason, outcome.filtered) == ("", "filter", names)


def test_parse__gemini_a_blocked_prompt_is_a_filtered_answer():
    outcome, _ = parsed("gemini", Reply(finish="filter", filtered=("harassment",), at="prompt"))
    assert (outcome.text, outcome.finish_reason, outcome.filtered) == ("", "filter", ("safety", "harassment"))


def test_parse__azure_filters_on_the_prompt_are_named_too():
    outcome, _ = parsed("openai-chat", Reply(filtered=("jailbreak",), at="prompt"))
    assert (outcome.finish_reason, outcome.filtered) == ("stop", ("jailbreak",))


@pytest.mark.parametrize("protocol", ["openai-chat", "openai-responses"])
def test_parse__azure_a_blocked_prompt_comes_as_an_error_and_is_a_filtered_answer(protocol):
    results = {"hate": {"filtered": False, "severity": "safe"}, "jailbreak": {"filtered": True, "detected": True}}
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": results}
    body = {"error": {"code": "content_filter", "status": 400, "message": "SECRET", "innererror": inner}}
    outcome = PROTOCOLS[protocol].parse(body)
    assert outcome == Completion(text="", finish_reason="filter", filtered=("jailbreak",))


@pytest.mark.parametrize("protocol", ["openai-chat", "openai-responses"])
def test_parse__a_refusal_is_what_the_user_reads(protocol):
    outcome, _ = parsed(protocol, Reply(text="", finish="refusal", refusal="I can't help with that."))
    assert (outcome.finish_reason, outcome.text) == ("refusal", "I can't help with that.")
    assert outcome.refusal == "I can't help with that."


def test_parse__anthropic_refusal_carries_its_category_and_keeps_the_text_apart():
    reply = Reply(text="Sure, first", finish="refusal", refusal="Could enable cyber harm.", filtered=("cyber",))
    outcome, _ = parsed("anthropic", reply)
    assert (outcome.finish_reason, outcome.text) == ("refusal", "Sure, first")
    assert (outcome.refusal, outcome.filtered) == ("Could enable cyber harm.", ("cyber",))


def test_parse__chat_fingerprint_names_the_provider_behind_a_router():
    body = render("openai-chat", "m", Reply(fingerprint="fp_1"))
    assert PROTOCOLS["openai-chat"].parse(body).fingerprint == "fp_1"
    assert PROTOCOLS["openai-chat"].parse(body | {"provider": "DeepInfra"}).fingerprint == "DeepInfra fp_1"


def test_parse__chat_reasoning_that_is_left_out_of_the_completion_is_counted_by_the_total():
    body = render("openai-chat", "m", Reply(usage=USED))
    body["usage"] |= {"completion_tokens": 10, "total_tokens": 150}
    assert PROTOCOLS["openai-chat"].parse(body).usage == USED


def test_parse__anthropic_and_bedrock_tokens_written_to_the_cache_are_input():
    body = render("anthropic", "m", Reply(usage=USED))
    body["usage"]["cache_creation_input_tokens"] = 7
    assert PROTOCOLS["anthropic"].parse(body).usage.input_tokens == 127
    body = render("bedrock", "m", Reply(usage=USED))
    body["usage"]["cacheWriteInputTokens"] = 7
    assert PROTOCOLS["bedrock"].parse(body).usage.input_tokens == 127


def test_parse__bedrock_prompt_router_says_who_answered():
    body = render("bedrock", "m", Reply()) | {"trace": {"promptRouter": {"invokedModelId": "arn:aws:bedrock:x"}}}
    assert PROTOCOLS["bedrock"].parse(body).served_model == "arn:aws:bedrock:x"


@pytest.mark.parametrize("protocol", EVERY)
@pytest.mark.parametrize(
    "payload",
    [
        None,
        5,
        "x",
        [],
        {},
        {"choices": []},
        {"choices": [None]},
        {"content": "x"},
        {"candidates": []},
        {"output": {}},
        {"output": "x"},
    ],
)
def test_parse__what_is_no_answer_is_a_failure_and_no_number(protocol, payload):
    outcome = PROTOCOLS[protocol].parse(payload)
    assert (type(outcome), outcome.kind) == (CallFailure, "protocol")


@pytest.mark.parametrize("protocol", ["openai-chat", "openai-responses", "anthropic", "gemini"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [("rate_limit_error", "rate-limited"), ("overloaded_error", "server"), ("invalid_prompt", "rejected")],
)
def test_parse__an_error_object_with_status_200_is_a_failure_without_its_text(protocol, code, kind):
    outcome = PROTOCOLS[protocol].parse(json.loads(error(protocol, 200, code)))
    assert (type(outcome), outcome.kind) == (CallFailure, kind)
    assert "SECRET" not in outcome.detail


def test_parse__responses_that_failed_or_are_not_finished_are_failures():
    body = render("openai-responses", "m", Reply())
    failed = body | {"status": "failed", "error": {"code": "server_error", "message": "SECRET"}}
    assert PROTOCOLS["openai-responses"].parse(failed).kind == "server"
    assert PROTOCOLS["openai-responses"].parse(body | {"status": "in_progress"}).kind == "protocol"


def test_parse__chat_an_error_inside_a_choice_is_a_failure():
    body = render("openai-chat", "m", Reply())
    body["choices"][0] |= {"finish_reason": "error", "error": {"code": 502, "message": "SECRET"}}
    assert PROTOCOLS["openai-chat"].parse(body).kind == "server"


@pytest.mark.parametrize("protocol", EVERY)
def test_parse__hostile_names_counts_and_texts_are_tamed(protocol):
    body = render(protocol, "m\x1b[31m\n" * 100, Reply(text="\ud800lone"))
    usage = body.get("usage") or body["usageMetadata"]
    usage |= dict.fromkeys(usage, 10**30)
    outcome = PROTOCOLS[protocol].parse(body)
    assert outcome.text == "?lone"
    assert outcome.usage.input_tokens <= 3_000_000_000
    assert len(outcome.served_model or "") <= 200
    assert (outcome.served_model or "x").isprintable()
    body[next(key for key in ("usage", "usageMetadata") if key in body)] = {
        "prompt_tokens": True,
        "input_tokens": -5,
        "inputTokens": "9",
        "promptTokenCount": None,
    }
    assert PROTOCOLS[protocol].parse(body).usage == Usage()
