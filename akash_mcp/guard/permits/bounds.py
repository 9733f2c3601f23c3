"""What bounds a deployment, read back: before its lease what it may come to cost, after it what its leases do cost.

The server's own arithmetic is not believed, nor a single answer: a Console that ignores a deposit, funds by itself what
it should not, or lists other prices than it leases at is noticed here. What is absent, null or unreadable is unknown,
and unknown is never "off", "equal" or 0.

                2025                          reference                       2026-11
    bound       the deposit: settings are     the deposit: automatic top-up   the runtime limit, a whole number of
                an unknown route              reads as explicitly off         hours that reads as at most the approved
    escrow      in uact, at most what is held for the deployment; the Console may have put in less. On 2026-11 also the
                0.50 USD that the Console begins with
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from akash_mcp.clients.api_model import UACT, Coin
from akash_mcp.clients.console.generation import Generation, no_such_route
from akash_mcp.clients.console.limits import MINIMUM_DEPOSIT
from akash_mcp.clients.console.models import DeploymentDetail, Lease
from akash_mcp.errors import NotFound, Refused
from akash_mcp.guard.permits.operation import AuthorisedOperation
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.money import Usd, told_apart, usd_per_hour, usd_per_hour_at_most
from akash_mcp.sanitize.text import field

_MOST_UACT = Decimal(10**18)
"""More than there is of it, and few enough digits to be reckoned with exactly."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What was read back before a lease. `hours`: the runtime limit, where one bounds it; `held` in the ledger."""

    escrow: Usd
    held: Usd
    hours: int | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What leases were approved: which, at which rate together, and within which bound.

    `prices`: what was offered for each, in uact per block; of two offers for one lease either may be the one.
    """

    prices: Mapping[LeaseId, Collection[Decimal]]
    max_usd_per_hour: Usd
    bound: Bound

    @property
    def leases(self) -> tuple[LeaseId, ...]:
        """Which they are."""
        return tuple(self.prices)

    def are_others(self, detail: DeploymentDetail) -> bool:
        """Whether somebody else leased it instead: the Console makes no lease where there is one."""
        shown = {lease.lease_id for lease in detail.leases}
        return bool(leases_not_closed(detail)) and shown.isdisjoint(self.leases)

    def breach(self, detail: DeploymentDetail) -> str | None:
        """What is more than was approved in what a deployment shows of its leases; None where nothing is."""
        running = leases_not_closed(detail)
        for lease in running:
            if lease.lease_id not in self.leases:
                return f"It has a lease from {field(lease.id.provider)} that was not chosen."
        uact, rate, hours, held = _price_of(running), self.rate_of(detail), self.bound.hours, self.bound.held
        if rate > self.max_usd_per_hour:
            cost, approved = told_apart(rate, self.max_usd_per_hour)
            return f"Its leases cost {cost} an hour, and at most {approved} was approved."
        if hours is not None and (most := usd_per_hour_at_most(uact) * hours) > held:
            cost, approved = told_apart(most, held)
            return f"Its leases can cost {cost} in {hours} hours, and at most {approved} was approved."
        return None

    def rate_of(self, detail: DeploymentDetail) -> Usd:
        """What its leases cost together, in US dollars an hour, as far as they have a price."""
        return usd_per_hour(_price_of(leases_not_closed(detail)))

    def is_shown_by(self, detail: DeploymentDetail) -> bool:
        """Whether a deployment shows each of the leases, and what it was offered for where it is not closed.

        A lease costs what its bid said (`MsgCreateLease`). One that reads as cheaper tells that one of the two is not
        so, and not which. An index may keep whole uact only.
        """
        shown = {lease.lease_id for lease in detail.leases}
        return (
            not detail.unread_leases
            and shown.issuperset(self.leases)
            and all(self._is_offered(lease) for lease in leases_not_closed(detail))
        )

    def _is_offered(self, lease: Lease) -> bool:
        price = uact_of([lease.price])
        offered = self.prices.get(lease.lease_id, ())
        return price is not None and any(price > each - 1 for each in offered)


async def check_generation(operation: AuthorisedOperation, dseq: Dseq, *, funds_itself: bool) -> Generation:
    """Which API answers now: asked anew, unless a person has set it.

    Raises `Refused` where what was planned relies on one that `funds_itself` (`2026-11`), or on one that does not, and
    it is another.
    """
    generation = await operation.read(lambda: operation.reader.generation(fresh=True))
    if (generation is Generation.V2026_11) is not funds_itself:
        raise Refused(
            f"The Console API is now {generation}, and this was planned for another, so what bounds the cost of "
            f"deployment {dseq} is not known."
        )
    return generation


async def read_bound(
    operation: AuthorisedOperation, dseq: Dseq, hours: int | None, *, is_leased: bool = False
) -> Bound:
    """See to it that the platform adds no money beyond what was approved, and read back that it is so.

    `hours` is the runtime limit that was approved, None where a deposit bounds the deployment. One that `is_leased`
    already was leased by somebody else, and is bounded like one of ours. Raises `Refused` where
    it is not so or not known, and what the Console raises: nothing may be leased then.
    """
    generation = await check_generation(operation, dseq, funds_itself=hours is not None)
    limit = None
    if hours is None:
        await _no_top_up(operation, dseq, generation)
    else:
        limit = await _runtime_limit(operation, dseq, hours)
    held = await operation.store.read(operation.ledger.held, dseq)
    return Bound(
        await _escrow(operation, dseq, held, is_leased=is_leased, funds_itself=hours is not None), held, limit
    )


async def _no_top_up(operation: AuthorisedOperation, dseq: Dseq, generation: Generation) -> None:
    try:
        await operation.read(lambda: operation.write(lambda writer: writer.set_auto_top_up(dseq, False)))
    except NotFound as refusal:
        if generation is Generation.V2025 and no_such_route(refusal):
            return
        raise
    if generation is Generation.V2025:
        raise Refused(
            f"The Console API has settings for deployment {dseq}, so it is not that of 2025, and what bounds its cost "
            "is not known."
        )
    # Only now: reading the settings of a deployment that has none switches top-up on.
    is_on = await top_up_of(operation, dseq)
    if is_on is not False:
        state = "is still on" if is_on else "is not known to be off"
        raise Refused(f"Automatic top-up of deployment {dseq} {state}, so nothing bounds its cost.")


async def top_up_of(operation: AuthorisedOperation, dseq: Dseq) -> bool | None:
    """Whether automatic top-up reads as on; None where that is not told.

    Only for a deployment that has settings: reading them where there are none switches it on.
    """
    settings = await operation.read(lambda: operation.write(lambda writer: writer.get_settings(dseq)))
    return settings.auto_top_up_enabled if settings.dseq == dseq else None


async def _runtime_limit(operation: AuthorisedOperation, dseq: Dseq, most: int) -> int:
    settings = await operation.read(lambda: operation.write(lambda writer: writer.get_settings(dseq)))
    if settings.runtime_limit_hours is None:
        await operation.write(lambda writer: writer.set_runtime_limit(dseq, most))
        settings = await operation.read(lambda: operation.write(lambda writer: writer.get_settings(dseq)))
    limit = settings.runtime_limit_hours
    if settings.dseq != dseq or limit is None or not 1 <= limit <= most:
        raise Refused(
            f"The runtime limit of deployment {dseq} is {'not known' if limit is None else limit}: {most} hours were "
            "approved."
        )
    return limit


async def _escrow(
    operation: AuthorisedOperation, dseq: Dseq, held: Usd, *, is_leased: bool, funds_itself: bool
) -> Usd:
    detail = await operation.read(lambda: operation.reader.get_deployment(dseq, just_created=True))
    if detail.dseq != dseq or detail.state != "active":
        raise Refused(f"Deployment {dseq} reads as {field(detail.state) or 'unknown'}, not as active.")
    if (leases_not_closed(detail) or detail.unread_leases) and not is_leased:
        raise Refused(f"Deployment {dseq} has a lease already, and another is not made beside it.")
    funds = uact_of(detail.escrow_account.state.funds)
    if funds is None:
        raise Refused(f"What is in escrow for deployment {dseq} is not known.")
    escrow = Usd.from_uact(funds)
    # Where the Console funds by itself it begins with the same small amount whatever was approved, and what runs out
    # is not that: the runtime limit bounds what is used of it.
    if escrow > (max(held, MINIMUM_DEPOSIT[Generation.V2026_11]) if funds_itself else held):
        found, approved = told_apart(escrow, held)
        raise Refused(f"{found} is in escrow for deployment {dseq}, and {approved} was approved.")
    return escrow


def uact_of(coins: Iterable[Coin]) -> Decimal | None:
    """The uact among the coins. None where there is none on record, or not as an amount: that is not 0."""
    amounts = [coin.amount for coin in coins if coin.denom == UACT]
    known = [amount for amount in amounts if amount is not None and _is_amount(amount)]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else None


def _is_amount(uact: Decimal) -> bool:
    return uact.is_finite() and 0 <= uact <= _MOST_UACT


def _price_of(leases: Iterable[Lease]) -> Decimal:
    """uact per block, of all together."""
    return sum((price for lease in leases if (price := uact_of([lease.price])) is not None), Decimal(0))


def leases_not_closed(detail: DeploymentDetail) -> list[Lease]:
    """The leases that cost, or may: one that does not say how it stands is not taken for closed."""
    return [lease for lease in detail.leases if lease.state != "closed"]
