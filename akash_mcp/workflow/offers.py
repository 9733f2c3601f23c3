"""Offers: bids joined with the records of their providers, and with our own history with them, and ranked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import anyio

from akash_mcp.clients.console.models import Bid, DeploymentDetail, ProviderRecord
from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books import runs
from akash_mcp.guard.books.runs import HOUR_SECONDS, Run
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.market.offers import Offer, offer_from
from akash_mcp.market.ranking import Prefer, Ranking, Requirements, rank
from akash_mcp.market.regions import resolve
from akash_mcp.money import BLOCK_SECONDS, Usd
from akash_mcp.track_record import NOT_KNOWN, TrackRecord
from akash_mcp.workflow.desired_state import DesiredState
from akash_mcp.workflow.gpus import offered_instead
from akash_mcp.workflow.runtime import Runtime


def requirements(
    policy: Policy,
    *,
    hours: int | None = None,
    max_usd_per_hour: Usd | None = None,
    failed: Mapping[ProviderAddress, str] | None = None,
    regions: Collection[str] = (),
    excluded: Collection[ProviderAddress] = (),
) -> Requirements:
    """What an offer must meet: the policy, with `max_usd_per_hour` in place of the policy's own where it is given, and
    what the caller asks for. `hours`: how long it shall run; the user's default where nobody says.

    Providers that `failed` lately are passed over, but for a provider that is chosen by name.
    """
    return Requirements(
        hours=Decimal(policy.default_hours if hours is None else hours),
        max_usd_per_hour=max_usd_per_hour if max_usd_per_hour is not None else policy.max_usd_per_hour,
        allowed=policy.allowed_providers,
        denied=policy.denied_providers,
        excluded=frozenset(excluded),
        regions=frozenset(regions),
        audited_only=policy.audited_only,
        failed=failed or {},
    )


async def places(rt: Runtime, asked: Sequence[str]) -> tuple[str, ...]:
    """The places that are asked for, as offers are held against them. Raises `BadArgument` for one where no provider
    is that is online: it names those where there are some.
    """
    if not asked:
        return ()
    records = [record for record in (await rt.reader.all_providers()).value if record.is_online]
    return tuple(sorted(resolve(asked, records)))


async def run_of(rt: Runtime, dseq: Dseq) -> Run | None:
    """The run of a deployment, as it was approved; None where that is not known."""
    try:
        return await rt.store.read(runs.find, dseq)
    except LedgerUnusable:
        return None


async def hours_of(rt: Runtime, dseq: Dseq) -> int | None:
    """How long a deployment was approved to run; None where that is not known."""
    run = await run_of(rt, dseq)
    return max(run.hours(rt.intervals.hour), 1) if run else None


class OfferReader:
    """Reads the offers on one deployment, again and again. What is known of a provider is asked for once, and the
    height of the chain too: it goes on by itself. `stored`: the SDL that the Console keeps. `clock` tells seconds.
    """

    def __init__(
        self, rt: Runtime, dseq: Dseq, stored: str = "", clock: Callable[[], float] = anyio.current_time
    ) -> None:
        self._rt = rt
        self._clock = clock
        self._dseq = dseq
        self._stored = stored
        self._desired: DesiredState | None = None
        self._records: dict[ProviderAddress, ProviderRecord] = {}
        self._history: dict[ProviderAddress, TrackRecord] = {}
        self._height: tuple[int, float] | None = None
        self.bids: Sequence[Bid] = ()
        """The bids that were read last, in whatever state."""

    async def read(self, wanted: Requirements, prefer: Prefer) -> Ranking:
        """The bids as they stand, ranked. Raises what the Console does."""
        self.bids = await self._rt.reader.list_bids(self._dseq)
        return rank(await self.offers(self.bids), requirements=wanted, prefer=prefer)

    async def offers(self, bids: Sequence[Bid]) -> list[Offer]:
        """What these bids offer."""
        if not bids:
            return []
        await self._learn({bid.provider for bid in bids})
        if self._desired is None:
            self._desired = await DesiredState.of(self._rt, self._dseq, self._stored)
        height = await self._height_now()
        return [
            offer_from(
                bid,
                self._records.get(bid.provider),
                age_seconds=_seconds_since(bid.created_at, height),
                other_gpu=offered_instead(bid.resources_offer, self._desired.gpu_demands(bid.id.lease_id)),
                track_record=self._history.get(bid.provider, NOT_KNOWN),
            )
            for bid in bids
        ]

    @property
    def groups(self) -> frozenset[int]:
        """The groups that need an offer: all of them where it is known what it runs, else those that have a bid."""
        known = self._desired.groups if self._desired else 0
        return frozenset(range(1, known + 1)) or frozenset(bid.gseq for bid in self.bids) or frozenset({1})

    async def seconds_since(self, created_at: int) -> float:
        """How long ago a block was, at the least, in seconds of `rt.intervals`; 0 where that is not known."""
        since = _seconds_since(created_at, await self._height_now())
        return 0.0 if since is None else float(since) * self._rt.intervals.hour / HOUR_SECONDS

    async def _learn(self, providers: set[ProviderAddress]) -> None:
        strangers = sorted(providers - self._records.keys())
        if strangers:
            self._records |= {
                record.owner: record for record in await self._rt.reader.list_providers(strangers)
            }
            self._history |= await self._rt.track_records.of_all(strangers)

    async def _height_now(self) -> Decimal | None:
        """The height of the chain now; None where it is not known."""
        if self._height is None:
            height = await self._rt.reader.latest_height()
            if not height:
                return None
            self._height = height, self._clock()
        height, read_at = self._height
        passed = Decimal(self._clock() - read_at) * Decimal(HOUR_SECONDS / self._rt.intervals.hour)
        return height + passed / BLOCK_SECONDS


def _seconds_since(created_at: int, height: Decimal | None) -> Decimal | None:
    if not created_at or height is None:
        return None
    return max(height - created_at, Decimal(0)) * BLOCK_SECONDS


async def read_offers(rt: Runtime, dseq: Dseq, wanted: Requirements, prefer: Prefer = "balanced") -> Ranking:
    """The bids of a deployment as they stand, ranked. Raises what the Console does."""
    return await OfferReader(rt, dseq).read(wanted, prefer)


async def read_leased_offers(
    rt: Runtime, detail: DeploymentDetail, wanted: Requirements, prefer: Prefer = "balanced"
) -> Ranking:
    """The offers that a deployment's open leases came of, ranked: those that meet what is `wanted`, and the others."""
    leases = [lease for lease in detail.leases if lease.lease_id in detail.open_leases]
    bids = [Bid(id=lease.id, state="open", price=lease.price) for lease in leases]
    offers = await OfferReader(rt, detail.dseq).offers(bids)
    return rank(offers, requirements=wanted, prefer=prefer)


async def read_past_offers(
    rt: Runtime, detail: DeploymentDetail, wanted: Requirements, prefer: Prefer = "balanced"
) -> Ranking:
    """All bids that a leased deployment got, as far as the Console still lists them, ranked as if they were open.

    Those that were taken are among them also where the Console lists no bids. What is known of providers is what is
    known today.
    """
    reader = OfferReader(rt, detail.dseq, detail.stored.sdl if detail.stored else "")
    listed = {bid.id.lease_id: bid for bid in await rt.reader.list_bids(detail.dseq)}
    taken = {
        lease.lease_id: Bid(id=lease.id, price=lease.price)
        for lease in detail.leases
        if lease.lease_id in detail.open_leases
    }
    offers = await reader.offers(list({**taken, **listed}.values()))
    offers = [replace(offer, state="open", age_seconds=Decimal(0)) for offer in offers]
    return rank(offers, requirements=wanted, prefer=prefer)
