"""After the lease was asked for: what is there is read back and held against what was approved, whatever came of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from scripted_console import (
    BIDS,
    CLOSE,
    DSEQ,
    GET_SETTINGS,
    LEASE,
    MANIFEST,
    OTHER,
    PROVIDER,
    READ,
    SET,
    Guarded,
    Told,
    bid,
    deployment,
    lease,
    refusal,
    settings,
)
from test_lease_permit import RATE, choice, created, leased

from akash_mcp.errors import (
    AkashError,
    ApiError,
    NotDelivered,
    PaymentRequired,
    Refused,
    TakenOver,
    Unreachable,
)
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.permits.close_permit import Unwound
from akash_mcp.guard.permits.lease_permit import LeasePermit, OfferGone
from akash_mcp.money import ZERO, Usd, usd_per_hour

pytestmark = pytest.mark.anyio

LEASED = leased(lease())
EMPTY: Told = (200, deployment())
CLOSED: Told = (200, deployment(state="closed", spent=10_000))
HELD: Told = (200, deployment(funds=1_200_000))
GONE = refusal(400, "The selected bid is no longer open")
BROKEN = refusal(500)


def reads(guard: Guarded, *after: Told) -> None:
    """What the deployment reads as once, before the lease, and then after it."""
    guard.console.on(READ, EMPTY, *after)


def closes(guard: Guarded) -> None:
    """From its close on the deployment reads as closed."""

    def closed() -> Told:
        guard.console.on(READ, CLOSED)
        return 200, {"success": True}

    guard.console.on(CLOSE, closed)


def attempts(guard: Guarded) -> int:
    return len(guard.console.sent(LEASE))


async def unwound(guard: Guarded, permit: LeasePermit) -> str:
    """Why it was closed again, which is proven; what it cost is settled, and nobody says that no money moved."""
    with pytest.raises(Unwound) as wrong:
        await permit.lease([choice()])
    assert f"Deployment {DSEQ} was closed again, proven; it cost $0.01." in wrong.value.what
    assert wrong.value.money == "It costs nothing any more."
    assert len(guard.console.sent(CLOSE)) == 1
    assert (guard.ledger.held(DSEQ), guard.ledger.status().today) == (ZERO, Usd("0.01"))
    return wrong.value.what


@pytest.mark.parametrize(
    "answer", [None, BROKEN, refusal(422, "invalid manifest")], ids=["none", "500", "422"]
)
async def test_a_lease_that_is_there_gets_its_manifest_again(answer: Told, tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, answer, LEASED)
        await permit.lease([choice()])
        assert (attempts(guard), len(guard.pauses)) == (2, 1)
        assert [request.body["manifest"] for request in guard.console.sent(LEASE)] == [MANIFEST] * 2
        assert len(guard.console.sent(BIDS)) == 1
        assert guard.operation(permit.op_id).state is State.LEASED


async def test_a_manifest_is_delivered_again_three_times(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, None, BROKEN, refusal(401), LEASED)
        await permit.lease([choice()])
        assert (attempts(guard), len(guard.pauses)) == (4, 3)


async def test_a_manifest_that_nobody_takes_is_told_with_the_last_reason(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, None, None, None, refusal(422, "the fourth reason"), LEASED)
        with pytest.raises(AkashError, match=r"does not take the manifest: .*the fourth reason") as error:
            await permit.lease([choice()])
        assert not isinstance(error.value, Refused | Unwound)
        assert error.value.money == "It is paid for, at up to $0.591 an hour, until it is closed."
        assert "close_deployment ends it" in error.value.next_step
        assert attempts(guard) == 4
        assert guard.operation(permit.op_id).state is State.LEASED


async def test_a_delivery_to_a_console_that_is_gone_is_tried_again(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):

        def gone() -> Told:
            guard.console.hang_up()
            return LEASED

        guard.console.on(LEASE, None)
        reads(guard, LEASED)
        guard.console.answers[READ].append(gone)
        with pytest.raises(AkashError, match=r"does not take the manifest: .*cannot be reached"):
            await permit.lease([choice()])
        assert len(guard.pauses) == 3


async def test_a_ledger_that_fails_before_the_manifest_goes_again_hides_no_lease(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):

        async def damaged() -> None:
            guard.damage()

        breaking = dataclasses.replace(permit._operation, pause=damaged)
        guard.console.on(LEASE, refusal(500))
        reads(guard, LEASED)
        with pytest.raises(NotDelivered, match="The ledger cannot be used") as error:
            await LeasePermit(breaking, DSEQ, RATE).lease([choice()])
        assert "is paid for" in error.value.money


DEARER: dict[str, tuple[dict[str, Any], ...]] = {
    "dearer": (lease(price="1000.000001"),),
    "one more": (lease(), lease(OTHER, gseq=2)),
    "another": (lease(OTHER, price=5000),),
    "of unknown state": (lease(price=5000, state=""),),
    "running out": (lease(price=5000, state="insufficient_funds"),),
}


@pytest.mark.parametrize("way", ["answered", "answered otherwise", "lost", "delivered again"])
@pytest.mark.parametrize("leases", DEARER.values(), ids=DEARER)
async def test_a_lease_that_was_not_approved_is_closed_at_once(
    leases: tuple[dict[str, Any], ...], way: str, tmp_path: Path
) -> None:
    async with created(tmp_path) as (guard, permit):
        wrong = leased(*leases)
        if way == "answered":  # the deployment shows nothing of it
            guard.console.on(LEASE, wrong)
            reads(guard, CLOSED)
        elif way == "answered otherwise":  # the answer shows nothing of it
            reads(guard, wrong, CLOSED)
        elif way == "lost":
            guard.console.on(LEASE, None)
            reads(guard, wrong, wrong, CLOSED)
        else:
            guard.console.on(LEASE, None, wrong)
            reads(guard, LEASED, LEASED, CLOSED)
        why = await unwound(guard, permit)
        assert "was not chosen" in why or "was approved" in why
        assert attempts(guard) == (2 if way == "delivered again" else 1)


async def test_a_lease_that_could_cost_more_in_its_hours_than_is_held_is_closed(tmp_path: Path) -> None:
    # 1000 uact a block are at most $0.60 in an hour, and 1001 more.
    async with created(tmp_path, rate=Usd(1), deposit=Usd("1.2"), hours=2) as (guard, permit):
        guard.console.on(READ, HELD, leased(lease(price=1001)), CLOSED)
        with pytest.raises(Unwound, match=r"can cost .* in 2 hours, and at most \$1\.20 was approved"):
            await permit.lease([choice()])
        assert guard.console.sent(CLOSE)


async def test_a_lease_that_costs_just_what_is_held_stays(tmp_path: Path) -> None:
    async with created(tmp_path, rate=usd_per_hour(1000), deposit=Usd("1.2"), hours=2) as (guard, permit):
        guard.console.on(READ, HELD, LEASED)
        await permit.lease([choice()])
        assert not guard.console.sent(CLOSE)


def lease_without(*path: str) -> dict[str, Any]:
    made = lease()
    inner: Any = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = None
    return made


UNSHOWN: dict[str, Told] = {
    "none": EMPTY,
    "no list": (200, {**deployment(), "leases": None}),
    "no price": leased(lease_without("price")),
    "no amount": leased(lease_without("price", "amount")),
    "no denomination": leased(lease_without("price", "denom")),
    "a price of nothing": leased(lease(price=0)),
    "a price that nobody means": leased(lease(price="1E+400")),
    "a lease that cannot be read": (200, {**deployment(), "leases": [lease(), {"id": "odd"}]}),
    "unread": refusal(404),
    "broken": BROKEN,
    "no answer": None,
}


@pytest.mark.parametrize("told", UNSHOWN.values(), ids=UNSHOWN)
async def test_a_lease_whose_price_is_not_shown_is_closed(told: Told, tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        closes(guard)
        reads(guard, told)
        why = await unwound(guard, permit)
        assert "cannot be read back" in why or "Akash Console" in why


@pytest.mark.parametrize("told", UNSHOWN.values(), ids=UNSHOWN)
async def test_a_lease_whose_price_is_shown_late_stays(told: Told, tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        reads(guard, told, told, LEASED)
        await permit.lease([choice()])
        assert not guard.console.sent(CLOSE)
        assert attempts(guard) == 1


async def test_what_does_not_show_yet_or_cannot_be_read_is_read_three_times_with_pauses(
    tmp_path: Path,
) -> None:
    for unread in (EMPTY, refusal(400)):
        async with created(tmp_path / str(unread == EMPTY)) as (guard, permit):
            closes(guard)
            guard.console.on(LEASE, EMPTY)  # the answer shows nothing of it
            reads(guard, unread)
            await unwound(guard, permit)
            assert len(guard.pauses) == 2


async def test_a_lease_cheaper_than_its_bid_by_no_more_than_an_index_rounds_stays(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        reads(guard, leased(lease(price="999.000001")))
        await permit.lease([choice()])
        assert not guard.console.sent(CLOSE)


async def test_a_lease_cheaper_than_its_bid_by_more_is_closed(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        closes(guard)
        guard.console.on(LEASE, EMPTY)
        reads(guard, leased(lease(price=999)))
        assert "cannot be read back" in await unwound(guard, permit)


async def test_of_two_offers_for_one_lease_it_may_cost_what_either_asks(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(), bid(price=500)]))
        reads(guard, leased(lease(price=500)))
        await permit.lease([choice()])
        assert not guard.console.sent(CLOSE)


async def test_a_lease_that_its_provider_closed_at_once_costs_nothing_more(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        reads(guard, leased(lease(price=0, state="closed")))
        await permit.lease([choice()])
        assert not guard.console.sent(CLOSE)


async def test_a_lost_answer_is_looked_for_and_a_lease_that_comes_late_is_found(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, None, LEASED)
        reads(guard, EMPTY, EMPTY, LEASED)
        await permit.lease([choice()])
        assert attempts(guard) == 2
        assert guard.operation(permit.op_id).state is State.LEASED


async def test_a_lost_answer_without_a_lease_is_closed(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, None)
        reads(guard, EMPTY, leased(lease(state="closed")), EMPTY, CLOSED)
        assert "the connection was lost" in await unwound(guard, permit)
        assert (attempts(guard), len(guard.pauses)) == (1, 2)


@pytest.mark.parametrize("unread", [None, refusal(400), BROKEN], ids=["no answer", "400", "500"])
@pytest.mark.parametrize("answer", [None, GONE], ids=["lost", "refused"])
async def test_what_cannot_be_read_back_may_cost_money_and_is_closed(
    answer: Told, unread: Told, tmp_path: Path
) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, answer)
        closes(guard)
        reads(guard, unread)
        assert "Whether there is a lease cannot be read" in await unwound(guard, permit)


async def test_a_console_that_is_gone_after_the_lease_may_cost_money(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):

        def gone() -> Told:
            guard.console.hang_up()
            return LEASED

        guard.console.on(LEASE, gone)
        with pytest.raises(Unwound, match="Closing it again did not work either") as stuck:
            await permit.lease([choice()])
        assert stuck.value.money == "It may still cost money."
        assert guard.ledger.held(DSEQ) == Usd(2)


async def test_a_console_that_is_gone_before_the_lease_was_sent_nothing(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):

        def gone() -> Told:
            guard.console.hang_up()
            return 200, [bid()]

        guard.console.on(BIDS, gone)
        with pytest.raises(Unreachable):
            await permit.lease([choice()])
        assert attempts(guard) == 0


NOT_FROM_IT = {
    "403": (refusal(403, "Provider not authorized"), {PROVIDER}),
    "404": (refusal(404, f"Provider {PROVIDER} not found"), {PROVIDER}),
    "502": (refusal(502, "No answer", "provider_unreachable"), {PROVIDER}),
    "400": (GONE, set()),
}


@pytest.mark.parametrize(("answer", "providers"), NOT_FROM_IT.values(), ids=NOT_FROM_IT)
async def test_a_refusal_that_another_offer_may_not_meet_is_one_of_ours(
    answer: Told, providers: set[str], tmp_path: Path
) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, answer)
        reads(guard, EMPTY)
        with pytest.raises(OfferGone) as refused:
            await permit.lease([choice()])
        assert isinstance(refused.value.__cause__, ApiError)
        assert refused.value.what == refused.value.__cause__.what
        assert refused.value.providers == providers
        assert not guard.console.sent(CLOSE)


@pytest.mark.parametrize("answer", [answer for answer, _ in NOT_FROM_IT.values()], ids=NOT_FROM_IT)
async def test_a_refusal_beside_a_lease_is_not_believed(answer: Told, tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, answer, LEASED)
        reads(guard, LEASED)
        await permit.lease([choice()])
        assert attempts(guard) == 2


async def test_a_refusal_beside_a_lease_that_cannot_be_read_is_not_believed(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, GONE)
        closes(guard)
        reads(guard, (200, {**deployment(), "leases": [{"id": "odd"}]}))
        assert "cannot be read back" in await unwound(guard, permit)


async def test_a_refusal_beside_no_list_of_leases_is_not_believed(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, GONE)
        nothing = (200, {**deployment(), "leases": None})
        reads(guard, nothing, nothing, nothing, CLOSED)
        assert "cannot be read back" in await unwound(guard, permit)


async def test_a_refusal_that_every_offer_would_meet_is_told_as_it_is(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, refusal(402, "Not enough balance"))
        reads(guard, EMPTY)
        with pytest.raises(PaymentRequired):
            await permit.lease([choice()])


async def test_what_the_permit_refuses_is_not_looked_at(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(BIDS, (200, []))
        with pytest.raises(OfferGone, match="no longer open"):
            await permit.lease([choice()])
        assert attempts(guard) == 0
        assert len(guard.console.sent(READ)) == 1


async def test_a_lease_that_cannot_be_written_down_is_closed_and_told_as_made(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):

        def broken() -> Told:
            guard.damage()
            return LEASED

        guard.console.on(LEASE, broken)
        reads(guard, LEASED, CLOSED)
        with pytest.raises(Unwound, match="The lease was made, and it could not be written down") as error:
            await permit.lease([choice()])
        assert "was closed again, proven; it cost $0.01" in error.value.what
        assert len(guard.console.sent(CLOSE)) == 1


async def test_a_lease_that_somebody_else_made_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        theirs = leased(lease(OTHER))
        guard.console.on(LEASE, theirs)  # the Console makes no lease where there is one
        reads(guard, theirs)
        with pytest.raises(TakenOver, match="Somebody else leased deployment"):
            await permit.lease([choice()])
        assert not guard.console.sent(CLOSE)


async def test_a_console_that_fails_after_a_lease_that_was_shown_is_waited_for(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(LEASE, LEASED)
        reads(guard, *[BROKEN] * 18, LEASED)
        await permit.lease([choice()])
        assert not guard.console.sent(CLOSE)
        assert len(guard.pauses) == 18


async def test_a_console_that_fails_for_a_moment_before_the_lease_is_asked_again(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(SET, BROKEN, (200, settings()))
        guard.console.on(GET_SETTINGS, refusal(429), BROKEN, (200, settings()))
        guard.console.on(READ, BROKEN, BROKEN, EMPTY, LEASED)
        await permit.lease([choice()])
        assert attempts(guard) == 1


async def test_an_index_of_whole_uact_shows_what_was_offered(tmp_path: Path) -> None:
    async with created(tmp_path) as (guard, permit):
        guard.console.on(BIDS, (200, [bid(price="900.9")]))
        guard.console.on(LEASE, leased(lease(price=900)))
        reads(guard, leased(lease(price=900)))
        await permit.lease([choice(price="900.9")])
        assert not guard.console.sent(CLOSE)
