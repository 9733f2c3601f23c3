"""What every handler of the Console works with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from akash_mcp.sandbox.chain import Account, Chain, Deployment
from akash_mcp.sandbox.console.funding import Funding
from akash_mcp.sandbox.console.keyring import Keyring
from akash_mcp.sandbox.console.provider_proxy import ProviderProxy
from akash_mcp.sandbox.console.responses import Problem
from akash_mcp.sandbox.console.runtime_limits import RuntimeLimits
from akash_mcp.sandbox.console.signer import Signer
from akash_mcp.sandbox.console.stale_cache import Replicas
from akash_mcp.sandbox.faults import Faults
from akash_mcp.sandbox.sellers import Seller

Generation: TypeAlias = Literal["2025", "reference", "2026-11"]
"""Which Console: that of its first references, that of its August 2026 source, or that of its autumn documentation."""


@dataclass(frozen=True)
class Backend:
    """One user with a managed wallet, on one chain. `market`: what is known of each provider, by address."""

    chain: Chain
    account: Account
    user_id: str
    market: Mapping[str, Seller]
    faults: Faults
    signer: Signer
    proxy: ProviderProxy
    funding: Funding
    replicas: Replicas
    limits: RuntimeLimits
    keyring: Keyring
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    generation: Generation = "reference"
    trial: bool = False
    organizations: bool = False

    def deployment(self, dseq: str) -> Deployment:
        """The user's deployment. Raises `Problem` 404, for other accounts' deployments too."""
        deployment = self.chain.deployment(self.account.address, dseq)
        if deployment is None:
            raise Problem(404, "Deployment not found")
        return deployment
