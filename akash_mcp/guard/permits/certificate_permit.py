"""The permit to make the account's client certificate (`2025`). Costs nothing, and a second one does no harm."""

from __future__ import annotations

from akash_mcp.errors import Refused
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.permits.operation import AuthorisedOperation
from akash_mcp.ids import OpId


class CertificatePermit:
    """May make the certificate that leases and updates go with, where there is none that is still good."""

    def __init__(self, operation: AuthorisedOperation) -> None:
        self._operation = operation

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    async def make(self) -> None:
        """See to it that there is one, on the chain and in the state folder. Raises what the Console raises, `Refused`
        where it makes none, and `BadSettings` where it cannot be kept.
        """
        operation = self._operation
        async with operation.accounted(on_refusal=State.REFUSED):
            if await operation.write(lambda writer: writer.create_certificate()) is None:
                raise Refused("This Console makes no client certificates any more, and needs none.")
        await operation.advance(State.DONE)
