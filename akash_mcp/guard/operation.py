"""An operation that the gate let in: what its permit works with, and how what it sends is accounted for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.errors import ApiError, BadSettings, Refused, TakenOver, Unreachable
from akash_mcp.guard.journal import Journal, State
from akash_mcp.guard.ledger import Ledger
from akash_mcp.guard.policy import Policy
from akash_mcp.ids import OpId

# What these say is certain: the request did nothing.
_DEFINITE = (ApiError, Unreachable, BadSettings, Refused, TakenOver)


@dataclass(frozen=True, slots=True)
class AuthorisedOperation:
    """One approved, reserved and journalled operation. `closer` writes whoever has the deployment in hand: only for
    closing. `pause` waits a few seconds.
    """

    closer: ConsoleWriter
    reader: ConsoleReader
    ledger: Ledger
    journal: Journal
    policy: Policy
    pause: Callable[[], Awaitable[None]]
    op_id: OpId

    @property
    def writer(self) -> ConsoleWriter:
        """Writes while this operation has its deployment in hand: ask for it anew before each request.

        Raises `TakenOver` where another has it now, and `LedgerUnusable`; nothing is sent then.
        """
        self.journal.holds.keep(self.op_id)
        return self.closer

    @contextmanager
    def accounted(self, *, on_refusal: State) -> Iterator[None]:
        """Around one request that may spend: whatever comes back, the journal and ledger know of it."""
        try:
            yield
        except _DEFINITE as refusal:
            if on_refusal is State.REFUSED:
                self.ledger.release(self.op_id)
            self.journal.advance(self.op_id, on_refusal, str(refusal))
            raise
        except BaseException as lost:
            # Also when the server is stopped while it waits: the request may have landed.
            self.journal.advance(self.op_id, State.UNKNOWN, str(lost) or type(lost).__name__)
            raise
