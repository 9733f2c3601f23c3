"""The permit to launch: create one deployment, once; lease for it, and close it again.

Every answer is accounted for before it is handed on: a definite refusal gives the reservation back, a lost answer
keeps it held.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from akash_mcp.clients.console.models import Created
from akash_mcp.clients.console.names import full_name
from akash_mcp.errors import AkashError, LedgerUnusable, OutcomeUnknown, WalletProvisioning
from akash_mcp.guard.books import holds, journal, runs, sends
from akash_mcp.guard.books.journal import Sources, State
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.permits.close_permit import ClosePermit
from akash_mcp.guard.permits.lease_permit import LeasePermit
from akash_mcp.guard.permits.operation import AuthorisedOperation
from akash_mcp.guard.plans.plans import LaunchPlan
from akash_mcp.guard.secret_store import manifest_version
from akash_mcp.ids import Dseq, OpId

CREATE = "create"
"""The one step of a launch that makes a deployment."""

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

    @property
    def epoch(self) -> int:
        """From when on it is in these hands."""
        return self._operation.epoch

    async def create(
        self,
        first: Callable[[], Awaitable[None]] = _nothing,
        was_there_before: Callable[[Dseq], Awaitable[bool]] = _never,
        known_before: Callable[[], Mapping[str, Any]] = dict,
    ) -> Created:
        """Create the deployment. Sent once: raises `OutcomeUnknown` when the answer was lost.

        `first` is awaited before each request, what it left `known_before` is written down with it, and
        `was_there_before` asked of what the answer names: that was not created then, whatever the answer says. Raises
        `Unwound` for a deployment that could not be written down: it was closed again.
        """
        operation = self._operation
        async with operation.accounted(on_refusal=State.REFUSED):
            # Known to every process before the request: another launch of the same could be taken for this one.
            await operation.store.run(journal.keep_sources, self.op_id, self._sources(self.plan.manifest))
            created = await self._created(first, known_before)
        if await was_there_before(created.dseq):
            await operation.advance(State.UNKNOWN, "the answer names what was there before")
            raise OutcomeUnknown(
                f"The Console answered with deployment {created.dseq}, which was there before.",
                next_step=f"{self.plan.exposure} stay reserved. Look with list_deployments; do not simply try again.",
            )
        try:
            # With secrets the Console's own can hold their values: ours has their names, and is filled in when needed.
            named = bool(self.plan.contents.secrets)
            is_ours = await self._record(created.dseq, self.plan.manifest if named else created.manifest)
        except AkashError as unwritten:
            raise await self.abandoning(created.dseq).unwind(unwritten) from unwritten
        if not is_ours:
            raise OutcomeUnknown(
                f"The Console answered with deployment {created.dseq}, which another launch created.",
                next_step=f"{self.plan.exposure} stay reserved. Look with list_deployments; do not simply try again.",
            )
        return created

    async def _created(
        self, first: Callable[[], Awaitable[None]], known_before: Callable[[], Mapping[str, Any]]
    ) -> Created:
        # Where refusals are counted (autumn 2026) it is sent twice, with the same patience.
        counts = self.plan.runtime_limit_hours is not None
        for pauses in [_PROVISIONING_PAUSES] if counts else [1] * _PROVISIONING_PAUSES:
            try:
                return await self._send(first, known_before)
            except WalletProvisioning:
                # A definite no: a new account's wallet is still being set up, and nothing was done.
                for _ in range(pauses):
                    await self._operation.pause()
        return await self._send(first, known_before)

    async def _send(
        self, first: Callable[[], Awaitable[None]], known_before: Callable[[], Mapping[str, Any]]
    ) -> Created:
        async def send() -> Created:
            await first()
            values = await self._operation.secrets.values(self.plan.contents.secret_names)
            self._version = manifest_version(self.plan.sdl, values) if values else None
            return await self._operation.write_once(
                CREATE,
                lambda writer: writer.create_deployment(
                    self.plan.sdl,
                    self.plan.deposit,
                    name=full_name(self.plan.title, self.op_id),
                    runtime_limit_hours=self.plan.runtime_limit_hours,
                    secrets=values,
                ),
                known_before,
            )

        return await self._operation.once_taken(send)

    async def version(self) -> str:
        """What the chain will call what is sent, by which a creation without an answer is found again."""
        values = await self._operation.secrets.values(self.plan.contents.secret_names)
        self._version = manifest_version(self.plan.sdl, values) if values else None
        return self._sources(self.plan.manifest).version

    async def keep(self) -> None:
        """Renew the hold on what it acts on. Raises `TakenOver` where that is gone."""
        await self._operation.store.run(holds.keep, self.op_id, self._operation.epoch)

    async def sent(self) -> sends.Send | None:
        """The creation as it was sent, by this process or one before it; None where it never was."""
        return await self._operation.sent(CREATE)

    def assumed_sent(self, at: float) -> sends.Send:
        """The creation of an older version of this program, which did not write down whether it was sent."""
        return sends.Send(at, {"version": self._sources(self.plan.manifest).version}, None)

    async def adopt(self, dseq: Dseq, *, by_name: bool = False) -> bool:
        """Take up a deployment that was found to be what a lost answer created.

        False where it is another launch's, or could be: of the same manifest, without a deployment, and not refused.
        One that was found `by_name` can only be ours.
        """
        return await self._record(dseq, self.plan.manifest, alone=not by_name)

    async def give_up(self, note: str) -> None:
        """Write down what the search for a lost creation came to. Its reservation stays held."""
        await self._operation.advance(State.UNKNOWN, note)

    async def never_was(self, note: str) -> None:
        """Write down that it is certain that nothing was created: what was reserved for it is given back."""
        operation = self._operation

        def write(db: Db) -> None:
            journal.advance(db, operation.op_id, State.REFUSED, note, epoch=operation.epoch)
            operation.ledger.release(db, operation.op_id)

        await operation.store.run(write)

    async def rivals(self) -> list[OpId]:
        """The other launches of the same manifest that may have created what is found."""
        return await self._operation.store.read(journal.rivals, self.op_id, self.plan.manifest)

    def leasing(self, dseq: Dseq) -> LeasePermit:
        """The part of this permit that leases for the deployment just created."""
        return LeasePermit(self._operation, dseq, self.plan.max_usd_per_hour, self.plan.excluded)

    def abandoning(self, dseq: Dseq) -> ClosePermit:
        """The part of this permit that closes the deployment just created."""
        return ClosePermit(self._operation, dseq)

    async def _record(self, dseq: Dseq, manifest: str, *, alone: bool = False) -> bool:
        operation, sources = self._operation, self._sources(manifest)

        def write(db: Db) -> bool:
            if not journal.created(db, self.op_id, dseq, sources, alone=alone, epoch=operation.epoch):
                return False
            operation.ledger.attach(db, self.op_id, dseq)
            runs.begin(db, self.op_id, self.plan.run_hours, operation.hour_seconds)
            sends.answered(db, self.op_id, CREATE, "taken")
            return True

        try:
            return await operation.store.run(write)
        except LedgerUnusable as unwritten:
            raise AkashError(
                f"Deployment {dseq} was created and could not be written down: {unwritten.what}",
                money=f"{self.plan.deposit} is reserved for it; nothing is leased.",
                next_step=f"Close it with close_deployment(dseq={dseq}).",
            ) from unwritten

    def _sources(self, manifest: str) -> Sources:
        return Sources(self.plan.sdl, manifest, self.plan.runtime_limit_hours, self._version)
