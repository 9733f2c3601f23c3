"""Generation `2026-11`: a Console that keeps what it deploys, funds it by itself, and ends it after a time.

Held to public documentation of autumn 2026, not to source: what it leaves open is answered in the simplest way.
"""

from __future__ import annotations

from akash_mcp.sandbox.console import reference
from akash_mcp.sandbox.console.account import AccountApi
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.bid_screening import Screening
from akash_mcp.sandbox.console.endpoint import Endpoint
from akash_mcp.sandbox.console.generation_2026_11.activities import Activities
from akash_mcp.sandbox.console.generation_2026_11.definitions import Definitions
from akash_mcp.sandbox.console.generation_2026_11.deployments import Deployments
from akash_mcp.sandbox.console.generation_2026_11.leases import Leases
from akash_mcp.sandbox.console.generation_2026_11.limit_settings import LimitSettings
from akash_mcp.sandbox.console.generation_2026_11.provider_search import ProviderSearch
from akash_mcp.sandbox.console.generation_2026_11.spending import Spending


def endpoints(backend: Backend) -> list[Endpoint]:
    """All routes of this generation."""
    definitions, activities, settings = Definitions(), Activities(backend), LimitSettings(backend)
    deployments = Deployments(backend, definitions, activities, settings)
    return [
        *deployments.endpoints(),
        *Leases(backend, deployments, definitions).endpoints(),
        *settings.endpoints(),
        *activities.endpoints(),
        *Spending(backend).endpoints(),
        *ProviderSearch(backend).endpoints(),
        *AccountApi(backend, in_usd=True).endpoints(),
        *Screening(backend, shows_gpus=True).endpoints(),
        *reference.shared(backend),
    ]
