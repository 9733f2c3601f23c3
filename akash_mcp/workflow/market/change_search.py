"""The search for the smallest change: first in the records, which costs nothing, then by screening, up to a limit."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import combinations

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
_MOST_PAIRS = 3


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
    for one, other in search.promising_pairs(ways)[:_MOST_PAIRS] if not found else ():
        first = await search.smallest([step + other.steps[-1] for step in one.steps])
        if first is None:
            continue
        kept = next(step for step in one.steps if step + other.steps[-1] == first.change)
        return (await search.smallest([kept + step for step in other.steps]) or first,)
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
