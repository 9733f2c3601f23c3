"""The last lock before money flows: each of its refusals holds alone, and nothing is leased then."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from scripted_console import (
    BIDS,
    CREATE,
    DSEQ,
    GET_SETTINGS,
    LAUNCH,
    LEASE,
    MANIFEST,
    OTHER,
    PROVIDER,
    READ,
    SET,
    Guarded,
    Told,
    approved,
    bid,
    deployment,
    guarded,
    lease,
    refusal,
    settings,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import BadArgument, LedgerUnusable, OverBudget, Refused
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.permits.bounds import Bound
from akash_mcp.guard.permits.lease_permit import Choice, LeasePermit, OfferGone, lease_ids
from akash_mcp.guard.plans.plans import LeasePlan
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import LeaseId, ProviderAddress
from akash_mcp.money import Usd, usd_per_hour, usd_per_hour_at_most

pytestmark = pytest.mark.anyio

RATE = usd_per_hour(1000)
"""What the chosen offer costs: exactly what is approved."""


def choice(provider: ProviderAddress = PROVIDER, price: object = 1000, *, gseq: int = 1) -> Choice:
    return Choice(gseq=gseq, oseq=1, provider=provider, price_uact_per_block=Decimal(str(price)))


@asynccontextmanager
async def created(
    folder: Path,
    *,
    policy: Policy | None = None,
    rate: Usd = RATE,
    deposit: Usd = LAUNCH.deposit,
    hours: int | None = None,
) -> AsyncIterator[tuple[Guarded, LeasePermit]]:
    """A deployment that waits for its lease. With `hours` the Console funds it by itself, so long at most."""
    plan = dataclasses.replace(LAUNCH, max_usd_per_hour=rate, deposit=deposit, runtime_limit_hours=hours)
    generation = Generation.REFERENCE if hours is None else Generation.V2026_11
    async with guarded(folder, policy=policy, generation=generation) as guard:
        permit = await guard.gate.launch(plan, approved(plan))
        await permit.create()
        guard.console.on(GET_SETTINGS, (200, settings(top_up=hours is not None, hours=hours)))
        yield guard, permit.leasing(DSEQ)


async def refused(guard: Guarded, permit: LeasePermit, *choices: Choice) -> str:
    """Why it is refused; nothing was leased."""
    with pytest.raises(Refused) as no:
        await permit.lease(choices or [choice()])
    assert not guard.console.sent(LEASE)
    return no.value.what


def leased(*leases: dict[str, Any]) -> Told:
    """What the Console tells of a deployment with these leases."""
    return 200, deployment(leases=leases)


async def test_what_was_approved_is_leased(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        assert await permit.lease([choice()]) == Bound(escrow=Usd(2), held=Usd(2), hours=None)
        [request] = guard.console.sent(LEASE)
        assert request.body == {
            "manifest": MANIFEST,
            "leases": [{"dseq": DSEQ, "gseq": 1, "oseq": 1, "provider": PROVIDER}],
        }
        operation = guard.operation(permit.op_id)
        assert (operation.state, operation.note) == (State.LEASED, PROVIDER)


async def test_it_is_bounded_and_read_back_before_and_after(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        await permit.lease([choice()])
        order = [request.route for request in guard.console.requests]
        assert order == [CREATE, SET, GET_SETTINGS, READ, BIDS, LEASE, READ]
        assert guard.console.sent(SET)[0].body == {"data": {"autoTopUpEnabled": False}}


async def test_a_rate_over_the_approved_is_refused(tmp_path: Path) -> None:
    async with created(tmp_path, rate=usd_per_hour("999.999999")) as (guard, permit):
        assert "over the approved" in await refused(guard, permit)


async def test_all_groups_count_towards_the_rate(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price=600), bid(OTHER, 600, gseq=2)]))
        guard.console.on(LEASE, leased(lease(price=600)))
        two = choice(price=600), choice(OTHER, 600, gseq=2)
        assert "together, over the approved" in await refused(guard, permit, *two)
        await permit.lease(two[:1])


async def test_a_rate_over_the_users_limit_is_refused_whatever_was_approved(tmp_path: Path) -> None:
    lower = Policy(max_usd_per_hour=usd_per_hour("999.999999"))
    async with created(tmp_path) as (guard, permit):
        limited = dataclasses.replace(permit._operation, policy=lower)
        assert "over the user's limit" in await refused(guard, LeasePermit(limited, DSEQ, RATE))


async def test_what_was_planned_under_a_higher_limit_of_the_rate_is_not_begun(tmp_path: Path) -> None:
    limit = LAUNCH.max_usd_per_hour - Usd("0.000001")
    policy = Policy(max_usd_per_hour=limit)
    async with guarded(tmp_path, policy=policy) as guard:
        with pytest.raises(OverBudget, match="an hour is over the user's limit"):
            await guard.gate.launch(LAUNCH, approved(LAUNCH))
        [(kind, state, note)] = guard.written()
        assert (kind, state) == ("launch", "refused")
        assert "over the user's limit" in note
        assert guard.ledger.status().own.committed.held == Usd(0)
        await guard.created(dataclasses.replace(LAUNCH, max_usd_per_hour=limit))
        plan = LeasePlan(
            tool="create_lease", dseq=DSEQ, providers=(PROVIDER,), max_usd_per_hour=LAUNCH.max_usd_per_hour
        )
        with pytest.raises(OverBudget, match="an hour is over the user's limit"):
            await guard.gate.lease(plan, approved(plan))
        assert not guard.console.sent(LEASE)


async def test_a_denied_provider_is_refused(tmp_path: Path) -> None:
    async with created(tmp_path, policy=Policy(denied_providers=frozenset({PROVIDER}))) as (guard, permit):
        assert "does not allow provider akash1aaa" in await refused(guard, permit)


async def test_a_provider_that_the_approval_leaves_out_is_refused(tmp_path: Path) -> None:
    plan = dataclasses.replace(LAUNCH, excluded=(PROVIDER,))
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(plan, approved(plan))
        await permit.create()
        guard.console.on(GET_SETTINGS, (200, settings(top_up=False)))
        said = await refused(guard, permit.leasing(DSEQ))
    assert "leaves out provider akash1aaa" in said


async def test_a_denied_provider_is_refused_also_where_it_is_allowed(tmp_path: Path) -> None:
    both = frozenset({PROVIDER})
    policy = Policy(denied_providers=both, allowed_providers=both)
    async with created(tmp_path, policy=policy) as (guard, permit):
        assert "does not allow provider akash1aaa" in await refused(guard, permit)


async def test_a_provider_that_is_not_allowed_is_refused(tmp_path: Path) -> None:
    async with created(tmp_path, policy=Policy(allowed_providers=frozenset({OTHER}))) as (guard, permit):
        assert "does not allow provider akash1aaa" in await refused(guard, permit)
        guard.console.on(BIDS, (200, [bid(OTHER)]))
        guard.console.on(READ, (200, deployment()), leased(lease(OTHER)))
        guard.console.on(LEASE, leased(lease(OTHER)))
        await permit.lease([choice(OTHER)])


async def test_the_second_of_two_providers_is_looked_at_too(tmp_path: Path) -> None:
    policy = Policy(denied_providers=frozenset({OTHER}))
    async with created(tmp_path, policy=policy, rate=Usd(5)) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(), bid(OTHER, gseq=2)]))
        assert "akash1bbb" in await refused(guard, permit, choice(), choice(OTHER, gseq=2))


async def test_more_hours_than_what_is_held_pays_for_are_refused(tmp_path: Path) -> None:
    # 6100 uact a block are $3.66 in an hour of 600 blocks.
    rate = usd_per_hour(6100)
    assert usd_per_hour_at_most(6100) * 2 == Usd("7.32")
    async with created(tmp_path, rate=rate, deposit=Usd("7.319999"), hours=2) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price=6100)]))
        assert "2 hours at up to $3.66 an hour are more than" in await refused(
            guard, permit, choice(price=6100)
        )


async def test_as_many_hours_as_what_is_held_pays_for_are_leased(tmp_path: Path) -> None:
    async with created(tmp_path, rate=usd_per_hour(6100), deposit=Usd("7.32"), hours=2) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price=6100)]))
        guard.console.on(READ, (200, deployment()), leased(lease(price=6100)))
        bound = await permit.lease([choice(price=6100)])
        assert bound == Bound(escrow=Usd(2), held=Usd("7.32"), hours=2)


async def test_an_offer_that_became_dearer_is_refused(tmp_path: Path) -> None:
    async with created(tmp_path, rate=Usd(5)) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price="1000.000001")]))
        assert "became dearer" in await refused(guard, permit)


@pytest.mark.parametrize("prices", [(1000, 1001), (1001, 1000)])
async def test_of_two_offers_that_a_lease_cannot_tell_apart_the_dearer_counts(
    prices: tuple[int, int], tmp_path: Path
) -> None:
    async with created(tmp_path, rate=Usd(5)) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price=price) for price in prices]))
        assert "became dearer" in await refused(guard, permit)
        with pytest.raises(OfferGone) as gone:
            await permit.lease([choice()])
        assert gone.value.providers == {PROVIDER}, "it would be so the next time too"
        await permit.lease([choice(price=1001)])


@pytest.mark.parametrize("first", [True, False])
async def test_of_two_offers_that_a_lease_cannot_tell_apart_neither_is_without_a_price(
    first: bool, tmp_path: Path
) -> None:
    async with created(tmp_path) as (guard, permit):
        bids = [bid(price=1, denom="uakt"), bid()]
        guard.console.on(BIDS, (200, bids if first else bids[::-1]))
        assert "no price in dollars" in await refused(guard, permit)


async def test_an_offer_that_became_cheaper_is_leased(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price=999)]))
        await permit.lease([choice()])
        assert guard.console.sent(LEASE)


GONE = {
    "withdrawn": [],
    "closed": [bid(state="closed")],
    "another provider's": [bid(OTHER)],
    "for another group": [bid(gseq=2)],
    "for another order": [bid(oseq=2)],
}


@pytest.mark.parametrize("bids", GONE.values(), ids=GONE)
async def test_an_offer_that_is_gone_is_refused(bids: list[object], tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(BIDS, (200, bids))
        assert "no longer open" in await refused(guard, permit)


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "sNaN", "Infinity", "-Infinity", "1E+400"])
async def test_an_offer_without_a_price_is_refused(price: str, tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        assert "no price that can be judged" in await refused(guard, permit, choice(price=price))


async def test_the_smallest_price_is_a_price(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price="0.000001")]))
        await permit.lease([choice(price="0.000001")])
        assert guard.console.sent(LEASE)


async def test_an_offer_without_a_price_does_not_hide_behind_another(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(), bid(OTHER, 0, gseq=2)]))
        two = choice(), choice(OTHER, 0, gseq=2)
        assert "akash1bbb has no price" in await refused(guard, permit, *two)


@pytest.mark.parametrize("price", [None, "0", "-1"])
async def test_an_offer_that_has_no_price_any_more_is_not_taken_for_a_cheaper_one(
    price: str | None, tmp_path: Path
) -> None:
    async with created(tmp_path) as (guard, permit):
        unpriced = bid()
        unpriced["bid"]["price"]["amount"] = price
        guard.console.on(BIDS, (200, [unpriced]))
        assert "no price in dollars" in await refused(guard, permit)


async def test_a_price_that_is_not_in_dollars_any_more_is_refused(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price=1, denom="uakt")]))
        assert "no price in dollars" in await refused(guard, permit)


async def test_a_deployment_that_is_closed_is_not_leased(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.journal.mark_closed(DSEQ, "proven closed")
        with pytest.raises(BadArgument, match="is closed, or was not created by this server"):
            await permit.lease([choice()])
        assert not guard.console.sent(LEASE)


async def test_a_ledger_that_cannot_be_written_stops_it_before_the_request(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):

        def broken() -> Told:
            guard.damage()
            return 200, [bid()]

        guard.console.on(BIDS, broken)
        with pytest.raises(LedgerUnusable):
            await permit.lease([choice()])
        assert not guard.console.sent(LEASE)


async def test_from_whom_it_leases_is_written_down_before_the_request(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        written: list[tuple[State, str]] = []

        def answer() -> Told:
            operation = guard.operation(permit.op_id)
            written.append((operation.state, operation.note))
            return leased(lease())

        guard.console.on(LEASE, answer)
        await permit.lease([choice()])
        assert written == [(State.OFFERED, f"leasing from {PROVIDER}")]


async def test_a_lease_that_is_refused_keeps_the_deposit_held(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, refusal(400, "The selected bid is no longer open"))
        guard.console.on(READ, (200, deployment()))
        with pytest.raises(OfferGone):
            await permit.lease([choice()])
        assert guard.ledger.held(DSEQ) == LAUNCH.deposit
        operation = guard.operation(permit.op_id)
        assert operation.state is State.OFFERED
        assert "no longer open" in operation.note


async def test_how_far_it_came_is_written_down(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        await permit.advance(State.READY, "it runs")
        operation = guard.operation(permit.op_id)
        assert (operation.state, operation.note) == (State.READY, "it runs")


async def test_a_ledger_that_fails_later_does_not_stop_what_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.damage()
        await permit.advance(State.READY, "it runs")
    assert "could not be written down" in caplog.text


def test_leases_are_named_after_their_offers() -> None:
    named = lease_ids(DSEQ, [choice(), choice(OTHER, gseq=2)])
    assert named == [LeaseId(DSEQ, 1, 1, PROVIDER), LeaseId(DSEQ, 2, 1, OTHER)]
