"""The permit to fund: one amount for one deployment, once; or as many hours more as it pays for."""

from __future__ import annotations

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import Refused
from akash_mcp.guard.journal import State
from akash_mcp.guard.operation import AuthorisedOperation
from akash_mcp.guard.plans import FundPlan
from akash_mcp.ids import OpId


class FundPermit:
    """May add one amount to one deployment once."""

    def __init__(self, operation: AuthorisedOperation, plan: FundPlan) -> None:
        self._operation = operation
        self._plan = plan

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    async def deposit(self) -> DeploymentDetail:
        """Add the money. Sent once: raises `OutcomeUnknown` when the answer was lost."""
        operation, plan = self._operation, self._plan
        with operation.accounted(on_refusal=State.REFUSED):
            if plan.more_hours is None:
                detail = await operation.writer.deposit(plan.dseq, plan.amount)
            else:
                await self._extend(plan.more_hours)
                detail = await operation.reader.get_deployment(plan.dseq)
        operation.journal.advance(operation.op_id, State.DONE)
        return detail

    async def _extend(self, more_hours: int) -> None:
        dseq = self._plan.dseq
        limit = (await self._operation.writer.get_settings(dseq)).runtime_limit_hours
        if limit is None:
            raise Refused(f"Deployment {dseq} has no runtime limit, so it is funded without end already.")
        await self._operation.writer.set_runtime_limit(dseq, int(limit) + more_hours)
