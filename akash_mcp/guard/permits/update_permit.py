"""The permit to update: change what one deployment runs. Costs nothing, and repeating it is harmless.

Where the Console keeps definitions (autumn 2026), the named fields of the plan are changed in the definition that the
plan was made from, and in no other. It records them first, then puts the new version on chain and sends it to the
provider, and whatever fails after that has the status of what failed: what reads as recorded decides, and the same
request once more, which its version makes harmless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from akash_mcp.clients.console.writer import NOTHING_RECORDED, PROVIDER_BEHIND
from akash_mcp.clients.retries import MAY_GO_ON
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadRequest,
    Conflict,
    Interrupted,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unreachable,
)
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Sources, State
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.permits.operation import DEFINITE, AuthorisedOperation
from akash_mcp.guard.plans.plans import UpdatePlan
from akash_mcp.guard.secret_store import manifest_version
from akash_mcp.ids import OpId
from akash_mcp.sdl import check
from akash_mcp.sdl.secret_values import console_references

_NOT_DELIVERED = (Refused, RateLimited, Unreachable, Interrupted)
"""After these, what was recorded before is recorded still: only whether the provider has it is not known."""


class UpdatePermit:
    """May change what one deployment runs."""

    def __init__(self, operation: AuthorisedOperation, plan: UpdatePlan) -> None:
        self._operation = operation
        self._plan = plan
        self._is_recorded = False

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    async def update(self) -> bool:
        """Send what was approved: whether the provider took it. Where not, it is recorded and on chain all the same,
        and may be sent once more in a minute, and no third time.

        Raises what the Console raises where nothing was changed, and `Interrupted` where that is not known.
        """
        operation, plan, version = self._operation, self._plan, None
        # Before it is sent: whatever the answer, its containers can print them from now on.
        await operation.store.run(journal.note_secrets, self.op_id, plan.dseq, plan.contents.secret_names)
        async with operation.accounted(on_refusal=State.UNKNOWN if self._is_recorded else State.REFUSED):
            try:
                version, is_taken = await self._send(), True
            except Conflict as behind:
                if behind.upstream_code != PROVIDER_BEHIND:
                    raise
                is_taken = False
            except _NOT_DELIVERED:
                if not self._is_recorded:
                    raise
                is_taken = False
            if not is_taken and not self._is_recorded:
                version = await self._version_now()
        async with operation.written_down(
            f"Deployment {plan.dseq} got the new SDL",
            money="This costs nothing by itself.",
            next_step="Its containers restart. Do not repeat it.",
        ):
            if is_taken or not self._is_recorded:  # by now the Console may have somebody else's
                await operation.store.run(self._keep, version)
            if is_taken or self._is_recorded:
                note = "" if is_taken else "recorded; its provider has not taken it yet"
                await operation.advance(State.DONE, note)
        self._is_recorded = True
        return is_taken

    async def look_up(self) -> bool:
        """Whether what an earlier worker may have sent is what the deployment runs now; written down either way.

        It costs nothing, so where it does not, the change is told as refused and may be asked for again.
        """
        operation, plan = self._operation, self._plan
        values = await operation.secrets.values(plan.contents.secret_names)
        version = manifest_version(plan.sdl, values) if values else None
        wanted = Sources(plan.sdl, plan.manifest, None, version).version
        detail = await operation.read(lambda: operation.reader.get_deployment(plan.dseq))
        recorded = detail.stored.manifest_version if detail.stored else None
        is_there = wanted in (detail.manifest_hash, recorded)

        def write(db: Db) -> None:
            if is_there:
                self._keep(db, version)
            journal.advance(
                db,
                self.op_id,
                State.DONE if is_there else State.REFUSED,
                ""
                if is_there
                else "its server stopped before it was known to be done; what runs was not seen to change",
                epoch=operation.epoch,
            )

        await operation.store.run(write)
        return is_there

    async def _send(self) -> str | None:
        """The version that the Console has of it from then on, None where it is the manifest's hash or not told."""
        plan = self._plan
        if plan.patch is None or not await self._is_defined():
            # As they are now: a value that a person set while they were asked is the one that they mean.
            values = await self._operation.secrets.values(plan.contents.secret_names)
            await self._operation.write(
                lambda writer: writer.update_deployment(plan.dseq, plan.sdl, secrets=values)
            )
            return manifest_version(plan.sdl, values) if values else None
        assert plan.version is not None  # named fields are named from one
        return await self._patch(plan.patch, plan.version)

    async def _is_defined(self) -> bool:
        """Whether the Console keeps what runs now, which it is given where it does not."""
        defines = self._plan.defines
        if defines is None:
            return True
        try:
            values = await self._operation.secrets.values([name for name, _ in check(defines).secrets])
            await self._operation.write(
                lambda writer: writer.define_deployment(self._plan.dseq, defines, values)
            )
        except BadRequest as mismatch:
            if mismatch.upstream_code != "deployment_definition_mismatch":
                raise
            return False
        return True

    async def _patch(self, services: Mapping[str, Any], version: str) -> str | None:
        """Raises an `ApiError` only where nothing was changed, or `Conflict` where the provider is behind."""
        dseq, sealed = self._plan.dseq, await self._values_to_seal(services)
        may_go_on = False  # one that was sent, behind whoever answered
        for attempt in range(2):
            if attempt:
                await self._operation.pause()
            try:
                return await self._operation.write(
                    lambda writer: writer.patch_deployment(dseq, services, version, sealed)
                )
            except ApiError as refusal:
                code = refusal.upstream_code
                if code == PROVIDER_BEHIND or (code in NOTHING_RECORDED and not attempt):
                    raise
                failure: AkashError = refusal
            except OutcomeUnknown as lost:
                failure = lost
            except DEFINITE:  # of this one: it was not sent
                if not attempt:
                    raise
                break
            answered = failure if isinstance(failure, ApiError) else failure.__cause__
            if not isinstance(answered, ApiError) or answered.status in MAY_GO_ON:
                may_go_on = True
            elif not may_go_on and await self._version_now() == version:
                raise answered
        why = failure.__cause__ if isinstance(failure.__cause__, AkashError) else failure
        raise Interrupted(
            f"{why.what} Whether deployment {dseq} was changed is not known.",
            next_step=f"Look with get_deployment(id={dseq}), then call update_deployment again: that is harmless.",
        ) from failure

    async def _values_to_seal(self, services: Mapping[str, Any]) -> dict[str, str] | None:
        """The secrets that changed fields refer to, and those that may have another value; None where it has none."""
        store, names = self._operation.secrets, self._plan.contents.secret_names
        if not names:
            return None
        since = await self._operation.store.read(journal.delivered_at, self._plan.dseq) or 0.0
        changed = {*console_references(services), *store.set_since(names, since)}
        return await store.values(name for name in names if name in changed)

    async def _version_now(self) -> str | None:
        """The version of what the Console has recorded; None where it has nothing or does not say."""
        operation, dseq = self._operation, self._plan.dseq
        try:
            detail = await operation.read(lambda: operation.reader.get_deployment(dseq))
        except AkashError:
            return None
        return (detail.stored and detail.stored.manifest_version) or None

    def _keep(self, db: Db, version: str | None) -> None:
        """What it is known to run from now on."""
        plan = self._plan
        launched = journal.launch_of(db, plan.dseq)
        if launched is not None:
            before = journal.sources(db, plan.dseq)
            hours = before.runtime_limit_hours if before else None
            journal.keep_sources(db, launched.op_id, Sources(plan.sdl, plan.manifest, hours, version))
