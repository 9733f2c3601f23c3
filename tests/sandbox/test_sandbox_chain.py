"""The embedded chain: deposits, bids, leases and escrow, block by block."""

from __future__ import annotations

from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.sandbox import escrow, transactions
from akash_mcp.sandbox.chain import Account, Chain, Deployment, Lease
from akash_mcp.sandbox.clock import GENESIS_HEIGHT, Clock
from akash_mcp.sandbox.transactions import ChainError
from akash_mcp.sdl import GroupSpec

OWNER = "akash1owner"
BLOCK = 6.098


def group(name: str) -> GroupSpec:
    return GroupSpec(name=name, attributes=(), all_of=(), any_of=(), resources=())


def new_chain(allowance: int = 10_000_000) -> Chain:
    chain = Chain(Clock(monotonic=lambda: 0.0, wall=lambda: 1_763_700_000.0))
    chain.accounts[OWNER] = Account(OWNER, ec.generate_private_key(ec.SECP256K1()), allowance)
    return chain


def deploy(chain: Chain, *, uact: int = 5_000_000, groups: int = 1, dseq: str = "1") -> Deployment:
    specs = tuple(group(f"g{n}") for n in range(groups))
    return transactions.create_deployment(
        chain, OWNER, dseq, groups=specs, version=b"\0" * 32, deposit_uact=uact
    )


def bid(chain: Chain, deployment: Deployment, provider: str, *, price: str = "100", gseq: int = 1) -> LeaseId:
    transactions.create_bid(chain, deployment, provider=provider, gseq=gseq, price=Decimal(price))
    return LeaseId(Dseq(deployment.dseq), gseq, 1, ProviderAddress(provider))


def lease(chain: Chain, deployment: Deployment, price: str = "100") -> Lease:
    return transactions.create_leases(chain, OWNER, [bid(chain, deployment, "akash1p", price=price)])[0]


def pass_blocks(chain: Chain, blocks: int) -> None:
    chain.clock.skip(chain.clock.elapsed_at(chain.clock.height() + blocks) - chain.clock.elapsed())
    chain.schedule.catch_up()


def test_a_deposit_leaves_the_grant() -> None:
    chain = new_chain(allowance=10_000_000)
    deployment = deploy(chain, uact=4_000_000)
    assert chain.accounts[OWNER].allowance_uact == 6_000_000
    assert deployment.escrow.deposits == [(GENESIS_HEIGHT, Decimal(4_000_000))]


def test_a_deposit_below_the_minimum_is_refused() -> None:
    with pytest.raises(ChainError, match="Deposit too low"):
        deploy(new_chain(), uact=499_999)


def test_a_grant_smaller_than_the_deposit_is_refused_and_untouched() -> None:
    chain = new_chain(allowance=600_000)
    with pytest.raises(ChainError, match="insufficient balance"):
        deploy(chain, uact=700_000)
    assert chain.accounts[OWNER].allowance_uact == 600_000
    assert not chain.deployments


def test_a_dseq_is_taken_once() -> None:
    chain = new_chain()
    deploy(chain, uact=500_000)
    with pytest.raises(ChainError, match="Deployment exists"):
        deploy(chain, uact=500_000)


def test_a_bid_closes_after_five_minutes() -> None:
    chain = new_chain()
    deployment = deploy(chain)
    bid(chain, deployment, "akash1p")
    chain.clock.skip(299)
    chain.schedule.catch_up()
    assert [b.state for b in deployment.bids] == ["open"]
    chain.clock.skip(2)
    chain.schedule.catch_up()
    assert [b.state for b in deployment.bids] == ["closed"]
    assert deployment.state == "active"


def test_a_lease_makes_its_bid_active_and_loses_the_others() -> None:
    chain = new_chain()
    deployment = deploy(chain)
    bid(chain, deployment, "akash1loser")
    chosen = bid(chain, deployment, "akash1winner")
    transactions.create_leases(chain, OWNER, [chosen])
    assert {b.provider: b.state for b in deployment.bids} == {"akash1loser": "lost", "akash1winner": "active"}


def test_one_closed_bid_refuses_all_leases_of_the_transaction() -> None:
    chain = new_chain()
    deployment = deploy(chain, groups=2)
    early = bid(chain, deployment, "akash1early", gseq=1)
    chain.clock.skip(200)
    late = bid(chain, deployment, "akash1late", gseq=2)
    chain.clock.skip(150)
    chain.schedule.catch_up()
    with pytest.raises(ChainError, match="message index: 1: bid not open"):
        transactions.create_leases(chain, OWNER, [late, early])
    assert deployment.leases == []


def test_an_order_is_matched_once() -> None:
    chain = new_chain()
    deployment = deploy(chain)
    first, second = bid(chain, deployment, "akash1a"), bid(chain, deployment, "akash1b")
    transactions.create_leases(chain, OWNER, [first])
    with pytest.raises(ChainError, match="order not open"):
        transactions.create_leases(chain, OWNER, [second])


def test_rent_accrues_unseen_until_it_is_settled() -> None:
    chain = new_chain()
    deployment = deploy(chain, uact=5_000_000)
    lease(chain, deployment, price="100")
    pass_blocks(chain, 50)
    assert deployment.escrow.funds == 5_000_000
    assert escrow.accrued(deployment, chain.height) == 5_000


def test_a_deposit_does_not_settle() -> None:
    chain = new_chain()
    deployment = deploy(chain, uact=5_000_000)
    lease(chain, deployment)
    pass_blocks(chain, 50)
    transactions.deposit(chain, OWNER, "1", uact=1_000_000)
    assert deployment.escrow.funds == 6_000_000
    assert deployment.escrow.settled_height == GENESIS_HEIGHT


def test_closing_settles_and_gives_the_rest_back() -> None:
    chain = new_chain(allowance=10_000_000)
    deployment = deploy(chain, uact=5_000_000)
    leased = lease(chain, deployment, price="100")
    pass_blocks(chain, 50)
    transactions.close_deployment(chain, OWNER, "1")
    assert chain.accounts[OWNER].allowance_uact == 10_000_000 - 50 * 100
    assert (leased.state, leased.reason) == ("closed", "lease_closed_owner")
    assert (deployment.escrow.transferred, deployment.escrow.state) == (Decimal(5_000), "closed")


def test_a_closed_deployment_takes_nothing_more() -> None:
    chain = new_chain()
    deploy(chain)
    transactions.close_deployment(chain, OWNER, "1")
    with pytest.raises(ChainError, match="Deployment closed"):
        transactions.close_deployment(chain, OWNER, "1")
    with pytest.raises(ChainError, match="Deployment closed"):
        transactions.deposit(chain, OWNER, "1", uact=1)
    with pytest.raises(ChainError, match="Deployment closed"):
        transactions.update_deployment(chain, OWNER, "1", version=b"\1" * 32)


def test_escrow_that_runs_dry_ends_the_lease_and_the_deployment() -> None:
    chain = new_chain()
    deployment = deploy(chain, uact=500_000)
    leased = lease(chain, deployment, price="100")
    ended: list[str] = []
    chain.on_lease_closed.append(lambda owner, closed: ended.append(closed.provider))
    pass_blocks(chain, 5_000)
    assert leased.state == "active"
    pass_blocks(chain, 1)
    assert (leased.state, leased.reason) == ("insufficient_funds", "lease_closed_reason_insufficient_funds")
    assert (deployment.state, deployment.escrow.state) == ("closed", "overdrawn")
    assert deployment.escrow.funds == 0
    assert ended == ["akash1p"]


def test_a_deposit_puts_the_end_off() -> None:
    chain = new_chain()
    deployment = deploy(chain, uact=500_000)
    leased = lease(chain, deployment, price="100")
    transactions.deposit(chain, OWNER, "1", uact=100_000)
    pass_blocks(chain, 6_000)
    assert leased.state == "active"
    pass_blocks(chain, 1)
    assert leased.closed_height == GENESIS_HEIGHT + 6_001


def test_a_day_that_nobody_watched_was_the_same_day() -> None:
    chain = new_chain()
    deployment = deploy(chain, uact=500_000)
    leased = lease(chain, deployment, price="100")
    chain.clock.skip(86_400)
    assert chain.deployment(OWNER, "1") is deployment
    assert leased.closed_height == GENESIS_HEIGHT + 5_001
    assert deployment.escrow.transferred == 500_000


def test_a_provider_that_gives_up_leaves_the_deployment_open() -> None:
    chain = new_chain()
    deployment = deploy(chain)
    leased = lease(chain, deployment)
    pass_blocks(chain, 10)
    transactions.close_lease(chain, OWNER, leased, reason="lease_closed_reason_manifest_timeout")
    pass_blocks(chain, 10)
    assert (leased.state, deployment.state) == ("closed", "active")
    assert escrow.accrued(deployment, chain.height) == 0
    assert deployment.escrow.transferred == 1_000


@given(
    price=st.decimals(min_value="0.000000000000000001", max_value="5000", places=18),
    blocks=st.lists(st.integers(min_value=0, max_value=3_000), max_size=6),
    deposits=st.lists(st.integers(min_value=1, max_value=2_000_000), max_size=3),
)
def test_money_is_never_made_or_lost(price: Decimal, blocks: list[int], deposits: list[int]) -> None:
    chain = new_chain(allowance=20_000_000)
    deployment = deploy(chain, uact=1_000_000)
    lease(chain, deployment, price=str(price))
    for step, count in enumerate(blocks):
        pass_blocks(chain, count)
        if step < len(deposits) and deployment.state == "active":
            transactions.deposit(chain, OWNER, "1", uact=deposits[step])
    if deployment.state == "active":
        transactions.close_deployment(chain, OWNER, "1")
    left = chain.accounts[OWNER].allowance_uact + deployment.escrow.funds + deployment.escrow.transferred
    # A refund is in whole uact, so that less than one stays behind.
    assert 20_000_000 - 1 < left <= 20_000_000
    assert deployment.escrow.transferred >= 0
