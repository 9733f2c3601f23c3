"""What changes the embedded chain: one function a message, each of them whole or refused.

The texts of refusals are fragments of what a node logs (akash-network/node x/deployment, x/market, x/escrow);
the Console finds its own answers by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from akash_mcp.ids import LeaseId
from akash_mcp.sandbox import escrow
from akash_mcp.sandbox.chain import Account, Bid, Chain, Deployment, Escrow, Lease
from akash_mcp.sdl import GroupSpec

BID_LIFETIME_SECONDS = 300


class ChainError(Exception):
    """A transaction that the chain refuses. The text is what a node would log."""

    def __init__(self, reason: str, *, message_index: int = 0) -> None:
        super().__init__(f"failed to execute message; message index: {message_index}: {reason}")


def create_deployment(
    chain: Chain, owner: str, dseq: str, *, groups: tuple[GroupSpec, ...], version: bytes, deposit_uact: int
) -> Deployment:
    """`MsgCreateDeployment`: takes the deposit from the owner's grant and opens one order for each group.

    Raises `ChainError`: the dseq is taken, the deposit is below the chain's minimum or above the grant.
    """
    if (owner, dseq) in chain.deployments:
        raise ChainError("Deployment exists")
    if deposit_uact < chain.min_deposit_uact:
        raise ChainError("Deposit too low")
    _take(chain.accounts[owner], deposit_uact)
    height = chain.height
    money = Decimal(deposit_uact)
    deployment = Deployment(
        owner=owner,
        dseq=dseq,
        version=version,
        groups=groups,
        created_height=height,
        escrow=Escrow(funds=money, transferred=Decimal(0), settled_height=height, deposits=[(height, money)]),
    )
    chain.deployments[owner, dseq] = deployment
    for notify in chain.on_order:
        notify(deployment)
    return deployment


def update_deployment(chain: Chain, owner: str, dseq: str, *, version: bytes) -> None:
    """`MsgUpdateDeployment`: another manifest hash. Groups, resources and prices never change."""
    _open_deployment(chain, owner, dseq).version = version


def deposit(chain: Chain, owner: str, dseq: str, *, uact: int) -> None:
    """`MsgAccountDeposit`: more money into the escrow, which is not settled by it."""
    deployment = _open_deployment(chain, owner, dseq)
    if uact <= 0:
        raise ChainError("invalid deposit: the amount is not positive")
    _take(chain.accounts[owner], uact)
    deployment.escrow.funds += uact
    deployment.escrow.deposits.append((chain.height, Decimal(uact)))


def close_deployment(chain: Chain, owner: str, dseq: str) -> None:
    """`MsgCloseDeployment`: settles, ends leases and bids, and gives what is left back to the grant."""
    deployment = _open_deployment(chain, owner, dseq)
    if not escrow.settle(deployment, chain.height):
        _overdraw(chain, deployment)
        return
    _end_leases(chain, deployment, state="closed", reason="lease_closed_owner")
    _end(chain, deployment)
    chain.accounts[owner].allowance_uact += int(deployment.escrow.funds)
    deployment.escrow.funds = Decimal(0)
    deployment.escrow.state = "closed"


def create_bid(
    chain: Chain,
    deployment: Deployment,
    *,
    provider: str,
    gseq: int,
    price: Decimal,
    lifetime: float = BID_LIFETIME_SECONDS,
) -> Bid | None:
    """`MsgCreateBid`, which closes by itself after `lifetime`. None when the order is not open any more."""
    if deployment.state == "closed" or any(lease.gseq == gseq for lease in deployment.leases):
        return None
    bid = Bid(provider=provider, gseq=gseq, oseq=1, price=price, created_height=chain.height)
    deployment.bids.append(bid)
    chain.schedule.after(lifetime, lambda: _expire(bid))
    return bid


def create_leases(chain: Chain, owner: str, chosen: Sequence[LeaseId]) -> list[Lease]:
    """One `MsgCreateLease` for each choice in one transaction: one bad bid refuses them all."""
    picks = [_pick(chain, owner, index, choice) for index, choice in enumerate(chosen)]
    leases = []
    for deployment, winner in picks:
        escrow.settle(deployment, chain.height)
        lease = Lease(
            dseq=deployment.dseq,
            gseq=winner.gseq,
            oseq=winner.oseq,
            provider=winner.provider,
            price=winner.price,
            created_height=chain.height,
        )
        deployment.leases.append(lease)
        leases.append(lease)
        for bid in deployment.bids:
            if bid.gseq == winner.gseq and bid.state == "open":
                bid.state = "active" if bid is winner else "lost"
    for deployment in {id(deployment): deployment for deployment, _ in picks}.values():
        _watch(chain, deployment)
    for lease in leases:
        for notify in chain.on_lease_created:
            notify(owner, lease)
    return leases


def close_lease(chain: Chain, owner: str, lease: Lease, *, reason: str) -> None:
    """`MsgCloseBid` of a provider: the lease ends; the deployment stays open, with its money and no order."""
    deployment = chain.deployments[owner, lease.dseq]
    if lease.state != "active":
        return
    if not escrow.settle(deployment, chain.height):
        _overdraw(chain, deployment)
        return
    _end_lease(chain, owner, lease, state="closed", reason=reason)
    for bid in deployment.bids:
        if (bid.gseq, bid.provider) == (lease.gseq, lease.provider) and bid.state == "active":
            bid.state = "closed"


def _take(account: Account, uact: int) -> None:
    if account.allowance_uact < uact:
        raise ChainError("insufficient balance: the grant is smaller than the deposit")
    account.allowance_uact -= uact


def _open_deployment(chain: Chain, owner: str, dseq: str) -> Deployment:
    deployment = chain.deployments.get((owner, dseq))
    if deployment is None:
        raise ChainError("Deployment not found")
    if deployment.state == "closed":
        raise ChainError("Deployment closed")
    return deployment


def _pick(chain: Chain, owner: str, index: int, choice: LeaseId) -> tuple[Deployment, Bid]:
    deployment = chain.deployments.get((owner, choice.dseq))
    bids = deployment.bids if deployment else []
    asked = (choice.gseq, choice.oseq, choice.provider)
    bid = next((b for b in bids if (b.gseq, b.oseq, b.provider) == asked), None)
    if deployment is None or bid is None:
        raise ChainError("unknown bid", message_index=index)
    if deployment.state == "closed" or any(lease.gseq == choice.gseq for lease in deployment.leases):
        raise ChainError("order not open", message_index=index)
    if bid.state != "open":
        raise ChainError("bid not open", message_index=index)
    return deployment, bid


def _expire(bid: Bid) -> None:
    if bid.state == "open":
        bid.state = "closed"


def _watch(chain: Chain, deployment: Deployment) -> None:
    """Plan the moment at which the escrow runs dry; a deposit in between only moves it."""
    height = escrow.dry_height(deployment)
    if height is not None:
        chain.schedule.at(chain.clock.elapsed_at(height), lambda: _when_dry(chain, deployment))


def _when_dry(chain: Chain, deployment: Deployment) -> None:
    due = escrow.dry_height(deployment)
    if due is None or deployment.state == "closed":
        return
    if chain.height < due:
        _watch(chain, deployment)
        return
    escrow.settle(deployment, due)
    _overdraw(chain, deployment)


def _overdraw(chain: Chain, deployment: Deployment) -> None:
    _end_leases(
        chain, deployment, state="insufficient_funds", reason="lease_closed_reason_insufficient_funds"
    )
    _end(chain, deployment)
    deployment.escrow.state = "overdrawn"


def _end(chain: Chain, deployment: Deployment) -> None:
    deployment.state = "closed"
    deployment.closed_height = chain.height
    for bid in deployment.bids:
        if bid.state in ("open", "active"):
            bid.state = "closed"


def _end_leases(chain: Chain, deployment: Deployment, *, state: str, reason: str) -> None:
    for lease in deployment.active_leases:
        _end_lease(chain, deployment.owner, lease, state=state, reason=reason)


def _end_lease(chain: Chain, owner: str, lease: Lease, *, state: str, reason: str) -> None:
    lease.state = "insufficient_funds" if state == "insufficient_funds" else "closed"
    lease.closed_height = chain.height
    lease.reason = reason
    for notify in chain.on_lease_closed:
        notify(owner, lease)
