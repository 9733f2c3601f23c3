"""An operation that the gate let in: what its permit works with, and how what it sends is accounted for."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio

from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.clients.http import before_sending
from akash_mcp.clients.retries import Sending
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadSettings,
    Interrupted,
    LedgerUnusable,
    RateLimited,
    Refused,
    RepeatedRefusal,
    ServerError,
    TakenOver,
    Unreachable,
)
from akash_mcp.guard.books import holds, journal, sends
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.refusals import PASSING_SECONDS
from akash_mcp.guard.books.runs import HOUR_SECONDS
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.guard.permits.wire import Wire
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.ids import OpId

T = TypeVar("T")

log = logging.getLogger(__name__)

READ_ATTEMPTS = 3
"""How often what must be known is asked for, a pause apart."""

CERTAIN_SECONDS = 120.0
"""After that, what does not show did not come about: Console gives up on a transaction after 36 s."""

_BUSY_ATTEMPTS = 12
"""A lease under way takes a minute at most."""

DEFINITE = (ApiError, Unreachable, BadSettings, Refused, TakenOver)
"""What these say of the request that raised them is certain: it did nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorisedOperation:
    """One approved, reserved and journalled operation, in this worker's hands since `epoch`.

    `closer` writes whoever has the deployment in hand: only for closing. `pause` waits a few seconds, `sleep` as many
    as it is told.
    """

    closer: ConsoleWriter
    reader: ConsoleReader
    store: Store
    ledger: Ledger
    policy: Policy
    secrets: SecretStore
    pause: Callable[[], Awaitable[None]]
    sleep: Callable[[float], Awaitable[None]]
    wire: Wire
    op_id: OpId
    epoch: int = 1
    certain_seconds: float = CERTAIN_SECONDS
    hour_seconds: float = HOUR_SECONDS

    async def write(self, request: Callable[[ConsoleWriter], Awaitable[T]]) -> T:
        """Send what may be sent again, while this operation has its deployment in hand.

        Raises `TakenOver` where another has it now, and `LedgerUnusable`; nothing is sent then.
        """

        async def keep(_: Sending) -> None:
            await self.store.run(holds.keep, self.op_id, self.epoch)

        async with self.wire.request():
            await keep(Sending.READ)
            with before_sending(keep):
                return await request(self.closer)

    async def write_once(
        self,
        step: str,
        request: Callable[[ConsoleWriter], Awaitable[T]],
        about: Callable[[], Mapping[str, Any]] = dict,
    ) -> T:
        """Send what may spend: once in the life of this operation, whichever process carries it out.

        It is written down at the last moment before its first byte leaves, with what `about` says by then. Raises
        `SentBefore` where that was done earlier, and `TakenOver` and `LedgerUnusable` like `write`. A definite refusal
        frees the step.
        """
        is_begun = False

        def write_down(db: Db) -> None:
            if is_begun:  # and refused: what was sent goes to another route of the Console's
                sends.answered(db, self.op_id, step, "refused")
            sends.begin(db, self.op_id, self.epoch, step, about())

        async def begin(sending: Sending) -> None:
            nonlocal is_begun
            if sending is Sending.ONCE:
                await self.store.run(write_down)
                is_begun = True
            else:
                await self.store.run(holds.keep, self.op_id, self.epoch)

        try:
            async with self.wire.request():
                await self.store.run(holds.keep, self.op_id, self.epoch)
                with before_sending(begin):
                    return await request(self.closer)
        except DEFINITE:
            if is_begun:
                await self._noted(sends.answered, self.op_id, step, "refused")
            raise

    async def sent(self, step: str) -> sends.Send | None:
        """The request of a step, if it was ever about to be sent."""
        return await self.store.read(sends.find, self.op_id, step)

    async def advance(self, state: State, note: str = "") -> None:
        """Write down how far it is. Raises `TakenOver` and `LedgerUnusable`; nothing is written then."""
        await self.store.run(journal.advance, self.op_id, state, note, epoch=self.epoch)

    async def read(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What a read answers, asked for again where the Console fails for a moment."""
        for _ in range(READ_ATTEMPTS - 1):
            try:
                return await ask()
            except (ServerError, RateLimited, Interrupted):
                await self.pause()
        return await ask()

    async def once_taken(self, send: Callable[[], Awaitable[T]]) -> T:
        """Send what is sent once. Where others under way keep the Console from even looking at it, again in a while."""
        for _ in range(_BUSY_ATTEMPTS):
            try:
                return await send()
            except RepeatedRefusal as busy:
                if busy.retry_after is None or busy.retry_after > PASSING_SECONDS:
                    raise
                await self.pause()
        return await send()

    @asynccontextmanager
    async def accounted(self, *, on_refusal: State) -> AsyncIterator[None]:
        """Around one request that may spend: whatever comes back, the journal and ledger know of it.

        What it raises is always what the request raised. Where that cannot be written down everything stays held. Where
        this server stops meanwhile nothing is written: whoever carries it on finds what was sent.
        """
        try:
            yield
        except DEFINITE as refusal:
            await self._ended(on_refusal, refusal, release=on_refusal is State.REFUSED)
            raise
        except Exception as lost:  # whatever broke, what was sent may have landed
            await self._ended(State.UNKNOWN, lost)
            raise

    @asynccontextmanager
    async def preparing(self) -> AsyncIterator[None]:
        """Around what is read before the one request that spends: whatever it raises, nothing was sent."""
        try:
            yield
        except Exception as unread:  # whatever broke, nothing was sent
            await self._ended(State.REFUSED, unread, release=True)
            raise

    @asynccontextmanager
    async def written_down(self, done: str, *, money: str, next_step: str) -> AsyncIterator[None]:
        """Around what is written down of a request that was `done`. A ledger that fails then is told as just that."""
        try:
            yield
        except LedgerUnusable as unwritten:
            raise AkashError(
                f"{done}, and it could not be written down: {unwritten.what}",
                money=money,
                next_step=next_step,
            ) from unwritten

    async def _ended(self, state: State, why: Exception, *, release: bool = False) -> None:
        note = str(why) if isinstance(why, AkashError) else type(why).__name__

        def write(db: Db) -> None:
            holds.check_own(db, self.op_id, self.epoch)
            journal.advance(db, self.op_id, state, note)
            if release:
                self.ledger.release(db, self.op_id)

        await self._noted(write)

    async def _noted(self, work: Callable[..., None], *args: object) -> None:
        """Write down what is known anyway: where that cannot be, everything stays held."""
        with anyio.CancelScope(shield=True):
            try:
                await self.store.run(work, *args)
            except (LedgerUnusable, TakenOver):
                log.exception("how operation %s ended could not be written down", self.op_id)
