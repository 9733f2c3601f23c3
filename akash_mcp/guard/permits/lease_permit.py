"""The permit to lease: the last lock before money flows, whatever ranked and chose the offers.

Before the one request that starts the billing, the rate is held against what was approved, the provider against the
person's policy, what bounds the deployment is read back, and each offer is looked at once more. After it, whatever came
of it, what the leases really cost is read back. There is no way to a leased deployment around that: one that costs more
than was approved, or that cannot be read, is closed at once, and the error says so.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from akash_mcp.clients.console.client import BID_GONE, PROVIDER_GONE
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.models import Bid, DeploymentDetail, Lease
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadArgument,
    HeldBack,
    Interrupted,
    LedgerUnusable,
    NotDelivered,
    OutcomeUnknown,
    RateLimited,
    Refused,
    ServerError,
    TakenOver,
    Unauthorized,
    Unreachable,
)
from akash_mcp.guard.books import journal, runs, sends
from akash_mcp.guard.books.journal import Sources, State
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.permits.bounds import Bound, Terms, leases_not_closed, read_bound
from akash_mcp.guard.permits.close_permit import ClosePermit, certain
from akash_mcp.guard.permits.operation import DEFINITE, READ_ATTEMPTS, AuthorisedOperation
from akash_mcp.ids import Dseq, LeaseId, OpId, ProviderAddress
from akash_mcp.money import ZERO, Usd, told_apart, usd_per_hour, usd_per_hour_at_most
from akash_mcp.sdl.secret_reference import names_mentioned

T = TypeVar("T")

log = logging.getLogger(__name__)

LEASE = "lease"
"""The one step that starts the billing."""

_HIGHEST_PRICE = Decimal(10**12)
"""uact per block: far more than the chain takes for a price, and few enough digits to be reckoned with exactly."""

_PATIENT_ATTEMPTS = 20
_MANIFEST_ATTEMPTS = 3


class OfferGone(Refused):
    """An offer cannot be had any more, or not at its price, and nothing was leased: another one may do.

    `providers` are those from which nothing can be leased, whatever they offer.
    """

    code = "offer_gone"

    def __init__(self, what: str, *, providers: frozenset[ProviderAddress] = frozenset()) -> None:
        super().__init__(what)
        self.providers = providers


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

    def __init__(
        self,
        operation: AuthorisedOperation,
        dseq: Dseq,
        max_usd_per_hour: Usd,
        excluded: Collection[ProviderAddress] = (),
    ) -> None:
        self._operation = operation
        self._dseq = dseq
        self._max_usd_per_hour = max_usd_per_hour
        """All leases together."""
        self._excluded = excluded
        self._closing = ClosePermit(operation, dseq)

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    @property
    def max_usd_per_hour(self) -> Usd:
        """What all leases may cost together."""
        return self._max_usd_per_hour

    async def lease(self, choices: Sequence[Choice]) -> Bound:
        """Lease all in one transaction, see that their providers have the manifest, and read back what they cost.

        Returns what bounds the deployment. Raises `OfferGone` where an offer is gone or became dearer, another
        `Refused` where a limit would be passed or what bounds the cost is not as approved, and what the Console raises
        where it refuses: nothing is leased then. Raises `Unwound` where a lease may have come about and is not known to
        be what was approved: the deployment was closed then. Raises `NotDelivered` where only the manifest cannot be
        delivered: what was approved is leased, and costs. Raises `TakenOver` where another operation has the deployment
        now.
        """
        dseq, operation, sources = self._dseq, self._operation, await self._sources()
        manifest = await self._manifest(sources)
        await self._within_limits(choices, sources.runtime_limit_hours)
        bound = await read_bound(operation, dseq, sources.runtime_limit_hours)
        terms = Terms(await self._still_offered(choices), self._max_usd_per_hour, bound)
        # Written before the request: a ledger that cannot be written stops it here.
        await operation.advance(State.OFFERED, f"leasing from {_providers(terms)}")
        answer, failure = await self._send(manifest, terms.leases)
        if failure is None or await self._or_close(self._is_leased(failure)):
            await self._or_close(self._prove(terms, answer))
            if failure is not None:
                await self._deliver_again(terms, manifest, failure)
            return bound
        if isinstance(failure, ApiError):
            # A bid that was closed reads as closed; a provider that cannot be leased from goes on bidding.
            if failure.upstream_code == "provider_unreachable" or PROVIDER_GONE in failure.meanings:
                lost = frozenset(lease.provider for lease in terms.leases)
                raise OfferGone(failure.what, providers=lost) from failure
            if BID_GONE in failure.meanings:
                raise OfferGone(failure.what) from failure
        raise failure

    async def _or_close(self, work: Awaitable[T]) -> T:
        """What `work` finds out of the leases. Where that is not as approved, or not to be had, it ends in a close."""
        try:
            return await work
        except TakenOver:
            raise
        except Exception as wrong:
            raise await self._closing.unwind(wrong) from wrong

    async def _send(
        self, manifest: str, leases: Sequence[LeaseId]
    ) -> tuple[DeploymentDetail | None, AkashError | None]:
        """The one request that starts the billing: its answer, or why there is none."""
        try:
            async with self._operation.accounted(on_refusal=State.OFFERED):
                return await self._operation.once_taken(
                    lambda: self._operation.write_once(
                        LEASE, lambda writer: writer.create_lease(manifest, leases), lambda: _told(leases)
                    )
                ), None
        except AkashError as failure:
            return None, failure

    async def _is_leased(self, failure: AkashError) -> bool:
        """Whether there is a lease in spite of a failure: the Console makes it first and delivers the manifest then.

        A refusal without a lease is believed at once. After a lost answer there may be one a little later, so it is
        looked for again, and that there is still none proves nothing: raises then, and where it cannot be read.
        """
        if isinstance(failure, DEFINITE) and not isinstance(failure, ApiError):
            return False  # it was not sent
        for attempt in range(READ_ATTEMPTS):
            if attempt:
                await self._operation.pause()
            try:
                detail = await self._read()
            except AkashError as unread:
                raise AkashError(
                    f"{failure.what} Whether there is a lease cannot be read: {unread.what}"
                ) from failure
            if leases_not_closed(detail) or detail.unread_leases:
                return True
            if isinstance(failure, ApiError):
                return False
        raise failure

    async def _read(self) -> DeploymentDetail:
        """The deployment, asked for again where that fails."""
        for _ in range(READ_ATTEMPTS - 1):
            try:
                return await self._operation.reader.get_deployment(self._dseq)
            except AkashError:
                await self._operation.pause()
        return await self._operation.reader.get_deployment(self._dseq)

    async def _prove(self, terms: Terms, answer: DeploymentDetail | None) -> None:
        """Hold what the leases cost, by the answer and read anew, against what was approved, and write them down."""
        if answer is not None and (breach := await self._breach(terms, answer)):
            raise AkashError(breach)
        # What the answer showed is so: a Console that fails afterwards is waited for a good while.
        is_shown = answer is not None and terms.is_shown_by(answer)
        for attempt in range(_PATIENT_ATTEMPTS if is_shown else READ_ATTEMPTS):
            if attempt:
                await self._operation.pause()
            try:
                detail = await self._operation.reader.get_deployment(self._dseq)
            except (ApiError, Interrupted, Unreachable):
                continue
            if breach := await self._breach(terms, detail):
                raise AkashError(breach)
            if terms.is_shown_by(detail):
                break
        else:
            raise AkashError("What its leases cost cannot be read back.")
        async with self._operation.written_down("The lease was made", money="It is paid for.", next_step=""):
            await self._operation.store.run(self._leased, terms, terms.rate_of(detail))

    def _leased(self, db: Db, terms: Terms, rate: Usd) -> None:
        operation = self._operation
        sends.answered(db, self.op_id, LEASE, "taken")
        operation.ledger.note_rate(db, self._dseq, rate)
        runs.count_from_lease(db, self._dseq)
        journal.advance(db, self.op_id, State.LEASED, _providers(terms), epoch=operation.epoch)

    async def _breach(self, terms: Terms, detail: DeploymentDetail) -> str | None:
        """What is more than was approved. Raises `TakenOver` for leases of somebody else that are within it."""
        breach = terms.breach(detail)
        if not terms.are_others(detail) or detail.unread_leases:
            return breach
        others = [_choice_of(lease) for lease in leases_not_closed(detail)]
        try:
            await self._within_limits(others, terms.bound.hours)
        except Refused as beyond:
            return f"{breach} {beyond.what}"
        raise TakenOver(
            f"Somebody else leased deployment {self._dseq} meanwhile, so no lease of ours was made, and it was left as "
            "it is.",
            next_step=f"get_deployment(id={self._dseq}) shows what runs and what it costs; close_deployment ends it.",
        )

    async def _deliver_again(self, terms: Terms, manifest: str, failure: AkashError) -> None:
        """Deliver the manifest again: the Console creates no lease where one is open.

        What fails for a while is tried a few times, what was refused once more. Further refusals could keep the account
        from leasing anything else.
        """
        refusals = 0
        for _ in range(_MANIFEST_ATTEMPTS):
            refusals += _is_refused(failure)
            if refusals > 1 or is_invalid(failure):
                break
            await self._operation.pause()
            try:
                answer = await self._operation.write(
                    lambda writer: writer.create_lease(manifest, terms.leases)
                )
            except (HeldBack, LedgerUnusable) as held:
                failure = AkashError(f"{certain(failure)} {held.what}")
                break
            except (OutcomeUnknown, ApiError, Unreachable, Interrupted) as again:
                failure = again
                continue
            await self._or_close(self._prove(terms, answer))
            return
        raise NotDelivered(
            f"It was leased, and its provider does not take the manifest: {certain(failure)}",
            money=f"It is paid for, at up to {self._max_usd_per_hour} an hour, until it is closed.",
            next_step=f"diagnose_deployment(dseq={self._dseq}) finds out why, close_deployment ends it.",
        ) from failure

    async def accept(self, detail: DeploymentDetail) -> Bound:
        """Take the leases that somebody else made for what they are, and bound and prove what they cost like our own.

        Raises `Refused` where they are not within what was approved, and what the Console raises: they stay then too.
        """
        sources, leases = await self._sources(), leases_not_closed(detail)
        await self._within_limits([_choice_of(lease) for lease in leases], sources.runtime_limit_hours)
        bound = await read_bound(self._operation, self._dseq, sources.runtime_limit_hours, is_leased=True)
        prices = {lease.lease_id: (lease.price_uact or Decimal(0),) for lease in leases}
        terms = Terms(prices, self._max_usd_per_hour, bound)
        await self._prove(terms, detail)
        return bound

    async def take_up(self, detail: DeploymentDetail) -> Bound:
        """Go on with leases that an earlier worker of this operation asked for: prove that they are within what was
        approved, and have the manifest delivered once more.

        Raises `Unwound` where they are not, or cannot be read: the deployment was closed then. A provider that does not
        take the manifest now may have it already: what it runs says so.
        """
        sources, leases = await self._sources(), leases_not_closed(detail)
        try:
            await self._within_limits([_choice_of(lease) for lease in leases], sources.runtime_limit_hours)
            bound = await read_bound(self._operation, self._dseq, sources.runtime_limit_hours, is_leased=True)
        except Refused as beyond:
            raise await self._closing.unwind(beyond) from beyond
        prices = {lease.lease_id: (lease.price_uact or Decimal(0),) for lease in leases}
        terms = Terms(prices, self._max_usd_per_hour, bound)
        await self._or_close(self._prove(terms, detail))
        gone = Interrupted("The server that leased it is gone.")
        try:
            await self._deliver_again(terms, await self._manifest(sources), gone)
        except NotDelivered:
            log.info("the manifest of deployment %s was not delivered once more", self._dseq, exc_info=True)
        return bound

    async def never_leased(self, note: str) -> None:
        """Write down that the request for a lease, if there was one, came to nothing: another one may be sent."""
        operation = self._operation

        def write(db: Db) -> None:
            sends.answered(db, self.op_id, LEASE, "refused")
            journal.advance(db, self.op_id, State.OFFERED, note, epoch=operation.epoch)

        await operation.store.run(write)

    async def sent(self) -> sends.Send | None:
        """The request for a lease as it was sent, by this process or one before it; None where it never was."""
        return await self._operation.sent(LEASE)

    async def refuse(self, note: str) -> None:
        """Write down that nothing was leased, and will not be by this operation."""
        await self._operation.advance(State.REFUSED, note)

    def abandoning(self) -> ClosePermit:
        """The part of this permit that closes the deployment."""
        return self._closing

    async def advance(self, state: State, note: str = "") -> None:
        """Write down how far the operation has come. Where that fails it goes on: its money is held already."""
        try:
            await self._operation.advance(state, note)
        except LedgerUnusable:
            log.exception("how far operation %s has come could not be written down", self._operation.op_id)

    async def _sources(self) -> Sources:
        sources = await self._operation.store.read(journal.sources, self._dseq)
        if sources is None:
            raise BadArgument(
                f"Deployment {self._dseq} is closed, or was not created by this server, so its manifest is not known."
            )
        return sources

    async def _manifest(self, sources: Sources) -> str:
        """What goes to the providers, with the values of its secrets. Where the Console has them it has all of it."""
        if not names_mentioned(sources.sdl):
            return sources.manifest
        if await self._operation.reader.generation() is Generation.V2026_11:
            return sources.manifest
        return await self._operation.secrets.filled_manifest(sources.sdl, sources.manifest)

    async def _within_limits(self, choices: Sequence[Choice], hours: int | None) -> None:
        policy = self._operation.policy
        for choice in choices:
            if not _is_price(choice.price_uact_per_block):
                raise Refused(f"The offer of {choice.provider} has no price that can be judged.")
        rate = sum((choice.usd_per_hour for choice in choices), ZERO)
        if rate > self._max_usd_per_hour:
            cost, approved = told_apart(rate, self._max_usd_per_hour)
            raise Refused(f"The offers cost {cost} an hour together, over the approved {approved}.")
        if policy.max_usd_per_hour is not None and rate > policy.max_usd_per_hour:
            cost, most_allowed = told_apart(rate, policy.max_usd_per_hour)
            raise Refused(
                f"The offers cost {cost} an hour together, over the user's limit of {most_allowed} an hour."
            )
        most = sum((usd_per_hour_at_most(choice.price_uact_per_block) for choice in choices), ZERO)
        held = await self._operation.store.read(self._operation.ledger.held, self._dseq)
        if hours is not None and most * hours > held:
            raise Refused(
                f"{hours} hours at up to {most} an hour are more than what was approved for this deployment."
            )
        for choice in choices:
            if choice.provider in self._excluded:
                raise Refused(f"What was approved leaves out provider {choice.provider}.")
            denied = choice.provider in policy.denied_providers
            if denied or (policy.allowed_providers and choice.provider not in policy.allowed_providers):
                raise Refused(f"The user's policy does not allow provider {choice.provider}.")

    async def _still_offered(self, choices: Sequence[Choice]) -> dict[LeaseId, list[Decimal]]:
        """What is asked now for each of the leases."""
        prices = {}
        bids = [bid for bid in await self._operation.reader.list_bids(self._dseq) if bid.is_open]
        for choice in choices:
            of_choice = (choice.provider, choice.gseq, choice.oseq)
            # A lease names no bid, only these three: where there are two, it may be the dearer that is taken.
            offered = [bid for bid in bids if (bid.provider, bid.gseq, bid.oseq) == of_choice]
            if not offered:
                raise OfferGone(f"The offer of {choice.provider} is no longer open.")
            if not all(_is_priced(bid) for bid in offered):
                raise OfferGone(f"The offer of {choice.provider} has no price in dollars any more.")
            if any((bid.price_uact or 0) > choice.price_uact_per_block for bid in offered):
                # Of two that are open the dearer counts, and that would be so the next time too.
                twice = {choice.provider} if len(offered) > 1 else ()
                raise OfferGone(f"The offer of {choice.provider} became dearer.", providers=frozenset(twice))
            lease = LeaseId(self._dseq, choice.gseq, choice.oseq, choice.provider)
            prices[lease] = [bid.price_uact for bid in offered if bid.price_uact is not None]
        return prices


def _is_refused(failure: AkashError) -> bool:
    """Whether it was refused and not only failed: what the Console counts as a refusal, and the same again would meet.

    A wrong key and too many requests are not counted.
    """
    refusal = failure.__cause__ if isinstance(failure, OutcomeUnknown) else failure
    return isinstance(refusal, ApiError) and not isinstance(refusal, ServerError | Unauthorized | RateLimited)


def is_invalid(failure: BaseException | None) -> bool:
    """Whether the Console took the request itself for wrong, as it will the same again."""
    return isinstance(failure, ApiError) and failure.upstream_code == "validation_error"


def providers_asked(db: Db, op_id: OpId) -> frozenset[ProviderAddress]:
    """The providers that an operation last asked for leases."""
    sent = sends.find(db, op_id, LEASE)
    return (
        frozenset(ProviderAddress(provider) for _, _, provider in sent.about["leases"])
        if sent
        else frozenset()
    )


def _told(leases: Sequence[LeaseId]) -> dict[str, Any]:
    """The leases that are asked for, for whoever has to find out whether they came about."""
    return {"leases": [[lease.gseq, lease.oseq, lease.provider] for lease in leases]}


def _providers(terms: Terms) -> str:
    return ", ".join(lease.provider for lease in terms.leases)


def _choice_of(lease: Lease) -> Choice:
    """What was chosen by whoever made a lease. Without a price in dollars it has none that can be judged."""
    name, price = lease.lease_id, lease.price_uact or Decimal(0)
    return Choice(gseq=name.gseq, oseq=name.oseq, provider=name.provider, price_uact_per_block=price)


def _is_priced(bid: Bid) -> bool:
    return bid.price_uact is not None and _is_price(bid.price_uact)


def _is_price(uact_per_block: Decimal) -> bool:
    """Whether it is an amount that can be a price. One that is not even a number cannot be compared."""
    return uact_per_block.is_finite() and 0 < uact_per_block <= _HIGHEST_PRICE


def lease_ids(dseq: Dseq, choices: Sequence[Choice]) -> list[LeaseId]:
    """The names of the leases that the chosen offers become."""
    return [LeaseId(dseq, choice.gseq, choice.oseq, choice.provider) for choice in choices]
