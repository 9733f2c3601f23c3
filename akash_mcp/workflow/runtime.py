"""What every workflow works with, built once in a process, before anything is sent."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel

from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.clients.console.key import ConsoleKey
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.provider.client import ProviderClient
from akash_mcp.clients.provider.http_probe import Probe, probe
from akash_mcp.clients.registry.reader import RegistryReader
from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.approval.approval import Approver
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.accounts import Accounts
from akash_mcp.guard.books.audit_heads import Heads
from akash_mcp.guard.books.evidence import Evidence
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.runs import HOUR_SECONDS
from akash_mcp.guard.books.sdls import Sdls
from akash_mcp.guard.books.store import HOLD_SECONDS, Store
from akash_mcp.guard.books.track_records import TrackRecords
from akash_mcp.guard.gate import Gate
from akash_mcp.guard.permits.operation import CERTAIN_SECONDS
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.ids import Dseq
from akash_mcp.workflow.changes import Changes
from akash_mcp.workflow.desk import Desk
from akash_mcp.workflow.notify import Notifier
from akash_mcp.workflow.operations import Operations

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How long to wait for what, in seconds. Beside an embedded network that runs faster they are shorter."""

    bid_poll: float = 2.0
    bid_settle: float = 8.0
    """How long better offers may still come after every group has an acceptable one."""
    bids_come: float = 32.0
    """For how long after an order providers bid: by their defaults up to 25 s, and a block or so until it shows."""
    bid_give_up: float = 90.0
    """Without an acceptable offer by then, the deployment is closed again. Console's page gives up at 60."""
    lookup_poll: float = 5.0
    lookup_settle: float = 45.0
    """Before that one found without a name is not taken up: Console gives up on a transaction after 36 s."""
    lookup_give_up: float = 60.0
    """How long a creation whose answer was lost is looked for at a time."""
    lookup_certain: float = 900.0
    """After that, what is in no list that can be read whole did not come about."""
    certain: float = CERTAIN_SECONDS
    """After that, money and leases that do not show did not come about."""
    bids_last: float = 300.0
    """For how long after its creation a deployment's bids can be taken."""
    approval_lasts: float = 600.0
    """For how long after a yes what it approved is still begun."""
    moves_on: float = 900.0
    """For how long after an attempt to launch was begun it is closed and made anew where its provider fails. What is
    older may have run, and somebody may use it."""
    retry: float = 6.0
    """How long to wait before harmless requests are repeated: delivering a manifest, closing, reading a new wallet."""
    provider_lag: float = 60.0
    """How long a provider may take to see a version that is on chain: as the Console says."""
    ready_poll: float = 3.0
    ready_steady: float = 10.0
    """How long everything has to run without a break before it is called ready, and a passing trouble may last."""
    ready_look: float = 8.0
    """How often events and logs are looked at while it does not run."""
    ready_give_up: float = 300.0
    crash_over: float = 600.0
    """How long ago what ended again and again was last seen to, before its running counts as more than a moment of it:
    the kubelet forgets too how often a container ended once it ran for so long."""
    reading: float = 1.0
    """Less than it takes a person to read a question and answer it. Nobody reads faster beside a faster network."""
    before_task: float = 1.0
    """How long long work is waited for before its call is answered with a task, where the client takes tasks."""
    first_look: float = 1.0
    """Before a server first looks for what others left."""
    watch: float = 30.0
    """Between two looks of the watch."""
    survey: float = 300.0
    """Between two comparisons of the ledger with the account, by the watch."""
    hour: float = HOUR_SECONDS
    """An hour of a run."""
    longest_retry: float = 3600.0
    """What does not work is tried again after `retry`, then twice as long each time, and at the most after this."""
    akua_poll: float = 2.0
    """Between two looks at what goes on at Akua."""
    akua_give_up: float = 900.0
    """How long the end of something is waited for that Akua took."""
    akua_lag: float = 60.0
    """How long after its end what was done at Akua may take to show."""
    hold: float = HOLD_SECONDS
    """How long an operation is left to a worker that gives no sign of life."""

    def before_retry(self, tries: int) -> float:
        """Seconds before what was tried so often without success is tried again."""
        return min(self.retry * float(2 ** min(tries + 1, 20)), self.longest_retry)

    def times(self, speed: float) -> Intervals:
        """These intervals for a chain that runs `speed` times as fast."""
        return Intervals(
            bid_poll=max(self.bid_poll / speed, 0.05),
            bid_settle=self.bid_settle / speed,
            bids_come=self.bids_come / speed,
            bid_give_up=self.bid_give_up / speed,
            lookup_poll=max(self.lookup_poll / speed, 0.05),
            lookup_settle=self.lookup_settle / speed,
            lookup_give_up=self.lookup_give_up / speed,
            lookup_certain=self.lookup_certain / speed,
            certain=self.certain / speed,
            bids_last=self.bids_last / speed,
            approval_lasts=self.approval_lasts / speed,
            moves_on=self.moves_on / speed,
            retry=max(self.retry / speed, 0.05),
            provider_lag=self.provider_lag / speed,
            ready_poll=max(self.ready_poll / speed, 0.05),
            ready_steady=self.ready_steady / speed,
            ready_look=self.ready_look / speed,
            ready_give_up=self.ready_give_up / speed,
            crash_over=self.crash_over / speed,
            reading=self.reading,
            before_task=self.before_task / speed,
            first_look=self.first_look,
            watch=max(self.watch / speed, 0.5),
            survey=max(self.survey / speed, 1.0),
            hour=self.hour / speed,
            longest_retry=self.longest_retry / speed,
            akua_poll=max(self.akua_poll / speed, 0.05),
            akua_give_up=self.akua_give_up / speed,
            akua_lag=self.akua_lag / speed,
            hold=max(self.hold / speed, 3.0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Akua:
    """What works with Akua. Nothing is asked of it, and its token is not read, before a tool needs it."""

    reader: AkuaReader
    desk: Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The services of one process. Tools get it from the server's lifespan."""

    reader: ConsoleReader
    provider: ProviderClient
    gate: Gate
    approver: Approver
    store: Store
    accounts: Accounts
    ledger: Ledger
    evidence: Evidence
    track_records: TrackRecords
    sdls: Sdls
    policy: Policy
    secrets: SecretStore
    notifier: Notifier
    heads: Heads
    key: ConsoleKey
    operations: Operations
    akua: Akua
    play_money: bool = False
    """Whether the network is an embedded one that this process started, of which alone it is certain."""
    intervals: Intervals = field(default_factory=Intervals)
    changes: Changes = field(default_factory=Changes)
    visit: Callable[[str], Awaitable[Probe]] = probe
    """Looks once at a web address of a service, as any visitor does."""
    open_registries: Callable[[], RegistryReader] = RegistryReader
    """Opens a reader of registries, for one look at images."""
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    now: Callable[[], float] = time.time
    """Seconds since the epoch."""
    prepare_questions: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint
    """Has what questions are sealed with at hand."""

    @property
    def desk(self) -> Desk:
        """Where plans about Akash become deeds."""
        return Desk(
            store=self.store,
            approver=self.approver,
            account=self.accounts,
            operations=self.operations,
            key=self.key,
        )

    async def tell_person(self) -> None:
        """Tell the person what was found, by the way that they chose, and keep the audit's newest hash, and how far the
        ledger went, outside of it. Nothing that goes wrong with that is raised.
        """
        await self.notifier.deliver(self.store)
        try:
            await self.heads.keep(self.store)
            await self.accounts.keep_history()
        except LedgerUnusable:
            log.exception("how far the ledger and its audit went was not kept")

    async def learn_secrets(self, dseq: Dseq) -> tuple[str, ...]:
        """Know the secrets that a deployment got from here, so that they are hidden.

        The names of those that cannot be read. Where the ledger cannot be read nobody knows which it has.
        """
        try:
            names = await self.store.read(journal.secrets_of, dseq)
        except LedgerUnusable:
            return ()
        return await self.secrets.learn(names)
