"""The permit to close: it says that a deployment is closed only when that is proven.

What may be closed without asking a person first is decided by `plans.ClosePlan.needs_no_approval`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import (
    ApiError,
    Interrupted,
    LedgerUnusable,
    NotFound,
    OutcomeUnknown,
    ServerError,
    Unreachable,
)
from akash_mcp.guard.operation import AuthorisedOperation
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd

log = logging.getLogger(__name__)

_CLOSE_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Closed:
    """A deployment proven closed. `spent` and `refunded` are None where the record was gone already."""

    dseq: Dseq
    spent: Usd | None
    refunded: Usd | None


@dataclass(frozen=True, slots=True)
class ClosePermit:
    """May close one deployment, and say that it is closed only when that is proven."""

    _operation: AuthorisedOperation
    _dseq: Dseq

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    async def close(self) -> Closed:
        """Close, and read back that it is so. Harmless to repeat.

        Raises `NotFound` for a deployment that this account does not have, `OutcomeUnknown` when it cannot be
        proven closed, and what the Console raises when it refuses.
        """
        for _ in range(_CLOSE_ATTEMPTS - 1):
            try:
                return await self._close_once()
            except OutcomeUnknown:
                await self._operation.pause()
        return await self._close_once()

    async def _close_once(self) -> Closed:
        failure: Exception | None = None
        try:
            await self._operation.writer.close_deployment(self._dseq)
        except (OutcomeUnknown, ServerError, Interrupted) as lost:
            failure = lost
        closed = await self._proof(failure)
        self._record(closed)
        return closed

    async def _proof(self, failure: Exception | None) -> Closed:
        try:
            after = await self._operation.reader.get_deployment(self._dseq)
        except NotFound:
            return Closed(self._dseq, None, None)
        except (ApiError, Interrupted, Unreachable) as unread:
            raise self._not_proven(str(failure or unread)) from unread
        if after.state != "closed":
            raise self._not_proven(str(failure) if failure else "It still reads as active.")
        return Closed(self._dseq, after.spent, self._refunded(after))

    def _refunded(self, closed: DeploymentDetail) -> Usd | None:
        """What we put in, less what it cost: the chain empties its own record of deposits when it closes."""
        try:
            held = self._operation.ledger.held(self._dseq)
        except LedgerUnusable:
            log.exception("what was put into a deployment is not known")
            return None
        spent = closed.spent
        return held - spent if spent is not None and held >= spent and held else closed.refunded

    def _not_proven(self, why: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"Deployment {self._dseq} is not proven closed and may still cost money. {why}",
            next_step="Call close_deployment again in half a minute: repeating it is harmless.",
        )

    def _record(self, closed: Closed) -> None:
        try:
            if closed.spent is not None:
                # Without a figure the reservation stays held: it counts as spent.
                self._operation.ledger.settle(self._dseq, closed.spent)
            self._operation.journal.mark_closed(self._dseq, f"proven closed, {closed.spent} spent")
            self._operation.journal.finish(self.op_id)
        except LedgerUnusable:
            log.exception("deployment %s is closed, and the ledger could not be updated", self._dseq)
