"""What deployments run, what they cost and how long their money lasts: from the Console, providers and our journal."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from enum import StrEnum
from functools import partial

import anyio

from akash_mcp.clients.api_model import iso_moment
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.market_models import Block
from akash_mcp.clients.console.models import DeploymentDetail, ProviderRecord
from akash_mcp.clients.console.names import words_of
from akash_mcp.clients.lease_status import LeaseStatus
from akash_mcp.clients.retries import Deadline
from akash_mcp.errors import AkashError, Interrupted, LedgerUnusable
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.evidence import Kept
from akash_mcp.guard.books.journal import Operation
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.money import (
    SHORTEST_BLOCK_SECONDS,
    Usd,
    hours_paid_for,
    usd_per_hour,
    usd_per_hour_at_most,
)
from akash_mcp.workflow.desired_state import DesiredState
from akash_mcp.workflow.gpus import LeaseGpus, lease_gpus
from akash_mcp.workflow.readiness import Readiness, read_readiness, with_answers
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.settling import settle_closed

READ_DEADLINE = Deadline(read=12, total=12)
"""Longer than a Console takes whose providers all answer, and short enough to leave a call time for the list."""

_LONGEST = timedelta(days=3650)
_ROUNDED = Decimal("0.1")
"""Hours: the Console funds until the limit and rounds down, and the heights that we reckon with may be a minute old."""


@dataclass(frozen=True, slots=True)
class Funds:
    """What it costs and how long its money lasts. Rent since the last settlement is subtracted.

    `usd_per_hour` counts the leases whose price is known; where `rate_is_known` is false there may be more.
    `escrow_left` is None where it is not known. `hours_left` and `runs_until` are None where nothing is leased, where
    they are not known, and where that is more than ten years away. `limit_hours`: until its runtime limit, where it has
    one that is known. `shortfall`: what has to come from the account's credit for it to run until then, where its
    escrow does not pay for that.
    """

    usd_per_hour: Usd
    escrow_left: Usd | None
    hours_left: Decimal | None
    runs_until: datetime | None
    rate_is_known: bool = True
    limit_hours: Decimal | None = None
    shortfall: Usd | None = None


class EndedBy(StrEnum):
    """What ends a run: Akash by its limit, our watch, or its money, which is used up."""

    RUNTIME_LIMIT = "runtime_limit"
    WATCH = "watch"
    ESCROW = "escrow"


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What ends a deployment first, and when."""

    at: datetime
    by: EndedBy


_SAME = timedelta(minutes=10)
"""Our clock and the platform's call one end by two moments that are so near."""


def first_end(ends_at: float | None, funds: Funds | None) -> RunEnd | None:
    """What ends a deployment first: its money or the platform's limit by its `funds`, or our watch at `ends_at`, in
    seconds since the epoch. None where neither is known.
    """
    ours = None if ends_at is None else RunEnd(datetime.fromtimestamp(ends_at, UTC), EndedBy.WATCH)
    if funds is None or funds.runs_until is None:
        return ours
    is_limit = funds.limit_hours is not None and funds.hours_left == funds.limit_hours
    other = RunEnd(funds.runs_until, EndedBy.RUNTIME_LIMIT if is_limit else EndedBy.ESCROW)
    if ours is None:
        return other
    # The platform ends it also where nobody watches.
    return ours if ours.at + (_SAME if is_limit else timedelta()) < other.at else other


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """One deployment as it stands. `providers`: the Console's records of those that it is or was leased from.

    `kept`: what was seen of it while it ran, where it does not run any more. `name`: without the operation in it.
    `gpus`: what is known of the GPUs of its running leases, where anything is. `end`: what ends it first, and when,
    where that is known. `desired`: what it is told to run, where that is known.
    """

    detail: DeploymentDetail
    ours: bool
    funds: Funds
    spent: Usd | None
    readiness: Readiness
    providers: Mapping[ProviderAddress, ProviderRecord]
    kept: Kept | None = None
    gpus: Mapping[LeaseId, LeaseGpus] = field(default_factory=dict)
    name: str = ""
    end: RunEnd | None = None
    desired: DesiredState = field(default_factory=DesiredState)

    @property
    def usd_per_hour(self) -> Usd:
        """The rate of all its running leases together, as far as it is known."""
        return self.funds.usd_per_hour

    @property
    def escrow_left(self) -> Usd | None:
        """What is left in its escrow; None where that is not known."""
        return self.funds.escrow_left

    @property
    def hours_left(self) -> Decimal | None:
        """How many hours its money lasts; None where nothing is leased or that is more than ten years."""
        return self.funds.hours_left

    @property
    def services(self) -> dict[LeaseId, LeaseStatus]:
        """What each lease's provider reports of its services."""
        return self.readiness.statuses


def funds_of(
    detail: DeploymentDetail,
    height: int,
    now: float,
    *,
    generation: Generation | None,
    ours: bool,
    credit: Usd | None = None,
) -> Funds:
    """The money of a deployment at block `height`, 0 where that is not known, at `now` in seconds since the epoch.

    Its escrow ends it where nothing is added by itself. On `2026-11` a runtime limit ends it, or before that its money:
    its escrow, to which the Console adds of the account's `credit`, None where that is not known. What is not `ours`
    may be topped up on `reference`: its end is not known there.
    """
    rate = detail.rate_uact
    left = detail.escrow_left(height) if height or rate == 0 else None
    moment = datetime.fromtimestamp(now, UTC)
    # When the Console closes it, where it does that (autumn 2026) and the lease has started. Without hours it does not.
    settings = detail.settings
    limit = iso_moment(settings.runtime_ends_at) if settings and settings.runtime_limit_hours else None
    escrow_ends = generation in (None, Generation.V2025) or (generation is Generation.REFERENCE and ours)
    hours = limit_hours = shortfall = None
    paid = hours_paid_for(Usd.from_uact(left), rate) if rate and left is not None else None
    if rate != 0 and limit is not None:
        hours = limit_hours = Decimal(max((limit - moment).total_seconds(), 0)) / 3600
        if rate is None or left is None or paid is None:
            hours = None
        elif paid + _ROUNDED < limit_hours:
            shortfall = usd_per_hour_at_most(rate) * limit_hours - Usd.from_uact(left)
            reach = None if credit is None else hours_paid_for(Usd.from_uact(left) + credit, rate)
            hours = None if reach is None else min(limit_hours, reach)
    elif escrow_ends:
        hours = paid
    if hours is not None and hours > _LONGEST / timedelta(hours=1):
        hours = None
    until = None if hours is None else moment + timedelta(hours=float(hours))
    prices = [lease.price_uact for lease in detail.leases if lease.is_active]
    at_least = sum((price for price in prices if price is not None), Decimal(0))
    return Funds(
        usd_per_hour(at_least),
        None if left is None else Usd.from_uact(left),
        hours,
        until,
        rate_is_known=rate is not None,
        limit_hours=limit_hours,
        shortfall=shortfall,
    )


async def read_funds(rt: Runtime, detail: DeploymentDetail, block: Block) -> Funds:
    """The money of a deployment at a block, its runtime limit and the account's credit read where they count."""
    detail = await with_limit(rt, detail)
    reckon = partial(
        funds_of,
        detail,
        block.height,
        latest_moment(rt, block),
        generation=await known_generation(rt),
        ours=await is_ours(rt, detail) and not await rt.gate.is_topped_up(detail.dseq),
    )
    funds = reckon()
    return funds if funds.shortfall is None else reckon(credit=(await account_credit(rt)).available)


def latest_moment(rt: Runtime, block: Block) -> float:
    """Now, in seconds since the epoch: by our clock or the platform's, whichever is later.

    The platform ends what runs by its own; ours may be behind, and the Console's index too.
    """
    return max(rt.now(), block.time)


def height_at_most(block: Block, now: float) -> int:
    """The height that the chain can have reached `now`, in seconds since the epoch, when `block` is the last that is
    known; 0 where that is not known. What was spent until then is not understated, however late the Console's index is.
    """
    if not block.height or not block.time:
        return 0
    behind = Decimal(max(now - block.time, 0)) / SHORTEST_BLOCK_SECONDS
    return block.height + int(behind.to_integral_value(ROUND_CEILING))


async def read_deployment(rt: Runtime, dseq: Dseq) -> DeploymentDetail:
    """The Console's record of one deployment. Raises `NotFound` for one that this account does not have.

    Before it answers, the Console asks the providers of all leases, closed ones too, and waits up to 75 s for one that
    is down. Its list asks no provider, so after `READ_DEADLINE` the deployment is looked for there; that list holds
    active deployments only.
    """
    try:
        return await rt.reader.get_deployment(dseq, anybodys=True, deadline=READ_DEADLINE)
    except Interrupted:
        for detail in await rt.reader.list_deployments():
            if detail.dseq == dseq:
                return detail
        raise


@dataclass(frozen=True, slots=True)
class Credit:
    """What the account can still deposit, and what is in escrow. `problem`: why they are not known."""

    available: Usd | None
    in_escrow: Usd | None
    problem: str | None = None


async def account_credit(rt: Runtime, *, fresh: bool = False) -> Credit:
    """The account's credit, `fresh` or however old the Console's answer is. A failure becomes its `problem`: the user's
    limits hold whatever the Console answers.
    """
    try:
        balances = await rt.reader.balances(fresh=fresh)
    except AkashError as failure:
        return Credit(None, None, str(failure))
    return Credit(balances.available, balances.in_deployments)


async def is_ours(rt: Runtime, detail: DeploymentDetail) -> bool:
    """Whether this server created it. A number that we know is not ours where it is another account's deployment."""
    return await rt.gate.owns(detail.dseq) and not await rt.reader.is_anothers(detail.owner)


async def deployment_status(rt: Runtime, dseq: Dseq) -> DeploymentStatus:
    """One deployment, with what its providers report. Raises `NotFound` for one that this account does not have."""
    return await status_of(rt, await read_deployment(rt, dseq))


async def status_of(
    rt: Runtime, detail: DeploymentDetail, known_readiness: Readiness | None = None
) -> DeploymentStatus:
    """The status of a deployment whose `detail` was just read. Providers are not asked if `known_readiness` is set."""
    block = await rt.reader.latest_block()
    await settle_closed(rt, detail)
    funds = await read_funds(rt, detail, block)
    running = detail.active_leases
    providers: dict[ProviderAddress, ProviderRecord] = {}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read_providers, rt, detail, providers)
        readiness = known_readiness or await read_readiness(rt, running)
        if known_readiness is None and running and readiness.is_up:
            readiness = await with_answers(rt, readiness)
    launch, ours = await _launch(rt, detail.dseq), await is_ours(rt, detail)
    return DeploymentStatus(
        detail=detail,
        ours=ours,
        funds=funds,
        spent=detail.spent_at(height_at_most(block, max(rt.now(), rt.store.now()))),
        readiness=readiness,
        providers=providers,
        kept=await rt.evidence.kept(detail.dseq) if detail.leases and not running else None,
        gpus=await gpus_of(rt, detail),
        name=words_of(detail.name) or (launch.name if launch else ""),
        end=first_end(launch.ends_at if launch and ours else None, funds)
        if detail.state != "closed"
        else None,
        desired=await DesiredState.now(rt, detail),
    )


async def gpus_of(rt: Runtime, detail: DeploymentDetail) -> dict[LeaseId, LeaseGpus]:
    """The GPUs of its running leases, of which the Console tells some."""
    told = [
        lease for lease in detail.leases if lease.is_active and (lease.offered_gpus or lease.detected_gpus)
    ]
    if not told:
        return {}
    desired = await DesiredState.of(rt, detail.dseq, detail.stored.sdl if detail.stored else "")
    return {lease.lease_id: lease_gpus(lease, desired.gpu_demands(lease.lease_id)) for lease in told}


async def _launch(rt: Runtime, dseq: Dseq) -> Operation | None:
    """What our journal knows of it: what it is called, where the Console keeps no names, and when its run ends."""
    try:
        return await rt.store.read(journal.launch_of, dseq)
    except LedgerUnusable:
        return None


async def known_generation(rt: Runtime) -> Generation | None:
    """The Console's generation; None where it does not tell."""
    try:
        return await rt.reader.generation()
    except AkashError:
        return None


async def with_limit(rt: Runtime, detail: DeploymentDetail) -> DeploymentDetail:
    """A deployment with its runtime limit, where the Console has limits: only its list tells them along with it."""
    if await known_generation(rt) is not Generation.V2026_11 or detail.settings or not detail.open_leases:
        return detail
    try:
        return detail.model_copy(update={"settings": await rt.reader.runtime_limit(detail.dseq)})
    except AkashError:
        return detail  # its end is not known then, and is not told


async def _read_providers(
    rt: Runtime, detail: DeploymentDetail, known: dict[ProviderAddress, ProviderRecord]
) -> None:
    """Fill in the Console's records of its providers. Without them an answer names providers by their addresses."""
    addresses = [lease.id.provider for lease in detail.leases]
    with suppress(AkashError):
        known.update({record.owner: record for record in await rt.reader.list_providers(addresses)})


def hours_text(hours: Decimal | None) -> str | None:
    """Hours for a reader, rounded down: `3.4`, and `0.2` rather than `0`."""
    return None if hours is None else f"{hours.quantize(Decimal('0.1'), ROUND_DOWN):f}"
