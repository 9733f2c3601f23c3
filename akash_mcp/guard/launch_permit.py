"""The permit to launch: create one deployment, once; lease for it, and close it again.

Every answer is accounted for before it is handed on: a definite refusal gives the reservation back, a lost answer
keeps it held.
"""

from __future__ import annotations

from akash_mcp.clients.console.models import Created
from akash_mcp.errors import AkashError, LedgerUnusable, WalletProvisioning
from akash_mcp.guard.close_permit import ClosePermit
from akash_mcp.guard.journal import Sources, State
from akash_mcp.guard.lease_permit import LeasePermit
from akash_mcp.guard.operation import AuthorisedOperation
from akash_mcp.guard.plans import LaunchPlan
from akash_mcp.ids import Dseq, OpId

_PROVISIONING_ATTEMPTS = 14  # as often as Console's own page


class LaunchPermit:
    """May create one deployment, lease for it, and close it again."""

    def __init__(self, operation: AuthorisedOperation, plan: LaunchPlan) -> None:
        self._operation = operation
        self.plan = plan

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    async def create(self) -> Created:
        """Create the deployment. Sent once: raises `OutcomeUnknown` when the answer was lost.

        Raises `Unwound` for one that could not be written down: it was closed again.
        """
        operation = self._operation
        with operation.accounted(on_refusal=State.REFUSED):
            created = await self._created()
        try:
            self._record(created.dseq, created.manifest)
        except AkashError as unwritten:
            raise await self.abandoning(created.dseq).unwind(unwritten) from unwritten
        return created

    async def _created(self) -> Created:
        for _ in range(_PROVISIONING_ATTEMPTS):
            try:
                return await self._send()
            except WalletProvisioning:
                # A definite no: a new account's wallet is still being set up, and nothing was done.
                await self._operation.pause()
        return await self._send()

    async def _send(self) -> Created:
        return await self._operation.writer.create_deployment(
            self.plan.sdl,
            self.plan.deposit,
            name=self._operation.op_id,
            runtime_limit_hours=self.plan.runtime_limit_hours,
        )

    def adopt(self, dseq: Dseq) -> None:
        """Take up a deployment that was found to be what a lost answer created."""
        self._record(dseq, self.plan.manifest)

    def leasing(self, dseq: Dseq) -> LeasePermit:
        """The part of this permit that leases for the deployment just created."""
        return LeasePermit(self._operation, dseq, self.plan.max_usd_per_hour)

    def abandoning(self, dseq: Dseq) -> ClosePermit:
        """The part of this permit that closes the deployment just created."""
        return ClosePermit(self._operation, dseq)

    def _record(self, dseq: Dseq, manifest: str) -> None:
        operation = self._operation
        try:
            operation.ledger.attach(operation.op_id, dseq)
            operation.journal.advance(operation.op_id, State.CREATED, dseq=dseq)
            sources = Sources(self.plan.sdl, manifest, self.plan.runtime_limit_hours)
            operation.journal.keep_sources(operation.op_id, sources)
        except LedgerUnusable as unwritten:
            raise AkashError(
                f"Deployment {dseq} was created and could not be written down: {unwritten.what}",
                money="Its deposit is in escrow; nothing is leased.",
                next_step=f"Close it with close_deployment(dseq={dseq}).",
            ) from unwritten
