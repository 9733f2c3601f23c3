"""The last lock before money flows: each of its refusals holds alone, and nothing is leased then."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

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
    SET,
    Guarded,
    approved,
    bid,
    deployment,
    guarded,
    lease,
    refusal,
    settings,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import BadArgument, BadRequest, OutcomeUnknown, Refused
from akash_mcp.guard.journal import State
from akash_mcp.guard.lease_permit import Choice, LeasePermit, lease_ids
from akash_mcp.guard.policy import Policy
from akash_mcp.ids import LeaseId, ProviderAddress
from akash_mcp.money import Usd, usd_per_hour

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
        permit = guard.gate.launch(plan, approved(plan))
        await permit.create()
        guard.console.on(GET_SETTINGS, (200, settings(hours=hours)))
        yield guard, permit.leasing(DSEQ)


async def refused(guard: Guarded, permit: LeasePermit, *choices: Choice) -> str:
    """Why it is refused; nothing was leased."""
    with pytest.raises(Refused) as no:
        await permit.lease(choices or [choice()])
    assert not guard.console.sent(LEASE)
    return no.value.what


async def test_what_was_approved_is_leased(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        detail = await permit.lease([choice()])
        assert detail.active_leases == lease_ids(DSEQ, [choice()])
        [request] = guard.console.sent(LEASE)
        assert request.body == {
            "manifest": MANIFEST,
            "leases": [{"dseq": DSEQ, "gseq": 1, "oseq": 1, "provider": PROVIDER}],
        }
        operation = guard.operation(permit.op_id)
        assert (operation.state, operation.note) == (State.LEASED, PROVIDER)


async def test_a_rate_over_the_approved_is_refused(tmp_path: Path) -> None:
    async with created(tmp_path, rate=usd_per_hour("999.999999")) as (guard, permit):
        assert "over the approved" in await refused(guard, permit)


async def test_all_groups_count_towards_the_rate(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price=600), bid(OTHER, 600, gseq=2)]))
        two = choice(price=600), choice(OTHER, 600, gseq=2)
        assert "together, over the approved" in await refused(guard, permit, *two)
        await permit.lease(two[:1])


async def test_a_denied_provider_is_refused(tmp_path: Path) -> None:
    async with created(tmp_path, policy=Policy(denied_providers=frozenset({PROVIDER}))) as (guard, permit):
        assert "does not allow provider akash1aaa" in await refused(guard, permit)


async def test_a_denied_provider_is_refused_also_where_it_is_allowed(tmp_path: Path) -> None:
    both = frozenset({PROVIDER})
    policy = Policy(denied_providers=both, allowed_providers=both)
    async with created(tmp_path, policy=policy) as (guard, permit):
        assert "does not allow provider akash1aaa" in await refused(guard, permit)


async def test_a_provider_that_is_not_allowed_is_refused(tmp_path: Path) -> None:
    async with created(tmp_path, policy=Policy(allowed_providers=frozenset({OTHER}))) as (guard, permit):
        assert "does not allow provider akash1aaa" in await refused(guard, permit)
        guard.console.on(BIDS, (200, [bid(OTHER)]))
        await permit.lease([choice(OTHER)])


async def test_the_second_of_two_providers_is_looked_at_too(tmp_path: Path) -> None:
    policy = Policy(denied_providers=frozenset({OTHER}))
    async with created(tmp_path, policy=policy, rate=Usd(5)) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(), bid(OTHER, gseq=2)]))
        assert "akash1bbb" in await refused(guard, permit, choice(), choice(OTHER, gseq=2))


async def test_more_hours_than_what_is_held_pays_for_are_refused(tmp_path: Path) -> None:
    # 6098 uact a block are $3.60 an hour.
    rate = usd_per_hour(6098)
    assert rate * 2 == Usd("7.2")
    async with created(tmp_path, rate=rate, deposit=Usd("7.199999"), hours=2) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price=6098)]))
        assert "2 hours at $3.60 an hour are more than" in await refused(guard, permit, choice(price=6098))


async def test_as_many_hours_as_what_is_held_pays_for_are_leased(tmp_path: Path) -> None:
    async with created(tmp_path, rate=usd_per_hour(6098), deposit=Usd("7.2"), hours=2) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price=6098)]))
        await permit.lease([choice(price=6098)])
        assert guard.console.sent(LEASE)


async def test_an_offer_that_became_dearer_is_refused(tmp_path: Path) -> None:
    async with created(tmp_path, rate=Usd(5)) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price="1000.000001")]))
        assert "became dearer" in await refused(guard, permit)


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


async def test_without_top_up_switched_off_nothing_is_leased(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(SET, (200, settings(top_up=True)))
        assert "could not be switched off" in await refused(guard, permit)
        assert [request.body for request in guard.console.sent(SET)] == [
            {"data": {"autoTopUpEnabled": False}}
        ]


async def test_where_top_up_cannot_be_asked_about_nothing_is_leased(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(SET, refusal(400))
        with pytest.raises(BadRequest):
            await permit.lease([choice()])
        assert not guard.console.sent(LEASE)


async def test_without_an_approved_runtime_limit_nothing_is_leased(tmp_path: Path) -> None:
    async with created(tmp_path, hours=3) as (guard, permit):
        sources = guard.journal.sources(DSEQ)
        assert sources is not None
        guard.journal.keep_sources(permit.op_id, dataclasses.replace(sources, runtime_limit_hours=None))
        assert "funded without end" in await refused(guard, permit)


async def test_a_runtime_limit_that_is_missing_is_set_first(tmp_path: Path) -> None:
    async with created(tmp_path, hours=3) as (guard, permit):
        guard.console.on(GET_SETTINGS, (200, settings()))
        guard.console.on(SET, (200, settings(hours=3)))
        await permit.lease([choice()])
        assert [request.body for request in guard.console.sent(SET)] == [{"data": {"runtimeLimitHours": 3}}]
        order = [request.route for request in guard.console.requests]
        assert order == [CREATE, GET_SETTINGS, SET, BIDS, LEASE]


async def test_without_a_runtime_limit_nothing_is_leased(tmp_path: Path) -> None:
    async with created(tmp_path, hours=3) as (guard, permit):
        guard.console.on(GET_SETTINGS, (200, settings()))
        guard.console.on(SET, (200, settings()))
        assert "is not set: 3 hours" in await refused(guard, permit)


async def test_with_a_longer_runtime_limit_nothing_is_leased(tmp_path: Path) -> None:
    async with created(tmp_path, hours=3) as (guard, permit):
        guard.console.on(GET_SETTINGS, (200, settings(hours=4)))
        assert "is 4: 3 hours were approved" in await refused(guard, permit)


async def test_a_deployment_that_is_closed_is_not_leased(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.journal.mark_closed(DSEQ, "proven closed")
        with pytest.raises(BadArgument, match="is closed, or was not created by this server"):
            await permit.lease([choice()])
        assert not guard.console.sent(LEASE)


async def test_a_lease_that_is_refused_keeps_the_deposit_held(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, refusal(400, "The selected bid is no longer open"))
        with pytest.raises(BadRequest):
            await permit.lease([choice()])
        assert guard.ledger.held(DSEQ) == LAUNCH.deposit
        operation = guard.operation(permit.op_id)
        assert operation.state is State.OFFERED
        assert "no longer open" in operation.note


async def test_a_lease_whose_answer_is_lost_is_unknown_and_sent_once(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, None)
        with pytest.raises(OutcomeUnknown):
            await permit.lease([choice()])
        assert len(guard.console.sent(LEASE)) == 1
        assert guard.operation(permit.op_id).state is State.UNKNOWN


async def test_a_manifest_is_delivered_again_without_looking_at_offers(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, (200, deployment(leases=(lease(),))))
        await permit.resend_manifest([LeaseId(DSEQ, 1, 1, PROVIDER)])
        assert [request.body["manifest"] for request in guard.console.sent(LEASE)] == [MANIFEST]
        assert not guard.console.sent(BIDS)


async def test_how_far_it_came_is_written_down(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        permit.advance(State.READY, "it runs")
        operation = guard.operation(permit.op_id)
        assert (operation.state, operation.note) == (State.READY, "it runs")


def test_leases_are_named_after_their_offers() -> None:
    named = lease_ids(DSEQ, [choice(), choice(OTHER, gseq=2)])
    assert named == [LeaseId(DSEQ, 1, 1, PROVIDER), LeaseId(DSEQ, 2, 1, OTHER)]
