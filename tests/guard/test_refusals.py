"""What the Console refuses again and again is not sent again, and nothing else is held back because of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from scripted_console import (
    CREATE,
    DSEQ,
    LAUNCH,
    LEASE,
    READ,
    Guarded,
    Told,
    approved,
    deployment,
    guarded,
    lease,
    refusal,
)
from test_lease_permit import choice, created, leased

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import (
    ApiError,
    BadRequest,
    HeldBack,
    NotDelivered,
    RepeatedRefusal,
    ServerError,
    Unauthorized,
    WalletProvisioning,
    in_time,
)
from akash_mcp.guard.books.refusals import Refusals
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.permits.lease_permit import LeasePermit, OfferGone
from akash_mcp.money import ZERO

pytestmark = pytest.mark.anyio

HOURS = 3
PLAN = dataclasses.replace(LAUNCH, runtime_limit_hours=HOURS, generation=Generation.V2026_11)
UNDELIVERED = refusal(422, "The lease exists.", "manifest_not_delivered")
INVALID = refusal(400, "Invalid SDL", "bad_request")
LEASES = "POST /v1/leases"


def sent(guard: Guarded, route: str) -> int:
    return len(guard.console.sent(route))


def leased_once_asked(guard: Guarded) -> None:
    """The lease is made whatever the answer to it is."""
    guard.console.on(READ, lambda: (200, deployment(leases=(lease(),) if guard.console.sent(LEASE) else ())))


async def refused_manifest(guard: Guarded, permit: LeasePermit) -> str:
    leased_once_asked(guard)
    with pytest.raises(NotDelivered) as undelivered:
        await permit.lease([choice()])
    return undelivered.value.what


async def test_a_manifest_that_its_provider_refuses_is_sent_twice_and_blocks_no_other_lease(
    tmp_path: Path,
) -> None:
    async with created(tmp_path, hours=HOURS) as (guard, permit):
        guard.console.on(LEASE, UNDELIVERED)
        assert "does not take the manifest" in await refused_manifest(guard, permit)
        assert sent(guard, LEASE) == 2
        await guard.gate.check_lease(DSEQ)  # another one is asked for and sent


async def test_a_provider_that_gives_up_waiting_counts_as_one_that_refuses(tmp_path: Path) -> None:
    async with created(tmp_path, hours=HOURS) as (guard, permit):
        guard.console.on(LEASE, refusal(408, "Too slow.", "manifest_not_delivered"))
        await refused_manifest(guard, permit)
        assert sent(guard, LEASE) == 2
        guard.console.on(READ, (200, deployment()))
        with pytest.raises(HeldBack):
            await permit.lease([choice()])
        assert sent(guard, LEASE) == 2


async def test_of_a_streak_that_others_began_less_is_left_to_send(tmp_path: Path) -> None:
    async with created(tmp_path, hours=HOURS) as (guard, permit):
        account = guard.gate._client.account
        await Refusals(guard.store).note(account, LEASES, "another", BadRequest("No.", status=422))
        guard.console.on(LEASE, UNDELIVERED)
        assert "so it was not sent again" in await refused_manifest(guard, permit)
        assert sent(guard, LEASE) == 1


async def test_what_the_console_takes_for_wrong_is_not_sent_again(tmp_path: Path) -> None:
    async with created(tmp_path, hours=HOURS) as (guard, permit):
        guard.console.on(LEASE, refusal(400, "Validation error", "validation_error"))
        await refused_manifest(guard, permit)  # somebody else leased just that
        assert sent(guard, LEASE) == 1


@pytest.mark.parametrize("answer", [None, refusal(503, "later", "manifest_not_delivered"), refusal(401)])
async def test_what_is_no_refusal_that_counts_is_tried_four_times(answer: Told, tmp_path: Path) -> None:
    async with created(tmp_path, hours=HOURS) as (guard, permit):
        guard.console.on(LEASE, None, answer)
        await refused_manifest(guard, permit)
        assert sent(guard, LEASE) == 4


async def test_others_under_way_are_waited_for(tmp_path: Path) -> None:
    async with created(tmp_path, hours=HOURS) as (guard, permit):
        busy = refusal(429, "Wait.", "repeated_refusal", retry_after=1)
        guard.console.on(LEASE, busy, busy, leased(lease()))
        guard.console.on(READ, (200, deployment()), leased(lease()))
        await permit.lease([choice()])
        assert (sent(guard, LEASE), len(guard.pauses)) == (3, 2)


async def test_while_the_console_takes_no_lease_none_is_sent_and_nobody_is_asked(tmp_path: Path) -> None:
    async with created(tmp_path, hours=HOURS) as (guard, permit):
        guard.console.on(LEASE, refusal(429, "Wait.", "repeated_refusal", retry_after=230))
        guard.console.on(READ, (200, deployment()))
        with pytest.raises(RepeatedRefusal):
            await permit.lease([choice()])
        with pytest.raises(HeldBack, match="takes no lease of this account now") as held:
            await guard.gate.check_lease(DSEQ)
        assert "Try again in 4 minutes." in held.value.next_step
        assert held.value.money == "No money moved."
        with pytest.raises(HeldBack):
            await guard.gate.check_launch(PLAN)
        with pytest.raises(HeldBack):  # its bids would be gone before it could be leased
            await guard.gate.check_launch(dataclasses.replace(PLAN, tool="create_deployment"))
        with pytest.raises(HeldBack):
            await permit.lease([choice()])
        assert sent(guard, LEASE) == 1
        guard.clock[0] += 231
        await guard.gate.check_lease(DSEQ)


async def test_an_sdl_that_was_refused_twice_is_not_sent_again_and_another_is(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2026_11) as guard:
        guard.console.on(CREATE, INVALID)
        for _ in range(2):
            await guard.gate.check_launch(PLAN)
            with pytest.raises(BadRequest):
                await (await guard.gate.launch(PLAN, approved(PLAN))).create()
        with pytest.raises(HeldBack, match="refused with status 400") as held:
            await guard.gate.check_launch(PLAN)
        assert "try again in 10 minutes" in held.value.next_step
        with pytest.raises(HeldBack):
            await (await guard.gate.launch(PLAN, approved(PLAN))).create()
        assert sent(guard, CREATE) == 2
        assert guard.ledger.status().held == ZERO
        await guard.gate.check_launch(dataclasses.replace(PLAN, sdl="version: '2.1'"))
        guard.clock[0] += 600
        await guard.gate.check_launch(PLAN)


async def test_what_is_asked_for_otherwise_is_not_held_back_with_what_was_refused(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2026_11) as guard:
        guard.console.on(CREATE, refusal(403, "A trial runs for an hour at most.", "forbidden"))
        for _ in range(2):
            with pytest.raises(ApiError):
                await (await guard.gate.launch(PLAN, approved(PLAN))).create()
        with pytest.raises(HeldBack):
            await guard.gate.check_launch(PLAN)
        shorter = dataclasses.replace(PLAN, runtime_limit_hours=1)
        await guard.gate.check_launch(shorter)
        guard.gate._client.project = "p1"
        await guard.gate.check_launch(PLAN)
        with pytest.raises(ApiError):
            await (await guard.gate.launch(shorter, approved(shorter))).create()
        assert sent(guard, CREATE) == 3


async def test_a_wallet_that_is_being_set_up_uses_up_no_streak(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2026_11) as guard:
        guard.console.on(CREATE, refusal(409, "Being set up.", "wallet_provisioning"))
        with pytest.raises(WalletProvisioning):
            await (await guard.gate.launch(PLAN, approved(PLAN))).create()
        assert (sent(guard, CREATE), len(guard.pauses)) == (2, 14)


GONE = "Cannot create lease: The selected bid is no longer open."


async def test_offers_that_are_gone_do_not_use_up_the_streak(tmp_path: Path) -> None:
    async with created(tmp_path, hours=HOURS) as (guard, permit):
        guard.console.on(LEASE, refusal(400, GONE, "bad_request"))
        guard.console.on(READ, (200, deployment()))
        for _ in range(2):
            with pytest.raises(OfferGone):
                await permit.lease([choice()])
        with pytest.raises(HeldBack):
            await permit.lease([choice()])
        assert sent(guard, LEASE) == 2


async def test_what_no_other_offer_would_change_is_not_taken_for_a_lost_offer(tmp_path: Path) -> None:
    async with created(tmp_path, hours=HOURS) as (guard, permit):
        guard.console.on(READ, (200, deployment()))
        for refused in (
            refusal(400, "Validation error", "validation_error"),
            refusal(403, "Forbidden", "forbidden"),
            refusal(422, f"No manifest to send for lease {DSEQ}."),
        ):
            guard.console.on(LEASE, refused)
            with pytest.raises(ApiError):
                await permit.lease([choice()])
        assert sent(guard, LEASE) == 3


async def test_on_an_older_api_nothing_is_counted(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        guard.console.on(CREATE, INVALID)
        for _ in range(4):
            await guard.gate.check_launch(LAUNCH)
            with pytest.raises(BadRequest):
                await (await guard.gate.launch(LAUNCH, approved(LAUNCH))).create()


def api(kind: type[ApiError], status: int, retry_after: float | None = None) -> ApiError:
    return kind("No.", status=status, retry_after=retry_after)


NO = api(BadRequest, 422)


def two(folder: Path, clock: list[float]) -> tuple[Refusals, Refusals]:
    """Two processes on one machine."""
    first, second = (Refusals(Store(folder, lambda: clock[0])) for _ in range(2))
    return first, second


async def held(
    refusals: Refusals, subject: str | None = "a", account: str = "ours", route: str = LEASES
) -> bool:
    try:
        await refusals.check(account, route, subject)
    except HeldBack:
        return True
    return False


async def test_a_streak_is_one_accounts_on_one_path_and_known_to_every_process(tmp_path: Path) -> None:
    one, other = two(tmp_path, [1000.0])
    await one.note("ours", LEASES, "a", NO)
    assert not await held(other)
    await other.note("ours", LEASES, "b", NO)
    assert await held(one)
    assert await held(other, "b")
    assert not await held(one, "c")
    assert not await held(one, account="theirs")
    assert not await held(one, route="POST /v1/deployments")
    await one.note("ours", LEASES, "c", NO)
    assert await held(other, "d")  # the third: none is taken
    assert await held(other, None)


@pytest.mark.parametrize(
    "ends",
    [
        None,
        api(BadRequest, 400),
        api(RepeatedRefusal, 429, 300),
    ],
    ids=["a success", "another status", "a pause"],
)
async def test_a_streak_ends(ends: ApiError | None, tmp_path: Path) -> None:
    clock = [1000.0]
    one, other = two(tmp_path, clock)
    for _ in range(2):
        await one.note("ours", LEASES, "a", NO)
    await one.note("ours", LEASES, "c", ends)
    clock[0] += 301
    assert not await held(other)


@pytest.mark.parametrize(
    "other",
    [
        api(Unauthorized, 401),
        api(ServerError, 302),  # somebody in front of it wants a login
        api(ServerError, 503),
        api(RepeatedRefusal, 429, 1),
        api(ApiError, 429),
    ],
)
async def test_what_is_not_counted_neither_makes_nor_ends_a_streak(other: ApiError, tmp_path: Path) -> None:
    one, _ = two(tmp_path, [1000.0])
    for answer in (other, NO, other, other):
        await one.note("ours", LEASES, "a", answer)
        assert not await held(one)
    await one.note("ours", LEASES, "a", NO)
    assert await held(one)


async def test_the_window_is_counted_from_the_first_of_a_streak(tmp_path: Path) -> None:
    clock = [1000.0]
    one, _ = two(tmp_path, clock)
    await one.note("ours", LEASES, "a", NO)
    clock[0] += 599
    await one.note("ours", LEASES, "a", NO)
    assert await held(one)
    clock[0] += 1
    assert not await held(one)
    await one.note("ours", LEASES, "a", NO)
    assert not await held(one)


async def test_a_file_that_cannot_be_used_holds_nothing_back(tmp_path: Path) -> None:
    one, _ = two(tmp_path, [1000.0])
    (tmp_path / "akash-mcp.sqlite3").write_bytes(b"rubbish" * 1000)
    for _ in range(3):
        await one.note("ours", LEASES, "a", NO)
    assert not await held(one)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "in a minute"),
        (0, "in 1 second"),
        (0.2, "in 1 second"),
        (40, "in 40 seconds"),
        (90, "in 90 seconds"),
        (91, "in 2 minutes"),
        (230, "in 4 minutes"),
        (5400, "in 90 minutes"),
        (5401, "in 2 hours"),
        (200_000, "in 3 days"),
        (float("inf"), "in 365 days"),
    ],
)
def test_a_time_is_told_rounded_up(seconds: float | None, words: str) -> None:
    assert in_time(seconds) == words
