"""Answers in exactly the shape of the Console's document of October 2026: what it does not name is left out.

The source sends more than was written down. A client that needs any of it would break on the day it goes, and finds
out here. A provider's null in place of something empty, which Console passes on, is something empty here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from starlette.responses import Response

from akash_mcp.sandbox.console.endpoint import Endpoint
from akash_mcp.sandbox.console.responses import answer

Steps: TypeAlias = tuple[str, ...]
"""The way to a key; `*` is every item of a list, or every value of an object."""

_PROVIDER: tuple[Steps, ...] = (("stats", "*", "total"), ("stats", "storage", "*", "total"))
_SETTINGS: tuple[Steps, ...] = (("data", "closed"),)
_BIDS: tuple[Steps, ...] = (("data", "*", "bid", "resources_offer", "*", "resources", "id"),)
_UNNAMED: Mapping[str, tuple[Steps, ...]] = {
    "/v1/bids": _BIDS,
    "/v1/bids/{dseq}": _BIDS,
    "/v1/deployment-settings": _SETTINGS,
    "/v1/deployment-settings/{userId}/{dseq}": _SETTINGS,
    "/v1/deployments": (("data", "signTx", "hash"),),
    "/v1/gpu-prices": (("models", "*", "priceUakt"),),
    "/v1/provider-search": tuple(("data", "providers", "*", *steps) for steps in _PROVIDER),
    "/v1/providers": tuple(("*", *steps) for steps in _PROVIDER),
    "/v1/providers/{address}": _PROVIDER,
    "/v1/templates/{id}": (("data", "tags"),),
    "/v1/user/me": (("data", "createdAt"), ("data", "updatedAt"), ("data", "trial")),
    "/v2/deployment-settings": _SETTINGS,
    "/v2/deployment-settings/{dseq}": _SETTINGS,
}
_WITH_STATUS = ("/v1/deployments/{dseq}", "/v1/deposit-deployment")
_MESSAGE_ONLY = ("/v1/deployment-settings", "/v2/deployment-settings", "/v1/api-keys")
_NO_DATA = (400, 403, 404, 409, 422)
"""Statuses of deployments whose errors are declared without `data`."""


def as_declared(endpoint: Endpoint, response: Response) -> Response:
    """The answer without what the document does not name, or as it is where that says nothing of it."""
    if not response.headers.get("content-type", "").startswith("application/json"):
        return response
    body = json.loads(bytes(response.body))
    if response.status_code < 300:
        for steps in _UNNAMED.get(endpoint.path, ()):
            _drop(body, steps)
        if endpoint.path in _WITH_STATUS:
            _fill(body["data"].get("leases", ()))
    elif endpoint.path.startswith(_MESSAGE_ONLY):
        body = {"message": body.get("message", "")}
    elif endpoint.path.startswith("/v1/deployments") and response.status_code in _NO_DATA:
        body.pop("data", None)
    held = {
        name: value for name, value in response.headers.items() if name in ("cache-control", "retry-after")
    }
    return answer(body, response.status_code, held)


def _fill(leases: Sequence[dict[str, Any]]) -> None:
    """A status is whatever a provider sends, so each part of it may be missing or something else."""
    for status in (lease.get("status") for lease in leases):
        if not isinstance(status, dict):
            continue
        for name in ("forwarded_ports", "ips"):
            status[name] = {} if status.get(name) is None else status[name]
        services = status.get("services")
        for service in services.values() if isinstance(services, dict) else ():
            if isinstance(service, dict) and service.get("uris") is None:
                service["uris"] = []


def _drop(value: Any, steps: Steps) -> None:
    step, rest = steps[0], steps[1:]
    if step == "*":
        for each in value.values() if isinstance(value, dict) else value:
            _drop(each, rest)
    elif isinstance(value, dict) and rest:
        if step in value:
            _drop(value[step], rest)
    elif isinstance(value, dict):
        value.pop(step, None)
