"""What a wallet that has never been paid for may not do (akash-network/console `TrialValidationService`).

Its bids hide the GPUs it may not have, a create closes whatever else of its waits for a lease, and a lease ends
with its deployment after 24 hours. Nothing of that tells on an account that has paid once.
"""

from __future__ import annotations

from functools import partial

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.chain import Account, Bid, Chain, Deployment, Lease
from akash_mcp.sandbox.console.responses import Problem
from akash_mcp.sandbox.console.signer import Signer
from akash_mcp.sandbox.sellers import Gpu, Seller
from akash_mcp.sdl import GroupSpec

BLOCKED = frozenset(
    {"b300", "b200", "h200", "h100", "pro6000se", "pro6000we", "a100", "rtx5090", "rtx4090", "rtx3090"}
)
"""Models of nvidia's that a trial may not have."""

LIFETIME_SECONDS = 24 * 3600


def refuse_groups(groups: tuple[GroupSpec, ...]) -> None:
    """Refuse an SDL that names a blocked GPU. One that names only the vendor passes. Raises `Problem` 400."""
    for group in groups:
        for unit in group.resources:
            for attribute in unit.gpu_attributes if unit.gpu else ():
                vendor, _, rest = attribute.key.removeprefix("vendor/").partition("/model/")
                model = rest.split("/")[0]
                if vendor == "nvidia" and model in BLOCKED:
                    raise Problem(400, f"Invalid SDL: {_not_on_trial(vendor, model)}")


def hides(seller: Seller, group: GroupSpec) -> bool:
    """Whether a bid is kept from a trial: its offer holds a blocked GPU."""
    return seller.gpu is not None and _blocked(seller.gpu) and any(unit.gpu for unit in group.resources)


def refuse_bid(deployment: Deployment | None, seller: Seller, *, dseq: str, gseq: int, oseq: int) -> None:
    """Refuse a lease on a bid that is not there (403) or offers a blocked GPU (402). Raises `Problem`."""
    provider = seller.provider.owner
    bids: list[Bid] = deployment.bids if deployment else []
    wanted = (provider, gseq, oseq)
    if deployment is None or wanted not in [(bid.provider, bid.gseq, bid.oseq) for bid in bids]:
        name = f"dseq={dseq}, gseq={gseq}, oseq={oseq}, provider={provider}, bseq=0"
        raise Problem(403, f"Referenced lease bid not found: {name}")
    if seller.gpu and hides(seller, deployment.groups[gseq - 1]):
        raise Problem(402, _not_on_trial(seller.gpu.vendor, seller.gpu.model))


async def close_unleased(chain: Chain, account: Account, signer: Signer) -> None:
    """Close every deployment that has no lease yet, of whatever age."""
    for deployment in chain.deployments_of(account.address):
        if deployment.state == "active" and not deployment.leases:
            await signer.land("close-deployment", deployment.dseq, partial(_close, chain, deployment))


def end_leases_after_a_day(chain: Chain, account: Account) -> None:
    """From now on, close what the account leases 24 hours after its lease."""

    def leased(owner: str, lease: Lease) -> None:
        if owner == account.address:
            deployment = chain.deployments[owner, lease.dseq]
            chain.schedule.after(LIFETIME_SECONDS, lambda: _close_and_record(chain, deployment))

    chain.on_lease_created.append(leased)


def _close(chain: Chain, deployment: Deployment) -> None:
    if deployment.state == "active":
        transactions.close_deployment(chain, deployment.owner, deployment.dseq)


def _close_and_record(chain: Chain, deployment: Deployment) -> None:
    if deployment.state == "active":
        _close(chain, deployment)
        chain.record("close-deployment", deployment.owner, deployment.dseq)


def _blocked(gpu: Gpu) -> bool:
    return gpu.vendor == "nvidia" and gpu.model in BLOCKED


def _not_on_trial(vendor: str, model: str) -> str:
    return (
        f"{vendor.capitalize()} {model.upper()} not available on free trial: Add funds to unlock GPU access"
    )
