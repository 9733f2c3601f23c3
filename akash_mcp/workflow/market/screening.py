"""Who could take an SDL now, before anything is paid, and the smallest change that brings bids where nobody can.

Where the Console screens, its answer counts, because it knows each node. It does not look at prices, the user's policy
or the number of volumes: those are checked here, from the providers' records. Where it does not screen, all is matched
from the records, and who cannot be judged by them is unknown, never able.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import combinations
from typing import Literal, TypeVar

import anyio

from akash_mcp.clients.console.generation import Generation, NotOffered
from akash_mcp.clients.console.market_models import GpuPrice, ProviderRecord, ScreenedProvider
from akash_mcp.errors import AkashError, ApiError, Interrupted, Unreachable
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.changes import Candidate, Change, changed
from akash_mcp.market.matching import OURS, Kind, Match, Obstacle, Wanted, counted, match, match_unlisted
from akash_mcp.market.recent_prices import recent_prices
from akash_mcp.market.smallest_change import Asked, candidates, gibibytes
from akash_mcp.money import Usd
from akash_mcp.sdl import GroupSpec, Report
from akash_mcp.workflow.market.screening_request import requirements_json, resources_json
from akash_mcp.workflow.offers import requirements
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_REQUESTS = 12
"""Screenings that one search for changes may ask for."""
MOST_CHANGES = 2
"""Changes that are told for a group: the smallest, and one more way."""
_MOST_PAIRS = 3
_FAILURES = (ApiError, Interrupted, Unreachable, NotOffered)
"""What a read of the market can end with. It stands in nobody's way."""

_NODE = Obstacle(Kind.NODE, "no node with room for a replica, or what the Console does not tell")


class NothingKnown(AkashError):
    """Neither a screening nor the records of providers can be had."""

    def __init__(self, failure: AkashError | None) -> None:
        why = f" {failure.what}" if failure else " The Console lists no providers."
        super().__init__(f"Who could serve it is not known.{why}", next_step="Try again in a minute.")


@dataclass(frozen=True, slots=True)
class Able:
    """A provider that could take a group. Its `name` and `region` are other people's words; None is unknown."""

    provider: ProviderAddress
    name: str = ""
    region: str = ""
    incidents_7d: int | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """A change, and how many providers could take the group after it."""

    change: Change
    able: int


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
    usd_per_hour: tuple[Usd, Usd] | None = None
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


async def screen(
    rt: Runtime,
    report: Report,
    *,
    max_usd_per_hour: Usd | None = None,
    find_changes: bool = True,
    with_records: bool = True,
) -> Screening:
    """Screen every group of an SDL that the Console takes.

    `max_usd_per_hour`: the most that the caller would pay, the user's limit where it is None. Without records it is
    not told what rules out whom. Raises `NothingKnown`.
    """
    market = await _read(rt, report, max_usd_per_hour, with_records=with_records)
    groups = []
    for gseq, group in enumerate(report.groups, start=1):
        found = await _group(market, gseq, group)
        if not found.able and find_changes and market.records is not None:
            try:
                found = replace(found, changes=await _smallest_changes(market, report, group))
            except _FAILURES as failure:
                log.info("what would bring bids cannot be screened: %s", failure)
                market.notes.append("what would bring bids")
        groups.append(found)
    return Screening(
        "console" if market.screens else "records", tuple(groups), tuple(market.notes), market.requests
    )


@dataclass
class _Market:
    """What was read of the market for one screening, and what the Console said of each group so far."""

    rt: Runtime
    wanted: Wanted
    records: Sequence[ProviderRecord] | None
    screens: bool
    rate_limit: str
    notes: list[str] = field(default_factory=list)
    total: int | None = None
    requests: int = 0
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
        return [match(record, group, wanted or self.wanted) for record in self.records or ()]

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


async def _read(rt: Runtime, report: Report, max_usd_per_hour: Usd | None, *, with_records: bool) -> _Market:
    """What the Console tells of the market. Raises `NothingKnown`."""
    has_gpus = any(unit.gpu for group in report.groups for unit in group.resources)
    notes: list[str] = []
    failures: list[AkashError] = []

    async def known(what: str, reading: Awaitable[T], otherwise: T) -> T:
        try:
            return await reading
        except _FAILURES as failure:
            log.info("%s cannot be read: %s", what, failure)
            failures.append(failure)
            notes.append(what)
            return otherwise

    no_prices: list[GpuPrice] = []
    no_records: list[ProviderRecord] = []
    prices = await known("recent GPU prices", rt.reader.gpu_prices(), no_prices) if has_gpus else no_prices
    policy = requirements(rt.policy, max_usd_per_hour, await rt.evidence.failing_providers())
    market = _Market(
        rt,
        Wanted(policy=policy, price_range=recent_prices(prices), notice=_notice(report)),
        None,
        screens=False,
        rate_limit="AKASH_MCP_MAX_USD_PER_HOUR" if max_usd_per_hour is None else "max_usd_per_hour",
        notes=notes,
    )

    async def screening() -> bool:
        if await rt.reader.generation() is Generation.V2025:
            return False
        for group in report.groups:
            await market.screened(group, market.wanted.notice)
        return True

    market.screens = await known("the Console's screening", screening(), False)
    if with_records or not market.screens:
        found = await known("the providers' records", rt.reader.list_providers(), no_records)
        market.records = found or None
    if market.records is not None:
        market.total = len(market.records)
    elif market.screens:
        market.total = await known("how many providers there are", _everybody(rt), None)
    else:
        raise NothingKnown(failures[-1] if failures else None)
    return market


async def _everybody(rt: Runtime) -> int | None:
    """How many providers there are: all are able where nothing is asked for. None where it names none."""
    return len(await rt.reader.screen_bids([])) or None


def _notice(report: Report) -> int | None:
    """The notice that an SDL asks for, in seconds."""
    window = report.model.min_window if report.model else ""
    return int(window[:-1][:10]) * {"s": 1, "m": 60, "h": 3600}[window[-1]] if window else None


async def _group(market: _Market, gseq: int, group: GroupSpec) -> GroupScreening:
    matches = market.matches(group)
    able = await market.able(group, market.wanted, matches)
    records = {record.owner: record for record in market.records or ()}
    shown = sorted(
        (_able(owner, each, records.get(owner)) for owner, each in able.items()),
        key=lambda one: (one.incidents_7d or 0, one.provider),
    )
    others = [_explained(market, one) for one in matches if one.provider not in able]
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


def _explained(market: _Market, one: Match) -> Match:
    """Who is not able and has nothing against it in its record lacks what no record tells: room on one node."""
    return replace(one, obstacles=(_NODE,)) if market.screens and not one.obstacles else one


def _able(owner: ProviderAddress, screened: ScreenedProvider | None, record: ProviderRecord | None) -> Able:
    place = [record.ip_region, record.ip_country] if record else []
    region = ", ".join(part for part in place if part) or (screened and screened.location) or ""
    return Able(
        owner, (record and record.name) or "", region, screened.incidents_7d if screened is not None else None
    )


# ── changes ────────────────────────────────────────────────────────────────────────────────────────────────


async def _smallest_changes(market: _Market, report: Report, group: GroupSpec) -> tuple[Verified, ...]:
    """The smallest changes after which somebody could take the group, each one screened again."""
    matches = [_explained(market, one) for one in market.matches(group)]
    assert report.model is not None
    asked = Asked(
        sdl=report.model,
        group=group,
        records=market.records or (),
        matches=matches,
        wanted=market.wanted,
        gpu_memory=await _gpu_memory(market, matches),
        rate_limit=market.rate_limit,
    )
    search = _Search(market, report, group.name, market.requests + MOST_REQUESTS)
    ways = candidates(asked)
    found: list[Verified] = []
    for way in ways:
        if len(found) < MOST_CHANGES and (verified := await search.smallest(way.steps)):
            found.append(verified)
    for one, other in search.promising_pairs(ways)[:_MOST_PAIRS] if not found else ():
        first = await search.smallest([step + other.steps[-1] for step in one.steps])
        if first is None:
            continue
        kept = next(step for step in one.steps if step + other.steps[-1] == first.change)
        return (await search.smallest([kept + step for step in other.steps]) or first,)
    return tuple(found)


async def _gpu_memory(market: _Market, matches: Sequence[Match]) -> Mapping[str, Decimal]:
    """GiB by GPU model, from those that providers have and from the Console's catalogue."""
    sizes: dict[str, Decimal] = {}
    if not any(one.kinds & {Kind.GPU_MODEL, Kind.GPU_FORM, Kind.GPUS} for one in matches):
        return sizes
    named = [(gpu.model, gpu.ram) for record in market.records or () for gpu in record.gpu_models]
    try:
        catalogue = await market.rt.reader.gpu_models()
    except _FAILURES as failure:
        log.info("the catalogue of GPUs cannot be read: %s", failure)
        catalogue = []
    named += [
        (model.name, memory) for vendor in catalogue for model in vendor.models for memory in model.memory
    ]
    for model, ram in named:
        if size := gibibytes(ram):
            sizes[model] = max(size, sizes.get(model, Decimal(0)))
    return sizes


@dataclass
class _Search:
    """The search for changes of one group: first in the records, which is free, then by screening, up to a limit."""

    market: _Market
    report: Report
    name: str
    most_requests: int

    def _after(self, change: Change) -> tuple[GroupSpec, Wanted] | None:
        """The group and what is wanted after a change; None where the SDL would be refused then."""
        after = changed(self.report.data, change) if change.edits else self.report
        group = next((each for each in after.groups if each.name == self.name), None)
        if not after.ok or group is None:
            return None
        policy = change.policy or self.market.wanted.policy
        return group, replace(self.market.wanted, policy=policy, notice=_notice(after))

    def _obstacles(self, change: Change) -> Mapping[ProviderAddress, frozenset[tuple[Kind, str]]]:
        after = self._after(change)
        if after is None:
            return {}
        return {
            one.provider: frozenset((each.kind, each.about) for each in one.obstacles)
            for one in self.market.matches(*after)
        }

    def _may_do(self, change: Change) -> bool:
        """Whether the records speak against nobody's taking it."""
        return any(not against for against in self._obstacles(change).values())

    async def _able(self, change: Change) -> int:
        after = self._after(change)
        if after is None or self.market.requests >= self.most_requests:
            return 0
        group, wanted = after
        return len(await self.market.able(group, wanted, self.market.matches(group, wanted)))

    async def smallest(self, steps: Sequence[Change]) -> Verified | None:
        """The first of the steps that brings bids; None where not even the last one does."""
        start = bisect_left(steps, True, key=self._may_do)
        if start == len(steps):
            return None
        if able := await self._able(steps[start]):
            return Verified(steps[start], able)
        low, high, best = start + 1, len(steps) - 1, None
        if low > high:
            return None
        # Whether any step helps is asked before which is the smallest.
        step = high
        while low <= high:
            if able := await self._able(steps[step]):
                best, high = Verified(steps[step], able), step - 1
            else:
                low = step + 1
            step = (low + high) // 2
        return best

    def promising_pairs(self, ways: Sequence[Candidate]) -> list[tuple[Candidate, Candidate]]:
        """Pairs that leave nothing against somebody, as far as the records tell, the smallest first."""
        left = [self._obstacles(way.steps[-1]) for way in ways]
        pairs = []
        for one, other in combinations(range(len(ways)), 2):
            if not ways[one].goes_with(ways[other]):
                continue
            if any(not against & left[other].get(owner, against) for owner, against in left[one].items()):
                pairs.append((one + other, one, other))
        return [(ways[one], ways[other]) for _, one, other in sorted(pairs)]


# ── sentences ──────────────────────────────────────────────────────────────────────────────────────────────


async def in_one_sentence(
    rt: Runtime, report: Report, max_usd_per_hour: Usd | None, *, seconds: float
) -> str:
    """What the market says of an SDL, for whoever is asked to approve it. Empty where that cannot be told in time."""
    found: Screening | None = None
    with anyio.move_on_after(seconds):
        try:
            found = await screen(
                rt, report, max_usd_per_hour=max_usd_per_hour, with_records=False, find_changes=False
            )
            if not found.is_possible:
                found = await screen(rt, report, max_usd_per_hour=max_usd_per_hour)
        except (NothingKnown, *_FAILURES) as failure:
            log.info("the market cannot be screened: %s", failure)
    if found is None:
        return ""
    if not found.is_possible:
        return f"No provider could serve it now: {_why(found)}"
    return f"{_how_many(found)} could serve it now{_price(found)}."


async def why_no_bids(rt: Runtime, report: Report, max_usd_per_hour: Usd | None, *, seconds: float) -> str:
    """What to do about a deployment without acceptable bids. Empty where that cannot be told in time."""
    found: Screening | None = None
    with anyio.move_on_after(seconds):
        try:
            found = await screen(rt, report, max_usd_per_hour=max_usd_per_hour)
        except (NothingKnown, *_FAILURES) as failure:
            log.info("why nobody bids cannot be told: %s", failure)
    if found is None:
        return ""
    if found.is_possible:
        return (
            f"{_how_many(found)} could serve it by what the Console knows, so most likely the price keeps them away"
            f"{_price(found)}: allow a higher price, or try again later."
        )
    return f"No provider could serve it now: {_why(found)}"


def _how_many(found: Screening) -> str:
    least = min(found.groups, key=lambda group: len(group.able))
    total = f" of {least.total}" if least.total is not None else ""
    count = len(least.able)
    return f"{'At least ' if len(found.groups) > 1 else ''}{count}{total} provider{'s' * (count > 1 or bool(total))}"


def _price(found: Screening) -> str:
    ranges = [group.usd_per_hour for group in found.groups]
    known = [each for each in ranges if each is not None]
    if len(known) < len(ranges):
        return ""
    low, high = sum((each[0] for each in known), Usd(0)), sum((each[1] for each in known), Usd(0))
    return f", for about {low} to {high} an hour"


def _why(found: Screening) -> str:
    """Why nobody could take the first group that nobody could, and the smallest change."""
    group = next(each for each in found.groups if not each.able)
    reasons = "; ".join(
        f"{obstacle.words} ({count} of {group.total})" for obstacle, count in group.ruled_out[:3]
    )
    if not reasons:
        reasons = "their records do not tell enough" if group.unknown else "nobody is able"
    sentence = f"{reasons}."
    for verified in group.changes[:1]:
        sentence += f" Smallest change: {in_words(verified)}."
    return sentence


def in_words(verified: Verified) -> str:
    """A change as a clause: what it is, what to write where, and what it brings."""
    change = verified.change
    fields = [
        f"remove {edit.pointer}" if edit.text is None else f"{edit.pointer} = {edit.text}"
        for edit in change.edits
    ]
    if change.setting:
        fields.append(" = ".join(change.setting))
    brings = f"{verified.able} provider{'s' * (verified.able > 1)} could serve it then"
    return f"{change.words} ({'; '.join(fields)}): {brings}"
