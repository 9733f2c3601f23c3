"""An operation that the gate let in: what its permit works with, and how what it sends is accounted for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.errors import ApiError, BadSettings, Refused, Unreachable
from akash_mcp.guard.journal import Journal, State
from akash_mcp.guard.ledger import Ledger
from akash_mcp.guard.policy import Policy
from akash_mcp.ids import OpId

# What these say is certain: the request did nothing.
_DEFINITE = (ApiError, Unreachable, BadSettings, Refused)


@dataclass(frozen=True, slots=True)
class AuthorisedOperation:
    """One approved, reserved and journalled operation. `pause` waits a few seconds."""

    writer: ConsoleWriter
    reader: ConsoleReader
    ledger: Ledger
    journal: Journal
    policy: Policy
    pause: Callable[[], Awaitable[None]]
    op_id: OpId

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
