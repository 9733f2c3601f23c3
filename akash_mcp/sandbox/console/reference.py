"""Generation `reference`: the Console API of its August 2026 source, and what all generations share."""

from __future__ import annotations

from akash_mcp.sandbox.console.account import AccountApi
from akash_mcp.sandbox.console.alerts import Alerts
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.bid_screening import Screening
from akash_mcp.sandbox.console.blocks import Blocks
from akash_mcp.sandbox.console.deployment_settings import DeploymentSettings
from akash_mcp.sandbox.console.deployments import Deployments
from akash_mcp.sandbox.console.endpoint import Endpoint
from akash_mcp.sandbox.console.forecasts import Forecasts
from akash_mcp.sandbox.console.gpus import Gpus
from akash_mcp.sandbox.console.lease_durations import LeaseDurations
from akash_mcp.sandbox.console.leases import Leases
from akash_mcp.sandbox.console.prices import Prices
from akash_mcp.sandbox.console.provider_records import ProviderRecords
from akash_mcp.sandbox.console.public_deployments import PublicDeployments
from akash_mcp.sandbox.console.templates import Templates
from akash_mcp.sandbox.console.usage import Usage


def endpoints(backend: Backend) -> list[Endpoint]:
    """All routes of this generation."""
    deployments = Deployments(backend)
    return [
        *deployments.endpoints(),
        *Leases(backend, deployments).endpoints(),
        *DeploymentSettings(backend).endpoints(),
        *AccountApi(backend).endpoints(),
        *Screening(backend).endpoints(),
        *shared(backend),
    ]


def shared(backend: Backend) -> list[Endpoint]:
    """Routes that no generation changes."""
    parts = (
        ProviderRecords(backend),
        Gpus(backend),
        Prices(backend),
        Templates(backend),
        Blocks(backend),
        Forecasts(backend),
        Usage(backend),
        LeaseDurations(backend),
        PublicDeployments(backend),
        Alerts(backend),
    )
    return [endpoint for part in parts for endpoint in part.endpoints()]
