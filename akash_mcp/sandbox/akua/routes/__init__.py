"""The routes that are played, family by family, as the document groups them."""

from __future__ import annotations

from akash_mcp.sandbox.akua.backend import Backend
from akash_mcp.sandbox.akua.endpoint import Endpoint
from akash_mcp.sandbox.akua.routes import clusters, installs, logs, operations, packages, renders, workspaces


def endpoints(backend: Backend) -> list[Endpoint]:
    """All of them."""
    families = (workspaces, clusters, packages, installs, renders, logs, operations)
    return [endpoint for family in families for endpoint in family.endpoints(backend)]
