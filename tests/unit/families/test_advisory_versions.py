import pytest

from gate.families.advisory_versions import Interval, after_branch, before, below, parsed, same, scale


def equal(truth, said, *, ecosystem="PyPI", releases=(), last=()):
    found = scale(ecosystem, truth, said, releases=releases, last=last)
    return found.union(truth) == found.union(said)


def up_to(version, *, low=None, high_in=False):
    return Interval(low=low, high=version, high_in=high_in)


@pytest.mark.parametrize(
    ("ecosystem", "one", "other"),
    [
        ("PyPI", "2.0", "v2.0.0"),
        ("npm", "1.2.0", "v1.2.0"),
        ("Go", "v1.2.3", "1.2.3"),
        ("Maven", "1.0", "1.0.0"),
        ("RubyGems", "1.2", "1.2.0"),
        ("an ecosystem nobody knows", "7.1", "7.1.0"),
    ],
)
def test_same__two_ways_to_write_a_version(ecosystem, one, other):
    assert same(ecosystem, one, other)
    assert not same(ecosystem, one, other + ".1")


@pytest.mark.parametrize(
    ("ecosystem", "earlier", "later"),
    [
        ("PyPI", "2.7.0rc0", "2.7.0"),
        ("PyPI", "2.9", "2.10"),
        ("npm", "1.2.0-beta.2", "1.2.0"),
        ("Maven", "2.3-rc1", "2.3"),
        ("RubyGems", "1.2.0.pre1", "1.2.0"),
        ("Debian:12", "2.3-1+deb11u1", "1:2.3-1"),
    ],
)
def test_below__as_the_ecosystem_orders(ecosystem, earlier, later):
    assert below(ecosystem, earlier, later)
    assert not below(ecosystem, later, earlier)


@pytest.mark.parametrize("text", ["", "x" * 61, "no version", "1." * 40, "\x00"])
def test_parsed__what_is_no_version_is_none_and_never_raises(text):
    assert parsed("PyPI", text) is None
    assert not same("PyPI", text, "1.0")
    assert not below("PyPI", text, "1.0")


def test_before_and_after_branch():
    assert (before("1.4.3"), before("1.4.0"), before("1.4.0rc1")) == ("1.4.2", None, None)
    assert (after_branch("1.4"), after_branch("3")) == ("1.5", "4")


def test_scale__one_range_in_other_words():
    truth = [up_to("1.4.3")]
    assert equal(truth, [up_to("1.4.2", high_in=True)])
    assert equal(truth, [up_to("v1.4.3")])
    assert not equal(truth, [up_to("1.4.3", high_in=True)])
    assert not equal(truth, [up_to("1.4.1", high_in=True)])
    assert not equal(truth, [up_to("1.4.3", low="1.0")])
    assert not equal(truth, [Interval()])


def test_scale__the_release_before_is_known_from_the_advisory_or_from_the_releases():
    truth, said = [up_to("1.5.0", low="1.2")], [up_to("1.4.9", low="1.2", high_in=True)]
    assert not equal(truth, said)
    assert equal(truth, said, last=["1.4.9"])
    assert equal(truth, said, releases=["1.2", "1.3.0", "1.4.9"])
    assert not equal(truth, said, releases=["1.2", "1.4.9", "1.4.10"])
    assert not equal(truth, [up_to("1.5.0", low="1.1")], releases=["1.2", "1.4.9"])


def test_scale__the_parts_of_a_range_are_the_range():
    truth = [up_to("2.0.0", low="1.0.0")]
    assert equal(truth, [up_to("1.5.0", low="1.0.0"), up_to("2.0.0", low="1.5.0")])
    assert not equal(
        truth, [up_to("1.5.0", low="1.0.0"), up_to("2.0.0", low="1.5.0").__class__(low="1.6.0", high="2.0.0")]
    )


def test_scale__versions_that_cannot_be_read_are_in_no_range():
    truth = [up_to("1.4.3")]
    assert not equal(truth, [up_to("not a version")])
    assert not equal(truth, [])
