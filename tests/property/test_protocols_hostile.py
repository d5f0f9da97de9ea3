"""Whatever an endpoint sends, it is an answer or a failure, and what travels on is clean."""

import copy
import json
import re

import pytest
from hypothesis import given, settings, strategies as st

from gate.domain import CallFailure, Completion, Usage
from gate.endpoints import PROTOCOLS
from gate.endpoints.batch_wire import page
from gate.endpoints.batches import BATCHES
from tests.fakes.batches import FakeBatches
from tests.fakes.models import Reply, read, render

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3), max_leaves=8)  # fmt: skip
USED = Usage(input_tokens=9, output_tokens=5, cached_tokens=3, reasoning_tokens=2)


def places(tree, path=()):
    """The path of every value in a JSON tree."""
    yield path
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from places(value, (*path, key))


def spoiled(tree, path, value):
    if not path:
        return value
    tree = copy.deepcopy(tree)
    node = tree
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return tree


def check(outcome):
    assert isinstance(outcome, Completion | CallFailure)
    if isinstance(outcome, Completion):
        json.dumps([outcome.text, outcome.refusal, *outcome.filtered], ensure_ascii=False).encode()
        names = [name for name in (outcome.served_model, outcome.fingerprint, *outcome.filtered) if name is not None]
        assert all(name.isprintable() and len(name) <= 401 for name in names)
        usage = outcome.usage
        assert 0 <= usage.cached_tokens <= usage.input_tokens
        assert 0 <= usage.reasoning_tokens <= usage.output_tokens


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
@settings(max_examples=60, deadline=None, derandomize=True)
@given(payload=JSON)
def test_parse__any_json_is_an_answer_or_a_failure(protocol, payload):
    check(PROTOCOLS[protocol].parse(payload))


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.data(), value=JSON)
def test_parse__a_good_answer_with_one_value_replaced_is_an_answer_or_a_failure(protocol, data, value):
    body = render(protocol, "m", Reply(text="x", thoughts="y", usage=USED, fingerprint="fp"))
    path = data.draw(st.sampled_from(list(places(body))))
    check(PROTOCOLS[protocol].parse(spoiled(body, path, value)))


def batch_objects(protocol):
    """A batch that has ended, a list of it, and a line of its results, as the fake tells of them."""
    with FakeBatches(lambda asked: Reply(), looks=0) as server:
        asked = read(
            "/v1/messages" if protocol == "anthropic" else "/v1/chat/completions", {}, json.dumps(BODY).encode()
        )
        batch = server._new([("id-1", asked)])
        lines = server._anthropic_lines(batch) if protocol == "anthropic" else server._openai_files(batch)[0]
        form = server.anthropic_object if protocol == "anthropic" else server.openai_object
        return form(batch), {"data": [form(batch)], "has_more": True, "last_id": batch.id}, lines[0]


BODY = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}


def check_batch(protocol, payload):
    """Paths hold nothing but our words and sound ids; names and numbers are bounded."""
    listed = page(BATCHES[protocol], payload)
    for one in (BATCHES[protocol].seen(payload), *(listed.batches if listed else ())):
        if one is not None:
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,128}", one.id)
            assert all(re.fullmatch(r"/[A-Za-z0-9_/-]{1,300}", path) for path in one.results)
            assert one.requests >= 0
            assert abs(one.created_at) < 1e13
            assert re.fullmatch(r"[a-z0-9_.-]{0,60}", one.why)
    result = BATCHES[protocol].result(payload)
    assert result is None or (isinstance(result.custom_id, str) and result.status >= 0)


@pytest.mark.parametrize("protocol", list(BATCHES))
@settings(max_examples=60, deadline=None, derandomize=True)
@given(payload=JSON)
def test_batches__any_json_is_taken_or_left(protocol, payload):
    check_batch(protocol, payload)


@pytest.mark.parametrize("protocol", list(BATCHES))
@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.data(), value=JSON)
def test_batches__a_good_object_with_one_value_replaced_is_taken_or_left(protocol, data, value):
    body = data.draw(st.sampled_from(GOOD[protocol]))
    path = data.draw(st.sampled_from(list(places(body))))
    check_batch(protocol, spoiled(body, path, value))


GOOD = {protocol: batch_objects(protocol) for protocol in BATCHES}
