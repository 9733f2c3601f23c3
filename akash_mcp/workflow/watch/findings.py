"""Findings: what the watch tells a person of one deployment, from what was approved and what the account shows.

Absence is not a value: what was not told (an escrow, a price, a limit) is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from akash_mcp.clients.api_model import iso_moment
from akash_mcp.clients.console.account_models import DeploymentSettings
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.guard.books.journal import Operation
from akash_mcp.guard.books.notices import Level
from akash_mcp.guard.books.runs import in_utc
from akash_mcp.guard.permits.close_permit import Closed
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd, told_apart
from akash_mcp.workflow.status import Funds

WARNING_TIME = timedelta(hours=3)
"""So long before its money ends a person is told."""

_SAME = timedelta(minutes=10)
"""Our clock and the platform's call one end by two moments that are so near."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that has to be told, in whole sentences. Equal are those `about` the same of the same deployment."""

    about: str
    text: str
    level: Level = Level.WARNING
    dseq: Dseq | None = None
    op_id: OpId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One deployment of ours as it was approved and as it stands.

    `held`: what is reserved for it. `allowed`: USD an hour, None where it is not written down. `settings`: how the
    Console says that it funds it, None where nobody asked. `now`: seconds since the epoch. `tops_up`: automatic top-up
    was switched on here, as approved, so its escrow is no bound.
    """

    launch: Operation
    detail: DeploymentDetail
    funds: Funds
    generation: Generation | None
    held: Usd
    allowed: Usd | None
    settings: DeploymentSettings | None
    now: float
    tops_up: bool = False

    @property
    def dseq(self) -> Dseq:
        """Which it is."""
        return self.detail.dseq


def findings_of(seen: Seen) -> Iterator[Finding]:
    """What is other than approved, and what ends soon."""
    yield from _top_up(seen)
    if seen.generation is Generation.V2026_11:
        yield from _limit(seen)
    else:
        yield from _escrow(seen)
    yield from _rate(seen)
    yield from _ends_soon(seen)


def never_ran(dseq: Dseq, usd_per_hour: Usd) -> Finding:
    """It is leased and costs, and nobody saw it run."""
    return Finding(
        "never ran",
        f"Deployment {dseq} is leased and costs {usd_per_hour} an hour, and not all of it ever ran. "
        f"diagnose_deployment(dseq={dseq}) finds out why; close_deployment ends it.",
        dseq=dseq,
    )


def not_shown(dseq: Dseq) -> Finding:
    """The Console does not know one that we created and that is not proven closed."""
    return Finding(
        "not shown",
        f"The Console says that deployment {dseq} does not exist, and this server created it and never saw it closed. "
        "It may run and cost money; what was approved for it stays reserved.",
        Level.ALARM,
        dseq,
    )


def appeared(dseq: Dseq) -> Finding:
    """One came about in this account that we did not create."""
    return Finding(
        "not ours",
        f"Deployment {dseq} appeared in this account and was not created by this server: no budget here counts it, and "
        "nothing here ends it.",
        dseq=dseq,
    )


def ended(closed: Closed) -> Finding:
    """One is over that this server did not close."""
    cost = (
        "What it cost is not on record, so all that was approved for it counts as spent."
        if closed.spent is None
        else f"It cost {closed.spent}; what was reserved for it beyond that is free again."
    )
    return Finding(
        "ended",
        f"Deployment {closed.dseq} is closed, and not by this server: its money was used up, its runtime limit was "
        f"over, or somebody closed it in the web console. {cost}",
        Level.INFO,
        closed.dseq,
    )


def budget_ends(left: Usd, limit: Usd) -> Finding:
    """Little is left of what may be committed within a day."""
    return Finding(
        "budget", f"{left.rounded_down()} is left of the {limit} that may be committed within 24 hours."
    )


def _top_up(seen: Seen) -> Iterator[Finding]:
    if (
        seen.settings is not None
        and seen.settings.auto_top_up_enabled
        and not seen.tops_up
        and seen.generation is Generation.REFERENCE
    ):
        yield Finding(
            "top-up",
            f"Automatic top-up of deployment {seen.dseq} was switched on, and not by this server: its deposit does not "
            "bound what it costs any more. Switch it off in the web console, or call "
            f"close_deployment(dseq={seen.dseq}).",
            Level.ALARM,
            seen.dseq,
        )


def _limit(seen: Seen) -> Iterator[Finding]:
    limit, approved = seen.detail.settings, seen.launch.ends_at
    if limit is None or not seen.detail.open_leases:
        return
    if limit.runtime_limit_hours is None:
        yield Finding(
            "limit",
            f"Deployment {seen.dseq} has no runtime limit that can be read, so Akash may let it run without end. "
            "This server or akash-mcp watch closes it"
            + (
                f" at {in_utc(approved)}." if approved is not None else " at no time: nobody approved an end."
            ),
            Level.ALARM,
            seen.dseq,
        )
        return
    ends = iso_moment(limit.runtime_ends_at)
    if ends is not None and approved is not None and ends > _moment(approved) + _SAME:
        yield Finding(
            "limit",
            f"The runtime limit of deployment {seen.dseq} was raised, and not by this server: Akash lets it run until "
            f"{in_utc(ends.timestamp())}. It was approved until {in_utc(approved)}, and is closed then by this server "
            "or akash-mcp watch.",
            dseq=seen.dseq,
        )


def _escrow(seen: Seen) -> Iterator[Finding]:
    paid_in = seen.detail.paid_in
    if paid_in is not None and paid_in > seen.held and not seen.tops_up:
        paid, approved = told_apart(paid_in, seen.held)
        yield Finding(
            "escrow",
            f"{paid} was paid into the escrow of deployment {seen.dseq}, and {approved} was approved here. What is not "
            "used comes back when it is closed.",
            dseq=seen.dseq,
        )


def _rate(seen: Seen) -> Iterator[Finding]:
    if seen.allowed is not None and seen.funds.usd_per_hour > seen.allowed:
        cost, approved = told_apart(seen.funds.usd_per_hour, seen.allowed)
        yield Finding(
            "rate",
            f"Deployment {seen.dseq} costs {cost} an hour, and at most {approved} was approved. "
            f"close_deployment(dseq={seen.dseq}) ends it.",
            Level.ALARM,
            seen.dseq,
        )


def _ends_soon(seen: Seen) -> Iterator[Finding]:
    until, approved = seen.funds.runs_until, seen.launch.ends_at
    is_limit = seen.funds.limit_hours is not None and seen.funds.hours_left == seen.funds.limit_hours
    if until is None or is_limit or (approved is not None and until >= _moment(approved)):
        return
    if until - _moment(seen.now) < WARNING_TIME:
        yield Finding(
            "money ends",
            f"The money of deployment {seen.dseq} is used up at about {in_utc(until.timestamp())}, which ends it"
            + (
                f" before {in_utc(approved)}, until when it was approved to run"
                if approved is not None
                else ""
            )
            + f". add_funds(dseq={seen.dseq}) lets it run on, and asks before.",
            dseq=seen.dseq,
        )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
