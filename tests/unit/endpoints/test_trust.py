"""Where a key may go: addresses, names, proxies, certificates. Nothing here opens a socket."""

import socket
import ssl
from ipaddress import ip_address

import pytest
from hypothesis import given, settings, strategies as st

from gate.endpoint_rule import EndpointRule
from gate.endpoints.trust import RefusedError, Trust, proxy_of_environment, tls_context
from gate.errors import Problems
from gate.policy import parse_policy
from gate.reach import is_public, may_connect, proxy_problem, url_problem

PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "0.0.0.0",
    "100.64.0.1",  # shared (CGNAT); 100.100.100.200 is Alibaba's metadata
    "100.100.100.200",
    "169.254.169.254",  # metadata of AWS, Google, Azure, …
    "169.254.1.1",
    "192.0.0.192",  # Oracle's metadata
    "168.63.129.16",  # Azure's, in public space
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fd00:ec2::254",  # AWS's metadata
    "fc00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",  # NAT64 of 10.0.0.1
    "2002:a00:1::1",  # 6to4 of 10.0.0.1
    "2001:0:a00:1::1",  # Teredo
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("text", PRIVATE)
def test_is_public__what_is_not(text):
    assert not is_public(ip_address(text))
    assert not may_connect(ip_address(text), allowed=False)
    assert not may_connect(ip_address(text), ("203.0.113.0/24",))


@pytest.mark.parametrize("text", PUBLIC)
def test_is_public__what_is(text):
    assert may_connect(ip_address(text), allowed=False)


@pytest.mark.parametrize(
    ("address", "allowed", "may"),
    [
        ("10.2.3.4", ("10.2.0.0/16",), True),
        ("10.3.3.4", ("10.2.0.0/16",), False),
        ("::ffff:10.2.3.4", ("10.2.0.0/16",), True),
        ("fd12::1", ("10.2.0.0/16", "fd12::/16"), True),
        ("169.254.169.254", ("10.0.0.0/8",), False),
        ("10.2.3.4", True, True),
        ("224.0.0.1", True, False),
        ("0.0.0.0", True, False),
    ],
)
def test_may_connect__what_the_policy_lists(address, allowed, may):
    assert may_connect(ip_address(address), allowed) == may


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.ip_addresses(v=4))
def test_is_public__an_address_in_disguise_is_judged_as_what_it_is(address):
    mapped, translated = ip_address(f"::ffff:{address}"), ip_address(f"64:ff9b::{address}")
    assert is_public(mapped) == is_public(translated) == is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",  # 127.0.0.1 in other clothes
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "10.0.0.1.",
        "1.2.3",
        "300.1.1.1",
        "[fe80::1%25eth0]",
        "[v1.x]",
        "a..b",
        "-a.com",
        "exämple.com",
        "１２７.0.0.1",
        "localhost。",
        "a:0",
        "a:99999",
        "a b",
        "user@api.example.com",
        "user:pw@api.example.com",
        "@api.example.com",
        "api.example.com\\@evil.example",
    ],
)
def test_url_problem__a_host_is_a_plain_name_or_a_plain_address(host):
    assert url_problem(f"https://{host}/v1")


@pytest.mark.parametrize("host", ["api.example.com", "xn--exmple-cua.com", "vllm_1:8000", "1.1.1.1", "[2606:4700::1111]:8443", "a.b-c.d1", "api.example.com."])  # fmt: skip
def test_url_problem__plain_hosts_are_fine(host):
    assert url_problem(f"https://{host}/v1") == ""


@pytest.mark.parametrize("url", ["http://10.0.0.1/v1", "http://example.com", "http://localhost.example.com", "http://127.0.0.1.example.com"])  # fmt: skip
def test_url_problem__plain_http_is_for_this_machine_only(url):
    assert "must be https" in url_problem(url)


def trust(names, base_url="https://api.example.com/v1", **rule):
    """`names` is what each look-up gives, in turn; the last stays."""
    asked = list(names)

    def resolve(host, port, **kind):
        addresses = asked.pop(0) if len(asked) > 1 else asked[0]
        family = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [(family[ip_address(a.partition("%")[0]).version], 1, 6, "", (a, port)) for a in addresses]

    found = Trust.of(EndpointRule(protocol="openai-chat", base_url=base_url, **rule))
    return Trust(host=found.host, port=found.port, loopback=found.loopback, allowed=found.allowed, tls=None, resolve=resolve)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses__a_name_of_a_private_address_is_refused(address):
    with pytest.raises(RefusedError, match="allow_private"):
        trust([[address]]).addresses()
    with pytest.raises(RefusedError):
        trust([["1.1.1.1", address]]).addresses()


def test_addresses__what_is_connected_to_is_what_was_judged():
    """DNS rebinding: the second answer is another, and is judged as well."""
    found = trust([["1.1.1.1"], ["10.0.0.1"]])
    assert [address for _, address in found.addresses()] == [("1.1.1.1", 443)]
    with pytest.raises(RefusedError):
        found.addresses()


def test_addresses__a_listed_network_is_permitted():
    assert trust([["10.2.0.9"]], allow_private=("10.2.0.0/16",)).addresses()
    with pytest.raises(RefusedError):
        trust([["10.3.0.9"]], allow_private=("10.2.0.0/16",)).addresses()


def test_addresses__localhost_that_is_elsewhere_is_refused():
    assert trust([["127.0.0.1", "::1"]], "http://localhost:8000/v1").addresses()
    with pytest.raises(RefusedError, match="this machine"):
        trust([["93.184.216.34"]], "http://localhost:8000/v1").addresses()


@pytest.mark.parametrize(
    ("proxy", "fine"),
    [
        ("http://proxy:3128", True),
        ("http://10.0.0.9:3128", True),
        ("http://proxy", False),
        ("https://proxy:3128", False),
        ("socks5://proxy:1080", False),
        ("http://user:pw@proxy:3128", False),
        ("http://proxy:3128/path", False),
        ("proxy:3128", False),
        ("http://proxy:x", False),
    ],
)
def test_proxy_problem(proxy, fine):
    assert (proxy_problem(proxy) == "") == fine


ENVIRON = {"HTTPS_PROXY": "http://me:p%40ss@proxy.example:3128", "NO_PROXY": "internal, .corp.example"}


def test_proxy__the_environments_is_used_only_when_the_policy_says_so():
    rule = {"protocol": "openai-chat", "base_url": "https://api.example.com/v1"}
    assert Trust.of(EndpointRule(**rule), environ=ENVIRON).proxy is None
    found = Trust.of(EndpointRule(**rule, proxy="environment"), environ=ENVIRON)
    assert (found.proxy.host, found.proxy.port) == ("proxy.example", 3128)
    assert found.proxy.headers == {"Proxy-Authorization": "Basic bWU6cEBzcw=="}
    assert "p@ss" not in repr(found)
    assert "bWU6" not in repr(found)
    local = EndpointRule(protocol="openai-chat", base_url="http://127.0.0.1:1/v1", proxy="environment")
    assert Trust.of(local, environ=ENVIRON).proxy is None


@pytest.mark.parametrize(
    ("host", "environ", "used"),
    [
        ("api.example.com", ENVIRON, True),
        ("internal", ENVIRON, False),
        ("a.corp.example", ENVIRON, False),
        ("notcorp.example", ENVIRON, True),
        ("api.example.com", {**ENVIRON, "NO_PROXY": "*"}, False),
        ("api.example.com", {"ALL_PROXY": "proxy:1"}, True),
        ("api.example.com", {"HTTP_PROXY": "http://proxy:1"}, False),
        ("api.example.com", {}, False),
    ],
)
def test_proxy_of_environment(host, environ, used):
    assert (proxy_of_environment(host, environ) is not None) == used


def test_proxy_of_environment__another_kind_is_an_error_without_its_text():
    with pytest.raises(ValueError, match="not like http") as caught:
        proxy_of_environment("a", {"HTTPS_PROXY": "socks5://me:secret@proxy:1"})
    assert "secret" not in str(caught.value)


def test_tls__is_always_verified():
    context = tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    with pytest.raises(ValueError, match="PEM"):
        tls_context("no certificate")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("allow_private: yes please", "must be true, false or a list"),
        ("allow_private: [10.0.0.1/8]", "must list networks"),
        ("allow_private: [7]", "must list networks"),
        ("proxy: http://me:pw@proxy:1", "must not contain a user name"),
        ("ca_file: ../ca.pem", "must stay inside the repository"),
        ("ca_file: /etc/ssl/ca.pem", "must be relative"),
        ("connect_seconds: 0", "must be greater than 0"),
        ("give_up_seconds: -1", "must be greater than 0"),
        ("tokens_per_minute: 0", "must be at least 1"),
    ],
)
def test_policy__each_key_has_its_problem_at_its_line(key, says):
    head = (
        "version: 1\nfamilies: {f: {severity: blocking, margin: 0.05}}\nendpoints:\n  e:\n    protocol: openai-chat\n"
    )
    with pytest.raises(Problems) as caught:
        parse_policy(f'{head}    base_url: "https://api.example.com/v1"\n    {key}\n', file="p.yml")
    (problem,) = caught.value.problems
    assert (problem.line, says in problem.what) == (7, True), problem
