"""The gate: the only place that can spend, destroy or run commands, one approved plan at a time.

A permit is one plan, approved, within the limits, reserved and written down. It can do what its plan says and
nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

import anyio

from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.clients.akua.writer import AkuaWriter
from akash_mcp.clients.console.account_models import DeploymentSettings
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.requests import CREATE_PATH, LEASE_PATH, creation_of, subject_of
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.clients.provider.access import ProviderAccess
from akash_mcp.clients.provider.client_certificate import ClientCertificates
from akash_mcp.clients.provider.shell import ProviderShell
from akash_mcp.errors import AkashError, BadArgument, LedgerUnusable, NotApproved, OverBudget, Refused
from akash_mcp.guard.approval.approval import Approval
from akash_mcp.guard.books import audit, journal, runs, sends, top_ups
from akash_mcp.guard.books.accounts import check_bound
from akash_mcp.guard.books.audit import AuditEntry, Event
from akash_mcp.guard.books.journal import Kind, Operation, Sources, State, op_id_of
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.refusals import Refusals
from akash_mcp.guard.books.runs import HOUR_SECONDS
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.guard.permits.akua_permit import AkuaHands, AkuaPermit
from akash_mcp.guard.permits.certificate_permit import CertificatePermit
from akash_mcp.guard.permits.close_permit import Closed, ClosePermit
from akash_mcp.guard.permits.exec_permit import ExecPermit
from akash_mcp.guard.permits.fund_permit import FundPermit
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.guard.permits.lease_permit import LEASE, LeasePermit
from akash_mcp.guard.permits.operation import CERTAIN_SECONDS, AuthorisedOperation
from akash_mcp.guard.permits.top_up_permit import TopUpPermit
from akash_mcp.guard.permits.update_permit import UpdatePermit
from akash_mcp.guard.permits.wire import Wire
from akash_mcp.guard.plans.akua_plans import AKUA_PLANS, AkuaPlan
from akash_mcp.guard.plans.contents import Contents
from akash_mcp.guard.plans.plan_record import plan_of, text_of
from akash_mcp.guard.plans.plans import (
    CertificatePlan,
    ClosePlan,
    ExecPlan,
    FundPlan,
    LaunchPlan,
    LeasePlan,
    Plan,
    TopUpPlan,
    UpdatePlan,
)
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import ZERO, Usd, told_apart
from akash_mcp.sdl.secret_values import with_console_references

log = logging.getLogger(__name__)

Permit = (
    LaunchPermit | LeasePermit | FundPermit | UpdatePermit | ClosePermit | TopUpPermit | CertificatePermit
)


class Gate:
    """Turns approved plans into permits. Nothing else builds a `ConsoleWriter`, an `AkuaWriter` or a `ProviderShell`.

    A yes opens one operation: whoever brings it again gets `OperationExists`.
    """

    def __init__(
        self,
        client: ConsoleClient,
        reader: ConsoleReader,
        access: ProviderAccess,
        *,
        policy: Policy,
        store: Store,
        ledger: Ledger,
        secrets: SecretStore,
        pause: Callable[[], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        certificates: ClientCertificates | None = None,
        akua: tuple[AkuaClient, Store] | None = None,
        certain_seconds: float = CERTAIN_SECONDS,
        hour_seconds: float = HOUR_SECONDS,
    ) -> None:
        """`pause` waits a few seconds, before something harmless is tried again, `sleep` for as many seconds as the
        Console says. `certificates` keeps what a lease makes on the API of 2025. `akua`: how Akua is asked, and the
        store for what is done there. After `certain_seconds` what does not
        show did not come about. An hour of a run is `hour_seconds` of our clock: fewer beside a network that runs
        faster."""
        self._client = client
        self._refusals = Refusals(store)
        self._writer = ConsoleWriter(client, certificates, self._refusals)
        self._certificates = certificates
        self._shell = ProviderShell(access)
        self.wire = Wire()
        self._akua = akua
        self._reader = reader
        self._policy = policy
        self._store = store
        self._ledger = ledger
        self._secrets = secrets
        self._pause = pause
        self._sleep = sleep
        self._certain_seconds = certain_seconds
        self._hour_seconds = hour_seconds

    async def owns(self, dseq: Dseq) -> bool:
        """Whether this server created the deployment. A ledger that cannot be read owns nothing."""
        try:
            return await self._store.read(journal.launch_of, dseq) is not None
        except LedgerUnusable:
            log.exception("ownership of a deployment is unknown")
            return False

    async def check_launch(self, plan: LaunchPlan) -> None:
        """Raise `HeldBack` where the Console would not take what a launch sends: asked before a person is asked."""
        sdl = with_console_references(plan.sdl) if plan.contents.secret_names else plan.sdl
        about = creation_of(sdl, plan.runtime_limit_hours, self._client.project)
        await self._check_taken(CREATE_PATH, subject_of(about))
        await self._check_taken(LEASE_PATH)  # what cannot be leased for a while outlives its bids

    async def launch(self, plan: LaunchPlan, approval: Approval) -> LaunchPermit:
        """A permit to create one deployment and lease for it. Its deposit is reserved from now on."""
        return LaunchPermit(await self._admit(Kind.LAUNCH, plan, approval, dseq=None, name=plan.title), plan)

    async def launch_elsewhere(self, failed: LaunchPermit, plan: LaunchPlan) -> LaunchPermit:
        """A permit to go on with a launch at another provider, within the same approval, as a deployment of its own.

        The first one is proven closed, by us and nobody else, and what it cost together with what the new one can cost
        is at most what was approved, out of the budget of the same agent. Raises `Refused` where that is not so,
        `HeldBack` where the Console takes no
        launch now, and `OverBudget` where its share was given to others meanwhile.
        """
        approved, op_id = failed.plan, op_id_of(f"{failed.op_id} elsewhere")
        same = replace(plan, deposit=approved.deposit, runtime_limit_hours=approved.runtime_limit_hours)
        if same != approved:
            raise NotApproved("Another launch was approved.")
        await self.check_launch(plan)

        def admit(db: Db) -> AkashError | None:
            first, spent = journal.find(db, failed.op_id), self._ledger.spent_by(db, failed.op_id)
            if first is None or first.state is not State.CLOSED or spent is None:
                return Refused("The first deployment is not proven closed, or what it cost is not known.")
            if first.epoch != failed.epoch:
                return Refused("It was closed by somebody else meanwhile.")
            if first.agent != db.agent:
                return Refused(
                    "It was launched in the name of another agent, whose budget is not this server's."
                )
            if spent + plan.exposure > approved.exposure:
                return Refused(
                    f"{spent} was spent, and {plan.exposure} more is over the approved {approved.exposure}."
                )
            via = f"operation {failed.op_id}, whose provider failed"
            return self._let_in(db, op_id, Kind.LAUNCH, plan, via, name=plan.title, follows=failed.op_id)

        return LaunchPermit(await self._admitted(op_id, admit), plan)

    async def check_lease(self, dseq: Dseq) -> None:
        """Raise `BadArgument` for a deployment that we did not create, and `HeldBack` where the Console takes no lease
        now: asked before a person is asked.
        """
        if not await self.owns(dseq):
            raise BadArgument(
                f"Deployment {dseq} was not created by this server, so what it may cost is not known.",
                next_step="Use deploy or create_deployment for a new one.",
            )
        await self._check_taken(LEASE_PATH)

    async def lease(self, plan: LeasePlan, approval: Approval) -> LeasePermit:
        """A permit to lease for a deployment that we created."""
        await self.check_lease(plan.dseq)
        operation = await self._admit(Kind.LEASE, plan, approval, dseq=plan.dseq)
        return LeasePermit(operation, plan.dseq, plan.max_usd_per_hour)

    async def fund(self, plan: FundPlan, approval: Approval) -> FundPermit:
        """A permit to add money to one deployment once. The amount is reserved from now on."""
        return FundPermit(await self._admit(Kind.FUND, plan, approval, dseq=plan.dseq), plan)

    async def check_top_up(self, dseq: Dseq) -> None:
        """Raise `Refused` where automatic top-up may not be switched on: asked before a person is asked."""
        if not self._policy.allow_auto_top_up:
            raise Refused(
                "This server's policy does not allow automatic top-up: no escrow bounds then what a deployment costs.",
                next_step="add_funds adds a sum that the user approves. Only the user can change the policy "
                "(AKASH_MCP_ALLOW_AUTO_TOP_UP).",
            )
        launch, is_leased = await self._store.read(
            lambda db: (journal.launch_of(db, dseq), sends.was_sent(db, dseq, LEASE))
        )
        if launch is not None and launch.until is not None:
            # Whoever goes on waiting for its end closes what has more in escrow than was approved.
            raise Refused(
                f"Deployment {dseq} ends by itself, and is bounded by its deposit until then.",
                next_step="add_funds adds a sum that the user approves.",
            )
        if launch is None or not is_leased:
            raise Refused(
                f"Deployment {dseq} was not created and leased by this server, so nothing here ends its run, and "
                "nothing would bound what it costs.",
                next_step="The user can switch it on at https://console.akash.network.",
            )

    async def switch_top_up(self, plan: TopUpPlan, approval: Approval) -> TopUpPermit:
        """A permit to switch the automatic top-up of one deployment. What it can cost until the end of its run is
        reserved from now on.
        """
        if plan.enabled:
            await self.check_top_up(plan.dseq)
        return TopUpPermit(await self._admit(Kind.TOP_UP, plan, approval, dseq=plan.dseq), plan)

    async def is_topped_up(self, dseq: Dseq) -> bool:
        """Whether we switched a deployment's automatic top-up on, or may have: its escrow does not end it then."""
        try:
            return await self._store.read(top_ups.is_on, dseq)
        except LedgerUnusable:
            return True

    async def certificate(self, plan: CertificatePlan, approval: Approval) -> CertificatePermit:
        """A permit to make the account's client certificate."""
        return CertificatePermit(await self._admit(Kind.CERTIFICATE, plan, approval, dseq=None))

    async def certificate_until(self) -> datetime | None:
        """Until when the client certificate that is kept is good; None where there is none. Raises as
        `ClientCertificates.current` does.
        """
        kept = await self._certificates.current() if self._certificates is not None else None
        return None if kept is None else kept.expires

    async def update(self, plan: UpdatePlan, approval: Approval) -> UpdatePermit:
        """A permit to replace one deployment's SDL."""
        return UpdatePermit(await self._admit(Kind.UPDATE, plan, approval, dseq=plan.dseq), plan)

    async def close(self, plan: ClosePlan, approval: Approval) -> ClosePermit:
        """A permit to close one deployment. A ledger that cannot be written does not stand in its way."""
        _match(plan, approval)

        def admit(db: Db) -> None:
            op_id = approval.op_id
            journal.open_operation(db, op_id, Kind.CLOSE, plan.record, dseq=plan.dseq, plan=text_of(plan))
            audit.append(db, AuditEntry(Event.APPROVED, plan.record, op_id, approval.client, approval.via))

        try:
            await self._store.run(admit)
        except LedgerUnusable:
            log.exception("closing without a ledger")
        return ClosePermit(self._operation(approval.op_id), plan.dseq)

    async def end_run(self, dseq: Dseq) -> ClosePermit:
        """A permit to close a deployment whose run is over: who approved it was told that it would be.

        That it is ours and due is seen in the transaction that opens the operation. Raises `Refused` where it is not,
        and `Busy` where somebody is closing it already.
        """
        op_id = journal.new_op_id()
        await self._store.run(runs.open_end, op_id, dseq)
        return ClosePermit(self._operation(op_id), dseq)

    async def settle(self, seen: DeploymentDetail) -> Closed | None:
        """Write down what a deployment cost that ended by itself or by somebody else's hand, as its record shows.

        Sends nothing. None for one that we did not create, or know to be closed; raises `OutcomeUnknown` where its
        record does not prove it.
        """
        launch = await self._store.read(journal.launch_of, seen.dseq)
        if launch is None or launch.state is State.CLOSED:
            return None
        return await ClosePermit(self._operation(launch.op_id, launch.epoch), seen.dseq).settle(seen)

    async def read_settings(self, dseq: Dseq) -> DeploymentSettings | None:
        """How the Console says that it funds a deployment; None where nobody may ask.

        On `reference` the question itself switches automatic top-up on where there are no settings yet. So it is asked
        of those only whose settings we made: automatic top-up was switched off, and read back, before a lease was sent,
        or because somebody asked for that.
        """

        def made_settings(db: Db) -> bool:
            return any(sends.was_sent(db, dseq, step) for step in (LEASE, top_ups.OFF))

        if await self._store.read(made_settings):
            return await self._writer.get_settings(dseq)
        return None

    async def execute(self, plan: ExecPlan, approval: Approval) -> ExecPermit:
        """A permit to run one command in one container once."""
        return ExecPermit(
            await self._admit(Kind.EXEC, plan, approval, dseq=plan.lease.dseq), self._shell, plan
        )

    async def at_akua(self, plan: AkuaPlan, approval: Approval) -> AkuaPermit:
        """A permit to do one thing at Akua, once."""
        _match(plan, approval)
        hands = self._akua_hands()

        def admit(db: Db) -> AkashError | None:
            return self._let_in(db, approval.op_id, plan.kind, plan, approval.via, client=approval.client)

        if (refusal := await hands.store.run(admit)) is not None:
            raise refusal
        return AkuaPermit(hands, plan, approval.op_id)

    def carry_on_at_akua(self, operation: Operation, epoch: int) -> AkuaPermit:
        """A permit to go on with what was let in before, and is ours from `epoch` on. Raises `LedgerUnusable` where
        what was approved cannot be read."""
        kinds = {kind.kind: kind for kind in AKUA_PLANS}
        if operation.kind not in kinds or operation.plan is None:
            raise LedgerUnusable(f"What operation {operation.op_id} was to do is not in the ledger.")
        plan = plan_of(kinds[operation.kind], operation.plan)
        return AkuaPermit(self._akua_hands(), plan, operation.op_id, epoch)

    def _akua_hands(self) -> AkuaHands:
        assert self._akua is not None
        client, store = self._akua
        return AkuaHands(
            writer=AkuaWriter(client),
            reader=AkuaReader(client),
            store=store,
            wire=self.wire,
            certain_seconds=self._certain_seconds,
        )

    async def carry_on(self, operation: Operation, epoch: int) -> Permit:
        """A permit to go on with an operation that was let in before, and is ours from `epoch` on.

        It can do what its plan says, as it was approved. Raises `LedgerUnusable` where that cannot be read.
        """
        authorised, dseq, text = self._operation(operation.op_id, epoch), operation.dseq, operation.plan
        if operation.kind is Kind.LAUNCH:
            plan = plan_of(LaunchPlan, text) if text else await self._old_plan(operation)
            return LaunchPermit(authorised, plan)
        if operation.kind is Kind.CLOSE and dseq is not None:
            return ClosePermit(authorised, dseq)
        if operation.kind is Kind.CERTIFICATE:
            return CertificatePermit(authorised)
        if text is None or dseq is None:
            raise LedgerUnusable(f"What operation {operation.op_id} was to do is not in the ledger.")
        if operation.kind is Kind.LEASE:
            return LeasePermit(authorised, dseq, plan_of(LeasePlan, text).max_usd_per_hour)
        if operation.kind is Kind.FUND:
            return FundPermit(authorised, plan_of(FundPlan, text))
        if operation.kind is Kind.TOP_UP:
            return TopUpPermit(authorised, plan_of(TopUpPlan, text))
        return UpdatePermit(authorised, plan_of(UpdatePlan, text))

    async def _old_plan(self, operation: Operation) -> LaunchPlan:
        """What an older version of this program launched, as far as it wrote that down: enough to find and close it."""

        def read(db: Db) -> tuple[Sources | None, Usd]:
            return journal.sources_of(db, operation.op_id), self._ledger.held_by(db, operation.op_id)

        sources, held = await self._store.read(read)
        return LaunchPlan(
            tool="create_deployment",
            sdl=sources.sdl if sources else "",
            manifest=sources.manifest if sources else "",
            contents=Contents(),
            deposit=held,
            max_usd_per_hour=ZERO,
            groups=1,
            runtime_limit_hours=sources.runtime_limit_hours if sources else None,
            name=operation.name,
        )

    async def _admit(
        self, kind: Kind, plan: Plan, approval: Approval, dseq: Dseq | None, name: str = ""
    ) -> AuthorisedOperation:
        _match(plan, approval)

        def admit(db: Db) -> AkashError | None:
            return self._let_in(
                db,
                approval.op_id,
                kind,
                plan,
                approval.via,
                client=approval.client,
                dseq=dseq,
                name=name,
            )

        return await self._admitted(approval.op_id, admit)

    async def _admitted(self, op_id: OpId, admit: Callable[[Db], AkashError | None]) -> AuthorisedOperation:
        """An operation that one transaction lets in; what it refuses is raised, and written down."""
        if (refusal := await self._store.run(admit)) is not None:
            raise refusal
        return self._operation(op_id)

    def _let_in(
        self,
        db: Db,
        op_id: OpId,
        kind: Kind,
        plan: Plan,
        via: str,
        *,
        client: str = "",
        dseq: Dseq | None = None,
        name: str = "",
        follows: OpId | None = None,
    ) -> OverBudget | None:
        """The yes is used up, what it approved written down and its exposure held at once, or not at all."""
        check_bound(db)
        journal.open_operation(
            db,
            op_id,
            kind,
            plan.record,
            dseq=dseq,
            name=name,
            plan=None if kind is Kind.EXEC else text_of(plan),
            follows=follows,
            until=plan.until or None if isinstance(plan, LaunchPlan) else None,
        )
        try:
            self._check_limits(plan)
            if isinstance(plan, LeasePlan):
                self._ledger.reserve_rate(db, plan.dseq, plan.max_usd_per_hour)
            if isinstance(plan, FundPlan) and plan.run_hours and (run := runs.find(db, plan.dseq)):
                run.check_longer(plan.run_hours, self._policy.max_hours, self._hour_seconds)
                top_ups.check_end_may_move(db, plan.dseq)
            if isinstance(plan, TopUpPlan) and plan.enabled:
                run = runs.find(db, plan.dseq)
                if run is None or int(run.ends_at) != plan.ends_at:
                    raise Refused(
                        "The end of its run moved meanwhile, so what it can cost is not what was approved."
                    )
            if plan.exposure:
                rate = plan.max_usd_per_hour if isinstance(plan, LaunchPlan) else None
                self._ledger.reserve(db, op_id, plan.exposure, dseq=dseq, rate=rate)
            journal.advance(db, op_id, State.RESERVED, f"approved by {via}")
            audit.append(db, AuditEntry(Event.APPROVED, plan.record, op_id, client, via, plan.exposure))
        except OverBudget as over:
            journal.advance(db, op_id, State.REFUSED, over.what)
            text = f"{over.what} {plan.record}"
            audit.append(db, AuditEntry(Event.DENIED, text, op_id, client, via, plan.exposure))
            return over
        return None

    def _check_limits(self, plan: Plan) -> None:
        """Raise `OverBudget` for longer, or more an hour, than one deployment may run and cost now: it may have been
        planned under other limits."""
        policy = self._policy
        if isinstance(plan, LaunchPlan) and plan.hours > policy.max_hours:
            raise OverBudget(f"{plan.hours} hours are over the user's limit of {policy.max_hours}.")
        if not isinstance(plan, LaunchPlan | LeasePlan) or policy.max_usd_per_hour is None:
            return
        if plan.max_usd_per_hour > policy.max_usd_per_hour:
            planned, most = told_apart(plan.max_usd_per_hour, policy.max_usd_per_hour)
            raise OverBudget(
                f"{planned} an hour is over the user's limit of {most} an hour.",
                next_step="Plan it again, with a lower max_usd_per_hour. Only the user can raise the limit "
                "(AKASH_MCP_MAX_USD_PER_HOUR).",
            )

    async def _check_taken(self, path: str, subject: str | None = None) -> None:
        if self._client.counts_refusals:
            await self._refusals.check(self._client.account, f"POST {path}", subject)

    def _operation(self, op_id: OpId, epoch: int = 1) -> AuthorisedOperation:
        return AuthorisedOperation(
            closer=self._writer,
            reader=self._reader,
            store=self._store,
            ledger=self._ledger,
            policy=self._policy,
            secrets=self._secrets,
            pause=self._pause,
            sleep=self._sleep,
            wire=self.wire,
            op_id=op_id,
            epoch=epoch,
            certain_seconds=self._certain_seconds,
            hour_seconds=self._hour_seconds,
        )


def _match(plan: Plan, approval: Approval) -> None:
    if approval.fingerprint != plan.fingerprint:
        raise NotApproved("The approval was given for another plan.")
