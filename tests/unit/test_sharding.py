import json
from collections import Counter

import pytest

from gate.domain import Question
from gate.errors import UsageError
from gate.policy import Budget
from gate.sharding import Shard, matrix, parse_shard


def question(sample_id, arm="baseline", repeat=0, family="f"):
    return Question(config="c", family=family, sample_id=sample_id, arm=arm, repeat=repeat)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_holds__every_sample_is_in_exactly_one_shard(count):
    shards = [Shard(index=index, count=count) for index in range(1, count + 1)]
    for number in range(300):
        assert sum(shard.holds(question(f"s{number}")) for shard in shards) == 1


def test_holds__arms_and_repeats_of_a_sample_stay_together():
    shard = Shard(index=1, count=3)
    for number in range(50):
        held = {
            shard.holds(question(f"s{number}", arm, repeat))
            for arm in ("baseline", "candidate")
            for repeat in (0, 1, 4)
        }
        assert len(held) == 1


def test_holds__shards_are_of_like_size():
    sizes = Counter(
        index
        for number in range(3_000)
        for index in (1, 2, 3)
        if Shard(index=index, count=3).holds(question(f"s{number}"))
    )
    assert max(sizes.values()) - min(sizes.values()) < 150


def test_share__the_shards_together_stay_within_a_call_each_of_the_budget():
    part = Shard(index=1, count=3).share(Budget(calls=10, tokens=100, usd=1.5, minutes=30))
    assert (part.calls, part.tokens, part.usd, part.minutes) == (4, 34, 0.5, 30)
    assert Shard(index=1, count=3).share(Budget()) == Budget()


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/0", "1", "a/b", "1/257", "-1/3", "1/3 ", "01/3"])
def test_parse_shard__anything_else_says_what_it_must_be(text):
    with pytest.raises(UsageError, match="must be I/N"):
        parse_shard(text)


def test_parse_shard__reads_one_based_parts():
    assert parse_shard("2/5") == Shard(index=2, count=5)
    assert str(Shard(index=2, count=5)) == "2/5"


def test_matrix__is_what_a_workflow_reads():
    assert json.loads(matrix(3)) == {"shard": ["1/3", "2/3", "3/3"]}
    with pytest.raises(UsageError):
        matrix(0)
