"""Accounting: a definite refusal gives back, anything else stays held, and the journal knows of both."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from scripted_console import CREATE, LAUNCH, Guarded, Told, approved, guarded

from akash_mcp.errors import (
    AkashError,
    BadArgument,
    BadRequest,
    Interrupted,
    MissingKey,
    OutcomeUnknown,
    Refused,
    ServerError,
    Unreachable,
)
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.permits.operation import AuthorisedOperation
from akash_mcp.money import ZERO

pytestmark = pytest.mark.anyio

DEFINITE = [
    BadRequest("refused", status=400),
    ServerError("refused", status=500),
    Unreachable("refused"),
    MissingKey(),
    Refused("refused"),
]
LOST = [OutcomeUnknown("lost"), Interrupted("lost"), BadArgument("lost"), ZeroDivisionError("lost")]


async def operation_of(guard: Guarded) -> AuthorisedOperation:
    return (await guard.gate.launch(LAUNCH, approved(LAUNCH)))._operation


@pytest.mark.parametrize("error", DEFINITE, ids=lambda error: type(error).__name__)
async def test_a_definite_refusal_gives_the_reservation_back(error: Exception, tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        operation = await operation_of(guard)
        with pytest.raises(type(error)):
            async with operation.accounted(on_refusal=State.REFUSED):
                raise error
        assert guard.ledger.status().held == ZERO
        assert guard.written() == [("launch", "refused", noted(error))]


async def test_a_refusal_after_the_deposit_keeps_it_held(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        operation = await operation_of(guard)
        with pytest.raises(Refused):
            async with operation.accounted(on_refusal=State.OFFERED):
                raise Refused("gone")
        assert guard.ledger.status().held == LAUNCH.deposit
        assert guard.written() == [("launch", "offered", "gone No money moved.")]


def noted(error: Exception) -> str:
    """What is written down of it. The words of what is not an error of ours name our own insides."""
    return str(error) if isinstance(error, AkashError) else type(error).__name__


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
async def test_anything_else_stays_held_and_unknown(error: Exception, tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        operation = await operation_of(guard)
        with pytest.raises(type(error)):
            async with operation.accounted(on_refusal=State.REFUSED):
                raise error
        assert guard.ledger.status().held == LAUNCH.deposit
        assert guard.written() == [("launch", "unknown", noted(error))]


async def test_what_goes_well_is_left_to_the_permit(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        async with (await operation_of(guard)).accounted(on_refusal=State.REFUSED):
            pass
        assert guard.written() == [("launch", "reserved", "approved by auto")]


async def test_a_server_that_is_stopped_while_it_waits_leaves_it_as_it_was_sent(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        async with anyio.create_task_group() as tasks:

            def stopped() -> Told:
                tasks.cancel_scope.cancel()
                return 201, {}

            guard.console.on(CREATE, stopped)
            permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
            await permit.create()
        assert guard.ledger.status().held == LAUNCH.deposit
        # Nothing is said of how it ended: whoever carries it on knows that it was sent, and looks it up.
        assert guard.written() == [("launch", "reserved", "approved by auto")]
        sent = await permit.sent()
        assert sent is not None
        assert (sent.at, sent.answer) == (guard.clock[0], None)


async def test_a_failure_without_words_is_written_down_by_its_kind(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        with pytest.raises(ZeroDivisionError):
            async with (await operation_of(guard)).accounted(on_refusal=State.REFUSED):
                raise ZeroDivisionError
        assert guard.written() == [("launch", "unknown", "ZeroDivisionError")]


@pytest.mark.parametrize("error", [*DEFINITE, *LOST], ids=lambda error: type(error).__name__)
async def test_what_the_request_raised_is_raised_where_it_cannot_be_written_down(
    error: Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded(tmp_path) as guard:
        operation = await operation_of(guard)
        guard.damage()
        with pytest.raises(type(error)) as raised:
            async with operation.accounted(on_refusal=State.REFUSED):
                raise error
        assert raised.value is error
    assert "could not be written down" in caplog.text


@pytest.mark.parametrize("error", [*DEFINITE, *LOST], ids=lambda error: type(error).__name__)
async def test_what_fails_before_the_request_gives_the_reservation_back(
    error: Exception, tmp_path: Path
) -> None:
    async with guarded(tmp_path) as guard:
        operation = await operation_of(guard)
        with pytest.raises(type(error)):
            async with operation.preparing():
                raise error
        assert guard.ledger.status().held == ZERO
        assert guard.written() == [("launch", "refused", noted(error))]


async def test_what_was_done_and_cannot_be_written_down_is_told_as_that(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        operation = await operation_of(guard)
        guard.damage()
        with pytest.raises(AkashError) as error:
            async with operation.written_down("It is done", money="M.", next_step="N."):
                await operation.advance(State.DONE)
        assert not isinstance(error.value, Refused)
        assert error.value.what.startswith("It is done, and it could not be written down: The ledger cannot")
        assert (error.value.money, error.value.next_step) == ("M.", "N.")


async def test_a_long_reason_is_cut(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        with pytest.raises(Refused):
            async with (await operation_of(guard)).accounted(on_refusal=State.REFUSED):
                raise Refused("x" * 600)
        assert [note for _, _, note in guard.written()] == [f"{'x' * 497}…"]  # 500 bytes
