"""Whatever an endpoint sends, it is an answer or a failure, and what travels on is clean."""

import copy
import json

import pytest
from hypothesis import given, settings, strategies as st

from gate.domain import CallFailure, Completion, Usage
from gate.endpoints import PROTOCOLS
from tests.fakes.models import Reply, render

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
