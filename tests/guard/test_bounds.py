"""What bounds a deployment is read back before its lease, and what is not plainly so refuses."""

from __future__ import annotations

import dataclasses
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
    PROVIDER,
    READ,
    SET,
    Guarded,
    Told,
    approved,
    bid,
    coin,
    deployment,
    guarded,
    lease,
    refusal,
    settings,
)
from test_lease_permit import choice, created, refused

from akash_mcp.clients.api_model import Coin
from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import AkashError, BadRequest, Interrupted, NotFound, Refused, ServerError
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.permits.bounds import Bound, uact_of
from akash_mcp.guard.permits.lease_permit import LeasePermit
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

NO_ROUTE = refusal(404, "Route not found")


async def not_leased(guard: Guarded, permit: LeasePermit, error: type[Exception] = AkashError) -> None:
    with pytest.raises(error):
        await permit.lease([choice()])
    assert not guard.console.sent(LEASE)


UNPLAIN: dict[str, dict[str, Any]] = {
    "on": settings(top_up=True),
    "absent": {"dseq": DSEQ},
    "null": {"dseq": DSEQ, "autoTopUpEnabled": None},
    "text": {"dseq": DSEQ, "autoTopUpEnabled": "false"},
    "zero": {"dseq": DSEQ, "autoTopUpEnabled": 0},
    "another's": {"dseq": "7", "autoTopUpEnabled": False},
}


@pytest.mark.parametrize("told", UNPLAIN.values(), ids=UNPLAIN)
async def test_top_up_that_does_not_read_as_plainly_off_refuses(told: dict[str, Any], tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(GET_SETTINGS, (200, told))
        why = await refused(guard, permit)
        assert ("is still on" if told.get("autoTopUpEnabled") is True else "is not known to be off") in why


async def test_what_the_change_itself_answered_is_not_what_decides(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(SET, (200, {"dseq": DSEQ}))
        await permit.lease([choice()])


@pytest.mark.parametrize(
    ("answer", "error"), [(refusal(400), BadRequest), (None, Interrupted), (NO_ROUTE, NotFound)]
)
async def test_where_top_up_cannot_be_switched_off_nothing_is_leased(
    answer: Told, error: type[Exception], tmp_path: Path
) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(SET, answer)
        await not_leased(guard, permit, error)
        # Reading the settings of a deployment that has none would switch it on.
        assert not guard.console.sent(GET_SETTINGS)


async def test_what_cannot_be_read_back_is_not_leased(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(GET_SETTINGS, refusal(404, "Deployment setting not found"))
        await not_leased(guard, permit, NotFound)


async def test_the_api_of_2025_is_known_by_the_settings_that_it_lacks(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2025) as guard:
        guard.console.on("POST /v1/certificates", (201, {"certPem": "a", "encryptedKey": "b"}))
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        guard.console.on(SET, NO_ROUTE)
        await permit.leasing(DSEQ).lease([choice()])
        assert not guard.console.sent(GET_SETTINGS)


@pytest.mark.parametrize("answer", [refusal(404, "Deployment setting not found", "not_found"), refusal(400)])
async def test_an_api_that_has_settings_is_not_that_of_2025(answer: Told, tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2025) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        guard.console.on(SET, answer)
        await not_leased(guard, permit.leasing(DSEQ))


async def test_an_api_that_takes_settings_is_not_that_of_2025_either(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2025) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        assert "is not that of 2025" in await refused(guard, permit.leasing(DSEQ))


@pytest.mark.parametrize(("hours", "now"), [(None, Generation.V2026_11), (3, Generation.REFERENCE)])
async def test_another_api_than_it_was_planned_for_refuses(
    hours: int | None, now: Generation, tmp_path: Path
) -> None:
    plan = dataclasses.replace(LAUNCH, runtime_limit_hours=hours)
    async with guarded(tmp_path, generation=now) as guard:
        permit = await guard.gate.launch(plan, approved(plan))
        await permit.adopt(DSEQ)
        why = await refused(guard, permit.leasing(DSEQ))
        assert f"is now {now}, and this was planned for another" in why
        assert not guard.console.requests


async def test_the_api_is_asked_for_anew_before_each_lease(tmp_path: Path) -> None:
    funding = "GET /v1/deployment-funding-config"
    async with guarded(tmp_path, generation=None) as guard:
        guard.console.on("GET /v2/deployment-settings/0", refusal(400))
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        before = len(guard.console.sent(funding))
        await permit.leasing(DSEQ).lease([choice()])
        assert len(guard.console.sent(funding)) == before + 1
        guard.console.on(READ, (200, deployment()))
        guard.console.on(funding, (200, {"targetRunwayHours": 48}))
        sent = len(guard.console.sent(LEASE))
        with pytest.raises(Refused, match="is now 2026-11"):
            await permit.leasing(DSEQ).lease([choice()])
        assert len(guard.console.sent(LEASE)) == sent


UNKNOWN_LIMITS: dict[str, Any] = {
    "absent": {},
    "null": None,
    "half": 2.5,
    "text": "3",
    "true": True,
    "none": 0,
}


def limited(hours: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"dseq": DSEQ, "autoTopUpEnabled": True}
    return told if hours == {} else {**told, "runtimeLimitHours": hours}


@pytest.mark.parametrize("hours", UNKNOWN_LIMITS.values(), ids=UNKNOWN_LIMITS)
async def test_a_runtime_limit_that_is_not_a_whole_number_of_hours_refuses(
    hours: Any, tmp_path: Path
) -> None:
    async with created(tmp_path, hours=3) as (guard, permit):
        guard.console.on(GET_SETTINGS, (200, limited(hours)))
        guard.console.on(SET, (200, settings(hours=3)))
        assert "3 hours were approved" in await refused(guard, permit)


async def test_a_runtime_limit_that_is_missing_is_set_and_read_back(tmp_path: Path) -> None:
    async with created(tmp_path, hours=3) as (guard, permit):
        guard.console.on(GET_SETTINGS, (200, settings()), (200, settings(hours=3)))
        guard.console.on(SET, (200, {"dseq": DSEQ}))
        await permit.lease([choice()])
        assert [request.body for request in guard.console.sent(SET)] == [{"data": {"runtimeLimitHours": 3}}]
        order = [request.route for request in guard.console.requests]
        assert order[:5] == [CREATE, GET_SETTINGS, SET, GET_SETTINGS, READ]


async def test_a_runtime_limit_that_stays_missing_is_told_as_not_known(tmp_path: Path) -> None:
    async with created(tmp_path, hours=3) as (guard, permit):
        guard.console.on(GET_SETTINGS, (200, settings()))
        assert "is not known: 3 hours were approved" in await refused(guard, permit)


async def test_a_runtime_limit_of_one_hour_is_one(tmp_path: Path) -> None:
    async with created(tmp_path, hours=1) as (_, permit):
        assert (await permit.lease([choice()])).hours == 1


async def test_a_longer_runtime_limit_refuses(tmp_path: Path) -> None:
    async with created(tmp_path, hours=3) as (guard, permit):
        guard.console.on(GET_SETTINGS, (200, settings(hours=4)))
        assert "is 4: 3 hours were approved" in await refused(guard, permit)


async def test_the_runtime_limit_of_another_deployment_refuses(tmp_path: Path) -> None:
    async with created(tmp_path, hours=3) as (guard, permit):
        guard.console.on(GET_SETTINGS, (200, {**settings(hours=3), "dseq": "7"}))
        assert "3 hours were approved" in await refused(guard, permit)


async def test_a_shorter_runtime_limit_is_what_bounds_it(tmp_path: Path) -> None:
    async with created(tmp_path, hours=3) as (guard, permit):
        guard.console.on(GET_SETTINGS, (200, settings(hours=2)))
        assert (await permit.lease([choice()])).hours == 2
        assert not guard.console.sent(SET)


def holding(*funds: object, **changed: Any) -> Told:
    told = deployment(**changed)
    told["escrow_account"]["state"]["funds"] = list(funds)
    return 200, told


@pytest.mark.parametrize("hours", [None, 3])
async def test_more_in_escrow_than_is_held_refuses(hours: int | None, tmp_path: Path) -> None:
    async with created(tmp_path, hours=hours) as (guard, permit):
        guard.console.on(READ, holding(coin("2000000.000001")))
        assert "is in escrow for deployment" in await refused(guard, permit)


async def test_what_a_console_that_funds_by_itself_begins_with_is_not_too_much(tmp_path: Path) -> None:
    # It begins with $0.50, whatever was approved, and its runtime limit bounds what is used of it.
    small = Usd("0.3")
    begun, more = holding(coin(500_000)), holding(coin(500_001))
    async with created(tmp_path / "hours", hours=1, deposit=small) as (guard, permit):
        leased = holding(coin(500_000), leases=(lease(price=500),))
        guard.console.on(BIDS, (200, [bid(price=500)]))
        guard.console.on(LEASE, leased)
        guard.console.on(READ, begun, leased)
        assert (await permit.lease([choice(price=500)])).escrow == Usd("0.5")
    async with created(tmp_path / "more", hours=1, deposit=small) as (guard, permit):
        guard.console.on(READ, more)
        assert "is in escrow for deployment" in await refused(guard, permit, choice(price=500))
    async with created(tmp_path / "deposit", deposit=small) as (guard, permit):
        guard.console.on(READ, begun)
        assert "$0.30 was approved" in await refused(guard, permit, choice(price=500))


async def test_less_in_escrow_is_leased_and_told(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(READ, holding(coin(500_000)), holding(coin(500_000), leases=(lease(),)))
        assert await permit.lease([choice()]) == Bound(Usd("0.5"), Usd(2), None)


NOT_ON_RECORD = {
    "nothing": (),
    "another denomination": (coin(5, "uakt"),),
    "no amount": ({"denom": "uact"},),
    "one without an amount": (coin(5), {"denom": "uact", "amount": None}),
    "negative": (coin(-5),),
    "endless": (coin("1E+400"),),
}


@pytest.mark.parametrize("funds", NOT_ON_RECORD.values(), ids=NOT_ON_RECORD)
async def test_an_escrow_that_is_not_on_record_is_unknown_and_not_empty(
    funds: tuple[object, ...], tmp_path: Path
) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(READ, holding(*funds))
        assert "in escrow for deployment 1763759482113 is not known" in await refused(guard, permit)


@pytest.mark.parametrize("state", ["closed", "", "odd"])
async def test_what_does_not_read_as_active_refuses(state: str, tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(READ, holding(coin(5), state=state))
        assert f"reads as {state or 'unknown'}, not as active" in await refused(guard, permit)


async def test_another_deployment_than_was_asked_for_refuses(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(READ, holding(coin(5), dseq="7"))
        with pytest.raises(ServerError, match=f"answered with another deployment than {DSEQ}"):
            await permit.lease([choice()])
        assert not guard.console.sent(LEASE)


@pytest.mark.parametrize("state", ["active", "", "reclaiming"])
async def test_a_lease_that_is_there_already_refuses(state: str, tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(READ, holding(coin(5), leases=(lease(PROVIDER, state=state),)))
        assert "has a lease already" in await refused(guard, permit)


@pytest.mark.parametrize("leases", [None, [{"id": "odd"}]], ids=["no list", "an odd one"])
async def test_leases_that_cannot_be_read_are_not_taken_for_none(leases: object, tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(READ, (200, {**deployment(), "leases": leases}))
        assert "has a lease already" in await refused(guard, permit)


async def test_a_deployment_that_does_not_show_yet_is_asked_for_again(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(READ, refusal(404), (200, deployment()), (200, deployment(leases=(lease(),))))
        await permit.lease([choice()])


async def test_leases_of_somebody_else_are_bounded_and_taken_for_what_they_are(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(READ, (200, deployment(leases=(lease(),))))
        detail = await guard.reader.get_deployment(DSEQ)
        assert await permit.accept(detail) == Bound(Usd(2), Usd(2), None)
        assert not guard.console.sent(LEASE)
        assert guard.operation(permit.op_id).state is State.LEASED
        guard.console.on(READ, (200, deployment(leases=(lease(price=500),))))
        with pytest.raises(AkashError, match="cannot be read back"):
            await permit.accept(detail)
        guard.console.on(READ, holding(coin("2000000.000001"), leases=(lease(),)))
        with pytest.raises(Refused, match="is in escrow for deployment"):
            await permit.accept(detail)


async def test_leases_of_somebody_else_are_held_against_the_limits(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(READ, (200, deployment(leases=(lease(price=1001),))))
        with pytest.raises(Refused, match="over the approved"):
            await permit.accept(await guard.reader.get_deployment(DSEQ))
        guard.console.on(READ, (200, deployment(leases=({**lease(), "price": None},))))
        with pytest.raises(Refused, match="no price that can be judged"):
            await permit.accept(await guard.reader.get_deployment(DSEQ))
        assert not guard.console.sent(SET)


async def test_a_lease_that_is_closed_is_not_in_the_way(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        closed = lease(state="closed", gseq=2)
        guard.console.on(READ, holding(coin(5), leases=(closed,)), holding(coin(5), leases=(closed, lease())))
        await permit.lease([choice()])


def test_uact_are_counted_only_where_they_are_on_record() -> None:
    coins = [Coin.model_validate(each) for each in (coin(1), coin("2.5"), coin(9, "uakt"))]
    assert uact_of(coins) == Coin.model_validate(coin("3.5")).amount
    assert uact_of([]) is None
