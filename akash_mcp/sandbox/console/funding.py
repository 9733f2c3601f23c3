"""Automatic funding: what Console deposits without being asked.

Generation `reference`: twelve seconds after a lease it fills the escrow up to 48 hours of rent, unless a settings
row says `autoTopUpEnabled: false`; every full hour it does so again for rows that say `true`. Deployments that never
got a lease are closed at 10:30 and 22:30 UTC. All of it spends the wallet's grant (akash-network/console
`InitialDeploymentFundingService`, `TopUpManagedDeploymentsService`, `StaleManagedDeploymentsCleanerService`).

In 2025 nothing was funded automatically; since 2026-11 everything is, with or without a row, though never past the
end of a runtime limit.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal, TypeAlias

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.chain import Account, Chain, Deployment, Lease
from akash_mcp.sandbox.clock import GENESIS_HEIGHT
from akash_mcp.sandbox.console.runtime_limits import RuntimeLimits
from akash_mcp.sandbox.units import API_BLOCKS_PER_DAY, API_BLOCKS_PER_HOUR

RUNWAY_BLOCKS = 48 * API_BLOCKS_PER_HOUR
LOW_BLOCKS = 24 * API_BLOCKS_PER_HOUR
HEADROOM_UACT = 5_000_000
_AFTER_LEASE_SECONDS = 12
_STALE_BLOCKS = 100
_CLEANER_SECONDS = (10.5 * 3600, 22.5 * 3600)


Policy: TypeAlias = Literal["never", "by-row", "always"]


@dataclass
class Row:
    """One deployment-settings row. Times are seconds since the epoch."""

    id: str
    dseq: str
    auto_top_up: bool
    created: float
    updated: float
    closed: bool = False


class Funding:
    """The settings rows, and the jobs that go by them. A trial's deployments are not funded at their lease."""

    def __init__(
        self,
        chain: Chain,
        account: Account,
        policy: Policy,
        limits: RuntimeLimits,
        *,
        trial: bool = False,
    ) -> None:
        self._chain = chain
        self._account = account
        self._policy = policy
        self._limits = limits
        self._trial = trial
        self.rows: dict[str, Row] = {}
        chain.on_lease_closed.append(self._lease_closed)
        self._every_hour()
        self._at_cleaning_time()

    def create(self, dseq: str, *, auto_top_up: bool) -> Row:
        """A new row. The deployment need not exist."""
        now = self._chain.clock.wall()
        row = Row(
            str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._account.address}/{dseq}")),
            dseq,
            auto_top_up,
            now,
            now,
        )
        self.rows[dseq] = row
        return row

    def set(self, dseq: str, *, auto_top_up: bool) -> Row:
        """The row with this setting, created where there is none."""
        row = self.rows.get(dseq) or self.create(dseq, auto_top_up=auto_top_up)
        row.auto_top_up = auto_top_up
        row.updated = self._chain.clock.wall()
        return row

    def day_estimate(self, row: Row) -> int:
        """What a day of rent costs now, in uact; 0 where nothing would be topped up."""
        deployment = self._chain.deployment(self._account.address, row.dseq)
        if deployment is None or not row.auto_top_up:
            return 0
        return int(self.a_day_of(deployment))

    def a_day_of(self, deployment: Deployment) -> Decimal:
        """What a day of its rent costs now, in whole uact."""
        return Decimal(_floor(deployment.rate * API_BLOCKS_PER_DAY))

    def after_lease(self, deployment: Deployment) -> None:
        """Plan the first funding of a deployment that has just got a lease, or a longer life."""
        self._chain.schedule.after(_AFTER_LEASE_SECONDS, lambda: self._first_funding(deployment))

    def _first_funding(self, deployment: Deployment) -> None:
        row = self.rows.get(deployment.dseq)
        if self._trial or self._policy == "never":
            return
        if self._policy == "always" or row is None or row.auto_top_up:
            self._fill_up(deployment)

    def keeps(self, deployment: Deployment) -> bool:
        """Whether a deployment is topped up every hour. Where rows say so, one without a row is not."""
        row = self.rows.get(deployment.dseq)
        by_row = row is not None and row.auto_top_up and not row.closed
        always = self._policy == "always" and deployment.state == "active"
        return deployment.owner == self._account.address and (always or by_row)

    def _every_hour(self) -> None:
        for deployment in self._chain.deployments.values():
            if self.keeps(deployment):
                self._fill_up(deployment)
        self._at_next((0.0,), 3600, self._every_hour)

    def _at_cleaning_time(self) -> None:
        for deployment in self._chain.deployments.values():
            old = self._chain.height - deployment.created_height > _STALE_BLOCKS
            if old and deployment.state == "active" and not deployment.leases:
                transactions.close_deployment(self._chain, deployment.owner, deployment.dseq)
                self._chain.record("close-deployment", deployment.owner, deployment.dseq)
        self._at_next(_CLEANER_SECONDS, 86400, self._at_cleaning_time)

    def _at_next(self, seconds: tuple[float, ...], period: int, action: Callable[[], None]) -> None:
        """Plan an action for the next of these moments of a period that started with the epoch."""
        clock = self._chain.clock
        phase = (clock.block_time(GENESIS_HEIGHT) + self._chain.schedule.now()) % period
        # A second's grace: this very moment, blurred by rounding, is not the next one.
        wait = min((moment - phase - 1) % period + 1 for moment in seconds)
        self._chain.schedule.after(wait, action)

    def _fill_up(self, deployment: Deployment) -> None:
        """Deposit up to 48 hours of rent where less than 24 are left, as far as grant and runtime limit reach."""
        if deployment.state == "closed" or not deployment.active_leases:
            return
        now = self._chain.height
        end = predicted_end(deployment)
        if end > now + LOW_BLOCKS:
            return
        left = self._limits.left(deployment.dseq)
        runway = RUNWAY_BLOCKS if left is None else min(RUNWAY_BLOCKS, _blocks(left))
        wanted = _floor(deployment.rate * (now + runway - max(now, end)))
        grant = self._account.allowance_uact
        spendable = grant - HEADROOM_UACT if grant > HEADROOM_UACT else grant
        amount = min(wanted, spendable)
        if amount > 0:
            transactions.deposit(self._chain, deployment.owner, deployment.dseq, uact=amount)
            self._chain.record("auto-deposit", deployment.owner, deployment.dseq)

    def _lease_closed(self, owner: str, lease: Lease) -> None:
        row = self.rows.get(lease.dseq)
        if row and owner == self._account.address:
            row.closed = True


def predicted_end(deployment: Deployment) -> int:
    """The block at which Console expects a deployment with leases to run out of money."""
    begun = min(lease.created_height for lease in deployment.active_leases)
    money = deployment.escrow.funds + deployment.escrow.transferred
    return begun + int((money / deployment.rate).to_integral_value(ROUND_CEILING))


def _blocks(seconds: float) -> int:
    """How many blocks pass meanwhile, as Console's API counts them."""
    return int(seconds * API_BLOCKS_PER_HOUR // 3600)


def _floor(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_FLOOR))
