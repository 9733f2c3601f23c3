"""Generation `2026-11`: a Console that keeps what it deploys, funds it by itself, and ends it after a time.

Its answers are held to the Console's own OpenAPI document of October 2026, and what no document says to single files
of its source of that time.
"""

from __future__ import annotations

from akash_mcp.sandbox.console import reference
from akash_mcp.sandbox.console.account import AccountApi
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.bid_screening import Screening
from akash_mcp.sandbox.console.endpoint import Endpoint
from akash_mcp.sandbox.console.generation_2026_11.activities import Activities
from akash_mcp.sandbox.console.generation_2026_11.api_keys import ApiKeys
from akash_mcp.sandbox.console.generation_2026_11.definitions import Definitions
from akash_mcp.sandbox.console.generation_2026_11.deployments import Deployments
from akash_mcp.sandbox.console.generation_2026_11.leases import Leases
from akash_mcp.sandbox.console.generation_2026_11.limit_settings import LimitSettings
from akash_mcp.sandbox.console.generation_2026_11.placement_options import PlacementOptions
from akash_mcp.sandbox.console.generation_2026_11.projects import Projects
from akash_mcp.sandbox.console.generation_2026_11.provider_search import ProviderSearch
from akash_mcp.sandbox.console.generation_2026_11.secrets import Secrets
from akash_mcp.sandbox.console.generation_2026_11.spending import Spending
from akash_mcp.sandbox.console.generation_2026_11.wallet_settings import WalletSettings


def endpoints(backend: Backend) -> list[Endpoint]:
    """All routes of this generation."""
    definitions, activities, secrets = Definitions(), Activities(backend), Secrets(backend)
    settings, projects = LimitSettings(backend, definitions), Projects(backend)
    deployments = Deployments(backend, definitions, activities, settings, secrets, projects)
    every = [
        *deployments.endpoints(),
        *Leases(backend, deployments, definitions).endpoints(),
        *settings.endpoints(),
        *activities.endpoints(),
        *secrets.endpoints(),
        *ApiKeys(backend, projects).endpoints(),
        *WalletSettings().endpoints(),
        *Spending(backend).endpoints(),
        *PlacementOptions(backend).endpoints(),
        *ProviderSearch(backend).endpoints(),
        *AccountApi(backend).endpoints(),
        *Screening(backend, shows_gpus=True).endpoints(),
        *projects.endpoints(),
        *reference.shared(backend),
    ]
    return projects.guarded(every)
