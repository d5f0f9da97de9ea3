"""L1: where an endpoint is and by which way it is reached: the part of its rule that says where a key may go.

Addresses are judged here, purely; `gate.endpoints.trust` judges the ones that a name resolves to with the same words.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from gate.schema import RepositoryPath, Strict

Address = IPv4Address | IPv6Address
Allowed = bool | tuple[str, ...]
"""`allow_private`: all private addresses, none, or those in the networks listed."""

_NAT64 = IPv6Network("64:ff9b::/96")
_ALSO_SPECIAL = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments; Oracle's metadata, which some Pythons call global
    IPv4Network("168.63.129.16/32"),  # Azure's metadata, in public space
)
_PLAIN = "a name (international ones as xn--…), or an address like 192.0.2.1 or [2001:db8::1]"
_CREDENTIALS = "must not contain a user name or password | "


class Reach(Strict):
    """How an endpoint is reached. Everything here is the policy's: a model config can name none of it."""

    base_url: Annotated[str, Field(max_length=500)]
    """`https://…`; plain http only to this machine. Redirects are never followed."""
    allow_private: bool | tuple[str, ...] = False
    """Private, link-local and other addresses that are not public are refused, also when a name resolves to one.
    List the networks that are meant (`["10.2.0.0/16"]`); `true` permits them all."""
    proxy: Annotated[str, Field(max_length=200)] | None = None
    """`environment` (HTTPS_PROXY, ALL_PROXY, NO_PROXY) or `http://host:port`. Left out: none, whatever the environment
    says. The proxy passes encrypted bytes on and never sees a key."""
    ca_file: RepositoryPath | None = None
    """A PEM file of the repository: only certificates that one of its authorities signed are accepted. TLS is always
    verified."""

    @field_validator("base_url")
    @classmethod
    def _usable(cls, url: str) -> str:
        if problem := url_problem(url):
            raise ValueError(problem)
        return url.rstrip("/")

    @field_validator("allow_private", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        if not isinstance(value, bool | list | tuple):
            raise ValueError('must be true, false or a list of networks | like ["10.2.0.0/16"]')  # noqa: TRY004 - pydantic's
        for one in () if isinstance(value, bool) else value:
            if not isinstance(one, str) or not _is_network(one):
                raise ValueError('must list networks | like ["10.2.0.0/16", "fd12:3456::/32"]')
        return value if isinstance(value, bool) else tuple(value)

    @field_validator("proxy")
    @classmethod
    def _usable_proxy(cls, proxy: str | None) -> str | None:
        if proxy not in (None, "environment") and (problem := proxy_problem(proxy)):
            raise ValueError(problem)
        return proxy

    @model_validator(mode="after")
    def _private_only_if_allowed(self) -> Reach:
        address = literal(self.base_url)
        if address is not None and not is_loopback(self.base_url) and not may_connect(address, self.allow_private):
            raise ValueError("base_url is a private address | list its network in allow_private if it is meant")
        return self


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def url_problem(url: str) -> str:
    """Why a base URL cannot be used (in the form ``what | hint``); empty when it can."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("https", "http") or not host or re.search(r"[\s\\%<>\"\x00-\x20]", url):
        return "must be an https:// URL with a host"
    if parts.username is not None or parts.password is not None:
        return f"{_CREDENTIALS}name the key by api_key_env"
    if parts.query or parts.fragment or "?" in url or "#" in url:
        return "must end with the path (no query, no fragment)"
    if not url.isascii() or port == 0 or not _is_plain_host(host) or ("[" in url and ":" not in host):
        return f"must have a plain host | {_PLAIN}"
    plain_and_far = parts.scheme == "http" and not is_loopback(url)
    return "must be https:// (plain http is for this machine only)" if plain_and_far else ""


def proxy_problem(url: str) -> str:
    """Why a proxy's address cannot be used; empty when it can."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    if parts.username is not None or parts.password is not None:
        return f"{_CREDENTIALS}proxy: environment takes them from HTTPS_PROXY"
    if parts.scheme != "http" or not port or parts.path.strip("/") or "?" in url or "#" in url:
        return "must be environment, or like http://proxy.example:3128"
    return "" if _is_plain_host(host) else "must have a plain host"


def _is_plain_host(host: str) -> bool:
    """A name, or an address as it is usually written: never the decimal, octal or short forms that resolvers accept."""
    if ":" in host or re.fullmatch(r"(0x[0-9a-f]*|\d+)", host.rstrip(".").rpartition(".")[2]):
        return "%" not in host and _parsed(host) is not None
    return re.fullmatch(r"([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.?", host) is not None


def _parsed(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def literal(url: str) -> Address | None:
    """The address in a URL; None where it has a name, which is judged when it is resolved."""
    return _parsed(urlsplit(url).hostname or "")


def is_loopback(url: str) -> bool:
    """Whether it is this machine, by its usual name or a loopback address."""
    address = literal(url)
    return urlsplit(url).hostname == "localhost" or (address is not None and unwrapped(address).is_loopback)


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv4-mapped or NAT64 address stands for; any other address as it is."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or IPv6Address(int(address))  # without a zone id
    return address


def is_public(address: Address) -> bool:
    """Part of the internet at large: not private, link-local, shared (CGNAT), multicast, a tunnel, or metadata."""
    found = unwrapped(address)
    if isinstance(found, IPv6Address) and (found.sixtofour or found.teredo or found.is_site_local):
        return False
    special = found.is_multicast or found.is_reserved or any(_within(found, one) for one in _ALSO_SPECIAL)
    return found.is_global and not special


def may_connect(address: Address, allowed: Allowed) -> bool:
    """Whether a key may go to this address: a public one, or one that the policy lists."""
    found = unwrapped(address)
    if is_public(found):
        return True
    if isinstance(allowed, bool):
        return allowed and not found.is_multicast and not found.is_unspecified
    return any(_within(found, ip_network(one)) for one in allowed)


def _within(address: Address, network: IPv4Network | IPv6Network) -> bool:
    return address.version == network.version and address in network
