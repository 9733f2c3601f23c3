"""Deployments that run already: for tests whose point is not how they came to be."""

from __future__ import annotations

from decimal import Decimal

from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.sdl import check

DEPOSIT = 2_000_000
"""uact: $2.00."""
PRICE = Decimal(10)
"""uact per block: $0.0059 an hour."""
STARTED = 30.0
"""Simulated seconds after which what the embedded images hold has started and listens."""


def run_workload(network: EmbeddedNetwork, sdl: str, *, provider: str | None = None) -> str:
    """The dseq of a deployment of the account, leased and started at `provider` or the first one.

    The chain's own transactions and the provider's own handling of a manifest made it, and our server did not: it is
    in no journal, and no budget holds anything for it.
    """
    provider = provider or next(iter(network.chain.providers))
    report = check(sdl)
    assert report.manifest is not None
    assert report.manifest_sha256 is not None
    dseq = str(int(network.clock.now() * 1000))
    deployment = transactions.create_deployment(
        network.chain,
        network.owner,
        dseq,
        groups=report.groups,
        version=bytes.fromhex(report.manifest_sha256),
        deposit_uact=DEPOSIT,
    )
    chosen = []
    for gseq, _ in enumerate(report.groups, start=1):
        transactions.create_bid(network.chain, deployment, provider=provider, gseq=gseq, price=PRICE)
        chosen.append(LeaseId(Dseq(dseq), gseq, 1, ProviderAddress(provider)))
    transactions.create_leases(network.chain, network.owner, chosen)
    network.deliver(provider, dseq, report.manifest.encode())
    network.clock.skip(STARTED)
    return dseq
