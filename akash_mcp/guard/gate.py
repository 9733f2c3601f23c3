"""The gate: the only place that can spend, destroy or run commands, one approved plan at a time.

A permit is one plan, approved, within the limits, reserved and written down. It can do what its plan says and
nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import anyio

from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.requests import CREATE_PATH, LEASE_PATH, creation_of, subject_of
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.clients.provider.access import ProviderAccess
from akash_mcp.clients.provider.client_certificate import ClientCertificates
from akash_mcp.clients.provider.shell import ProviderShell
from akash_mcp.errors import BadArgument, LedgerUnusable, NotApproved, OverBudget
from akash_mcp.guard.approval import Approval
from akash_mcp.guard.close_permit import ClosePermit
from akash_mcp.guard.exec_permit import ExecPermit
from akash_mcp.guard.fund_permit import FundPermit
from akash_mcp.guard.journal import Journal, Kind, State
from akash_mcp.guard.launch_permit import LaunchPermit
from akash_mcp.guard.lease_permit import LeasePermit
from akash_mcp.guard.ledger import Ledger
from akash_mcp.guard.operation import AuthorisedOperation
from akash_mcp.guard.plans import ClosePlan, ExecPlan, FundPlan, LaunchPlan, LeasePlan, Plan, UpdatePlan
from akash_mcp.guard.policy import Policy
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.guard.update_permit import UpdatePermit
from akash_mcp.ids import Dseq, OpId
from akash_mcp.sdl.secret_values import with_console_references

log = logging.getLogger(__name__)


class Gate:
    """Turns approved plans into permits. Nothing else builds a `ConsoleWriter` or a `ProviderShell`.

    A yes opens one operation: whoever brings it again gets `OperationExists`.
    """

    def __init__(
        self,
        client: ConsoleClient,
        reader: ConsoleReader,
        access: ProviderAccess,
        *,
        policy: Policy,
        ledger: Ledger,
        journal: Journal,
        secrets: SecretStore,
        pause: Callable[[], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        certificates: ClientCertificates | None = None,
    ) -> None:
        """`pause` waits a few seconds, before something harmless is tried again, `sleep` for as many seconds as the
        Console says. `certificates` keeps what a lease makes on the API of 2025."""
        self._client = client
        self._writer = ConsoleWriter(client, certificates, journal.refusals)
        self._shell = ProviderShell(access)
        self._reader = reader
        self._policy = policy
        self._ledger = ledger
        self._journal = journal
        self._secrets = secrets
        self._pause = pause
        self._sleep = sleep

    def owns(self, dseq: Dseq) -> bool:
        """Whether this server created the deployment. A ledger that cannot be read owns nothing."""
        try:
            return self._journal.launch_of(dseq) is not None
        except LedgerUnusable:
            log.exception("ownership of a deployment is unknown")
            return False

    def check_launch(self, plan: LaunchPlan) -> None:
        """Raise `HeldBack` where the Console would not take what a launch sends: asked before a person is asked."""
        sdl = with_console_references(plan.sdl) if plan.contents.secret_names else plan.sdl
        about = creation_of(sdl, plan.runtime_limit_hours, self._client.project)
        self._check_taken(CREATE_PATH, subject_of(about))
        if plan.tool == "deploy":
            self._check_taken(LEASE_PATH)

    def launch(self, plan: LaunchPlan, approval: Approval) -> LaunchPermit:
        """A permit to create one deployment and lease for it. Its deposit is reserved from now on."""
        op_id = self._admit(Kind.LAUNCH, plan, approval, dseq=None, name=plan.title)
        return LaunchPermit(self._operation(op_id), plan)

    def check_lease(self, dseq: Dseq) -> None:
        """Raise `BadArgument` for a deployment that we did not create, and `HeldBack` where the Console takes no lease
        now: asked before a person is asked.
        """
        if not self.owns(dseq):
            raise BadArgument(
                f"Deployment {dseq} was not created by this server, so what it may cost is not known.",
                next_step="Use deploy or create_deployment for a new one.",
            )
        self._check_taken(LEASE_PATH)

    def lease(self, plan: LeasePlan, approval: Approval) -> LeasePermit:
        """A permit to lease for a deployment that we created."""
        self.check_lease(plan.dseq)
        op_id = self._admit(Kind.LEASE, plan, approval, dseq=plan.dseq)
        return LeasePermit(self._operation(op_id), plan.dseq, plan.max_usd_per_hour)

    def fund(self, plan: FundPlan, approval: Approval) -> FundPermit:
        """A permit to add money to one deployment once. The amount is reserved from now on."""
        op_id = self._admit(Kind.FUND, plan, approval, dseq=plan.dseq)
        return FundPermit(self._operation(op_id), plan)

    def update(self, plan: UpdatePlan, approval: Approval) -> UpdatePermit:
        """A permit to replace one deployment's SDL."""
        op_id = self._admit(Kind.UPDATE, plan, approval, dseq=plan.dseq)
        return UpdatePermit(self._operation(op_id), plan)

    def close(self, plan: ClosePlan, approval: Approval) -> ClosePermit:
        """A permit to close one deployment. A ledger that cannot be written does not stand in its way."""
        _match(plan, approval)
        try:
            self._journal.open(approval.op_id, Kind.CLOSE, plan.record, plan.dseq)
        except LedgerUnusable:
            log.exception("closing without a ledger")
        return ClosePermit(self._operation(approval.op_id), plan.dseq)

    def execute(self, plan: ExecPlan, approval: Approval) -> ExecPermit:
        """A permit to run one command in one container once."""
        op_id = self._admit(Kind.EXEC, plan, approval, dseq=plan.lease.dseq)
        return ExecPermit(self._operation(op_id), self._shell, plan)

    def _admit(self, kind: Kind, plan: Plan, approval: Approval, dseq: Dseq | None, name: str = "") -> OpId:
        _match(plan, approval)
        op_id, refusal = approval.op_id, None
        # The yes is used up, the operation written down and its exposure held at once, or not at all.
        with self._journal.together():
            self._journal.open(op_id, kind, plan.record, dseq, name)
            try:
                if plan.exposure:
                    self._ledger.reserve(op_id, plan.exposure, dseq=dseq)
                self._journal.advance(op_id, State.RESERVED, f"approved by {approval.via}")
            except OverBudget as over:
                refusal = over
                self._journal.advance(op_id, State.REFUSED, over.what)
        if refusal is not None:
            raise refusal
        return op_id

    def _check_taken(self, path: str, subject: str | None = None) -> None:
        if self._client.counts_refusals:
            self._journal.refusals.check(self._client.account, f"POST {path}", subject)

    def _operation(self, op_id: OpId) -> AuthorisedOperation:
        return AuthorisedOperation(
            self._writer,
            self._reader,
            self._ledger,
            self._journal,
            self._policy,
            self._secrets,
            self._pause,
            self._sleep,
            op_id,
        )


def _match(plan: Plan, approval: Approval) -> None:
    if approval.fingerprint != plan.fingerprint:
        raise NotApproved("The approval was given for another plan.")
