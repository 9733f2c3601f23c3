"""The permit to launch: the deposit is sent once, and every answer is accounted for."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest
from scripted_console import (
    CLOSE,
    CREATE,
    DSEQ,
    LAUNCH,
    LEASE,
    MANIFEST,
    PROVIDER,
    READ,
    Guarded,
    Told,
    approved,
    deployment,
    guarded,
    refusal,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import AkashError, OutcomeUnknown, Refused, Unauthorized, WalletProvisioning
from akash_mcp.guard.books.journal import Sources, State
from akash_mcp.guard.permits.close_permit import Unwound
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.guard.permits.lease_permit import Choice
from akash_mcp.ids import Dseq
from akash_mcp.money import ZERO, Usd

pytestmark = pytest.mark.anyio

PROVISIONING = refusal(409, "The wallet is being set up.", "wallet_provisioning")


async def permit_of(guard: Guarded) -> LaunchPermit:
    return await guard.gate.launch(LAUNCH, approved(LAUNCH))


async def test_a_creation_is_written_down_with_what_it_runs(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await permit_of(guard)
        created = await permit.create()
        assert created.dseq == DSEQ
        [request] = guard.console.sent(CREATE)
        assert request.body == {"data": {"sdl": LAUNCH.sdl, "deposit": 2}}
        operation = guard.operation(permit.op_id)
        assert (operation.state, operation.dseq) == (State.CREATED, DSEQ)
        assert guard.ledger.held(DSEQ) == Usd(2)
        assert guard.journal.sources(DSEQ) == Sources(LAUNCH.sdl, MANIFEST, None)


async def test_where_the_console_funds_by_itself_the_limit_and_our_name_go_along(tmp_path: Path) -> None:
    plan = dataclasses.replace(LAUNCH, runtime_limit_hours=3)
    async with guarded(tmp_path, generation=Generation.V2026_11) as guard:
        permit = await guard.gate.launch(plan, approved(plan))
        await permit.create()
        [request] = guard.console.sent(CREATE)
        name = f"web · {permit.op_id}"
        assert request.body == {"data": {"sdl": LAUNCH.sdl, "name": name, "runtimeLimitHours": 3}}
        assert guard.operation(permit.op_id).name == "web"
        assert guard.journal.sources(DSEQ) == Sources(LAUNCH.sdl, MANIFEST, 3)


async def test_a_deployment_is_called_what_was_asked_for_and_its_operation_stays_in_the_name(
    tmp_path: Path,
) -> None:
    plan = dataclasses.replace(LAUNCH, runtime_limit_hours=3, name="Ж" * 300)
    async with guarded(tmp_path, generation=Generation.V2026_11) as guard:
        permit = await guard.gate.launch(plan, approved(plan))
        await permit.create()
        [request] = guard.console.sent(CREATE)
        words, _, op_id = request.body["data"]["name"].partition(" · ")
        assert words.startswith("Ж" * 90)
        assert op_id == permit.op_id
        assert len(request.body["data"]["name"].encode("utf-16-le")) / 2 <= 256


async def test_a_wallet_that_is_being_set_up_is_waited_for(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(CREATE, *[PROVISIONING] * 14, *guard.console.answers[CREATE])
        await (await permit_of(guard)).create()
        assert (len(guard.console.sent(CREATE)), len(guard.pauses)) == (15, 14)


async def test_a_wallet_that_is_never_ready_holds_nothing(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(CREATE, PROVISIONING)
        with pytest.raises(WalletProvisioning):
            await (await permit_of(guard)).create()
        assert len(guard.console.sent(CREATE)) == 15
        assert guard.ledger.status().held == ZERO


async def test_a_refusal_holds_nothing_and_is_final(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(CREATE, refusal(401))
        permit = await permit_of(guard)
        with pytest.raises(Unauthorized):
            await permit.create()
        assert guard.operation(permit.op_id).state is State.REFUSED
        assert guard.ledger.status().held == ZERO


@pytest.mark.parametrize("answer", [None, refusal(500)], ids=["no answer", "an error"])
async def test_a_lost_answer_stays_held_and_is_not_sent_again(answer: Told, tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(CREATE, answer)
        permit = await permit_of(guard)
        with pytest.raises(OutcomeUnknown):
            await permit.create()
        assert len(guard.console.sent(CREATE)) == 1
        assert guard.operation(permit.op_id).state is State.UNKNOWN
        assert guard.ledger.status().held == Usd(2)


async def test_what_was_found_again_is_taken_up_like_what_was_answered(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await permit_of(guard)
        await permit.adopt(DSEQ)
        assert guard.operation(permit.op_id).state is State.CREATED
        assert guard.ledger.held(DSEQ) == Usd(2)
        assert guard.journal.sources(DSEQ) == Sources(LAUNCH.sdl, LAUNCH.manifest, None)
        assert not guard.console.requests


def unwritten(guard: Guarded) -> None:
    """The ledger's file breaks while the creation is answered."""

    def created() -> Told:
        guard.damage()
        return 201, {"dseq": DSEQ, "manifest": MANIFEST}

    guard.console.on(CREATE, created)


async def test_a_creation_that_cannot_be_written_down_is_closed_again(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        unwritten(guard)
        guard.console.on(READ, (200, deployment(state="closed")))
        with pytest.raises(Unwound, match="was created and could not be written down") as error:
            await (await permit_of(guard)).create()
        assert f"Deployment {DSEQ} was closed again, proven; it cost $0.00." in error.value.what
        assert error.value.money == "It costs nothing any more."
        assert len(guard.console.sent(CLOSE)) == 1


async def test_a_creation_that_cannot_be_written_down_nor_closed_is_named(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        unwritten(guard)
        with pytest.raises(Unwound, match="Closing it again did not work either") as error:
            await (await permit_of(guard)).create()
        assert error.value.money == "It may still cost money."
        assert f"Call close_deployment(dseq={DSEQ})" in error.value.next_step


async def test_a_found_creation_that_cannot_be_written_down_says_how_to_close_it(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await permit_of(guard)
        guard.damage()
        with pytest.raises(AkashError, match="was created and could not be written down") as error:
            await permit.adopt(DSEQ)
        assert not isinstance(error.value, Refused)
        assert error.value.money == "$2.00 is reserved for it; nothing is leased."
        assert error.value.next_step == f"Close it with close_deployment(dseq={DSEQ})."


async def test_a_creation_that_was_not_written_down_and_closed_later_is_settled(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await permit_of(guard)
        guard.console.on(READ, (200, deployment(state="closed")))
        await permit.abandoning(DSEQ).close()
        status = guard.ledger.status()
        assert (status.held, status.live_deployments) == (ZERO, 0)


async def test_its_lease_is_bound_to_its_deployment_and_rate(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await permit_of(guard)
        await permit.create()
        assert permit.leasing(DSEQ).op_id == permit.op_id
        choice = Choice(gseq=1, oseq=1, provider=PROVIDER, price_uact_per_block=Decimal(1))
        with pytest.raises(AkashError, match="was not created by this server"):
            await permit.leasing(Dseq("7")).lease([choice])
        assert not guard.console.sent(LEASE)
