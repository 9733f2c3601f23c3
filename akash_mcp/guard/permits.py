"""Permits to spend and to change: each does what its plan says and nothing else.

Every answer is accounted for before it is handed on: a definite refusal gives the reservation back, a lost answer
keeps it held.
"""

from __future__ import annotations

from collections.abc import Sequence

from akash_mcp.clients.console.models import Created, DeploymentDetail
from akash_mcp.errors import AkashError, BadArgument, LedgerUnusable, Refused, WalletProvisioning
from akash_mcp.guard.close_permit import ClosePermit
from akash_mcp.guard.journal import Sources, State
from akash_mcp.guard.operation import AuthorisedOperation
from akash_mcp.guard.plans import FundPlan, LaunchPlan, UpdatePlan
from akash_mcp.ids import Dseq, LeaseId, OpId
from akash_mcp.market.offers import offer_from
from akash_mcp.market.ranking import RankedOffer
from akash_mcp.money import ZERO, Usd

_PROVISIONING_ATTEMPTS = 14  # as often as Console's own page


class LeasePermit:
    """May lease offers for one deployment, within one rate."""

    def __init__(self, operation: AuthorisedOperation, dseq: Dseq, max_usd_per_hour: Usd) -> None:
        self._operation = operation
        self._dseq = dseq
        self._max_usd_per_hour = max_usd_per_hour

    @property
    def op_id(self) -> OpId:
        """The journalled operation."""
        return self._operation.op_id

    async def lease(self, offers: Sequence[RankedOffer]) -> DeploymentDetail:
        """Bound the platform's own funding, look at the offers once more, and lease all in one transaction.

        Raises `Refused` when an offer is over the approved rate, of a provider that the policy does not allow, no
        longer open, or dearer than it was; nothing is leased then. Raises what the Console raises otherwise. After
        anything but a `Refused` the lease may exist even so: look before acting.
        """
        dseq, operation = self._dseq, self._operation
        sources = self._sources()
        self._within_limits(offers, sources.runtime_limit_hours)
        await operation.writer.limit_funding(dseq, sources.runtime_limit_hours)
        await self._still_offered(offers)
        with operation.accounted(on_refusal=State.OFFERED):
            detail = await operation.writer.create_lease(sources.manifest, lease_ids(dseq, offers))
        operation.journal.advance(
            operation.op_id, State.LEASED, ", ".join(ranked.offer.provider for ranked in offers)
        )
        return detail

    async def resend_manifest(self, leases: Sequence[LeaseId]) -> DeploymentDetail:
        """Deliver the manifest again to leases that exist. The Console creates no lease where one is open."""
        return await self._operation.writer.create_lease(self._sources().manifest, leases)

    def advance(self, state: State, note: str = "") -> None:
        """Write down how far the operation has come."""
        self._operation.journal.advance(self._operation.op_id, state, note)

    def _sources(self) -> Sources:
        sources = self._operation.journal.sources(self._dseq)
        if sources is None:
            raise BadArgument(
                f"Deployment {self._dseq} is closed, or was not created by this server, so its manifest is not known."
            )
        return sources

    def _within_limits(self, offers: Sequence[RankedOffer], hours: int | None) -> None:
        policy = self._operation.policy
        rate = sum((offer.usd_per_hour for offer in offers), ZERO)
        if rate > self._max_usd_per_hour:
            raise Refused(
                f"The offers cost {rate} an hour together, over the approved {self._max_usd_per_hour}."
            )
        if hours is not None and rate * hours > self._operation.ledger.held(self._dseq):
            raise Refused(
                f"{hours} hours at {rate} an hour are more than what was approved for this deployment."
            )
        for offer in (ranked.offer for ranked in offers):
            denied = offer.provider in policy.denied_providers
            if denied or (policy.allowed_providers and offer.provider not in policy.allowed_providers):
                raise Refused(f"The user's policy does not allow provider {offer.provider}.")

    async def _still_offered(self, offers: Sequence[RankedOffer]) -> None:
        bids = await self._operation.reader.list_bids(self._dseq)
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

    def __init__(self, operation: AuthorisedOperation, plan: LaunchPlan) -> None:
        self._operation = operation
        self.plan = plan

    @property
    def op_id(self) -> OpId:
        """The journalled operation."""
        return self._operation.op_id

    async def create(self) -> Created:
        """Create the deployment. Sent once: raises `OutcomeUnknown` when the answer was lost."""
        operation = self._operation
        with operation.accounted(on_refusal=State.REFUSED):
            created = await self._created()
        self._record(created.dseq, created.manifest)
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

    def adopt(self, dseq: Dseq, manifest: str) -> None:
        """Take up a deployment that was found to be what a lost answer created."""
        self._record(dseq, manifest)

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
                money=f"Its deposit of {self.plan.deposit} is in escrow; nothing is leased.",
                next_step=f"Close it with close_deployment(dseq={dseq}).",
            ) from unwritten


class FundPermit:
    """May add one amount to one deployment once."""

    def __init__(self, operation: AuthorisedOperation, plan: FundPlan) -> None:
        self._operation = operation
        self._plan = plan

    @property
    def op_id(self) -> OpId:
        """The journalled operation."""
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
        writer, dseq = self._operation.writer, self._plan.dseq
        limit = (await writer.get_settings(dseq)).runtime_limit_hours
        if limit is None:
            raise Refused(f"Deployment {dseq} has no runtime limit, so it is funded without end already.")
        await writer.set_runtime_limit(dseq, int(limit) + more_hours)


class UpdatePermit:
    """May replace one deployment's SDL."""

    def __init__(self, operation: AuthorisedOperation, plan: UpdatePlan) -> None:
        self._operation = operation
        self._plan = plan

    @property
    def op_id(self) -> OpId:
        """The journalled operation."""
        return self._operation.op_id

    async def update(self) -> DeploymentDetail:
        """Send the new SDL. Repeating it is harmless: the same SDL again only delivers its manifest again."""
        with self._operation.accounted(on_refusal=State.REFUSED):
            detail = await self._operation.writer.update_deployment(self._plan.dseq, self._plan.sdl)
        launched = self._operation.journal.launch_of(self._plan.dseq)
        if launched is not None:
            before = self._operation.journal.sources(self._plan.dseq)
            hours = before.runtime_limit_hours if before else None
            self._operation.journal.keep_sources(
                launched.op_id, Sources(self._plan.sdl, self._plan.manifest, hours)
            )
        self._operation.journal.advance(self._operation.op_id, State.DONE)
        return detail


def lease_ids(dseq: Dseq, offers: Sequence[RankedOffer]) -> list[LeaseId]:
    """The names of the leases that offers become."""
    return [LeaseId(dseq, ranked.offer.gseq, ranked.offer.oseq, ranked.offer.provider) for ranked in offers]
