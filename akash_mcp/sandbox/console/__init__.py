"""The Console API of the embedded network, generation `reference`: what console-api.akash.network does.

Held to akash-network/console as of August 2026, oddities and all: a client that works here has met them.
"""

from __future__ import annotations

from akash_mcp.sandbox.console.account import AccountApi
from akash_mcp.sandbox.console.app import ConsoleApp
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.deployments import Deployments
from akash_mcp.sandbox.console.directory import Directory
from akash_mcp.sandbox.console.explorer import Explorer
from akash_mcp.sandbox.console.funding import Funding
from akash_mcp.sandbox.console.gateways import ProviderProxy
from akash_mcp.sandbox.console.leases import Leases
from akash_mcp.sandbox.console.settings import Settings
from akash_mcp.sandbox.console.signer import Signer

__all__ = ["Backend", "ConsoleApp", "Funding", "ProviderProxy", "Signer", "console_app"]


def console_app(backend: Backend, api_key: str) -> ConsoleApp:
    """The whole API for one user and key."""
    deployments = Deployments(backend)
    parts = (
        deployments,
        Leases(backend, deployments),
        Settings(backend),
        AccountApi(backend),
        Directory(backend),
        Explorer(backend),
    )
    endpoints = [endpoint for part in parts for endpoint in part.endpoints()]
    return ConsoleApp(endpoints, api_key, backend.faults)
