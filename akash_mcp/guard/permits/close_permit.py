"""The permit to close: it says that a deployment is closed only when that is proven.

What may be closed without asking a person first is decided by `plans.ClosePlan.needs_no_approval`. A close that failed
moved money as long as it is not proven: what runs goes on costing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadSettings,
    LedgerUnusable,
    NotDelivered,
    NotFound,
    OutcomeUnknown,
    RepeatedRefusal,
    ServerError,
    in_time,
)
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.permits.bounds import uact_of
from akash_mcp.guard.permits.operation import AuthorisedOperation
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd

log = logging.getLogger(__name__)

_CLOSE_ATTEMPTS = 3
_LONGEST_WAIT_SECONDS = 600.0


class Unwound(AkashError):
    """What went wrong with a deployment, and what closing it because of that came to.

    `is_closed`: that is proven. `spent`: what it cost, None where that is not known.
    """

    code = "unwound"
    is_closed = True
    spent: Usd | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """A deployment proven closed. `spent` is None where that is not on record."""

    dseq: Dseq
    spent: Usd | None


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

        Where the Console takes no close for a while, because it refused a few, that time is waited out. Raises
        `NotFound` for a deployment that neither this account nor our journal knows, and `OutcomeUnknown` in every other
        case in which it cannot be proven closed.
        """
        unknown = 0
        for _ in range(_CLOSE_ATTEMPTS - 1):
            failure = await self._ask_to_close()
            unknown += isinstance(failure, NotFound)
            try:
                return await self._proven(failure)
            except OutcomeUnknown:
                if _is_final(failure) or unknown > 1:
                    raise
            if isinstance(failure, RepeatedRefusal):
                await self._operation.sleep(min(failure.retry_after or 0.0, _LONGEST_WAIT_SECONDS))
            await self._operation.pause()
        return await self._proven(await self._ask_to_close())

    async def unwind(self, reason: Exception) -> Unwound:
        """Close because of `reason`: that reason, together with what closing came to. Raises `TakenOver`."""
        if isinstance(reason, Unwound):
            return reason
        why = in_words(reason)
        is_written = await self._write_intent(why)
        try:
            closed = await self.close()
        except AkashError as stuck:
            again = f"close_deployment(dseq={self._dseq})"
            failed = Unwound(
                f"{why.what} Closing it again did not work either: {stuck.what}",
                money="It may still cost money.",
                next_step=f"It is tried again by itself, until it is closed; {again} is harmless to repeat."
                if is_written
                else f"Call {again}: repeating it is harmless.",
            )
            failed.is_closed = False
            return failed
        cost = "what it cost is not known" if closed.spent is None else f"it cost {closed.spent}"
        # What was uncertain before, and what had to be done about it, is over with the deployment.
        is_over = isinstance(why, OutcomeUnknown | NotDelivered)
        unwound = Unwound(
            f"{certain(why)} Deployment {closed.dseq} was closed again, proven; {cost}.",
            money="It costs nothing any more.",
            next_step="" if is_over else why.next_step,
        )
        unwound.spent = closed.spent
        return unwound

    async def end(self, why: str) -> Closed:
        """Close because a run has ended, and for no other reason from now on. Raises like `close`, and `TakenOver`."""
        await self._write_intent(AkashError(why))
        return await self.close()

    async def settle(self, seen: DeploymentDetail | None = None) -> Closed:
        """Prove that somebody closed it, by its record as it was `seen` or is read now, and write down what it cost.

        Sends nothing. Raises `OutcomeUnknown`.
        """
        if seen is None:
            return await self._proven(None)
        closed = self._judged(seen, None)
        await self._record(closed)
        return closed

    async def _write_intent(self, why: AkashError) -> bool:
        """From here on it is closed and nothing else, whichever process comes to that; False where nobody will know.

        Raises `TakenOver` where another one decides by now.
        """
        try:
            await self._operation.advance(State.UNWINDING, why.what)
        except LedgerUnusable:
            log.exception("that deployment %s is being closed could not be written down", self._dseq)
            return False
        return True

    async def _ask_to_close(self) -> AkashError | None:
        try:
            await self._operation.closer.close_deployment(self._dseq)
        except AkashError as failure:
            return failure
        return None

    async def _proven(self, failure: AkashError | None) -> Closed:
        closed = await self._proof(failure)
        await self._record(closed)
        return closed

    async def _proof(self, failure: AkashError | None) -> Closed:
        try:
            # A colleague's of the same number proves nothing of one that we created.
            after = await self._operation.reader.get_deployment(
                self._dseq, anybodys=await self._launch() is None
            )
        except NotFound as gone:
            launch = await self._launch()
            if launch is State.CLOSED:
                return Closed(self._dseq, None)
            if launch is None and isinstance(failure, NotFound):
                raise failure from None
            raise self._not_proven(failure or gone) from gone
        except AkashError as unread:
            raise self._not_proven(failure or unread) from unread
        return self._judged(after, failure)

    def _judged(self, after: DeploymentDetail, failure: AkashError | None) -> Closed:
        """What a record proves. Raises `OutcomeUnknown`."""
        if after.state != "closed":
            raise self._not_proven(failure or AkashError("It still reads as active."))
        if _goes_on(after):
            raise self._not_proven(
                AkashError("It reads as closed, and a lease of it or its escrow does not.")
            )
        return Closed(self._dseq, self._spent(after))

    async def _launch(self) -> State | None:
        """How the launch that created it stands; None where we did not create it."""
        try:
            launch = await self._operation.store.read(journal.launch_of, self._dseq)
        except LedgerUnusable:
            log.exception("whether we created deployment %s is not known", self._dseq)
            return State.UNKNOWN
        return launch.state if launch is not None else None

    def _spent(self, closed: DeploymentDetail) -> Usd | None:
        """What was paid out. Without a lease a list of nothing is 0; no list, and one without uact, is unknown."""
        account = closed.escrow_account.state
        if not account.transferred and not closed.leases and not closed.unread_leases:
            return Usd(0) if "transferred" in account.model_fields_set else None
        paid = uact_of(account.transferred)
        return None if paid is None else Usd.from_uact(paid)

    def _not_proven(self, why: AkashError) -> OutcomeUnknown:
        wait = why.retry_after if isinstance(why, ApiError) else None
        when = "in half a minute" if wait is None else in_time(wait)
        again = f"Call close_deployment again {when}: repeating it is harmless."
        return OutcomeUnknown(
            f"Deployment {self._dseq} is not proven closed and may still cost money. {why.what}",
            next_step=f"{again} {why.next_step}".rstrip() if wait is None else again,
        )

    async def _record(self, closed: Closed) -> None:
        operation = self._operation

        def write(db: Db) -> None:
            # A launch whose creation could not be written down has not named it yet.
            operation.ledger.attach(db, self.op_id, self._dseq)
            if closed.spent is not None:
                # Without a figure the reservation stays held: it counts as spent.
                operation.ledger.settle(db, self._dseq, closed.spent)
            journal.mark_closed(db, self._dseq, f"proven closed, {closed.spent} spent")
            journal.finish(db, self.op_id)

        try:
            await operation.store.run(write)
        except LedgerUnusable:
            log.exception("deployment %s is closed, and the ledger could not be updated", self._dseq)


def _is_final(failure: AkashError | None) -> bool:
    """Whether asking again will not help: the Console counts refusals, and takes no close for a while after a few."""
    refused = isinstance(failure, ApiError) and not isinstance(
        failure, ServerError | NotFound | RepeatedRefusal
    )
    return refused or isinstance(failure, BadSettings)


def _goes_on(closed: DeploymentDetail) -> bool:
    """Whether what reads as closed contradicts itself: the chain ends leases and empties the escrow with it.

    The index that stands in for the chain keeps no hash, and its escrow can be an old one.
    """
    left = uact_of(closed.escrow_account.state.funds) if closed.manifest_hash else None
    return any(lease.state in ("active", "reclaiming") for lease in closed.leases) or bool(left)


def in_words(reason: Exception) -> AkashError:
    """An error as one of ours: what broke inside this server is logged, and told without its insides."""
    if isinstance(reason, AkashError):
        return reason
    log.error("a launch broke", exc_info=reason)
    return AkashError(
        "This server failed while it looked for a lease.", next_step="The user finds why in its log."
    )


def certain(reason: AkashError) -> str:
    """What happened, without what was not known then: a lost answer is told as the refusal that it may hide."""
    cause = reason.__cause__
    return cause.what if isinstance(reason, OutcomeUnknown) and isinstance(cause, AkashError) else reason.what
