"""L3: where an endpoint's key may go: one host, at addresses that are judged when they are connected to, over TLS.

A name is resolved once for each connection, and the connection is made to an address that was judged, so a name that
changes its mind in between (DNS rebinding) changes nothing. The certificate is checked against the name.
"""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

import certifi

from gate.endpoint_rule import EndpointRule
from gate.reach import Allowed, is_loopback, may_connect

Resolve = Callable[..., list[tuple[Any, ...]]]
"""As `socket.getaddrinfo`."""
Found = tuple[socket.AddressFamily, tuple[Any, ...]]
"""A family and the address to connect to."""


class RefusedError(Exception):
    """A connection that the policy does not permit, or a certificate that is not trusted. Its text is ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """Where CONNECT is sent to. `headers` may hold the environment's credentials for it."""

    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """All that decides who a request reaches. `tls` is None only where plain http goes to this machine."""

    host: str
    port: int
    loopback: bool
    allowed: Allowed
    tls: ssl.SSLContext | None = field(repr=False)
    proxy: Proxy | None = None
    resolve: Resolve | None = None

    @classmethod
    def of(cls, rule: EndpointRule, *, environ: Mapping[str, str] | None = None, authority: str = "") -> Trust:
        """By the policy alone; `environ` is looked at only where the policy says so. `authority`: PEM of `ca_file`.

        Raises ValueError where either cannot be used, and where a `ca_file` is named and no `authority` given.
        """
        if rule.ca_file is not None and not authority:
            raise ValueError("names a ca_file, which was not read")
        parts, loopback = urlsplit(rule.base_url), is_loopback(rule.base_url)
        secure = parts.scheme == "https"
        return cls(
            host=parts.hostname or "",
            port=parts.port or (443 if secure else 80),
            loopback=loopback,
            allowed=rule.allow_private,
            tls=tls_context(authority) if secure else None,
            proxy=None if loopback else _proxy(rule, environ or {}),
        )

    def addresses(self) -> list[Found]:
        """What to connect to, each judged. One refused address refuses the name.

        Raises
        ------
        RefusedError
            The name resolves to an address that the policy does not permit.
        OSError
            The name cannot be resolved.
        """
        if self.proxy is not None:  # named by the policy; it resolves the endpoint's name itself
            return list(self._resolved(self.proxy.host, self.proxy.port))
        found = list(self._resolved(self.host, self.port))
        for _, address in found:
            self._judge(str(address[0]))
        return found

    def _resolved(self, host: str, port: int) -> Iterator[Found]:
        for family, _, _, _, address in (self.resolve or socket.getaddrinfo)(host, port, type=socket.SOCK_STREAM):
            if family in (socket.AF_INET, socket.AF_INET6):
                yield family, address

    def _judge(self, text: str) -> None:
        address = ip_address(text.partition("%")[0])
        if self.loopback and not address.is_loopback:
            raise RefusedError("is meant to be this machine, but its name is another's")
        if not self.loopback and not may_connect(address, self.allowed):
            raise RefusedError("has a private address: list its network in allow_private if it is meant")


def tls_context(authority: str = "") -> ssl.SSLContext:
    """Certificates and names are always verified: against `authority` alone (PEM), else the authorities of certifi.

    Raises ValueError where `authority` holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=None if authority else certifi.where(), cadata=authority or None)
    except ssl.SSLError:
        raise ValueError("holds no certificate in PEM form") from None
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    return context


def _proxy(rule: EndpointRule, environ: Mapping[str, str]) -> Proxy | None:
    if rule.proxy is None:
        return None
    if rule.proxy != "environment":
        parts = urlsplit(rule.proxy)
        return Proxy(host=parts.hostname or "", port=parts.port or 0)
    return proxy_of_environment(urlsplit(rule.base_url).hostname or "", environ)


def proxy_of_environment(host: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for https that the environment names, with its credentials; None where NO_PROXY names the host.

    Raises ValueError for one that is not `http://[user:password@]host[:port]`.
    """
    url = next((value for name in ("https_proxy", "all_proxy") if (value := _variable(environ, name))), "")
    if not url or _bypasses(host, _variable(environ, "no_proxy")):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("the environment's proxy is not like http://host:port")
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}" if parts.username else ""
    return Proxy(host=parts.hostname, port=parts.port or 80, headers=_login(login) if login else {})


def _login(login: str) -> dict[str, str]:
    """Basic authentication (RFC 7617), in UTF-8."""
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def _bypasses(host: str, no_proxy: str) -> bool:
    """`*`, or a name that is the host's or the end of it."""
    names = [name.strip().lower().lstrip(".") for name in no_proxy.split(",")]
    return "*" in names or any(name and (host == name or host.endswith(f".{name}")) for name in names)


def _variable(environ: Mapping[str, str], name: str) -> str:
    """As other tools read it: the lower-case spelling wins."""
    return environ.get(name) or environ.get(name.upper()) or ""
