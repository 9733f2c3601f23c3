"""What a deployment is doing and what it costs, put together from the Console, the chain's clock and our journal."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import anyio

from akash_mcp.clients.console.models import DeploymentDetail, ProviderRecord
from akash_mcp.clients.lease_status import LeaseStatus
from akash_mcp.clients.retries import Deadline
from akash_mcp.errors import AkashError, Interrupted
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.money import BLOCKS_PER_HOUR, Usd, usd_per_hour
from akash_mcp.workflow.readiness import Readiness, look
from akash_mcp.workflow.runtime import Runtime

RECORD_DEADLINE = Deadline(read=12, total=12)
"""Longer than a Console whose providers all answer, and short enough to leave a call time for another way."""

_LONGEST = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Funds:
    """What it costs and how long its money lasts. Rent that accrued since the last settlement is taken off.

    `hours_left` and `runs_until` are None where nothing is leased, and where that is more than ten years away.
    """

    usd_per_hour: Usd
    escrow_left: Usd
    hours_left: Decimal | None
    runs_until: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """One deployment as it stands. `providers` holds what the Console's index knows of those that it is leased from."""

    detail: DeploymentDetail
    ours: bool
    funds: Funds
    spent: Usd
    readiness: Readiness
    providers: Mapping[ProviderAddress, ProviderRecord]

    @property
    def usd_per_hour(self) -> Usd:
        """What its running leases cost together."""
        return self.funds.usd_per_hour

    @property
    def escrow_left(self) -> Usd:
        """What is left in its escrow."""
        return self.funds.escrow_left

    @property
    def hours_left(self) -> Decimal | None:
        """For how many hours that lasts."""
        return self.funds.hours_left

    @property
    def services(self) -> dict[LeaseId, LeaseStatus]:
        """What each lease's provider says of its services."""
        return self.readiness.statuses


def funds_of(detail: DeploymentDetail, height: int, now: float) -> Funds:
    """The money of a deployment at a block `height`, `now` seconds after the epoch."""
    rate = detail.rate_uact
    left = detail.escrow_left(height)
    moment = datetime.fromtimestamp(now, UTC)
    limit = _runtime_ends(detail)
    hours = None
    if rate and limit is not None:
        # The Console pays into its escrow up to then, and closes it then, whatever is in there now.
        hours = Decimal(max((limit - moment).total_seconds(), 0)) / 3600
    elif rate:
        hours = left / rate / BLOCKS_PER_HOUR
    if hours is not None and hours > _LONGEST / timedelta(hours=1):
        hours = None
    until = None if hours is None else moment + timedelta(hours=float(hours))
    return Funds(usd_per_hour(rate), Usd.from_uact(left), hours, until)


def _runtime_ends(detail: DeploymentDetail) -> datetime | None:
    """When the Console closes it, where it does that (autumn 2026) and the lease has started."""
    ends = detail.settings.runtime_ends_at if detail.settings else None
    try:
        moment = datetime.fromisoformat(ends) if ends else None
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment else None


async def record(rt: Runtime, dseq: Dseq) -> DeploymentDetail:
    """What the Console has on record of one deployment. Raises `NotFound` for one that this account does not have.

    The Console asks the providers of all leases first, closed ones too, and waits up to 75 s for one that is dead. Its
    list asks none, so that is where a deployment is looked for then; closed ones are not in it.
    """
    try:
        return await rt.reader.get_deployment(dseq, deadline=RECORD_DEADLINE)
    except Interrupted:
        for detail in await rt.reader.list_deployments():
            if detail.dseq == dseq:
                return detail
        raise


async def standing(rt: Runtime, dseq: Dseq) -> Standing:
    """One deployment, with what its providers say. Raises `NotFound` for one that this account does not have."""
    return await standing_of(rt, await record(rt, dseq))


async def standing_of(rt: Runtime, detail: DeploymentDetail, seen: Readiness | None = None) -> Standing:
    """The same for a deployment that was read already, and perhaps `seen` running."""
    height = await rt.reader.latest_height()
    providers: dict[ProviderAddress, ProviderRecord] = {}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_introduce, rt, detail, providers)
        readiness = seen or await look(rt, detail.active_leases)
    return Standing(
        detail=detail,
        ours=rt.gate.owns(detail.dseq),
        funds=funds_of(detail, height, rt.now()),
        spent=detail.spent_at(height),
        readiness=readiness,
        providers=providers,
    )


async def _introduce(
    rt: Runtime, detail: DeploymentDetail, known: dict[ProviderAddress, ProviderRecord]
) -> None:
    """Fill in what is known of its providers. Where that cannot be read their addresses name them too."""
    addresses = [lease.id.provider for lease in detail.leases]
    with suppress(AkashError):
        known.update({record.owner: record for record in await rt.reader.list_providers(addresses)})


def hours_text(hours: Decimal | None) -> str | None:
    """Hours for a reader: `3.4`, and `0.2` rather than `0`."""
    return None if hours is None else f"{hours:.1f}"
