"""Who could take an SDL now, before anything is paid, and the smallest change that brings bids where nobody can.

Where the Console screens, its answer counts, because it knows each node. It does not look at prices, the user's policy
or the number of volumes: those are checked here, from the providers' records. Where it does not screen, all is matched
from the records, and who cannot be judged by them is unknown, never able.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from akash_mcp.clients.console.market_models import ProviderRecord, ScreenedProvider
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.matching import Obstacle, counted
from akash_mcp.market.prices import PriceRange
from akash_mcp.money import Usd
from akash_mcp.sdl import GroupSpec, Report
from akash_mcp.workflow.market.change_search import Verified, smallest_changes
from akash_mcp.workflow.market.market_reading import FAILURES, Market, explained, read_market
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Able:
    """A provider that could take a group. Its `name` and `region` are other people's words; None is unknown."""

    provider: ProviderAddress
    name: str = ""
    region: str = ""
    incidents_7d: int | None = None


@dataclass(frozen=True, slots=True)
class GroupScreening:
    """Who could take one group, of `total` providers (None: not known), and how many each requirement rules out.

    `unknown`: what the records of some do not tell, and of how many. `usd_per_hour`: between which rates such a group
    was let lately.
    """

    gseq: int
    able: tuple[Able, ...]
    total: int | None
    ruled_out: tuple[tuple[Obstacle, int], ...] = ()
    unknown: tuple[tuple[str, int], ...] = ()
    usd_per_hour: PriceRange | None = None
    changes: tuple[Verified, ...] = ()


@dataclass(frozen=True, slots=True)
class Screening:
    """All groups. `by`: whether the Console screened them, or the providers' records were matched here.

    `notes`: what could not be read. `requests`: how many screenings were asked for.
    """

    by: Literal["console", "records"]
    groups: tuple[GroupScreening, ...]
    notes: tuple[str, ...] = ()
    requests: int = 0

    @property
    def is_possible(self) -> bool:
        """Whether each group could be taken by somebody."""
        return all(group.able for group in self.groups)

    @property
    def is_impossible(self) -> bool:
        """Whether a group cannot be taken by anybody, and nobody is unknown."""
        return any(not group.able and not group.unknown for group in self.groups)


async def screen(
    rt: Runtime,
    report: Report,
    *,
    max_usd_per_hour: Usd | None = None,
    regions: Collection[str] = (),
    excluded: Collection[ProviderAddress] = (),
    find_changes: bool = True,
    with_records: bool = True,
) -> Screening:
    """Screen every group of an SDL that the Console takes.

    `max_usd_per_hour`: the most that the caller would pay, the user's limit where it is None. `regions`: names as
    `workflow.offers.places` gives them. `excluded`: of whom the caller wants none. Without records it is not told what
    rules out whom. Raises `NothingKnown`.
    """
    market = await read_market(
        rt, report, max_usd_per_hour, regions=regions, excluded=excluded, with_records=with_records
    )
    groups = []
    for gseq, group in enumerate(report.groups, start=1):
        found = await _group(market, gseq, group)
        if not found.able and find_changes and market.records is not None:
            try:
                found = replace(found, changes=await smallest_changes(market, report, group))
            except FAILURES as failure:
                log.info("what would bring bids cannot be screened: %s", failure)
                market.notes.append("what would bring bids")
        groups.append(found)
    return Screening(
        "console" if market.screens else "records", tuple(groups), tuple(market.notes), market.requests
    )


async def _group(market: Market, gseq: int, group: GroupSpec) -> GroupScreening:
    matches = market.matches(group)
    able = await market.able(group, market.wanted, matches)
    records = {record.owner: record for record in market.records or ()}
    shown = sorted(
        (_able(owner, each, records.get(owner)) for owner, each in able.items()),
        key=lambda one: (one.incidents_7d or 0, one.provider),
    )
    others = [explained(market, one) for one in matches if one.provider not in able]
    doubts: dict[str, int] = {}
    for one in others:
        for doubt in one.unknown if not one.obstacles else ():
            doubts[doubt] = doubts.get(doubt, 0) + 1
    return GroupScreening(
        gseq,
        tuple(shown),
        market.total,
        tuple(counted(others)),
        tuple(doubts.items()),
        market.wanted.price_range(group),
    )


def _able(owner: ProviderAddress, screened: ScreenedProvider | None, record: ProviderRecord | None) -> Able:
    place = [record.ip_region, record.ip_country] if record else []
    region = ", ".join(part for part in place if part) or (screened and screened.location) or ""
    return Able(
        owner, (record and record.name) or "", region, screened.incidents_7d if screened is not None else None
    )
