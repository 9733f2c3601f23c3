"""An operation that the gate let in: what its permit works with, and how what it sends is accounted for."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.writer import ConsoleWriter
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
from akash_mcp.guard.journal import Journal, State
from akash_mcp.guard.ledger import Ledger
from akash_mcp.guard.policy import Policy
from akash_mcp.guard.refusals import PASSING_SECONDS
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.ids import OpId

T = TypeVar("T")

log = logging.getLogger(__name__)

READ_ATTEMPTS = 3
"""How often what must be known is asked for, a pause apart."""

_BUSY_ATTEMPTS = 12
"""A lease under way takes a minute at most."""

DEFINITE = (ApiError, Unreachable, BadSettings, Refused, TakenOver)
"""What these say of the request that raised them is certain: it did nothing."""


@dataclass(frozen=True, slots=True)
class AuthorisedOperation:
    """One approved, reserved and journalled operation. `closer` writes whoever has the deployment in hand: only for
    closing. `pause` waits a few seconds, `sleep` as many as it is told.
    """

    closer: ConsoleWriter
    reader: ConsoleReader
    ledger: Ledger
    journal: Journal
    policy: Policy
    secrets: SecretStore
    pause: Callable[[], Awaitable[None]]
    sleep: Callable[[float], Awaitable[None]]
    op_id: OpId

    @property
    def writer(self) -> ConsoleWriter:
        """Writes while this operation has its deployment in hand: ask for it anew before each request.

        Raises `TakenOver` where another has it now, and `LedgerUnusable`; nothing is sent then.
        """
        self.journal.holds.keep(self.op_id)
        return self.closer

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

    @contextmanager
    def accounted(self, *, on_refusal: State) -> Iterator[None]:
        """Around one request that may spend: whatever comes back, the journal and ledger know of it.

        What it raises is always what the request raised. Where that cannot be written down everything stays held.
        """
        try:
            yield
        except DEFINITE as refusal:
            self._write(on_refusal, refusal, release=on_refusal is State.REFUSED)
            raise
        except BaseException as lost:
            # Also when the server is stopped while it waits: the request may have landed.
            self._write(State.UNKNOWN, lost)
            raise

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Around what is read before the one request that spends: whatever it raises, nothing was sent."""
        try:
            yield
        except BaseException as unread:
            self._write(State.REFUSED, unread, release=True)
            raise

    @contextmanager
    def written_down(self, done: str, *, money: str, next_step: str) -> Iterator[None]:
        """Around what is written down of a request that was `done`. A ledger that fails then is told as just that."""
        try:
            yield
        except LedgerUnusable as unwritten:
            raise AkashError(
                f"{done}, and it could not be written down: {unwritten.what}",
                money=money,
                next_step=next_step,
            ) from unwritten

    def _write(self, state: State, why: BaseException, *, release: bool = False) -> None:
        try:
            if release:
                self.ledger.release(self.op_id)
            self.journal.advance(
                self.op_id, state, str(why) if isinstance(why, AkashError) else type(why).__name__
            )
        except LedgerUnusable:
            log.exception("how operation %s ended could not be written down", self.op_id)
