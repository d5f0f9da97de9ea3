"""What is read from a socket: whole answers, however they are cut into pieces, and nothing that is none."""

import gzip
import io
import socket
import zlib

import pytest
from hypothesis import given, settings, strategies as st

from gate.endpoints.channel import BODY_LIMIT, Channel, NoAnswerError, Sink, TooLargeError, head_of
from gate.endpoints.connection import _host
from gate.endpoints.trust import Trust

OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"Content-Type: application/json\r\nContent-Length: 11\r\n\r\nhello world"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
PACKED = gzip.compress(b"hello world", mtime=0)


def sized(body, *headers, status=b"200 OK"):
    lines = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body), b"", body]
    return b"\r\n".join(lines)


class Fed:
    """A socket that gets the next piece when it is read."""

    def __init__(self, ours, theirs, pieces, hang_up):
        self.ours, self.theirs, self.pieces, self.hang_up = ours, theirs, [one for one in pieces if one], hang_up

    def recv(self, size):
        if self.pieces:
            self.theirs.sendall(self.pieces.pop(0))
        elif self.hang_up:
            self.theirs.shutdown(socket.SHUT_WR)
        return self.ours.recv(size)

    def settimeout(self, seconds):
        self.ours.settimeout(seconds)


class Ends:
    """A channel, and the other end of its socket."""

    def __enter__(self):
        ours, self.theirs = socket.socketpair()
        self.channel = Channel(ours, lambda: 2.0)
        return self

    def __exit__(self, *details):
        self.channel.close()
        self.theirs.close()

    def answer(self, *pieces, hang_up=False, into=None):
        """What the channel makes of the pieces."""
        ours = self.channel._socket
        self.channel._socket = Fed(ours, self.theirs, pieces, hang_up)
        try:
            return self.channel.receive(into)
        finally:
            self.channel._socket = ours


def answer(*pieces, **how):
    with Ends() as ends:
        found = ends.answer(*pieces, **how)
        return found.status, found.body, ends.channel.reusable


@pytest.mark.parametrize(
    ("sent", "reusable"),
    [
        pytest.param(PLAIN, True, id="with a length"),
        pytest.param(CHUNKED, True, id="in chunks"),
        pytest.param(INTERIM + PLAIN, True, id="after interim answers"),
        pytest.param(sized(b"hello world", b"Connection: close"), False, id="the last one"),
        pytest.param(sized(PACKED, b"Content-Encoding: gzip"), True, id="gzip"),
        pytest.param(sized(zlib.compress(b"hello world"), b"Content-Encoding: deflate"), True, id="deflate"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\nhello world", False, id="HTTP/1.0"),
        pytest.param(PLAIN + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", False, id="and another one"),
        pytest.param(PLAIN + b"\r\n\r\nmore", False, id="and more"),
    ],
)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_receive__is_the_same_however_it_is_cut(sent, reusable, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, len(sent) - 1), max_size=6)))
    pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    status, body, kept = answer(*pieces)
    assert (status, body) == (200, b"hello world")
    assert kept == reusable or (reusable is False and sent.startswith(PLAIN))  # what comes later is seen later


def test_receive__what_comes_after_an_answer_is_seen_before_the_next_call():
    with Ends() as ends:
        assert ends.answer(PLAIN).body == b"hello world"
        assert not ends.channel.disturbed()
        ends.theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        assert ends.channel.disturbed()


def test_receive__one_after_the_other_on_the_same_socket():
    with Ends() as ends:
        bodies = [ends.answer(one).body for one in (PLAIN, CHUNKED, INTERIM + sized(b"", status=b"204 No"), PLAIN)]
        assert bodies == [b"hello world", b"hello world", b"", b"hello world"]


def test_receive__the_last_header_of_an_interim_answer_is_not_the_answers():
    with Ends() as ends:
        assert "retry-after" not in ends.answer(INTERIM + PLAIN).headers


def test_receive__names_in_lower_case_repeated_ones_joined_trailing_ones_left_out():
    head = b"Transfer-Encoding: chunked\r\nX-A: 1\r\nx-a: 2\r\nTrailer: Retry-After\r\n\r\n"
    with Ends() as ends:
        headers = ends.answer(OK + head + b"0\r\nRetry-After: 60\r\n\r\n").headers
    assert headers == {"transfer-encoding": "chunked", "x-a": "1, 2", "trailer": "Retry-After"}


def test_receive__without_a_length_it_ends_when_the_other_end_hangs_up():
    assert answer(OK + b"\r\n", b"hello ", b"world", hang_up=True) == (200, b"hello world", False)
    assert answer(OK + b"Transfer-Encoding: identity\r\n\r\n", b"hello", hang_up=True) == (200, b"hello", False)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"", "hung up"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "hung up"),
        (PLAIN[:-1], "hung up"),
        (CHUNKED[:-2], "hung up"),
        (INTERIM, "hung up"),
        (b"SSH-2.0-OpenSSH_9\r\n", "did not answer in HTTP"),
        (b"<html>", "did not answer in HTTP"),
        (OK + b"Content-Length: 5\r\nContent-Length: 11\r\n\r\nhello world", "did not answer in HTTP"),
        (OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "did not answer in HTTP"),
        (OK + b"Content-Length: -1\r\n\r\n", "did not answer in HTTP"),
        (OK + b"X: a\rb\r\nContent-Length: 0\r\n\r\n", "did not answer in HTTP"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "did not answer in HTTP"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "did not answer in HTTP"),
        (sized(b"no gzip", b"Content-Encoding: gzip"), "cannot be unpacked"),
    ],
    ids=[
        "nothing",
        "half a head",
        "too short",
        "chunks without an end",
        "interim alone",
        "ssh",
        "html",
        "two lengths",
        "length and chunks",
        "negative length",
        "stray CR",
        "no chunk",
        "upgrade",
        "not gzip",
    ],
)
def test_receive__what_is_no_answer(sent, why):
    with pytest.raises(NoAnswerError, match=why):
        answer(sent, hang_up=True)


def test_receive__headers_without_an_end_are_not_read_for_ever():
    with pytest.raises(NoAnswerError, match="64 KiB of headers"):
        answer(OK, *(b"X-%d: %s\r\n" % (number, b"x" * 8_000) for number in range(20)))


def test_receive__an_answer_over_the_limit_is_not_held():
    pieces = [OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"10000\r\n" + b"x" * 65_536 + b"\r\n"] * 200]
    with pytest.raises(TooLargeError):
        answer(*pieces)


def test_receive__a_small_answer_that_unpacks_to_a_large_one_is_not_held():
    bomb = sized(gzip.compress(b"x" * (BODY_LIMIT + 1)), b"Content-Encoding: gzip")
    with pytest.raises(TooLargeError):
        answer(bomb)
    fits = sized(gzip.compress(b"x" * BODY_LIMIT), b"Content-Encoding: gzip")
    assert len(answer(fits)[1]) == BODY_LIMIT


def test_receive__of_a_long_error_the_status_is_enough():
    assert answer(sized(b"x" * 100_000, status=b"500 No")) == (500, b"", False)


def test_receive__into_a_file_goes_what_is_unpacked_up_to_its_limit():
    packed = sized(gzip.compress(b"x" * 1_000), b"Content-Encoding: gzip")
    file = io.BytesIO()
    assert answer(packed, into=Sink(file=file, most=1_000)) == (200, b"", True)
    assert file.getvalue() == b"x" * 1_000
    with pytest.raises(TooLargeError):
        answer(packed, into=Sink(file=io.BytesIO(), most=999))


def test_tunnel__a_proxy_that_refuses_is_told_by_its_status_alone():
    with Ends() as ends:
        ends.theirs.sendall(b"HTTP/1.1 407 SECRET\r\nContent-Length: 6\r\n\r\nSECRET")
        with pytest.raises(NoAnswerError) as raised:
            ends.channel.tunnel("models.example:443", {"Proxy-Authorization": "Basic x"})
        assert str(raised.value) == "is behind a proxy that answered CONNECT with HTTP 407"
        asked = (
            b"CONNECT models.example:443 HTTP/1.1\r\nHost: models.example:443\r\nProxy-Authorization: Basic x\r\n\r\n"
        )
        assert ends.theirs.recv(1_000) == asked


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X", "a\r\nEvil: 1"),
        ("X", "a\nb"),
        ("X", "a\0"),
        ("X", "a\x7f"),
        ("X", "€"),
        ("", "a"),
        ("X Y", "a"),
        ("X:", "a"),
        ("X\r\n", "a"),
    ],
)
def test_head__what_no_header_can_carry_is_not_sent(name, value):
    with pytest.raises(ValueError):  # noqa: PT011 - of two kinds
        head_of("POST", "/v1", {name: value}, b"")


@pytest.mark.parametrize("path", ["", "/a b", "/a\r\nHost: evil", "/ä"])
def test_head__what_no_path_can_hold_is_not_sent(path):
    with pytest.raises(ValueError, match="path"):
        head_of("POST", path, {}, b"")


def test_head__lengths():
    assert b"Content-Length: 3" in head_of("POST", "/", {}, b"abc")
    assert b"Content-Length: 0" in head_of("POST", "/", {}, None)
    assert b"Content-Length" not in head_of("GET", "/", {}, None)
    assert head_of("POST", "/", {"Content-Length": "9"}, io.BytesIO(b"123456789")).count(b"Content-Length") == 1


@pytest.mark.parametrize(
    ("host", "port", "secure", "name"),
    [
        ("api.example.com", 443, True, "api.example.com"),
        ("api.example.com", 8443, True, "api.example.com:8443"),
        ("api.example.com", 80, True, "api.example.com:80"),
        ("127.0.0.1", 80, False, "127.0.0.1"),
        ("::1", 8000, False, "[::1]:8000"),
        ("api.example.com.", 443, True, "api.example.com"),
    ],
)
def test_host(host, port, secure, name):
    import ssl

    tls = ssl.create_default_context() if secure else None
    assert _host(Trust(host=host, port=port, loopback=True, allowed=False, tls=tls)) == name
