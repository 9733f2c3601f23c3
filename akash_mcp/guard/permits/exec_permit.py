"""The permit to run one command: exactly the approved one, once. The command itself is written down nowhere."""

from __future__ import annotations

import logging

import anyio

from akash_mcp.clients.provider.command import Command, ExecResult
from akash_mcp.clients.provider.shell import ProviderShell
from akash_mcp.errors import AkashError, LedgerUnusable, NotApproved
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.permits.operation import AuthorisedOperation
from akash_mcp.guard.plans.plans import ExecPlan
from akash_mcp.ids import OpId

log = logging.getLogger(__name__)


class ExecPermit:
    """May run one command in one container once."""

    def __init__(self, operation: AuthorisedOperation, shell: ProviderShell, plan: ExecPlan) -> None:
        self._operation = operation
        self._shell = shell
        self._plan = plan
        self._used = False

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    async def run(self) -> ExecResult:
        """Run it. Sent once: whatever comes of it, also nothing, this permit is used up.

        Raises what `ProviderShell.run` raises, where nothing was run for sure, and `NotApproved` the second time.
        """
        if self._used:
            raise NotApproved("This command was run already, and its approval was for once.")
        self._used = True
        plan = self._plan
        command = Command(plan.argv, plan.service, plan.pod_index)
        try:
            ran = await self._shell.run(plan.lease, command, seconds=plan.seconds)
        except AkashError as refusal:
            # Only its kind: a provider's words may repeat the command.
            await self._record(State.REFUSED, type(refusal).__name__)
            raise
        except BaseException as lost:
            # Also where the server stops: nobody can look up what became of a command.
            with anyio.CancelScope(shield=True):
                await self._record(State.UNKNOWN, type(lost).__name__)
            raise
        if ran.exit_code is not None and ran.started:
            await self._record(State.DONE, f"exit code {ran.exit_code}")
        else:
            await self._record(
                State.UNKNOWN, ran.status if ran.started else f"{ran.status}, not proven to have started"
            )
        return ran

    async def _record(self, state: State, note: str) -> None:
        try:
            await self._operation.advance(state, note)
        except LedgerUnusable:
            # What it did and said still has to reach whoever asked for it.
            log.exception("how a command ended could not be written down")
