"""The permit to update: replace what one deployment runs. Costs nothing, and repeating it is harmless."""

from __future__ import annotations

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.guard.journal import Sources, State
from akash_mcp.guard.operation import AuthorisedOperation
from akash_mcp.guard.plans import UpdatePlan
from akash_mcp.ids import OpId


class UpdatePermit:
    """May replace one deployment's SDL."""

    def __init__(self, operation: AuthorisedOperation, plan: UpdatePlan) -> None:
        self._operation = operation
        self._plan = plan

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    async def update(self) -> DeploymentDetail:
        """Send the new SDL. Repeating it is harmless: the same SDL again only delivers its manifest again."""
        secrets, names = self._operation.secrets, self._plan.contents.secret_names
        with self._operation.accounted(on_refusal=State.REFUSED):
            # As they are now: a value that a person set while they were asked is the one that they mean.
            since = self._operation.journal.delivered_at(self._plan.dseq) if names else None
            detail = await self._operation.writer.update_deployment(
                self._plan.dseq,
                self._plan.sdl,
                secrets=await secrets.values(names),
                fresh=secrets.set_since(names, since or 0.0),
            )
        with self._operation.written_down(
            f"Deployment {self._plan.dseq} got the new SDL",
            money="This costs nothing by itself.",
            next_step="Its containers restart. Do not repeat it.",
        ):
            self._record()
        return detail

    def _record(self) -> None:
        journal, plan = self._operation.journal, self._plan
        launched = journal.launch_of(plan.dseq)
        if launched is not None:
            before = journal.sources(plan.dseq)
            hours = before.runtime_limit_hours if before else None
            journal.keep_sources(launched.op_id, Sources(plan.sdl, plan.manifest, hours))
        journal.advance(self._operation.op_id, State.DONE)
