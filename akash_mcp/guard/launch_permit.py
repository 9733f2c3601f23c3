"""The permit to launch: create one deployment, once; lease for it, and close it again.

Every answer is accounted for before it is handed on: a definite refusal gives the reservation back, a lost answer
keeps it held.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from akash_mcp.clients.console.models import Created
from akash_mcp.clients.console.names import full_name
from akash_mcp.errors import AkashError, LedgerUnusable, OutcomeUnknown, WalletProvisioning
from akash_mcp.guard.close_permit import ClosePermit
from akash_mcp.guard.journal import Sources, State
from akash_mcp.guard.lease_permit import LeasePermit
from akash_mcp.guard.operation import AuthorisedOperation
from akash_mcp.guard.plans import LaunchPlan
from akash_mcp.guard.secret_store import manifest_version
from akash_mcp.ids import Dseq, OpId

_PROVISIONING_PAUSES = 14  # as many as Console's own page makes


async def _never(dseq: Dseq) -> bool:
    """What is answered of a new deployment where nobody knows better."""
    return False


async def _nothing() -> None:
    """What is done first where nobody wants anything else."""


class LaunchPermit:
    """May create one deployment, lease for it, and close it again."""

    def __init__(self, operation: AuthorisedOperation, plan: LaunchPlan) -> None:
        self._operation = operation
        self.plan = plan
        self._version: str | None = None
        """What a Console calls what was sent, where the manifest that is written down lacks the values of secrets."""

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    async def create(
        self,
        first: Callable[[], Awaitable[None]] = _nothing,
        was_there_before: Callable[[Dseq], Awaitable[bool]] = _never,
    ) -> Created:
        """Create the deployment. Sent once: raises `OutcomeUnknown` when the answer was lost.

        `first` is awaited before each request, and `was_there_before` asked of what the answer names: that was not
        created then, whatever the answer says. Raises `Unwound` for a deployment that could not be written down: it was
        closed again.
        """
        operation = self._operation
        with operation.accounted(on_refusal=State.REFUSED):
            # Known to every process before the request: another launch of the same could be taken for this one.
            operation.journal.keep_sources(operation.op_id, self._sources(self.plan.manifest))
            created = await self._created(first)
        if await was_there_before(created.dseq):
            operation.journal.advance(self.op_id, State.UNKNOWN, "the answer names what was there before")
            raise OutcomeUnknown(
                f"The Console answered with deployment {created.dseq}, which was there before.",
                next_step=f"{self.plan.exposure} stay reserved. Look with list_deployments; do not simply try again.",
            )
        try:
            # With secrets the Console's own can hold their values: ours has their names, and is filled in when needed.
            named = bool(self.plan.contents.secrets)
            is_ours = self._record(created.dseq, self.plan.manifest if named else created.manifest)
        except AkashError as unwritten:
            raise await self.abandoning(created.dseq).unwind(unwritten) from unwritten
        if not is_ours:
            raise OutcomeUnknown(
                f"The Console answered with deployment {created.dseq}, which another launch created.",
                next_step=f"{self.plan.exposure} stay reserved. Look with list_deployments; do not simply try again.",
            )
        return created

    async def _created(self, first: Callable[[], Awaitable[None]]) -> Created:
        # Where refusals are counted (autumn 2026) it is sent twice, with the same patience.
        counts = self.plan.runtime_limit_hours is not None
        for pauses in [_PROVISIONING_PAUSES] if counts else [1] * _PROVISIONING_PAUSES:
            try:
                return await self._send(first)
            except WalletProvisioning:
                # A definite no: a new account's wallet is still being set up, and nothing was done.
                for _ in range(pauses):
                    await self._operation.pause()
        return await self._send(first)

    async def _send(self, first: Callable[[], Awaitable[None]]) -> Created:
        async def send() -> Created:
            await first()
            values = await self._operation.secrets.values(self.plan.contents.secret_names)
            self._version = manifest_version(self.plan.sdl, values) if values else None
            return await self._operation.writer.create_deployment(
                self.plan.sdl,
                self.plan.deposit,
                name=full_name(self.plan.title, self._operation.op_id),
                runtime_limit_hours=self.plan.runtime_limit_hours,
                secrets=values,
            )

        return await self._operation.once_taken(send)

    async def version(self) -> str:
        """What the chain will call what is sent, by which a creation without an answer is found again."""
        values = await self._operation.secrets.values(self.plan.contents.secret_names)
        self._version = manifest_version(self.plan.sdl, values) if values else None
        return self._sources(self.plan.manifest).version

    def adopt(self, dseq: Dseq, *, by_name: bool = False) -> bool:
        """Take up a deployment that was found to be what a lost answer created.

        False where it is another launch's, or could be: of the same manifest, without a deployment, and not refused.
        One that was found `by_name` can only be ours.
        """
        return self._record(dseq, self.plan.manifest, alone=not by_name)

    def give_up(self, note: str) -> None:
        """Write down what the search for a lost creation came to. Its reservation stays held."""
        self._operation.journal.advance(self.op_id, State.UNKNOWN, note)

    def rivals(self) -> list[OpId]:
        """The other launches of the same manifest that may have created what is found."""
        return self._operation.journal.rivals(self.op_id, self.plan.manifest)

    def leasing(self, dseq: Dseq) -> LeasePermit:
        """The part of this permit that leases for the deployment just created."""
        return LeasePermit(self._operation, dseq, self.plan.max_usd_per_hour)

    def abandoning(self, dseq: Dseq) -> ClosePermit:
        """The part of this permit that closes the deployment just created."""
        return ClosePermit(self._operation, dseq)

    def _record(self, dseq: Dseq, manifest: str, *, alone: bool = False) -> bool:
        operation = self._operation
        try:
            with operation.journal.together():
                if not operation.journal.created(operation.op_id, dseq, self._sources(manifest), alone=alone):
                    return False
                operation.ledger.attach(operation.op_id, dseq)
                return True
        except LedgerUnusable as unwritten:
            raise AkashError(
                f"Deployment {dseq} was created and could not be written down: {unwritten.what}",
                money=f"{self.plan.deposit} is reserved for it; nothing is leased.",
                next_step=f"Close it with close_deployment(dseq={dseq}).",
            ) from unwritten

    def _sources(self, manifest: str) -> Sources:
        return Sources(self.plan.sdl, manifest, self.plan.runtime_limit_hours, self._version)
