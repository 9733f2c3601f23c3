"""The `leases` claim of a provider token (AEP-64) as a provider reads it: what may be done with which lease.

Types and rules are those of akash-network/chain-sdk `go/util/jwt`: unknown keys are ignored, and one unknown
scope spoils the whole token.
"""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

SCOPES = (
    "send-manifest",
    "get-manifest",
    "logs",
    "shell",
    "events",
    "status",
    "restart",
    "hostname-migrate",
    "ip-migrate",
    "attestation",
)
"""Every scope that a token may name."""

PROVIDER_SCOPES = frozenset(SCOPES) - {"attestation"}
"""What a provider knows that was built before confidential compute (v0.14 and older)."""


class Malformed(ValueError):
    """Part of a token whose form or types cannot be decoded."""


@dataclass(frozen=True)
class DeploymentGrant:
    """Scopes for one deployment. `gseq` and `oseq` 0 mean any. `services` is checked, then enforced by nobody."""

    dseq: int
    gseq: int
    oseq: int
    scope: tuple[str, ...]
    services: tuple[str, ...]

    def is_valid(self, known_scopes: frozenset[str]) -> bool:
        """Whether its parts go together, for a provider that knows these scopes."""
        return (
            self.dseq > 0
            and (not self.oseq or bool(self.gseq))
            and _is_scope(self.scope, known_scopes)
            and bool(self.services)
            and len(set(self.services)) == len(self.services)
        )

    def covers(self, dseq: int, gseq: int | None, oseq: int | None) -> bool:
        """Whether the lease is meant. `None` stands for any: a manifest is sent to a whole deployment."""
        return (
            self.dseq == dseq
            and (gseq is None or self.gseq in (0, gseq))
            and (oseq is None or self.oseq in (0, oseq))
        )


@dataclass(frozen=True)
class Grant:
    """What may be done at one provider. `access`: `full`, `scoped` (`scope`) or `granular` (`deployments`)."""

    access: str
    scope: tuple[str, ...] = ()
    deployments: tuple[DeploymentGrant, ...] = ()
    provider: str = ""

    def reaches(self, dseq: int, gseq: int | None = None, oseq: int | None = None) -> bool:
        """Whether anything may be done with this lease."""
        return self.access != "granular" or any(d.covers(dseq, gseq, oseq) for d in self.deployments)

    def permits(self, scope: str, dseq: int, gseq: int | None = None, oseq: int | None = None) -> bool:
        """Whether this may be done with this lease."""
        if self.access == "granular":
            return any(d.covers(dseq, gseq, oseq) and scope in d.scope for d in self.deployments)
        return self.access == "full" or scope in self.scope

    def is_valid(self, known_scopes: frozenset[str]) -> bool:
        """Whether its parts go together, for a provider that knows these scopes."""
        deployments_are_valid = all(deployment.is_valid(known_scopes) for deployment in self.deployments)
        return _is_valid(self.access, self.scope, self.deployments, known_scopes) and deployments_are_valid


@dataclass(frozen=True)
class Grants:
    """The whole claim. `permissions` are there only with `granular` access."""

    access: str
    scope: tuple[str, ...] = ()
    permissions: tuple[Grant, ...] = ()

    def is_valid(self, known_scopes: frozenset[str]) -> bool:
        """Whether a provider that knows these scopes takes the claim."""
        providers = [permission.provider for permission in self.permissions]
        return (
            _is_valid(self.access, self.scope, self.permissions, known_scopes)
            and len(set(providers)) == len(providers)
            and all(permission.provider for permission in self.permissions)
            and all(permission.is_valid(known_scopes) for permission in self.permissions)
        )


def grant_for(grants: Grants, provider: str) -> Grant | None:
    """What the claim grants at `provider`, or None where it grants nothing there."""
    if grants.access != "granular":
        return Grant(access=grants.access, scope=grants.scope)
    return next((p for p in grants.permissions if p.provider == provider), None)


def grants_from(value: object) -> Grants:
    """The claim as Go decodes it: missing parts are empty, wrong types raise `Malformed`."""
    leases = _object(value)
    permissions = (_object(item) for item in _items(leases.get("permissions")))
    return Grants(
        access=_text(leases.get("access")),
        scope=_texts(leases.get("scope")),
        permissions=tuple(
            Grant(
                access=_text(permission.get("access")),
                scope=_texts(permission.get("scope")),
                deployments=tuple(map(_deployment, _items(permission.get("deployments")))),
                provider=_text(permission.get("provider")),
            )
            for permission in permissions
        ),
    )


def _is_valid(access: str, scope: tuple[str, ...], parts: Sized, known_scopes: frozenset[str]) -> bool:
    """The rule that a whole claim and one provider's permission share: which lists go with which access."""
    match access:
        case "full":
            return not scope and not len(parts)
        case "scoped":
            return _is_scope(scope, known_scopes) and not len(parts)
        case "granular":
            return not scope and bool(len(parts))
    return False


def _is_scope(scope: tuple[str, ...], known_scopes: frozenset[str]) -> bool:
    return bool(scope) and len(set(scope)) == len(scope) and known_scopes.issuperset(scope)


def _deployment(value: object) -> DeploymentGrant:
    deployment = _object(value)
    return DeploymentGrant(
        dseq=_number(deployment.get("dseq")),
        gseq=_number(deployment.get("gseq")),
        oseq=_number(deployment.get("oseq")),
        scope=_texts(deployment.get("scope")),
        services=_texts(deployment.get("services")),
    )


def _object(value: object) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise Malformed("not an object")
    return value or {}


def _items(value: object) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise Malformed("not a list")
    return value or []


def _text(value: object) -> str:
    if value is not None and not isinstance(value, str):
        raise Malformed("not text")
    return value or ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(_text, _items(value)))


def _number(value: object) -> int:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise Malformed("not an unsigned integer")
    return value or 0
