"""Closing: it is said only when it is proven, and what is not known stays held."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from scripted_console import (
    CLOSE,
    DSEQ,
    LAUNCH,
    READ,
    Guarded,
    Told,
    approved,
    deployment,
    guarded,
    lease,
    refusal,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.key import ConsoleKey
from akash_mcp.errors import AkashError, NotFound, OutcomeUnknown
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.permits.close_permit import Closed, ClosePermit
from akash_mcp.guard.plans.plans import ClosePlan
from akash_mcp.money import ZERO, Usd

pytestmark = pytest.mark.anyio

PLAN = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True)
CLOSED: Told = (200, deployment(state="closed", spent=250_000))
BROKEN = refusal(500, "Internal server error")
GONE = refusal(404, "Deployment not found")


@asynccontextmanager
async def launched(folder: Path) -> AsyncIterator[tuple[Guarded, ClosePermit]]:
    """A deployment of ours with $2.00 in it, and the permit to close it."""
    async with guarded(folder) as guard:
        await (await guard.gate.launch(LAUNCH, approved(LAUNCH))).create()
        yield guard, await guard.gate.close(PLAN, approved(PLAN))


async def test_a_proven_close_tells_what_it_cost_and_settles_it(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(READ, CLOSED)
        assert await permit.close() == Closed(DSEQ, Usd("0.25"))
        status = guard.ledger.status()
        assert (status.held, status.today, status.live_deployments) == (ZERO, Usd("0.25"), 0)
        assert guard.written() == [
            ("launch", "closed", "proven closed, $0.25 spent"),
            ("close", "done", ""),
        ]
        assert guard.journal.sources(DSEQ) is None


@pytest.mark.parametrize("failure", [None, BROKEN], ids=["no answer", "an error"])
async def test_a_close_whose_answer_was_lost_is_proven_by_reading(failure: Told, tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(CLOSE, failure)
        guard.console.on(READ, CLOSED)
        assert (await permit.close()).spent == Usd("0.25")


async def test_a_close_that_the_console_gave_up_on_is_looked_at_too(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2026_11) as guard:
        guard.console.on(CLOSE, (202, {"activityId": "a1"}))
        guard.console.on("GET /v1/activities/a1", (200, {"id": "a1", "status": "failed"}))
        guard.console.on(READ, CLOSED)
        assert (await (await guard.gate.close(PLAN, approved(PLAN))).close()).spent == Usd("0.25")


async def test_a_success_that_still_reads_as_active_is_not_believed(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        with pytest.raises(OutcomeUnknown, match="not proven closed and may still cost money") as unknown:
            await permit.close()
        assert "It still reads as active." in unknown.value.what
        assert "repeating it is harmless" in unknown.value.next_step
        assert guard.ledger.held(DSEQ) == Usd(2)
        assert [state for _, state, _ in guard.written()] == ["created", "planned"]


async def test_it_is_tried_three_times_with_pauses(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        with pytest.raises(OutcomeUnknown):
            await permit.close()
        assert (len(guard.console.sent(CLOSE)), len(guard.pauses)) == (3, 2)


async def test_a_close_that_takes_its_time_is_proven_in_the_end(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(READ, (200, deployment()), (200, deployment()), CLOSED)
        assert (await permit.close()).spent == Usd("0.25")
        assert len(guard.console.sent(CLOSE)) == 3


@pytest.mark.parametrize("unread", [None, BROKEN, refusal(400)], ids=["no answer", "500", "400"])
async def test_what_cannot_be_read_back_is_not_proven(unread: Told, tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(READ, unread)
        with pytest.raises(
            OutcomeUnknown, match=r"not proven closed and may still cost money\. Akash Console"
        ):
            await permit.close()
        assert guard.ledger.held(DSEQ) == Usd(2)


async def test_the_failure_of_the_close_is_what_is_told(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(CLOSE, refusal(500, "the signer is down"))
        with pytest.raises(OutcomeUnknown, match="the signer is down"):
            await permit.close()
        guard.console.on(READ, refusal(400, "no reading"))
        with pytest.raises(OutcomeUnknown, match="the signer is down"):
            await permit.close()


async def test_a_close_that_cannot_be_read_back_for_want_of_a_connection_is_tried_again(
    tmp_path: Path,
) -> None:
    async with launched(tmp_path) as (guard, permit):

        def gone() -> Told:
            guard.console.hang_up()
            return 200, {"success": True}

        guard.console.on(CLOSE, gone)
        with pytest.raises(OutcomeUnknown, match="not proven closed") as unknown:
            await permit.close()
        assert "No money moved" not in str(unknown.value)
        assert len(guard.pauses) == 2
        assert guard.ledger.held(DSEQ) == Usd(2)


# A third 404 would be one refusal too many for the Console, which then takes no close for minutes.
@pytest.mark.parametrize(("failure", "sent"), [(BROKEN, 3), (GONE, 2)], ids=["500", "404"])
async def test_a_failure_that_may_pass_is_asked_again_and_told(
    failure: Told, sent: int, tmp_path: Path
) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(CLOSE, failure)
        with pytest.raises(OutcomeUnknown, match="not proven closed"):
            await permit.close()
        assert len(guard.console.sent(CLOSE)) == sent


async def test_a_close_that_the_console_does_not_take_says_when_to_repeat_it(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(CLOSE, refusal(429, "Wait.", "repeated_refusal", retry_after=240))
        with pytest.raises(OutcomeUnknown, match="may still cost money") as unknown:
            await permit.close()
        assert unknown.value.next_step == (
            "Call close_deployment again in 4 minutes: repeating it is harmless."
        )


async def test_a_close_that_the_console_does_not_take_yet_is_sent_again_when_it_does(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(
            CLOSE, refusal(429, "Wait.", "repeated_refusal", retry_after=240), (200, {"success": True})
        )
        guard.console.on(READ, (200, deployment()), (200, deployment(state="closed")))
        await permit.close()
        assert (len(guard.console.sent(CLOSE)), guard.slept) == (2, [240])


async def test_the_failure_of_the_close_is_told_also_where_the_record_is_gone(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(CLOSE, refusal(500, "the signer is down"))
        guard.console.on(READ, GONE)
        with pytest.raises(OutcomeUnknown, match="the signer is down"):
            await permit.close()


async def test_a_record_that_is_gone_does_not_prove_that_ours_is_closed(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(READ, GONE)
        with pytest.raises(OutcomeUnknown, match="not proven closed and may still cost money"):
            await permit.close()
        assert len(guard.console.sent(CLOSE)) == 3
        guard.console.on(CLOSE, GONE)
        with pytest.raises(OutcomeUnknown, match="not proven closed and may still cost money"):
            await permit.close()
        assert guard.ledger.held(DSEQ) == Usd(2)
        assert guard.written()[0][:2] == ("launch", "created")


async def test_of_what_was_proven_closed_before_the_record_may_be_gone(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.journal.mark_closed(DSEQ, "proven closed")
        guard.console.on(READ, GONE)
        assert await permit.close() == Closed(DSEQ, None)
        assert guard.ledger.held(DSEQ) == Usd(2)


async def test_what_nobody_knows_is_not_closed(tmp_path: Path) -> None:
    others = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=False)
    async with guarded(tmp_path) as guard:
        guard.console.on(CLOSE, GONE)
        guard.console.on(READ, GONE)
        with pytest.raises(NotFound):
            await (await guard.gate.close(others, approved(others))).close()


async def test_what_others_created_and_is_not_found_afterwards_is_not_proven(tmp_path: Path) -> None:
    others = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=False)
    async with guarded(tmp_path) as guard:
        guard.console.on(READ, GONE)
        with pytest.raises(OutcomeUnknown, match="not proven closed"):
            await (await guard.gate.close(others, approved(others))).close()


async def test_without_a_ledger_what_is_not_found_may_be_ours(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.damage()
        guard.console.on(CLOSE, GONE)
        guard.console.on(READ, GONE)
        with pytest.raises(OutcomeUnknown, match="not proven closed"):
            await permit.close()


@pytest.mark.parametrize("status", [400, 401, 403, 409])
async def test_a_refused_close_may_still_cost_and_is_not_asked_for_again(status: int, tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(CLOSE, refusal(status, "escrow cannot be settled yet"))
        with pytest.raises(OutcomeUnknown, match=r"may still cost money.*cannot be settled yet") as unknown:
            await permit.close()
        assert "No money moved" not in str(unknown.value)
        assert len(guard.console.sent(CLOSE)) == 1


async def test_a_close_without_the_key_says_what_is_missing(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(CLOSE, refusal(401))
        with pytest.raises(OutcomeUnknown) as unknown:
            await permit.close()
        assert unknown.value.next_step.startswith("Call close_deployment again")
        assert "The API key is wrong" in unknown.value.next_step
        guard.gate._writer._client.key = ConsoleKey()
        with pytest.raises(OutcomeUnknown, match="There is no Akash Console API key"):
            await permit.close()
        assert len(guard.pauses) == 0


async def test_a_refused_close_of_what_is_closed_is_proven(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(CLOSE, refusal(400, "Deployment closed"))
        guard.console.on(READ, CLOSED)
        assert (await permit.close()).spent == Usd("0.25")


@pytest.mark.parametrize(
    ("transferred", "spent"),
    [
        ([], ZERO),
        (None, None),
        ([{"denom": "uakt", "amount": "5"}], None),
        ([{"denom": "uact"}], None),
        ([{"denom": "uact", "amount": "-5"}], None),
    ],
)
async def test_what_it_cost_is_unknown_where_it_is_not_on_record(
    transferred: object, spent: Usd | None, tmp_path: Path
) -> None:
    async with launched(tmp_path) as (guard, permit):
        closed = deployment(state="closed")
        closed["escrow_account"]["state"]["transferred"] = transferred
        guard.console.on(READ, (200, closed))
        assert (await permit.close()).spent == spent
        assert guard.ledger.held(DSEQ) == (Usd(2) if spent is None else ZERO)


async def test_unwinding_tells_why_and_what_it_cost(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(READ, CLOSED)
        unwound = await permit.unwind(AkashError("It was too dear.", next_step="Ask for less."))
        assert unwound.what == f"It was too dear. Deployment {DSEQ} was closed again, proven; it cost $0.25."
        assert (unwound.money, unwound.next_step) == ("It costs nothing any more.", "Ask for less.")
        assert await permit.unwind(unwound) is unwound
        assert len(guard.console.sent(CLOSE)) == 1


async def test_what_had_to_be_done_about_a_lost_answer_is_over_with_its_deployment(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(READ, CLOSED)
        unwound = await permit.unwind(OutcomeUnknown("It was lost.", next_step="Look for it."))
        assert unwound.what.startswith("It was lost. Deployment")
        assert unwound.next_step == ""


async def test_a_lost_answer_is_told_as_the_refusal_that_it_hides(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(READ, CLOSED)
        for cause, told in (
            (AkashError("It was refused."), "It was refused."),
            (OSError("x"), "It was lost."),
        ):
            lost = OutcomeUnknown("It was lost.")
            lost.__cause__ = cause
            assert (await permit.unwind(lost)).what.startswith(f"{told} Deployment")


async def test_what_broke_in_this_server_is_told_without_its_insides(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(READ, CLOSED)
        unwound = await permit.unwind(ValueError("an inside"))
        assert unwound.what.startswith("This server failed while it looked for a lease. Deployment")
        assert "an inside" not in str(unwound)
        assert "an inside" in caplog.text


async def test_unwinding_that_fails_tells_both(tmp_path: Path) -> None:
    async with launched(tmp_path) as (_, permit):
        unwound = await permit.unwind(AkashError("It was too dear."))
        assert unwound.what.startswith("It was too dear. Closing it again did not work either: Deployment")
        assert unwound.money == "It may still cost money."
        assert f"close_deployment(dseq={DSEQ})" in unwound.next_step


async def test_unwinding_does_not_claim_a_cost_that_is_not_on_record(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        closed = deployment(state="closed")
        closed["escrow_account"]["state"]["transferred"] = None
        guard.console.on(READ, (200, closed))
        assert "proven; what it cost is not known." in (await permit.unwind(AkashError("No."))).what


async def test_a_damaged_ledger_does_not_stand_in_the_way(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with launched(tmp_path) as (guard, _):
        guard.damage()
        guard.console.on(READ, CLOSED)
        permit = await guard.gate.close(PLAN, approved(PLAN))
        assert await permit.close() == Closed(DSEQ, Usd("0.25"))
    assert "closing without a ledger" in caplog.text
    assert "the ledger could not be updated" in caplog.text


async def test_more_than_was_held_can_have_been_spent(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(READ, (200, deployment(state="closed", spent=3_000_000)))
        assert await permit.close() == Closed(DSEQ, Usd(3))


async def test_a_launch_that_is_unwound_ends_closed(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        guard.console.on(READ, CLOSED)
        closing = permit.abandoning(DSEQ)
        assert closing.op_id == permit.op_id
        await closing.close()
        assert guard.operation(permit.op_id).state is State.CLOSED


CONTRADICTIONS: dict[str, dict[str, object]] = {
    "a lease that runs": deployment(state="closed", leases=(lease(),)),
    "a lease that is taken back": deployment(state="closed", leases=(lease(state="reclaiming"),)),
    "money in its escrow": deployment(state="closed", funds=1, manifest_hash="abc="),
}


@pytest.mark.parametrize("told", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
async def test_what_reads_as_closed_and_goes_on_is_not_proven(told: object, tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(READ, (200, told))
        with pytest.raises(
            OutcomeUnknown, match="It reads as closed, and a lease of it or its escrow does not"
        ):
            await permit.close()
        assert guard.ledger.held(DSEQ) == LAUNCH.deposit


async def test_the_escrow_of_an_index_is_an_old_one_and_proves_nothing(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        ended = lease(state="insufficient_funds")
        told = deployment(state="closed", funds=1, spent=5, manifest_hash="unknown_value", leases=(ended,))
        guard.console.on(READ, (200, told))
        assert (await permit.close()).spent == Usd("0.000005")


async def test_the_record_of_another_deployment_proves_nothing(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        guard.console.on(READ, (200, deployment("7", state="closed")))
        with pytest.raises(OutcomeUnknown, match=f"answered with another deployment than {DSEQ}"):
            await permit.close()
        assert guard.ledger.held(DSEQ) == LAUNCH.deposit


async def test_what_was_leased_did_not_cost_nothing(tmp_path: Path) -> None:
    async with launched(tmp_path) as (guard, permit):
        told = deployment(state="closed", leases=(lease(state="closed"),))
        told["escrow_account"]["state"]["transferred"] = []
        guard.console.on(READ, (200, told))
        assert (await permit.close()).spent is None
        assert guard.ledger.held(DSEQ) == LAUNCH.deposit
