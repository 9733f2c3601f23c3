"""The gate: the only place that can spend or destroy, one approved plan at a time.

A permit is one plan, approved, within the limits, reserved and written down. It can do what its plan says and
nothing else, and every answer it gets is accounted for before it is handed on: a definite refusal gives the
reservation back, a lost answer keeps it held.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from akash_mcp.clients.console import ConsoleReader
from akash_mcp.clients.console_writer import ConsoleWriter
from akash_mcp.clients.http import Upstream
from akash_mcp.clients.models import Created, DeploymentDetail
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadArgument,
    BadSettings,
    Interrupted,
    LedgerUnusable,
    NotApproved,
    NotFound,
    OutcomeUnknown,
    Refused,
    ServerError,
    Unreachable,
    WalletProvisioning,
)
from akash_mcp.guard.approval import Approval
from akash_mcp.guard.journal import Journal, Kind, Sources, State, new_op_id
from akash_mcp.guard.ledger import Ledger
from akash_mcp.guard.plans import ClosePlan, FundPlan, LaunchPlan, LeasePlan, Plan, UpdatePlan
from akash_mcp.guard.policy import Policy
from akash_mcp.ids import Dseq, LeaseId, OpId
from akash_mcp.market.offers import offer_from
from akash_mcp.market.ranking import RankedOffer
from akash_mcp.money import ZERO, Usd

log = logging.getLogger(__name__)

_CLOSE_ATTEMPTS = 3
_PROVISIONING_ATTEMPTS = 14  # as often as Console's own page

# What these say is certain: the request did nothing.
_DEFINITE = (ApiError, Unreachable, BadSettings, Refused)


class Gate:
    """Turns approved plans into permits. Nothing else in the program holds a `ConsoleWriter`."""

    def __init__(
        self,
        upstream: Upstream,
        reader: ConsoleReader,
        *,
        policy: Policy,
        ledger: Ledger,
        journal: Journal,
        pause: Callable[[], Awaitable[None]],
    ) -> None:
        """`pause` waits a few seconds, before something harmless is tried again."""
        self._writer = ConsoleWriter(upstream)
        self._reader = reader
        self._policy = policy
        self._ledger = ledger
        self._journal = journal
        self._pause = pause

    def owns(self, dseq: Dseq) -> bool:
        """Whether this server created the deployment. A ledger that cannot be read owns nothing."""
        try:
            return self._journal.launch_of(dseq) is not None
        except LedgerUnusable:
            log.exception("ownership of a deployment is unknown")
            return False

    def launch(self, plan: LaunchPlan, approval: Approval) -> LaunchPermit:
        """A permit to create one deployment and lease for it. Its deposit is reserved from now on."""
        op_id = self._admit(Kind.LAUNCH, plan, approval, dseq=None)
        return LaunchPermit(self._tools(op_id), plan)

    def lease(self, plan: LeasePlan, approval: Approval) -> LeasePermit:
        """A permit to lease for a deployment that we created."""
        if not self.owns(plan.dseq):
            raise BadArgument(
                f"Deployment {plan.dseq} was not created by this server, so what it may cost is not known.",
                next_step="Use deploy or create_deployment for a new one.",
            )
        op_id = self._admit(Kind.LEASE, plan, approval, dseq=plan.dseq)
        return LeasePermit(self._tools(op_id), plan.dseq, plan.max_usd_per_hour)

    def fund(self, plan: FundPlan, approval: Approval) -> FundPermit:
        """A permit to add money to one deployment once. The amount is reserved from now on."""
        op_id = self._admit(Kind.FUND, plan, approval, dseq=plan.dseq)
        return FundPermit(self._tools(op_id), plan)

    def update(self, plan: UpdatePlan, approval: Approval) -> UpdatePermit:
        """A permit to replace one deployment's SDL."""
        op_id = self._admit(Kind.UPDATE, plan, approval, dseq=plan.dseq)
        return UpdatePermit(self._tools(op_id), plan)

    def close(self, plan: ClosePlan, approval: Approval) -> ClosePermit:
        """A permit to close one deployment. A ledger that cannot be written does not stand in its way."""
        _match(plan, approval)
        op_id = new_op_id()
        try:
            self._journal.open(op_id, Kind.CLOSE, plan.summary, plan.dseq)
        except LedgerUnusable:
            log.exception("closing without a ledger")
        return ClosePermit(
            self._writer, self._reader, self._ledger, self._journal, self._pause, op_id, plan.dseq
        )

    def _admit(self, kind: Kind, plan: Plan, approval: Approval, dseq: Dseq | None) -> OpId:
        _match(plan, approval)
        op_id = new_op_id()
        self._journal.open(op_id, kind, plan.summary, dseq)
        if plan.exposure:
            try:
                self._ledger.reserve(op_id, plan.exposure, dseq=dseq)
            except Refused as refusal:
                self._journal.advance(op_id, State.REFUSED, refusal.what)
                raise
        self._journal.advance(op_id, State.RESERVED, f"approved by {approval.via}")
        return op_id

    def _tools(self, op_id: OpId) -> _Tools:
        return _Tools(
            self._writer, self._reader, self._ledger, self._journal, self._policy, self._pause, op_id
        )


@dataclass(frozen=True, slots=True)
class _Tools:
    """What every permit works with."""

    writer: ConsoleWriter
    reader: ConsoleReader
    ledger: Ledger
    journal: Journal
    policy: Policy
    pause: Callable[[], Awaitable[None]]
    op_id: OpId

    @contextmanager
    def accounted(self, *, on_refusal: State) -> Iterator[None]:
        """Around one request that may spend: whatever comes back, the journal and ledger know of it."""
        try:
            yield
        except _DEFINITE as refusal:
            if on_refusal is State.REFUSED:
                self.ledger.release(self.op_id)
            self.journal.advance(self.op_id, on_refusal, str(refusal)[:500])
            raise
        except BaseException as lost:
            # Also when the server is stopped while it waits: the request may have landed.
            self.journal.advance(self.op_id, State.UNKNOWN, str(lost)[:500] or type(lost).__name__)
            raise


class LeasePermit:
    """May lease offers for one deployment, within one rate."""

    def __init__(self, tools: _Tools, dseq: Dseq, max_usd_per_hour: Usd) -> None:
        self._tools = tools
        self._dseq = dseq
        self._max_usd_per_hour = max_usd_per_hour

    @property
    def op_id(self) -> OpId:
        """The journalled operation."""
        return self._tools.op_id

    async def lease(self, offers: Sequence[RankedOffer]) -> DeploymentDetail:
        """Bound the platform's own funding, look at the offers once more, and lease all in one transaction.

        Raises `Refused` when an offer is over the approved rate, of a provider that the policy does not allow, no
        longer open, or dearer than it was; nothing is leased then. Raises what the Console raises otherwise. After
        anything but a `Refused` the lease may exist even so: look before acting.
        """
        dseq, tools = self._dseq, self._tools
        sources = self._sources()
        self._within_limits(offers, sources.runtime_limit_hours)
        await tools.writer.limit_funding(dseq, sources.runtime_limit_hours)
        await self._still_offered(offers)
        with tools.accounted(on_refusal=State.OFFERED):
            detail = await tools.writer.create_lease(sources.manifest, lease_ids(dseq, offers))
        tools.journal.advance(
            tools.op_id, State.LEASED, ", ".join(ranked.offer.provider for ranked in offers)
        )
        return detail

    async def resend_manifest(self, leases: Sequence[LeaseId]) -> DeploymentDetail:
        """Deliver the manifest again to leases that exist. The Console creates no lease where one is open."""
        return await self._tools.writer.create_lease(self._sources().manifest, leases)

    def reached(self, state: State, note: str = "") -> None:
        """Write down how far the operation has come."""
        self._tools.journal.advance(self._tools.op_id, state, note)

    def _sources(self) -> Sources:
        sources = self._tools.journal.sources(self._dseq)
        if sources is None:
            raise BadArgument(
                f"Deployment {self._dseq} is closed, or was not created by this server, so its manifest is not known."
            )
        return sources

    def _within_limits(self, offers: Sequence[RankedOffer], hours: int | None) -> None:
        policy = self._tools.policy
        rate = sum((offer.usd_per_hour for offer in offers), ZERO)
        if rate > self._max_usd_per_hour:
            raise Refused(
                f"The offers cost {rate} an hour together, over the approved {self._max_usd_per_hour}."
            )
        if hours is not None and rate * hours > self._tools.ledger.held(self._dseq):
            raise Refused(
                f"{hours} hours at {rate} an hour are more than what was approved for this deployment."
            )
        for offer in (ranked.offer for ranked in offers):
            denied = offer.provider in policy.denied_providers
            if denied or (policy.allowed_providers and offer.provider not in policy.allowed_providers):
                raise Refused(f"The user's policy does not allow provider {offer.provider}.")

    async def _still_offered(self, offers: Sequence[RankedOffer]) -> None:
        bids = await self._tools.reader.list_bids(self._dseq)
        now = [offer_from(bid, None) for bid in bids if bid.is_open]
        prices = {(bid.provider, bid.gseq, bid.oseq): bid.price_uact_per_block for bid in now}
        for offer in (ranked.offer for ranked in offers):
            price = prices.get((offer.provider, offer.gseq, offer.oseq))
            if price is None:
                raise Refused(f"The offer of {offer.provider} is no longer open.")
            if price > offer.price_uact_per_block:
                raise Refused(f"The offer of {offer.provider} became dearer.")


class LaunchPermit:
    """May create one deployment, lease for it, and close it again."""

    def __init__(self, tools: _Tools, plan: LaunchPlan) -> None:
        self._tools = tools
        self.plan = plan

    @property
    def op_id(self) -> OpId:
        """The journalled operation."""
        return self._tools.op_id

    async def create(self) -> Created:
        """Create the deployment. Sent once: raises `OutcomeUnknown` when the answer was lost."""
        tools = self._tools
        with tools.accounted(on_refusal=State.REFUSED):
            created = await self._created()
        self._record(created.dseq, created.manifest)
        return created

    async def _created(self) -> Created:
        for _ in range(_PROVISIONING_ATTEMPTS):
            try:
                return await self._send()
            except WalletProvisioning:
                # A definite no: a new account's wallet is still being set up, and nothing was done.
                await self._tools.pause()
        return await self._send()

    async def _send(self) -> Created:
        return await self._tools.writer.create_deployment(
            self.plan.sdl,
            self.plan.deposit,
            name=self._tools.op_id,
            runtime_limit_hours=self.plan.runtime_limit_hours,
        )

    def adopt(self, dseq: Dseq, manifest: str) -> None:
        """Take up a deployment that was found to be what a lost answer created."""
        self._record(dseq, manifest)

    def leasing(self, dseq: Dseq) -> LeasePermit:
        """The part of this permit that leases for the deployment just created."""
        return LeasePermit(self._tools, dseq, self.plan.max_usd_per_hour)

    def abandoning(self, dseq: Dseq) -> ClosePermit:
        """The part of this permit that closes the deployment just created."""
        tools = self._tools
        return ClosePermit(
            tools.writer, tools.reader, tools.ledger, tools.journal, tools.pause, tools.op_id, dseq
        )

    def _record(self, dseq: Dseq, manifest: str) -> None:
        tools = self._tools
        try:
            tools.ledger.attach(tools.op_id, dseq)
            tools.journal.advance(tools.op_id, State.CREATED, dseq=dseq)
            sources = Sources(self.plan.sdl, manifest, self.plan.runtime_limit_hours)
            tools.journal.keep_sources(tools.op_id, sources)
        except LedgerUnusable as unwritten:
            raise AkashError(
                f"Deployment {dseq} was created and could not be written down: {unwritten.what}",
                money=f"Its deposit of {self.plan.deposit} is in escrow; nothing is leased.",
                next_step=f"Close it with close_deployment(dseq={dseq}).",
            ) from unwritten


class FundPermit:
    """May add one amount to one deployment once."""

    def __init__(self, tools: _Tools, plan: FundPlan) -> None:
        self._tools = tools
        self._plan = plan

    @property
    def op_id(self) -> OpId:
        """The journalled operation."""
        return self._tools.op_id

    async def deposit(self) -> DeploymentDetail:
        """Add the money. Sent once: raises `OutcomeUnknown` when the answer was lost."""
        tools, plan = self._tools, self._plan
        with tools.accounted(on_refusal=State.REFUSED):
            if plan.more_hours is None:
                detail = await tools.writer.deposit(plan.dseq, plan.amount)
            else:
                await self._extend(plan.more_hours)
                detail = await tools.reader.get_deployment(plan.dseq)
        tools.journal.advance(tools.op_id, State.DONE)
        return detail

    async def _extend(self, more_hours: int) -> None:
        writer, dseq = self._tools.writer, self._plan.dseq
        limit = (await writer.get_settings(dseq)).runtime_limit_hours
        if limit is None:
            raise Refused(f"Deployment {dseq} has no runtime limit, so it is funded without end already.")
        await writer.set_runtime_limit(dseq, int(limit) + more_hours)


class UpdatePermit:
    """May replace one deployment's SDL."""

    def __init__(self, tools: _Tools, plan: UpdatePlan) -> None:
        self._tools = tools
        self._plan = plan

    @property
    def op_id(self) -> OpId:
        """The journalled operation."""
        return self._tools.op_id

    async def update(self) -> DeploymentDetail:
        """Send the new SDL. Repeating it is harmless: the same SDL again only delivers its manifest again."""
        with self._tools.accounted(on_refusal=State.REFUSED):
            detail = await self._tools.writer.update_deployment(self._plan.dseq, self._plan.sdl)
        launched = self._tools.journal.launch_of(self._plan.dseq)
        if launched is not None:
            before = self._tools.journal.sources(self._plan.dseq)
            hours = before.runtime_limit_hours if before else None
            self._tools.journal.keep_sources(
                launched.op_id, Sources(self._plan.sdl, self._plan.manifest, hours)
            )
        self._tools.journal.advance(self._tools.op_id, State.DONE)
        return detail


@dataclass(frozen=True, slots=True)
class Closed:
    """A deployment proven closed. `spent` and `refunded` are None where the record was gone already."""

    dseq: Dseq
    spent: Usd | None
    refunded: Usd | None


@dataclass(frozen=True, slots=True)
class ClosePermit:
    """May close one deployment, and say that it is closed only when that is proven."""

    _writer: ConsoleWriter
    _reader: ConsoleReader
    _ledger: Ledger
    _journal: Journal
    _pause: Callable[[], Awaitable[None]]
    op_id: OpId
    _dseq: Dseq

    async def close(self) -> Closed:
        """Close, and read back that it is so. Harmless to repeat.

        Raises `NotFound` for a deployment that this account does not have, `OutcomeUnknown` when it cannot be
        proven closed, and what the Console raises when it refuses.
        """
        for _ in range(_CLOSE_ATTEMPTS - 1):
            try:
                return await self._close_once()
            except OutcomeUnknown:
                await self._pause()
        return await self._close_once()

    async def _close_once(self) -> Closed:
        failure: Exception | None = None
        try:
            await self._writer.close_deployment(self._dseq)
        except (OutcomeUnknown, ServerError, Interrupted) as lost:
            failure = lost
        closed = await self._proof(failure)
        self._record(closed)
        return closed

    async def _proof(self, failure: Exception | None) -> Closed:
        try:
            after = await self._reader.get_deployment(self._dseq)
        except NotFound:
            return Closed(self._dseq, None, None)
        except (ApiError, Interrupted, Unreachable) as unread:
            raise self._not_proven(str(failure or unread)) from unread
        if after.state != "closed":
            raise self._not_proven(str(failure) if failure else "It still reads as active.")
        return Closed(self._dseq, after.spent, self._refunded(after))

    def _refunded(self, closed: DeploymentDetail) -> Usd | None:
        """What we put in, less what it cost: the chain empties its own record of deposits when it closes."""
        try:
            held = self._ledger.held(self._dseq)
        except LedgerUnusable:
            log.exception("what was put into a deployment is not known")
            return None
        return held - closed.spent if held >= closed.spent and held else closed.refunded

    def _not_proven(self, why: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"Deployment {self._dseq} is not proven closed and may still cost money. {why}",
            next_step="Call close_deployment again in half a minute: repeating it is harmless.",
        )

    def _record(self, closed: Closed) -> None:
        try:
            if closed.spent is not None:
                # Without a figure the reservation stays held: it counts as spent.
                self._ledger.settle(self._dseq, closed.spent)
            self._journal.mark_closed(self._dseq, f"proven closed, {closed.spent} spent")
            self._journal.finish(self.op_id)
        except LedgerUnusable:
            log.exception("deployment %s is closed, and the ledger could not be told", self._dseq)


def lease_ids(dseq: Dseq, offers: Sequence[RankedOffer]) -> list[LeaseId]:
    """The names of the leases that offers become."""
    return [LeaseId(dseq, ranked.offer.gseq, ranked.offer.oseq, ranked.offer.provider) for ranked in offers]


def _match(plan: Plan, approval: Approval) -> None:
    if approval.fingerprint != plan.fingerprint:
        raise NotApproved("The approval was given for another plan.")
