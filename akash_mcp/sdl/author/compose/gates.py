"""What a web proxy asks of a request before it leads it to a service: a password, a login, an address.

A provider's ingress asks nothing, so a service behind such a gate is not opened. A check of which it is not known what
it does, since another file defines it, is taken for one unless its name says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

_DEFINITION = re.compile(r"traefik\.http\.middlewares\.([^.]+)\.([^.]+)(?:\.|$)", re.IGNORECASE)
_CHAIN = re.compile(r"traefik\.http\.middlewares\.[^.]+\.chain\.middlewares", re.IGNORECASE)
_OPEN_KINDS = frozenset(
    {"addprefix", "buffering", "circuitbreaker", "compress", "contenttype", "errors", "grpcweb", "headers"}
    | {"inflightreq", "passtlsclientcert", "ratelimit", "redirectregex", "redirectscheme", "replacepath"}
    | {"replacepathregex", "retry", "stripprefix", "stripprefixregex"}
)
"""Middlewares of Traefik that let everybody pass. Every other one asks, or is a plugin."""
_NAMED_LIKE_A_GATE = re.compile(
    r"auth|oidc|\bsso\b|login|passw|white_?list|allow|[-_]only\b|\bip|\blan\b|local|internal|private|vpn|crowdsec",
    re.IGNORECASE,
)
_NAMED_LIKE_NONE = re.compile(
    r"redirect|https|gzip|compress|header|strip|prefix|path|rewrite|replace|slash|rate|limit|buffer|retry|hsts|cors"
    r"|csp|error|www|cache|upload|\bdav\b|\btls\b|\blog",
    re.IGNORECASE,
)
_ROUTER_CHECKS = re.compile(r"traefik\.http\.routers\.[^.]+\.middlewares", re.IGNORECASE)
_ROUTER_RULE = re.compile(r"traefik\.http\.routers\.[^.]+\.rule", re.IGNORECASE)
_RULE_THAT_ASKS = re.compile(r"\b(?:ClientIP|Headers?\w*|Query\w*)\s*\(", re.IGNORECASE)
_ROUTER_DOORS = re.compile(r"traefik\.http\.routers\.[^.]+\.entrypoints", re.IGNORECASE)
_INNER_DOOR = re.compile(r"internal|private|local|\blan\b|vpn|tailscale", re.IGNORECASE)
_ROUTER_TLS = re.compile(r"traefik\.http\.routers\.[^.]+\.tls\.options", re.IGNORECASE)
_CLIENT_CERTIFICATES = re.compile(r"mtls|mutual|client", re.IGNORECASE)
_OLD_GATE = re.compile(r"traefik\.(?:[^.]+\.)?frontend\.(?:auth|white_?list)", re.IGNORECASE)
_CADDY = re.compile(r"caddy(?:_[0-9]+)?\.", re.IGNORECASE)
_CADDY_GATE = re.compile(
    r"(?:[0-9]+_)?(?:basic_?auth|forward_auth|auth\w*|security|abort|client_auth|remote_ip|client_ip)"
)
_CADDY_ADDRESSES = re.compile(r"\b(?:remote_ip|client_ip)\b")
_DEFAULT_CHECKS = re.compile(r"-{0,2}entrypoints\.[^.]+\.http\.middlewares=(.+)", re.IGNORECASE)
_DEFAULT_CHECKS_VARIABLE = re.compile(r"TRAEFIK_ENTRYPOINTS_\w+_HTTP_MIDDLEWARES")
INNER_SETTING = "NETWORK_ACCESS"
"""The variable by which nginx-proxy is told who may pass."""


@dataclass(frozen=True, slots=True)
class Middlewares:
    """What labels define of Traefik's middlewares, by name: those that ask, those that do not, and chains of others."""

    asking: frozenset[str]
    open: frozenset[str]
    chains: Mapping[str, frozenset[str]]

    def gates(self, checks: Iterable[str]) -> Iterator[str]:
        """Those of the checks, as routers name them (`pw@docker`), that ask who may pass, or may do so."""
        seen: set[str] = set()
        waiting = [*checks]
        while waiting:
            check = waiting.pop()
            if check in seen:
                continue
            seen.add(check)
            name, _, provider = check.partition("@")
            is_here = provider.lower() in ("", "docker", "swarm")
            if is_here and name in self.asking:
                yield check
            elif is_here and name in self.chains:
                waiting += self.chains[name]
            elif not (is_here and name in self.open) and _may_ask(name):
                yield check


def middlewares(labels: Collection[Mapping[str, str]]) -> Middlewares:
    """The middlewares that the labels of all services define."""
    asking: set[str] = set()
    harmless: set[str] = set()
    chains: dict[str, frozenset[str]] = {}
    for name, text in (pair for each in labels for pair in each.items()):
        if match := _DEFINITION.match(name):
            if _CHAIN.fullmatch(name) and (parts := frozenset(_names(text))):
                chains[match[1]] = parts
            else:
                (harmless if match[2].lower() in _OPEN_KINDS else asking).add(match[1])
    return Middlewares(frozenset(asking), frozenset(harmless), chains)


def checks_of(labels: Mapping[str, str]) -> frozenset[str]:
    """The middlewares that a request to a service passes, as its routers name them."""
    texts = (text for name, text in labels.items() if _ROUTER_CHECKS.fullmatch(name))
    return frozenset(name for text in texts for name in _names(text))


def checks_of_all(words: Iterable[str], env: Mapping[str, str]) -> frozenset[str]:
    """The middlewares that every request passes, by the command and the variables of Traefik itself."""
    texts = [match[1] for word in words if (match := _DEFAULT_CHECKS.fullmatch(word))]
    texts += [text for name, text in env.items() if _DEFAULT_CHECKS_VARIABLE.fullmatch(name)]
    return frozenset(name for text in texts for name in _names(text))


def gates_of(labels: Mapping[str, str], unknown: Collection[str]) -> frozenset[str]:
    """The labels of a service that ask by themselves. `unknown` are those that need a variable without a value."""
    found = {name for name in unknown if _ROUTER_CHECKS.fullmatch(name)}
    for name, text in labels.items():
        rule = _ROUTER_RULE.fullmatch(name) and _RULE_THAT_ASKS.search(text)
        doors = [*_names(text)] if _ROUTER_DOORS.fullmatch(name) else []
        is_inner_door = bool(doors) and all(map(_INNER_DOOR.search, doors))
        tls = _ROUTER_TLS.fullmatch(name) and _CLIENT_CERTIFICATES.search(text)
        if rule or is_inner_door or tls or _OLD_GATE.match(name) or _is_of_caddy(name, text):
            found.add(name)
    return frozenset(found)


def is_inner(env: Mapping[str, str]) -> bool:
    """Whether nginx-proxy is told to let only its own networks pass."""
    return env.get(INNER_SETTING, "").lower() == "internal"


def _may_ask(name: str) -> bool:
    return _NAMED_LIKE_A_GATE.search(name) is not None or _NAMED_LIKE_NONE.search(name) is None


def _is_of_caddy(name: str, text: str) -> bool:
    if not _CADDY.match(name):
        return False
    steps = name.lower().split(".")[1:]
    if re.fullmatch(r"(?:[0-9]+_)?import", steps[-1]):
        return _may_ask(text)
    return any(map(_CADDY_GATE.fullmatch, steps)) or _CADDY_ADDRESSES.search(text) is not None


def _names(text: str) -> Iterator[str]:
    yield from filter(None, (name.strip() for name in text.split(",")))
