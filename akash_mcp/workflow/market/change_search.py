"""The search for the smallest change: first in the records, which costs nothing, then by screening, up to a limit."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import reduce
from operator import add, itemgetter

import anyio.lowlevel

from akash_mcp.ids import ProviderAddress
from akash_mcp.market.asked import Asked
from akash_mcp.market.changes import Candidate, Change, changed
from akash_mcp.market.matching import Kind, Match, Wanted
from akash_mcp.market.smaller_sizes import gibibytes
from akash_mcp.market.smallest_change import candidates
from akash_mcp.sdl import GroupSpec, Report
from akash_mcp.workflow.market.market_reading import FAILURES, Market, explained, notice_of

log = logging.getLogger(__name__)

MOST_CHANGES = 2
"""Changes that are told for a group: the smallest, and one more way."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A change, and how many providers could take the group after it."""

    change: Change
    able: int


async def smallest_changes(market: Market, report: Report, group: GroupSpec) -> tuple[Verified, ...]:
    """The smallest changes after which somebody could take the group, each one screened again."""
    matches = [explained(market, one) for one in market.matches(group)]
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
    search = _Search(market, report, group.name)
    ways = candidates(asked)
    found: list[Verified] = []
    for way in ways:
        if len(found) < MOST_CHANGES and (verified := await search.smallest(way.steps)):
            found.append(verified)
    if not found and (verified := await search.together(ways)):
        found.append(verified)
    return tuple(found)


async def _gpu_memory(market: Market, matches: Sequence[Match]) -> Mapping[str, Decimal]:
    """GiB by GPU model, from those that providers have and from the Console's catalogue."""
    sizes: dict[str, Decimal] = {}
    if not any(one.kinds & {Kind.GPU_MODEL, Kind.GPU_FORM, Kind.GPUS} for one in matches):
        return sizes
    named = [(gpu.model, gpu.ram) for record in market.records or () for gpu in record.gpu_models]
    try:
        catalogue = await market.rt.reader.gpu_models()
    except FAILURES as failure:
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

    market: Market
    report: Report
    name: str
    _known: dict[str, Mapping[ProviderAddress, frozenset[tuple[Kind, str]]]] = field(default_factory=dict)

    def _after(self, change: Change) -> tuple[GroupSpec, Wanted] | None:
        """The group and what is wanted after a change; None where the SDL would be refused then."""
        after = changed(self.report.data, change) if change.edits else self.report
        group = next((each for each in after.groups if each.name == self.name), None)
        if not after.ok or group is None:
            return None
        policy = change.policy or self.market.wanted.policy
        return group, replace(self.market.wanted, policy=policy, notice=notice_of(after))

    def _obstacles(self, change: Change) -> Mapping[ProviderAddress, frozenset[tuple[Kind, str]]]:
        """What speaks against whom after a change, by the records."""
        key = repr(change)
        if key not in self._known:
            after = self._after(change)
            self._known[key] = {
                one.provider: frozenset((each.kind, each.about) for each in one.obstacles)
                for one in (self.market.matches(*after) if after else ())
            }
        return self._known[key]

    def _may_do(self, change: Change) -> bool:
        """Whether the records speak against nobody's taking it."""
        return any(not against for against in self._obstacles(change).values())

    async def _able(self, change: Change) -> int:
        after = self._after(change)
        if after is None or self.market.requests >= self.market.most_requests:
            return 0
        group, wanted = after
        return len(await self.market.able(group, wanted, self.market.matches(group, wanted)))

    async def smallest(self, steps: Sequence[Change]) -> Verified | None:
        """The first of the steps that brings bids; None where not even the last one does."""
        await anyio.lowlevel.checkpoint()  # many records take a while, and whoever asks may wait no longer
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

    async def together(self, ways: Sequence[Candidate]) -> Verified | None:
        """The fewest changes that bring bids only together, each as small as the others let it be."""
        chosen: list[Candidate] = []
        left = []
        for way in ways:
            await anyio.lowlevel.checkpoint()
            left.append(self._left(way))
        for _, way in sorted(zip(left, ways, strict=True), key=itemgetter(0)):
            if all(way.goes_with(other) for other in chosen):
                chosen.append(way)
        if not chosen or not await self._brings_bids([way.steps[-1] for way in chosen]):
            return None
        for way in sorted(chosen, key=ways.index, reverse=True):
            fewer = [other for other in chosen if other is not way]
            if fewer and await self._brings_bids([other.steps[-1] for other in fewer]):
                chosen = fewer
        steps = [way.steps[-1] for way in sorted(chosen, key=ways.index)]
        verified = None
        for place, way in enumerate(sorted(chosen, key=ways.index)):
            options = [[*steps[:place], step, *steps[place + 1 :]] for step in way.steps]
            if smaller := await self.smallest([reduce(add, option) for option in options]):
                verified = smaller
                steps = next(option for option in options if reduce(add, option) == smaller.change)
        return verified

    def _left(self, way: Candidate) -> int:
        """How much still speaks against how many after the largest step of a way."""
        return sum(len(against) for against in self._obstacles(way.steps[-1]).values())

    async def _brings_bids(self, changes: Sequence[Change]) -> bool:
        await anyio.lowlevel.checkpoint()
        all_of_them = reduce(add, changes)
        return self._may_do(all_of_them) and bool(await self._able(all_of_them))
