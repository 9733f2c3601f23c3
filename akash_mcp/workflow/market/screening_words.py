"""A screening in a sentence or two: for whoever is asked to approve a launch, and for one that found no offer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

import anyio

from akash_mcp.guard.plans.contents import without_markup
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.changes import changed_text
from akash_mcp.money import ZERO, Usd
from akash_mcp.sanitize.text import field
from akash_mcp.sdl import Report
from akash_mcp.workflow.market.change_search import Verified
from akash_mcp.workflow.market.market_reading import FAILURES, NothingKnown
from akash_mcp.workflow.market.screening import Screening, screen
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MarketView:
    """What the market says of an SDL, in a sentence; empty where that cannot be told.

    `bidders`: how many providers could bid on its only group; None where the user's limits leave out any that could.
    """

    sentence: str = ""
    bidders: int | None = None


async def market_view(
    rt: Runtime,
    report: Report,
    max_usd_per_hour: Usd | None,
    *,
    regions: Collection[str] = (),
    excluded: Collection[ProviderAddress] = (),
    seconds: float,
) -> MarketView:
    """The view for whoever is asked to approve a launch, as far as it can be told in time."""
    found: Screening | None = None
    ask = partial(
        screen,
        rt,
        report,
        max_usd_per_hour=_own_limit(report, max_usd_per_hour),
        regions=regions,
        excluded=excluded,
    )
    with anyio.move_on_after(seconds):
        try:
            found = await ask(with_records=False, find_changes=False)
            if not found.is_possible:
                found = await ask()
        except (NothingKnown, *FAILURES) as failure:
            log.info("the market cannot be screened: %s", failure)
    if found is None:
        return MarketView()
    if not found.is_possible:
        return MarketView(without_markup(_why_nobody(found, lambda each: each.change.words)))
    return MarketView(f"{_how_many(found)} could serve it now{_price(found)}.", _bidders(rt.policy, found))


def _bidders(policy: Policy, found: Screening) -> int | None:
    limits_providers = policy.allowed_providers or policy.denied_providers or policy.audited_only
    return len(found.groups[0].able) if len(found.groups) == 1 and not limits_providers else None


async def why_no_bids(
    rt: Runtime,
    report: Report,
    max_usd_per_hour: Usd | None,
    *,
    regions: Collection[str] = (),
    excluded: Collection[ProviderAddress] = (),
    seconds: float,
) -> str:
    """What to do about a deployment without acceptable bids. Empty where that cannot be told in time."""
    found: Screening | None = None
    with anyio.move_on_after(seconds):
        try:
            found = await screen(
                rt,
                report,
                max_usd_per_hour=_own_limit(report, max_usd_per_hour),
                regions=regions,
                excluded=excluded,
            )
        except (NothingKnown, *FAILURES) as failure:
            log.info("why nobody bids cannot be told: %s", failure)
    if found is None:
        return ""
    if found.is_possible:
        return (
            f"{_how_many(found)} could serve it by what the Console knows, so most likely the price keeps them away"
            f"{_price(found)}: allow a higher price, or try again later."
        )
    return _why_nobody(found, lambda verified: _in_full(rt, report, verified))


def _own_limit(report: Report, max_usd_per_hour: Usd | None) -> Usd | None:
    """A limit that is not the SDL's own ceiling, which is changed in the SDL."""
    ceiling = report.ceiling_usd_hour
    return None if None in (ceiling, max_usd_per_hour) or max_usd_per_hour == ceiling else max_usd_per_hour


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
    low, high = sum((each.low for each in known), ZERO), sum((each.high for each in known), ZERO)
    return f", for about {low} to {high} an hour"


def _why_nobody(found: Screening, words: Callable[[Verified], str]) -> str:
    """Why nobody could take the first group that nobody could, and the smallest change. Empty where somebody might."""
    if not found.is_impossible:
        return ""
    group = next(each for each in found.groups if not each.able and not each.unknown)
    reasons = "; ".join(
        f"{obstacle.words} ({count} of {group.total})" for obstacle, count in group.ruled_out[:3]
    )
    sentence = f"No provider could serve it now{': ' * bool(reasons)}{reasons}."
    for verified in group.changes[:1]:
        brings = f"{verified.able} provider{'s' * (verified.able > 1)} could serve it then"
        sentence += f" Smallest change: {words(verified)}; {brings}."
    return sentence


def _in_full(rt: Runtime, report: Report, verified: Verified) -> str:
    """A change in words, what to write where, and what the SDL is called in which that is done."""
    change = verified.change
    fields = [
        f"remove {field(edit.pointer)}"
        if edit.text is None
        else f"{field(edit.pointer)} = {field(edit.text, 400)}"
        for edit in change.edits
    ]
    if change.setting:
        fields.append(" = ".join(change.setting))
    if change.edits:
        fields.append(f"done in sdl={rt.sdls.keep(changed_text(report.data, change))}")
    return f"{change.words} ({'; '.join(fields)})"
