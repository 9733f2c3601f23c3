"""What every handler of the Console works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akash_mcp.sandbox.chain import Account, Chain, Deployment
from akash_mcp.sandbox.console.answers import Problem
from akash_mcp.sandbox.console.funding import Funding
from akash_mcp.sandbox.console.gateways import ProviderProxy
from akash_mcp.sandbox.console.signer import Signer
from akash_mcp.sandbox.faults import Faults
from akash_mcp.sandbox.market import Seller


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

    def deployment(self, dseq: str) -> Deployment:
        """The user's deployment. Raises `Problem` 404, for other accounts' deployments too."""
        deployment = self.chain.deployment(self.account.address, dseq)
        if deployment is None:
            raise Problem(404, "Deployment not found")
        return deployment
