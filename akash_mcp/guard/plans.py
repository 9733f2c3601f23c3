"""Plans: what is about to be done, exactly, and the most that it can cost.

A plan is a pure function of a tool's arguments and of what we created. A yes is bound to all of its fields, and
the gate carries out what the plan says, so what was approved and what is done are one object.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import astuple, dataclass, fields
from decimal import Decimal
from typing import Literal

from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.money import ZERO, Usd
from akash_mcp.sanitize.shell import command_line
from akash_mcp.sanitize.text import field


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(ABC):
    """The base of all plans. `tool` is the tool that asks."""

    tool: str

    @property
    @abstractmethod
    def summary(self) -> str:
        """What a person is shown: what happens, and the most it can cost."""

    @property
    def record(self) -> str:
        """What is written down of it: the summary, less what must not be kept."""
        return self.summary

    @property
    def exposure(self) -> Usd:
        """The most it can cost before something that we or the platform enforce stops it, beyond what is held."""
        return ZERO

    @property
    def needs_no_approval(self) -> bool:
        """Nothing is spent and only what we created is touched: no question is needed."""
        return False

    @property
    def touches_others(self) -> bool:
        """It changes, pays for or runs commands in what this server did not create."""
        return getattr(self, "ours", True) is False

    @property
    def fingerprint(self) -> str:
        """A hash over the kind of plan and all its fields."""
        bound = {each.name: _plain(getattr(self, each.name)) for each in fields(self)}
        return hashlib.sha256(json.dumps([type(self).__name__, bound], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchPlan(Plan):
    """Create a deployment with a deposit and, for the tool `deploy`, lease the best offer within the rate.

    `max_usd_per_hour` is what we will take, all groups together. `contents` says in words what is deployed, `groups`
    in how many leases.
    """

    sdl: str
    manifest: str
    """What Console will make of the SDL: by its hash a deployment is found again whose creation got no answer."""
    contents: str
    deposit: Usd
    max_usd_per_hour: Usd
    groups: int
    prefer: Literal["balanced", "cheapest", "reliable"] = "balanced"
    runtime_limit_hours: int | None = None
    """Where Console funds deployments by itself (autumn 2026), what ends it: so many hours at the full rate."""

    @property
    def exposure(self) -> Usd:
        # With automatic top-up off a deployment ends when its deposit is used up; with a runtime limit it ends
        # before its rate can have used that much.
        return self.deposit

    @property
    def summary(self) -> str:
        lease = (
            f"and lease the best offer of at most {self.max_usd_per_hour} an hour ({self.prefer})"
            if self.tool == "deploy"
            else f"to collect offers of at most {self.max_usd_per_hour} an hour"
        )
        if self.runtime_limit_hours is not None:
            hours = f"{self.runtime_limit_hours} hour{'s' * (self.runtime_limit_hours > 1)}"
            return (
                f"Create a deployment of {self.contents} {lease}. Akash closes it {hours} after it started at the "
                f"latest, so {self.deposit} is the most it can cost. It costs nothing any more once it is closed."
            )
        return (
            f"Create a deployment of {self.contents}, put a deposit of {self.deposit} into its escrow {lease}. "
            f"Automatic top-up is switched off, so {self.deposit} is the most it can cost{self._runtime()}. What is "
            "not used comes back when it is closed."
        )

    def _runtime(self) -> str:
        if not self.max_usd_per_hour:
            return ""
        hours = self.deposit.amount / self.max_usd_per_hour.amount
        return f"; at the full rate that lasts {_hours(hours)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasePlan(Plan):
    """Lease offers for a deployment that we created. The deposit that it draws on is held already."""

    dseq: Dseq
    providers: tuple[ProviderAddress, ...]
    max_usd_per_hour: Usd

    @property
    def summary(self) -> str:
        return (
            f"Lease deployment {self.dseq} from {', '.join(self.providers)} for at most {self.max_usd_per_hour} an "
            "hour, paid from its deposit until it is closed. Automatic top-up is switched off first."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FundPlan(Plan):
    """Add money to a deployment's escrow. `ours`: we created it."""

    dseq: Dseq
    amount: Usd
    ours: bool
    more_hours: int | None = None
    """Where Console funds deployments by itself: how much longer this amount lets it run."""

    @property
    def exposure(self) -> Usd:
        return self.amount

    @property
    def summary(self) -> str:
        whose = "" if self.ours else ", which this server did not create"
        if self.more_hours is not None:
            comma = "," if whose else ""
            return (
                f"Let deployment {self.dseq}{whose}{comma} run {self.more_hours} hours longer, for at most "
                f"{self.amount}. Closing it earlier costs less."
            )
        return (
            f"Add {self.amount} to the escrow of deployment {self.dseq}{whose}. It is spent as the deployment runs; "
            "what is left comes back when it is closed."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePlan(Plan):
    """Replace the SDL of a running deployment. Costs nothing."""

    dseq: Dseq
    sdl: str
    manifest: str
    contents: str
    ours: bool

    @property
    def needs_no_approval(self) -> bool:
        return self.ours

    @property
    def summary(self) -> str:
        return (
            f"Replace what deployment {self.dseq} runs, which this server did not create, by {self.contents}. Its "
            "containers restart. This costs nothing by itself."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePlan(Plan):
    """Close a deployment for good."""

    dseq: Dseq
    ours: bool

    @property
    def needs_no_approval(self) -> bool:
        return self.ours

    @property
    def summary(self) -> str:
        return (
            f"Close deployment {self.dseq}, which this server did not create. Its containers and their storage are "
            "deleted for good; what is left of its deposit comes back."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecPlan(Plan):
    """Run one command in one container. What it will do there cannot be known, so a person is asked for each.

    `pod_index` counts the replicas from 0, `seconds` is how long its end is waited for.
    """

    lease: LeaseId
    service: str
    pod_index: int
    argv: tuple[str, ...]
    seconds: int
    ours: bool

    @property
    def summary(self) -> str:
        # Last, on a line of its own that Markdown shows as it stands: nothing in it can be taken for what we say.
        warning = "It can read, change and delete whatever it can reach from there."
        return f"{self.record} {warning}\n\n    {command_line(self.argv)}"

    @property
    def record(self) -> str:
        whose = "" if self.ours else ", which this server did not create"
        return (
            f"Run a command in replica {self.pod_index} of service {field(self.service)} of deployment "
            f"{self.lease.dseq}{whose}, at provider {self.lease.provider}."
        )


def _plain(value: object) -> object:
    if isinstance(value, Usd):
        return str(value.amount.normalize())
    if isinstance(value, LeaseId):
        return astuple(value)
    return value


def _hours(hours: Decimal) -> str:
    if hours < 1:
        return f"{max(1, int(hours * 60))} minutes"
    if hours < 72:
        return f"{hours:.1f} hours"
    return f"{hours / 24:.0f} days"
