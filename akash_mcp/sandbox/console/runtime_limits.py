"""Runtime limits: until when Console may fund a deployment, which then ends by itself (generation 2026-11).

The clock of a limit starts with the first lease. A limit can be raised, by two days at a time, or removed; it
cannot be lowered.
"""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.chain import Account, Chain, Lease
from akash_mcp.sandbox.console.responses import Problem

STEP_HOURS = 48
"""What a first limit may be at most, and a later one more than the one before."""

MOST_HOURS = 8760


@dataclass
class Limit:
    """`hours`: None where nothing limits it. `started`: simulated seconds at which the first lease began."""

    hours: int | None = None
    started: float | None = None

    @property
    def ends(self) -> float | None:
        """When it ends, in simulated seconds."""
        return None if self.hours is None or self.started is None else self.started + self.hours * 3600


class RuntimeLimits:
    """The limits of an account's deployments, and the job that keeps them."""

    def __init__(self, chain: Chain, account: Account) -> None:
        self._chain = chain
        self._account = account
        self.of: dict[str, Limit] = {}
        chain.on_lease_created.append(self._leased)

    def start(self, dseq: str, hours: int | None) -> None:
        """Note what a create asked for."""
        self.of[dseq] = Limit(hours)

    def change(self, dseq: str, hours: int | None) -> None:
        """Raise or remove the limit. Raises `Problem` 400 for one that is not higher, or by too much."""
        limit = self.of.setdefault(dseq, Limit())
        if hours is not None and limit.hours is not None and hours <= limit.hours:
            raise Problem(400, "Runtime limit can only be increased")
        if hours is not None and limit.hours is None and hours > STEP_HOURS:
            raise Problem(400, f"Runtime limit cannot exceed {STEP_HOURS} hours")
        if hours is not None and hours - (limit.hours or 0) > STEP_HOURS:
            raise Problem(400, f"Runtime limit cannot be extended by more than {STEP_HOURS} hours at a time")
        limit.hours = hours
        self._plan(dseq, limit)

    def left(self, dseq: str) -> float | None:
        """Seconds until it ends; None where nothing limits it, or no lease has begun."""
        ends = self.of.get(dseq, Limit()).ends
        return None if ends is None else max(0.0, ends - self._chain.schedule.now())

    def _leased(self, owner: str, lease: Lease) -> None:
        if owner != self._account.address:
            return
        limit = self.of.setdefault(lease.dseq, Limit())
        if limit.started is None:
            limit.started = self._chain.schedule.now()
        self._plan(lease.dseq, limit)

    def _plan(self, dseq: str, limit: Limit) -> None:
        if limit.ends is not None:
            self._chain.schedule.at(limit.ends, lambda: self._when_over(dseq, limit))

    def _when_over(self, dseq: str, limit: Limit) -> None:
        if limit.ends is None or limit.ends > self._chain.schedule.now():
            return
        deployment = self._chain.deployments[self._account.address, dseq]
        if deployment.state == "active":
            transactions.close_deployment(self._chain, deployment.owner, dseq)
            self._chain.record("close-deployment", deployment.owner, dseq)
