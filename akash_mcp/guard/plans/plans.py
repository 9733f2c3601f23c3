"""Plans: what is about to be done, exactly, and the most that it can cost.

A plan is a pure function of a tool's arguments, of what we created and of what was read for its question. A yes is
bound to everything that decides what is done: fields that only tell how things stand (`compare=False`: what a
provider asks today, how long something has run) are shown and not bound, since they change while a person thinks. The
gate carries out what the plan says, so what was approved and what is done are one object.

Every summary is one line that begins with the amount, and holds other people's words only as labels in quotes.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.limits import FIRST_RUNTIME_HOURS
from akash_mcp.clients.console.names import words_for
from akash_mcp.guard.books.runs import in_utc
from akash_mcp.guard.plans.contents import (
    Contents,
    Seller,
    ServiceChange,
    changes_words,
    label,
    listed,
    sellers_words,
)
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.money import ZERO, Usd, hours_paid_for, told_apart, uact_per_block
from akash_mcp.sanitize.shell import command_line

_MOST_PLACES = 4

FREE_CLOSING_HOURS = 1
"""What has run for longer than this is closed only when a person said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(ABC):
    """The base of all plans. `tool` is the tool that asks."""

    tool: str

    @property
    @abstractmethod
    def summary(self) -> str:
        """What a person is shown: the amount, what happens, what it holds, and when it ends."""

    @property
    def record(self) -> str:
        """What is written down of it: the summary, less what must not be kept."""
        return self.summary

    @property
    def exposure(self) -> Usd:
        """The most it can cost before something that we or the platform enforce stops it, beyond what is held."""
        return ZERO

    @property
    def most(self) -> Usd:
        """The most it can cost, together with what is held for it already."""
        return self.exposure

    @property
    def needs_no_approval(self) -> bool:
        """Nothing is spent, nothing that lasts is lost, and only what we created is touched: no question is needed."""
        return False

    @property
    def is_unbounded(self) -> bool:
        """Nobody here knows what it can cost, and no limit of ours bounds it: a person says yes to each."""
        return False

    @property
    def touches_others(self) -> bool:
        """It changes, pays for or runs commands in what this server did not create."""
        return getattr(self, "ours", True) is False

    @property
    def thing(self) -> str:
        """What it changes, in a word."""
        return "deployment"

    @property
    def elsewhere(self) -> str:
        """Where its owner can do the same themselves."""
        return "at https://console.akash.network"

    @property
    def deployment(self) -> Dseq | None:
        """The deployment that it is about, where there is one already."""
        return getattr(self, "dseq", None)

    @property
    def fingerprint(self) -> str:
        """A hash over the kind of plan and all fields that decide what is done."""
        return hashlib.sha256(
            json.dumps([type(self).__name__, _plain(self)], sort_keys=True).encode()
        ).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchPlan(Plan):
    """Create a deployment and, for the tool `deploy`, lease the best offer within the rate.

    `deposit` is the most that it can cost: what goes into its escrow, or where Console funds deployments by itself
    (autumn 2026) what it can use within its `runtime_limit_hours`. `max_usd_per_hour` is what we will take, all groups
    together, `groups` in how many leases.
    """

    sdl: str
    manifest: str
    """What Console will make of the SDL: by its hash a deployment is found again whose creation got no answer."""
    contents: Contents
    deposit: Usd
    max_usd_per_hour: Usd
    groups: int
    prefer: Literal["balanced", "cheapest", "reliable"] = "balanced"
    regions: tuple[str, ...] = ()
    """The places of which its providers have to be in one; anywhere without one."""
    excluded: tuple[ProviderAddress, ...] = ()
    """The providers that are left out."""
    hours: int = 24
    """How long it shall run from its lease on: then it is closed."""
    runtime_limit_hours: int | None = None
    """Where Console funds deployments by itself (autumn 2026), what ends it: so many hours at the full rate."""
    until: str = ""
    """What ends its run earlier, as it stands in the journal; it is closed then. `until_words` is for a sentence."""
    until_words: str = field(default="", compare=False)
    generation: Generation = Generation.REFERENCE
    name: str = ""
    """What it shall be called, where anybody said."""
    asked: Usd | None = None
    """What it was allowed to cost, where that is more than it can use before its runtime limit."""
    equal: str = field(default="", compare=False)
    """That the same was launched a moment ago, as a sentence (`equal_launches`). Empty where it was not."""
    bidders: int | None = field(default=None, compare=False)
    """How many providers could bid on its only group; None where that is not known."""
    market: str = field(default="", compare=False)
    """Who could serve it now, and for how much, as a sentence. Empty where that is not known."""

    @property
    def title(self) -> str:
        """What it is called."""
        return words_for(self.name, (app.service for app in self.contents.apps))

    @property
    def exposure(self) -> Usd:
        # With automatic top-up off a deployment ends when its deposit is used up; with a runtime limit it ends
        # before its rate can have used that much.
        return self.deposit

    @property
    def summary(self) -> str:
        most = self.max_usd_per_hour
        named = f" as {label(self.name)}" if self.name else ""
        what = (
            f"Deploy {self.contents.words}{named} at the best offer of at most {most} an hour ({self.prefer})."
            if self.tool == "deploy"
            else f"Create a deployment of {self.contents.words}{named}, to collect offers of at most {most} an hour; a "
            "lease is asked for apart."
        )
        again = f"Where its provider fails, it is closed and tried at another one, within the same {self.deposit}."
        early = f"It is closed earlier, for good, once {self.until_words}." if self.until else ""
        return _sentences(
            f"At most {self.deposit}.",
            self.equal,
            what,
            self.market,
            *self.contents.sentences,
            f"Only at providers in {listed(self.regions, label, _MOST_PLACES)}." if self.regions else "",
            f"Not at {listed(self.excluded, str, _MOST_PLACES)}." if self.excluded else "",
            self._end(),
            early,
            again if self.tool == "deploy" else "",
        )

    @property
    def run_hours(self) -> int:
        """How long it runs at the most, by whichever hand it is ended first."""
        return self.hours if self.runtime_limit_hours is None else min(self.hours, self.runtime_limit_hours)

    @property
    def unused(self) -> str:
        """That not all of what it was allowed to cost can be used, and what to do about that. Empty otherwise."""
        if self.asked is None:
            return ""
        asked, most = told_apart(self.asked, self.deposit)
        hours = _count(self.run_hours, "hour")
        return f"Of {asked} it can use {most} at most in {hours}, and add_funds lets it run longer."

    def _end(self) -> str:
        if self.runtime_limit_hours is not None:
            limit = _count(self.runtime_limit_hours, "hour")
            return _sentences(
                f"The account's credit pays while it runs. Akash closes it {limit} after its lease starts, also when "
                "this machine is off, and closing it earlier costs less.",
                self._shortened(),
                self.unused,
            )
        return _sentences(
            f"{self.deposit} goes into its escrow, and {_no_top_up(self.generation)}.",
            _own_end(self.deposit, self.max_usd_per_hour, self.hours),
            "What is not used comes back when it is closed.",
        )

    def _shortened(self) -> str:
        """Why the platform's limit is shorter than the run was to be. Empty where it is not."""
        if self.run_hours == self.hours:
            return ""
        if self.run_hours == FIRST_RUNTIME_HOURS:
            return f"It was to run for {self.hours}: add_funds lets it run longer once it is leased."
        return f"It was to run for {self.hours}, and at that rate no more than {self.run_hours} are paid for."


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasePlan(Plan):
    """Lease offers for a deployment that we created. What it can cost, `held`, is reserved already.

    `sellers` are the providers with what is known of their offers now.
    """

    dseq: Dseq
    providers: tuple[ProviderAddress, ...]
    max_usd_per_hour: Usd
    held: Usd = field(default=ZERO, compare=False)
    sellers: tuple[Seller, ...] = field(default=(), compare=False)
    contents: Contents = field(default=Contents(), compare=False)
    runtime_limit_hours: int | None = field(default=None, compare=False)
    generation: Generation = field(default=Generation.REFERENCE, compare=False)
    name: str = field(default="", compare=False)
    hours: int | None = field(default=None, compare=False)
    """How long it runs from its lease on, as it was approved with its creation; None where nobody did."""

    @property
    def most(self) -> Usd:
        return self.held

    @property
    def summary(self) -> str:
        sellers = self.sellers or tuple(Seller(provider) for provider in self.providers)
        named = f" ({label(self.name)})" if self.name else ""
        return _sentences(
            f"At most {self.held}, {'reserved' if self.runtime_limit_hours else 'in escrow'} already.",
            f"Lease deployment {self.dseq}{named} from {sellers_words(sellers)}: at most {self.max_usd_per_hour} "
            "an hour together.",
            f"It runs {self.contents.words}." if self.contents.apps else "",
            # What it asked of providers has chosen among their bids already.
            *replace(self.contents, filters=()).sentences,
            self._end(),
        )

    def _end(self) -> str:
        if self.runtime_limit_hours is not None:
            hours = _count(self.runtime_limit_hours, "hour")
            return (
                f"The account's credit pays while it runs, and Akash closes it {hours} after the lease starts, also "
                "when this machine is off."
            )
        asked = [each.usd_per_hour for each in self.sellers if each.usd_per_hour is not None]
        known = len(asked) == len(self.providers)
        rate = sum(asked, ZERO) if known else self.max_usd_per_hour
        return f"Its escrow pays, and {_no_top_up(self.generation)}. {_own_end(self.held, rate, self.hours)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FundPlan(Plan):
    """Let a deployment cost `amount` more, or run longer, or both. `ours`: we created it.

    The amount goes into its escrow, and is nothing where only its end is moved and its escrow pays for that; where
    Console funds deployments by itself it is what `more_hours` can cost.
    """

    dseq: Dseq
    amount: Usd
    ours: bool
    more_hours: int | None = None
    """Where Console funds deployments by itself: how much longer this amount lets it run."""
    run_hours: int | None = None
    """How many hours later the end comes that its run was approved with; None leaves that as it is."""
    ends_at: int | None = field(default=None, compare=False)
    """When its run ends now, in seconds since the epoch; None where nobody approved an end."""
    moved_to: int | None = field(default=None, compare=False)
    """When it ends then."""
    usd_per_hour: Usd = field(default=ZERO, compare=False)
    contents: Contents = field(default=Contents(), compare=False)
    generation: Generation = field(default=Generation.REFERENCE, compare=False)

    @property
    def exposure(self) -> Usd:
        return self.amount

    @property
    def summary(self) -> str:
        deployment = f"deployment {self.dseq}{_whose(self.ours)}"
        runs = f"It runs {self.contents.words}." if self.contents.apps else ""
        comma = "" if self.ours else ","
        if self.more_hours is not None:
            return _sentences(
                f"At most {self.amount} more.",
                f"Let {deployment}{comma} run {_hours(Decimal(self.more_hours))} longer than its limit says now.",
                runs,
                "The account's credit pays while it runs. Closing it earlier costs less.",
            )
        longer = (
            f"let it run {_count(self.run_hours, 'hour')} longer, {self._until()}" if self.run_hours else ""
        )
        if not self.amount:
            return _sentences(
                "No cost beyond what is reserved for it already.",
                f"For deployment {self.dseq}: {longer}. What is in its escrow pays for that at its rate of "
                f"{self.usd_per_hour} an hour.",
                runs,
                "Closing it earlier costs less.",
            )
        lasts = _lasting(self.amount, self.usd_per_hour)
        return _sentences(
            f"At most {self.amount} more.",
            f"Add it to the escrow of {deployment}{comma if longer else ''}{f' and {longer}' if longer else ''}.",
            f"At {self.usd_per_hour} an hour that pays for {lasts} more at least." if lasts else "",
            f"It is still closed at {in_utc(self.ends_at)}: hours moves that."
            if self.ends_at and not longer
            else "",
            runs,
            "What is left comes back when it is closed.",
        )

    def _until(self) -> str:
        return f"until {in_utc(self.moved_to or 0)}, when this server or akash-mcp watch closes it"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpPlan(Plan):
    """Switch the automatic top-up of a deployment (`reference`). `ours`: we created it.

    On, only the end of its run bounds what it costs, which our watch enforces: at its rate `total` in all the `hours`
    of its run. `amount` is what of that is not held for it yet. Off costs nothing.
    """

    dseq: Dseq
    enabled: bool
    ours: bool
    amount: Usd = ZERO
    total: Usd = ZERO
    hours: int = 0
    """From its lease on, and one more, in which its end may be late."""
    ends_at: int | None = None
    """When its run ends, in seconds since the epoch: an end that moved meanwhile is another plan."""
    usd_per_hour: Usd = field(default=ZERO, compare=False)
    contents: Contents = field(default=Contents(), compare=False)

    @property
    def exposure(self) -> Usd:
        return self.amount

    @property
    def most(self) -> Usd:
        return self.total

    @property
    def needs_no_approval(self) -> bool:
        return self.ours and not self.enabled

    @property
    def summary(self) -> str:
        deployment = f"deployment {self.dseq}{_whose(self.ours)}"
        if not self.enabled:
            comma = "" if self.ours else ","
            return (
                f"No cost. Switch automatic top-up of {deployment}{comma} off: then it ends when its escrow is used "
                "up, or earlier."
            )
        return _sentences(
            f"At most {self.amount} more."
            if self.amount
            else "No cost beyond what is reserved for it already.",
            f"Switch automatic top-up of {deployment} on: Akash Console then adds the account's credit whenever its "
            "escrow runs low.",
            f"It runs {self.contents.words}." if self.contents.apps else "",
            f"At {self.usd_per_hour} an hour it can cost {self.total} in all until {in_utc(self.ends_at or 0)}, when "
            "this server or akash-mcp watch closes it. Where neither runs then, as when this machine is off, the "
            "account's credit goes on paying until somebody closes it.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatePlan(Plan):
    """Make the account's client certificate (`2025`). `unneeded`: why there is nothing to do; empty where there is."""

    unneeded: str = ""

    @property
    def needs_no_approval(self) -> bool:
        return bool(self.unneeded)

    @property
    def summary(self) -> str:
        return self.unneeded or (
            "No cost. Make a client certificate for the account, put it on the chain and keep it, with its key, in the "
            "state folder on this machine: leases and updates go with it, and providers' logs are read with it."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePlan(Plan):
    """Replace the SDL of a deployment. Costs nothing. `changes` is None where what it runs now is not known here.

    `patch`: the named fields to send instead of the whole SDL, where the Console keeps definitions, and `version` the
    one that they were named from: no other is changed. `defines`: what runs now, for the Console to keep first.
    `is_idle`: it has no lease, so that nothing of it runs.
    """

    dseq: Dseq
    sdl: str = field(repr=False)
    manifest: str = field(repr=False)
    contents: Contents
    ours: bool
    changes: tuple[ServiceChange, ...] | None = None
    patch: Mapping[str, Mapping[str, Any]] | None = field(default=None, repr=False)
    version: str | None = None
    defines: str | None = field(default=None, repr=False)
    fresh: tuple[str, ...] = field(default=(), compare=False)
    """Names of secrets that may have another value since it got them."""
    receivers: tuple[ProviderAddress, ...] = field(default=(), compare=False)
    """Who gets its secrets, as far as that is known."""
    is_idle: bool = field(default=False, compare=False)

    @property
    def summary(self) -> str:
        deployment = f"deployment {self.dseq}{_whose(self.ours)}"
        if self.changes is None:
            what = f"Replace what {deployment} runs, which is not known here, by {self.contents.words}."
        elif self.changes:
            what = f"Change what {deployment} runs: {changes_words(self.changes)}."
        else:
            what = f"Deliver to {deployment} once more what it has already: {self.contents.words}."
        # Disks and placement cannot change.
        rest = replace(self.contents, disks=(), filters=()).sentences
        fresh = f"New values may go to it: {listed(self.fresh, str, 6)}." if self.fresh else ""
        whose = f"Its provider is {listed(self.receivers, str, 2)}." if self.receivers else ""
        effect = "Nothing of it runs yet." if self.is_idle else "Its containers restart."
        return _sentences("No cost by itself.", what, *rest, whose, fresh, effect)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePlan(Plan):
    """Close a deployment for good.

    `contents`, `hours` (since its lease, None where it has none) and `usd_per_hour` say what is lost. `lasting`: it
    keeps a disk, or ran for longer than `FREE_CLOSING_HOURS`. `paid_in`: all that was put behind it; None where that is
    not known.
    """

    dseq: Dseq
    ours: bool
    lasting: bool = field(default=False, compare=False)
    contents: Contents = field(default=Contents(), compare=False)
    hours: Decimal | None = field(default=None, compare=False)
    usd_per_hour: Usd = field(default=ZERO, compare=False)
    paid_in: Usd | None = field(default=None, compare=False)
    generation: Generation | None = field(default=None, compare=False)

    @property
    def needs_no_approval(self) -> bool:
        return self.ours and not self.lasting

    @property
    def summary(self) -> str:
        runs = f"It runs {self.contents.words}" if self.contents.apps else ""
        if runs and self.hours is not None:
            runs += f", {_for_so_long(self.hours)}"
        if runs and self.usd_per_hour:
            runs += f", at {self.usd_per_hour} an hour"
        disks = tuple(disk.words for disk in self.contents.disks[:2])
        more = f", {len(self.contents.disks) - 2} more" if len(self.contents.disks) > 2 else ""
        return _sentences(
            "No cost.",
            f"Close deployment {self.dseq}{_whose(self.ours)}, for good.",
            f"{runs}." if runs else "",
            f"Lost for good: {', '.join(disks)}{more}." if disks else "",
            "Its containers and all that they stored are deleted.",
            closing_gives_back(self.generation),
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
    def deployment(self) -> Dseq:
        return self.lease.dseq

    @property
    def summary(self) -> str:
        # Last, on a line of its own that Markdown shows as it stands: nothing in it can be taken for what we say.
        warning = "It can read, change and delete whatever it can reach from there."
        return f"{self.record} {warning}\n\n    {command_line(self.argv)}"

    @property
    def record(self) -> str:
        return _sentences(
            "No cost by itself.",
            f"Run a command in replica {self.pod_index} of service {label(self.service, 63)} of deployment "
            f"{self.lease.dseq}{_whose(self.ours)}, at provider {self.lease.provider}.",
        )


def closing_gives_back(generation: Generation | None) -> str:
    """What becomes of the money behind a deployment that is closed."""
    if generation is None:
        return "It costs nothing any more then."
    if generation is Generation.V2026_11:
        return "The account's credit pays for it no longer then."
    return "What is left in its escrow comes back."


def _no_top_up(generation: Generation) -> str:
    return "nothing tops it up" if generation is Generation.V2025 else "automatic top-up is off"


def _whose(ours: bool) -> str:
    return "" if ours else ", which this server did not create"


def _sentences(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _own_end(escrow: Usd, rate: Usd, hours: int | None) -> str:
    """What ends a deployment that no platform's limit ends: our hand, and behind it the escrow."""
    lasts, price = _lasting(escrow, rate), uact_per_block(rate)
    if hours is None:
        ends = f"At that rate it lasts {lasts} at least, and ends" if lasts else "It ends"
        return f"{ends} when its escrow is used up."
    run = _count(hours, "hour")
    if price and hours_paid_for(escrow, price) < hours:
        return (
            f"At that rate its escrow lasts {lasts} at least, and it ends when that is used up; what still runs {run} "
            "after its lease starts is closed by this server or akash-mcp watch."
        )
    behind = f", after {lasts} at least" if lasts else ""
    return (
        f"It is closed {run} after its lease starts, by this server or akash-mcp watch. If neither runs then, it ends "
        f"when its escrow is used up{behind}."
    )


def _lasting(amount: Usd, rate: Usd) -> str:
    """How long an amount pays for a rate at the least; empty for a rate of nothing."""
    price = uact_per_block(rate)
    return _hours(hours_paid_for(amount, price)) if price else ""


def _hours(hours: Decimal) -> str:
    """A time in words, rounded down."""
    if hours * 60 < 1:
        return "less than a minute"
    if hours < 1:
        return _count(int(hours * 60), "minute")
    if hours < 72:
        tenths = int(hours * 10)
        return _count(tenths // 10, "hour") if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10} hours"
    return _count(int(hours / 24), "day")


def _for_so_long(hours: Decimal) -> str:
    """How long something has run, so coarse that the question stays as it is while a person reads it."""
    return "for less than an hour" if hours < 1 else f"for over {_hours(Decimal(int(hours)))}"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _plain(value: Any) -> Any:
    """A value as JSON, with all that is compared of it."""
    if isinstance(value, Usd):
        return value.exact()
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.compare}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
