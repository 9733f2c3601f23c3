"""Work that the server owns, so that a client that cancels or disconnects does not interrupt a payment.

A tool starts an operation, waits for it a while, and answers with what is known. The work goes on, and its result is
found by its operation id. While it goes on its hold on its deployment is renewed; where another operation took the
deployment over, the work ends.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from akash_mcp.errors import AkashError, InternalError, LedgerUnusable, TakenOver
from akash_mcp.guard.books import holds, journal
from akash_mcp.guard.books.holds import UnderWay
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd
from akash_mcp.workflow.changes import Change, Changes

log = logging.getLogger(__name__)

T = TypeVar("T")

KEPT = 200
"""How many finished operations are remembered; the journal has all of them."""


@dataclass
class Running(Generic[T]):
    """One operation under way or finished. `stage`: how far it is, as a sentence. `result` or `error`: how it ended.

    `dseq` and `usd_per_hour` as soon as they are known: from then on it is leased and costs that much. `on_advance` is
    called with each stage.
    """

    op_id: OpId
    epoch: int = 1
    tries: int = 0
    stage: str = "started"
    dseq: Dseq | None = None
    usd_per_hour: Usd | None = None
    result: T | None = None
    error: AkashError | None = None
    on_advance: Callable[[Running[T]], None] = lambda running: None
    _done: anyio.Event = field(default_factory=anyio.Event)
    _moved: anyio.Event = field(default_factory=anyio.Event)

    def progress(self, stage: str) -> None:
        """Set `stage`, and wake those who wait."""
        self.stage = stage
        self.on_advance(self)
        self._wake()

    @property
    def is_done(self) -> bool:
        """Whether the work ended, with a result or an error."""
        return self._done.is_set()

    async def wait(self, seconds: float, on_progress: Callable[[str], Awaitable[None]]) -> T | None:
        """The result, or None if the work is still going on after `seconds`. `on_progress` is called with every stage.

        Raises the `AkashError` that the work ended with.
        """
        with anyio.move_on_after(seconds):
            while not self.is_done:
                moved = self._moved  # taken first: a stage that is set during `on_progress` is not missed
                await on_progress(self.stage)
                await moved.wait()
        if self.error is not None:
            raise self.error
        return self.result

    async def ended(self) -> None:
        """Wait until the work ended, whichever way."""
        await self._done.wait()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = anyio.Event()

    async def _run(self, work: Callable[[Running[T]], Awaitable[T]]) -> None:
        try:
            self.result = await work(self)
        except AkashError as error:
            self.error = error
        except Exception:  # one broken operation must not end the server, and all the others with it
            log.exception("operation %s broke", self.op_id)
            self.error = InternalError(
                f"Operation {self.op_id} failed inside this server.",
                money="What it did before that is in get_deployment.",
                next_step="Look with list_deployments before trying again.",
            )

    def _end(self) -> None:
        self._done.set()
        self._wake()


class Operations:
    """The operations of this process, in a task group that lives as long as the server."""

    def __init__(
        self,
        tasks: TaskGroup,
        store: Store,
        retry_seconds: Callable[[int], float] = lambda tries: min(15.0 * 2**tries, 3600.0),
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        changes: Changes | None = None,
    ) -> None:
        self._tasks = tasks
        self._store = store
        self._retry_seconds = retry_seconds
        self._sleep = sleep
        self._changes = changes or Changes()
        self._seen: dict[OpId, tuple[Dseq | None, Usd | None]] = {}
        self.on_rest: Callable[[], Awaitable[None]] | None = None
        """What is done each time that an operation has let go of its deployment: another may have waited for that."""
        self._running: dict[OpId, Running[Any]] = {}

    def start(
        self, op_id: OpId, work: Callable[[Running[T]], Awaitable[T]], *, epoch: int = 1, tries: int = 0
    ) -> Running[T]:
        """Start `work` on an operation that is ours from `epoch` on. Only the end of the server cancels it, or another
        worker that takes it over. What does not come to its end is taken up again later, after ever longer pauses:
        it was tried `tries` times before.
        """
        running: Running[T] = Running(op_id, epoch, tries, on_advance=self._note_progress)
        over = [known for known, other in self._running.items() if other.is_done]
        for known in over[: max(0, len(over) - KEPT)]:
            del self._running[known]
        self._running[op_id] = running
        self._tasks.start_soon(self._carry_out, running, work)
        return running

    def find(self, op_id: OpId) -> Running[Any] | None:
        """The operation with this id, if this process started it and has not forgotten it."""
        return self._running.get(op_id)

    async def under_way(self, dseq: Dseq) -> UnderWay | None:
        """The operation that has a deployment in hand, in this process or another; None too where nobody can tell."""
        try:
            return await self._store.read(holds.holder, dseq)
        except LedgerUnusable:
            log.exception("whether an operation is under way is not known")
            return None

    @property
    def under_way_here(self) -> list[Running[Any]]:
        """What this process works on."""
        return [running for running in self._running.values() if not running.is_done]

    async def stop(self) -> list[OpId]:
        """End all work where it stands, and let other workers go on with it at once: which it was."""
        left = self.under_way_here
        self._tasks.cancel_scope.cancel()
        for running in left:
            await running.ended()
            try:
                await self._store.run(holds.hand_over, running.op_id, epoch=running.epoch)
            except LedgerUnusable:
                log.exception("the hold of operation %s runs out by itself", running.op_id)
        return [running.op_id for running in left]

    async def _carry_out(self, running: Running[T], work: Callable[[Running[T]], Awaitable[T]]) -> None:
        try:
            with anyio.CancelScope() as working:
                async with anyio.create_task_group() as beside:
                    beside.start_soon(self._renew, running, working)
                    await running._run(work)
                    beside.cancel_scope.cancel()
            # Not reached where the server is stopped: what was sent may still be under way, and is handed over.
            await self._rest(running)
        finally:
            # Only now: whoever waited for it may act on its deployment at once.
            running._end()
        await self._tell_end(running)
        if self.on_rest is not None:
            try:
                await self.on_rest()
            except LedgerUnusable:
                log.exception("whether another operation waited for %s is not known", running.op_id)

    def _note_progress(self, running: Running[Any]) -> None:
        """Tell that a deployment was created, or leased; most stages change nothing that is shown."""
        now = running.dseq, running.usd_per_hour
        if now != self._seen.get(running.op_id, (None, None)):
            self._seen[running.op_id] = now
            self._changes.tell(Change(running.dseq))

    async def _tell_end(self, running: Running[Any]) -> None:
        self._seen.pop(running.op_id, None)
        dseq = running.dseq
        try:
            operation = await self._store.read(journal.newest, running.op_id)
        except LedgerUnusable:
            operation = None
        self._changes.tell(Change(operation.dseq if operation else dseq))

    async def _rest(self, running: Running[Any]) -> None:
        try:
            await self._store.run(
                holds.rest,
                running.op_id,
                epoch=running.epoch,
                failed=running.error is not None,
                seconds=self._retry_seconds(running.tries),
            )
        except LedgerUnusable:
            log.exception("the hold of operation %s runs out by itself", running.op_id)

    async def _renew(self, running: Running[Any], working: anyio.CancelScope) -> None:
        while True:
            await self._sleep(self._store.hold_seconds / 3)
            try:
                await self._store.run(holds.keep, running.op_id, running.epoch)
            except TakenOver as taken:
                if await self._is_over(running):
                    return  # by its own work, which has an answer to make, or goes on elsewhere
                running.error = taken
                working.cancel()
                return
            except LedgerUnusable:
                log.exception("the hold of operation %s could not be renewed", running.op_id)

    async def _is_over(self, running: Running[Any]) -> bool:
        try:
            return await self._store.read(holds.is_over, running.op_id, running.epoch)
        except LedgerUnusable:
            return False
