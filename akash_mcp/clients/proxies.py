"""The proxy of a company's network: which one the environment names for a service, and what is said where it fails.

`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are read in small and in capital letters, small ones first, as
curl reads them. What is on this machine is never asked through a proxy. No error has a proxy's password, or its words.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import httpx2

from akash_mcp.clients.unused_connection import is_for_proxy
from akash_mcp.errors import Unreachable

PROXY_VARIABLES = ("https_proxy", "http_proxy", "all_proxy", "no_proxy")
"""What decides, in small letters."""
_COULD_NOT_REACH = (502, 503, 504)
_WANTS_CREDENTIALS = 407


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy. `url` can hold a password; `shown` does not. `variable` names it."""

    variable: str
    shown: str
    url: str = field(repr=False)

    def __str__(self) -> str:
        return f"the proxy {self.shown} ({self.variable})"


def proxy_for(url: str, *, name: str, environ: Mapping[str, str] = os.environ) -> Proxy | None:
    """The proxy through which the service called `name` at `url` is asked; None where it is asked directly.

    Raises `Unreachable` where what the environment names cannot be used.
    """
    target = urlsplit(url)
    host = (target.hostname or "").rstrip(".")
    port = target.port or (443 if target.scheme == "https" else 80)
    variable = _first(environ, f"{target.scheme}_proxy", "all_proxy")
    if variable is None or _is_loopback(host) or _is_excepted(host, port, environ):
        return None
    parts = _split(environ[variable])
    if parts is None or parts.scheme not in ("http", "https"):
        socks = parts is not None and parts.scheme.startswith("socks")
        raise Unreachable(
            f"{name} was not asked: {variable} {'names a SOCKS proxy' if socks else 'does not name a proxy'}, and only "
            "HTTP proxies are used, such as http://proxy.example:3128.",
            next_step=f"Ask the user to correct {variable}, or to add {host} to NO_PROXY, and to restart this server.",
            retryable=False,
        )
    shown = f"{parts.scheme}://{_bracketed(parts.hostname or '')}{f':{parts.port}' if parts.port else ''}"
    return Proxy(variable, shown, parts.geturl())


def credentials(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """What nobody may read of the proxies that the environment names."""
    found: list[str] = []
    for name in PROXY_VARIABLES[:3]:
        for variable in (name, name.upper()):
            value = environ.get(variable)
            parts = _split(value) if value else None
            if parts is not None and parts.username is not None:
                user, password = unquote(parts.username), unquote(parts.password or "")
                found += [f"{user}:{password}", password] if password else [user]
    return tuple(found)


class Passage:
    """How far one request came on its way to a service, through a proxy or without one."""

    def __init__(self, proxy: Proxy | None) -> None:
        self._proxy = proxy
        self._reached_proxy = False
        self._has_tunnel = False

    def trace(self, event: str, info: Mapping[str, Any]) -> bool:
        """Take an event of the request's extension of that name: whether the request itself begins to leave."""
        if event == "connection.connect_tcp.complete":
            self._reached_proxy = True
        elif event == "proxy.start_tls.started":
            self._has_tunnel = True
        return event.endswith("send_request_headers.started") and not is_for_proxy(info)

    def refused(self, name: str, host: str, status: int) -> Unreachable | None:
        """What it means that an answer with this status came over plain http: the proxy's own, or None."""
        if self._proxy is None or self._has_tunnel or status != _WANTS_CREDENTIALS:
            return None
        return self._refusal(self._proxy, name, host, status)

    def failed(self, name: str, host: str, error: Exception, why: str) -> Unreachable | None:
        """What a request that was not sent failed of, where that is the proxy; `why` in a few words."""
        proxy = self._proxy
        if proxy is None:
            return None
        if isinstance(error, httpx2.ProxyError):
            # Its message begins with the status. What follows are the proxy's words.
            return self._refusal(proxy, name, host, int(str(error)[:3]))
        if not self._has_tunnel:
            failed = (
                f"answered, and did not connect us ({why})"
                if self._reached_proxy
                else f"cannot be reached: {why}"
            )
            return Unreachable(
                f"{name} at {host} was not asked: {proxy} {failed}.",
                next_step=f"Check the network and {proxy.variable}. If {host} is reached without a proxy, add it to "
                "NO_PROXY.",
            )
        if "certificate" in why:
            return None  # the host's, or one that the proxy made: said as it is without a proxy
        return Unreachable(
            f"{name} at {host} was not asked: {proxy} said that it had connected us, and what came then is not that "
            f"host's TLS ({why}). It may have answered by itself, with a page to sign in or a refusal.",
            next_step=f"Ask the user to open https://{host} in a browser, which shows what the proxy wants.",
        )

    @staticmethod
    def _refusal(proxy: Proxy, name: str, host: str, status: int) -> Unreachable:
        not_asked = f"{name} at {host} was not asked: {proxy}"
        if status == _WANTS_CREDENTIALS:
            return Unreachable(
                f"{not_asked} wants a user name and password, or others than it was given ({status}).",
                next_step=f"Ask the user to write {proxy.variable} as http://USER:PASSWORD@HOST:PORT, with special "
                "characters percent-encoded, and to restart this server.",
                retryable=False,  # a wrong password that is sent again and again locks its owner out
            )
        if status in _COULD_NOT_REACH:
            return Unreachable(
                f"{not_asked} could not reach that host ({status}).", next_step="Try again in a minute."
            )
        return Unreachable(
            f"{not_asked} does not connect us to that host ({status}).",
            next_step=f"Ask the user to have {host} allowed by whoever runs the proxy, or to add it to NO_PROXY.",
            retryable=False,
        )

    def __str__(self) -> str:
        """How what was sent went, as a sentence goes on."""
        return f" through {self._proxy}" if self._proxy is not None else ""


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    spelled = (variable for name in names for variable in (name, name.upper()))
    return next((variable for variable in spelled if environ.get(variable, "").strip()), None)


def _split(value: str) -> SplitResult | None:
    """The parts of a proxy's address, which may lack its scheme; None where it is not one."""
    value = value.strip()
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        httpx2.URL(parts.geturl())
        has_host = parts.hostname and parts.port != 0
    except (ValueError, httpx2.InvalidURL):  # of a port or a host that is none
        return None
    # A password with a slash in it would make the user's name the host.
    return parts if has_host and "@" not in f"{parts.path}{parts.query}{parts.fragment}" else None


def _is_excepted(host: str, port: int, environ: Mapping[str, str]) -> bool:
    """Whether `NO_PROXY` names the host: itself, a domain that it is in, or a network that it is in."""
    variable = _first(environ, "no_proxy")
    listed = re.split(r"[,\s]+", environ[variable].strip().lower()) if variable else []
    return any(_names(each, host.lower(), port) for each in listed if each)


def _names(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    try:
        network = ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        name, _, only = entry.partition(":")
        name = name.removeprefix("*").removeprefix(".").rstrip(".")
        return only in ("", str(port)) and (host == name or host.endswith(f".{name}")) and bool(name)
    try:
        return ip_address(host) in network
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
