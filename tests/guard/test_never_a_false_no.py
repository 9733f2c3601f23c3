"""Whatever the Console answers to what spends: after the request nobody says that no money moved, and it stays held.

The sequences are drawn from what its schema allows and what its networks do: every status, hang-ups, answers with
fields left out, null or odd. Only a definite refusal, after which all reads as before, gives a reservation back.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from hypothesis import given
from hypothesis import strategies as st
from scripted_console import (
    BIDS,
    CLOSE,
    CREATE,
    DSEQ,
    FUND,
    GET_SETTINGS,
    LAUNCH,
    LEASE,
    MANIFEST,
    OTHER,
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
from test_lease_permit import choice

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import NOTHING_MOVED, AkashError, ApiError
from akash_mcp.guard.plans.plans import ClosePlan, FundPlan
from akash_mcp.money import Usd

AMOUNT = Usd("1.5")
FUNDING = FundPlan(tool="add_funds", dseq=DSEQ, amount=AMOUNT, ours=True)
CLOSING = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True)

LOST: tuple[Told, ...] = (
    None,
    refusal(500),
    refusal(502),
    refusal(503),
    refusal(504),
    (200, None),
    (200, {}),
)
ODD: tuple[Any, ...] = (None, [], {}, "", "odd", 0, True)
REFUSED: tuple[Told, ...] = (
    refusal(400, "manifest cross-validation error: no"),
    refusal(404, "no lease for deployment"),
    refusal(422, "invalid manifest"),
    refusal(495, "Invalid certificate error: expired"),
    refusal(402, "Not enough balance"),
    refusal(409, "changed first"),
)
BEFORE_A_LEASE = REFUSED[-2:]
"""Those that a lease request cannot be refused with once there is a lease."""
LEASES = st.lists(
    st.builds(
        lease,
        st.sampled_from(["akash1aaa", OTHER]),
        st.sampled_from([1, 1000, 1001, 10**9, 0, -1, "odd", None]),
        state=st.sampled_from(["active", "closed", "", "insufficient_funds"]),
    ),
    max_size=2,
).map(tuple)


@st.composite
def details(draw: st.DrawFn) -> Told:
    """A deployment, with something of it left out, null or odd."""
    told = deployment(
        state=draw(st.sampled_from(["active", "closed", ""])),
        funds=draw(st.sampled_from([0, 2_000_000, 3_500_000, 50_000_000])),
        spent=draw(st.sampled_from([0, 250_000])),
        leases=draw(LEASES),
    )
    where: Any = draw(st.sampled_from([told, told["deployment"], told["escrow_account"]["state"]]))
    key = draw(st.sampled_from(sorted(where)))
    if draw(st.booleans()):
        where[key] = draw(st.sampled_from(ODD))
    return 200, told


ANSWERS = st.one_of(st.sampled_from(LOST + REFUSED), details())
SEVERAL = st.lists(ANSWERS, min_size=1, max_size=4)
LIMITS = st.lists(
    st.one_of(
        st.sampled_from(LOST + REFUSED),
        st.sampled_from([None, 5, 8, 9, 2.5, "8", True]).map(
            lambda hours: (200, {**settings(), "runtimeLimitHours": hours})
        ),
    ),
    min_size=1,
    max_size=5,
)


def tried(work: Callable[[Guarded], Awaitable[None]], generation: Generation = Generation.REFERENCE) -> None:
    async def run(folder: Path) -> None:
        async with guarded(folder, generation=generation) as guard:
            await work(guard)

    with tempfile.TemporaryDirectory() as folder:
        anyio.run(run, Path(folder))


async def told(work: Awaitable[object]) -> AkashError | None:
    """What it raises, if anything."""
    try:
        await work
    except AkashError as error:
        return error
    return None


@given(answers=SEVERAL, reads=SEVERAL, closes=SEVERAL)
def test_a_lease(answers: list[Told], reads: list[Told], closes: list[Told]) -> None:
    async def work(guard: Guarded) -> None:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        await permit.create()
        guard.console.on(LEASE, *answers)
        guard.console.on(READ, (200, deployment()), *reads)
        guard.console.on(CLOSE, *closes)
        guard.console.on(BIDS, (200, [bid()]))
        error = await told(permit.leasing(DSEQ).lease([choice()]))
        assert guard.console.sent(LEASE)
        if error is not None and NOTHING_MOVED in str(error):
            assert answers[0] in BEFORE_A_LEASE
            assert any(_shows_no_lease(read) for read in reads)
        # Spent counts as much as held: what was proven closed is settled by what it is proven to have cost.
        closed = error is not None and "proven;" in error.what
        assert closed or guard.ledger.held(DSEQ) == LAUNCH.deposit

    tried(work)


def _shows_no_lease(read: Told) -> bool:
    if read is None or read[0] != 200 or not isinstance(read[1], dict):
        return False
    leases = read[1].get("leases")
    return isinstance(leases, list) and all(each["state"] == "closed" for each in leases)


@given(answers=SEVERAL, reads=SEVERAL)
def test_a_deposit(answers: list[Told], reads: list[Told]) -> None:
    async def work(guard: Guarded) -> None:
        guard.console.on(FUND, *answers)
        guard.console.on(READ, (200, deployment()), *reads)
        error = await told((await guard.gate.fund(FUNDING, approved(FUNDING))).deposit())
        assert len(guard.console.sent(FUND)) == 1
        refused = answers[0] in REFUSED
        # A refusal is believed where nothing came in all the same.
        believed = isinstance(error, ApiError)
        assert refused or not believed
        assert believed or error is None or NOTHING_MOVED not in str(error)
        held = guard.ledger.held(DSEQ)
        assert held == Usd(0) if believed else held >= AMOUNT  # more came in than was approved: more is held

    tried(work)


@given(answers=LIMITS, reads=LIMITS)
def test_a_raise_of_the_runtime_limit(answers: list[Told], reads: list[Told]) -> None:
    async def work(guard: Guarded) -> None:
        guard.console.on(SET, *answers)
        guard.console.on(GET_SETTINGS, (200, settings(hours=5)), *reads)
        guard.console.on(READ, (200, deployment(leases=(lease(price=1),))))
        plan = dataclasses.replace(FUNDING, more_hours=3)
        error = await told((await guard.gate.fund(plan, approved(plan))).deposit())
        assert len(guard.console.sent(SET)) == 1
        if isinstance(error, ApiError):
            assert answers[0] in REFUSED
            assert (200, {**settings(), "runtimeLimitHours": 5}) in reads
            assert guard.ledger.held(DSEQ) == Usd(0)
        else:
            assert error is None or NOTHING_MOVED not in str(error)
            assert guard.ledger.held(DSEQ) == AMOUNT

    tried(work, Generation.V2026_11)


@given(answers=SEVERAL, created=st.sampled_from([DSEQ, "", None, 0, "odd", -1]), breaks=st.booleans())
def test_a_creation(answers: list[Told], created: object, breaks: bool) -> None:
    async def work(guard: Guarded) -> None:
        def answer() -> Told:
            if breaks:
                guard.damage()
            return 201, {"dseq": created, "manifest": MANIFEST}

        guard.console.answers[CREATE] = [answer]
        guard.console.on(READ, *answers)
        error = await told((await guard.gate.launch(LAUNCH, approved(LAUNCH))).create())
        assert (error is None) is (created == DSEQ and not breaks)
        assert error is None or NOTHING_MOVED not in str(error)
        assert breaks or guard.ledger.status().held == LAUNCH.deposit

    tried(work)


@given(answers=SEVERAL, reads=SEVERAL)
def test_a_close(answers: list[Told], reads: list[Told]) -> None:
    async def work(guard: Guarded) -> None:
        await (await guard.gate.launch(LAUNCH, approved(LAUNCH))).create()
        guard.console.on(CLOSE, *answers)
        guard.console.on(READ, *reads)
        error = await told((await guard.gate.close(CLOSING, approved(CLOSING))).close())
        if error is not None:
            assert NOTHING_MOVED not in str(error)
            assert "may still cost money" in str(error)
            assert guard.ledger.held(DSEQ) == LAUNCH.deposit

    tried(work)
