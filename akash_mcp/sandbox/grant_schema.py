"""The `leases` claim of a provider token as Console judges it, by JSON schema, before it signs anything.

The schema is akash-network/chain-sdk `specs/jwt-schema.json`, the messages those of akash-network/console.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from akash_mcp.sandbox.grants import SCOPES

_ADDRESS = r"^akash1[a-z0-9]{38}$"


def problems_with_leases(leases: object) -> list[str]:
    """What Console's JSON schema says against a `leases` claim, in its words. Empty when it may be signed."""
    return list(_leases_problems(leases, "/leases"))


_FIELDS = {
    "/leases": {"full": (), "scoped": ("scope",), "granular": ("permissions",)},
    "permission": {"full": (), "scoped": ("scope",), "granular": ("deployments",)},
}


def _leases_problems(value: object, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield '"leases" at "" should be object.'
        return
    yield from _access_problems(value, path, _FIELDS["/leases"], ("access", "scope", "permissions"))
    permissions = value.get("permissions")
    if value.get("access") != "granular" or not isinstance(permissions, list):
        return
    for index, permission in enumerate(permissions):
        yield from _permission_problems(permission, f"{path}/permissions", index)
    providers = [
        p["provider"] for p in permissions if isinstance(p, dict) and isinstance(p.get("provider"), str)
    ]
    if len(set(providers)) < len(providers):
        yield "Duplicate provider in permissions"


def _permission_problems(value: object, parent: str, index: int) -> Iterator[str]:
    path = f"{parent}/{index}"
    if not isinstance(value, dict):
        yield f'"{index}" at "{parent}" should be object.'
        return
    provider = value.get("provider")
    if provider is None:
        yield f'Missing required field: "provider" at "{path}".'
    elif not isinstance(provider, str) or not re.fullmatch(_ADDRESS, provider):
        yield f'Invalid format: "provider" at "{path}" does not match pattern "{_ADDRESS}"'
    yield from _access_problems(
        value, path, _FIELDS["permission"], ("provider", "access", "scope", "deployments")
    )
    deployments = value.get("deployments")
    if value.get("access") == "granular" and isinstance(deployments, list):
        for number, deployment in enumerate(deployments):
            yield from _deployment_problems(deployment, f"{path}/deployments", number)


def _access_problems(
    value: dict[str, Any], path: str, fields: dict[str, tuple[str, ...]], known: tuple[str, ...]
) -> Iterator[str]:
    """What any level with an `access` shares: which lists go with which access, and what they hold."""
    for name in value:
        if name not in known:
            yield f'Additional property "{name}" is not allowed at "{path}".'
    access = value.get("access")
    if access is None:
        yield f'Missing required field: "access" at "{path}".'
        return
    if access not in tuple(fields):  # a tuple compares, so that a list or an object is merely not one of them
        yield f'"access" at "{path}" should be one of: {", ".join(fields)}.'
        return
    needed = fields[access]
    for name in known:
        if name in value and name not in ("access", "provider", *needed):
            yield f'"{name}" at "{path}" boolean schema is false.'
    for name in needed:
        yield from _list_problems(value, name, path)
    if "scope" in needed:
        yield from _scope_problems(value, path)


def _deployment_problems(value: object, parent: str, index: int) -> Iterator[str]:
    path = f"{parent}/{index}"
    if not isinstance(value, dict):
        yield f'"{index}" at "{parent}" should be object.'
        return
    for name in value:
        if name not in ("dseq", "gseq", "oseq", "scope", "services"):
            yield f'Additional property "{name}" is not allowed at "{path}".'
    for name, least in (("dseq", 1), ("gseq", 0), ("oseq", 0)):
        number = value.get(name)
        if number is None:
            if name == "dseq":
                yield f'Missing required field: "dseq" at "{path}".'
        elif isinstance(number, bool) or not isinstance(number, int):
            yield f'"{name}" at "{path}" should be integer.'
        elif number < least:
            yield f'"{name}" at "{path}" must be at least {least}.'
    if "oseq" in value and "gseq" not in value:
        yield f'"{path}" must have property gseq when property oseq is present.'
    yield from _list_problems(value, "scope", path)
    yield from _scope_problems(value, path)
    if "services" not in value:
        yield "services required when dseq is present"
    else:
        yield from _list_problems(value, "services", path)


def _list_problems(value: dict[str, Any], name: str, path: str) -> Iterator[str]:
    items = value.get(name)
    if name not in value:
        yield f'Missing required field: "{name}" at "{path}".'
    elif not isinstance(items, list):
        yield f'"{name}" at "{path}" should be array.'
    elif not items:
        yield f'"{name}" at "{path}" must have at least 1 item.'
    elif len({repr(item) for item in items}) < len(items):
        yield f'"{name}" at "{path}" must not have duplicate items.'


def _scope_problems(value: dict[str, Any], path: str) -> Iterator[str]:
    scope = value.get("scope")
    for index, item in enumerate(scope if isinstance(scope, list) else ()):
        if item not in SCOPES:
            yield f'"{index}" at "{path}/scope" should be one of: {", ".join(SCOPES)}.'
