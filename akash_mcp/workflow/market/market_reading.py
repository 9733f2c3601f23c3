"""What is read of the market for one screening: records of providers, recent prices, and the Console's own answers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from akash_mcp.clients.console.generation import Generation, NotOffered
from akash_mcp.clients.console.market_models import GpuPrice, ProviderRecord, ScreenedProvider
from akash_mcp.errors import AkashError, ApiError, Interrupted, Unreachable
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.matching import OURS, Kind, Match, Obstacle, Wanted, match_all, match_unlisted
from akash_mcp.market.prices import bid_range
from akash_mcp.money import Usd
from akash_mcp.sdl import GroupSpec, Report
from akash_mcp.workflow.market.screening_request import requirements_json, resources_json
from akash_mcp.workflow.offers import requirements
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

T = TypeVar("T")

FAILURES = (ApiError, Interrupted, Unreachable, NotOffered)
"""What a read of the market can end with. It stands in nobody's way."""

MOST_REQUESTS = 12
"""Screenings that the search for changes may ask for, all groups together."""

_NODE = Obstacle(Kind.NODE, "no node with room for a replica, or what the Console does not tell")


class NothingKnown(AkashError):
    """Neither a screening nor the records of providers can be had."""

    code = "market_unknown"
    retryable = True

    def __init__(self, failure: AkashError | None) -> None:
        why = f" {failure.what}" if failure else " The Console lists no providers."
        super().__init__(f"Who could serve it is not known.{why}", next_step="Try again in a minute.")


@dataclass
class Market:
    """What was read of the market for one screening, and what the Console said of each group so far."""

    rt: Runtime
    wanted: Wanted
    records: Sequence[ProviderRecord] | None
    screens: bool
    rate_limit: str
    notes: list[str] = field(default_factory=list)
    total: int | None = None
    requests: int = 0
    """Screenings so far."""
    most_requests: int = 0
    """After how many no more is asked for in search of a change."""
    _screened: dict[str, Mapping[ProviderAddress, ScreenedProvider]] = field(default_factory=dict)

    async def screened(
        self, group: GroupSpec, notice: int | None
    ) -> Mapping[ProviderAddress, ScreenedProvider]:
        """The providers that the Console finds able, each group asked for once. Raises what the Console does."""
        resources, asked = resources_json(group), requirements_json(group)
        key = repr((resources, asked, notice))
        if key not in self._screened:
            self.requests += 1
            found = await self.rt.reader.screen_bids(resources, requirements=asked, reclamation_window=notice)
            self._screened[key] = {each.owner: each for each in found}
        return self._screened[key]

    def matches(self, group: GroupSpec, wanted: Wanted | None = None) -> list[Match]:
        """What the records say of everybody."""
        return match_all(self.records or (), group, wanted or self.wanted)

    async def able(
        self, group: GroupSpec, wanted: Wanted, matches: Sequence[Match]
    ) -> Mapping[ProviderAddress, ScreenedProvider | None]:
        """Who could take a group."""
        if not self.screens:
            return {one.provider: None for one in matches if not one.obstacles and not one.unknown}
        known = {one.provider: one for one in matches}
        able: dict[ProviderAddress, ScreenedProvider | None] = {}
        for owner, each in (await self.screened(group, wanted.notice)).items():
            one = known.get(owner) or match_unlisted(owner, group, wanted)
            if each.is_audited and not one.kinds & OURS:
                able[owner] = each
        return able


async def read_market(
    rt: Runtime,
    report: Report,
    max_usd_per_hour: Usd | None,
    *,
    regions: Collection[str] = (),
    excluded: Collection[ProviderAddress] = (),
    with_records: bool,
) -> Market:
    """What the Console tells of the market. Raises `NothingKnown`."""
    has_gpus = any(unit.gpu for group in report.groups for unit in group.resources)
    notes: list[str] = []
    failures: list[AkashError] = []

    async def known(what: str, reading: Awaitable[T], otherwise: T) -> T:
        try:
            return await reading
        except FAILURES as failure:
            log.info("%s cannot be read: %s", what, failure)
            failures.append(failure)
            notes.append(what)
            return otherwise

    no_prices: list[GpuPrice] = []
    no_records: Sequence[ProviderRecord] = ()
    prices = await known("recent GPU prices", rt.reader.gpu_prices(), no_prices) if has_gpus else no_prices
    policy = requirements(
        rt.policy,
        max_usd_per_hour=max_usd_per_hour,
        failed=await rt.evidence.failing_providers(),
        regions=regions,
        excluded=excluded,
    )
    market = Market(
        rt,
        Wanted(policy=policy, price_range=lambda group: bid_range(group, prices), notice=notice_of(report)),
        None,
        screens=False,
        rate_limit="AKASH_MCP_MAX_USD_PER_HOUR" if max_usd_per_hour is None else "max_usd_per_hour",
        notes=notes,
    )

    async def screening() -> bool:
        if await rt.reader.generation() is Generation.V2025:
            return False
        found = [await market.screened(group, market.wanted.notice) for group in report.groups]
        if not all(found) and await _everybody(rt) is None:
            # It finds nobody for anything, so it says nothing about this.
            notes.append("the Console's screening")
            return False
        return True

    market.screens = await known("the Console's screening", screening(), False)
    if with_records or regions or not market.screens:  # a screening does not tell where anybody is
        found = await known("the providers' records", _all_records(rt), no_records)
        market.records = found or None
    if market.records is not None:
        market.total = len(market.records)
    elif market.screens:
        market.total = await known("how many providers there are", _everybody(rt), None)
    else:
        raise NothingKnown(failures[-1] if failures else None)
    market.most_requests = market.requests + MOST_REQUESTS
    return market


async def _all_records(rt: Runtime) -> Sequence[ProviderRecord]:
    """The records of all providers, of at most a minute ago."""
    return (await rt.reader.all_providers()).value


async def _everybody(rt: Runtime) -> int | None:
    """How many providers there are: all are able where nothing is asked for. None where it names none."""
    return len(await rt.reader.screen_bids([])) or None


def notice_of(report: Report) -> int | None:
    """The notice that an SDL asks for, in seconds."""
    window = report.model.min_window if report.model else ""
    return int(window[:-1][:10]) * {"s": 1, "m": 60, "h": 3600}[window[-1]] if window else None


def explained(market: Market, one: Match) -> Match:
    """Who is not able and has nothing against it in its record lacks what no record tells: room on one node."""
    return replace(one, obstacles=(_NODE,)) if market.screens and not one.obstacles else one
