"""The permit to fund: one amount once, or the hours that it pays for."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from scripted_console import (
    DSEQ,
    FUND,
    GET_SETTINGS,
    READ,
    SET,
    Guarded,
    Told,
    approved,
    coin,
    deployment,
    guarded,
    lease,
    refusal,
    settings,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadArgument,
    Conflict,
    OutcomeUnknown,
    PaymentRequired,
    Refused,
)
from akash_mcp.guard.permits.fund_permit import FundPermit
from akash_mcp.guard.plans.plans import FundPlan
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

PLAN = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd("1.5"), ours=True)
LONGER = dataclasses.replace(PLAN, more_hours=3)
LEASED: Told = (200, deployment(leases=(lease(price=833),)))  # three hours of it can cost $1.4994


async def permit_of(guard: Guarded, plan: FundPlan = PLAN) -> FundPermit:
    return await guard.gate.fund(plan, approved(plan))


async def test_the_amount_is_sent_once_and_stays_held(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(FUND, (200, deployment(funds=3_500_000)))
        permit = await permit_of(guard)
        detail = await permit.deposit()
        assert detail.escrow_funds == 3_500_000
        assert [request.body for request in guard.console.sent(FUND)] == [
            {"data": {"dseq": DSEQ, "deposit": 1.5}}
        ]
        assert guard.ledger.held(DSEQ) == Usd("1.5")
        assert guard.written() == [("fund", "done", "")]
        assert guard.operation(permit.op_id).dseq == DSEQ


async def test_a_refusal_gives_it_back(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(FUND, refusal(402))
        with pytest.raises(PaymentRequired):
            await (await permit_of(guard)).deposit()
        assert guard.ledger.held(DSEQ) == Usd(0)
        assert guard.written()[0][1] == "refused"


async def test_a_lost_answer_stays_held_and_is_not_sent_again(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(FUND, None)
        with pytest.raises(OutcomeUnknown):
            await (await permit_of(guard)).deposit()
        assert len(guard.console.sent(FUND)) == 1
        assert guard.ledger.held(DSEQ) == Usd("1.5")
        assert guard.written()[0][1] == "unknown"


async def test_what_cannot_be_read_before_is_not_added_to(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        for unread in (refusal(404), None):
            guard.console.on(READ, unread)
            with pytest.raises(AkashError):
                await (await permit_of(guard)).deposit()
        nothing = deployment()
        nothing["escrow_account"]["state"]["funds"] = []
        guard.console.on(READ, (200, nothing))
        with pytest.raises(Refused, match="is not known, so nothing is added"):
            await (await permit_of(guard)).deposit()
        assert not guard.console.sent(FUND)
        assert guard.ledger.status().held == Usd(0)
        assert [state for _, state, _ in guard.written()] == ["refused"] * 3


async def test_a_deposit_that_the_answer_does_not_show_is_read_back(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        added = deployment(funds=3_250_000, spent=250_000)
        guard.console.on(READ, (200, deployment()), (200, deployment()), (200, added))
        detail = await (await permit_of(guard)).deposit()
        assert detail.escrow_funds == 3_250_000
        assert (len(guard.console.sent(READ)), len(guard.console.sent(FUND))) == (3, 1)
        assert len(guard.pauses) == 2


async def test_a_deposit_that_is_never_shown_is_unknown_and_stays_held(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        with pytest.raises(OutcomeUnknown, match="its escrow does not show it") as unknown:
            await (await permit_of(guard)).deposit()
        assert len(guard.pauses) == 3
        assert "Do not repeat it." in unknown.value.next_step
        assert guard.ledger.held(DSEQ) == Usd("1.5")


def in_escrow(funds: object, transferred: object) -> Told:
    told = deployment()
    told["escrow_account"]["state"].update(funds=funds, transferred=transferred)
    return 200, told


async def test_an_answer_that_does_not_say_what_is_in_escrow_is_read_back(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(FUND, in_escrow([], []))
        guard.console.on(READ, (200, deployment()), (200, deployment(funds=3_500_000)))
        assert (await (await permit_of(guard)).deposit()).escrow_funds == 3_500_000
        assert len(guard.pauses) == 1


async def test_an_escrow_that_paid_nothing_out_lists_nothing(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(READ, in_escrow([coin(2_000_000)], []))
        guard.console.on(FUND, (200, deployment(funds=3_500_000)))
        await (await permit_of(guard)).deposit()
        assert guard.ledger.held(DSEQ) == Usd("1.5")


async def test_what_was_paid_out_and_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(READ, in_escrow([coin(2_000_000)], [coin(5, "uakt")]))
        with pytest.raises(Refused, match="is not known, so nothing is added"):
            await (await permit_of(guard)).deposit()
        assert not guard.console.sent(FUND)


async def test_a_deposit_of_another_amount_is_told(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(FUND, (200, deployment(funds=5_000_000)))
        with pytest.raises(AkashError, match=r"\$3\.00 came into .* and \$1\.50 was approved") as error:
            await (await permit_of(guard)).deposit()
        assert error.value.money == "$3.00 went into escrow."
        assert guard.ledger.held(DSEQ) == Usd(3), "what came in counts, whatever was approved"


async def test_a_deposit_that_cannot_be_read_back_is_told_as_added(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(READ, (200, deployment()), refusal(404))
        with pytest.raises(AkashError, match=r"\$1\.50 was added .* cannot be read back") as error:
            await (await permit_of(guard)).deposit()
        assert not isinstance(error.value, Refused | ApiError)
        assert error.value.money == "$1.50 is committed."
        assert guard.ledger.held(DSEQ) == Usd("1.5")


@pytest.mark.parametrize("plan", [PLAN, LONGER], ids=["amount", "hours"])
async def test_what_was_added_and_cannot_be_written_down_is_told_as_that(
    plan: FundPlan, tmp_path: Path
) -> None:
    generation = Generation.REFERENCE if plan is PLAN else Generation.V2026_11
    async with guarded(tmp_path, generation=generation) as guard:

        def added() -> Told:
            guard.damage()
            return 200, deployment(funds=3_500_000) if plan is PLAN else settings(hours=8)

        guard.console.on(GET_SETTINGS, (200, settings(hours=5)))
        guard.console.on(READ, LEASED)
        guard.console.on(FUND, added)
        guard.console.on(SET, added)
        with pytest.raises(AkashError, match="and it could not be written down") as error:
            await (await permit_of(guard, plan)).deposit()
        assert not isinstance(error.value, Refused)
        assert error.value.money == "$1.50 is committed."
        assert error.value.next_step == "Do not repeat it."


async def test_money_is_not_added_where_hours_are_what_bounds(tmp_path: Path) -> None:
    for plan, generation in ((PLAN, Generation.V2026_11), (LONGER, Generation.REFERENCE)):
        async with guarded(tmp_path, generation=generation) as guard:
            with pytest.raises(Refused, match=f"is now {generation}, and this was planned for another"):
                await (await permit_of(guard, plan)).deposit()
            assert not guard.console.requests
            assert guard.ledger.status().held == Usd(0)


@asynccontextmanager
async def raising(folder: Path) -> AsyncIterator[Guarded]:
    """Where the Console funds by itself, a deployment with a limit of 5 hours."""
    async with guarded(folder, generation=Generation.V2026_11) as guard:
        guard.console.on(GET_SETTINGS, (200, settings(hours=5)))
        guard.console.on(READ, LEASED)
        yield guard


def limits(*hours: int | None) -> list[Told]:
    return [(200, settings(hours=each)) for each in hours]


async def test_where_the_console_funds_by_itself_hours_are_added(tmp_path: Path) -> None:
    async with raising(tmp_path) as guard:
        guard.console.on(SET, *limits(8))
        detail = await (await permit_of(guard, LONGER)).deposit()
        assert [request.body for request in guard.console.sent(SET)] == [{"data": {"runtimeLimitHours": 8}}]
        assert detail.dseq == DSEQ
        assert guard.console.requests[-1].route == READ
        assert guard.ledger.held(DSEQ) == Usd("1.5")
        assert guard.written() == [("fund", "done", "")]


LOST = {
    "no answer": None,
    "500": refusal(500),
    "unreadable": (200, None),
    "refused": refusal(400, "only be increased"),
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST)
@pytest.mark.parametrize("hours", [8, 9])
async def test_a_raise_that_landed_without_an_answer_is_found(
    hours: int, answer: Told, tmp_path: Path
) -> None:
    async with raising(tmp_path) as guard:
        guard.console.on(GET_SETTINGS, *limits(5, hours))
        guard.console.on(SET, answer)
        await (await permit_of(guard, LONGER)).deposit()
        assert len(guard.console.sent(SET)) == 1
        assert guard.ledger.held(DSEQ) == Usd("1.5")
        assert guard.written() == [("fund", "done", "")]


@pytest.mark.parametrize("answer", [None, (200, settings(hours=5)), (200, settings())], ids=str)
@pytest.mark.parametrize("after", [limits(5), limits(None), [refusal(404)]], ids=["old", "none", "unread"])
async def test_a_raise_that_does_not_show_is_unknown_and_stays_held(
    answer: Told, after: list[Told], tmp_path: Path
) -> None:
    async with raising(tmp_path) as guard:
        guard.console.on(GET_SETTINGS, *limits(5), *after)
        guard.console.on(SET, answer)
        shown = "5" if after == limits(5) else "unknown"
        with pytest.raises(OutcomeUnknown, match=f"reads as {shown}, and 8 hours were asked for") as unknown:
            await (await permit_of(guard, LONGER)).deposit()
        assert "No money moved" not in str(unknown.value)
        assert "Do not repeat it" in unknown.value.next_step
        assert len(guard.console.sent(SET)) == 1
        assert guard.ledger.held(DSEQ) == Usd("1.5")
        assert guard.written()[0][1] == "unknown"


async def test_a_raise_that_shows_late_is_found(tmp_path: Path) -> None:
    async with raising(tmp_path) as guard:
        guard.console.on(GET_SETTINGS, *limits(5, 5, 5, 5, 8))
        guard.console.on(SET, None)
        await (await permit_of(guard, LONGER)).deposit()
        assert len(guard.pauses) == 3


async def test_a_raise_that_was_refused_and_left_all_as_it_was_gives_it_back(tmp_path: Path) -> None:
    async with raising(tmp_path) as guard:
        guard.console.on(SET, refusal(409, "changed meanwhile"))
        with pytest.raises(Conflict):
            await (await permit_of(guard, LONGER)).deposit()
        assert guard.ledger.held(DSEQ) == Usd(0)
        assert guard.written()[0][1] == "refused"
        assert not guard.pauses


async def test_a_raise_that_was_refused_and_cannot_be_read_back_stays_held(tmp_path: Path) -> None:
    async with raising(tmp_path) as guard:
        guard.console.on(GET_SETTINGS, *limits(5), refusal(404))
        guard.console.on(SET, refusal(400, "Runtime limit can only be increased"))
        with pytest.raises(OutcomeUnknown, match="reads as unknown"):
            await (await permit_of(guard, LONGER)).deposit()
        assert guard.ledger.held(DSEQ) == Usd("1.5")


async def test_a_raise_beyond_what_there_is_is_not_sent(tmp_path: Path) -> None:
    async with raising(tmp_path) as guard:
        guard.console.on(GET_SETTINGS, *limits(8758))
        with pytest.raises(BadArgument, match="1 to 8760"):
            await (await permit_of(guard, LONGER)).deposit()
        assert not guard.console.sent(SET)
        assert guard.ledger.held(DSEQ) == Usd(0)


async def test_what_has_no_known_limit_gets_none_by_this(tmp_path: Path) -> None:
    async with raising(tmp_path) as guard:
        guard.console.on(GET_SETTINGS, *limits(None))
        with pytest.raises(Refused, match="funded without end already"):
            await (await permit_of(guard, LONGER)).deposit()
        assert not guard.console.sent(SET)
        assert guard.ledger.held(DSEQ) == Usd(0)


@pytest.mark.parametrize(
    "told",
    [
        deployment(leases=(lease(price=834),)),
        deployment(),
        {**deployment(), "leases": None},
        deployment(leases=(lease(price="much"),)),
    ],
    ids=["dearer", "not leased", "leases not told", "no price"],
)
async def test_hours_of_another_rate_than_was_approved_are_not_added(told: object, tmp_path: Path) -> None:
    async with raising(tmp_path) as guard:
        guard.console.on(READ, (200, told))
        with pytest.raises(Refused, match="runs no longer than before"):
            await (await permit_of(guard, LONGER)).deposit()
        assert not guard.console.sent(SET)
        assert guard.ledger.held(DSEQ) == Usd(0)


async def test_a_rate_that_shows_after_the_raise_is_held_and_told(tmp_path: Path) -> None:
    async with raising(tmp_path) as guard:
        guard.console.on(SET, *limits(8))
        guard.console.on(READ, LEASED, (200, deployment(leases=(lease(price=5000),))))
        with pytest.raises(AkashError, match="its rate is not what it was") as error:
            await (await permit_of(guard, LONGER)).deposit()
        assert error.value.money == "3 more hours can cost $9.00, and $1.50 was approved."
        assert f"close_deployment(dseq={DSEQ}) ends it" in error.value.next_step
        assert guard.ledger.held(DSEQ) == Usd(9)


async def test_a_deposit_that_came_in_although_it_was_refused_is_held_and_told(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(FUND, refusal(402))
        guard.console.on(READ, (200, deployment()), (200, deployment(funds=5_000_000)))
        with pytest.raises(AkashError, match=r"\$3\.00 came into .* and \$1\.50 was approved"):
            await (await permit_of(guard)).deposit()
        assert guard.ledger.held(DSEQ) == Usd(3)


async def test_a_refused_deposit_that_cannot_be_read_back_stays_held(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(FUND, refusal(402))
        guard.console.on(READ, (200, deployment()), refusal(500))
        with pytest.raises(OutcomeUnknown, match="Whether money came in all the same cannot be read"):
            await (await permit_of(guard)).deposit()
        assert guard.ledger.held(DSEQ) == Usd("1.5")
