"""The permit to lease: the last lock before money flows, whatever ranked and chose the offers.

Before the one request that starts the billing, the rate is held against what was approved, the provider against the
person's policy, the platform's own funding is bounded (automatic top-up is switched off, or a runtime limit is set),
and each offer is looked at once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import BadArgument, Refused
from akash_mcp.guard.journal import Sources, State
from akash_mcp.guard.operation import AuthorisedOperation
from akash_mcp.ids import Dseq, LeaseId, OpId, ProviderAddress
from akash_mcp.money import ZERO, Usd, told_apart, usd_per_hour

_HIGHEST_PRICE = Decimal(10**12)
"""uact per block: far more than the chain takes for a price, and few enough digits to be reckoned with exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An offer that was chosen, by the four things that the guard needs of it. The price is for the whole group."""

    gseq: int
    oseq: int
    provider: ProviderAddress
    price_uact_per_block: Decimal

    @property
    def usd_per_hour(self) -> Usd:
        """What the price comes to in US dollars an hour."""
        return usd_per_hour(self.price_uact_per_block)


class LeasePermit:
    """May lease offers for one deployment, within one rate."""

    def __init__(self, operation: AuthorisedOperation, dseq: Dseq, max_usd_per_hour: Usd) -> None:
        self._operation = operation
        self._dseq = dseq
        self._max_usd_per_hour = max_usd_per_hour

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    async def lease(self, choices: Sequence[Choice]) -> DeploymentDetail:
        """Bound the platform's own funding, look at the offers once more, and lease all in one transaction.

        Raises `Refused` when an offer is over the approved rate, of a provider that the policy does not allow, no
        longer open, or more expensive than it was; nothing is leased then. Raises what the Console raises otherwise.
        After anything but a `Refused` the lease may exist even so: look before acting.
        """
        dseq, operation = self._dseq, self._operation
        sources = self._sources()
        self._within_limits(choices, sources.runtime_limit_hours)
        await operation.writer.limit_funding(dseq, sources.runtime_limit_hours)
        await self._still_offered(choices)
        with operation.accounted(on_refusal=State.OFFERED):
            detail = await operation.writer.create_lease(sources.manifest, lease_ids(dseq, choices))
        operation.journal.advance(
            operation.op_id, State.LEASED, ", ".join(choice.provider for choice in choices)
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

    def _within_limits(self, choices: Sequence[Choice], hours: int | None) -> None:
        policy = self._operation.policy
        for choice in choices:
            if not _is_price(choice.price_uact_per_block):
                raise Refused(f"The offer of {choice.provider} has no price that can be judged.")
        rate = sum((choice.usd_per_hour for choice in choices), ZERO)
        if rate > self._max_usd_per_hour:
            cost, approved = told_apart(rate, self._max_usd_per_hour)
            raise Refused(f"The offers cost {cost} an hour together, over the approved {approved}.")
        if hours is not None and rate * hours > self._operation.ledger.held(self._dseq):
            raise Refused(
                f"{hours} hours at {rate} an hour are more than what was approved for this deployment."
            )
        for choice in choices:
            denied = choice.provider in policy.denied_providers
            if denied or (policy.allowed_providers and choice.provider not in policy.allowed_providers):
                raise Refused(f"The user's policy does not allow provider {choice.provider}.")

    async def _still_offered(self, choices: Sequence[Choice]) -> None:
        bids = await self._operation.reader.list_bids(self._dseq)
        still_open = {(bid.provider, bid.gseq, bid.oseq): bid for bid in bids if bid.is_open}
        for choice in choices:
            bid = still_open.get((choice.provider, choice.gseq, choice.oseq))
            if bid is None:
                raise Refused(f"The offer of {choice.provider} is no longer open.")
            if bid.price_uact is None or not _is_price(bid.price_uact):
                raise Refused(f"The offer of {choice.provider} has no price in dollars any more.")
            if bid.price_uact > choice.price_uact_per_block:
                raise Refused(f"The offer of {choice.provider} became dearer.")


def _is_price(uact_per_block: Decimal) -> bool:
    """Whether it is an amount that can be a price. One that is not even a number cannot be compared."""
    return uact_per_block.is_finite() and 0 < uact_per_block <= _HIGHEST_PRICE


def lease_ids(dseq: Dseq, choices: Sequence[Choice]) -> list[LeaseId]:
    """The names of the leases that the chosen offers become."""
    return [LeaseId(dseq, choice.gseq, choice.oseq, choice.provider) for choice in choices]
